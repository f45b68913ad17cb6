//! What operators decide about runs of records that were set aside.
//!
//! A run lies at one node or several; what becomes of it is decided once, here, with who and why in
//! the audit, so that every region shows the same and no two operators decide against each other.
//! Nothing is deleted by any decision.

use types::{Epoch, Hash, Seq, Stamp};

use crate::Refusal;
use crate::limits::DISPOSALS_MAX;

/// What becomes of a run (PROTOCOL 6, 7.1). Numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Disposition {
    /// It is kept for the audit and nothing more is done. Any other decision may follow.
    Keep = 1,
    /// Its commands are handed in again under their own ids, each within its own time.
    Replay = 2,
    /// As [`Disposition::Cancel`], and the amounts are posted to suspense, where people work on the case.
    Suspense = 3,
    /// Its commands are never to be carried out: their ids get a refusal as outcome. Those that have an
    /// outcome keep it.
    Cancel = 4,
}

/// A decision about one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disposal {
    /// Chain hash of the run's last record, which names the run.
    pub head: Hash,
    /// Epoch of its records.
    pub epoch: Epoch,
    /// Seq of its first record.
    pub first: Seq,
    /// Seq of its last record.
    pub last: Seq,
    /// What becomes of it.
    pub disposition: Disposition,
    /// Number of the case in which people work on it; 0 for none.
    pub case: u64,
    /// When, by the proposer's wall clock. Recorded; decides nothing here.
    pub at: Stamp,
}

impl Disposition {
    /// The disposition of this number.
    #[must_use]
    pub const fn numbered(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Keep),
            2 => Some(Self::Replay),
            3 => Some(Self::Suspense),
            4 => Some(Self::Cancel),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether another decision may follow this one. Keeping does nothing that a later decision could
    /// contradict, and what a replay has left undone may be cancelled. To say the same again is no other
    /// decision.
    const fn allows(self, next: Self) -> bool {
        match self {
            Self::Keep => true,
            Self::Replay => !matches!(next, Self::Keep),
            Self::Suspense | Self::Cancel => self.number() == next.number(),
        }
    }
}

impl Disposal {
    /// Whether another decision about the run may follow. What was posted under a case is not posted under
    /// another one as well.
    const fn allows(&self, next: &Self) -> bool {
        let is_other_case =
            matches!(self.disposition, Disposition::Suspense) && self.case != next.case;
        self.disposition.allows(next.disposition) && !is_other_case
    }
}

/// Adds a decision to those of a group.
pub(crate) fn decide(
    decided: &mut alloc::vec::Vec<Disposal>,
    disposal: &Disposal,
) -> Result<(), Refusal> {
    if let Some(known) = decided.iter_mut().find(|known| known.head == disposal.head) {
        if !known.allows(disposal) {
            return Err(Refusal::Disposed { decided: known.disposition });
        }
        *known = *disposal;
        return Ok(());
    }
    if decided.len() >= DISPOSALS_MAX {
        return Err(Refusal::Disposals { count: decided.len() });
    }
    decided.push(*disposal);
    Ok(())
}
