//! What a member of a group does, and in which failure domains it stands.

use crate::NodeId;

/// A region, by its number in the cluster. Two nodes share a region exactly when one disaster may take
/// both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionId(pub u16);

/// A zone, by its number within its region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneId(pub u16);

/// The failure domains of a node, the wider one first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its region.
    pub region: RegionId,
    /// Its zone within that.
    pub zone: ZoneId,
}

/// What a member does (PROTOCOL 7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRole {
    /// Keeps the journal and the model; its copy and its promise count; it may become home.
    #[default]
    Full,
    /// Keeps the end of the journal and its promise, which count, and no model. Never home.
    Witness,
    /// Is sent everything and counts for nothing until another configuration says otherwise.
    Learner,
}

impl MemberRole {
    /// Whether its copies and its promises count.
    #[must_use]
    pub const fn counts(self) -> bool {
        match self {
            Self::Full | Self::Witness => true,
            Self::Learner => false,
        }
    }

    /// Whether it runs the model over what is committed.
    #[must_use]
    pub const fn runs_model(self) -> bool {
        match self {
            Self::Full | Self::Learner => true,
            Self::Witness => false,
        }
    }

    /// Whether it may become home.
    #[must_use]
    pub const fn may_lead(self) -> bool {
        match self {
            Self::Full => true,
            Self::Witness | Self::Learner => false,
        }
    }
}

/// A member of a group's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub node: NodeId,
    /// What it does.
    pub role: MemberRole,
    /// Where it stands.
    pub place: Place,
}
