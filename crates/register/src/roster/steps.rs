//! The steps of the roster: what may be ordered, and what comes of it.

use alloc::string::String;

use types::{Config, GroupId, Hash, NodeId};

use super::{
    Generation, Gone, Membership, MembershipChange, Newcomer, Roster, RosterRefusal, is_votable,
};
use crate::limits::{MEMBERS_MAX, NODES_MAX};
use crate::numbers::Ids;

/// Who orders a step, where and why, and the name of the entry that orders it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    pub(crate) actor: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) at: NodeId,
    pub(crate) origin: Hash,
}

impl Roster {
    /// Takes one step, or says why not and stays as it is. Gives the new version. `groups` are the
    /// configurations that the groups are to have now.
    pub(crate) fn take<'a>(
        &mut self,
        change: &MembershipChange,
        words: Words<'_>,
        groups: impl Iterator<Item = (GroupId, &'a Config)>,
    ) -> Result<u64, RosterRefusal> {
        if change.expected_version != self.version {
            return Err(RosterRefusal::Version { version: self.version });
        }
        match &change.step {
            Membership::Admit(newcomer) => self.admit(newcomer, groups)?,
            Membership::Dismiss { node } => self.dismiss(*node, groups)?,
            Membership::Turn { members } => {
                self.check_members(members)?;
                if members == self.members() {
                    return Err(RosterRefusal::Same);
                }
                if let Some(node) = members.iter().find(|node| self.was_given_up(**node)) {
                    return Err(RosterRefusal::IsGone { node: *node });
                }
                if !is_votable(members.len()) {
                    return Err(RosterRefusal::Votes { count: members.len() });
                }
                self.turn(members, None, words);
            }
            Membership::Force { members, given_up } => self.force(members, given_up, words)?,
        }
        self.version += 1;
        Ok(self.version)
    }

    fn admit<'a>(
        &mut self,
        newcomer: &Newcomer,
        groups: impl Iterator<Item = (GroupId, &'a Config)>,
    ) -> Result<(), RosterRefusal> {
        let (node, lowest) = (newcomer.node, self.next_id());
        // An id far above would use up all between.
        let is_far = node.0 > lowest.0.saturating_add(self.ids.step());
        if node < lowest || is_far || self.is_known(node) {
            return Err(RosterRefusal::IdUsed { node, highest: NodeId(lowest.0 - 1) });
        }
        if u32::from(node.0) >= self.ids.end {
            return Err(RosterRefusal::Ids { node, end: self.ids.end });
        }
        if self.admitted.len() == NODES_MAX {
            return Err(RosterRefusal::Full);
        }
        match newcomer.replaces {
            Some(old) if !self.is_known(old) => return Err(RosterRefusal::Unknown { node: old }),
            Some(old)
                if matches!(self.gone(old), Some(Gone::Dismissed | Gone::Replaced { .. })) =>
            {
                return Err(RosterRefusal::IsGone { node: old });
            }
            Some(old) => {
                self.check_place(newcomer, old, groups)?;
                self.check_address(newcomer)?;
                self.gone.insert(old, Gone::Replaced { by: node });
            }
            None => {
                self.check_address(newcomer)?;
                let count = self.nodes().count() + 1;
                if !is_votable(count) {
                    return Err(RosterRefusal::Votes { count });
                }
            }
        }
        self.admitted.insert(node, newcomer.clone());
        Ok(())
    }

    /// Whoever replaces another stands where that one stood, or copies would lie in fewer regions than they
    /// are counted in.
    fn check_place<'a>(
        &self,
        newcomer: &Newcomer,
        old: NodeId,
        groups: impl Iterator<Item = (GroupId, &'a Config)>,
    ) -> Result<(), RosterRefusal> {
        let by_roster = self.admitted.get(&old).map(|one| one.place);
        let by_groups = groups.filter_map(|(_, base)| Some(base.member(old)?.place));
        let mut places = by_roster.into_iter().chain(by_groups).peekable();
        if places.peek().is_some() && !places.any(|place| place == newcomer.place) {
            return Err(RosterRefusal::Place { node: old });
        }
        Ok(())
    }

