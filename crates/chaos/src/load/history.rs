//! What clients asked and were told, with times of one clock in microseconds, and what nodes held in
//! the end.

use std::collections::BTreeMap;

use bytes::Bytes;
use lincheck::models::Sums;

use super::Circle;
use crate::ask::Digest;

/// Everything that a run is judged by.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// Circles of accounts, by place.
    pub(crate) circles: Vec<Circle>,
    /// Payments, by place.
    pub(crate) payments: Vec<Payment>,
    /// Every try of a client to have a payment carried out.
    pub(crate) attempts: Vec<Attempt>,
    /// Accounts that clients read.
    pub(crate) reads: Vec<Read>,
    /// Answers that clients looked up.
    pub(crate) looks: Vec<Look>,
    /// Reads and look-ups that were not answered, which says nothing.
    pub(crate) unanswered: u64,
    /// What nodes held in the end.
    pub(crate) end: End,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    /// `SENDER/MESSAGE-ID`.
    pub(crate) name: String,
    /// Place of its circle.
    pub(crate) circle: usize,
    /// Place in the circle of the account that pays.
    pub(crate) debtor: usize,
    /// Place in the circle of the account that is paid.
    pub(crate) creditor: usize,
    /// Minor units.
    pub(crate) amount: u64,
    /// The message.
    pub(crate) bytes: Bytes,
}

/// One submission by a client, all its tries at all nodes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Place of the payment.
    pub(crate) payment: usize,
    /// When it began.
    pub(crate) called_us: u64,
    /// When it ended.
    pub(crate) at_us: u64,
    /// How.
    pub(crate) told: Told,
}

/// What a client was told of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The ledger's answer, to the byte.
    Decided(Bytes),
    /// This submission certainly did nothing.
    NotDone {
        /// Why.
        why: String,
    },
    /// It may have been carried out.
    Unknown {
        /// Why nobody knows.
        why: String,
    },
    /// Something that no client of a valid message is to be told.
    Wrong {
        /// What.
        what: String,
    },
}

/// An account that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// The node that was asked.
    pub(crate) node: usize,
    /// Which start of it answered; `None` if it was started again meanwhile.
    pub(crate) start: Option<u64>,
    /// Place of the circle.
    pub(crate) circle: usize,
    /// Place of the account in it.
    pub(crate) account: usize,
    /// When it was asked for.
    pub(crate) called_us: u64,
    /// When the answer was there.
    pub(crate) at_us: u64,
    /// What stood on it.
    pub(crate) sums: Sums,
    /// The stamp of the last record that this takes account of.
    pub(crate) closed_us: u64,
    /// Whether it was to hold all that had been acknowledged before.
    pub(crate) is_linearizable: bool,
}

/// An answer that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The node that was asked.
    pub(crate) node: usize,
    /// Which start of it answered; `None` if it was started again meanwhile.
    pub(crate) start: Option<u64>,
    /// Place of the payment.
    pub(crate) payment: usize,
    /// When it was asked for.
    pub(crate) called_us: u64,
    /// When the answer was there.
    pub(crate) at_us: u64,
    /// The answer to the byte; `None` if it is not known there.
    pub(crate) found: Option<Bytes>,
}

/// What nodes held in the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct End {
    /// Whether the nodes have said it. If not, that is anomaly enough.
    pub(crate) is_known: bool,
    /// By payment: the stamp of its record.
    pub(crate) stamps: BTreeMap<usize, u64>,
    /// By node and payment: the stored answer, and nothing if the node does not know it.
    pub(crate) reports: BTreeMap<(usize, usize), Option<Bytes>>,
    /// By node, circle and account.
    pub(crate) accounts: BTreeMap<(usize, usize, usize), Sums>,
    /// By node: whether its books balance.
    pub(crate) balanced: BTreeMap<usize, bool>,
    /// By node and group.
    pub(crate) digests: BTreeMap<usize, BTreeMap<u64, Digest>>,
    /// What else did not hold: found while it was collected.
    pub(crate) wrong: Vec<String>,
}

impl History {
    /// The ledger's answer to each payment that a client was told first, with when.
    pub(crate) fn decided(&self) -> BTreeMap<usize, (u64, Bytes)> {
        let mut decided: BTreeMap<usize, (u64, Bytes)> = BTreeMap::new();
        for attempt in &self.attempts {
            let Told::Decided(answer) = &attempt.told else { continue };
            let first = decided.entry(attempt.payment);
            let entry = first.or_insert_with(|| (attempt.at_us, answer.clone()));
            if attempt.at_us < entry.0 {
                *entry = (attempt.at_us, answer.clone());
            }
        }
        decided
    }

    /// When each payment was first asked for.
    pub(crate) fn called(&self) -> BTreeMap<usize, u64> {
        let mut called: BTreeMap<usize, u64> = BTreeMap::new();
        for attempt in &self.attempts {
            let first = called.entry(attempt.payment).or_insert(attempt.called_us);
            *first = attempt.called_us.min(*first);
        }
        called
    }

    /// Payments of which no client knows whether they were carried out.
    pub(crate) fn open(&self) -> Vec<usize> {
        let decided = self.decided();
        let mut open: Vec<usize> = self
            .attempts
            .iter()
            .filter(|attempt| matches!(attempt.told, Told::Unknown { .. }))
            .map(|attempt| attempt.payment)
            .filter(|payment| !decided.contains_key(payment))
            .collect();
        open.sort_unstable();
        open.dedup();
        open
    }
}
