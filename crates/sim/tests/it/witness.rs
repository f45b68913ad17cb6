//! Two full regions and a witness in a third: every row of the table in PROTOCOL 7.4b.
//!
//! Host 0 (A) is the home, host 1 (B) the other full region, host 2 (T) the witness: it stores the end of
//! the journal and its promise, runs no model, and is never home.

use register::{Phase, SealKind};
use sim::{Knobs, MILLI, SECOND, World};
use types::{Epoch, MemberRole, Seq};
use wire::Reply;

use crate::tale::*;

const A: usize = HOME;
const B: usize = NEAR;
const T: usize = FAR;

/// Two full regions and a witness, serving.
fn pair_and_witness() -> World {
    serving_with(Knobs::quiet(1).with_witness(), 1)
}

/// What a command takes from its asking to its answer, in microseconds.
fn answer_us(world: &mut World, host: usize) -> u64 {
    let asked = world.now();
    let (_, request) = ask(world, host);
    let told = reply(world, request);
    assert!(matches!(told, Reply::Done { .. }), "{told:?}");
    world.now() - asked
}

/// The witness holds what the home holds, and has applied none of it.
fn witness_is_one(world: &World) {
    let witness = group(world, T);
    assert_eq!(witness.member_role(), Some(MemberRole::Witness));
    assert_eq!((witness.applied(), witness.runs_model()), (Seq(0), false));
    assert!(witness.durable() > Seq(0));
}

#[test]
fn normal_the_home_commits_with_the_faster_of_the_other_region_and_the_witness() {
    // With the other full region far away, every payment would wait for it, or nothing would be safe.
    let mut world = pair_and_witness();
    world.slow(A, B, 200 * MILLI);
    done(&mut world, A);
    let with_witness = answer_us(&mut world, A);
    assert!(with_witness < 40 * MILLI, "{with_witness} µs");
    assert!(group(&world, B).durable() < group(&world, A).commit(), "B may lag");
    world.heal();
    world.slow(A, T, 200 * MILLI);
    world.run_for(SECOND);
    let with_region = answer_us(&mut world, A);
    assert!(with_region < 40 * MILLI, "{with_region} µs");
    world.heal();
    world.slow(A, B, 200 * MILLI);
    world.slow(A, T, 200 * MILLI);
    world.run_for(SECOND);
    let with_nobody_near = answer_us(&mut world, A);
    assert!(with_nobody_near > 200 * MILLI, "one of them is waited for: {with_nobody_near} µs");
    all_agree(&mut world);
    witness_is_one(&world);
}

#[test]
fn b_lost_the_home_goes_on_with_the_witness_and_nobody_could_take_over() {
    let mut world = pair_and_witness();
    world.kill(B);
    for _ in 0..10 {
        world.run_for(SECOND);
        done(&mut world, A);
    }
    assert_eq!(registered(&world, A), (Phase::Active, Epoch(1)));
    let explained = world.node(A).unwrap().explain(world.clocks(A), G0).unwrap();
    assert_eq!(explained.heirs, [], "operators are told that there is nobody");
    // The home dies too: the witness alone neither takes over nor lets anything go.
    world.kill(A);
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    assert!(matches!(registered(&world, T), (Phase::Active, Epoch(1))));
    all_agree(&mut world);
}

#[test]
fn t_lost_the_two_regions_go_on() {
    let mut world = pair_and_witness();
    let explained = world.node(A).unwrap().explain(world.clocks(A), G0).unwrap();
    assert_eq!(explained.heirs, [sim::id(B)]);
    world.kill(T);
    for _ in 0..10 {
        world.run_for(SECOND);
        done(&mut world, B);
    }
    assert_eq!((registered(&world, A), home(&world)), ((Phase::Active, Epoch(1)), Some(A)));
    all_agree(&mut world);
}

