//! Who holds copies of a group, how many of them make a commit, and in how many regions.

use alloc::vec::Vec;

use crate::{ConfigId, Member, MemberRole, NodeId, Place, RegionId, Terms, ZoneId};

/// An immutable configuration of a group (PROTOCOL 7.1). Built by [`Config::new`] or
/// [`Config::placed`], so that a value that exists is usable: from every home that it allows, a
/// commit is possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    id: ConfigId,
    members: Vec<NodeId>,
    /// Of each member, in the same order.
    seats: Vec<(MemberRole, Place)>,
    copies: usize,
    spread: usize,
    terms: Terms,
}

/// Why a configuration cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAConfig {
    /// There are no members.
    Empty,
    /// A member stands twice.
    Twice(NodeId),
    /// `copies` is 0 or larger than the number of members that count.
    Copies {
        /// What was asked for.
        copies: usize,
        /// How many members count.
        members: usize,
    },
    /// No member may become home.
    NoFull,
    /// `spread` is 0, larger than `copies`, or larger than the number of regions of members that count.
    Spread {
        /// What was asked for.
        spread: usize,
        /// In how many regions members that count stand.
        regions: usize,
    },
}

impl Config {
    /// A configuration of full `members`, each in a region of its own, in which `copies` durable
    /// copies, home's own included, commit an entry (`n` and `w` in the protocol).
    ///
    /// # Errors
    /// See [`NotAConfig`].
    pub fn new(id: ConfigId, members: Vec<NodeId>, copies: usize) -> Result<Self, NotAConfig> {
        let members = members.into_iter().enumerate();
        let members = members.map(|(index, node)| plain(index, node)).collect();
        Self::placed(id, members, copies, 1)
    }

    /// A configuration in which `copies` durable copies, home's own included, commit an entry if they
    /// lie in at least `spread` regions.
    ///
    /// # Errors
    /// See [`NotAConfig`].
    pub fn placed(
        id: ConfigId,
        members: Vec<Member>,
        copies: usize,
        spread: usize,
    ) -> Result<Self, NotAConfig> {
        if members.is_empty() {
            return Err(NotAConfig::Empty);
        }
        for (index, member) in members.iter().enumerate() {
            if members.iter().take(index).any(|other| other.node == member.node) {
                return Err(NotAConfig::Twice(member.node));
            }
        }
        let config = Self {
            id,
            members: members.iter().map(|member| member.node).collect(),
            seats: members.iter().map(|member| (member.role, member.place)).collect(),
            copies,
            spread,
            terms: Terms::default(),
        };
        let (members, regions) = config.extent(|_| true);
        if copies == 0 || copies > members {
            return Err(NotAConfig::Copies { copies, members });
        }
        if config.leaders().next().is_none() {
            return Err(NotAConfig::NoFull);
        }
        if spread == 0 || spread > copies.min(regions) {
            return Err(NotAConfig::Spread { spread, regions });
        }
        Ok(config)
    }

    /// What is left of this one with only the members that `keeps` picks, under another number and the
    /// same terms: as many copies and regions as before, or as many as can still be had. `None` if nobody is left
    /// who may become home.
    #[must_use]
    pub fn reduced(&self, id: ConfigId, keeps: impl Fn(NodeId) -> bool) -> Option<Self> {
        let mut config = self.clone();
        config.id = id;
        config.seats = self.each().filter(|m| keeps(m.node)).map(|m| (m.role, m.place)).collect();
        config.members.retain(|node| keeps(*node));
        config.leaders().next()?;
        let (members, regions) = config.extent(|_| true);
        config.copies = self.copies.min(members);
        config.spread = self.spread.min(regions).min(config.copies);
        Some(config)
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

    /// Its members of every role, in the order given.
    #[must_use]
    pub fn members(&self) -> &[NodeId] {
        &self.members
    }

    /// Its members with what they do and where they stand, in the order given.
    pub fn each(&self) -> impl Iterator<Item = Member> {
        let pairs = self.members.iter().zip(&self.seats);
        pairs.map(|(node, (role, place))| Member { node: *node, role: *role, place: *place })
    }

    /// The members whose copies and promises count, in the order given.
    pub fn counted(&self) -> impl Iterator<Item = NodeId> {
        self.each().filter(|member| member.role.counts()).map(|member| member.node)
    }

    /// The members that may become home, in the order given.
    pub fn leaders(&self) -> impl Iterator<Item = NodeId> {
        self.each().filter(|member| member.role.may_lead()).map(|member| member.node)
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

    /// In how many regions, at least, those copies must lie.
    #[must_use]
    pub const fn spread(&self) -> usize {
        self.spread
    }

    /// What a member is and where it stands.
    #[must_use]
    pub fn member(&self, node: NodeId) -> Option<Member> {
        self.each().find(|member| member.node == node)
    }

    /// What a member does; `None` for a node that is none.
    #[must_use]
    pub fn role(&self, node: NodeId) -> Option<MemberRole> {
        self.member(node).map(|member| member.role)
    }

    /// Whether `node` is a member, whatever its role.
    #[must_use]
    pub fn has(&self, node: NodeId) -> bool {
        self.members.contains(&node)
    }

    /// Whether this is a part of `whole`: no member that it has not, no more copies, in no more regions,
    /// and less of any.
    #[must_use]
    pub fn is_less_than(&self, whole: &Self) -> bool {
        let is_part = self.members.iter().all(|node| whole.has(*node));
        let size = |config: &Self| [config.members.len(), config.copies, config.spread];
        let pairs = || size(self).into_iter().zip(size(whole));
        is_part && pairs().all(|(own, all)| own <= all) && pairs().any(|(own, all)| own < all)
    }

    /// Whether the copies and promises of `node` count.
    #[must_use]
    pub fn counts(&self, node: NodeId) -> bool {
        self.role(node).is_some_and(MemberRole::counts)
    }

    /// Whether `node` may become home.
    #[must_use]
    pub fn may_lead(&self, node: NodeId) -> bool {
        self.role(node).is_some_and(MemberRole::may_lead)
    }

    /// How many of the members that `picks` picks count, and in how many regions these stand.
    pub fn extent(&self, picks: impl Fn(NodeId) -> bool) -> (usize, usize) {
        let picked = || self.each().filter(|one| one.role.counts() && picks(one.node));
        // Members are few: a set of regions would cost more than to look again.
        let first = |one: &Member| {
            picked().find(|other| other.place.region == one.place.region).map(|m| m.node)
        };
        let regions = picked().filter(|one| first(one) == Some(one.node)).count();
        (picked().count(), regions)
    }

    /// Whether it is what [`Config::new`] makes: all full, each in a region of its own, and no word
    /// about regions.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let all = self.each().enumerate();
        self.spread == 1 && { all }.all(|(index, member)| member == plain(index, member.node))
    }
}

/// A full member in a region of its own.
fn plain(index: usize, node: NodeId) -> Member {
    let region = RegionId(u16::try_from(index).unwrap_or(u16::MAX));
    Member { node, role: MemberRole::Full, place: Place { region, zone: ZoneId(0) } }
}

#[cfg(test)]
mod tests;
