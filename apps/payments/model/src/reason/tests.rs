//! Codes that exist, texts that fit, numbers that stay.

use std::path::Path;
use std::{fs, println};

use super::*;

/// An answer would carry a code that no bank knows.
#[test]
fn codes_are_in_the_iso_sets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/iso20022-codes")
        .join("external_status_reason_code.json");
    let Ok(text) = fs::read_to_string(&folder) else {
        println!("skipped: {} is absent", folder.display());
        return;
    };
    let set: serde_json::Value = serde_json::from_str(&text).unwrap();
    for reason in Reason::ALL {
        let meaning = set.get("codes").and_then(|codes| codes.get(reason.code()));
        assert!(meaning.is_some(), "{} is no ISO reason", reason.code());
    }
}

/// A pacs.002 with a longer text is not valid against its schema.
#[test]
fn texts_fit_into_an_answer() {
    for reason in Reason::ALL {
        let length = reason.text().chars().count();
        assert!((1..=105).contains(&length), "{reason:?} has {length} characters");
        assert_eq!(reason.code().len(), 4);
    }
}

/// Verdicts that are stored today would be read as others tomorrow.
#[test]
fn numbers_are_as_they_ever_were() {
    assert_eq!(Verdict::Settled.number(), 0);
    for (number, reason) in (1_u8..).zip(Reason::ALL) {
        assert_eq!(Verdict::Rejected(reason).number(), number);
        assert_eq!(Verdict::from_number(number), Ok(Verdict::Rejected(reason)));
    }
    assert_eq!(Verdict::from_number(0), Ok(Verdict::Settled));
    assert_eq!(Verdict::from_number(255), Ok(Verdict::Pending));
    for number in 22..=254 {
        assert!(Verdict::from_number(number).is_err());
    }
}

/// A history would claim a check that was not passed, or leave out one that was.
#[test]
fn histories_end_at_the_stage_that_refused() {
    let cases = [
        (Verdict::Settled, "ACTC ACCP ACSP ACSC"),
        (Verdict::Rejected(Reason::DuplicateUetr), "RJCT"),
        (Verdict::Rejected(Reason::AmountTooLarge), "RJCT"),
        (Verdict::Rejected(Reason::DebtorUnknown), "ACTC RJCT"),
        (Verdict::Rejected(Reason::CreditorBlocked), "ACTC RJCT"),
        (Verdict::Rejected(Reason::InsufficientFunds), "ACTC ACCP RJCT"),
        (Verdict::Rejected(Reason::SettlementFailed), "ACTC ACCP ACSP RJCT"),
    ];
    for (verdict, expect) in cases {
        let history = verdict.history(Stamp(7), None);
        let codes: Vec<_> = history.iter().map(|step| step.status.code()).collect();
        assert_eq!(codes.join(" "), expect);
        assert!(history.iter().all(|step| step.stamp == Stamp(7)));
        assert_eq!(history.last().map(|step| step.status), Some(verdict.status()));
    }
    let pending = Verdict::Pending.history(Stamp(7), None);
    let codes: Vec<_> = pending.iter().map(|step| step.status.code()).collect();
    assert_eq!(codes.join(" "), "ACTC ACCP ACSP");
    let ended = Verdict::Rejected(Reason::CreditorUnknown).history(Stamp(7), Some(Stamp(9)));
    let steps: Vec<_> = ended.iter().map(|step| (step.status.code(), step.stamp.0)).collect();
    assert_eq!(steps, [("ACTC", 7), ("ACCP", 7), ("ACSP", 7), ("RJCT", 9)]);
    let within = Reason::ALL.into_iter().take(17);
    let stages: Vec<_> = within.map(Reason::stages_passed).collect();
    assert!(stages.is_sorted(), "the order of reasons is the order of stages");
}
