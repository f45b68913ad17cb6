//! If terms change without an epoch, two members answer one journal differently; if the wrong node opens it,
//! what was answered before is left behind.

use types::{Config, ConfigId, Hash, Member, MemberRole, Place, RegionId, Seq, ZoneId};

use super::*;
use crate::{Activation, Transition};

fn config(regions: &[u16], copies: usize) -> Config {
    let members = regions.iter().zip(1_u16..).map(|(region, node)| {
        let place = Place { region: RegionId(*region), zone: ZoneId(node) };
        Member { node: NodeId(node), role: MemberRole::Full, place }
    });
    Config::placed(ConfigId(1), members.collect(), copies, 1).unwrap()
}

/// A group of this configuration whose home is node 1, in epoch 1.
fn served(config: Config) -> GroupState {
    let mut group = GroupState::genesis(config.clone());
    let (epoch, candidate, at) = (Epoch(1), NodeId(1), Stamp(1));
    let kind = SealKind::Unplanned;
    group.take(&Transition::BeginSeal { epoch, candidate, kind, at }).unwrap();
    group.take(&open(&group, 1, config, 1)).unwrap();
    group
}

fn open(group: &GroupState, home: u16, config: Config, seq: u64) -> Transition {
    Transition::Activate(Activation {
        epoch: group.issued,
        home: NodeId(home),
        config,
        start_seq: Seq(seq),
        start_hash: if seq == 1 { Hash::ZERO } else { Hash([7; 32]) },
        known: Vec::new(),
        forced: false,
        at: Stamp(9),
    })
}

fn terms(class: Class, on_quorum_loss: QuorumLoss) -> Terms {
    Terms { class, on_quorum_loss }
}

fn order(group: &GroupState, candidate: u16, terms: Terms) -> Transition {
    let (epoch, candidate, at) = (group.issued.next(), NodeId(candidate), Stamp(5));
    Transition::Retune { epoch, candidate, terms, at }
}

const ASYNC: Terms = Terms { class: Class::Async, on_quorum_loss: QuorumLoss::Block };

#[test]
fn other_terms_are_another_configuration_of_the_same_members_and_another_epoch() {
    let mut group = served(config(&[1, 2, 3], 2));
    group.take(&order(&group, 1, ASYNC)).unwrap();
    let next = group.next.clone().unwrap();
    assert_eq!(
        (next.id(), next.terms(), next.members()),
        (ConfigId(2), ASYNC, group.config.members())
    );
    assert_eq!(
        group.config.terms(),
        Terms::default(),
        "nothing has changed before the epoch opens"
    );
    // Nothing else can come of it.
    let other = next.clone().with_terms(terms(Class::Sync, QuorumLoss::Degrade));
    let refused = group.clone().take(&open(&group, 1, other, 5));
    assert_eq!(refused, Err(Refusal::OtherTarget));
    group.take(&open(&group, 1, next, 5)).unwrap();
    assert_eq!(group.config.terms(), ASYNC);
    let classes: Vec<Class> = group.history.starts().iter().map(|start| start.class).collect();
    assert_eq!(classes, [Class::Sync, Class::Async]);
    assert_eq!(group.whole, None, "it is not degraded by it");
}

#[test]
fn what_cannot_be_is_refused_with_its_reason_and_changes_nothing() {
    let check = |group: &GroupState, transition: &Transition, expect: Refusal| {
        let mut tried = group.clone();
        assert_eq!(tried.take(transition), Err(expect));
        assert_eq!(tried, *group);
    };
    let group = served(config(&[1, 2, 3], 2));
    let local = terms(Class::Local, QuorumLoss::Block);
    check(&group, &order(&group, 1, local), Refusal::AcrossRegions { regions: 3 });
    check(&group, &order(&group, 1, Terms::default()), Refusal::SameTerms);
    check(&group, &order(&group, 2, ASYNC), Refusal::NotHome { node: NodeId(2) });
    let stale =
        Transition::Retune { epoch: Epoch(1), candidate: NodeId(1), terms: ASYNC, at: Stamp(5) };
    check(&group, &stale, Refusal::WrongEpoch { expected: Epoch(2), given: Epoch(1) });
    let mut sealing = group.clone();
    sealing.take(&order(&group, 1, ASYNC)).unwrap();
    check(&sealing, &order(&sealing, 1, ASYNC), Refusal::Sealing);
    let mut degraded = group.clone();
    degraded.whole = Some(config(&[1, 2, 3], 3));
    check(&degraded, &order(&degraded, 1, ASYNC), Refusal::Degraded);
    let single = served(config(&[1, 2, 3], 1));
    let degrade = terms(Class::Sync, QuorumLoss::Degrade);
    check(&single, &order(&single, 1, degrade), Refusal::OneCopy);
    // In one region a journal may become local.
    let mut near = served(config(&[4, 4, 4], 2));
    assert!(near.take(&order(&near, 1, local)).is_ok());
}

#[test]
fn an_order_that_its_home_does_not_live_to_carry_out_is_void() {
    // The next home answers as the last one did; whoever ordered sees that, and orders again.
    let mut group = served(config(&[1, 2, 3], 2));
    group.take(&order(&group, 1, ASYNC)).unwrap();
    let (epoch, candidate, at) = (Epoch(3), NodeId(2), Stamp(7));
    let kind = SealKind::Unplanned;
    group.take(&Transition::BeginSeal { epoch, candidate, kind, at }).unwrap();
    assert_eq!(group.next, None);
    group.take(&open(&group, 2, group.config.clone(), 5)).unwrap();
    assert_eq!(group.config.terms(), Terms::default());
}
