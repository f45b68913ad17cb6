//! Beginning a generation without asking anybody: what people may order when the majority is lost for good.
//!
//! All that this member has accepted counts as decided then, known or not: any of it may have been, with
//! the others' votes. So what it comes to is judged by the state after all of that. Which of several
//! survivors goes on is not a matter of taste: see [`Reach`](crate::Reach). The others say how far
//! they are as long as nobody leads, and whoever is behind one of them refuses.
//!
//! A node without a vote may have been told more of what was decided than this member: then it is asked for
//! that, and what it tells goes before what this member has accepted in its place.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use types::{Instant, NodeId};

use super::{Pending, Register};
use crate::limits::PENDING_MAX;
use crate::log::Entry;
use crate::memory::Image;
use crate::reach::Kin;
use crate::record::{Record, Turn};
use crate::{
    Effect, ForceRefusal, Membership, MembershipChange, Proposal, ProposalId, Reach, RosterRefusal,
    State,
};

/// What a generation begun by force would go on from, and without whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inheritance {
    /// The generation's number.
    pub generation: u64,
    /// Everybody who may have decided anything and would count for nothing from then on.
    pub given_up: Vec<NodeId>,
    /// How far this member is.
    pub own: Reach,
    /// How far the other survivors say that they are; none is better.
    pub others: Vec<(NodeId, Reach)>,
}

impl Register {
    /// How far this member's log is.
    #[must_use]
    pub fn reach(&self) -> Reach {
        Reach {
            generation: self.generation,
            votes: !self.log.is_outside(),
            lineage: self.state.roster().lineage().collect(),
            round: self.log.round(),
            accepted: self.log.length(),
            decided: self.applied,
        }
    }

    /// What another node said last of its log, if that is not long ago.
    #[must_use]
    pub fn reach_of(&self, now: Instant, node: NodeId) -> Option<&Reach> {
        let fresh_us = self.options.patience_us().saturating_mul(HAILS);
        let (at, reach) = self.reaches.get(&node)?;
        (now.since(*at) <= fresh_us).then_some(reach)
    }

    /// The nodes whose register was begun anew by force elsewhere than this one's, as far as heard lately.
    /// Neither takes anything from the other: people must end one of the two.
    pub fn split_from(&self, now: Instant) -> impl Iterator<Item = NodeId> {
        let own = self.reach();
        let nodes = self.reaches.keys().copied();
        nodes.filter(move |node| {
            self.reach_of(now, *node).is_some_and(|one| own.kin(one) == Kin::Split)
        })
    }

    /// What it would come to if these members went on alone, this one among them.
    ///
    /// # Errors
    /// [`ForceRefusal`]: they may not, or not from here.
    pub fn may_force(
        &self,
        now: Instant,
        survivors: &[NodeId],
    ) -> Result<Inheritance, ForceRefusal> {
        self.inherit(now, survivors).map(|(inheritance, _)| inheritance)
    }

    fn inherit(
        &self,
        now: Instant,
        survivors: &[NodeId],
    ) -> Result<(Inheritance, State), ForceRefusal> {
        let me = self.options.node;
        let votes = |node| self.members.contains(node);
        if self.is_over || !votes(&me) || !survivors.contains(&me) {
            return Err(ForceRefusal::NoVote { node: me });
        }
        if survivors.iter().filter(|node| votes(node)).count() > self.members.len() / 2 {
            return Err(ForceRefusal::HasMajority);
        }
        let own = self.reach();
        let mut others = Vec::new();
        for node in survivors.iter().copied().filter(|node| *node != me) {
            let reach = self.reach_of(now, node).ok_or(ForceRefusal::Unheard { node })?;
            match own.kin(reach) {
                Kin::Split => return Err(ForceRefusal::Split { node }),
                _ if reach.is_better_than(&own) => return Err(ForceRefusal::Behind { node }),
                Kin::Same | Kin::Behind | Kin::Ahead => others.push((node, reach.clone())),
            }
        }
        let mut trial = self.state.clone();
        let rest = self.held_for_decided();
        for entry in &rest {
            trial.apply(&entry.0);
        }
        let roster = trial.roster();
        let all: BTreeSet<NodeId> = self.members.iter().chain(roster.members()).copied().collect();
        if let Some(node) = survivors.iter().find(|node| !all.contains(node)) {
            return Err(ForceRefusal::Roster(RosterRefusal::NotMember { node: *node }));
        }
        let given_up: Vec<NodeId> =
            all.into_iter().filter(|node| !survivors.contains(node)).collect();
        if let Some(node) = self.further(now, &own, &given_up) {
            return Err(ForceRefusal::Further { node });
        }
        let generation = roster.generation() + 1;
        let own = Reach { accepted: self.applied + rest.len(), ..own };
        Ok((Inheritance { generation, given_up, own, others }, trial))
    }

