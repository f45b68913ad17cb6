//! Data, drafts and randomness that the tests share.

use std::path::PathBuf;

use payments_message::sample::{Draft, Payment, german_iban, uetr};
use types::{Amount, Currency};

/// Published data beside the workspace, if it is there.
#[expect(clippy::print_stdout, reason = "a test that checks nothing must say so")]
pub(crate) fn shared(folder: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    let path = root.join(folder);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}

/// A message of every version that uses as many elements as possible, valid against its schema.
pub(crate) fn rich(message: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
    std::fs::read_to_string(folder.join(format!("{message}.xml"))).expect("a sample per version")
}

/// Random numbers that are the same in every run (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("a small bound");
        usize::try_from(self.next() % bound).expect("below a usize")
    }

    pub(crate) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

/// A draft that passes every rule.
pub(crate) fn draft(payments: u64) -> Draft {
    let one = |index: u64| Payment {
        instruction_id: format!("INSTR-{index}"),
        end_to_end_id: format!("E2E-{index}"),
        transaction_id: format!("TX-{index}"),
        uetr: uetr(u128::from(index) * 0x1_0000_0001),
        amount: Amount(10_050 + u128::from(index)),
        currency: Currency::from_code("EUR").expect("an active currency"),
        debtor: "Søn & Datter <A/S>".to_owned(),
        debtor_iban: german_iban(37_040_044, 532_013_000 + index),
        creditor: "Example \"Trading\" S.A.".to_owned(),
        creditor_iban: german_iban(50_010_517, 648_489_890 + index),
        purpose: Some("SUPP".to_owned()),
        remittance: "Invoice 4711\r\nless 2%".to_owned(),
    };
    Draft {
        message_id: "MSG-1".to_owned(),
        created: "2026-11-20T08:00:00.000Z".to_owned(),
        settlement_date: "2026-11-20".to_owned(),
        instructing: "COBADEFFXXX".to_owned(),
        instructed: "INGDDEFF".to_owned(),
        payments: (0..payments).map(one).collect(),
    }
}

/// [`draft`] in .08, changed as text.
pub(crate) fn changed(from: &str, to: &str) -> String {
    let bytes = draft(2).write(payments_message::message::Version::V08);
    let text = String::from_utf8(bytes).expect("UTF-8");
    assert!(text.contains(from), "{from} is not in the draft");
    text.replacen(from, to, 1)
}
