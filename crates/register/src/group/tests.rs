//! Which steps a group takes, and which it refuses.

use alloc::vec::Vec;

use types::{
    Class, Config, ConfigId, Epoch, Hash, Member, MemberRole, ModelVersion, NodeId, Place,
    QuorumLoss, RegionId, Seq, Stamp, Start, ZoneId,
};

use super::{GroupState, Phase, Refusal};
use crate::limits::DISPOSALS_MAX;
use crate::numbers;
use crate::{Activation, Disposal, Disposition, SealKind, Transition};

fn config(id: u32, members: &[u16]) -> Config {
    let members = members.iter().copied().map(NodeId).collect();
    Config::new(ConfigId(id), members, 2).unwrap()
}

fn seal(epoch: u64, candidate: u16, kind: SealKind) -> Transition {
    Transition::BeginSeal {
        epoch: Epoch(epoch),
        candidate: NodeId(candidate),
        kind,
        at: Stamp(10 * epoch),
    }
}

fn activation(epoch: u64, home: u16, seq: u64) -> Activation {
    Activation {
        epoch: Epoch(epoch),
        home: NodeId(home),
        config: config(1, &[1, 2, 3]),
        start_seq: Seq(seq),
        start_hash: if seq == 1 { Hash::ZERO } else { Hash([7; 32]) },
        known: Vec::new(),
        forced: false,
        at: Stamp(10 * epoch + 5),
    }
}

fn activate(epoch: u64, home: u16, seq: u64) -> Transition {
    Transition::Activate(activation(epoch, home, seq))
}

/// A group that has taken `steps`.
fn after(steps: &[Transition]) -> GroupState {
    let mut group = GroupState::genesis(config(1, &[1, 2, 3]));
    for (count, step) in steps.iter().enumerate() {
        assert_eq!(group.take(step), Ok(count as u64 + 2));
    }
    group
}

fn check(steps: &[Transition], last: &Transition, expect: Refusal) {
    let mut group = after(steps);
    let before = group.clone();
    assert_eq!(group.take(last), Err(expect));
    assert_eq!(group, before, "a refusal changes nothing");
}

const UNPLANNED: SealKind = SealKind::Unplanned;

#[test]
fn an_epoch_opens_for_the_candidate_that_sealed() {
    // The whole protocol stands on one home per epoch.
    let group = after(&[
        seal(1, 1, SealKind::Planned),
        activate(1, 1, 1),
        seal(2, 2, UNPLANNED),
        activate(2, 2, 9),
    ]);
    assert_eq!((group.epoch, group.issued, group.home), (Epoch(2), Epoch(2), Some(NodeId(2))));
    assert_eq!(group.phase, Phase::Active);
    assert_eq!(group.moved_at, Stamp(25));
    let starts: Vec<_> = group.history.starts().iter().map(|start| start.seq.0).collect();
    assert_eq!(starts, [1, 9]);
}

#[test]
fn an_abandoned_seal_is_taken_over_under_an_epoch_of_its_own() {
    // Two candidates with one epoch could each find a seal set that promised it.
    let taken = [seal(1, 1, UNPLANNED), seal(2, 2, UNPLANNED)];
    check(
        &[seal(1, 1, UNPLANNED)],
        &seal(1, 2, UNPLANNED),
        Refusal::WrongEpoch { expected: Epoch(2), given: Epoch(1) },
    );
    check(&taken, &activate(1, 1, 1), Refusal::WrongEpoch { expected: Epoch(2), given: Epoch(1) });
    let mut group = after(&taken);
    assert_eq!(group.take(&activate(2, 2, 1)), Ok(4));
    assert_eq!(group.history.starts().len(), 1, "epoch 1 never opened");
}

#[test]
fn what_does_not_fit_is_refused_with_its_reason() {
    // A refusal that names the wrong reason sends an operator the wrong way at 3 a.m.
    let sealing = [seal(1, 1, UNPLANNED)];
    let open = [seal(1, 1, UNPLANNED), activate(1, 1, 1)];
    let second =
        [seal(1, 1, UNPLANNED), activate(1, 1, 1), seal(2, 2, UNPLANNED), activate(2, 2, 9)];
    let resealed = [second.to_vec(), Vec::from([seal(3, 3, UNPLANNED)])].concat();
    let skip = Refusal::WrongEpoch { expected: Epoch(2), given: Epoch(3) };
    check(&open, &seal(3, 1, UNPLANNED), skip);
    check(&open, &seal(2, 9, UNPLANNED), Refusal::NotMember { node: NodeId(9) });
    check(&open, &activate(2, 1, 1), Refusal::NotSealing);
    check(&sealing, &activate(1, 2, 1), Refusal::NotCandidate { candidate: NodeId(1) });
    check(&sealing, &activate(1, 1, 2), Refusal::Start { last: Seq(1), given: Seq(2) });
    check(&resealed, &activate(3, 3, 8), Refusal::Start { last: Seq(9), given: Seq(8) });
    let other_hash = Activation { start_hash: Hash([8; 32]), ..activation(3, 3, 9) };
    check(
        &resealed,
        &Transition::Activate(other_hash),
        Refusal::Start { last: Seq(9), given: Seq(9) },
    );
    let forced = Activation { forced: true, ..activation(1, 1, 1) };
    check(&sealing, &Transition::Activate(forced), Refusal::NotForced);
    let reused = Activation { config: config(1, &[1, 2]), ..activation(1, 1, 1) };
    let current = ConfigId(1);
    check(&sealing, &Transition::Activate(reused), Refusal::ConfigNumber { current });
    let without = Activation { config: config(2, &[2, 3]), ..activation(1, 1, 1) };
    check(&sealing, &Transition::Activate(without), Refusal::NotMember { node: NodeId(1) });
}

