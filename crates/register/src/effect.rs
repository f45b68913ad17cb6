//! What goes into a register and what comes out of it.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use types::{GroupId, NodeId, WriteId};
use wire::DecodeError;

use crate::limits::PENDING_MAX;
use crate::{Proposal, ProposalId, Results};

/// What happens to a register.
#[derive(Clone, Debug)]
pub enum Input {
    /// A frame from another member, whose identity the transport vouches for. Frames may be lost,
    /// doubled, and overtake each other.
    Message {
        /// Who sent it.
        from: NodeId,
        /// The frame.
        bytes: Bytes,
    },
    /// A proposal of this node.
    Propose(Proposal),
    /// Begin a generation with these members, this one among them, without asking the others: people
    /// have given them up. What this member has accepted and does not know to be decided counts as
    /// decided. Answered by [`Effect::Decided`] once it is on disk, or at once if it is refused.
    Force {
        /// Its name, as for a proposal.
        id: ProposalId,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
        /// Rising; of the members so far.
        members: Vec<NodeId>,
    },
    /// The write is on disk, to stay.
    Written(WriteId),
    /// A session to this member was opened, again or for the first time. Not needed for correctness;
    /// it shortens the repair of what the old session lost.
    Connected(NodeId),
    /// Time has passed.
    Wake,
}

/// What a register wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a frame to a member. All frames to one member go one way, in order.
    Send {
        /// To whom.
        to: NodeId,
        /// The frame.
        bytes: Bytes,
    },
    /// Append a record, whole or not at all, and report [`Input::Written`]. Records are kept for ever
    /// and handed to [`Register::recover`](crate::Register::recover) in order.
    Write {
        /// Its number, rising by one.
        id: WriteId,
        /// The record.
        bytes: Bytes,
    },
    /// A proposal of this node was decided; this is what became of each change.
    Decided {
        /// Which.
        proposal: ProposalId,
        /// The results.
        results: Results,
    },
    /// A proposal of this node is given up. Unless it is `Busy`, it may be decided later all the same:
    /// look at the groups before proposing again.
    Undecided {
        /// Which.
        proposal: ProposalId,
        /// Why.
        reason: UndecidedReason,
    },
    /// A group changed, by whoever's proposal.
    Changed(GroupId),
    /// Nodes came or went, or other members decide, by whoever's proposal.
    Roster,
    /// Something to log and count.
    Note(Event),
}

/// Why a proposal was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UndecidedReason {
    /// No majority decided it in time. The outcome is unknown.
    #[error("no majority answered in {waited_us} µs; the outcome is unknown")]
    NoQuorum {
        /// How long it waited.
        waited_us: u64,
    },
    /// Too many proposals of this node wait already. It was not proposed.
    #[error("{PENDING_MAX} proposals wait already")]
    Busy,
    /// The id is not of this node and this start, or waits already. It was not proposed.
    #[error("the id is not a new one of this node")]
    NotOurs,
}

/// Something worth a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame was refused.
    Refused {
        /// Who sent it.
        from: NodeId,
        /// Why.
        why: FrameRefusal,
    },
    /// Frames between this member and a peer were lost, or the peer started anew.
    Lost {
        /// The peer.
        peer: NodeId,
    },
    /// This member follows another leader, or none.
    Leader(Option<NodeId>),
    /// This member's vote is over: another generation decides. It follows what that decides.
    Outside {
        /// The generation.
        generation: u64,
    },
    /// This member is of the register again, or for the first time.
    Member {
        /// The generation.
        generation: u64,
    },
    /// Here was decided what a generation begun by force knows nothing of: it is set aside. The views of
    /// groups may go back, so the node must start anew.
    Diverged {
        /// The generation begun by force.
        generation: u64,
        /// How many entries of the log.
        entries: u64,
    },
    /// A message to a peer was too large to be sent: the peer was away for too long.
    TooLarge {
        /// The peer.
        to: NodeId,
    },
}

/// Why a frame was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameRefusal {
    /// The sender is no member.
    #[error("the sender is no member")]
    Stranger,
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] DecodeError),
    /// The sender's members or first groups are others.
    #[error("the sender belongs to another register")]
    OtherRegister,
    /// The sender belongs to another generation of members, or this node to none.
    #[error("the sender belongs to another generation of the register")]
    OtherGeneration,
    /// No correct member sends this.
    #[error("no correct member sends this")]
    Impossible,
    /// This member's disk stands still.
    #[error("this member's disk stands still")]
    Stalled,
}

/// Frames counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handed to the log.
    pub taken: u64,
    /// Dropped as copies, overtaken or of an earlier start.
    pub stale: u64,
    /// Refused.
    pub refused: u64,
    /// Times that frames were found missing.
    pub lost: u64,
}
