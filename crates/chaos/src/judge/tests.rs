//! Without these, a run could end with "no anomalies" because nobody looked.

use bytes::Bytes;
use lincheck::models::Sums;

use super::{doctored, judge};
use crate::ask::Digest;
use crate::load::{Attempt, Circle, FUNDING, History, Look, Payment, Read, Told, outcome};

fn answer(status: &str, reason: &str, name: &str) -> Bytes {
    let reason = if reason.is_empty() { String::new() } else { format!("<Cd>{reason}</Cd>") };
    let text = format!("<Id>{name}</Id><TxInfAndSts><TxSts>{status}</TxSts>{reason}</TxInfAndSts>");
    Bytes::from(text)
}

/// A right history: sixty payments of 400 each from the first account of one circle to the others,
/// of which the first two are settled and all others short, one after the other; then reads, looks,
/// and nodes that hold just that. One payment more was not done.
fn right() -> History {
    let mut history = History { circles: vec![Circle::new(0)], ..History::default() };
    let mut sums = [Sums { debits: 0, credits: FUNDING }; 4];
    for number in 0..60_usize {
        let name = format!("COBADEFF/{number}");
        let settles = number < 2;
        let bytes = Bytes::from(name.clone());
        let (debtor, creditor, amount) = (0, 1 + number % 3, 400);
        history.payments.push(Payment {
            name: name.clone(),
            circle: 0,
            debtor,
            creditor,
            amount,
            bytes,
        });
        let told = if settles { answer("ACSC", "", &name) } else { answer("RJCT", "AM04", &name) };
        if settles {
            sums[debtor].debits += amount;
            sums[creditor].credits += amount;
        }
        let called_us = 1_000 * number as u64 + 100;
        let (at_us, stamp) = (called_us + 500, 1_000_000 + called_us);
        let told_us = Told::Decided(told.clone());
        history.attempts.push(Attempt { payment: number, called_us, at_us, told: told_us });
        history.end.stamps.insert(number, stamp);
        for node in 0..3 {
            history.end.reports.insert((node, number), Some(told.clone()));
        }
        for (account, sums) in sums.iter().enumerate() {
            let (called_us, at_us) = (at_us + 50, at_us + 60);
            let (circle, start) = (0, Some(1));
            let read = Read {
                node: 0,
                start,
                circle,
                account,
                called_us,
                at_us,
                sums: *sums,
                closed_us: stamp,
                is_linearizable: account % 2 == 1,
            };
            history.reads.push(read);
        }
        let (called_us, at_us, found) = (at_us + 50, at_us + 60, Some(told));
        history.looks.push(Look {
            node: 1,
            start: Some(1),
            payment: number,
            called_us,
            at_us,
            found,
        });
    }
    let bytes = Bytes::from_static(b"not done");
    let name = "COBADEFF/not-done".to_owned();
    history.payments.push(Payment { name, circle: 0, debtor: 1, creditor: 2, amount: 1, bytes });
    let told = Told::NotDone { why: "busy".to_owned() };
    history.attempts.push(Attempt { payment: 60, called_us: 90_000, at_us: 90_100, told });
    history.end.is_known = true;
    for node in 0..3 {
        history.end.reports.insert((node, 60), None);
        history.end.balanced.insert(node, true);
        for (account, sums) in sums.iter().enumerate() {
            history.end.accounts.insert((node, 0, account), *sums);
        }
        let digest = Digest { applied: 60, head: "h".to_owned(), digest: "d".to_owned() };
        history.end.digests.entry(node).or_default().insert(0, digest);
    }
    history
}

#[test]
fn a_right_history_is_called_right() {
    // A suite that fails for no reason is soon not looked at.
    let judgement = judge(&right());
    assert_eq!(judgement.anomalies, Vec::<String>::new());
    assert_eq!((judgement.searched, judgement.too_wide), (62, 0));
}

#[test]
fn every_doctored_history_is_called_wrong() {
    // A suite that has never failed.
    let copies = doctored(&right());
    assert_eq!(copies.len(), 9, "all of them can be made of it");
    for (what, copy) in copies {
        assert!(!judge(&copy).anomalies.is_empty(), "not found: {what}");
    }
}

#[test]
fn an_outcome_that_stays_unknown_is_an_anomaly() {
    // A cluster that never comes back, and clients that are left alone with it.
    let mut history = right();
    let told = Told::Unknown { why: "no answer".to_owned() };
    history.attempts.push(Attempt { payment: 60, called_us: 91_000, at_us: 95_000, told });
    assert_eq!(judge(&history).anomalies.len(), 1);
}

#[test]
fn a_node_that_goes_back_or_forgets_is_found() {
    // Reads that are each right and together are not.
    let mut history = right();
    let mut stale = history.reads[0];
    (stale.called_us, stale.at_us) = (99_000, 99_001);
    history.reads.push(stale);
    assert_eq!(judge(&history).anomalies.len(), 1);
    // Another start of it may.
    history.reads.last_mut().expect("just pushed").start = Some(2);
    assert_eq!(judge(&history).anomalies, Vec::<String>::new());
    let mut forgot = history.looks[0].clone();
    (forgot.called_us, forgot.at_us, forgot.found) = (99_000, 99_001, None);
    history.looks.push(forgot);
    assert_eq!(judge(&history).anomalies.len(), 1);
}

#[test]
fn only_the_two_outcomes_that_can_be_are_known() {
    // An answer that is taken for a settlement because nobody read it.
    assert!(outcome(&answer("ACSC", "", "a")).is_some());
    assert!(outcome(&answer("RJCT", "AM04", "a")).is_some());
    assert!(outcome(&answer("RJCT", "AC03", "a")).is_none());
    assert!(outcome(b"<Document/>").is_none());
    let mut history = right();
    history.attempts[5].told = Told::Decided(answer("RJCT", "AC03", "a"));
    assert!(!judge(&history).anomalies.is_empty());
}
