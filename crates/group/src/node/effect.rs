//! What goes into a node and what comes out.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use register::{
    Disposition, ForceRefusal, Inheritance, Newcomer, Refusal, RosterRefusal, SealKind,
    UndecidedReason,
};
use types::{
    Class, GroupId, Hash, Instant, ModelVersion, NodeId, Position, QuorumLoss, ReadId, RequestId,
    Seq, Stamp, Until, WriteId,
};
use wire::log::Kind;
use wire::{Command, Orphan, Reply};

use crate::{CutRefusal, Event, ReadOrder, ReadRefusal};

/// What happens to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A frame of another node, whose identity the transport vouches for.
    Frame {
        /// Who sent it.
        from: NodeId,
        /// The frame.
        bytes: Bytes,
    },
    /// A session to another node was opened (again) or lost.
    Peer {
        /// The node.
        node: NodeId,
        /// Whether it is open now.
        up: bool,
    },
    /// A write is on disk, to stay, and so is every write asked for before it.
    Written {
        /// Which.
        id: WriteId,
        /// Where it stands, for appends.
        at: Position,
    },
    /// A record was read back.
    Loaded {
        /// Which read.
        id: ReadId,
        /// Its bytes, or `None` if it cannot be read.
        bytes: Option<Bytes>,
    },
    /// A client's command. Answered by [`Effect::Answer`] at `deadline` at the latest.
    Command {
        /// The driver's number for it.
        request: RequestId,
        /// The group.
        group: GroupId,
        /// The command.
        command: Command,
        /// For what the answer is to wait.
        until: Until,
        /// When whoever asks stops waiting.
        deadline: Instant,
    },
    /// An operator's order. Answered by [`Effect::Ordered`].
    Order {
        /// The driver's number for it.
        request: RequestId,
        /// What is wanted.
        order: Order,
    },
    /// An operator's decision about a run that was set aside. Answered by [`Effect::Ordered`].
    Dispose {
        /// The driver's number for it.
        request: RequestId,
        /// What is decided.
        decision: Decision,
    },
    /// An operator's order to raise the model version. Answered by [`Effect::Ordered`].
    Upgrade {
        /// The driver's number for it.
        request: RequestId,
        /// What is wanted.
        order: UpgradeOrder,
    },
    /// An operator's order of another class, or other terms. Answered by [`Effect::Ordered`].
    Terms {
        /// The driver's number for it.
        request: RequestId,
        /// What is wanted.
        order: TermsOrder,
    },
    /// A client's wish to look at groups. Answered by [`Effect::Read`] at `deadline` at the latest.
    Read {
        /// The driver's number for it, above those of earlier reads.
        request: RequestId,
        /// What is wanted.
        order: ReadOrder,
        /// When whoever asks stops waiting.
        deadline: Instant,
    },
    /// A wish to look at all groups as they were at one time that is to come. Answered by one
    /// [`Effect::AtCut`] for each group and then [`Effect::Cut`], at `deadline` at the latest.
    Cut {
        /// The driver's number for it.
        request: RequestId,
        /// The time.
        at: Stamp,
        /// When whoever asks stops waiting.
        deadline: Instant,
    },
    /// An operator's order about the nodes. Answered by [`Effect::Ordered`].
    Membership {
        /// The driver's number for it.
        request: RequestId,
        /// What is wanted.
        order: MembershipOrder,
    },
    /// An operator's order to begin a generation of the register without those that are lost. Answered by
    /// [`Effect::Ordered`].
    Recover {
        /// The driver's number for it.
        request: RequestId,
        /// What is wanted.
        order: RecoverOrder,
    },
    /// The disk takes no more records of commands, or takes them again. What is under way then, and the
    /// few records of [`Kind::Group`] without commands that follow, must still fit.
    Disk {
        /// Whether it is full.
        is_full: bool,
    },
    /// A piece of a snapshot's file is done with.
    SnapshotWritten {
        /// The group.
        group: GroupId,
        /// The record after which the snapshot is.
        seq: Seq,
        /// Where in the file the piece ended.
        end: u64,
        /// What came of it.
        done: FileProgress,
    },
    /// Time has passed.
    Wake,
}

/// What came of writing a piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileProgress {
    /// It is written, and more may follow.
    Part,
    /// It was the last: the file is durable under its name.
    Whole {
        /// SHA-256 of all its bytes.
        sha256: Hash,
    },
    /// It could not be written; nothing of the file counts.
    Failed,
}

