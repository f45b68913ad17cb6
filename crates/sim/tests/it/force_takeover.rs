//! Takeovers after a beginning by force: what is history then, and who must be heard before it is decided.

use sim::{Knobs, SECOND, World};

use crate::force::serves_alone;
use crate::members::{replaced, until_whole};
use crate::tale::*;

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
