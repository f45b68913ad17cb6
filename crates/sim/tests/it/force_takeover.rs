//! Takeovers after a beginning by force: what is history then, and who must be heard before it is decided.

use register::{Phase, SealKind};
use sim::{Knobs, SECOND, World};
use types::Tail;

use crate::force::serves_alone;
use crate::members::{ids, replaced, until_whole, votes};
use crate::tale::*;

/// Of seven nodes, host 0 was home and was cut off, with host 2. Host 3 was home after it, and host 1 followed,
/// whose register heard nothing of it. The register's majority is lost; 0, 1 and 2 are left and see each
/// other. Gives the last record of what host 3 acknowledged.
fn three_left_of_whom_one_knows_more() -> (World, Tail) {
    let mut world = serving_with(Knobs { nodes: 7, copies: 2, ..Knobs::quiet(1) }, 1);
    done(&mut world, 0);
    world.run_for(SECOND);
    world.isolate(0);
    world.isolate(2);
    // What nobody else has, and nobody is told that it is done.
    for _ in 0..5 {
        ask(&mut world, 0);
        world.run_for(SECOND / 20);
    }
    world.deafen(1);
    world.run_for(SECOND);
    order(&mut world, 3, 3, SealKind::Forced);
    assert_eq!(until_moved(&mut world, 0), 3);
    for _ in 0..10 {
        done(&mut world, 3);
    }
    let kept = group(&world, 3).tail();
    world.run_for(SECOND);
    assert!(group(&world, 1).chain().passes(kept), "host 1 holds all of it");
    assert_eq!(registered(&world, 0).1, registered(&world, 1).1, "and no register says so");
    for lost in 3..7 {
        world.kill(lost);
    }
    world.heal();
    world.run_for(4 * SECOND);
    sound(&world);
    (world, kept)
}

#[test]
fn whoever_is_reached_and_knows_more_is_heard_before_it_is_decided_what_is_history() {
    // The old home starts anew, and its own promise seals what it knows of. Another is quick to copy that.
    // The third holds what was acknowledged since, its disk is slow, and all of it would be set aside.
    let (mut world, kept) = three_left_of_whom_one_knows_more();
    world.recover_register(0, &[0, 1, 2]);
    let until = world.now() + 20 * SECOND;
    let is_asked = |world: &World| matches!(registered(world, 0).0, Phase::Sealing { .. });
    assert!(world.run_until(until, is_asked));
    world.stall(1, SECOND);
    assert!(world.run_until(until, |world| home(world).is_some()));
    let at = home(&world).unwrap();
    assert!(group(&world, at).chain().passes(kept), "{:?}", group(&world, at).orphans());
    let starts = group(&world, at).table().starts();
    assert!(starts.last().unwrap().forced, "the history says that something may be missing");
    done(&mut world, at);
}

#[test]
fn who_knows_more_and_comes_late_is_no_copy_of_less() {
    // It would count as the second copy of a chain that it has not: a commit on one disk. And as long as
    // nothing was decided, what it knows is history.
    let (mut world, kept) = three_left_of_whom_one_knows_more();
    world.recover_register(0, &[0, 1, 2]);
    let until = world.now() + 10 * SECOND;
    let is_asked = |world: &World| matches!(registered(world, 0).0, Phase::Sealing { .. });
    assert!(world.run_until(until, is_asked));
    world.part(0, 1);
    world.part(0, 2);
    world.run_for(10 * SECOND);
    assert_eq!(home(&world), None, "one copy is no commit");
    world.kill(2);
    world.heal();
    let until = world.now() + 6 * SECOND;
    assert!(world.run_until(until, |world| home(world).is_some()));
    let at = home(&world).unwrap();
    assert!(group(&world, at).chain().passes(kept), "{:?}", group(&world, at).orphans());
    done(&mut world, at);
}

