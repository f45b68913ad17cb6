//! Disks that stall, that are replaced, and groups that do not fit into memory.

use register::SealKind;
use sim::{Knobs, MILLI, SECOND, World};
use types::Epoch;
use wire::Reply;

use crate::tale::*;

#[test]
fn s6_a_replaced_disk_does_not_vouch_for_what_it_never_had() {
    // nats#2792, #5939: an empty disk under an old name voted "never had it", and acknowledged
    // records were gone.
    let mut world = serving(1);
    // What follows is on the home and on the near node only.
    world.isolate(FAR);
    let kept: Vec<_> = (0..3).map(|_| done(&mut world, HOME)).collect();
    world.kill(HOME);
    world.kill(NEAR);
    world.wipe(NEAR);
    world.heal();
    world.start(NEAR);
    world.run_for(30 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None, "the far node and a blank disk are no seal set");
    world.start(HOME);
    for ask in kept {
        let told = outcome(&mut world, FAR, &ask);
        assert!(matches!(told, Reply::Done { .. }), "{told:?}");
    }
    all_agree(&mut world);
}

#[test]
fn s11_a_home_whose_disk_hangs_fences_itself_and_is_replaced() {
    // Heartbeats are fine, nothing commits: the group would hang for as long as the disk.
    let mut world = serving(1);
    world.stall(HOME, 20 * SECOND);
    ask(&mut world, HOME);
    let new = until_moved(&mut world, HOME);
    done(&mut world, new);
    world.run_for(5 * SECOND);
    assert!(world.report().stops > 0, "it stopped itself");
    all_agree(&mut world);
}

#[test]
fn s11_a_home_whose_disk_stalls_again_and_again_is_left_by_plan() {
    // Each stall ends before anybody calls it dead, and all clients have waited: for hours, before someone
    // looked at the disk.
    let mut world = serving(1);
    let policy = world.node(HOME).unwrap().options().policy;
    let stall = |world: &mut World, host: usize| {
        world.stall(host, 1_500 * MILLI);
        world.run_for(1_600 * MILLI);
        sound(world);
    };
    let mut kept = Vec::new();
    for _ in 0..2 {
        stall(&mut world, HOME);
        kept.push(done(&mut world, HOME));
        world.run_for(SECOND);
    }
    assert_eq!(
        (home(&world), registered(&world, FAR).1),
        (Some(HOME), Epoch(1)),
        "twice is chance"
    );
    stall(&mut world, HOME);
    let new = until_moved(&mut world, HOME);
    let moved_at = world.now();
    assert_eq!(registered(&world, new).1, Epoch(2), "by one switch");
    assert!(group(&world, HOME).orphans().is_empty(), "which loses nothing");
    assert_eq!(world.report().stops, 0, "and nobody was called dead");
    assert!(world.check().looked().contains_key("slow disk"), "people are told");
    // The next one has a bad disk, too: it bears it for as long as a group stays where it came to.
    for _ in 0..3 {
        stall(&mut world, new);
    }
    let until = moved_at + policy.residence_us;
    assert!(!world.run_until(until - 100 * MILLI, |world| home(world) != Some(new)));
    let next = until_moved(&mut world, new);
    assert!(world.now() >= until);
    for ask in kept {
        assert!(matches!(outcome(&mut world, next, &ask), Reply::Done { repeated: true, .. }));
    }
    all_agree(&mut world);
}

#[test]
fn s28_a_full_disk_still_promises_and_stops_intake_first() {
    // A node that could not promise on a full disk would stop the failover that is needed most then.
    let mut world = serving(1);
    let before: Vec<_> = (0..3).map(|_| done(&mut world, HOME)).collect();
    world.run_for(SECOND);
    world.set_room(NEAR, false);
    world.set_room(FAR, false);
    world.kill(HOME);
    let new = until_moved(&mut world, HOME);
    let until = world.now() + 5 * SECOND;
    assert!(
        world.run_until(until, |world| group(world, new).applied() == group(world, new).tail().seq)
    );
    // It is the home, serves what is known, and takes nothing new: at once, and with a word for it.
    let (refused, request) = ask(&mut world, new);
    assert!(matches!(reply(&mut world, request), Reply::Busy { .. }));
    for ask in before {
        assert!(matches!(outcome(&mut world, new, &ask), Reply::Done { .. }));
    }
    world.set_room(NEAR, true);
    world.set_room(FAR, true);
    let told = outcome(&mut world, new, &refused);
    assert!(matches!(told, Reply::Done { repeated: false, .. }), "{told:?}");
    all_agree(&mut world);
}