/// An operator's wish to move homes, or to change with how many copies they go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which groups.
    pub groups: Vec<GroupId>,
    /// Where to; `None` to leave that to the node, as for [`SealKind::Degrade`] and
    /// [`SealKind::Restore`], which move no home that is there.
    pub to: Option<NodeId>,
    /// Planned (nothing is lost, the old home works along), unplanned, or forced (may lose); or the
    /// way to a smaller configuration and back.
    pub kind: SealKind,
    /// Who orders it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An operator's decision about a run of records that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The group.
    pub group: GroupId,
    /// The run, as whoever holds it itemises it.
    pub run: Orphan,
    /// What becomes of it.
    pub disposition: Disposition,
    /// Number of the case in which people work on it; 0 for none.
    pub case: u64,
    /// Who decides.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An operator's wish to raise the model version of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpgradeOrder {
    /// Which groups.
    pub groups: Vec<GroupId>,
    /// The version that is to be in force.
    pub to: ModelVersion,
    /// Who orders it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An operator's wish that groups answer otherwise from here on, or do otherwise when copies are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TermsOrder {
    /// Which groups.
    pub groups: Vec<GroupId>,
    /// Their class; `None` for the one that each has.
    pub class: Option<Class>,
    /// What they do when copies are missing; `None` for what each does.
    pub on_quorum_loss: Option<QuorumLoss>,
    /// Who orders it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// An operator's wish about the nodes of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipOrder {
    /// What is wanted.
    pub step: NodeStep,
    /// Who orders it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// What may become of nodes by order. The rest follows by itself: newcomers are brought to the groups'
/// records, and then groups and register count on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeStep {
    /// One comes, in another's place or as one more.
    Admit(Newcomer),
    /// One goes, and none comes in its place.
    Dismiss(NodeId),
}

