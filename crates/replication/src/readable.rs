//! What sealed members together can read of the longest chain among them (PROTOCOL F4).
//!
//! Their tails all lie on one chain, so a record is known by its seq. Between two ends of ranges
//! nothing changes: looking at the first seq behind each end is looking at all.

use alloc::vec::Vec;

use types::{Hash, Seq, Tail};
use wire::Fault;

/// What one member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The end of its chain.
    pub(crate) tail: Tail,
    /// What it cannot read, or may have held beyond that. Seqs rise.
    pub(crate) faults: Vec<Fault>,
}

impl Held {
    /// Whether the member can read the record at `seq`.
    fn reads(&self, seq: Seq) -> bool {
        seq <= self.tail.seq && !self.faults.iter().any(|fault| fault.covers(seq))
    }

    /// Whether the member can read everything up to `seq`.
    pub(crate) fn is_whole_to(&self, seq: Seq) -> bool {
        seq <= self.tail.seq && self.faults.first().is_none_or(|fault| seq < fault.first)
    }

    /// The chain hash of the record before `seq`, if what the member says contains it.
    pub(crate) fn hash_before(&self, seq: Seq) -> Option<Hash> {
        if self.tail.seq.next() == seq {
            return Some(self.tail.hash);
        }
        let fault = self.faults.iter().find(|fault| fault.first == seq)?;
        Some(fault.before)
    }
}

/// Whether a member with these faults may have held more than it knows of.
pub(crate) fn may_have_held_more(faults: &[Fault]) -> bool {
    faults.last().is_some_and(|fault| fault.last.is_none())
}

/// The first seq up to the longest tail that none of the members can read.
pub(crate) fn first_unreadable<'a>(members: impl Iterator<Item = &'a Held> + Clone) -> Option<Seq> {
    let last = members.clone().map(|held| held.tail.seq).max()?;
    let ends = |held: &'a Held| {
        let starts = held.faults.iter().map(|fault| fault.first);
        starts.chain([held.tail.seq.next()])
    };
    // A seq that nobody can read, while somebody could read the one before it, is where a fault of
    // one begins or where the chain of one has ended.
    let mut suspects: Vec<Seq> =
        members.clone().flat_map(ends).filter(|seq| *seq <= last).collect();
    suspects.sort_unstable();
    suspects.dedup();
    suspects.into_iter().find(|seq| !members.clone().any(|held| held.reads(*seq)))
}

#[cfg(test)]
mod tests;
