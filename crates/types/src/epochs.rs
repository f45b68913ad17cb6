//! The table of epochs: from which seq each home wrote.
//!
//! An entry `(epoch, seq)` is in the chain exactly when the table says that `seq` belongs to `epoch`.
//! That one rule tells orphans from history on every path: boot, failover, and catch-up.

use alloc::vec::Vec;

use crate::{Class, ConfigId, Epoch, Hash, Seq, Tail};

/// Where one epoch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The epoch.
    pub epoch: Epoch,
    /// Seq of its first record.
    pub seq: Seq,
    /// Chain hash of the record before its first.
    pub hash: Hash,
    /// Configuration in force.
    pub config: ConfigId,
    /// Whether it was opened by a forced switch, which may have lost committed entries.
    pub forced: bool,
    /// Class under which its home answers: whether clients may have been told of records that were
    /// not committed.
    pub class: Class,
}

/// Starts in rising order of epoch and of seq; later epochs never start before earlier ones, except
/// after a forced switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochTable {
    starts: Vec<Start>,
}

impl EpochTable {
    /// The table before the first epoch.
    #[must_use]
    pub const fn new() -> Self {
        Self { starts: Vec::new() }
    }

    /// A table of `starts`, or `None` if their epochs do not rise.
    #[must_use]
    pub fn from_starts(starts: Vec<Start>) -> Option<Self> {
        let rising = starts.windows(2).all(|pair| match pair {
            [a, b] => a.epoch < b.epoch,
            _ => true,
        });
        rising.then_some(Self { starts })
    }

    /// All starts, oldest first.
    #[must_use]
    pub fn starts(&self) -> &[Start] {
        &self.starts
    }

    /// The newest start.
    #[must_use]
    pub fn last(&self) -> Option<&Start> {
        self.starts.last()
    }

    /// The newest epoch; 0 when there is none.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.last().map_or(Epoch(0), |start| start.epoch)
    }

    /// Adds the start of a newer epoch.
    ///
    /// # Panics
    /// If the epoch is not newer than all in the table: the register issued it twice.
    pub fn push(&mut self, start: Start) {
        assert!(start.epoch > self.epoch(), "epochs in a table rise");
        self.starts.push(start);
    }

    /// The last seq that a record of `epoch` may have and still be in the chain: one below the
    /// lowest start of all later epochs. `None` when no later epoch has begun.
    #[must_use]
    pub fn end_of(&self, epoch: Epoch) -> Option<Seq> {
        self.starts.iter().filter(|start| start.epoch > epoch).map(|start| start.seq.prev()).min()
    }

    /// Whether a record of `epoch` at `seq` is in the chain as far as this table knows.
    #[must_use]
    pub fn holds(&self, epoch: Epoch, seq: Seq) -> bool {
        let begun = self.starts.iter().any(|start| start.epoch == epoch && start.seq <= seq);
        begun && self.end_of(epoch).is_none_or(|end| seq <= end)
    }

    /// Where a chain ending at `tail` ends once it is cut back to this history (PROTOCOL F4):
    /// everything of an older epoch at or past a later start is an orphan.
    ///
    /// The chain up to `tail` is taken to be consistent with a prefix of this table.
    #[must_use]
    pub fn cut(&self, tail: Tail) -> Tail {
        let later = self.starts.iter().filter(|start| start.epoch > tail.epoch);
        match later.min_by_key(|start| start.seq) {
            Some(start) if start.seq <= tail.seq => {
                let seq = start.seq.prev();
                Tail { epoch: self.epoch_at(seq), seq, hash: start.hash }
            }
            _ => tail,
        }
    }

    /// The epoch that `seq` belongs to, were the chain to reach it; 0 when no epoch has begun there.
    #[must_use]
    pub fn epoch_at(&self, seq: Seq) -> Epoch {
        // From the newest back, with the lowest end that the later ones leave: a table of a peer may
        // be long, and a look at all later starts for each start would take seconds.
        let mut end: Option<Seq> = None;
        for start in self.starts.iter().rev() {
            if start.seq <= seq && end.is_none_or(|end| seq <= end) {
                return start.epoch;
            }
            let before = start.seq.prev();
            end = Some(end.map_or(before, |end| end.min(before)));
        }
        Epoch(0)
    }
}

#[cfg(test)]
mod tests;