#[test]
fn a_candidate_whose_records_are_in_no_history_says_how_far_it_really_is() {
    // It has as many records as the history says there were, and others than these. It would call itself
    // a holder of what it never had, and wait for it until the last node that had it returns, by force too.
    let knobs = Knobs { nodes: 7, spares: 3, copies: 2, ..Knobs::quiet(1) };
    let mut world = serving_with(knobs, 1);
    let (keeper, odd_one, far, other) = (3, 4, 5, 6);
    assert_eq!(home(&world), Some(keeper));
    order(&mut world, keeper, far, SealKind::Planned);
    until_moved(&mut world, keeper);
    done(&mut world, far);
    world.run_for(SECOND);
    world.isolate(odd_one);
    // What only the keeper and the home have, and the home does not know that.
    world.part(far, other);
    world.cut(keeper, far);
    for _ in 0..5 {
        ask(&mut world, far);
        world.run_for(SECOND / 20);
    }
    let before = group(&world, odd_one).tail().seq;
    let kept = group(&world, keeper).tail().seq;
    assert!(kept.0 >= before.0 + 5, "{kept} {before}");
    for lost in [1, 2, far, other] {
        world.kill(lost);
    }
    world.heal();
    world.run_for(4 * SECOND);
    assert_eq!(group(&world, odd_one).tail().seq, before, "nobody told it more");
    world.recover_register(keeper, &[0, keeper, odd_one]);
    let until = world.now() + 5 * SECOND;
    let is_turned = |world: &World| votes(world, keeper) == ids(&[0, keeper, odd_one]);
    assert!(world.run_until(until, is_turned));
    world.part(odd_one, keeper);
    world.part(odd_one, 0);
    world.run_for(SECOND);
    order(&mut world, keeper, keeper, SealKind::Forced);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| group(world, keeper).home_epoch().is_some()));

    // Those that were given up start, and the odd one, which knows no better, follows them.
    for lost in [1, 2, other] {
        world.start(lost);
        world.part(lost, keeper);
        world.part(lost, 0);
    }
    world.run_for(4 * SECOND);
    order(&mut world, other, other, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| group(world, other).home_epoch().is_some()));
    for _ in 0..10 {
        done(&mut world, other);
    }
    world.run_for(SECOND);
    assert!(group(&world, odd_one).tail().seq > kept);
    for lost in [1, 2, other, keeper] {
        world.kill(lost);
    }
    world.heal();
    world.run_for(8 * SECOND);
    order(&mut world, 0, odd_one, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    let is_home = world.run_until(until, |world| group(world, odd_one).home_epoch().is_some());
    sound(&world);
    assert!(is_home, "{:?}", group(&world, odd_one).status(world.clocks(odd_one)).role);
    let started = *group(&world, odd_one).table().last().unwrap();
    assert!(started.forced && started.seq == before.next(), "{started:?}");
    world.start(keeper);
    world.run_for(10 * SECOND);
    sound(&world);
    assert_eq!(group(&world, keeper).tail(), group(&world, odd_one).tail());
    done(&mut world, odd_one);
    sound(&world);
}

#[test]
fn what_a_snapshot_stands_for_is_a_copy_when_the_home_counts_from_before_the_force() {
    // A home that has lost its snapshots starts from its first record, and calls committed only what was so
    // before force was used. The newcomers have these records in the states of their snapshots: a
    // check that looks for the records alone calls that a commit on one disk (seed 202752).
    let knobs = Knobs { snapshot_work: 10, ..Knobs::quiet(1) };
    let mut world = serving_with(knobs, 1);
    done(&mut world, HOME);
    world.run_for(SECOND);
    world.kill(NEAR);
    world.kill(FAR);
    world.run_for(4 * SECOND);
    serves_alone(&mut world, HOME);
    let forced = group(&world, HOME).table().last().unwrap().seq;
    for _ in 0..20 {
        done(&mut world, HOME);
    }
    world.run_for(2 * SECOND);
    // From here on it has no records of before its snapshot in memory, and gives newcomers that.
    world.kill(HOME);
    world.start(HOME);
    let served = |world: &World| group(world, HOME).home_epoch().is_some();
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, served));
    replaced(&mut world, HOME, NEAR);
    replaced(&mut world, HOME, FAR);
    until_whole(&mut world);
    assert_eq!(world.report().installed, 2, "the newcomers begin with a snapshot");
    world.kill(HOME);
    world.rot_snapshots(HOME);
    world.start(HOME);
    assert!(group(&world, HOME).commit() <= forced);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, served));
    world.run_for(SECOND);
    sound(&world);
}
