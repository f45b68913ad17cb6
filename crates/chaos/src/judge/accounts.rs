//! The payments of each circle are linearizable, and every read is the state after a record.

use std::collections::BTreeMap;

use lincheck::models::{Accounts, Entry, Told as Money};
use lincheck::{Claim, Operation, Verdict, check, overtaken};

use super::Judgement;
use crate::load::{FUNDING, History, Read, outcome};

/// Steps of the search that knows only what clients saw. It takes some hundred bytes per step.
const SEARCH_STEPS_MAX: u64 = 300_000;

/// Steps of the search along the stamps, which only orders payments of one record.
const STAMPS_STEPS_MAX: u64 = 1_000_000;

type Op = Operation<Entry, Money>;

/// A payment whose outcome is known.
#[derive(Clone, Copy, Debug)]
struct Known {
    payment: usize,
    entry: Entry,
    told: Money,
    called_us: u64,
    at_us: u64,
    stamp: Option<u64>,
}

pub(super) fn judge(history: &History, judgement: &mut Judgement) {
    let (decided, called) = (history.decided(), history.called());
    let mut circles: BTreeMap<usize, Vec<Known>> = BTreeMap::new();
    for (payment, (at_us, answer)) in &decided {
        let (Some(one), Some(told)) = (history.payments.get(*payment), outcome(answer)) else {
            continue;
        };
        let (debtor, creditor, amount) = (one.debtor, one.creditor, one.amount);
        circles.entry(one.circle).or_default().push(Known {
            payment: *payment,
            entry: Entry::Transfer { debtor, creditor, amount },
            told,
            called_us: called.get(payment).copied().unwrap_or_default(),
            at_us: *at_us,
            stamp: history.end.stamps.get(payment).copied(),
        });
    }
    let open = history.open();
    for (circle, of) in history.circles.iter().enumerate() {
        let funding = vec![FUNDING; of.keys.len()];
        let specification = Accounts { funding };
        let known = circles.remove(&circle).unwrap_or_default();
        let reads: Vec<&Read> = history.reads.iter().filter(|read| read.circle == circle).collect();
        let place = format!("circle {} ({})", circle + 1, of.currency);
        judgement.operations += (known.len() + reads.len()) as u64;
        let pending = open.iter().filter_map(|payment| {
            let one = history.payments.get(*payment).filter(|one| one.circle == circle)?;
            let (debtor, creditor, amount) = (one.debtor, one.creditor, one.amount);
            let entry = Entry::Transfer { debtor, creditor, amount };
            Some(Operation::pending(entry, called.get(payment).copied().unwrap_or_default()))
        });
        search(&specification, &known, &reads, pending, &place, judgement);
        if !history.end.is_known {
            continue;
        }
        along_stamps(&specification, &known, &reads, &place, history, judgement);
        from_the_future(&known, &reads, &place, judgement);
    }
    stamps_go_with_the_clock(history, judgement);
    linearizable_reads_are_fresh(history, judgement);
    never_back(history, judgement);
}

/// Is there an order in real time that explains all outcomes?
fn search(
    specification: &Accounts,
    known: &[Known],
    reads: &[&Read],
    pending: impl Iterator<Item = Op>,
    place: &str,
    judgement: &mut Judgement,
) {
    let answered =
        known.iter().map(|one| Operation::answered(one.entry, one.called_us, one.told, one.at_us));
    let reads = reads.iter().filter(|read| read.is_linearizable).map(|read| {
        let (entry, told) = (Entry::Read { account: read.account }, Money::Stands(read.sums));
        Operation::answered(entry, read.called_us, told, read.at_us)
    });
    let operations: Vec<Op> = answered.chain(reads).chain(pending).collect();
    match check(specification, &operations, SEARCH_STEPS_MAX) {
        Verdict::Linearizable(_) => judgement.searched += 1,
        Verdict::NotLinearizable { longest, stuck } => {
            let (placed, count) = (longest.len(), operations.len());
            let stuck = operations.get(stuck);
            judgement.anomalies.push(format!(
                "{place}: not linearizable: of {count} payments and reads {placed} can be put in order, then \
                 nothing explains {stuck:?}"
            ));
        }
        Verdict::Undecided { .. } => judgement.too_wide += 1,
    }
}

/// Does the order of the stamps explain all outcomes, and every read at its place in it?
fn along_stamps(
    specification: &Accounts,
    known: &[Known],
    reads: &[&Read],
    place: &str,
    history: &History,
    judgement: &mut Judgement,
) {
    let mut operations: Vec<Op> = Vec::new();
    for one in known {
        match one.stamp {
            Some(stamp) => {
                operations.push(Operation::answered(one.entry, 2 * stamp, one.told, 2 * stamp));
            }
            None => {
                let name = history.payments.get(one.payment).map_or("?", |one| &one.name);
                judgement.anomalies.push(format!("{name}: acknowledged, and no node knows it"));
            }
        }
    }
    for read in reads {
        let (entry, after) = (Entry::Read { account: read.account }, 2 * read.closed_us + 1);
        operations.push(Operation::answered(entry, after, Money::Stands(read.sums), after));
    }
    match check(specification, &operations, STAMPS_STEPS_MAX) {
        Verdict::Linearizable(_) => judgement.searched += 1,
        Verdict::NotLinearizable { longest, stuck } => {
            let (placed, stuck) = (longest.len(), operations.get(stuck));
            judgement.anomalies.push(format!(
                "{place}: the order of the stamps explains {placed} of {} outcomes and reads, and \
                 not {stuck:?}",
                operations.len()
            ));
        }
        Verdict::Undecided { steps } => {
            judgement
                .anomalies
                .push(format!("{place}: not decided along the stamps: {steps} steps"));
        }
    }
}

