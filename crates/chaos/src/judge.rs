//! Holds what clients saw, and what nodes held in the end, against what is promised.
//!
//! What is judged, exactly:
//! - **One outcome**: all answers to one payment's id, from every node at every time, by submission or
//!   by look-up, are the same to the byte ([`outcomes`]).
//! - **Linearizable payments**: the payments of each circle of accounts, each settled or refused for
//!   want of funds, are linearizable in real time ([`accounts`]): once by a search that knows nothing
//!   but what clients saw, and once by the order that the records' stamps claim, which must go with
//!   the clock and explain every outcome.
//! - **Reads are a past that was**: a look at an account promises no more than the state after some
//!   record, which it names by its stamp. It must be exactly the state after that record, and hold no
//!   payment that nobody had asked for yet; one node, until it is started again, never goes back.
//! - **Linearizable reads are up to date**: they stand in the same histories as the payments, and hold
//!   every payment that was acknowledged before they were asked for, and what such a read held before.
//! - **Money** ([`money`]): in the end every node has every acknowledged answer, what was certainly not
//!   done is known nowhere, accounts are what the answers add up to, books balance, and all nodes
//!   agree on every group.
//!
//! Not judged, because it is not promised: that any other read is up to date, or that two nodes agree while
//! a run lasts.

mod accounts;
mod doctor;
mod money;
mod outcomes;

pub(crate) use doctor::doctored;

use crate::load::History;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// What does not hold, each in a line.
    pub(crate) anomalies: Vec<String>,
    /// Histories that a search has shown to be linearizable.
    pub(crate) searched: u64,
    /// Histories that were too wide to search; the order of their stamps shows them.
    pub(crate) too_wide: u64,
    /// Operations that stand in some history.
    pub(crate) operations: u64,
}

/// Judges a run.
pub(crate) fn judge(history: &History) -> Judgement {
    let mut judgement = Judgement::default();
    judgement.anomalies.extend(history.end.wrong.iter().cloned());
    outcomes::judge(history, &mut judgement);
    accounts::judge(history, &mut judgement);
    if history.end.is_known {
        money::judge(history, &mut judgement);
    } else {
        judgement.anomalies.push("nobody knows what the nodes hold in the end".to_owned());
    }
    judgement
}

#[cfg(test)]
mod tests;
