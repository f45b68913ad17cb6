//! Applying proposals: once each, each change on its own.

use alloc::sync::Arc;
use alloc::vec::Vec;

use types::{Config, ConfigId, Epoch, GroupId, NodeId, Stamp};

use super::State;
use crate::limits::REMEMBERED_MAX;
use crate::{Change, Proposal, ProposalId, Refusal, SealKind, Transition};

fn genesis() -> State {
    let config = Config::new(ConfigId(1), Vec::from([NodeId(1), NodeId(2)]), 2).unwrap();
    let groups = [(GroupId(0), config.clone()), (GroupId(1), config)];
    State::genesis(&groups, &[NodeId(1), NodeId(2)])
}

fn proposal(number: u64, changes: &[(u16, u64, u64)]) -> Arc<Proposal> {
    let changes = changes
        .iter()
        .map(|(group, expected_version, epoch)| Change {
            group: GroupId(*group),
            expected_version: *expected_version,
            transition: Transition::BeginSeal {
                epoch: Epoch(*epoch),
                candidate: NodeId(2),
                kind: SealKind::Unplanned,
                at: Stamp(1),
            },
        })
        .collect();
    let id = ProposalId { node: NodeId(1), number };
    Arc::new(Proposal::new(id, "actor".into(), "reason".into(), changes).unwrap())
}

#[test]
fn one_group_refused_does_not_hold_up_the_others() {
    // A region's 64 groups move in one batch; one of them may have moved already.
    let mut state = genesis();
    state.apply(&proposal(1, &[(1, 1, 1)])).unwrap();
    let standing = state.group(GroupId(1)).unwrap().standing();
    let results = state.apply(&proposal(2, &[(0, 1, 1), (1, 1, 2), (7, 1, 1)])).unwrap();
    assert_eq!(
        results.changes,
        [
            (GroupId(0), Ok(2)),
            (GroupId(1), Err(Refusal::Version { standing })),
            (GroupId(7), Err(Refusal::UnknownGroup { group: GroupId(7) })),
        ]
    );
}

#[test]
fn a_repeated_proposal_changes_nothing() {
    // A proposal whose first copy seemed lost is sent again; both copies may be decided.
    let mut state = genesis();
    let first = proposal(1, &[(0, 1, 1)]);
    state.apply(&first).unwrap();
    let before = state.clone();
    assert_eq!(state.apply(&first), None);
    assert_eq!(state, before);
    assert_eq!(state.digest(), before.digest());
}

#[test]
fn what_is_forgotten_is_refused_not_repeated() {
    // A copy held up for hours must not seal a group that has long moved on.
    let mut state = genesis();
    let max = REMEMBERED_MAX as u64;
    for number in 10..10 + max {
        state.apply(&proposal(number, &[(7, 1, 1)])).unwrap();
    }
    let before = state.group(GroupId(0)).unwrap().clone();
    let results = state.apply(&proposal(9, &[(0, 1, 1)])).unwrap();
    assert_eq!(results.changes, [(GroupId(0), Err(Refusal::Expired))]);
    assert_eq!(*state.group(GroupId(0)).unwrap(), before);
    assert!(state.apply(&proposal(10 + max, &[(0, 1, 1)])).unwrap().changes[0].1.is_ok());
    assert!(!state.has_applied(ProposalId { node: NodeId(1), number: 10 }), "the oldest went");
    assert!(state.has_applied(ProposalId { node: NodeId(1), number: 11 }));
}

#[test]
fn the_audit_names_who_and_why_and_is_chained() {
    // An auditor compares one hash and then trusts the rest.
    let (mut one, mut other) = (genesis(), genesis());
    one.apply(&proposal(1, &[(0, 1, 1)])).unwrap();
    other.apply(&proposal(2, &[(0, 1, 1)])).unwrap();
    assert_ne!(one.audit().head(), other.audit().head());
    let entry = one.audit().newest().next().unwrap();
    assert_eq!((entry.number, entry.hash), (1, one.audit().head()));
    let group = one.group(GroupId(0)).unwrap();
    assert_eq!((group.actor.as_str(), group.reason.as_str()), ("actor", "reason"));
}
