//! Too few members for a commit: going on with those that are left, and back (PROTOCOL 7.4).
//!
//! Both ways are reconfigurations through the same path as every change of home: the register issues
//! an epoch, the old configuration is sealed, and the epoch opens under the new one by
//! compare-and-set before anything is acknowledged under it. A home whose group's terms say so goes
//! this way by itself; for all others it is an operator's order.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use model::Model;
use register::{Change, GroupState, Phase, SealKind, Transition};
use replication::is_commit;
use types::{Config, GroupId, NodeId, Now, QuorumLoss};

use super::Node;
use super::effect::OrderRefusal;

impl<M: Model> Node<M> {
    /// Proposes what the terms of the groups demand whose home this node is.
    pub(super) fn look_at_quorums(&mut self, now: Now) {
        let wanted: Vec<_> = self
            .register
            .groups()
            .filter_map(|(id, state)| {
                let (kind, reason) = self.wants_quorum(now, id, state)?;
                Some((id, state.version, state.issued.next(), kind, reason))
            })
            .collect();
        for (group, version, epoch, kind, reason) in wanted {
            if self.asked_lately(now, group, version) {
                continue;
            }
            self.asked.insert(group, (version, now.instant));
            let candidate = self.options.group.me;
            let transition = Transition::BeginSeal { epoch, candidate, kind, at: now.wall };
            self.changes.push((reason, Change { group, expected_version: version, transition }));
        }
    }

    fn wants_quorum(
        &self,
        now: Now,
        id: GroupId,
        state: &GroupState,
    ) -> Option<(SealKind, String)> {
        let detect_us = self.options.policy.detect_us;
        let group = self.groups.get(&id)?;
        let is_home = group.home_epoch() == Some(state.epoch);
        let is_ours = state.config.terms().on_quorum_loss == QuorumLoss::Degrade;
        // A change that has just been made is given its time.
        if !is_ours || !is_home || state.phase != Phase::Active || self.seen_us(now, id) < detect_us
        {
            return None;
        }
        let absent = self.absent(now, &state.config);
        let is_short = !is_commit(&state.config, |node| !absent.contains(&node));
        if is_short && group.stalled_us(now) >= detect_us {
            let names: Vec<String> = absent.iter().map(ToString::to_string).collect();
            let text = format!("{} silent and too few left for a commit", names.join(" and "));
            return Some((SealKind::Degrade, text));
        }
        let whole = state.whole.as_ref()?;
        let is_back = group.lacks(whole).is_empty() && self.has_copies(now, whole);
        is_back.then(|| (SealKind::Restore, String::from("the members left out have caught up")))
    }

    /// Which members show no progress.
    pub(super) fn absent(&self, now: Now, config: &Config) -> Vec<NodeId> {
        let (me, detect_us) = (self.options.group.me, self.options.policy.detect_us);
        let others = config.counted().filter(|node| *node != me);
        others
            .filter(|node| {
                self.was_given_up(*node)
                    || !self.connected.contains(node)
                    || self.watch.silence(*node, now.instant) >= detect_us
            })
            .collect()
    }

    /// Whether this node sees as many members alive as a commit under the configuration takes.
    pub(super) fn has_copies(&self, now: Now, config: &Config) -> bool {
        let absent = self.absent(now, config);
        is_commit(config, |node| !absent.contains(&node))
    }

    /// Who is to carry out an operator's order to degrade a group or to restore it, or why nobody is.
    pub(super) fn quorum_candidate(
        &self,
        now: Now,
        group: GroupId,
        state: &GroupState,
        kind: SealKind,
    ) -> Result<NodeId, OrderRefusal> {
        let me = self.options.group.me;
        let detect_us = self.options.policy.detect_us;
        let silence = |node: NodeId| {
            if node == me { 0 } else { self.watch.silence(node, now.instant) }
        };
        let is_there = |node: NodeId| silence(node) < detect_us && !self.was_given_up(node);
        let home = state.home.filter(|home| is_there(*home));
        if kind == SealKind::Degrade {
            if self.has_copies(now, &state.config) {
                return Err(OrderRefusal::NotShort { group });
            }
            let others = state.config.leaders().filter(|node| *node != me && is_there(*node));
            let own = state.config.leaders().find(|node| *node == me);
            let left: Vec<NodeId> = home.into_iter().chain(own).chain(others).collect();
            let right = home.or_else(|| left.iter().copied().find(|node| self.is_on_time(*node)));
            return right.or(left.first().copied()).ok_or(OrderRefusal::NoRegister);
        }
        if state.phase != Phase::Active {
            return Err(OrderRefusal::Sealing { group });
        }
        let Some(whole) = &state.whole else { return Err(OrderRefusal::NotDegraded { group }) };
        let Some(home) = home else {
            let node = state.home.unwrap_or_default();
            return Err(OrderRefusal::TargetSilent { node, silent_us: silence(node) });
        };
        // Only the home knows how far the others are. If it is not this one, it goes back to where it
        // was should they turn out to lag.
        let lacking = self.groups.get(&group).map(|group| group.lacks(whole)).unwrap_or_default();
        match lacking.first() {
            Some(node) if home == me => Err(OrderRefusal::Behind { group, node: *node }),
            _ => Ok(home),
        }
    }
}
