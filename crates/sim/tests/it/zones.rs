//! Three regions of two zones each, three copies in at least two regions (PROTOCOL 7.4).
//!
//! Hosts 0 and 1 are one region, 2 and 3 another, 4 and 5 the third. Host 0 is the home.

use register::Phase;
use sim::{Knobs, SECOND, World};
use types::Epoch;
use wire::Reply;

use crate::tale::*;

/// The other zone of the home's region.
const OTHER_ZONE: usize = 1;

fn three_by_two() -> World {
    serving_with(Knobs::quiet(1).with_zones(), 1)
}

#[test]
fn a_lost_zone_moves_the_home_to_the_other_zone_of_its_region() {
    // Clients and what they talk to are still there; another region would be a disaster's answer.
    for seed in 1..=5 {
        let mut world = serving_with(Knobs::quiet(1).with_zones(), seed);
        let kept = done(&mut world, HOME);
        world.kill(HOME);
        assert_eq!(until_moved(&mut world, HOME), OTHER_ZONE, "seed {seed}");
        assert!(matches!(outcome(&mut world, 4, &kept), Reply::Done { .. }));
        all_agree(&mut world);
    }
}

#[test]
fn a_lost_region_moves_the_home_to_another_region_and_loses_nothing() {
    let mut world = three_by_two();
    let kept = done(&mut world, HOME);
    world.kill(HOME);
    world.kill(OTHER_ZONE);
    assert!(until_moved(&mut world, HOME) >= 2);
    assert!(matches!(outcome(&mut world, 3, &kept), Reply::Done { .. }));
    done(&mut world, 5);
    all_agree(&mut world);
}

#[test]
fn any_two_nodes_lost_the_rest_goes_on() {
    for (one, other) in [(0, 2), (1, 4), (2, 5), (0, 5)] {
        let mut world = three_by_two();
        let kept = done(&mut world, HOME);
        world.kill(one);
        world.kill(other);
        let asker = (0..6).find(|host| *host != one && *host != other).unwrap();
        world.run_for(6 * SECOND);
        let told = outcome(&mut world, asker, &kept);
        assert!(matches!(told, Reply::Done { .. }), "{one} {other}: {told:?}");
        done(&mut world, asker);
        all_agree(&mut world);
    }
}

#[test]
fn what_only_the_homes_region_holds_is_not_committed() {
    // Two zones of one region are two copies and one disaster. With w = 2 and copies wanted in two regions,
    // the near copy alone must not make a commit.
    let mut knobs = Knobs::quiet(1).with_zones();
    knobs.copies = 2;
    let mut world = serving_with(knobs, 1);
    done(&mut world, HOME);
    for near in [HOME, OTHER_ZONE] {
        for far in 2..6 {
            world.part(near, far);
        }
    }
    let (_, request) = ask(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    let (durable, commit) = (group(&world, OTHER_ZONE).durable(), group(&world, HOME).commit());
    assert!(durable > commit, "it is on both disks there and does not count");
    // The other two regions seal without this one and go on.
    let new = until_moved(&mut world, HOME);
    assert!(new >= 2, "{new}");
    done(&mut world, 5);
    all_agree(&mut world);
    assert!(!group(&world, HOME).orphans().is_empty());
}

#[test]
fn three_nodes_left_of_six_wait_for_a_fourth() {
    // Three others may miss a commit of the home with its two neighbours, and are no majority of the
    // register; with a fourth they are both.
    let mut world = three_by_two();
    // What follows is on hosts 0, 1 and 2 alone.
    for far in 3..6 {
        world.isolate(far);
    }
    let kept = done(&mut world, HOME);
    for host in 0..3 {
        world.kill(host);
    }
    world.heal();
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    world.start(2);
    until_moved(&mut world, HOME);
    assert!(matches!(outcome(&mut world, 4, &kept), Reply::Done { .. }));
    all_agree(&mut world);
}

#[test]
fn a_home_that_starts_anew_stays_where_it_was() {
    // A restart is no loss of a zone.
    let mut world = three_by_two();
    world.kill(HOME);
    world.run_for(SECOND / 2);
    world.start(HOME);
    world.run_for(4 * SECOND);
    done(&mut world, 4);
    assert_eq!((home(&world), registered(&world, 2)), (Some(HOME), (Phase::Active, Epoch(2))));
    all_agree(&mut world);
}
