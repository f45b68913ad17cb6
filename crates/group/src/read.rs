//! What may be asked of a node's state, and why it may not be shown (PROTOCOL 7.7).
//!
//! A read names a level. The node says when its state meets it, and whoever drives the node then looks
//! before the node takes anything else: what is decided here is only *when*. A level that cannot be met
//! in time is a refusal that says what is missing; nothing older is ever shown in its place.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use types::{Epoch, GroupId, NodeId, Seq, Stamp, Token};

/// How much a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadLevel {
    /// All that was acknowledged to anybody before the read came, at the home only.
    Linearizable,
    /// All that the reader's tokens stand for, at any member.
    Session,
    /// All that was committed longer ago than this, at any member, as far as clocks agree.
    Bounded {
        /// How long ago, in microseconds.
        within_us: u64,
    },
    /// What is applied here, however old.
    Stale,
    /// What the home may have answered from its own disk and may yet lose. The home of a class that
    /// answers after the commit only shows what is committed.
    Provisional,
}

/// A wish to look at groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOrder {
    /// Which; each must meet the level.
    pub groups: Vec<GroupId>,
    /// How much is asked for.
    pub level: ReadLevel,
    /// What the reader has seen, and is to be shown no less than under every level. Tokens of groups that
    /// are not read are passed over.
    pub tokens: Vec<Token>,
}

/// Why a node does not show its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadRefusal {
    /// There is no such group here.
    #[error("there is no group {group}")]
    NoGroup {
        /// The group.
        group: GroupId,
    },
    /// This node is not the group's home, or no longer: ask there.
    #[error("the home of {group} is elsewhere")]
    NotHome {
        /// The group.
        group: GroupId,
        /// Its home, if another is known.
        home: Option<NodeId>,
        /// The epoch.
        epoch: Epoch,
    },
    /// No node is the home of all groups that were asked for.
    #[error("the homes of the groups are several, and that of {group} is elsewhere")]
    SeveralHomes {
        /// A group whose home is elsewhere.
        group: GroupId,
        /// Its home, if it is known.
        home: Option<NodeId>,
    },
    /// This node runs no model for the group: ask another.
    #[error("this node runs no model for {group}")]
    NoModel {
        /// The group.
        group: GroupId,
        /// A member that does.
        ask: Option<NodeId>,
    },
    /// The state here is not what most members came to by the same records.
    #[error("the state of {group} here is not what most members have")]
    Differs {
        /// The group.
        group: GroupId,
    },
    /// Members enough for a commit did not say in time that this node is still the home.
    #[error("nobody confirmed in {waited_us} µs that this is still the home of {group}")]
    Unconfirmed {
        /// The group.
        group: GroupId,
        /// For how long the read has waited.
        waited_us: u64,
    },
    /// This node was certainly still the home, and has not applied in time what was committed, or told of,
    /// when the read came.
    #[error("{needs} was committed or told of, and {applied} is applied after {waited_us} µs")]
    Unapplied {
        /// The group.
        group: GroupId,
        /// What must be applied.
        needs: Seq,
        /// What is.
        applied: Seq,
        /// For how long the read has waited.
        waited_us: u64,
    },
    /// Too many reads wait here for what this node has not heard of, and this one's token is the furthest
    /// ahead: it is of a node that is far ahead of this one, or made up.
    #[error("{token} is far ahead of {known}, the last that is known here", token = token.seq)]
    Unheard {
        /// The token.
        token: Token,
        /// Where the chain ends here.
        known: Seq,
    },
    /// This node has not come in time to what the token names.
    #[error("{token} is not reached here: {applied} is applied", token = token.seq)]
    Behind {
        /// The token.
        token: Token,
        /// What is applied here.
        applied: Seq,
    },
    /// What the token names is in no chain: a later epoch left it out. Whoever was told of it was told
    /// before the commit, or has lost it to a forced switch.
    #[error("{epoch} left out what {old} had at {seq}", epoch = by, old = token.epoch, seq = token.seq)]
    Orphaned {
        /// The token.
        token: Token,
        /// The epoch that left it out.
        by: Epoch,
        /// The first seq of that epoch.
        start: Seq,
        /// Whether that was a forced switch, which may have lost what was committed.
        forced: bool,
    },
    /// The token names nothing that was ever in this group's history.
    #[error("the token is of no record of {group}", group = token.group)]
    Foreign {
        /// The token.
        token: Token,
    },
    /// The state here is older than was asked for, or may be.
    #[error("the state of {group} may be older than {within_us} µs")]
    TooOld {
        /// The group.
        group: GroupId,
        /// How old at most; `None` if that cannot be said, as nothing was heard of the group or of other
        /// clocks yet, or its stamps are ahead of this node's clock.
        age_us: Option<u64>,
        /// How old it may be.
        within_us: u64,
    },
    /// Too many reads wait here already.
    #[error("too many reads wait here")]
    Busy,
}

