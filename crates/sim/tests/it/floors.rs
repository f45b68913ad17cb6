//! From where a start reads the log, when snapshots that it rests on are given up and the power goes in
//! the middle of that.

use sim::{Knobs, SECOND, World};
use types::{Position, Seq};
use wire::Meta;

use register::SealKind;

use crate::tale::{FAR, G0, HOME, NEAR, all_agree, done, group, order, serving_with, sound};

/// Five members of which two commit: two can be lost, with what only they had.
fn knobs(trim: bool) -> Knobs {
    Knobs { snapshot_work: 10, trim, nodes: 5, copies: 2, ..Knobs::quiet(1) }
}

/// What a host's superblock says of group 0.
fn meta(world: &World, host: usize) -> Meta {
    let blobs = world.disk(host).unwrap().blobs();
    Meta::decode(blobs.get(&G0).unwrap()).unwrap()
}

/// All have `shared` commands; `HOME` and `NEAR` alone have another `alone`.
fn parted(world: &mut World, shared: usize, alone: usize) {
    for _ in 0..shared {
        done(world, HOME);
    }
    world.run_for(2 * SECOND);
    for host in 2..5 {
        world.part(HOME, host);
        world.part(NEAR, host);
    }
    world.run_for(SECOND / 10);
    for _ in 0..alone {
        done(world, HOME);
    }
    world.run_for(2 * SECOND);
    sound(world);
}

/// `HOME` and `NEAR` lose power, `FAR` is forced to be home without them, and `HOME` comes back.
fn met_with_force(world: &mut World) {
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(20 * SECOND);
    order(world, FAR, FAR, SealKind::Forced);
    let until = world.now() + 10 * SECOND;
    let opened = |world: &World| group(world, FAR).home_epoch().is_some();
    assert!(world.run_until(until, opened), "force opens an epoch");
    done(world, FAR);
    world.start(HOME);
    // So that it hears of the epoch before its floor has moved.
    world.stall(HOME, SECOND);
}

#[test]
fn a_crash_before_the_floor_is_lowered_leaves_a_log_that_is_read_whole() {
    // Found by reading: a node that goes back to before its first snapshot recorded that it has none before
    // it asked for the whole log. A crash in between, and it never started again, with a whole log.
    let mut world = serving_with(knobs(false), 1);
    parted(&mut world, 12, 25);
    world.kill(HOME);
    world.start(HOME);
    assert!(group(&world, HOME).chain().base().seq > Seq(10), "it begins at a snapshot");
    met_with_force(&mut world);
    let until = world.now() + 10 * SECOND;
    let is_bare = |world: &World| meta(world, HOME).snapshots.is_empty();
    assert!(world.run_until(until, is_bare), "its snapshots are of no use any more");
    world.kill(HOME);
    all_agree(&mut world);
}

#[test]
fn a_floor_lowered_early_in_a_life_does_not_reach_below_what_is_deleted() {
    // Found by reading: before the floor's first move of a life the node took the log to be whole, and had
    // the next start count the register's records from the first. It refused to start.
    let mut world = serving_with(knobs(true), 1);
    parted(&mut world, 15, 5);
    assert!(world.disk(HOME).unwrap().kept() > Position(0), "records are deleted");
    let newest = meta(&world, HOME).snapshots.last().unwrap().tail.seq;
    met_with_force(&mut world);
    let until = world.now() + 10 * SECOND;
    let has_dropped =
        |world: &World| meta(world, HOME).snapshots.iter().all(|one| one.tail.seq < newest);
    assert!(world.run_until(until, has_dropped), "the newest snapshot is not of history");
    assert!(!meta(&world, HOME).snapshots.is_empty(), "and an older one is");
    let disk = world.disk(HOME).unwrap();
    assert!(disk.start() >= disk.kept(), "nothing is read that is gone");
    world.kill(HOME);
    all_agree(&mut world);
}