#[test]
fn only_a_forced_switch_may_start_before_the_last_start() {
    // After a real loss the group must open where the survivors end, and say that it did.
    let mut group = after(&[
        seal(1, 1, UNPLANNED),
        activate(1, 1, 1),
        seal(2, 2, UNPLANNED),
        activate(2, 2, 9),
        seal(3, 3, SealKind::Forced),
    ]);
    let forced = Activation { forced: true, ..activation(3, 3, 4) };
    assert_eq!(group.take(&Transition::Activate(forced)), Ok(7));
    assert!(group.history.last().unwrap().forced);
    assert_eq!(group.moved_at, Stamp(25), "no automatic move");
}

#[test]
fn a_witness_and_a_learner_may_not_become_home() {
    // A witness has no state to answer from; what a learner holds nobody has counted.
    let roles = [MemberRole::Full, MemberRole::Full, MemberRole::Witness, MemberRole::Learner];
    let members = roles.into_iter().zip(1_u16..).map(|(role, node)| Member {
        node: NodeId(node),
        role,
        place: Place { region: RegionId(node), zone: ZoneId(0) },
    });
    let config = |id| Config::placed(ConfigId(id), members.clone().collect(), 2, 1).unwrap();
    let mut group = GroupState::genesis(config(1));
    for node in [3, 4] {
        for kind in [SealKind::Planned, UNPLANNED, SealKind::Forced] {
            let refused = group.take(&seal(1, node, kind));
            assert_eq!(refused, Err(Refusal::MayNotLead { node: NodeId(node) }));
        }
    }
    assert_eq!(group.take(&seal(1, 2, UNPLANNED)), Ok(2));
    let open = Activation { config: config(1), ..activation(1, 2, 1) };
    assert_eq!(group.take(&Transition::Activate(open)), Ok(3));
}

#[test]
fn a_new_configuration_comes_with_an_epoch() {
    // Members change only where a seal has closed what the old members could commit.
    let mut group = after(&[seal(1, 1, SealKind::Planned), activate(1, 1, 1)]);
    assert_eq!(group.take(&seal(2, 2, SealKind::Planned)), Ok(4));
    let next = Activation { config: config(2, &[2, 3, 4]), ..activation(2, 2, 5) };
    assert_eq!(group.take(&Transition::Activate(next)), Ok(5));
    assert_eq!(group.config.id(), ConfigId(2));
    assert_eq!(group.take(&seal(3, 4, SealKind::Planned)), Ok(6));
}

fn dispose(run: u16, disposition: Disposition) -> Transition {
    let mut head = [0; 32];
    head[..2].copy_from_slice(&run.to_le_bytes());
    Transition::Dispose(Disposal {
        head: Hash(head),
        epoch: Epoch(1),
        first: Seq(3),
        last: Seq(4),
        disposition,
        case: 0,
        at: Stamp(50),
    })
}

#[test]
fn a_run_is_disposed_of_once_and_kept_ones_may_be_disposed_of_later() {
    // Two operators who decide against each other would replay a payment that the other cancels.
    use Disposition::{Cancel, Keep, Replay, Suspense};
    let opened = [seal(1, 1, UNPLANNED), activate(1, 1, 1)];
    let mut group = after(&opened);
    assert_eq!(group.take(&dispose(1, Keep)), Ok(4));
    assert_eq!(group.take(&dispose(1, Replay)), Ok(5));
    assert_eq!(group.take(&dispose(1, Replay)), Ok(6), "what broke off may be said again");
    let before = group.clone();
    assert_eq!(group.take(&dispose(1, Keep)), Err(Refusal::Disposed { decided: Replay }));
    assert_eq!(group, before, "a refusal changes nothing");
    assert_eq!(group.take(&dispose(2, Cancel)), Ok(7), "another run");
    assert_eq!(group.disposals.len(), 2);
    assert_eq!(group.take(&dispose(1, Cancel)), Ok(8), "what the replay has left undone");
    for other in [Keep, Replay, Suspense] {
        assert_eq!(group.take(&dispose(1, other)), Err(Refusal::Disposed { decided: Cancel }));
    }
}

