//! The data class of a journal: at which watermark it answers, and what it does when copies are
//! missing.
//!
//! The class is part of a group's configuration, and so of an epoch: a home has one class for as long
//! as it is home, and another class is another epoch.

/// What kind of data a journal holds (PROTOCOL 6, "sync or async by data class").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Answered once committed (W2): what was answered survives whatever the copies are for.
    #[default]
    Sync,
    /// Answered once the home has it on disk (W1). Copies follow at once; what leaves the group waits
    /// for W2. A home that is lost may take answered commands with it: they are itemised.
    Async,
    /// As [`Async`](Self::Async), with copies in the home's region only: the configuration has no
    /// member elsewhere. The region's loss takes the journal with it.
    Local,
}

impl Class {
    /// Whether its commands are answered before they are committed.
    #[must_use]
    pub const fn answers_early(self) -> bool {
        match self {
            Self::Sync => false,
            Self::Async | Self::Local => true,
        }
    }
}

/// What a group does when so many members are gone that nothing can be committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuorumLoss {
    /// It waits, and says *unknown* when a client's time is up. The default, and for money the only
    /// sensible one.
    #[default]
    Block,
    /// It goes on with the members that are left, under a smaller configuration that the register
    /// has taken first, and says so until the others are back.
    Degrade,
}

/// The terms under which a group keeps its data: part of its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Terms {
    /// At which watermark it answers.
    pub class: Class,
    /// What it does when copies are missing.
    pub on_quorum_loss: QuorumLoss,
}

/// For what a call wants its answer to wait. The class is the least that there is: a journal of
/// class sync never answers below W2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// For the watermark of the journal's class.
    #[default]
    Class,
    /// For the commit (W2), whatever the class.
    Commit,
}
