//! Snapshots: begun from, taken over, trimmed by, taken back. S20 of PROTOCOL 8b is told here.

use group::Bar;
use register::SealKind;
use sim::{Code, Knobs, SECOND, World};
use types::{GroupId, Seq};

use crate::tale::{
    FAR, HOME, NEAR, all_agree, done, group, home, order, serving_with, sound, until_moved,
};

/// A save point every ten records and commands.
fn knobs(trim: bool) -> Knobs {
    Knobs { snapshot_work: 10, trim, ..Knobs::quiet(1) }
}

fn do_many(world: &mut World, host: usize, count: usize) {
    for _ in 0..count {
        done(world, host);
    }
    world.run_for(2 * SECOND);
    sound(world);
}

#[test]
fn a_restart_begins_at_the_snapshot_and_comes_to_the_same_state() {
    // Without this a node that has run for a year would need days to start.
    let mut world = serving_with(knobs(false), 1);
    do_many(&mut world, HOME, 30);
    world.kill(FAR);
    world.start(FAR);
    let far = group(&world, FAR);
    assert!(far.chain().base().seq >= Seq(10), "{:?}", far.chain().base());
    assert!(far.applied() > far.chain().base().seq);
    assert_eq!(world.report().trimmed, 0, "nothing is deleted unless that is asked for");
    do_many(&mut world, HOME, 3);
    all_agree(&mut world);
}

#[test]
fn s20_a_member_behind_the_trim_goes_on_from_a_snapshot_and_the_chain_from_its_head() {
    // Without this a region that was away for a week could never come back, or its chain would begin
    // anew and two histories would look alike.
    let mut world = serving_with(knobs(true), 1);
    done(&mut world, HOME);
    world.kill(FAR);
    do_many(&mut world, HOME, 60);
    assert!(world.report().trimmed > 20, "two of three hold confirmed snapshots");
    let gone = group(&world, HOME).chain().base();
    assert!(gone.seq > group(&world, HOME).chain().tail().seq.min(Seq(10)));
    world.start(FAR);
    do_many(&mut world, HOME, 3);
    assert_eq!(world.report().installed, 1);
    all_agree(&mut world);
    let (near, far) = (group(&world, NEAR), group(&world, FAR));
    let base = far.chain().base();
    assert!(base.seq >= gone.seq);
    assert!(near.chain().passes(base) || near.chain().base().seq > base.seq);
    assert_eq!(near.trail(), far.trail());
    // It can be a home like any other.
    order(&mut world, HOME, FAR, SealKind::Planned);
    assert_eq!(until_moved(&mut world, HOME), FAR);
    do_many(&mut world, FAR, 3);
    all_agree(&mut world);
}

#[test]
fn s20_a_trim_before_the_snapshot_is_on_enough_disks_is_refused() {
    // Without this one more lost disk would take with it what nobody else has any more.
    let mut world = serving_with(knobs(true), 1);
    world.snapshots_fit(NEAR, false);
    world.snapshots_fit(FAR, false);
    do_many(&mut world, HOME, 60);
    assert!(world.report().snapshots > 3, "the home has its own, and others confirm them");
    assert_eq!(world.report().trimmed, 0, "one disk of the two that a commit takes");
    world.snapshots_fit(NEAR, true);
    do_many(&mut world, HOME, 30);
    assert!(world.report().trimmed > 0);
    all_agree(&mut world);
}

#[test]
fn an_unconfirmed_snapshot_trims_nothing() {
    // Without this a state that only one faulty memory has come to would replace the records.
    let knobs = Knobs { copies: 1, ..knobs(true) };
    let mut world = serving_with(knobs, 1);
    world.isolate(HOME);
    for _ in 0..4 {
        done(&mut world, HOME);
    }
    world.kill(NEAR);
    world.kill(FAR);
    do_many(&mut world, HOME, 60);
    assert!(world.report().snapshots > 3);
    assert_eq!(group(&world, HOME).kept(), Seq(0));
    let base = group(&world, HOME).chain().base();
    assert_eq!(base.seq, Seq(0), "nobody has applied the same");
    all_agree(&mut world);
}