#[test]
fn what_is_posted_under_a_case_is_not_posted_under_another() {
    // The same money would stand in two suspense accounts.
    let mut group = after(&[seal(1, 1, UNPLANNED), activate(1, 1, 1)]);
    let under = |case| {
        let Transition::Dispose(disposal) = dispose(1, Disposition::Suspense) else { panic!() };
        Transition::Dispose(Disposal { case, ..disposal })
    };
    assert!(group.take(&under(12)).is_ok());
    assert!(group.take(&under(12)).is_ok(), "what broke off may be said again");
    let decided = Disposition::Suspense;
    assert_eq!(group.take(&under(13)), Err(Refusal::Disposed { decided }));
}

#[test]
fn nothing_is_disposed_of_while_the_home_changes() {
    // The candidate would find the version gone that it seals under, and begin anew.
    check(&[seal(1, 1, UNPLANNED)], &dispose(1, Disposition::Keep), Refusal::Sealing);
}

#[test]
fn decisions_are_bounded() {
    // A register that grows with every order would end by not fitting a message.
    let mut group = after(&[seal(1, 1, UNPLANNED), activate(1, 1, 1)]);
    for run in 0..DISPOSALS_MAX {
        let run = u16::try_from(run).unwrap();
        assert!(group.take(&dispose(run, Disposition::Keep)).is_ok());
    }
    let refused = group.take(&dispose(u16::MAX, Disposition::Keep));
    assert_eq!(refused, Err(Refusal::Disposals { count: DISPOSALS_MAX }));
    assert!(group.take(&dispose(0, Disposition::Cancel)).is_ok(), "one that is known");
}

#[test]
fn an_ordered_model_version_only_rises() {
    // Were it to fall, a new home would go on under rules that records of the chain have left behind.
    let to = |version| Transition::Upgrade { to: ModelVersion(version) };
    let refused = |ordered, given| Refusal::NotHigher {
        ordered: ModelVersion(ordered),
        given: ModelVersion(given),
    };
    check(&[], &to(1), refused(1, 1));
    check(&[to(3)], &to(3), refused(3, 3));
    check(&[to(3)], &to(2), refused(3, 2));
    // A candidate would find the version gone that it seals under.
    check(&[to(2), seal(1, 1, UNPLANNED)], &to(3), Refusal::Sealing);
    let steps = [to(2), seal(1, 1, UNPLANNED), activate(1, 1, 1), to(5)];
    assert_eq!(after(&steps).model, ModelVersion(5));
}

fn open_with(epoch: u64, home: u16, seq: u64, config: &Config) -> Transition {
    Transition::Activate(Activation { config: config.clone(), ..activation(epoch, home, seq) })
}

#[test]
fn a_smaller_configuration_is_remembered_as_such_until_it_is_whole_again() {
    // Forgotten, the group would stay at one copy and nobody would be told.
    let begun = [seal(1, 1, UNPLANNED), activate(1, 1, 1), seal(2, 1, SealKind::Degrade)];
    let part = config(2, &[1, 2]);
    let mut group = after(&begun);
    assert_eq!(group.take(&open_with(2, 1, 5, &part)), Ok(5));
    assert_eq!(group.whole, Some(config(1, &[1, 2, 3])));
    let less = Config::new(ConfigId(3), [NodeId(1)].to_vec(), 1).unwrap();
    assert_eq!(group.take(&seal(3, 1, SealKind::Degrade)), Ok(6));
    assert_eq!(group.take(&open_with(3, 1, 7, &less)), Ok(7));
    assert_eq!(group.whole, Some(config(1, &[1, 2, 3])), "not to the part in between");
    assert_eq!(group.take(&seal(4, 1, SealKind::Restore)), Ok(8));
    assert_eq!(group.take(&open_with(4, 1, 9, &config(4, &[1, 2, 3]))), Ok(9));
    assert_eq!(group.whole, None);
    assert_eq!(group.take(&seal(5, 1, SealKind::Restore)), Err(Refusal::NotDegraded));
}

#[test]
fn nobody_goes_on_with_less_unless_terms_or_an_order_say_so() {
    // A candidate that helped itself to a smaller configuration would end every guarantee silently.
    let begun = [seal(1, 1, UNPLANNED), activate(1, 1, 1), seal(2, 2, UNPLANNED)];
    check(&begun, &open_with(2, 2, 5, &config(2, &[1, 2])), Refusal::NotDegrading);
    let terms = types::Terms { on_quorum_loss: QuorumLoss::Degrade, ..types::Terms::default() };
    let mut group = GroupState::genesis(config(1, &[1, 2, 3]).with_terms(terms));
    for step in [seal(1, 1, UNPLANNED), open_with(1, 1, 1, &group.config.clone())] {
        group.take(&step).unwrap();
    }
    group.take(&seal(2, 2, UNPLANNED)).unwrap();
    let part = config(2, &[1, 2]).with_terms(terms);
    assert_eq!(group.take(&open_with(2, 2, 5, &part)), Ok(5));
}

