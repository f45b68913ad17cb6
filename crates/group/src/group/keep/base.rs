//! The base: up to where every full member has the state in a confirmed snapshot, in a group in which
//! somebody keeps records without a state (PROTOCOL 7.1, I17).
//!
//! A witness has no snapshot to begin from, and can give nobody one. So where there is one, no member
//! lets go of records that any full member may still have to be given as records: all keep them from the
//! base on. A witness that lacks what lies below goes on from the base itself; a full member that does so is sent to
//! another full member. Every full member that comes to count holds the records to the end first, so a
//! base that was right once stays right.

use alloc::vec::Vec;

use model::Model;
use replication::is_commit;
use types::{Config, Epoch, MemberRole, ModelVersion, NodeId, Seq, Stamp, Tail};
use wire::{Base, GroupMessage};

use super::super::{Doubt, Group, Out, Then};
use crate::versions::Versions;

impl<M: Model> Group<M> {
    /// Whether a witness has a part in the group, or is to have: one that was only left out for a while has,
    /// and so has the one that is to come in its place.
    pub(super) fn has_witness(&self) -> bool {
        let is_there =
            |config: &Config| config.each().any(|member| member.role == MemberRole::Witness);
        let is_left_out = || self.whole().is_some_and(is_there);
        is_there(&self.meta.config) || self.target.as_ref().is_some_and(is_there) || is_left_out()
    }

    /// While the group goes on with fewer members than it is to have: the configuration that it is to return
    /// to, as far as is known here.
    fn whole(&self) -> Option<&Config> {
        self.register.as_ref()?.whole.as_ref()
    }

    /// Whether the group has all members and copies that it is to have, as far as is known here.
    pub(super) fn has_whole_config(&self) -> bool {
        self.has_newest_config() && self.whole().is_none()
    }

    /// Whether this node follows the configuration that the register says, as far as is known here.
    fn has_newest_config(&self) -> bool {
        let id = self.meta.config.id();
        self.register.as_ref().is_some_and(|state| state.config.id() == id)
    }

    /// The newest confirmed snapshot that a member is known to have; 0 for none.
    pub(super) fn kept_by(&self, node: NodeId) -> Seq {
        if node == self.options.me {
            return self.kept();
        }
        self.keep.heard.get(&node).map_or(Seq(0), |heard| heard.kept)
    }

    /// The full members that keep the base where it is: they have not come to states that others have
    /// passed, or have not saved what others have. Empty where there is no witness.
    #[must_use]
    pub fn base_waits_for(&self) -> Vec<NodeId> {
        if !self.has_witness() {
            return Vec::new();
        }
        let leaders = || self.meta.config.leaders();
        let passed = leaders().map(|node| self.passed_by(node)).max().unwrap_or_default();
        let kept = leaders().map(|node| self.kept_by(node)).max().unwrap_or_default();
        let lags = |node: &NodeId| self.passed_by(*node) < passed || self.kept_by(*node) < kept;
        leaders().filter(lags).collect()
    }

    /// The last save point that a member is known to have passed; 0 for none.
    fn passed_by(&self, node: NodeId) -> Seq {
        let points = if node == self.options.me {
            Some(&self.keep.points)
        } else {
            self.keep.heard.get(&node).map(|heard| &heard.points)
        };
        points.and_then(|points| points.keys().next_back().copied()).unwrap_or_default()
    }

    /// The record that the chain is kept from for others' sake; 0 for the first.
    #[must_use]
    pub fn base(&self) -> Seq {
        self.meta.base.map_or(Seq(0), |base| base.tail.seq)
    }

    /// The base may have to move.
    pub(in super::super) const fn look_at_base(&mut self) {
        self.keep.is_base_due = true;
    }

    /// A snapshot is there: until there is a base, the chain is kept from the first record on.
    pub(super) fn keep_from_first(&mut self, out: &mut Vec<Out>) {
        if self.meta.base.is_none() && self.has_witness() && self.chain.base().seq == Seq(0) {
            let began = self.begins_at();
            let tail = self.chain.base();
            self.meta.base = Some(Base { tail, stamp: Stamp(0), model: ModelVersion::FIRST });
            if self.begins_at() < began {
                // The witness came after the first snapshot, and starts read from that by now.
                out.push(Out::Lower);
            }
        }
    }

    /// Moves the base to where every full member has a confirmed snapshot by now. The records stay until
    /// the floor moves, if they go at all; a start does not read them any more.
    pub(super) fn move_base(&mut self, out: &mut Vec<Out>) {
        if !core::mem::take(&mut self.keep.is_base_due) {
            return;
        }
        if !self.has_witness() {
            let is_certain = self.runs_model() && self.has_newest_config();
            if is_certain && self.meta.base.take().is_some() {
                // Nobody without a state is left for whose sake records would be kept.
                self.write_meta(Then::Nothing, out);
            }
            return;
        }
        let all = if self.has_whole_config() { self.kept_by_all() } else { self.left_to_give() };
        let config = &self.meta.config;
        // With fewer full members than a commit takes, the records of a witness are a copy that no snapshot
        // stands in for.
        let is_sound = is_commit(config, |node| config.may_lead(node))
            && config.has(self.options.me)
            && self.has_newest_config()
            && self.is_joined()
            && self.doubt == Doubt::None
            && self.chain.is_whole();
        if !is_sound || all <= self.base() || all > self.commit() {
            return;
        }
        let (Some(tail), Some(stamp)) = (self.chain.tail_at(all), self.chain.stamp_at(all)) else {
            return;
        };
        let points = self.keep.heard.values().filter_map(|heard| heard.points.get(&all));
        if points.into_iter().any(|(head, _)| *head != tail.hash) {
            // A snapshot of another history than this one.
            return;
        }
        let base = Base { tail, stamp, model: self.versions.at(all) };
        let began = self.begins_at();
        self.meta.base = Some(base);
        if self.runs_model() {
            if self.begins_at() < began {
                // The first base may lie below the snapshots that this node alone has gone on to.
                out.push(Out::Lower);
            }
            self.write_meta(Then::Nothing, out);
            return out.push(Out::Kept);
        }
        // What is below is of no more use to a replica without a state, not even in memory.
        self.keep.rebasing = Some(base);
        self.write_meta(Then::Based { at: tail }, out);
    }

