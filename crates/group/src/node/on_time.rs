//! Whose clock is right enough for a home (PROTOCOL N6).
//!
//! A home stamps what it appends, and others judge by its stamps how old a state is and what came too
//! late. Nothing is lost by a wrong clock; so the bound chooses among nodes, and does not leave a group
//! without one that had it already: a home or candidate that starts anew and finds its clock off asks for
//! another in its place, and begins itself where there is nobody. All others wait until their clock is
//! mended, and say so.

use alloc::format;
use alloc::string::String;

use model::Model;
use register::{GroupState, SealKind};
use types::{GroupId, NodeId, Now};

use super::Node;
use super::effect::OrderRefusal;

/// Who is to begin, how, and why.
pub(super) type Begin = (NodeId, SealKind, String);

impl<M: Model> Node<M> {
    /// How far a node's clock is off the median, if that is too far for a home. Of a clock that was not
    /// heard of nothing is known.
    pub(super) fn off_us(&self, node: NodeId) -> Option<u64> {
        let off_us = match node == self.options.group.me {
            true => Some(self.clocks.skew_us()),
            false => self.clocks.off_us(node),
        };
        off_us.filter(|off_us| *off_us > self.options.skew_us_max)
    }

    /// Whether a node's clock, as far as it is known, is right enough for a home.
    pub(super) fn is_on_time(&self, node: NodeId) -> bool {
        self.off_us(node).is_none()
    }

    /// Refuses an order that would make a home of a node whose clock is off. Force is the last way out of
    /// a loss, and the home that a group has is not made one.
    pub(super) fn check_clock(
        &self,
        group: GroupId,
        state: &GroupState,
        node: NodeId,
        kind: SealKind,
    ) -> Result<(), OrderRefusal> {
        let is_exempt = kind == SealKind::Forced || state.home == Some(node);
        match self.off_us(node).filter(|_| !is_exempt) {
            Some(skew_us) => {
                let skew_us_max = self.options.skew_us_max;
                Err(OrderRefusal::ClockOff { group, node, skew_us, skew_us_max })
            }
            None => Ok(()),
        }
    }

    /// Who begins where this node is to start a group anew: this node, or another if its clock is off.
    /// `None` while too few clocks were heard of to say.
    pub(super) fn starter(
        &self,
        now: Now,
        id: GroupId,
        state: &GroupState,
        reason: &str,
    ) -> Option<Begin> {
        let me = self.options.group.me;
        let is_known = self.clocks.heard() >= self.options.nodes.len() / 2;
        if !is_known && self.seen_us(now, id) < self.options.policy.detect_us {
            return None;
        }
        let Some(off_us) = self.off_us(me) else {
            return Some((me, SealKind::Unplanned, String::from(reason)));
        };
        let off = format!("{me}'s clock is {off_us} µs off the median");
        let other = self.successor(now, id, state).filter(|_| self.options.policy.automatic);
        Some(match other {
            Some(other) => (other, SealKind::Planned, off),
            None => (me, SealKind::Unplanned, format!("{reason}; nobody else could, though {off}")),
        })
    }
}
