//! Proposals of this node, from when they are handed in until they are decided or given up.

use alloc::sync::Arc;
use alloc::vec::Vec;

use types::Instant;

use super::{Pending, Register};
use crate::frame::Body;
use crate::limits::{PENDING_MAX, UNDECIDED_MAX};
use crate::log::{Entry, Pid};
use crate::{Effect, Proposal, ProposalId, UndecidedReason};

impl Register {
    /// Whether this is a number of this start that was not used yet.
    pub(super) fn is_new(&self, id: ProposalId) -> bool {
        let is_ours = id.node == self.options.node && id.number >> 32 == self.incarnation;
        is_ours && !self.pending.contains_key(&id.number) && !self.state.has_applied(id)
    }

    pub(super) fn propose(
        &mut self,
        now: Instant,
        proposal: Proposal,
        out: &mut Vec<Effect>,
        direct: &mut Vec<(Pid, Body)>,
    ) {
        let id = proposal.id();
        let reason = if !self.is_new(id) {
            Some(UndecidedReason::NotOurs)
        } else if self.pending.len() == PENDING_MAX {
            Some(UndecidedReason::Busy)
        } else {
            None
        };
        if let Some(reason) = reason {
            out.push(Effect::Undecided { proposal: id, reason });
            return;
        }
        let entry = Entry(Arc::new(proposal));
        self.place(&entry, direct);
        let retry_at = now.after(self.options.retry_us);
        self.pending.insert(id.number, Pending { entry, since: now, retry_at });
    }

    /// Appends the entry if this member leads and does not hold it yet, or sends it to the leader.
    pub(super) fn place(&mut self, entry: &Entry, direct: &mut Vec<(Pid, Body)>) {
        if self.log.leads() {
            let length = self.log.length();
            let id = entry.0.id();
            let held = self.log.entries(self.applied, length);
            let known = self.state.has_applied(id) || held.iter().any(|other| other.0.id() == id);
            if !known && length - self.applied < UNDECIDED_MAX {
                self.log.append(entry.clone());
            }
        } else if let Some(leader) = self.log.leader() {
            direct.push((leader, Body::Proposal(entry.clone())));
        }
    }

    pub(super) fn wake(
        &mut self,
        now: Instant,
        out: &mut Vec<Effect>,
        direct: &mut Vec<(Pid, Body)>,
    ) {
        if now < self.next_tick {
            return;
        }
        // One tick however late the wake is: a member that slept has heard nobody meanwhile, and must
        // not take its own sleep for everybody's silence.
        self.next_tick = now.after(self.options.tick_us);
        // A member whose disk stands still neither campaigns nor beats: it could keep no promise.
        let stalled = self
            .held
            .front()
            .is_some_and(|held| now.since(held.since) > self.options.patience_us());
        if !stalled {
            let hears_majority = self.hears_majority(now);
            self.log.tick(hears_majority);
        }
        self.hail_all(now);
        let timeout = self.options.proposal_timeout_us;
        let node = self.options.node;
        self.pending.retain(|number, pending| {
            let waited_us = now.since(pending.since);
            let keep = waited_us < timeout;
            if !keep {
                let proposal = ProposalId { node, number: *number };
                let reason = UndecidedReason::NoQuorum { waited_us };
                out.push(Effect::Undecided { proposal, reason });
            }
            keep
        });
        self.retry(now, |pending| pending.retry_at <= now, direct);
    }

    pub(super) fn retry(
        &mut self,
        now: Instant,
        due: impl Fn(&Pending) -> bool,
        direct: &mut Vec<(Pid, Body)>,
    ) {
        let retry_at = now.after(self.options.retry_us);
        let mut entries = Vec::new();
        for pending in self.pending.values_mut().filter(|pending| due(pending)) {
            pending.retry_at = retry_at;
            entries.push(pending.entry.clone());
        }
        for entry in entries {
            self.place(&entry, direct);
        }
    }
}
