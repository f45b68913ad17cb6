//! Answers that are not validated before they leave must be valid for every verdict there is.

use payments_message::verdict::verdicts;
use payments_model::{Message, Reason, Transaction, Verdict, Version};
use types::{Amount, Currency, Stamp};

use super::{Decision, decided};

/// If one reason, version or sender made an answer invalid, its receiver could not read what became
/// of the payment, and would pay again.
#[test]
fn every_answer_of_the_ledger_is_valid() {
    let all: Vec<Verdict> = Reason::ALL
        .into_iter()
        .map(Verdict::Rejected)
        .chain([Verdict::Settled, Verdict::Pending])
        .collect();
    let mixed: Vec<Vec<Verdict>> =
        all.iter().map(|verdict| vec![*verdict]).chain([all.clone()]).collect();
    // As long as the schemas allow, and of characters that are markup elsewhere.
    let (long, odd) = ("Ä".repeat(35), "<&>\"'\u{9}\r\n\u{10FFFF} ]]>".to_owned());
    for version in [Version::V08, Version::V10, Version::V12, Version::V13] {
        for (id, sender) in [
            (long.as_str(), "COBADEFFXXX"),
            (odd.as_str(), "COBADEFF"),
            ("1", "MMB:USABA:021040078"),
            ("1", "UNNAMED"),
        ] {
            for verdicts_given in &mixed {
                check(version, id, sender, verdicts_given);
            }
        }
    }
}

fn check(version: Version, id: &str, sender: &str, given: &[Verdict]) {
    let one = Transaction {
        // Of version 4, as the schema wants it.
        uetr: Some([0xAB, 0, 0, 0, 0, 0, 0x4A, 0, 0x8F, 0, 0, 0, 0, 0, 0, 0]),
        amount: Amount(1),
        instruction_id: Some(id),
        end_to_end_id: id,
        transaction_id: Some(id),
        debtor: "a",
        creditor: "b",
        debtor_agent: None,
        creditor_agent: None,
    };
    let message = Message {
        currency: Currency::from_code("EUR").expect("a currency"),
        version,
        settlement_date: None,
        sender,
        message_id: id,
        transactions: vec![one; given.len()],
    };
    let decision = Decision::first(Stamp(1_795_161_600_000_000), given.to_vec());
    let written = decided(&message, &decision).expect("an answer");
    let found = verdicts(&written).expect("well-formed XML");
    let [verdict] = found.as_slice() else { panic!("one document") };
    assert_eq!(verdict.departure, None, "{version:?} {id:?} {sender} {given:?}");
}