/// A read that holds a payment which nobody had asked for when it was answered.
fn from_the_future(known: &[Known], reads: &[&Read], place: &str, judgement: &mut Judgement) {
    let mut by_stamp: Vec<(u64, u64)> =
        known.iter().filter_map(|one| Some((one.stamp?, one.called_us))).collect();
    by_stamp.sort_unstable();
    let mut latest = 0;
    for (_, called_us) in &mut by_stamp {
        latest = latest.max(*called_us);
        *called_us = latest;
    }
    for read in reads {
        let count = by_stamp.partition_point(|(stamp, _)| *stamp <= read.closed_us);
        let last = count.checked_sub(1).and_then(|last| by_stamp.get(last));
        if last.is_some_and(|(_, called_us)| *called_us > read.at_us) {
            judgement.anomalies.push(format!("{place}: a read from the future: {read:?}"));
        }
    }
}

/// A payment that was acknowledged before another was asked for has the earlier stamp, among all of
/// the currencies that share a group.
fn stamps_go_with_the_clock(history: &History, judgement: &mut Judgement) {
    let (decided, called) = (history.decided(), history.called());
    let mut by_currency: BTreeMap<&str, Vec<(usize, Claim)>> = BTreeMap::new();
    for (payment, (at_us, _)) in &decided {
        let circle = history.payments.get(*payment).and_then(|one| history.circles.get(one.circle));
        let stamp = history.end.stamps.get(payment);
        let (Some(circle), Some(stamp)) = (circle, stamp) else { continue };
        let called = called.get(payment).copied().unwrap_or_default();
        let claim = Claim { called, at: *at_us, place: *stamp };
        by_currency.entry(circle.currency).or_default().push((*payment, claim));
    }
    for of_currency in by_currency.values() {
        let claims: Vec<Claim> = of_currency.iter().map(|(_, claim)| *claim).collect();
        if let Some((earlier, later)) = overtaken(&claims, true) {
            let name = |place: usize| {
                let payment = of_currency.get(place).map(|(payment, _)| *payment);
                let payment = payment.and_then(|payment| history.payments.get(payment));
                payment.map_or("?", |payment| payment.name.as_str())
            };
            judgement.anomalies.push(format!(
                "{} was acknowledged before {} was asked for, and has the later stamp",
                name(earlier),
                name(later)
            ));
        }
    }
}

/// A linearizable read holds every payment of its currency that was acknowledged before it was asked for,
/// and no less than any such read before it.
fn linearizable_reads_are_fresh(history: &History, judgement: &mut Judgement) {
    let (decided, called) = (history.decided(), history.called());
    let mut by_currency: BTreeMap<&str, Vec<(String, Claim)>> = BTreeMap::new();
    for (payment, (at_us, _)) in &decided {
        let Some(one) = history.payments.get(*payment) else { continue };
        let circle = history.circles.get(one.circle);
        let (Some(circle), Some(stamp)) = (circle, history.end.stamps.get(payment)) else {
            continue;
        };
        let called = called.get(payment).copied().unwrap_or_default();
        let claim = Claim { called, at: *at_us, place: *stamp };
        by_currency.entry(circle.currency).or_default().push((one.name.clone(), claim));
    }
    for read in history.reads.iter().filter(|read| read.is_linearizable) {
        let Some(circle) = history.circles.get(read.circle) else { continue };
        let claim = Claim { called: read.called_us, at: read.at_us, place: read.closed_us };
        let name = format!("a linearizable read at node {}", read.node + 1);
        by_currency.entry(circle.currency).or_default().push((name, claim));
    }
    for (currency, of_currency) in by_currency {
        let claims: Vec<Claim> = of_currency.iter().map(|(_, claim)| *claim).collect();
        if let Some((earlier, later)) = overtaken(&claims, false) {
            let name = |place: usize| of_currency.get(place).map_or("?", |(name, _)| name.as_str());
            judgement.anomalies.push(format!(
                "{currency}: {} ended before {} was asked for, and is not in it",
                name(earlier),
                name(later)
            ));
        }
    }
}

/// One node, until it is started again, does not go back.
fn never_back(history: &History, judgement: &mut Judgement) {
    let mut by_node: BTreeMap<(usize, u64, &str), Vec<Claim>> = BTreeMap::new();
    for read in &history.reads {
        let circle = history.circles.get(read.circle);
        if let (Some(start), Some(circle)) = (read.start, circle) {
            let claim = Claim { called: read.called_us, at: read.at_us, place: read.closed_us };
            by_node.entry((read.node, start, circle.currency)).or_default().push(claim);
        }
    }
    for ((node, _, currency), claims) in by_node {
        if overtaken(&claims, false).is_some() {
            let node = node + 1;
            judgement.anomalies.push(format!("node {node} went back in {currency} while it ran"));
        }
    }
}