#[test]
fn a_lost_the_other_region_fetches_the_tail_from_the_witness_and_loses_nothing() {
    // What was acknowledged is at A and at T only; a takeover that took B's own tail would drop it.
    let mut world = pair_and_witness();
    done(&mut world, A);
    world.part(A, B);
    world.part(B, T);
    let kept: Vec<_> = (0..5).map(|_| done(&mut world, A)).collect();
    assert!(group(&world, B).durable() < group(&world, T).durable());
    world.kill(A);
    world.heal();
    let died = world.now();
    assert_eq!(until_moved(&mut world, A), B);
    let took = world.now() - died;
    assert!(took < 4 * SECOND, "detection is 2 s: {took} µs");
    for ask in kept {
        let told = outcome(&mut world, T, &ask);
        assert!(matches!(told, Reply::Done { .. }), "{told:?}");
    }
    done(&mut world, B);
    witness_is_one(&world);
    all_agree(&mut world);
}

#[test]
fn the_link_between_the_regions_cut_nothing_moves_and_b_follows_through_the_witness() {
    // B sees A silent, T does not: moving the home would help nobody. But B must not fall behind.
    let mut world = pair_and_witness();
    world.part(A, B);
    for _ in 0..20 {
        world.run_for(SECOND);
        done(&mut world, A);
        let (there, here) = (group(&world, A).commit(), group(&world, B).applied());
        assert!(here.0 + 3 >= there.0 || world.now() < 8 * SECOND, "B at {here}, A at {there}");
    }
    assert_eq!(registered(&world, T), (Phase::Active, Epoch(1)));
    world.run_for(SECOND);
    assert_eq!(group(&world, B).applied(), group(&world, A).commit());
    assert_eq!(group(&world, B).trail(), group(&world, A).trail());
    all_agree(&mut world);
    assert_eq!(home(&world), Some(A));
}

#[test]
fn the_relay_also_brings_an_epoch_that_b_could_not_hear_of() {
    // A starts anew while its link to B is cut: B would refuse everything as of another epoch.
    let mut world = pair_and_witness();
    world.part(A, B);
    world.kill(A);
    world.run_for(300 * MILLI);
    world.start(A);
    world.run_for(3 * SECOND);
    done(&mut world, A);
    world.run_for(3 * SECOND);
    sound(&world);
    assert_eq!(group(&world, B).table().epoch(), group(&world, A).table().epoch());
    assert_eq!(group(&world, B).trail(), group(&world, A).trail());
    all_agree(&mut world);
}

#[test]
fn a_cut_off_from_both_is_replaced_and_its_own_suffix_becomes_orphans() {
    let mut world = pair_and_witness();
    done(&mut world, A);
    world.isolate(A);
    let (lonely, request) = ask(&mut world, A);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    assert_eq!(until_moved(&mut world, A), B);
    done(&mut world, B);
    all_agree(&mut world);
    let orphans = group(&world, A).orphans();
    assert!(orphans.iter().any(|run| run.epoch == Epoch(1)), "{orphans:?}");
    // Nobody was told that it was done, so it may be done now: once.
    assert!(matches!(outcome(&mut world, B, &lonely), Reply::Done { .. }));
}

#[test]
fn a_lost_and_then_the_tail_on_the_disk_of_b_bad_it_is_repaired_from_the_witness() {
    // B has acknowledged what it can no longer read; a chain cut there would lose it.
    let mut world = pair_and_witness();
    let kept: Vec<_> = (0..5).map(|_| done(&mut world, A)).collect();
    world.run_for(SECOND);
    world.kill(A);
    let end = group(&world, B).tail().seq;
    let before = end.prev();
    assert!(world.spoil(B, G0, before) && world.spoil(B, G0, before.prev()));
    for host in [B, T] {
        world.kill(host);
    }
    world.start(B);
    world.start(T);
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(B)));
    for ask in &kept {
        assert!(matches!(outcome(&mut world, T, ask), Reply::Done { .. }));
    }
    assert!(group(&world, B).faults().is_empty());
    all_agree(&mut world);

    // The last record bad at both: there may have been more, nobody may guess, and nothing moves until
    // the home is back.
    done(&mut world, B);
    all_agree(&mut world);
    let last = home(&world).unwrap();
    let left = if last == A { B } else { A };
    let end = group(&world, left).tail().seq;
    world.kill(last);
    for host in [left, T] {
        assert!(world.spoil(host, G0, end));
        world.kill(host);
        world.start(host);
    }
    world.run_for(30 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    all_agree(&mut world);
}

