//! One id, one outcome: what each message id came to (PROTOCOL 6, "exactly-once by message id").
//!
//! Part of the replicated state: every replica builds the same table from the same records, so any
//! region can answer a retry once it has applied the original.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;

use bytes::Bytes;
use types::{Hash, MessageId, Seq, Stamp, Tail};
use wire::{Origin, Reply, SnapshotAnswer, limits};

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) digest: Hash,
    pub(crate) seq: Seq,
    pub(crate) stamp: Stamp,
    /// Where the command came from that was done, if it was handed in again.
    pub(crate) origin: Option<Origin>,
    pub(crate) outcome: Bytes,
}

/// Outcomes by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    stored: BTreeMap<MessageId, Stored>,
}

impl Answers {
    /// What a request with this id and content is to be told, if the id has an outcome, by a node that
    /// has applied `seen`.
    pub(crate) fn get(&self, id: MessageId, digest: Hash, seen: Option<Tail>) -> Option<Reply> {
        let stored = self.stored.get(&id)?;
        Some(stored.reply(digest, true, seen))
    }

    /// The outcome of an id.
    pub(crate) fn stored(&self, id: MessageId) -> Option<&Stored> {
        self.stored.get(&id)
    }

    /// Whether the id has an outcome.
    pub(crate) fn has(&self, id: MessageId) -> bool {
        self.stored.contains_key(&id)
    }

    /// Keeps the first outcome of an id.
    pub(crate) fn keep(&mut self, id: MessageId, stored: Stored) {
        let earlier = self.stored.insert(id, stored);
        assert!(earlier.is_none(), "an id has one outcome");
    }

    /// Outcomes of ids above `after` that came with a record up to `seq`: about a part of a snapshot.
    /// With the id to go on from, or `None` if none are left.
    pub(crate) fn some_after(
        &self,
        after: Option<MessageId>,
        seq: Seq,
    ) -> (Vec<SnapshotAnswer>, Option<MessageId>) {
        let (mut some, mut bytes, mut last) = (Vec::new(), 0, None);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        // Those of later records are looked at and left out: they must not make this a long look.
        for (looked, (id, stored)) in self.stored.range((from, Bound::Unbounded)).enumerate() {
            if looked == LOOKS_MAX || bytes >= limits::SNAPSHOT_PART_BYTES {
                return (some, last);
            }
            last = Some(*id);
            if stored.seq > seq {
                continue;
            }
            bytes += ANSWER_BYTES + stored.outcome.len();
            some.push(SnapshotAnswer {
                id: *id,
                digest: stored.digest,
                seq: stored.seq,
                stamp: stored.stamp,
                outcome: stored.outcome.clone(),
            });
        }
        (some, None)
    }

    /// Notes where a command came from; `false` if the id has no outcome.
    pub(crate) fn came_from(&mut self, id: MessageId, origin: Origin) -> bool {
        let stored = self.stored.get_mut(&id);
        stored.is_some_and(|stored| stored.origin.replace(origin).is_none())
    }

    /// Where those of some outcomes come from that were handed in again.
    pub(crate) fn origins(&self, of: &[SnapshotAnswer]) -> Vec<(MessageId, Origin)> {
        let origin = |one: &SnapshotAnswer| Some((one.id, self.stored.get(&one.id)?.origin?));
        of.iter().filter_map(origin).collect()
    }

    /// How many ids have an outcome.
    pub(crate) fn count(&self) -> usize {
        self.stored.len()
    }
}

impl Stored {
    /// The reply to a request with this content, at a node that has applied `seen`.
    pub(crate) fn reply(&self, digest: Hash, repeated: bool, seen: Option<Tail>) -> Reply {
        if digest != self.digest {
            return Reply::Conflict { first: self.digest };
        }
        let (seq, stamp, outcome) = (self.seq, self.stamp, self.outcome.clone());
        Reply::Done { seq, stamp, repeated, outcome, seen }
    }
}

/// Outcomes looked at for one part of a snapshot: a fraction of a millisecond.
const LOOKS_MAX: usize = 4_096;

/// Bytes of an outcome in a snapshot besides its own: id, digest, seq, stamp, length.
const ANSWER_BYTES: usize = 16 + 32 + 8 + 8 + 4;

#[cfg(test)]
mod tests;