#[test]
fn s28_what_waits_at_a_home_whose_disk_fills_is_given_back() {
    // It was not appended: "unknown" would send people looking for payments that never were.
    let mut world = serving(1);
    world.stall(HOME, 2 * SECOND);
    let (_, first) = ask(&mut world, HOME);
    world.run_for(SECOND / 10);
    let (_, second) = ask(&mut world, HOME);
    world.run_for(SECOND / 10);
    world.set_room(HOME, false);
    assert!(matches!(reply(&mut world, second), Reply::Busy { .. }));
    assert!(matches!(reply(&mut world, first), Reply::Done { .. } | Reply::Unknown(_)));
    world.set_room(HOME, true);
    all_agree(&mut world);
}

#[test]
fn s28_a_member_without_room_misses_records_and_fetches_them_later() {
    let mut world = serving(1);
    world.set_room(FAR, false);
    for _ in 0..3 {
        done(&mut world, HOME);
    }
    assert!(group(&world, FAR).tail().seq < group(&world, HOME).tail().seq);
    world.set_room(FAR, true);
    all_agree(&mut world);
}

#[test]
fn a_member_far_behind_catches_up_with_a_home_that_holds_little_in_memory() {
    // The home waited for the member's word, the member for records that the home no longer had at
    // hand: with three copies wanted, nothing committed any more.
    let knobs = Knobs { copies: 3, held_bytes_max: 300, ..Knobs::quiet(1) };
    let mut world = serving_with(knobs, 1);
    for round in 0..4 {
        for _ in 0..3 {
            done(&mut world, HOME);
        }
        let host = round % 3;
        world.kill(host);
        world.run_for(500 * MILLI);
        world.start(host);
    }
    world.kill(FAR);
    world.start(FAR);
    done(&mut world, NEAR);
    all_agree(&mut world);
}

#[test]
fn a_node_that_boots_with_little_memory_applies_everything() {
    // Found by seed 4: reads begun while the log was replayed went nowhere, and the model stood still
    // for ever.
    let mut world = serving_with(Knobs { held_bytes_max: 300, ..Knobs::quiet(1) }, 1);
    for _ in 0..10 {
        ask(&mut world, HOME);
        world.run_for(50 * MILLI);
    }
    for host in 0..3 {
        world.kill(host);
    }
    all_agree(&mut world);
}

#[test]
fn a_switch_while_the_candidate_is_far_behind_copies_what_it_lacks() {
    let mut world = serving_with(Knobs { held_bytes_max: 300, ..Knobs::quiet(1) }, 1);
    world.isolate(FAR);
    world.run_for(4 * SECOND);
    for _ in 0..10 {
        done(&mut world, NEAR);
    }
    world.heal();
    world.run_for(300 * MILLI);
    order(&mut world, NEAR, FAR, SealKind::Planned);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(FAR)));
    done(&mut world, NEAR);
    all_agree(&mut world);
}

#[test]
fn as_many_blank_disks_as_a_commit_has_copies_block_until_an_operator_gives_up() {
    // All five had answered, three of them knew nothing of what two had acknowledged, and the group
    // went on without it and without a word.
    let knobs = Knobs { nodes: 5, ..Knobs::quiet(1) };
    let mut world = serving_with(knobs, 1);
    for host in FAR..5 {
        world.isolate(host);
    }
    let lost = done(&mut world, HOME);
    for host in [HOME, NEAR] {
        world.kill(host);
        world.wipe(host);
        world.start(host);
    }
    world.heal();
    world.run_for(40 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None, "nobody who is left can say what was committed");
    order(&mut world, FAR, FAR, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(FAR)));
    assert_eq!(group(&world, FAR).answer(lost.command.id, lost.command.digest), None);
    all_agree(&mut world);
}
