//! One group's state taken in at a start, from the newest of its snapshots that is of use.
//!
//! Groups have nothing to do with each other there: whoever drives may take in several at a time, on as
//! many threads.

use alloc::vec::Vec;

use bytes::Bytes;
use model::Model;
use types::GroupId;
use wire::Snapshot;

use crate::{Group, SnapshotError};

/// A group that has snapshots. Give it the one that it [wants](Self::wanted) for as long as it wants any.
#[derive(Debug)]
pub struct Restoration<'a, M> {
    group: &'a mut Group<M>,
    /// Snapshots to try, the next one last.
    snapshots: Vec<Snapshot>,
}

impl<'a, M: Model> Restoration<'a, M> {
    /// `None` for a group without any.
    pub(super) fn new(group: &'a mut Group<M>) -> Option<Self> {
        let mut snapshots = group.snapshots_found();
        snapshots.reverse();
        (!snapshots.is_empty()).then_some(Self { group, snapshots })
    }

    /// Of which group.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        self.group.id()
    }

    /// The next snapshot to take in.
    #[must_use]
    pub fn wanted(&self) -> Option<Snapshot> {
        self.snapshots.last().copied()
    }

    /// Takes the snapshot that is [wanted](Self::wanted) next, piece by piece; a piece that cannot be read
    /// is `None`. If it is of no use, the one before it is wanted next.
    ///
    /// # Errors
    /// [`SnapshotError`], for people to hear of: the start goes on.
    pub fn restore(
        &mut self,
        pieces: impl Iterator<Item = Option<Bytes>>,
    ) -> Result<(), SnapshotError> {
        let Some(snapshot) = self.snapshots.pop() else { return Ok(()) };
        let done = self.group.restore_now(&snapshot, pieces);
        match done {
            Ok(()) => {
                self.snapshots.clear();
                // From an older one it goes on up to the barrier, and stores what follows.
                self.group.find_too_new(None);
            }
            // The file is fine, and must not be given up.
            Err(SnapshotError::Version(version)) => self.group.find_too_new(Some(version)),
            Err(_) => self.group.lose_snapshot(snapshot.tail.seq),
        }
        done
    }
}