    /// What follows in the log what is known to be decided: what a node without a vote has told, and what
    /// this member has accepted. Where the two part, what was accepted was overtaken, and all behind it.
    fn held_for_decided(&self) -> Vec<Entry> {
        let accepted = self.log.entries(self.applied, self.log.length());
        if self.told.iter().zip(&accepted).any(|(told, accepted)| told != accepted)
            || self.told.len() > accepted.len()
        {
            return self.told.clone();
        }
        accepted
    }

    /// A node without a vote that says that it has heard more than is here, and is not given up.
    fn further(&self, now: Instant, own: &Reach, given_up: &[NodeId]) -> Option<NodeId> {
        let known = self.applied + self.told.len();
        let has_more = |node: &NodeId| {
            let Some(reach) = self.reach_of(now, *node) else { return false };
            match own.kin(reach) {
                Kin::Behind => true,
                Kin::Same => {
                    reach.generation > own.generation
                        || reach.generation == own.generation && reach.decided > known
                }
                Kin::Ahead | Kin::Split => false,
            }
        };
        let counts = |node: &NodeId| {
            !self.members.contains(node)
                && !given_up.contains(node)
                && !self.state.roster().was_given_up(*node)
        };
        self.reaches.keys().copied().filter(counts).find(has_more)
    }

    /// Begins a generation. All of it is one record, so that a crash leaves either generation whole.
    pub(super) fn force(
        &mut self,
        now: Instant,
        id: ProposalId,
        words: (String, String),
        members: Vec<NodeId>,
        out: &mut Vec<Effect>,
    ) {
        // The record of this start goes before all others.
        self.settle(now, Vec::new(), out);
        if let Err(why) = self.try_force(now, id, words, members, out) {
            out.push(Effect::NotForced { proposal: id, why });
        }
    }

    fn try_force(
        &mut self,
        now: Instant,
        id: ProposalId,
        (actor, reason): (String, String),
        members: Vec<NodeId>,
        out: &mut Vec<Effect>,
    ) -> Result<(), ForceRefusal> {
        if !self.is_new(id) || self.pending.len() == PENDING_MAX {
            return Err(ForceRefusal::Busy);
        }
        let (Inheritance { given_up, .. }, mut trial) = self.inherit(now, &members)?;
        let expected_version = trial.roster().version();
        let step = Membership::Force { members: members.clone(), given_up };
        let change = MembershipChange { expected_version, step };
        let proposal = Proposal::of_membership(id, actor, reason, change)
            .map_err(ForceRefusal::NotAProposal)?;
        let entry = Entry(Arc::new(proposal));
        let result = trial.apply(&entry.0).and_then(|results| results.membership);
        result.ok_or(ForceRefusal::Busy)?.map_err(ForceRefusal::Roster)?;

        let mut rest = self.held_for_decided();
        rest.push(entry.clone());
        let kept = self.applied;
        let entries = self.log.entries(0, kept);
        let generation = trial.roster().generation();
        let turn = Turn { generation, members, kept };
        let pending = Pending { entry: entry.clone(), since: now, retry_at: now };
        self.pending.insert(id.number, pending);
        let decided = kept + rest.len();
        let entries: Vec<Entry> = entries.into_iter().chain(rest.iter().cloned()).collect();
        let image = Image { decided, entries, ..Image::default() };
        // What waits for its write was said in a generation that is over, but for the entries, which
        // the new write makes durable with its own.
        self.told.clear();
        self.enter(&turn, trial.roster().origin(generation), image, out);
        self.standing = (self.log.ballot(), self.log.leader());
        let tail = Some((kept, rest));
        let record = Record { turn: Some(turn), decided: Some(decided), tail, ..Record::default() };
        self.write(now, &record, decided, None, out);
        Ok(())
    }
}

/// A word is fresh for so many of the times in which a node says it once.
const HAILS: u64 = 3;
