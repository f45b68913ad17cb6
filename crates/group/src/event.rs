//! What a group or node did that a person or a metric should know of.

use alloc::vec::Vec;

use types::{Epoch, GroupId, ModelVersion, NodeId, Seq, Tail, Terms};
use wire::Orphan;

use crate::SnapshotError;

/// Something worth a line in the log. Not a decision: nothing reads these but people and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A promise was made.
    Promised {
        /// The group.
        group: GroupId,
        /// The epoch below which this node refuses now.
        epoch: Epoch,
    },
    /// This node is the home.
    Opened {
        /// The group.
        group: GroupId,
        /// Its epoch.
        epoch: Epoch,
        /// Seq of the epoch's first record.
        start: Seq,
    },
    /// The epoch's first record committed: commands are answered.
    Serving {
        /// The group.
        group: GroupId,
        /// Its epoch.
        epoch: Epoch,
    },
    /// This node is no longer the home.
    Demoted {
        /// The group.
        group: GroupId,
        /// The epoch it was home of.
        epoch: Epoch,
    },
    /// This node follows a new home.
    Joined {
        /// The group.
        group: GroupId,
        /// The epoch.
        epoch: Epoch,
        /// Its home.
        home: NodeId,
    },
    /// A takeover by this node reached its target.
    Sealed {
        /// The group.
        group: GroupId,
        /// The epoch being opened.
        epoch: Epoch,
        /// The end of the chain that will be kept.
        target: Tail,
    },
    /// This node is home under a configuration with fewer members or copies than the group is to have:
    /// the next failure may lose what is acknowledged from here on.
    Degraded {
        /// The group.
        group: GroupId,
        /// The configuration's epoch.
        epoch: Epoch,
        /// The members left.
        members: usize,
        /// Copies that make a commit.
        copies: usize,
    },
    /// The group has all its members and copies again.
    Restored {
        /// The group.
        group: GroupId,
        /// The epoch.
        epoch: Epoch,
    },
    /// The group goes on under other terms, by order.
    Retuned {
        /// The group.
        group: GroupId,
        /// The epoch.
        epoch: Epoch,
        /// The terms.
        terms: Terms,
    },
    /// Records were set aside.
    Orphaned {
        /// The group.
        group: GroupId,
        /// Which.
        orphan: Orphan,
    },
    /// A peer's record contradicts this node's chain: the group is out of service here until the node is
    /// replaced. One of the two is damaged, or there is a bug. Said again at every start.
    Quarantined {
        /// The group.
        group: GroupId,
        /// Where.
        seq: Seq,
        /// Whose record it was.
        peer: NodeId,
    },
    /// A peer sent bytes that are not a message.
    Malformed {
        /// The peer.
        from: NodeId,
        /// What is wrong with them.
        error: wire::DecodeError,
    },
    /// A peer, whose code is newer than this node's, sent a message that is not known here. It was passed
    /// over.
    Newer {
        /// The peer.
        from: NodeId,
        /// The message's tag.
        tag: u8,
    },
    /// Both ends of a channel that was frozen go on from the same number.
    Reopened {
        /// The sender.
        group: GroupId,
        /// The receiver.
        peer: GroupId,
    },
    /// An end of a channel was frozen: it and another group's end contradict each other, and people must
    /// find out what is missing where. What waits there keeps waiting.
    Frozen {
        /// The group.
        group: GroupId,
        /// The group at the other end.
        peer: GroupId,
        /// Whether it is the channel to that group, or the one from it.
        sends: bool,
        /// The contradiction.
        cause: wire::Cause,
    },
    /// A barrier was passed: another model version is in force.
    Upgraded {
        /// The group.
        group: GroupId,
        /// The barrier.
        seq: Seq,
        /// The version from there on.
        version: ModelVersion,
    },
    /// Others came to another state than this node by the same records. Which is right is not known
    /// here.
    Differs {
        /// The group.
        group: GroupId,
        /// At which record it was found.
        seq: Seq,
        /// Who they are.
        nodes: Vec<NodeId>,
    },
    /// All who differed came to the same state as this node at a later record.
    Agrees {
        /// The group.
        group: GroupId,
        /// At which record.
        seq: Seq,
    },
    /// Most others came to one state and this node to another: it keeps its state to itself from here
    /// on, and applies everything again, once.
    Odd {
        /// The group.
        group: GroupId,
        /// At which record it was found.
        seq: Seq,
        /// Who agrees with each other.
        nodes: Vec<NodeId>,
    },
    /// Applied again, this node's records gave what the others have: it takes part again. What it had
    /// in memory was damaged.
    Mended {
        /// The group.
        group: GroupId,
        /// At which record.
        seq: Seq,
    },
    /// Applied again, this node's records still give another state: its code behaves differently, or
    /// its machine does. It stays out of service until it is started anew.
    StillOdd {
        /// The group.
        group: GroupId,
        /// At which record.
        seq: Seq,
    },
    /// A snapshot is durable.
    Snapshot {
        /// The group.
        group: GroupId,
        /// The record after which it is.
        seq: Seq,
        /// Bytes of the file.
        bytes: u64,
    },
    /// A snapshot could not be written. The next save point brings another.
    SnapshotFailed {
        /// The group.
        group: GroupId,
        /// The record after which it was to be.
        seq: Seq,
    },
    /// A snapshot on this node's disk, or one that another member sent, is of no use.
    SnapshotLost {
        /// The group.
        group: GroupId,
        /// The record after which it is.
        seq: Seq,
        /// What is wrong with it.
        why: SnapshotError,
    },
    /// This node has taken the state over from another member's snapshot: the records of before are not
    /// kept by anybody it could ask.
    Installed {
        /// The group.
        group: GroupId,
        /// The record after which it goes on.
        seq: Seq,
    },
    /// A record could not be read back from this node's own log. It is fetched from a peer.
    Unreadable {
        /// The group.
        group: GroupId,
        /// Which.
        seq: Seq,
    },
    /// This node has recorded that it cannot read all that it held of a group.
    Damaged {
        /// The group.
        group: GroupId,
    },
    /// All that this node held of a group can be read again.
    Repaired {
        /// The group.
        group: GroupId,
    },
}
