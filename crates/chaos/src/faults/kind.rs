//! The faults there are.

use std::fmt;

use clap::ValueEnum;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// SIGKILL of a node, and its start after a while.
    Kill,
    /// SIGSTOP of a node, and SIGCONT after a while.
    Pause,
    /// Two nodes do not hear each other.
    Cut,
    /// One node does not hear another, which hears it.
    CutOneWay,
    /// A node is alone: no packets to it or from it, clients' among them.
    Isolate,
    /// A node hears nobody; others hear it.
    Deaf,
    /// A node is heard by nobody; it hears others.
    Mute,
    /// Clients reach a node and do not hear its answers.
    AnswersLost,
    /// Packets are lost everywhere.
    Loss,
    /// Packets of a node take longer.
    Delay,
    /// Packets overtake each other everywhere, and some arrive twice.
    Disorder,
    /// A planned switch of all groups to one node.
    Switch,
    /// A disk has no room left.
    DiskFull,
    /// A disk's fsync is slow.
    DiskSlow,
    /// A disk stands still.
    DiskStall,
    /// A disk's next fsync fails.
    SyncFails,
    /// The power of a node goes, with all that was not synced.
    PowerCut,
    /// The power of all nodes goes at once.
    PowerCutAll,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 18] = [
        Self::Kill,
        Self::Pause,
        Self::Cut,
        Self::CutOneWay,
        Self::Isolate,
        Self::Deaf,
        Self::Mute,
        Self::AnswersLost,
        Self::Loss,
        Self::Delay,
        Self::Disorder,
        Self::Switch,
        Self::DiskFull,
        Self::DiskSlow,
        Self::DiskStall,
        Self::SyncFails,
        Self::PowerCut,
        Self::PowerCutAll,
    ];

    /// Whether a disk of this program's own is needed.
    pub(crate) const fn needs_own_disk(self) -> bool {
        matches!(
            self,
            Self::DiskSlow | Self::DiskStall | Self::SyncFails | Self::PowerCut | Self::PowerCutAll
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "node killed (SIGKILL)",
            Self::Pause => "node paused (SIGSTOP)",
            Self::Cut => "link cut, both ways",
            Self::CutOneWay => "link cut, one way",
            Self::Isolate => "node isolated",
            Self::Deaf => "node hears nobody",
            Self::Mute => "node heard by nobody",
            Self::AnswersLost => "answers to clients lost",
            Self::Loss => "packet loss",
            Self::Delay => "delay",
            Self::Disorder => "reordering, duplicates",
            Self::Switch => "planned switch",
            Self::DiskFull => "disk full",
            Self::DiskSlow => "disk slow",
            Self::DiskStall => "disk stands still",
            Self::SyncFails => "fsync fails",
            Self::PowerCut => "power cut of one node",
            Self::PowerCutAll => "power cut of all nodes",
        })
    }
}

/// A fault with all that it needs to be carried out. Nodes are places from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is done.
    pub(crate) kind: Kind,
    /// To which node, where it is done to one; the first of two.
    pub(crate) node: usize,
    /// The other node of a link.
    pub(crate) other: usize,
    /// How much: parts in a million of loss, microseconds of delay, milliseconds of an fsync.
    pub(crate) amount: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, node, other, amount } = *self;
        let (node, other) = (node + 1, other + 1);
        match kind {
            Kind::Cut => write!(f, "{kind}: {node} – {other}"),
            Kind::CutOneWay => write!(f, "{kind}: {node} to {other}"),
            Kind::Loss => write!(f, "{kind}: {} % everywhere", amount / 10_000),
            Kind::Delay => write!(f, "{kind}: {} ms more around {node}", amount / 1_000),
            Kind::Disorder => write!(f, "{kind}: by up to {} ms everywhere", amount / 1_000),
            Kind::DiskSlow => write!(f, "{kind}: {amount} ms more at {node}"),
            Kind::PowerCutAll => write!(f, "{kind}"),
            Kind::Switch => write!(f, "{kind}: to {node}"),
            Kind::Kill
            | Kind::Pause
            | Kind::Isolate
            | Kind::Deaf
            | Kind::Mute
            | Kind::AnswersLost
            | Kind::DiskFull
            | Kind::DiskStall
            | Kind::SyncFails
            | Kind::PowerCut => write!(f, "{kind}: {node}"),
        }
    }
}
