//! Histories that part, and a takeover by whom the register may have forgotten epochs (PROTOCOL F4).
//!
//! When the register is begun anew by force, epochs may have been opened that its survivor had not heard of.
//! A member that took part in one knows it, and what it holds is history as long as nothing else has been
//! decided. So the first takeover after that is in doubt: it hears everybody who can be heard before it
//! fixes its target, takes in the longest history that it is told, and begins again when somebody comes
//! late who knows more.
//!
//! Afterwards it is the other way round: a member may have followed those that were given up into epochs
//! that are in no history. However long its chain is, of this one it has what lies before the fork.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use types::{Config, EpochTable, NodeId, Start, Tail};
use wire::Fault;

use super::{Stage, Takeover};
use crate::readable::Held;

/// What a member has said with its promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    tail: Tail,
    known: EpochTable,
    faults: Vec<Fault>,
}

impl Word {
    pub(super) fn new(tail: Tail, known: &EpochTable, faults: &[Fault]) -> Self {
        Self { tail, known: known.clone(), faults: faults.to_vec() }
    }
}

/// Where a chain ending at `tail` under the history `known` parts from the history `table`: its end, unless
/// epochs were opened in it that are not in `table`.
#[must_use]
pub fn fork(known: &EpochTable, tail: Tail, table: &EpochTable) -> Tail {
    let is_shared = |start: &&Start| {
        let mut others = table.starts().iter();
        others.any(|one| (one.epoch, one.seq, one.hash) == (start.epoch, start.seq, start.hash))
    };
    let Some(first) = known.starts().iter().find(|start| !is_shared(start)) else {
        return tail;
    };
    let (seq, hash) = (first.seq.prev(), first.hash);
    if seq >= tail.seq { tail } else { Tail { epoch: known.epoch_at(seq), seq, hash } }
}

impl Takeover {
    /// The same, in doubt also heard and copied to by those who count in this configuration: the group may
    /// have come to it in an epoch that the register has forgotten. They count for no seal and no commit.
    #[must_use]
    pub fn heard_by(mut self, config: Option<&Config>) -> Self {
        self.wider.extend(config.into_iter().flat_map(Config::counted));
        self
    }

    /// Whom it asks in doubt alone.
    pub(super) fn others(&self) -> impl Iterator<Item = NodeId> {
        let wider = if self.is_in_doubt { self.wider.as_slice() } else { &[] };
        let others: BTreeSet<NodeId> =
            wider.iter().copied().filter(|node| !self.counts(*node)).collect();
        others.into_iter()
    }

    /// The epochs that sealed members know of and the register has forgotten.
    #[must_use]
    pub fn forgotten(&self) -> &[Start] {
        self.base.starts().get(self.known..).unwrap_or_default()
    }

    /// Whether somebody may know more who has not been heard.
    pub(super) const fn waits_for_words(&self) -> bool {
        self.is_in_doubt && !self.has_heard_out
    }

    /// How much of a chain is part of the registered history, and what of that cannot be read.
    pub(super) fn held(&self, tail: Tail, known: &EpochTable, mut faults: Vec<Fault>) -> Held {
        let end = self.base.cut(fork(known, tail, &self.base));
        if end != tail {
            faults.retain(|fault| fault.first <= end.seq);
        }
        Held { tail: end, faults }
    }

    /// Takes in the longest history that goes on from what the register knows: what was written then is in
    /// the chains, and their ends are only comparable when all of it is known. Of two that part, the one
    /// with the later epoch belongs to the later beginning.
    pub(super) fn learn(&mut self) {
        if matches!(self.stage, Stage::Activating(_)) {
            return;
        }
        let registered = self.base.starts().get(..self.known).unwrap_or_default();
        let goes_on = |known: &&EpochTable| {
            let more = known.starts().strip_prefix(registered).map_or(0, <[Start]>::len);
            known.epoch() < self.epoch && more > 0 && more <= FORGOTTEN_MAX
        };
        let told = self.words.values().map(|word| &word.known).filter(goes_on);
        let longest = told.max_by_key(|known| known.epoch()).cloned();
        let base = longest.or_else(|| EpochTable::from_starts(registered.to_vec()));
        let Some(base) = base.filter(|base| *base != self.base) else { return };
        self.base = base;
        self.reopen();
        for (node, word) in self.words.clone() {
            let held = self.held(word.tail, &word.known, word.faults);
            if let Some(before) = self.promises.get_mut(&node) {
                *before = held;
            }
        }
    }

    /// In doubt, begins again when somebody is heard who has more than the target.
    pub(super) fn reopen_for(&mut self, tail: Tail) {
        if let Stage::Copying(target) = self.stage
            && self.is_in_doubt
            && tail.seq > target.seq
        {
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        self.stage = Stage::Sealing;
        self.holders.clear();
    }
}

/// Epochs that a register may have forgotten. Each was opened while its survivor did not hear of it.
const FORGOTTEN_MAX: usize = 1024;

#[cfg(test)]
mod tests;
