//! Measures reading, validating and writing on one core.
//!
//! `cargo run --release -p payments-message --example speed -- [ROUNDS]`, best of so many rounds of
//! 200; on a busy machine take more.
#![expect(clippy::print_stdout, reason = "a command-line tool")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::hint::black_box;
use std::time::Instant;

use payments_message::message::Version;
use payments_message::sample::{Draft, Payment, german_iban, uetr};
use payments_message::status::{Outcome, Report, Scope, Status};
use payments_message::{read, verdict};
use types::{Amount, Currency};

fn draft(payments: u64) -> Draft {
    let currency = Currency::from_code("EUR").expect("an active currency");
    let one = |index: u64| Payment {
        instruction_id: format!("INSTR-2026112008{index:012}"),
        end_to_end_id: format!("E2E-ORDER-77120-{index:012}"),
        transaction_id: format!("TX-2026112008-{index:012}"),
        uetr: uetr(u128::from(index) << 64 | 0x1234_5678),
        amount: Amount(123_456 + u128::from(index)),
        currency,
        debtor: "Muster & Söhne Maschinenbau GmbH".to_owned(),
        debtor_iban: german_iban(37_040_044, 532_013_000 + index),
        creditor: "Example Trading Company S.A.".to_owned(),
        creditor_iban: german_iban(50_010_517, 648_489_890 + index),
        purpose: Some("SUPP".to_owned()),
        remittance: "Invoice 2026-11-4711 of 12 November, order 77120, less 2% discount".to_owned(),
    };
    Draft {
        message_id: "MSG-20261120-080000-000000001".to_owned(),
        created: "2026-11-20T08:00:00.000Z".to_owned(),
        settlement_date: "2026-11-20".to_owned(),
        instructing: "COBADEFFXXX".to_owned(),
        instructed: "INGDDEFFXXX".to_owned(),
        payments: (0..payments).map(one).collect(),
    }
}

fn time(name: &str, bytes: usize, mut work: impl FnMut()) {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(200);
    let mut best = f64::MAX;
    for _ in 0..rounds {
        let begun = Instant::now();
        for _ in 0..200 {
            work();
        }
        best = best.min(begun.elapsed().as_secs_f64() / 200.0);
    }
    println!("{name:<34} {:>8.2} µs  {bytes:>6} bytes", best * 1e6);
}

fn main() {
    for payments in [1, 10] {
        let draft = draft(payments);
        let bytes = draft.write(Version::V08);
        let message = read(&bytes).expect("a valid message");
        time(&format!("read and validate {payments}"), bytes.len(), || {
            black_box(read(black_box(&bytes))).expect("a valid message");
        });
        time(&format!("validate only {payments}"), bytes.len(), || {
            black_box(verdict::verdicts(black_box(&bytes))).expect("a valid message");
        });
        time(&format!("write pacs.008 {payments}"), bytes.len(), || {
            black_box(draft.write(Version::V08));
        });
        let outcome = Outcome {
            status: Status::Settled,
            because: Vec::new(),
            accepted: Some("2026-11-20T08:00:00.100Z".to_owned()),
            settled_on: None,
        };
        let report = Report {
            id: "RPT-20261120-000000001".to_owned(),
            created: "2026-11-20T08:00:00.200Z".to_owned(),
            from: Some("INGDDEFFXXX".to_owned()),
            to: Some("COBADEFFXXX".to_owned()),
            original: message.original(),
            scope: Scope::Each(vec![outcome; message.transactions.len()]),
        };
        let answer = report.write().expect("a valid report");
        time(&format!("write pacs.002 {payments}"), answer.len(), || {
            black_box(report.write_known()).expect("a report");
        });
        time(&format!("write and validate pacs.002 {payments}"), answer.len(), || {
            black_box(report.write()).expect("a valid report");
        });
    }
}
