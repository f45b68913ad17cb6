//! Orders of operators: checked here, decided by the register.

use alloc::string::String;
use alloc::vec::Vec;

use model::Model;
use register::{
    Change, Disposal, Phase, Proposal, ProposalId, Results, SealKind, Transition, UndecidedReason,
};
use types::{GroupId, Now, RequestId};

use super::Node;
use super::effect::{Decision, Effect, Order, OrderRefusal, UpgradeOrder};

impl<M: Model> Node<M> {
    /// Proposes an order, or refuses it with the reason.
    pub(super) fn order(
        &mut self,
        now: Now,
        request: RequestId,
        order: &Order,
        out: &mut Vec<Effect>,
    ) {
        match self.proposal(now, order) {
            Ok(proposal) => {
                self.orders.insert(proposal.id(), request);
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
            Err(refusal) => out.push(Effect::Ordered { to: request, result: Err(refusal) }),
        }
    }

    fn proposal(&mut self, now: Now, order: &Order) -> Result<Proposal, OrderRefusal> {
        if !self.register.reachable(now.instant) {
            return Err(OrderRefusal::NoRegister);
        }
        let mut changes = Vec::new();
        for group in &order.groups {
            changes.push(self.change(now, *group, order)?);
        }
        self.proposals += 1;
        let id = self.register.proposal_id(self.proposals);
        let (actor, reason) = (String::from(order.actor.as_str()), order.reason.clone());
        Proposal::new(id, actor, reason, changes).map_err(OrderRefusal::NotAProposal)
    }

    fn change(&self, now: Now, group: GroupId, order: &Order) -> Result<Change, OrderRefusal> {
        let state = self.register.group(group).ok_or(OrderRefusal::UnknownGroup(group))?;
        let node = match (order.kind, order.to) {
            (SealKind::Degrade | SealKind::Restore, _) => {
                self.quorum_candidate(now, group, state, order.kind)?
            }
            // Homes begin these themselves, when those that come are ready.
            (SealKind::Reconfigure, _) => return Err(OrderRefusal::NoTarget { group }),
            (SealKind::Planned | SealKind::Unplanned | SealKind::Forced, Some(node)) => node,
            (SealKind::Planned | SealKind::Unplanned | SealKind::Forced, None) => {
                return Err(OrderRefusal::NoTarget { group });
            }
        };
        if self.was_given_up(node) {
            return Err(OrderRefusal::NotMember { group, node });
        }
        if !state.may_lead(node, order.kind) {
            return Err(match state.config.has(node) {
                true => OrderRefusal::MayNotLead { group, node },
                false => OrderRefusal::NotMember { group, node },
            });
        }
        self.check_clock(group, state, node, order.kind)?;
        if order.kind == SealKind::Planned {
            if state.phase != Phase::Active {
                return Err(OrderRefusal::Sealing { group });
            }
            if state.home == Some(node) {
                return Err(OrderRefusal::AlreadyHome { group, node });
            }
            if self.is_barred(node, group) {
                return Err(OrderRefusal::TargetBarred { group, node });
            }
            let silent_us = self.watch.silence(node, now.instant);
            if silent_us >= self.options.policy.detect_us {
                return Err(OrderRefusal::TargetSilent { node, silent_us });
            }
        }
        let transition = Transition::BeginSeal {
            epoch: state.issued.next(),
            candidate: node,
            kind: order.kind,
            at: now.wall,
        };
        Ok(Change { group, expected_version: state.version, transition })
    }

    /// Proposes a decision about a run that was set aside, or refuses it with the reason.
    pub(super) fn dispose(
        &mut self,
        now: Now,
        request: RequestId,
        decision: Decision,
        out: &mut Vec<Effect>,
    ) {
        match self.disposal(now, decision) {
            Ok(proposal) => {
                self.orders.insert(proposal.id(), request);
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
            Err(refusal) => out.push(Effect::Ordered { to: request, result: Err(refusal) }),
        }
    }

    fn disposal(&mut self, now: Now, decision: Decision) -> Result<Proposal, OrderRefusal> {
        let Decision { group, run, disposition, case, actor, reason } = decision;
        if !self.register.reachable(now.instant) {
            return Err(OrderRefusal::NoRegister);
        }
        let state = self.register.group(group).ok_or(OrderRefusal::UnknownGroup(group))?;
        let transition = Transition::Dispose(Disposal {
            head: run.head,
            epoch: run.epoch,
            first: run.first,
            last: run.last,
            disposition,
            case,
            at: now.wall,
        });
        let change = Change { group, expected_version: state.version, transition };
        self.proposals += 1;
        let id = self.register.proposal_id(self.proposals);
        Proposal::new(id, actor, reason, Vec::from([change])).map_err(OrderRefusal::NotAProposal)
    }

    /// Proposes to the register that a higher model version be in force, if every member says now that
    /// its code can run it. The home looks again before it appends the barrier.
    pub(super) fn upgrade(
        &mut self,
        now: Now,
        request: RequestId,
        order: &UpgradeOrder,
        out: &mut Vec<Effect>,
    ) {
        match self.upgrade_proposal(now, order) {
            Ok(proposal) => {
                self.orders.insert(proposal.id(), request);
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
            Err(refusal) => out.push(Effect::Ordered { to: request, result: Err(refusal) }),
        }
    }

    fn upgrade_proposal(
        &mut self,
        now: Now,
        order: &UpgradeOrder,
    ) -> Result<Proposal, OrderRefusal> {
        if !self.register.reachable(now.instant) {
            return Err(OrderRefusal::NoRegister);
        }
        let mut changes = Vec::new();
        for group in order.groups.iter().copied() {
            let state = self.register.group(group).ok_or(OrderRefusal::UnknownGroup(group))?;
            match self.cannot_run(state, order.to) {
                Some((node, Some(versions))) => {
                    let (lowest, highest) = versions.into_inner();
                    return Err(OrderRefusal::CannotRun { group, node, lowest, highest });
                }
                Some((node, None)) => return Err(OrderRefusal::NotSaid { group, node }),
                None => {}
            }
            let transition = Transition::Upgrade { to: order.to };
            changes.push(Change { group, expected_version: state.version, transition });
        }
        self.proposals += 1;
        let id = self.register.proposal_id(self.proposals);
        Proposal::new(id, order.actor.clone(), order.reason.clone(), changes)
            .map_err(OrderRefusal::NotAProposal)
    }

    /// A proposal of this node was decided: if it was an order, whoever gave it is told.
    pub(super) fn decided(
        &mut self,
        proposal: ProposalId,
        results: &Results,
        out: &mut Vec<Effect>,
    ) {
        let Some(request) = self.orders.remove(&proposal) else { return };
        let roster = results.membership.and_then(|result| result.err()).map(OrderRefusal::Roster);
        let refused = results.changes.iter().find_map(|(group, result)| {
            let why = result.as_ref().err().copied()?;
            Some(OrderRefusal::Refused { group: *group, why })
        });
        let refused = refused.or(roster);
        out.push(Effect::Ordered { to: request, result: refused.map_or(Ok(()), Err) });
    }

    /// A proposal of this node was given up.
    pub(super) fn undecided(
        &mut self,
        proposal: ProposalId,
        reason: UndecidedReason,
        out: &mut Vec<Effect>,
    ) {
        let Some(request) = self.orders.remove(&proposal) else { return };
        out.push(Effect::Ordered { to: request, result: Err(OrderRefusal::Undecided(reason)) });
    }
}
