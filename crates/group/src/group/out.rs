//! What a group asks its node to do, and what it waits for.

use alloc::vec::Vec;

use bytes::Bytes;
use register::Transition;
use types::{Epoch, GroupId, Hash, NodeId, Position, Seq, Tail, Until};
use wire::{Command, GroupMessage, Parcel, Record, Reply};

use crate::Event;
use crate::desk::Asker;

/// What a group asks its node to do. Carried out in order.
#[derive(Debug)]
pub(crate) enum Out {
    /// Say something about this group.
    Send { to: NodeId, epoch: Epoch, body: GroupMessage },
    /// Hand a command to its home.
    Forward { to: NodeId, ticket: u64, command: Command, until: Until },
    /// Hand parcels to the home of another group.
    Post { to: GroupId, parcels: Vec<Parcel> },
    /// Append a record to the node's log, for the first time or again.
    Append(Bytes, Writing),
    /// Write the group's meta into the superblock.
    Meta(Vec<u8>),
    /// Read a record back.
    Load { seq: Seq, at: Position },
    /// Answer a client or another node.
    Answer { to: Asker, reply: Reply },
    /// Ask the register for a change, if the group still has this version there.
    Propose { version: u64, transition: Transition },
    /// Tell people.
    Note(Event),
    /// Write the next bytes of a snapshot's file.
    SnapshotWrite { seq: Seq, offset: u64, bytes: Bytes, is_last: bool },
    /// Read some bytes of a snapshot's file.
    SnapshotRead { seq: Seq, offset: u64, bytes_max: usize },
    /// Remove a snapshot's file, whole or not.
    SnapshotRemove { seq: Seq },
    /// There is a new snapshot to begin from.
    Kept,
    /// Snapshots are given up: a start must read all of the log that there is, until there are new ones.
    Lower,
    /// The log must be read from its first record, which takes a new start.
    Rewind,
}

/// What a write in flight stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InFlight {
    /// A record; durable when it comes back.
    Record { epoch: Epoch, seq: Seq, hash: Hash },
    /// The meta; when it comes back, this may be said.
    Meta(Then),
    /// A record that was lost here, written anew.
    Repaired(Record),
}

/// Whether a record stands in the log where its chain grew. One that was written again says nothing
/// about what stood in the log before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    First,
    Again,
}

/// What a durable meta allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// Answer a seal of this epoch.
    Promised {
        to: NodeId,
        epoch: Epoch,
    },
    /// Answer a new epoch.
    Joined {
        epoch: Epoch,
    },
    /// Count on a snapshot.
    Kept {
        seq: Seq,
    },
    /// Go on from another member's snapshot.
    Installed {
        at: Tail,
    },
    /// Go on from a base, without a state.
    Based {
        at: Tail,
    },
    /// Start anew from the first record.
    Rewound,
}
