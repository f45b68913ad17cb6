//! Each payment has one outcome, and what a node has once told it does not forget while it runs.

use std::collections::BTreeMap;

use bytes::Bytes;
use lincheck::models::Once;
use lincheck::{Operation, Verdict, check};

use super::Judgement;
use crate::load::{History, Told, outcome};

/// Steps for one payment's history, which has a few operations.
const STEPS_MAX: u64 = 100_000;

pub(super) fn judge(history: &History, judgement: &mut Judgement) {
    let mut by_payment: BTreeMap<usize, Vec<Operation<bool, Option<Bytes>>>> = BTreeMap::new();
    for attempt in &history.attempts {
        let (called, at) = (attempt.called_us, attempt.at_us);
        let operation = match &attempt.told {
            Told::Decided(answer) => Operation::answered(false, called, Some(answer.clone()), at),
            Told::Unknown { .. } => Operation::pending(false, called),
            Told::NotDone { .. } => continue,
            Told::Wrong { what } => {
                let name = name(history, attempt.payment);
                judgement.anomalies.push(format!("{name}: a valid payment was told {what}"));
                continue;
            }
        };
        by_payment.entry(attempt.payment).or_default().push(operation);
    }
    for look in &history.looks {
        // That a node does not know a payment yet says nothing.
        if let Some(found) = &look.found {
            let told = Operation::answered(true, look.called_us, Some(found.clone()), look.at_us);
            by_payment.entry(look.payment).or_default().push(told);
        }
    }
    for (payment, operations) in by_payment {
        judgement.operations += operations.len() as u64;
        let name = name(history, payment);
        let answers = operations.iter().filter_map(|one| one.response.as_ref()?.output.as_ref());
        if let Some(odd) = answers.clone().find(|answer| outcome(answer).is_none()) {
            let odd = String::from_utf8_lossy(odd);
            judgement.anomalies.push(format!("{name}: an outcome that none expects: {odd}"));
        }
        let count = operations.len();
        match check(&Once::new(), &operations, STEPS_MAX) {
            Verdict::Linearizable(_) => judgement.searched += 1,
            Verdict::NotLinearizable { .. } => {
                let line = format!("{name}: {count} answers that are not one outcome");
                judgement.anomalies.push(line);
            }
            Verdict::Undecided { .. } => judgement.too_wide += 1,
        }
    }
    forgotten(history, judgement);
}

/// A node that knew an outcome and does not know it later, without having been started again.
fn forgotten(history: &History, judgement: &mut Judgement) {
    let mut known: BTreeMap<(usize, u64, usize), u64> = BTreeMap::new();
    for look in &history.looks {
        if let (Some(start), Some(_)) = (look.start, &look.found) {
            let first = known.entry((look.node, start, look.payment)).or_insert(look.at_us);
            *first = look.at_us.min(*first);
        }
    }
    for look in history.looks.iter().filter(|look| look.found.is_none()) {
        let Some(start) = look.start else { continue };
        let first = known.get(&(look.node, start, look.payment));
        if first.is_some_and(|first| *first < look.called_us) {
            let (node, name) = (look.node + 1, name(history, look.payment));
            judgement.anomalies.push(format!("{name}: node {node} knew it and forgot it"));
        }
    }
}

fn name(history: &History, payment: usize) -> &str {
    history.payments.get(payment).map_or("?", |payment| payment.name.as_str())
}
