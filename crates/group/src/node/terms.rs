//! Orders that change a group's class, or what it does when copies are missing.
//!
//! The register issues an epoch to the home, which seals itself, sees its records on as many disks as a commit
//! takes, and goes on under the new terms. While that lasts nobody is answered: so a home that could not end
//! it soon is not asked to begin.

use alloc::vec::Vec;

use model::Model;
use register::{Change, GroupState, Proposal, Transition};
use types::{GroupId, NodeId, Now, RequestId, Terms};

use super::Node;
use super::effect::{Effect, OrderRefusal, TermsOrder};

impl TermsOrder {
    /// What it makes of the terms that a group has.
    #[must_use]
    pub fn of(&self, terms: Terms) -> Terms {
        Terms {
            class: self.class.unwrap_or(terms.class),
            on_quorum_loss: self.on_quorum_loss.unwrap_or(terms.on_quorum_loss),
        }
    }
}

impl<M: Model> Node<M> {
    /// Proposes other terms for groups, or refuses with the reason.
    pub(super) fn retune(
        &mut self,
        now: Now,
        request: RequestId,
        order: &TermsOrder,
        out: &mut Vec<Effect>,
    ) {
        match self.terms_proposal(now, order) {
            Ok(proposal) => {
                self.orders.insert(proposal.id(), request);
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
            Err(refusal) => out.push(Effect::Ordered { to: request, result: Err(refusal) }),
        }
    }

    fn terms_proposal(&mut self, now: Now, order: &TermsOrder) -> Result<Proposal, OrderRefusal> {
        if !self.register.reachable(now.instant) {
            return Err(OrderRefusal::NoRegister);
        }
        let mut changes = Vec::new();
        for group in order.groups.iter().copied() {
            let state = self.register.group(group).ok_or(OrderRefusal::UnknownGroup(group))?;
            let terms = order.of(state.config.terms());
            state.check_terms(terms).map_err(|why| OrderRefusal::Refused { group, why })?;
            let candidate = self.retuning_home(now, group, state)?;
            let epoch = state.issued.next();
            let transition = Transition::Retune { epoch, candidate, terms, at: now.wall };
            changes.push(Change { group, expected_version: state.version, transition });
        }
        self.proposals += 1;
        let id = self.register.proposal_id(self.proposals);
        Proposal::new(id, order.actor.clone(), order.reason.clone(), changes)
            .map_err(OrderRefusal::NotAProposal)
    }

    /// The home, if it shows progress and members enough for a commit are there, with the records as far as
    /// can be seen from here.
    fn retuning_home(
        &self,
        now: Now,
        group: GroupId,
        state: &GroupState,
    ) -> Result<NodeId, OrderRefusal> {
        let me = self.options.group.me;
        let home = state.home.ok_or(OrderRefusal::NoHome { group })?;
        let silent_us = if home == me { 0 } else { self.watch.silence(home, now.instant) };
        if silent_us >= self.options.policy.detect_us {
            return Err(OrderRefusal::TargetSilent { node: home, silent_us });
        }
        if !self.has_copies(now, &state.config) {
            return Err(OrderRefusal::Short { group });
        }
        if self.is_barred(home, group) {
            return Err(OrderRefusal::TargetBarred { group, node: home });
        }
        let lacking = self.groups.get(&group).map(|group| group.lacks(&state.config));
        match lacking.unwrap_or_default().first() {
            Some(node) if home == me => Err(OrderRefusal::Behind { group, node: *node }),
            _ => Ok(home),
        }
    }
}
