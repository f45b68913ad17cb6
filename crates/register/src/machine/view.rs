//! What a register tells: its groups, its leader, its standing.

use types::{GroupId, Hash, Instant, NodeId};

use super::Register;
use crate::limits::PENDING_MAX;
use crate::{Counters, GroupState, ProposalId, Reach, State};

impl Register {
    /// When [`Input::Wake`](crate::Input::Wake) is due. Early, late and repeated ones do no harm.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<Instant> {
        Some(self.next_tick)
    }

    /// One group, as far as this member knows: applied from what is decided and on its disk. The view
    /// may lag; a change that rests on a stale view is refused by its version.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&GroupState> {
        self.state.group(group)
    }

    /// All groups, by number.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &GroupState)> {
        self.state.groups()
    }

    /// The whole state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// SHA-256 over the state. Members that applied the same have the same.
    #[must_use]
    pub fn digest(&self) -> Hash {
        self.state.digest()
    }

    /// Number of log entries applied.
    #[must_use]
    pub const fn applied(&self) -> usize {
        self.applied
    }

    /// The leader this member follows, once both agree on the log.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.log.leader().and_then(|pid| self.member(pid))
    }

    /// Whether this member believes that a proposal would be decided: a leader is there, heard lately,
    /// and hears a majority itself. A belief, for telling an operator why not; the proposal decides.
    #[must_use]
    pub fn reachable(&self, now: Instant) -> bool {
        let Some(leader) = self.log.leader() else { return false };
        if self.log.leads() {
            return self.quorate(now);
        }
        self.link(leader).is_some_and(|link| {
            link.quorate() && link.heard_within(now, self.options.patience_us())
        })
    }

    /// The members heard lately, this one included, by number.
    pub fn heard(&self, now: Instant) -> impl Iterator<Item = NodeId> {
        self.members.iter().zip(&self.links).filter_map(move |(node, link)| {
            let heard = link.heard_within(now, self.options.patience_us());
            (heard || *node == self.options.node).then_some(*node)
        })
    }

    /// The generation whose log this node has, and whether this node is one of its members.
    #[must_use]
    pub const fn generation(&self) -> (u64, bool) {
        (self.generation, !self.log.is_outside())
    }

    /// Whether a node is known to have the log of this generation, or of a later one.
    #[must_use]
    pub fn is_here(&self, node: NodeId) -> bool {
        let is_later = |reach: &Reach| reach.generation >= self.generation;
        node == self.options.node
            || self.reaches.get(&node).is_some_and(|(_, reach)| is_later(reach))
    }

    /// Proposals of this node that wait for their decision.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// The id of this start's proposal number `count`; never the same again, over restarts too.
    #[must_use]
    pub fn proposal_id(&self, count: u32) -> ProposalId {
        let number = (self.incarnation << 32) | u64::from(count);
        ProposalId { node: self.options.node, number }
    }

    /// Frames counted since the start.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Checks what must hold between any two inputs.
    ///
    /// # Panics
    /// If it does not.
    pub fn assert_invariants(&self) {
        assert!(self.applied <= self.log.decided(), "only decided entries are applied");
        assert!(self.pending.len() <= PENDING_MAX, "waiting proposals are limited");
        let mut ids = self.held.iter().map(|held| held.id);
        if let Some(first) = ids.next() {
            assert!(ids.zip(first.0 + 1..).all(|(id, next)| id.0 == next), "writes are in order");
            assert!(!self.held.iter().take(1).any(|held| held.written), "written means released");
        }
        if self.held.is_empty() {
            assert_eq!(self.applied, self.log.decided(), "what is decided and durable is applied");
        }
        for (_, group) in self.state.groups() {
            assert!(group.epoch <= group.issued, "an epoch is issued before it opens");
            assert_eq!(group.epoch, group.history.epoch(), "the history ends in the present");
            assert_eq!(group.home.is_some(), group.epoch.0 > 0, "an epoch has a home");
        }
    }
}
