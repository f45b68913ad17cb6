//! Who holds copies of a group, and how many of them make a commit.

use alloc::vec::Vec;

use crate::{ConfigId, NodeId, Terms};

/// An immutable configuration of a group (PROTOCOL 7.1). Built by [`Config::new`], so that a value
/// that exists is usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    id: ConfigId,
    members: Vec<NodeId>,
    copies: usize,
    terms: Terms,
}

/// Why a configuration cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAConfig {
    /// There are no members.
    Empty,
    /// A member stands twice.
    Twice(NodeId),
    /// `copies` is 0 or larger than the number of members.
    Copies {
        /// What was asked for.
        copies: usize,
        /// How many members there are.
        members: usize,
    },
}

impl Config {
    /// A configuration of `members` in which `copies` durable copies, home's own included, commit
    /// an entry (`n` and `w` in the protocol).
    ///
    /// # Errors
    /// See [`NotAConfig`].
    pub fn new(id: ConfigId, members: Vec<NodeId>, copies: usize) -> Result<Self, NotAConfig> {
        if members.is_empty() {
            return Err(NotAConfig::Empty);
        }
        for (index, member) in members.iter().enumerate() {
            if members.iter().take(index).any(|other| other == member) {
                return Err(NotAConfig::Twice(*member));
            }
        }
        if copies == 0 || copies > members.len() {
            return Err(NotAConfig::Copies { copies, members: members.len() });
        }
        Ok(Self { id, members, copies, terms: Terms::default() })
    }

    /// The same under these terms; [`Config::new`] gives the safest.
    #[must_use]
    pub const fn with_terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// The same under another number.
    #[must_use]
    pub const fn numbered(mut self, id: ConfigId) -> Self {
        self.id = id;
        self
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> ConfigId {
        self.id
    }

    /// Its members, in the order given.
    #[must_use]
    pub fn members(&self) -> &[NodeId] {
        &self.members
    }

    /// Durable copies that commit an entry, home's own included (`w`).
    #[must_use]
    pub const fn copies(&self) -> usize {
        self.copies
    }

    /// At which watermark it answers, and what it does when copies are missing.
    #[must_use]
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// Whether `node` is a member.
    #[must_use]
    pub fn has(&self, node: NodeId) -> bool {
        self.members.contains(&node)
    }

    /// Whether this is a part of `whole`: no member that it has not, no more copies, and less of either.
    #[must_use]
    pub fn is_less_than(&self, whole: &Self) -> bool {
        let is_part = self.members.iter().all(|node| whole.has(*node));
        let (members, copies) = (self.members.len(), self.copies);
        is_part
            && copies <= whole.copies
            && (members < whole.members.len() || copies < whole.copies)
    }

    /// How many members other than the home a seal set needs when the home is not in it: `n-w+1`
    /// (PROTOCOL 7.4). Any `w-1` others then meet the set in at least one member.
    #[must_use]
    pub fn seal_others(&self) -> usize {
        self.members.len() - self.copies + 1
    }
}