    /// The newest record up to which every full member has the state.
    fn kept_by_all(&self) -> Seq {
        self.meta.config.leaders().map(|node| self.kept_by(node)).min().unwrap_or_default()
    }

    /// While members are left out, no base moves. But where there is none and this node's chain begins at a
    /// snapshot that others gave it, a witness that is to come could never be given anything, if those who
    /// had the records are gone for good. So it is then where that chain begins: unless somebody who may
    /// lead, or may come back to lead, is not known to have the state. Whoever is to come for the first time has
    /// everything before it counts. 0 for no base.
    fn left_to_give(&self) -> Seq {
        let (begin, me) = (self.chain.base().seq, self.options.me);
        let Some(whole) = self.whole().filter(|_| self.meta.base.is_none()) else { return Seq(0) };
        let comes_back = |node: &NodeId| {
            let is_gone = self.target.as_ref().is_some_and(|target| !target.has(*node));
            !is_gone && !self.meta.config.has(*node)
        };
        let mut others = self.meta.config.leaders().chain(whole.leaders().filter(comes_back));
        let has_it = |node: NodeId| node == me || self.kept_by(node) >= begin;
        if others.all(has_it) && self.oldest_durable() >= begin { begin } else { Seq(0) }
    }

    /// Gives up a base that a newer history leaves out, after a forced switch. `true` if it was there: the
    /// chain is kept from where it begins.
    pub(in super::super) fn check_base(&mut self) -> bool {
        let table = &self.meta.table;
        let Some(base) = self.meta.base else { return false };
        if base.tail.seq == Seq(0) || table.holds(base.tail.epoch, base.tail.seq) {
            return false;
        }
        let tail = self.chain.base();
        let stamp = self.chain.stamp_at(tail.seq).unwrap_or_default();
        let model = self.versions.at(tail.seq);
        self.meta.base = (tail.seq > Seq(0)).then_some(Base { tail, stamp, model });
        self.keep.rebasing = None;
        true
    }

    /// Tells one that asks for records of before the base where they end; `false` if this node's own chain
    /// begins later, so that it could not serve what follows.
    pub(super) fn offer_base(&self, to: NodeId, out: &mut Vec<Out>) {
        if let Some(base) = self.meta.base.filter(|base| base.tail.seq >= self.chain.base().seq) {
            let body = GroupMessage::Base { base, tail: self.chain.tail() };
            self.say(to, self.meta.promised, body, out);
        }
    }

    /// Whether a node keeps records and no state.
    pub(super) fn is_stateless(&self, node: NodeId) -> bool {
        let to_be = || self.target.as_ref().and_then(|target| target.role(node));
        self.meta.config.role(node).or_else(to_be) == Some(MemberRole::Witness)
    }

    /// What was asked for lies below the base of whoever was asked. A witness goes on from there; the others
    /// need a state.
    pub(in super::super) fn on_base(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        base: Base,
        tail: Tail,
        out: &mut Vec<Out>,
    ) {
        let fetches = self.fetching.as_ref().is_some_and(|fetching| fetching.from == from);
        let is_asked = fetches || self.is_asked_for_repair(from);
        let at = base.tail;
        if epoch != self.meta.promised || !is_asked || !self.leads_on(at) || at.seq > tail.seq {
            return;
        }
        if self.runs_model() {
            if !self.pass_over_holes() {
                self.keep.needs_state = at.seq;
            }
            return;
        }
        if !self.is_witness() || self.keep.rebasing.is_some() {
            return;
        }
        self.meta.base = Some(base);
        // What lies between the last record here and the base is not here.
        self.meta.trimmed = self.meta.trimmed.max(at.seq);
        self.keep.rebasing = Some(base);
        self.write_meta(Then::Based { at }, out);
    }

    /// The base is in this node's meta: the chain goes on from it.
    pub(in super::super) fn based(&mut self, at: Tail, out: &mut Vec<Out>) {
        let Some(base) = self.keep.rebasing.take_if(|base| base.tail == at) else { return };
        if at.seq > self.chain.tail().seq {
            self.go_on_from(at, base.stamp);
            self.versions = Versions::known(Vec::from([(at.seq, base.model)]));
        } else {
            // Records came from elsewhere meanwhile, or it was a hole that the base lies behind.
            self.chain.forget(at, base.stamp);
            self.durable = self.durable.max(at.seq);
            self.versions.learn_until(at.seq, &[(at.seq, base.model)]);
        }
        self.known = self.known.max(at.seq);
        self.ack_due = true;
        if let Some(fetching) = self.fetching.as_mut() {
            fetching.asked = None;
        }
        out.push(Out::Kept);
    }

    /// Up to where this node lacks what only a state can give it, and the full members that it could have
    /// one of; `None` if there is no such lack.
    #[must_use]
    pub fn needs_state(&self) -> Option<(Seq, Vec<NodeId>)> {
        let seq = self.keep.needs_state;
        let is_lacking = seq > Seq(0) && (self.chain.tail().seq < seq || !self.chain.is_whole());
        let others = self.meta.config.leaders().filter(|node| *node != self.options.me);
        is_lacking.then(|| (seq, others.collect()))
    }
}

#[cfg(test)]
mod tests;
