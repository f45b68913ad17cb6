//! Who the nodes are: those of the first day, those admitted since, those that are gone, and which of them
//! vote in the register.
//!
//! A node's id belongs to its disk and is never used twice. A lost disk is replaced by another node with
//! another id; the groups' homes bring the newcomer to their records and then open epochs whose
//! configurations name it, each by itself: which configuration a group is to come to follows from the
//! roster ([`Roster::target`]). The register's own members change by generations: what one generation
//! decided is where the next one begins, and in the decided log stands who its members are
//! (docs/design/0015). Nothing here judges whether a node is alive.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use types::{Class, Config, GroupId, Hash, Member, MemberRole, NodeId, Place};

use crate::limits::{CONTACT_BYTES_MAX, MEMBERS_MAX, NODES_MAX};
use crate::numbers::{FORCES_MAX, Ids};

/// Where a node is and how it is reached. For people and for whoever opens sessions; nothing is decided
/// by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Name of its region.
    pub region: String,
    /// Name of its zone there; empty where there is only one.
    pub zone: String,
    /// Where nodes reach it, `host:port`.
    pub peers: String,
    /// Where clients reach it, `http://host:port`.
    pub http: String,
}

/// A node that was not there on the first day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Its id, above all that were ever used.
    pub node: NodeId,
    /// What it is to be to the groups; `None` for a vote in the register alone. One that replaces
    /// another is what that was, group by group.
    pub role: Option<MemberRole>,
    /// Where it stands.
    pub place: Place,
    /// How it is reached.
    pub contact: Contact,
    /// Whose place it takes; `None` for one more node.
    pub replaces: Option<NodeId>,
}

/// A step of the roster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// A node is to come.
    Admit(Newcomer),
    /// A node is to go, and none comes in its place.
    Dismiss {
        /// Which.
        node: NodeId,
    },
    /// The register's members are these from here on. Decided by a majority of those before.
    Turn {
        /// Rising.
        members: Vec<NodeId>,
    },
    /// The same without the others' word, by people who have given them up: whatever they decided
    /// and these members have not heard of is lost, and none of them ever counts for anything again.
    Force {
        /// Rising; members of the generation before.
        members: Vec<NodeId>,
        /// Rising; all other nodes that may have decided anything since: the generation before, and those
        /// that were to be its members.
        given_up: Vec<NodeId>,
    },
}

/// A step, taken only if the roster is at `expected_version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipChange {
    /// The version that the proposer saw.
    pub expected_version: u64,
    /// The step.
    pub step: Membership,
}

/// How a node came to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It was removed.
    Dismissed,
    /// Another has its place.
    Replaced {
        /// Which.
        by: NodeId,
    },
    /// A generation was begun by force without it. It votes no more and counts for nothing; the groups
    /// keep its place for whoever replaces it.
    Lost,
}

/// One set of members of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Its number; the first has 1 and no entry here.
    pub number: u64,
    /// Its members, rising.
    pub members: Vec<NodeId>,
    /// Whether it was begun by force: what the one before had decided may be missing.
    pub forced: bool,
    /// If so: who was given up, for ever. None of them counts for anything, whoever has its place.
    pub given_up: Vec<NodeId>,
    /// Digest of the entry of the log that began it and of all before. Two generations of one number that
    /// were begun at two places have different ones.
    pub origin: Hash,
    /// Who began it.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// All nodes there ever were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    version: u64,
    founders: Vec<NodeId>,
    admitted: BTreeMap<NodeId, Newcomer>,
    gone: BTreeMap<NodeId, Gone>,
    generations: Vec<Generation>,
    /// What newcomers may be numbered. The lost part may have given out any id above those that are known.
    ids: Ids,
}

/// Why a step was not taken. The roster is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterRefusal {
    /// It changed since the proposer looked. Look again.
    #[error("the list of nodes is at version {version}")]
    Version {
        /// Where it stands.
        version: u64,
    },
    /// Ids are never used twice: a newcomer's is above all others, and not far above.
    #[error("{node} is not among the next ids above {highest}, the highest that was ever used")]
    IdUsed {
        /// What was given.
        node: NodeId,
        /// The highest so far.
        highest: NodeId,
    },
    /// There is no such node.
    #[error("there is no {node}")]
    Unknown {
        /// Which.
        node: NodeId,
    },
    /// The node is gone already.
    #[error("{node} was removed or replaced already")]
    IsGone {
        /// Which.
        node: NodeId,
    },
    /// The register would have two members, of which neither can do without the other, or none, or too
    /// many.
    #[error("that would make {count} nodes with a vote; want 1, or 3 to {MEMBERS_MAX}")]
    Votes {
        /// How many.
        count: usize,
    },
    /// A group could not keep as many copies in as many regions as it is to have.
    #[error("{group} could not keep its copies without that node")]
    Copies {
        /// Which.
        group: GroupId,
    },
    /// All ids were given out that there are before the register is begun anew once more.
    #[error("{node} is beyond the ids that newcomers may have, which end before {end}")]
    Ids {
        /// What was given.
        node: NodeId,
        /// The first that is beyond.
        end: u32,
    },
    /// Too many nodes came and went.
    #[error("no more than {NODES_MAX} nodes are ever admitted")]
    Full,
    /// The members named are not among those of the generation before.
    #[error("{node} is not a member of the register")]
    NotMember {
        /// Which.
        node: NodeId,
    },
    /// The members are these already.
    #[error("the register has these members already")]
    Same,
    /// A member is neither to stay nor given up.
    #[error("{node} is neither to stay nor given up")]
    NotNamed {
        /// Which.
        node: NodeId,
    },
    /// The register was begun anew by force as often as it may be.
    #[error("the register was begun anew by force {FORCES_MAX} times, and may not be again")]
    Forces,
    /// Who takes a node's place stands where that one stood: the groups' copies lie in so many regions.
    #[error("{node} stands elsewhere: want the same region and zone as that of whom it replaces")]
    Place {
        /// Whose place it is.
        node: NodeId,
    },
    /// A node that is not gone has that address: the others would end their sessions to it.
    #[error("{node} has that address, and is not gone")]
    Address {
        /// Which.
        node: NodeId,
    },
}

