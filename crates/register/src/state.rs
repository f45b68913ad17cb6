//! The replicated state: all groups, and which proposals were applied.
//!
//! [`State::apply`] is a pure function of the state and the proposal, so that every member that
//! applies the same log holds the same state, to the byte of its [`digest`](State::digest).

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use types::{Config, GroupId, Hash, NodeId};
use wire::Writer;

use crate::limits::REMEMBERED_MAX;
use crate::roster::Words;
use crate::{
    Audit, Change, ChangeResult, GroupState, Membership, MembershipChange, MembershipResult,
    Proposal, ProposalId, Refusal, Results, Roster, SealKind, Transition, codec, numbers,
    roster_codec,
};

/// Groups, remembered proposals, audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    groups: BTreeMap<GroupId, GroupState>,
    /// Numbers of the newest applied proposals of each node, rising.
    remembered: BTreeMap<NodeId, Vec<u64>>,
    audit: Audit,
    roster: Roster,
}

impl State {
    /// The state before the first proposal: every group at version 1, without epoch and home.
    pub(crate) fn genesis(groups: &[(GroupId, Config)], founders: &[NodeId]) -> Self {
        let groups = groups
            .iter()
            .map(|(group, config)| (*group, GroupState::genesis(config.clone())))
            .collect();
        let (remembered, audit) = (BTreeMap::new(), Audit::default());
        Self { groups, remembered, audit, roster: Roster::new(founders) }
    }

    /// One group.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&GroupState> {
        self.groups.get(&group)
    }

    /// All groups, by number.
    pub fn groups(&self) -> impl Iterator<Item = (GroupId, &GroupState)> {
        self.groups.iter().map(|(group, state)| (*group, state))
    }

    /// What was decided so far.
    #[must_use]
    pub const fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The nodes.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether a group names a node: among its members, those it is to return to, or those it is to
    /// come to.
    #[must_use]
    pub fn is_needed(&self, node: NodeId) -> bool {
        self.groups.values().any(|group| {
            let others = group.whole.iter().chain(&group.next);
            [&group.config].into_iter().chain(others).any(|config| config.has(node))
        })
    }

    /// Whether a node leads a group, or may, of which nobody who does is to stay: only those can see to it
    /// that others come to count, and only with a vote have they a say.
    #[must_use]
    pub fn needs_say(&self, node: NodeId) -> bool {
        let goes = |config: &Config, target: &Config| {
            config.may_lead(node) && !config.leaders().any(|leader| target.may_lead(leader))
        };
        self.groups.values().any(|group| {
            let target = self.roster.target(group.to_be());
            target.is_some_and(|target| goes(&group.config, &target))
        })
    }

    /// Whether the proposal was applied, as far as is remembered.
    #[must_use]
    pub fn has_applied(&self, id: ProposalId) -> bool {
        self.remembered.get(&id.node).is_some_and(|seen| seen.binary_search(&id.number).is_ok())
    }

    /// Applies a decided proposal. `None` if it was applied before: the log may hold it twice.
    pub(crate) fn apply(&mut self, proposal: &Arc<Proposal>) -> Option<Results> {
        let id = proposal.id();
        let seen = self.remembered.entry(id.node).or_default();
        let Err(at) = seen.binary_search(&id.number) else { return None };
        let expired = at == 0 && seen.len() == REMEMBERED_MAX;
        if !expired {
            if seen.len() == REMEMBERED_MAX {
                seen.remove(0);
                seen.insert(at - 1, id.number);
            } else {
                seen.insert(at, id.number);
            }
        }
        let changes: Vec<_> = proposal
            .changes()
            .iter()
            .map(|change| {
                let result =
                    if expired { Err(Refusal::Expired) } else { self.change(proposal, change) };
                (change.group, result)
            })
            .collect();
        // One that is older than what is remembered names an older version, too.
        let membership = proposal.membership().map(|change| self.step(proposal, change));
        let results = Results { changes, membership };
        self.audit.push(proposal.clone(), results.clone());
        Some(results)
    }

    fn step(&mut self, proposal: &Proposal, change: &MembershipChange) -> MembershipResult {
        let (actor, reason) = (proposal.actor(), proposal.reason());
        let (at, origin) = (proposal.id().node, self.origin(proposal));
        let words = Words { actor, reason, at, origin };
        let wholes = self.groups.iter().map(|(group, state)| (*group, state.to_be()));
        let version = self.roster.take(change, words, wholes)?;
        if let Membership::Force { .. } = change.step {
            let count = self.roster.lineage().count();
            let base = numbers::base(count, proposal.id().node);
            let base = base.expect("the roster counts how often force is used");
            for state in self.groups.values_mut() {
                state.begin_anew(base);
                state.actor = String::from(actor);
                state.reason = String::from(reason);
                state.changed_by = Some(proposal.id());
            }
        }
        Ok(version)
    }

    /// The name of a proposal where it stands: a digest of it and of all that was applied before.
    fn origin(&self, proposal: &Proposal) -> Hash {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        codec::proposal(writer.hash(self.audit.head()), proposal);
        Hash(Sha256::digest(&bytes).into())
    }

    fn change(&mut self, proposal: &Proposal, change: &Change) -> ChangeResult {
        let Some(state) = self.groups.get_mut(&change.group) else {
            return Err(Refusal::UnknownGroup { group: change.group });
        };
        if state.version != change.expected_version {
            return Err(Refusal::Version { standing: state.standing() });
        }
        if let Transition::BeginSeal { candidate, .. } | Transition::Retune { candidate, .. } =
            change.transition
            && self.roster.was_given_up(candidate)
        {
            return Err(Refusal::NotMember { node: candidate });
        }
        let target = if let Transition::BeginSeal { kind, candidate, .. } = change.transition
            && matches!(kind, SealKind::Reconfigure | SealKind::Unplanned)
        {
            self.roster.target_under(state.to_be(), candidate)
        } else {
            None
        };
        let version = state.take_towards(&change.transition, target)?;
        assert!(version > change.expected_version, "a change raises the version");
        state.actor = String::from(proposal.actor());
        state.reason = String::from(proposal.reason());
        state.changed_by = Some(proposal.id());
        Ok(version)
    }

    /// SHA-256 over the whole state in a fixed order. Members that applied the same have the same.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.hash(self.audit.head()).u64(self.audit.count());
        writer.count(self.groups.len());
        for (group, state) in &self.groups {
            writer.u16(group.0);
            codec::group_state(&mut writer, state);
        }
        writer.count(self.remembered.len());
        for (node, numbers) in &self.remembered {
            writer.u16(node.0).count(numbers.len());
            for number in numbers {
                writer.u64(*number);
            }
        }
        roster_codec::roster(&mut writer, &self.roster);
        Hash(Sha256::digest(&bytes).into())
    }
}

#[cfg(test)]
mod tests;