    /// An address belongs to one node at a time. Where the nodes of the first day are is not known here.
    fn check_address(&self, newcomer: &Newcomer) -> Result<(), RosterRefusal> {
        let peers = &newcomer.contact.peers;
        let has_it = |node: &NodeId| {
            let known = self.admitted.get(node);
            known.is_some_and(|one| one.contact.peers == *peers) && Some(*node) != newcomer.replaces
        };
        match self.nodes().find(has_it) {
            Some(node) if !peers.is_empty() => Err(RosterRefusal::Address { node }),
            _ => Ok(()),
        }
    }

    fn dismiss<'a>(
        &mut self,
        node: NodeId,
        mut groups: impl Iterator<Item = (GroupId, &'a Config)>,
    ) -> Result<(), RosterRefusal> {
        if !self.is_known(node) {
            return Err(RosterRefusal::Unknown { node });
        }
        if matches!(self.gone(node), Some(Gone::Dismissed | Gone::Replaced { .. })) {
            return Err(RosterRefusal::IsGone { node });
        }
        let mut after = self.clone();
        after.gone.insert(node, Gone::Dismissed);
        let count = after.nodes().count();
        if !is_votable(count) {
            return Err(RosterRefusal::Votes { count });
        }
        // A group whose first configuration could not be had either is not made worse.
        if let Some((group, _)) = groups.find(|(_, base)| after.wanted(base).is_none()) {
            return Err(RosterRefusal::Copies { group });
        }
        *self = after;
        Ok(())
    }

    fn force(
        &mut self,
        members: &[NodeId],
        given_up: &[NodeId],
        words: Words<'_>,
    ) -> Result<(), RosterRefusal> {
        self.check_members(members)?;
        if let Some(node) = members.iter().find(|node| self.was_given_up(**node)) {
            return Err(RosterRefusal::IsGone { node: *node });
        }
        // What the survivor has accepted last may be a turn of which nobody knows that it was decided. Then
        // those before it are the members as well, and who goes on may be as many as it names.
        let has_say =
            |node: &NodeId| self.members().contains(node) || self.members_before().contains(node);
        if let Some(node) = members.iter().find(|node| !has_say(node)) {
            return Err(RosterRefusal::NotMember { node: *node });
        }
        let odd_one = given_up.iter().find(|node| !self.is_known(**node) || members.contains(node));
        if let Some(node) = odd_one {
            return Err(RosterRefusal::Unknown { node: *node });
        }
        let is_named = |node: &&NodeId| members.contains(node) || given_up.contains(node);
        if let Some(node) = self.members().iter().find(|node| !is_named(node)) {
            return Err(RosterRefusal::NotNamed { node: *node });
        }
        let before = self.known().filter(|node| *node < words.at).count();
        let Some(ids) = Ids::after(self.lineage().count() + 1, before) else {
            return Err(RosterRefusal::Forces);
        };
        self.ids = ids;
        for node in given_up {
            self.gone.entry(*node).or_insert(Gone::Lost);
        }
        self.turn(members, Some(given_up), words);
        Ok(())
    }

    fn check_members(&self, members: &[NodeId]) -> Result<(), RosterRefusal> {
        if members.is_empty() || members.len() > MEMBERS_MAX || !members.is_sorted_by(|a, b| a < b)
        {
            return Err(RosterRefusal::Votes { count: members.len() });
        }
        if let Some(node) = members.iter().find(|node| !self.is_known(**node)) {
            return Err(RosterRefusal::Unknown { node: *node });
        }
        Ok(())
    }

    /// The members of the generation before the one that decides now.
    fn members_before(&self) -> &[NodeId] {
        match self.generations.as_slice() {
            [] => &[],
            [_] => &self.founders,
            [.., before, _] => &before.members,
        }
    }

    fn turn(&mut self, members: &[NodeId], given_up: Option<&[NodeId]>, words: Words<'_>) {
        let Words { actor, reason, origin, at: _ } = words;
        self.generations.push(Generation {
            number: self.generation() + 1,
            members: members.to_vec(),
            forced: given_up.is_some(),
            given_up: given_up.map(<[NodeId]>::to_vec).unwrap_or_default(),
            origin,
            actor: String::from(actor),
            reason: String::from(reason),
        });
    }
}
