//! A group on a full disk: intake stops first, and what remains is for what must never fail (S28).
//!
//! Promises, joined epochs, orphan runs and faults stand in the superblock, which needs no room. The
//! register's records and pulses have a reserve of their own in the log. Between that and the point where
//! a node hears that its disk is full lies as much again: what is under way then still fits, and so do the
//! first and last records of epochs, a few hundred bytes each. Commands are not taken: neither from
//! clients nor, in records, from a home. Once there is room, what was missed is fetched.

use alloc::vec::Vec;

use model::Model;
use wire::{RecordKind, Reply};

use super::{Group, Out, Role};

impl<M: Model> Group<M> {
    /// The disk takes no more commands, or takes them again.
    pub(crate) fn disk(&mut self, is_full: bool, out: &mut Vec<Out>) {
        self.is_disk_full = is_full;
        if is_full && matches!(self.role, Role::Home(_)) {
            // Nothing of them has been appended, so nobody is left in doubt.
            let answers = self.desk.refuse(&Self::no_room());
            out.extend(answers.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
        }
    }

    /// Whether a record of this kind may be appended now.
    pub(super) const fn has_room_for(&self, kind: RecordKind) -> bool {
        !self.is_disk_full || matches!(kind, RecordKind::EpochStart | RecordKind::Handoff)
    }

    pub(super) const fn no_room() -> Reply {
        Reply::Busy { retry_after_ms: FULL_RETRY_AFTER_MS }
    }

    /// Whether another member would make a better home, all else being equal.
    #[must_use]
    pub fn is_impaired(&self) -> bool {
        self.is_disk_full || !self.faults().is_empty()
    }
}

/// When a client that met a full disk may ask again.
const FULL_RETRY_AFTER_MS: u32 = 1_000;