/// Why there is no cut at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutRefusal {
    /// This node has applied something later: a cut is agreed on before its time comes.
    #[error("{group} is at {closed:?} already")]
    Past {
        /// The group.
        group: GroupId,
        /// The stamp of what it has applied.
        closed: Stamp,
    },
    /// The time lies further ahead than a node plans.
    #[error("the cut is {ahead_us} µs ahead")]
    Early {
        /// How far.
        ahead_us: u64,
    },
    /// A group has not closed its time in time: it lacks a home, or this node does not hear of it.
    #[error("{group} has not come to the cut")]
    Open {
        /// The group.
        group: GroupId,
        /// The stamp of what it has applied.
        closed: Stamp,
    },
    /// The state of a group here is not what most members came to by the same records.
    #[error("the state of {group} here is not what most members have")]
    Differs {
        /// The group.
        group: GroupId,
    },
    /// Too many cuts are planned here already.
    #[error("too many cuts are planned here")]
    Busy,
}

/// A level without what goes with it, to count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadKind {
    /// [`ReadLevel::Linearizable`].
    Linearizable,
    /// [`ReadLevel::Session`].
    Session,
    /// [`ReadLevel::Bounded`].
    Bounded,
    /// [`ReadLevel::Stale`].
    Stale,
    /// [`ReadLevel::Provisional`].
    Provisional,
    /// A cut through all groups.
    Cut,
}

/// How a read ended, to count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadEnd {
    /// It was shown.
    Shown,
    /// Another node is to be asked.
    Elsewhere,
    /// What was asked for did not come in time.
    Late,
    /// What the reader had seen is in no chain.
    Orphaned,
    /// It was refused for another reason.
    Refused,
}

/// What became of the reads of one kind since the node started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadTally {
    /// How many ended how.
    pub ended: BTreeMap<(ReadKind, ReadEnd), u64>,
    /// Microseconds that they waited in all, by kind.
    pub waited_us: BTreeMap<ReadKind, u64>,
    /// Reads and cuts that wait now.
    pub waiting: usize,
}

impl ReadLevel {
    /// Its kind.
    #[must_use]
    pub const fn kind(self) -> ReadKind {
        match self {
            Self::Linearizable => ReadKind::Linearizable,
            Self::Session => ReadKind::Session,
            Self::Bounded { .. } => ReadKind::Bounded,
            Self::Stale => ReadKind::Stale,
            Self::Provisional => ReadKind::Provisional,
        }
    }
}

impl ReadKind {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Session => "session",
            Self::Bounded => "bounded",
            Self::Stale => "stale",
            Self::Provisional => "provisional",
            Self::Cut => "cut",
        }
    }
}

impl ReadEnd {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Elsewhere => "elsewhere",
            Self::Late => "late",
            Self::Orphaned => "orphaned",
            Self::Refused => "refused",
        }
    }
}

impl ReadRefusal {
    /// What it counts as.
    #[must_use]
    pub const fn end(&self) -> ReadEnd {
        match self {
            Self::NotHome { .. } | Self::NoModel { .. } => ReadEnd::Elsewhere,
            Self::Unconfirmed { .. }
            | Self::Unapplied { .. }
            | Self::Behind { .. }
            | Self::TooOld { .. } => ReadEnd::Late,
            Self::Orphaned { .. } => ReadEnd::Orphaned,
            Self::NoGroup { .. }
            | Self::SeveralHomes { .. }
            | Self::Differs { .. }
            | Self::Foreign { .. }
            | Self::Unheard { .. }
            | Self::Busy => ReadEnd::Refused,
        }
    }
}

impl ReadTally {
    /// One has ended.
    pub(crate) fn count(&mut self, kind: ReadKind, end: ReadEnd, waited_us: u64) {
        *self.ended.entry((kind, end)).or_default() += 1;
        let sum = self.waited_us.entry(kind).or_default();
        *sum = sum.saturating_add(waited_us);
    }
}