impl Newcomer {
    /// Whether all texts fit.
    #[must_use]
    pub fn fits(&self) -> bool {
        let Contact { region, zone, peers, http } = &self.contact;
        [region, zone, peers, http].iter().all(|text| text.len() <= CONTACT_BYTES_MAX)
    }
}

impl Roster {
    /// The first day: these nodes, all with a vote.
    pub(crate) fn new(founders: &[NodeId]) -> Self {
        let mut founders = founders.to_vec();
        founders.sort_unstable();
        let (admitted, gone) = (BTreeMap::new(), BTreeMap::new());
        let (generations, ids) = (Vec::new(), Ids::FIRST);
        Self { version: 1, founders, admitted, gone, generations, ids }
    }

    /// Number of steps so far, from 1; the value to compare with.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The nodes of the first day.
    #[must_use]
    pub fn founders(&self) -> &[NodeId] {
        &self.founders
    }

    /// The nodes admitted since, gone ones too.
    pub fn admitted(&self) -> impl Iterator<Item = &Newcomer> {
        self.admitted.values()
    }

    /// Number of the generation of members that decides now.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generations.last().map_or(1, |one| one.number)
    }

    /// Every generation after the first, for ever.
    #[must_use]
    pub fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// The members of the register, rising.
    #[must_use]
    pub fn members(&self) -> &[NodeId] {
        self.generations.last().map_or(&self.founders, |one| &one.members)
    }

    /// Whether a node was ever given up by force. What it says counts for nothing from then on, also when
    /// another has its place: it may know and have done what is in no history.
    #[must_use]
    pub fn was_given_up(&self, node: NodeId) -> bool {
        self.generations.iter().any(|one| one.given_up.contains(&node))
    }

    /// Names of the entries by which generations were begun by force, oldest first.
    pub(crate) fn lineage(&self) -> impl Iterator<Item = Hash> {
        self.generations.iter().filter(|one| one.forced).map(|one| one.origin)
    }

    /// The name of the entry that began a generation; zero for the first.
    pub(crate) fn origin(&self, generation: u64) -> Hash {
        let begun = self.generations.iter().find(|one| one.number == generation);
        begun.map_or(Hash::ZERO, |one| one.origin)
    }

    /// How a node is gone; `None` if it is not, or never was.
    #[must_use]
    pub fn gone(&self, node: NodeId) -> Option<Gone> {
        self.gone.get(&node).copied()
    }

    /// Every id ever used, rising.
    pub fn known(&self) -> impl Iterator<Item = NodeId> {
        self.founders.iter().chain(self.admitted.keys()).copied()
    }

    /// Whether there ever was such a node.
    #[must_use]
    pub fn is_known(&self, node: NodeId) -> bool {
        self.founders.contains(&node) || self.admitted.contains_key(&node)
    }

    /// The nodes that are not gone, rising.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.known().filter(|node| !self.gone.contains_key(node))
    }

    /// The lowest id that a newcomer may have. After a beginning by force it is above all that may have been
    /// given out by those who were given up.
    #[must_use]
    pub fn next_id(&self) -> NodeId {
        let above = self.known().max().map_or(1, |node| node.0.saturating_add(1));
        NodeId(above.max(self.ids.first))
    }

    /// Whether the register was ever begun anew by force.
    #[must_use]
    pub fn was_begun_anew(&self) -> bool {
        self.lineage().next().is_some()
    }

    /// Where the ids of newcomers begin since the register was last begun anew by force.
    pub(crate) fn ids_from(&self) -> Option<u16> {
        (self.ids != Ids::FIRST).then_some(self.ids.first)
    }

    /// Who has a node's place in the end: itself if it is not gone or only lost, `None` if nobody has.
    #[must_use]
    pub fn heir(&self, node: NodeId) -> Option<NodeId> {
        let mut heir = node;
        // Each heir has a higher id than the one before.
        while let Some(gone) = self.gone(heir) {
            heir = match gone {
                Gone::Dismissed => return None,
                Gone::Replaced { by } => by,
                Gone::Lost => return Some(heir),
            };
        }
        Some(heir)
    }

    /// The configuration that a group with `base` is to come to, under the same number; `None` if that is
    /// it already, or if it cannot be had.
    #[must_use]
    pub fn target(&self, base: &Config) -> Option<Config> {
        self.wanted(base).filter(|wanted| wanted != base)
    }

    /// The same for a group that `leader` leads, or is to lead: where that one is to go, it keeps its place
    /// until another who counts may lead, and can be handed over to. So all that lead a group may be replaced
    /// at once: one after the other hands over.
    #[must_use]
    pub fn target_under(&self, base: &Config, leader: NodeId) -> Option<Config> {
        let wanted = self.wanted(base)?;
        if !base.may_lead(leader) || wanted.has(leader) {
            return Some(wanted).filter(|wanted| wanted != base);
        }
        self.wanted_with(base, Some(leader)).filter(|wanted| wanted != base)
    }

    fn wanted(&self, base: &Config) -> Option<Config> {
        self.wanted_with(base, None)
    }

    /// With `stays` in its own place.
    fn wanted_with(&self, base: &Config, stays: Option<NodeId>) -> Option<Config> {
        let kept = base.each().filter_map(|member| {
            let own = stays.filter(|node| *node == member.node);
            let node = own.or_else(|| self.heir(member.node))?;
            Some(Member { node, ..member })
        });
        let mut members: Vec<Member> = kept.collect();
        for newcomer in self.admitted.values().filter(|one| one.replaces.is_none()) {
            let (node, place) = (newcomer.node, newcomer.place);
            let is_near = || base.each().all(|member| member.place.region == place.region);
            // What is to stay in one region does not leave it because a node comes elsewhere.
            let joins = base.terms().class != Class::Local || is_near();
            // One that was added and replaced since has its heir here already, or stays itself.
            let has_its_place = |one: &Member| self.heir(one.node) == self.heir(node);
            let is_there = members.iter().any(has_its_place);
            if let (Some(role), true, false) = (newcomer.role, joins, is_there)
                && let Some(node) = self.heir(node)
            {
                members.push(Member { node, role, place });
            }
        }
        let wanted = Config::placed(base.id(), members, base.copies(), base.spread()).ok()?;
        Some(wanted.with_terms(base.terms()))
    }

    /// Who should vote, given which nodes are there: a newcomer votes once it is, in the place of whom it
    /// replaces; one that was removed, or is replaced and there, votes until no group needs it. One that is replaced
    /// and lost its vote while it was away has it again if its say is needed. `None` if those do
    /// already, or if that would make two, of which neither could do without the other.
    #[must_use]
    pub fn voters(
        &self,
        is_there: impl Fn(NodeId) -> bool,
        is_needed: impl Fn(NodeId) -> bool,
        needs_say: impl Fn(NodeId) -> bool,
    ) -> Option<Vec<NodeId>> {
        let now = self.members();
        let stays = |node: &NodeId| match self.gone(*node) {
            None => true,
            Some(Gone::Dismissed) => is_needed(*node),
            // One that works on as home of groups needs its vote to hand them over.
            Some(Gone::Replaced { .. }) => {
                self.heir(*node).is_some_and(|heir| !is_there(heir))
                    || is_there(*node) && is_needed(*node)
            }
            Some(Gone::Lost) => false,
        };
        let mut members: Vec<NodeId> = now.iter().copied().filter(stays).collect();
        let kept = members.clone();
        let comes = |node: &NodeId| {
            let replaces = self.admitted.get(node).and_then(|newcomer| newcomer.replaces);
            let has_place = replaces.is_none_or(|old| !kept.contains(&old));
            !now.contains(node) && has_place && is_there(*node)
        };
        members.extend(self.nodes().filter(comes));
        let comes_back = |node: &NodeId| {
            let is_replaced = matches!(self.gone(*node), Some(Gone::Replaced { .. }));
            is_replaced && !now.contains(node) && is_there(*node) && needs_say(*node)
        };
        let room = MEMBERS_MAX.saturating_sub(members.len());
        members.extend(self.known().filter(comes_back).take(room));
        members.sort_unstable();
        (members != now && is_votable(members.len())).then_some(members)
    }

    /// Whether nothing needs a node any more: it is gone, has no vote, and no group names it.
    #[must_use]
    pub fn is_retired(&self, node: NodeId, is_needed: impl Fn(NodeId) -> bool) -> bool {
        match self.gone(node) {
            None | Some(Gone::Lost) => false,
            Some(Gone::Dismissed | Gone::Replaced { .. }) => {
                !self.members().contains(&node) && !is_needed(node)
            }
        }
    }
}

const fn is_votable(count: usize) -> bool {
    count == 1 || (count >= 3 && count <= MEMBERS_MAX)
}

mod steps;

pub(crate) use steps::Words;

#[cfg(test)]
mod tests;
