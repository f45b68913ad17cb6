//! What nodes held in the end is what clients were told.

use std::collections::BTreeMap;

use lincheck::models::{Sums, Told as Money};

use super::Judgement;
use crate::load::{FUNDING, History, Told, outcome};

pub(super) fn judge(history: &History, judgement: &mut Judgement) {
    let decided = history.decided();
    let name = |payment: usize| history.payments.get(payment).map_or("?", |one| one.name.as_str());
    for payment in history.open() {
        let name = name(payment);
        judgement
            .anomalies
            .push(format!("{name}: nobody knows its outcome, without any fault left"));
    }
    for ((node, payment), report) in &history.end.reports {
        let (node, name) = (node + 1, name(*payment));
        let told = decided.get(payment).map(|(_, answer)| answer);
        let wrong = match (told, report) {
            (Some(told), Some(report)) if told != report => "has another answer than was told",
            (Some(_), None) => "has lost what was acknowledged",
            (None, Some(_)) if is_not_done(history, *payment) => {
                "has carried out what was said not to be done"
            }
            (Some(_) | None, Some(_)) | (None, None) => continue,
        };
        judgement.anomalies.push(format!("{name}: node {node} {wrong}"));
    }
    let due = due(history);
    for ((node, circle, account), sums) in &history.end.accounts {
        let due = due.get(&(*circle, *account)).copied().unwrap_or_default();
        if due != *sums {
            judgement.anomalies.push(format!(
                "node {}: account {} of circle {}: clients were told {due:?}, it holds {sums:?}",
                node + 1,
                account + 1,
                circle + 1
            ));
        }
    }
    for (node, balanced) in &history.end.balanced {
        if !balanced {
            judgement.anomalies.push(format!("node {}: its books do not balance", node + 1));
        }
    }
    let mut digests = history.end.digests.iter();
    if let Some((first, expected)) = digests.next() {
        for (node, found) in digests.filter(|(_, found)| *found != expected) {
            let differ = expected.iter().filter(|(group, one)| found.get(group) != Some(one));
            let groups: Vec<String> = differ.map(|(group, _)| group.to_string()).collect();
            judgement.anomalies.push(format!(
                "nodes {} and {} differ in groups {}",
                first + 1,
                node + 1,
                groups.join(", ")
            ));
        }
    }
}

/// Whether every client that asked for it was told that nothing was done.
fn is_not_done(history: &History, payment: usize) -> bool {
    let mut asked = history.attempts.iter().filter(|attempt| attempt.payment == payment).peekable();
    asked.peek().is_some() && asked.all(|one| matches!(one.told, Told::NotDone { .. }))
}

/// What each account comes to by the answers alone, by circle and place.
fn due(history: &History) -> BTreeMap<(usize, usize), Sums> {
    let mut due: BTreeMap<(usize, usize), Sums> = BTreeMap::new();
    for (circle, of) in history.circles.iter().enumerate() {
        for account in 0..of.keys.len() {
            due.insert((circle, account), Sums { debits: 0, credits: FUNDING });
        }
    }
    for (payment, (_, answer)) in history.decided() {
        let one = history.payments.get(payment);
        if let (Some(one), Some(Money::Settled)) = (one, outcome(&answer)) {
            due.entry((one.circle, one.debtor)).or_default().debits += one.amount;
            due.entry((one.circle, one.creditor)).or_default().credits += one.amount;
        }
    }
    due
}