#[test]
fn who_was_left_out_leads_only_by_force() {
    // The last replica standing: a member that was left out holds the past, not the present.
    let one = Config::new(ConfigId(2), [NodeId(1)].to_vec(), 1).unwrap();
    let begun = [
        seal(1, 1, UNPLANNED),
        activate(1, 1, 1),
        seal(2, 1, SealKind::Degrade),
        open_with(2, 1, 5, &one),
    ];
    for kind in [UNPLANNED, SealKind::Planned, SealKind::Degrade, SealKind::Restore] {
        check(&begun, &seal(3, 2, kind), Refusal::NotMember { node: NodeId(2) });
    }
    let mut group = after(&begun);
    assert_eq!(group.take(&seal(3, 2, SealKind::Forced)), Ok(6));
    let whole = config(3, &[1, 2, 3]);
    let forced = Activation { forced: true, config: whole.clone(), ..activation(3, 2, 4) };
    assert_eq!(group.take(&Transition::Activate(forced)), Ok(7));
    assert_eq!((&group.config, &group.whole), (&whole, &None));
    check(&begun, &seal(3, 9, SealKind::Forced), Refusal::NotMember { node: NodeId(9) });
}

/// A group whose register was begun anew at node 3 when it was at epoch 1.
fn begun_anew() -> GroupState {
    let mut group = after(&[seal(1, 1, SealKind::Planned), activate(1, 1, 1)]);
    let before = group.version;
    group.begin_anew(numbers::base(1, NodeId(3)).unwrap());
    assert_eq!(group.version, before + 1, "what was proposed before is refused");
    group
}

#[test]
fn the_first_epoch_after_a_beginning_says_that_something_may_be_missing() {
    // Those that were lost may have opened others and acknowledged in them: a history that does not say so
    // calls what is lost an error of whoever asks for it.
    let mut group = begun_anew();
    let first = group.issued.next().0;
    assert_eq!(
        group.take(&seal(2, 3, UNPLANNED)),
        Err(Refusal::WrongEpoch { expected: Epoch(first), given: Epoch(2) })
    );
    group.take(&seal(first, 3, UNPLANNED)).unwrap();
    let old_number = Activation { config: config(2, &[1, 2, 3, 4]), ..activation(first, 3, 9) };
    let current = group.configs;
    assert_eq!(
        group.take(&Transition::Activate(old_number)),
        Err(Refusal::ConfigNumber { current })
    );
    group.take(&activate(first, 3, 9)).unwrap();
    assert!(group.history.last().is_some_and(|start| start.forced));
    group.take(&seal(first + 1, 3, UNPLANNED)).unwrap();
    group.take(&activate(first + 1, 3, 12)).unwrap();
    assert!(group.history.last().is_some_and(|start| !start.forced), "it is known again");
}

#[test]
fn epochs_that_the_register_has_forgotten_are_made_known_where_it_can_have_forgotten_any() {
    // Records of an epoch that is not in the history are refused by whoever is to copy them: what a survivor
    // holds of such an epoch would be lost though it is there.
    let start = |epoch, seq| Start {
        epoch: Epoch(epoch),
        seq: Seq(seq),
        hash: Hash([7; 32]),
        config: ConfigId(1),
        forced: false,
        class: Class::Sync,
    };
    let mut group = begun_anew();
    let first = group.issued.next().0;
    group.take(&seal(first, 3, UNPLANNED)).unwrap();
    let knowing = |known| Transition::Activate(Activation { known, ..activation(first, 3, 30) });
    for odd in [1, first] {
        let known = Vec::from([start(2, 8), start(odd, 20)]);
        let refused = group.clone().take(&knowing(known));
        assert_eq!(refused, Err(Refusal::Known { epoch: Epoch(odd) }));
    }
    group.take(&knowing(Vec::from([start(2, 8), start(3, 20)]))).unwrap();
    let epochs: Vec<u64> = group.history.starts().iter().map(|start| start.epoch.0).collect();
    assert_eq!(epochs, [1, 2, 3, first]);
    let mut sure = after(&[seal(1, 1, UNPLANNED), activate(1, 1, 1), seal(2, 2, UNPLANNED)]);
    let mut early = activation(2, 2, 30);
    early.known = Vec::from([start(2, 8)]);
    let refused = sure.take(&Transition::Activate(early));
    assert_eq!(refused, Err(Refusal::Known { epoch: Epoch(2) }));
}
