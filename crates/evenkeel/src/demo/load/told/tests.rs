//! Unit tests.

use payments_message::message::{Original, PaymentId, Version};
use payments_message::reason::Reason;
use payments_message::status::{Because, Outcome, Report, Scope, Status};

use super::{Told, Verdict, group_reasons};

fn report(scope: Scope, transactions: usize) -> Vec<u8> {
    let id = |index| PaymentId { end_to_end: format!("E{index}"), ..PaymentId::default() };
    Report {
        id: "R1".into(),
        created: "2026-11-20T08:00:00.000Z".into(),
        from: None,
        to: Some("DEMOIE2D".into()),
        original: Original {
            version: Version::V08,
            message_id: "EK-1".into(),
            created: None,
            count: Some(transactions.to_string()),
            transactions: (0..transactions).map(id).collect(),
        },
        scope,
    }
    .write()
    .unwrap()
}

#[test]
fn an_answer_is_read_as_it_was_written() {
    // Without this, the demo would count settled payments that were not, and miss those that were.
    let outcome = |status, because| Outcome { status, because, accepted: None, settled_on: None };
    let because = || vec![Because { reason: Reason::AM04, text: "no <Cd>money</Cd>".into() }];
    let scope = Scope::Each(vec![
        outcome(Status::Settled, Vec::new()),
        outcome(Status::Rejected, because()),
        outcome(Status::Settled, Vec::new()),
    ]);
    let told = Told::Decided(report(scope, 3).into());
    let verdict = |status: &str, reason: &str| Verdict {
        status: status.to_owned(),
        reason: reason.to_owned(),
    };
    let expected = vec![verdict("ACSC", ""), verdict("RJCT", "AM04"), verdict("ACSC", "")];
    assert_eq!(told.verdicts(), expected);
    assert!(!told.is_settled());
    assert_eq!(told.summary(), "2 × ACSC, RJCT AM04");

    let scope = Scope::Group { status: Status::Rejected, because: because() };
    let text = String::from_utf8(report(scope, 1)).unwrap();
    assert_eq!(group_reasons(&text), ["AM04"]);
}