#[test]
fn a_and_t_lost_b_waits_for_people_and_the_loss_is_on_record() {
    // What A and T acknowledged is gone; B may not guess that there was nothing.
    let mut world = pair_and_witness();
    world.isolate(B);
    let lost = done(&mut world, A);
    world.kill(A);
    world.kill(T);
    world.heal();
    world.run_for(40 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None, "B alone is no seal set, and the register has no majority");
    // The witness's machine comes back without its disk: a register, but no promise worth having.
    world.wipe(T);
    world.start(T);
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    order(&mut world, B, T, SealKind::Forced);
    world.run_for(20 * SECOND);
    assert_eq!(home(&world), None, "not even by force does a witness become home");
    order(&mut world, B, B, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(B)));
    let forced = group(&world, B).table().starts().iter().filter(|start| start.forced).count();
    assert_eq!(forced, 1, "the history says so");
    assert_eq!(group(&world, B).answer(lost.command.id, lost.command.digest), None);
    done(&mut world, B);
    all_agree(&mut world);
    assert!(!group(&world, A).orphans().is_empty(), "what it held is itemised when it is back");
}

#[test]
fn a_witness_hands_commands_on_and_answers_no_query() {
    // A client that has only its address must get through; one that asks it for a balance must not be
    // told that there is none.
    let mut world = pair_and_witness();
    let ask = done(&mut world, T);
    world.run_for(SECOND);
    let refused = group(&world, T).query().map(|_| ()).unwrap_err();
    assert_eq!(refused.ask, Some(sim::id(A)));
    assert!(group(&world, B).query().is_ok());
    assert!(group(&world, B).answer(ask.command.id, ask.command.digest).is_some());
    // An order to make it home is refused before it reaches the register.
    order(&mut world, A, T, SealKind::Planned);
    order(&mut world, A, T, SealKind::Unplanned);
    world.run_for(5 * SECOND);
    assert_eq!((registered(&world, A), home(&world)), ((Phase::Active, Epoch(1)), Some(A)));
    all_agree(&mut world);
}

#[test]
fn a_vote_in_the_register_alone_keeps_no_copy_and_two_regions_of_two_block() {
    // {A, B}, w = 2, and a third place for the register only: after the loss of either nothing is lost
    // and nothing commits, until people decide or the group's terms do.
    let mut knobs = Knobs::quiet(1).with_witness();
    knobs.seats[T].role = None;
    let mut world = serving_with(knobs, 1);
    done(&mut world, T);
    assert_eq!(group(&world, T).tail().seq, Seq(0));
    assert!(group(&world, T).query().is_err());
    world.kill(B);
    let (waiting, request) = ask(&mut world, A);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    world.start(B);
    world.run_for(SECOND);
    assert!(matches!(outcome(&mut world, A, &waiting), Reply::Done { .. }));
    // The home dies: B seals alone, and waits for a second copy before it serves.
    let kept = done(&mut world, A);
    world.kill(A);
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    world.start(A);
    assert!(matches!(outcome(&mut world, B, &kept), Reply::Done { .. }));
    all_agree(&mut world);
}

#[test]
fn b_lost_while_it_takes_over_the_home_ends_the_move_itself() {
    // Found by the simulator: nobody but the home could end it, and the group could never be moved again.
    let mut world = pair_and_witness();
    order(&mut world, A, B, SealKind::Unplanned);
    let mut steps = 0;
    while registered(&world, A).0 == Phase::Active {
        world.run_for(MILLI);
        steps += 1;
        assert!(steps < 5_000, "the register never heard of the order");
    }
    world.kill(B);
    world.run_for(60 * SECOND);
    sound(&world);
    let (phase, epoch) = registered(&world, A);
    assert_eq!((phase, home(&world)), (Phase::Active, Some(A)));
    assert!(epoch > Epoch(2), "an epoch that was begun is never used by another");
    done(&mut world, A);
    all_agree(&mut world);
}