/// The will of people to go on with a part of the register's members, the others being lost for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoverOrder {
    /// Who is left, this node among them.
    pub survivors: Vec<NodeId>,
    /// Who is stopped for good, as people say who have made sure of it: everybody who is given up. Two of
    /// them that ran on, cut off from the survivors, would go on acknowledging.
    pub stopped: Vec<NodeId>,
    /// What people were shown that it would come to, and have agreed to.
    pub plan: Inheritance,
    /// Who orders it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderRefusal {
    /// The register has no majority that this node can reach. Serving goes on; try again when it is
    /// back.
    #[error("the register has no majority that this node can reach")]
    NoRegister,
    /// There is no such group here.
    #[error("there is no group {0}")]
    UnknownGroup(GroupId),
    /// The node is not a member of the group.
    #[error("{node} is not a member of {group}")]
    NotMember {
        /// The group.
        group: GroupId,
        /// The node.
        node: NodeId,
    },
    /// The node is a member of the group that may not become home: a witness, or a learner.
    #[error("{node} keeps no state of {group} that counts and may not become its home")]
    MayNotLead {
        /// The group.
        group: GroupId,
        /// The node.
        node: NodeId,
    },
    /// The group's home is there already.
    #[error("{node} is the home of {group} already")]
    AlreadyHome {
        /// The group.
        group: GroupId,
        /// The node.
        node: NodeId,
    },
    /// The group is changing its home: wait, or order an unplanned takeover.
    #[error("{group} is changing its home already")]
    Sealing {
        /// The group.
        group: GroupId,
    },
    /// The target has shown no progress lately: a planned switch to it would stop the group.
    #[error("{node} has shown no progress for {silent_us} µs")]
    TargetSilent {
        /// The target.
        node: NodeId,
        /// For how long.
        silent_us: u64,
    },
    /// The target's clock is off by more than a home's may be (PROTOCOL N6): mend its time
    /// synchronisation, or order another target.
    #[error(
        "the clock of {node} is {skew_us} µs off the median, and that of a home of {group} may be {skew_us_max} µs off"
    )]
    ClockOff {
        /// The group.
        group: GroupId,
        /// The target.
        node: NodeId,
        /// How far its clock is off.
        skew_us: u64,
        /// How far it may be.
        skew_us_max: u64,
    },
    /// An order to move that does not say where to.
    #[error("the order does not say where {group} is to move")]
    NoTarget {
        /// The group.
        group: GroupId,
    },
    /// Members enough for a commit are there: there is nothing to do without.
    #[error("{group} has members enough for a commit")]
    NotShort {
        /// The group.
        group: GroupId,
    },
    /// Too few members for a commit are there: on the way to other terms the group would stand still.
    #[error("{group} has too few members there for a commit")]
    Short {
        /// The group.
        group: GroupId,
    },
    /// The group has no home that could carry the order out.
    #[error("{group} has no home yet")]
    NoHome {
        /// The group.
        group: GroupId,
    },
    /// The group has all the members and copies that it is to have.
    #[error("{group} is not degraded")]
    NotDegraded {
        /// The group.
        group: GroupId,
    },
    /// A member that is to come back has not caught up yet.
    #[error("{node} has not caught up with {group}")]
    Behind {
        /// The group.
        group: GroupId,
        /// The member.
        node: NodeId,
    },
    /// The target holds the group's records and cannot run its model, or differs from the others: it
    /// could not serve the group.
    #[error("{node} cannot serve {group}; its own `explain` says why")]
    TargetBarred {
        /// The group.
        group: GroupId,
        /// The target.
        node: NodeId,
    },
    /// A member's code cannot run the version: start it with code that can, and order again.
    #[error("the code of {node}, a member of {group}, runs versions {lowest} to {highest}")]
    CannotRun {
        /// The group.
        group: GroupId,
        /// The member.
        node: NodeId,
        /// The oldest version it can run.
        lowest: ModelVersion,
        /// The newest.
        highest: ModelVersion,
    },
    /// A member has not said which versions its code can run: it is not there.
    #[error("{node}, a member of {group}, does not say which versions its code runs")]
    NotSaid {
        /// The group.
        group: GroupId,
        /// The member.
        node: NodeId,
    },
    /// The register refused the change.
    #[error("the register refused the change of {group}")]
    Refused {
        /// The group.
        group: GroupId,
        /// Why.
        #[source]
        why: Refusal,
    },
    /// The register did not decide in time: look at the groups before ordering again.
    #[error("the register did not decide")]
    Undecided(#[source] UndecidedReason),
    /// The list of nodes does not allow it.
    #[error("the list of nodes was not changed")]
    Roster(#[source] RosterRefusal),
    /// A node is to go that may be the last to hold the records of a group: of all others that may lead it each
    /// is gone and not there, and whoever comes in its place does not count yet. Wait until it does.
    #[error(
        "{node} may be the last that holds the records of {group}: {heir}, which replaces {gone}, does not count there yet"
    )]
    LastToHold {
        /// The group.
        group: GroupId,
        /// Who is to go.
        node: NodeId,
        /// Who went before.
        gone: NodeId,
        /// Who is to come in its place.
        heir: NodeId,
    },
    /// A node that would be given up is there: nobody who lives may be given up. Stop it first, or name it
    /// among the survivors.
    #[error("{node} is there, and would be given up")]
    IsThere {
        /// Which.
        node: NodeId,
    },
    /// The register has its majority: there is nothing to recover. Replace or remove nodes instead.
    #[error("the register has a majority")]
    HasMajority,
    /// People have not said of a node that would be given up that it is stopped, or have said it of one that
    /// would not.
    #[error(
        "of exactly those that would be given up it must be said that they are stopped; not of {node}"
    )]
    NotStopped {
        /// Which.
        node: NodeId,
    },
    /// What it would come to is not any more what people were shown.
    #[error("what it would come to has changed since the plan was made")]
    PlanChanged,
    /// The register is not begun anew from here.
    #[error("the register is not begun anew from here")]
    NotForced(#[source] ForceRefusal),
    /// Actor, reason or groups are missing or too long.
    #[error("the order cannot be proposed")]
    NotAProposal(#[source] register::NotAProposal),
}

/// What a node wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a frame. May be lost; frames of one lane arrive in order.
    Send {
        /// To whom.
        to: NodeId,
        /// On which of the two connections.
        lane: Lane,
        /// The frame.
        bytes: Bytes,
    },
    /// Append to the log and report [`Input::Written`] once it is durable.
    Append {
        /// Its number; numbers rise over appends and superblocks together.
        id: WriteId,
        /// What it is, for the boot scan.
        kind: Kind,
        /// The payload.
        bytes: Bytes,
    },
    /// Put this blob in place of the group's blob in the superblock, and report [`Input::Written`]
    /// once it is durable.
    Superblock {
        /// Its number.
        id: WriteId,
        /// The group.
        group: GroupId,
        /// The blob.
        bytes: Bytes,
    },
    /// Read a record back and report [`Input::Loaded`].
    Load {
        /// Its number.
        id: ReadId,
        /// Where it stands.
        at: Position,
    },
    /// Write the next bytes of the file of a group's snapshot, beside the log and behind it, and report
    /// [`Input::SnapshotWritten`]. A piece at offset 0 begins the file anew; the last makes it durable
    /// and gives it its name. Nothing else waits for it.
    SnapshotWrite {
        /// The group.
        group: GroupId,
        /// The record after which the snapshot is.
        seq: Seq,
        /// Where in the file the bytes belong.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
        /// Whether they are the last.
        is_last: bool,
    },
    /// Read some bytes of a snapshot's file and report [`Input::Loaded`]; fewer at its end.
    SnapshotRead {
        /// Its number.
        id: ReadId,
        /// The group.
        group: GroupId,
        /// The record after which the snapshot is.
        seq: Seq,
        /// From where.
        offset: u64,
        /// How many.
        bytes_max: usize,
    },
    /// Remove a snapshot's file, whole or begun.
    SnapshotRemove {
        /// The group.
        group: GroupId,
        /// The record after which the snapshot is.
        seq: Seq,
    },
    /// Record in the superblock from where the log is to be read at the next start, report
    /// [`Input::Written`], and only then delete what lies wholly below `keep`.
    Floor {
        /// Its number, in the order of appends and superblocks.
        id: WriteId,
        /// Nothing below is needed at a start.
        start: Position,
        /// Nothing below is needed at all; never above `start`.
        keep: Position,
    },
    /// Open sessions to these nodes, which were admitted after the first day, and to nobody else at their
    /// addresses; end those to nodes that nothing needs any more.
    Nodes {
        /// Who was admitted and is not gone, this node left out.
        come: Vec<Newcomer>,
        /// Who is to be forgotten.
        gone: Vec<NodeId>,
    },
    /// Answer a command.
    Answer {
        /// The driver's number for it.
        to: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Answer an order: the register has taken it. The switch itself follows; watch the groups.
    Ordered {
        /// The driver's number for it.
        to: RequestId,
        /// What came of it.
        result: Result<(), OrderRefusal>,
    },
    /// Answer a read: the state of its groups is to be looked at now, before the node is handed anything
    /// more, or not at all.
    Read {
        /// The driver's number for it.
        to: RequestId,
        /// Whether it may look.
        result: Result<(), ReadRefusal>,
    },
    /// A group stands at a cut: to be looked at now, before the node is handed anything more.
    AtCut {
        /// The driver's number for the cut.
        to: RequestId,
        /// The group.
        group: GroupId,
    },
    /// All groups were looked at, or there is no cut.
    Cut {
        /// The driver's number for it.
        to: RequestId,
        /// Whether there is one.
        result: Result<(), CutRefusal>,
    },
    /// Tell people.
    Note(NodeEvent),
    /// Stop the process: this node must not go on, and says why. Nothing is handled after this.
    Stop(StopReason),
}

/// The two connections between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Records, acknowledgements, control.
    Log,
    /// Catch-up, which must not delay the log.
    Bulk,
}

