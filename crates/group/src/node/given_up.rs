//! When the register's majority is lost for good: going on without those that are given up by force, and
//! never again by anything that they say.
//!
//! Those that are given up may live, and not know of it yet. They may have opened epochs that are in no
//! history, and have promised and copied for these. So what they vouch for counts for nothing, and
//! what they command is not done, unless it belongs to an epoch that the register knows. They
//! are still told everything, so that they can itemise what they alone had.

use alloc::vec::Vec;

use model::Model;
use register::{ForceRefusal, Inheritance, ProposalId};
use replication::Mutant;
use types::{Epoch, GroupId, NodeId, Now, RequestId};
use wire::{GroupMessage, Message};

use super::Node;
use super::effect::{Effect, OrderRefusal, RecoverOrder};

impl<M: Model> Node<M> {
    /// Begins a generation of the register with those that are left, if the others are gone as far as this
    /// node sees, and a majority with them.
    pub(super) fn recover_register(
        &mut self,
        now: Now,
        request: RequestId,
        order: RecoverOrder,
        out: &mut Vec<Effect>,
    ) {
        let inheritance = self.may_recover(now, &order.survivors);
        let refusal = inheritance.and_then(|inheritance| {
            is_stopped(&inheritance, &order.stopped)?;
            let is_agreed = inheritance == order.plan;
            if is_agreed { Ok(()) } else { Err(OrderRefusal::PlanChanged) }
        });
        if let Err(refusal) = refusal {
            return out.push(Effect::Ordered { to: request, result: Err(refusal) });
        }
        let RecoverOrder { survivors: mut members, actor, reason, .. } = order;
        members.sort_unstable();
        members.dedup();
        self.proposals += 1;
        let id = self.register.proposal_id(self.proposals);
        self.orders.insert(id, request);
        let force = register::Input::Force { id, actor, reason, members };
        self.drive_register(now, force, out);
    }

    /// What the register would go on from if only these members were left.
    ///
    /// # Errors
    /// Why they may not go on, or not from here.
    pub fn may_recover(&self, now: Now, survivors: &[NodeId]) -> Result<Inheritance, OrderRefusal> {
        if self.register.reachable(now.instant) {
            return Err(OrderRefusal::HasMajority);
        }
        let mut survivors = survivors.to_vec();
        survivors.sort_unstable();
        survivors.dedup();
        let inheritance = self.register.may_force(now.instant, &survivors);
        let inheritance = inheritance.map_err(OrderRefusal::NotForced)?;
        let detect_us = self.options.policy.detect_us;
        let is_there = |node: &&NodeId| {
            self.connected.contains(node) || self.watch.silence(**node, now.instant) < detect_us
        };
        match inheritance.given_up.iter().find(is_there) {
            Some(node) => Err(OrderRefusal::IsThere { node: *node }),
            None => Ok(inheritance),
        }
    }

    /// No generation was begun by force.
    pub(super) fn not_forced(&mut self, id: ProposalId, why: ForceRefusal, out: &mut Vec<Effect>) {
        let Some(request) = self.orders.remove(&id) else { return };
        out.push(Effect::Ordered { to: request, result: Err(OrderRefusal::NotForced(why)) });
    }

    /// Whether a node was ever given up by force, as far as this one knows.
    pub(super) fn was_given_up(&self, node: NodeId) -> bool {
        self.register.state().roster().was_given_up(node)
    }

    /// Whether a node was given up by force, or may be one that those had admitted who were: since the
    /// beginning nobody comes of whom the register does not know.
    fn counts_for_nothing(&self, node: NodeId) -> bool {
        let roster = self.register.state().roster();
        roster.was_given_up(node) || roster.was_begun_anew() && !roster.is_known(node)
    }

    /// Whether what `from` says counts for nothing, as it was given up.
    pub(super) fn is_void(&self, from: NodeId, message: &Message) -> bool {
        if self.options.group.mutant == Mutant::CountGivenUp || !self.counts_for_nothing(from) {
            return false;
        }
        match message {
            Message::Group { group, epoch, body } => self.is_void_of(*group, *epoch, body),
            // It rests on what only those may have that were given up.
            Message::Channel { .. } | Message::Answered { .. } => true,
            Message::Pulse(_)
            | Message::Voice(_)
            | Message::Register(_)
            | Message::Newer { .. }
            | Message::Forward { .. } => false,
        }
    }

    fn is_void_of(&self, group: GroupId, epoch: Epoch, body: &GroupMessage) -> bool {
        match body {
            GroupMessage::AppendAck { .. }
            | GroupMessage::NewEpochAck { .. }
            | GroupMessage::SealAck { .. }
            | GroupMessage::Adopted { .. }
            | GroupMessage::ConfirmAck { .. }
            | GroupMessage::End { .. }
            | GroupMessage::Base { .. }
            | GroupMessage::Refused { .. }
            | GroupMessage::Digest { .. }
            | GroupMessage::Seal
            | GroupMessage::Adopt { .. } => true,
            GroupMessage::NewEpoch { .. } => {
                let state = self.register.group(group);
                let starts = state.into_iter().flat_map(|state| state.history.starts());
                !starts.into_iter().any(|start| start.epoch == epoch)
            }
            GroupMessage::Append { .. }
            | GroupMessage::Commit { .. }
            | GroupMessage::Fetch { .. }
            | GroupMessage::Entries { .. }
            | GroupMessage::Want { .. }
            | GroupMessage::Found { .. }
            | GroupMessage::AskEnd
            | GroupMessage::SnapshotOffer { .. }
            | GroupMessage::SnapshotFetch { .. }
            | GroupMessage::SnapshotChunk { .. }
            | GroupMessage::Confirm { .. }
            | GroupMessage::AskBeat { .. } => false,
        }
    }
}

/// Whether people say of all who would be given up that they are stopped, and of nobody else.
fn is_stopped(inheritance: &Inheritance, stopped: &[NodeId]) -> Result<(), OrderRefusal> {
    let given_up = &inheritance.given_up;
    let unsaid = given_up.iter().find(|node| !stopped.contains(node));
    let odd_one = stopped.iter().find(|node| !given_up.contains(node));
    match unsaid.or(odd_one) {
        Some(node) => Err(OrderRefusal::NotStopped { node: *node }),
        None => Ok(()),
    }
}
