//! Nodes that come and go (PROTOCOL 7.5: replaced disk = new replica id = learner).
//!
//! An operator's order admits a node or dismisses one; that is one step of the register's roster, and all
//! else follows from it without further orders, however often homes and leaders change meanwhile. Every
//! node knows which configuration each group is to come to. A home ships to those that are to come, and
//! once they have caught up opens an epoch under that configuration, the way a degraded group is
//! restored: seal, copies enough for the new configuration, compare-and-set, and only then anything is
//! acknowledged under it. The register's leader gives a newcomer its vote when it is there, and takes the
//! vote of one that goes when no group needs it any more.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use model::Model;
use register::{
    Change, Gone, GroupState, Membership, MembershipChange, Newcomer, Phase, Proposal, SealKind,
    Transition,
};
use replication::{Mutant, is_commit};
use types::{Config, GroupId, NodeId, Now, RequestId};

use super::Node;
use super::effect::{Effect, MembershipOrder, NodeStep, OrderRefusal, StopReason};

impl<M: Model> Node<M> {
    /// Proposes a step of the roster, or refuses it with the reason.
    pub(super) fn change_nodes(
        &mut self,
        now: Now,
        request: RequestId,
        order: MembershipOrder,
        out: &mut Vec<Effect>,
    ) {
        let MembershipOrder { step, actor, reason } = order;
        let refusal = self.last_to_hold(now, &step);
        let proposal = match step {
            _ if !self.register.reachable(now.instant) => Err(OrderRefusal::NoRegister),
            _ if let Some(refusal) = refusal => Err(refusal),
            NodeStep::Admit(newcomer) => {
                self.step_proposal(Membership::Admit(newcomer), actor, reason)
            }
            NodeStep::Dismiss(node) => {
                self.step_proposal(Membership::Dismiss { node }, actor, reason)
            }
        };
        match proposal {
            Ok(proposal) => {
                self.orders.insert(proposal.id(), request);
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
            Err(refusal) => out.push(Effect::Ordered { to: request, result: Err(refusal) }),
        }
    }

    /// Whether a step would send away the last node that holds a group's records, as far as this node sees: the
    /// others that may lead the group are gone and not there, and none that comes instead counts yet.
    ///
    /// Whoever works goes on until another counts, also when it is to go. But people clear away what the
    /// cluster lets go, so of what may be the last copy it says so first.
    fn last_to_hold(&self, now: Now, step: &NodeStep) -> Option<OrderRefusal> {
        let node = match step {
            NodeStep::Admit(newcomer) => newcomer.replaces?,
            NodeStep::Dismiss(node) => *node,
        };
        let roster = self.register.state().roster();
        let went = |other: NodeId| match roster.gone(other)? {
            Gone::Replaced { .. } | Gone::Dismissed => {
                (!self.is_there(now, other)).then_some(other)
            }
            Gone::Lost => None,
        };
        self.register.groups().find_map(|(group, state)| {
            let base = state.to_be();
            let others = || base.leaders().filter(|other| *other != node);
            if !base.may_lead(node) || others().any(|other| went(other).is_none()) {
                return None;
            }
            let (gone, heir) = others().find_map(|other| Some((other, roster.heir(other)?)))?;
            Some(OrderRefusal::LastToHold { group, node, gone, heir })
        })
    }

    fn step_proposal(
        &mut self,
        step: Membership,
        actor: String,
        reason: String,
    ) -> Result<Proposal, OrderRefusal> {
        let expected_version = self.register.state().roster().version();
        self.proposals += 1;
        let id = self.register.proposal_id(self.proposals);
        let change = MembershipChange { expected_version, step };
        Proposal::of_membership(id, actor, reason, change).map_err(OrderRefusal::NotAProposal)
    }

    /// The configuration that a group is to come to, if that is another than it has.
    #[must_use]
    pub fn target(&self, state: &GroupState) -> Option<Config> {
        let roster = self.register.state().roster();
        // Nobody has come or gone since the first day.
        if roster.version() == 1 { None } else { roster.target(state.to_be()) }
    }

    /// The configuration that a group is to come to while `leader` leads it; see [`Roster::target_under`].
    ///
    /// [`Roster::target_under`]: register::Roster::target_under
    pub(super) fn target_under(&self, state: &GroupState, leader: NodeId) -> Option<Config> {
        let roster = self.register.state().roster();
        if roster.version() == 1 { None } else { roster.target_under(state.to_be(), leader) }
    }

    /// Tells a group which configuration it is to come to.
    pub(super) fn aim(&mut self, now: Now, id: GroupId) {
        let Some(state) = self.register.group(id) else { return };
        let target = self.target(state);
        if let Some(group) = self.groups.get_mut(&id) {
            group.aim(now, target);
            self.touched.insert(id);
        }
    }

    /// Takes in who the nodes are, as the register has it.
    pub(super) fn know_nodes(&mut self, now: Now) {
        let (me, roster) = (self.options.group.me, self.register.state().roster());
        if roster.version() == 1 {
            return;
        }
        let is_needed = |node: NodeId| self.register.state().is_needed(node);
        let nodes: Vec<NodeId> =
            roster.known().filter(|node| !roster.is_retired(*node, is_needed)).collect();
        for node in nodes.iter().filter(|node| **node != me) {
            self.watch.add(*node, now.instant);
        }
        for node in self.options.nodes.iter().filter(|node| !nodes.contains(node)) {
            self.watch.remove(*node);
        }
        self.options.nodes = nodes;
        let roster = self.register.state().roster();
        let given_up: Vec<NodeId> =
            roster.known().filter(|node| roster.was_given_up(*node)).collect();
        if self.options.group.mutant != Mutant::CountGivenUp {
            for group in self.groups.values_mut() {
                given_up.iter().for_each(|node| group.disregard(*node));
            }
        }
        for id in self.groups.keys().copied().collect::<Vec<_>>() {
            self.aim(now, id);
        }
    }

    /// Nodes have come or gone.
    pub(super) fn nodes_changed(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.know_nodes(now);
        out.push(self.contacts());
    }

    /// Whom to open sessions to beside the nodes of the first day, and whom to forget.
    #[must_use]
    pub fn contacts(&self) -> Effect {
        let (me, state) = (self.options.group.me, self.register.state());
        let roster = state.roster();
        let is_there = |one: &&Newcomer| one.node != me && roster.gone(one.node).is_none();
        let come = roster.admitted().filter(is_there).cloned().collect();
        let is_retired =
            |node: &NodeId| roster.is_retired(*node, |node| state.is_needed(node)) && *node != me;
        Effect::Nodes { come, gone: roster.known().filter(is_retired).collect() }
    }

    /// Ends this node when it was removed or replaced and nothing needs it any more, not even what it knows:
    /// it may be one of two that know how the generation ended in which it had a vote, and the other may
    /// be lost next.
    pub(super) fn leave(&mut self, now: Now, out: &mut Vec<Effect>) {
        let (node, state) = (self.options.group.me, self.register.state());
        if !state.roster().is_retired(node, |node| state.is_needed(node)) {
            return;
        }
        let since = *self.retired.get_or_insert(now.instant);
        let members = state.roster().members();
        let is_here = |node: &&NodeId| self.register.is_here(**node);
        let is_known = members.iter().filter(is_here).count() * 2 > members.len();
        // Who has heard of it ends its session to here.
        let is_asked = members.iter().any(|node| !is_here(&node) && self.connected.contains(node));
        let wait_us = self.options.policy.detect_us.saturating_mul(LEAVE_DETECTS);
        if !is_asked && (is_known || now.instant.since(since) >= wait_us) {
            self.stop(StopReason::Removed { node }, out);
        }
    }

    /// Sees to it that groups and register come to what the roster wants of them.
    pub(super) fn look_at_members(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.register.state().roster().version() == 1 {
            return;
        }
        self.look_at_votes(now, out);
        let wanted: Vec<_> = self
            .register
            .groups()
            .filter_map(|(id, state)| {
                let (candidate, kind, reason) = self.wants_members(now, id, state)?;
                Some((id, state.version, state.issued.next(), candidate, kind, reason))
            })
            .collect();
        for (group, version, epoch, candidate, kind, reason) in wanted {
            if self.asked_lately(now, group, version) {
                continue;
            }
            self.asked.insert(group, (version, now.instant));
            let transition = Transition::BeginSeal { epoch, candidate, kind, at: now.wall };
            self.changes.push((reason, Change { group, expected_version: version, transition }));
        }
    }

    /// Proposes other members of the register, where this node leads it.
    fn look_at_votes(&mut self, now: Now, out: &mut Vec<Effect>) {
        let me = self.options.group.me;
        if self.register.leader() != Some(me) {
            return;
        }
        let state = self.register.state();
        let roster = state.roster();
        let version = roster.version();
        let lately = self.asked_votes.is_some_and(|(asked, at)| {
            asked == version && now.instant.since(at) < self.options.propose_us
        });
        let is_there = |node| self.is_there(now, node);
        let is_needed = |node| state.is_needed(node);
        let voters = roster.voters(is_there, is_needed, |node| state.needs_say(node));
        if let (Some(members), false) = (voters, lately) {
            self.asked_votes = Some((version, now.instant));
            let names: Vec<String> = members.iter().map(ToString::to_string).collect();
            let reason = format!("{} are to vote from here on", names.join(", "));
            let step = Membership::Turn { members };
            let actor = format!("evenkeel@{me}");
            if let Ok(proposal) = self.step_proposal(step, actor, reason) {
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
        }
    }

    /// Whether a node has a session to here and shows progress. This one does.
    fn is_there(&self, now: Now, node: NodeId) -> bool {
        let is_heard = || {
            self.connected.contains(&node)
                && self.watch.silence(node, now.instant) < self.options.policy.detect_us
        };
        node == self.options.group.me || is_heard() && !self.was_given_up(node)
    }

    fn wants_members(
        &self,
        now: Now,
        id: GroupId,
        state: &GroupState,
    ) -> Option<(NodeId, SealKind, String)> {
        let me = self.options.group.me;
        let group = self.groups.get(&id)?;
        let home = state.home.filter(|_| state.phase == Phase::Active)?;
        let target = self.target(state)?;
        if !target.may_lead(home) {
            // It is to go itself: another must be home before. It sees to that, unless it has lost its
            // vote, and with it its say, to a newcomer already.
            let line = self.line(id, state, home).into_iter();
            let mut heirs = line.filter(|node| target.may_lead(*node) && self.is_on_time(*node));
            if let Some(heir) =
                heirs.find(|node| self.is_there(now, *node) && !self.is_barred(*node, id))
            {
                let has_say = self.register.state().roster().members().contains(&home);
                let acts = if has_say { home } else { heir };
                let reason = || format!("{home} is to go");
                return (acts == me).then(|| (heir, SealKind::Planned, reason()));
            }
        }
        if group.home_epoch() != Some(state.epoch) {
            return None;
        }
        // Where nobody who counts can be handed over to, those who are to come are made to count first.
        let target = self.target_under(state, me)?;
        let is_ready = group.learners(&target).is_empty()
            && is_commit(&target, |node| self.is_there(now, node));
        let reason =
            || String::from("nodes came or went, and those that are to stay hold the records");
        is_ready.then(|| (me, SealKind::Reconfigure, reason()))
    }
}

/// A node that is to end waits for so many times the detection limit for those that it cannot reach.
const LEAVE_DETECTS: u64 = 6;