/// Something to log or count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeEvent {
    /// About a group.
    Group(Event),
    /// About the register.
    Register(register::Event),
    /// The disk has stalled so often that this node hands its groups to others.
    SlowDisk {
        /// How often.
        stalls: usize,
        /// Within which time.
        within_us: u64,
    },
}

/// Why a node fences itself off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// Its disk has not completed a write for too long; others will take over.
    #[error("the disk has not completed a write for {waited_us} µs")]
    DiskStalled {
        /// How long.
        waited_us: u64,
    },
    /// It was removed from the cluster, or another has its place, and nothing needs it any more.
    #[error(
        "{node} was removed from the cluster or replaced, and no group counts on it any more: its id is \
         never used again. Keep its folder for as long as the journal is to be kept"
    )]
    Removed {
        /// This node.
        node: NodeId,
    },
    /// A generation of the register was begun by force without this node, which had heard of decisions
    /// that are lost with that.
    #[error(
        "generation {generation} of the register was begun by force and knows nothing of the last \
         {entries} decisions here: they are set aside. Start again to follow it; this node has no vote \
         any more: replace it (`evenkeel node replace`)"
    )]
    Diverged {
        /// The generation.
        generation: u64,
        /// How many decisions.
        entries: u64,
    },
    /// A forced switch has taken back what the oldest snapshot of a group holds: the node must start again
    /// and read its log from the first record.
    #[error(
        "a forced switch of {group} goes back behind its snapshots: start again to read the whole log"
    )]
    Rewind {
        /// The group.
        group: GroupId,
    },
}
