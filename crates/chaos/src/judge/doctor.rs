//! Copies of a history in which one thing is wrong: a judge that finds none of it judges nothing.
//!
//! Every run shows its judge these copies of what it has just called right. Each is a fault that a
//! broken node could have made.

use bytes::Bytes;
use lincheck::models::Told as Money;

use crate::load::{History, Told, outcome};

/// Makes one thing wrong, if there is such a thing.
type Doctor = fn(&mut History) -> Option<()>;

/// The copies, each with what was done to it. What the history holds nothing of is left out.
pub(crate) fn doctored(history: &History) -> Vec<(&'static str, History)> {
    let doctors: [(&'static str, Doctor); 9] = [
        ("an acknowledged payment is lost at one node", lose),
        ("a payment was carried out twice", repeat),
        ("a payment has two outcomes", contradict),
        ("a payment is settled without funds", overdraw),
        ("a read shows money that was not paid yet", read_ahead),
        ("a linearizable read lacks what was acknowledged before", read_late),
        ("a later payment stands before an earlier one", overtake),
        ("a payment that was not done is known", carry_out),
        ("two nodes differ in one group", diverge),
    ];
    let copies = doctors.into_iter().filter_map(|(what, doctor)| {
        let mut copy = history.clone();
        doctor(&mut copy).map(|()| (what, copy))
    });
    copies.collect()
}

fn lose(history: &mut History) -> Option<()> {
    let report = history.end.reports.values_mut().find(|report| report.is_some())?;
    *report = None;
    Some(())
}

fn repeat(history: &mut History) -> Option<()> {
    let settled = history.decided().into_iter().find_map(|(payment, (_, answer))| {
        matches!(outcome(&answer), Some(Money::Settled)).then_some(payment)
    })?;
    let one = history.payments.get(settled)?.clone();
    for ((_, circle, account), sums) in &mut history.end.accounts {
        if *circle == one.circle && *account == one.debtor {
            sums.debits += one.amount;
        }
        if *circle == one.circle && *account == one.creditor {
            sums.credits += one.amount;
        }
    }
    Some(())
}

fn contradict(history: &mut History) -> Option<()> {
    let decided = |told: &Told| matches!(told, Told::Decided(_));
    let first = history.attempts.iter().find(|attempt| decided(&attempt.told))?.clone();
    let other = history.attempts.iter().find(|one| decided(&one.told) && one.told != first.told)?;
    let told = other.told.clone();
    let called_us = first.at_us + 1;
    let mut again = first;
    (again.called_us, again.at_us, again.told) = (called_us, called_us + 1, told);
    history.attempts.push(again);
    Some(())
}

fn overdraw(history: &mut History) -> Option<()> {
    let decided = history.decided();
    let settled = decided.values().find(|(_, answer)| is(answer, Money::Settled))?.1.clone();
    let short = decided.iter().find(|(_, (_, answer))| is(answer, Money::Short))?.0;
    for attempt in history.attempts.iter_mut().filter(|attempt| attempt.payment == *short) {
        if matches!(attempt.told, Told::Decided(_)) {
            attempt.told = Told::Decided(settled.clone());
        }
    }
    // So that only the accounts give it away.
    history.looks.retain(|look| look.payment != *short);
    history.end.reports.retain(|(_, payment), _| payment != short);
    history.end.accounts.clear();
    Some(())
}

fn is(answer: &Bytes, told: Money) -> bool {
    outcome(answer) == Some(told)
}

fn read_ahead(history: &mut History) -> Option<()> {
    let reads = &history.reads;
    let (earlier, sums) = reads.iter().rev().find_map(|later| {
        let earlier = reads.iter().position(|read| {
            (read.circle, read.account) == (later.circle, later.account) && read.sums != later.sums
        });
        Some((earlier?, later.sums))
    })?;
    history.reads.get_mut(earlier)?.sums = sums;
    Some(())
}

/// As of a home that was replaced and answered all the same.
fn read_late(history: &mut History) -> Option<()> {
    let decided = history.decided();
    let currency = |circle: usize| history.circles.get(circle).map(|circle| circle.currency);
    let (index, at_us) = history.reads.iter().enumerate().find_map(|(index, read)| {
        let is_missed = |(payment, (_, _)): &(&usize, &(u64, Bytes))| {
            let one = history.payments.get(**payment);
            let stamp = history.end.stamps.get(*payment);
            one.is_some_and(|one| currency(one.circle) == currency(read.circle))
                && stamp.is_some_and(|stamp| *stamp > read.closed_us)
        };
        let (_, (at_us, _)) = decided.iter().find(is_missed)?;
        read.is_linearizable.then_some((index, *at_us))
    })?;
    let read = history.reads.get_mut(index)?;
    (read.called_us, read.at_us) = (at_us + 1, at_us + 2);
    Some(())
}

fn overtake(history: &mut History) -> Option<()> {
    let decided = history.decided();
    let mut stamps: Vec<(u64, usize)> =
        history.end.stamps.iter().map(|(payment, stamp)| (*stamp, *payment)).collect();
    stamps.retain(|(_, payment)| decided.contains_key(payment));
    stamps.sort_unstable();
    let first = stamps.first()?.1;
    let currency = |history: &History, payment: usize| {
        let circle = history.payments.get(payment)?.circle;
        Some(history.circles.get(circle)?.currency)
    };
    let own = currency(history, first)?;
    let (last, _) =
        stamps.iter().rev().find(|(_, payment)| currency(history, *payment) == Some(own))?;
    // Far behind a payment that was asked for long after it was acknowledged.
    (stamps.len() > 50).then(|| history.end.stamps.insert(first, last + 1)).map(drop)
}

fn carry_out(history: &mut History) -> Option<()> {
    let payment = history.attempts.iter().find_map(|attempt| {
        let others = || history.attempts.iter().filter(|one| one.payment == attempt.payment);
        let all = others().all(|one| matches!(one.told, Told::NotDone { .. }));
        all.then_some(attempt.payment)
    })?;
    history.end.reports.insert((0, payment), Some(Bytes::from_static(b"carried out")));
    Some(())
}

fn diverge(history: &mut History) -> Option<()> {
    let of_node = history.end.digests.values_mut().next()?;
    of_node.values_mut().next()?.digest.push('0');
    Some(())
}
