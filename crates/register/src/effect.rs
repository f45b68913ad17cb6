//! What goes into a register and what comes out of it.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use types::{GroupId, NodeId, WriteId};
use wire::DecodeError;

use crate::limits::PENDING_MAX;
use crate::{NotAProposal, Proposal, ProposalId, Results, RosterRefusal};

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
    /// decided. Answered by [`Effect::Decided`] once it is on disk, or by [`Effect::NotForced`].
    Force {
        /// Its name, as for a proposal.
        id: ProposalId,
        /// Who.
        actor: String,
        /// Why.
        reason: String,
        /// Rising; of the members so far, and of those that were to be members.
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
    /// No generation was begun by force.
    NotForced {
        /// Which order.
        proposal: ProposalId,
        /// Why.
        why: ForceRefusal,
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
    /// This node has set aside what it knew and is about to end. It was not proposed.
    #[error("this node is about to start anew")]
    Over,
    /// The id is not of this node and this start, or waits already. It was not proposed.
    #[error("the id is not a new one of this node")]
    NotOurs,
}

/// Why no generation was begun by force. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForceRefusal {
    /// The asked node is no member of the register, or not named among those that go on, or about to end.
    #[error("{node} has no vote in the register, or is not named among the survivors")]
    NoVote {
        /// The asked node.
        node: NodeId,
    },
    /// Those that would go on are a majority: nothing need be given up.
    #[error("the survivors are a majority of the register")]
    HasMajority,
    /// A survivor does not say how far it is: it is not there, or is about to learn that it has no vote.
    #[error("{node} has not said lately what it holds of the register")]
    Unheard {
        /// Which.
        node: NodeId,
    },
    /// A survivor knows more than the asked node: go on from that one.
    #[error("{node} knows more of the register than this node: give the order there")]
    Behind {
        /// Which.
        node: NodeId,
    },
    /// A node without a vote was told more of what is decided than the asked node holds, which asks it for
    /// that: give the order again in a moment. Where it stays so, it is the history of another generation:
    /// go on there, or stop that node and take it that it sets that aside.
    #[error("{node}, which has no vote, has heard more of what was decided: try again in a moment")]
    Further {
        /// Which.
        node: NodeId,
    },
    /// A survivor's register was begun anew by force elsewhere: the two cannot go on together.
    #[error("the register of {node} was begun anew by force elsewhere")]
    Split {
        /// Which.
        node: NodeId,
    },
    /// Too much waits at the asked node, or the order is not new.
    #[error("too much waits already")]
    Busy,
    /// The list of nodes does not allow it.
    #[error("the list of nodes does not allow it")]
    Roster(#[source] RosterRefusal),
    /// Actor or reason are missing or too long.
    #[error("the order cannot be proposed")]
    NotAProposal(#[source] NotAProposal),
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
    /// The register was begun anew by force here and, by people who did not know of that, at another node.
    /// Neither takes anything from the other: people must decide which of the two goes on.
    Split {
        /// The other.
        peer: NodeId,
        /// Its generation.
        generation: u64,
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