/// `HOME` is cut off with what only it and `NEAR` have, and `FAR` is forced to be home without it.
fn forced_below_snapshots(world: &mut World, is_restarted: bool) {
    // Five members of which two commit: two can be lost, with what only they had.
    do_many(world, HOME, 12);
    for host in 2..5 {
        world.part(HOME, host);
        world.part(NEAR, host);
    }
    world.run_for(SECOND / 10);
    for _ in 0..25 {
        done(world, HOME);
    }
    let newest = group(world, HOME).applied();
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    if is_restarted {
        world.start(HOME);
        assert!(group(world, HOME).chain().base().seq > Seq(10));
        world.kill(HOME);
    }
    world.heal();
    world.run_for(20 * SECOND);
    order(world, FAR, FAR, SealKind::Forced);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(FAR)), "force opens an epoch");
    assert!(group(world, FAR).table().last().unwrap().seq < newest);
    do_many(world, FAR, 3);
}

#[test]
fn a_forced_switch_below_the_newest_snapshot_goes_back_to_an_older_one() {
    // Without this a replica would keep payments that history has given up.
    let knobs = Knobs { nodes: 5, copies: 2, ..knobs(false) };
    let mut world = serving_with(knobs, 1);
    forced_below_snapshots(&mut world, false);
    all_agree(&mut world);
}

#[test]
fn a_forced_switch_below_all_snapshots_reads_the_log_from_its_first_record() {
    // As above, for a node that has begun from a snapshot and has no older one.
    let knobs = Knobs { nodes: 5, copies: 2, ..knobs(false) };
    let mut world = serving_with(knobs, 1);
    forced_below_snapshots(&mut world, true);
    let stops = world.report().stops;
    all_agree(&mut world);
    assert!(world.report().stops > stops, "the node starts again to read all of its log");
    assert_eq!(group(&world, HOME).table().starts().iter().filter(|one| one.forced).count(), 1);
}

#[test]
fn code_too_old_for_the_newest_snapshot_begins_at_the_one_before_and_stores_on() {
    // Without this putting a release back takes a copy out of service, although nothing is wrong with it.
    let mut world = serving_with(knobs(false), 1);
    do_many(&mut world, HOME, 8);
    let before = group(&world, FAR).status(world.clocks(FAR)).snapshot;
    world.order_upgrade(NEAR, vec![GroupId(0)], 2);
    world.run_for(2 * SECOND);
    do_many(&mut world, HOME, 1);
    let far = group(&world, FAR);
    let (snapshot, barrier) = (far.status(world.clocks(FAR)).snapshot, far.version().1.unwrap());
    assert!(before < barrier && barrier <= snapshot, "{before} {barrier} {snapshot}");
    world.kill(FAR);
    world.install(FAR, Code::up_to(1));
    world.start(FAR);
    do_many(&mut world, HOME, 4);
    let far = group(&world, FAR);
    assert!(matches!(far.bar(), Some(Bar::Version { .. })), "{:?}", far.bar());
    assert_eq!((far.applied(), far.durable()), (barrier.prev(), far.tail().seq));
    world.kill(FAR);
    world.install(FAR, Code::up_to(2));
    world.start(FAR);
    all_agree(&mut world);
}

#[test]
fn a_start_sees_the_damage_again_for_as_long_as_it_is_not_repaired() {
    // Found by the simulator: the place from which the log is read went past a record that had been lost
    // and not yet fetched, and the next start found a gap that nothing explained.
    let mut world = serving_with(knobs(true), 1);
    do_many(&mut world, HOME, 22);
    world.kill(FAR);
    world.start(FAR);
    let lost = group(&world, FAR).chain().base().seq.next();
    assert!(lost > Seq(1), "its chain goes on from a snapshot");
    world.run_for(SECOND);
    world.kill(FAR);
    assert!(world.spoil(FAR, GroupId(0), lost));
    world.part(HOME, FAR);
    world.part(NEAR, FAR);
    for _ in 0..2 {
        world.start(FAR);
        world.run_for(5 * SECOND);
        assert!(!group(&world, FAR).chain().is_whole(), "nobody can give the record back yet");
        world.kill(FAR);
    }
    world.heal();
    all_agree(&mut world);
}
