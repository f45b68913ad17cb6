//! Model versions and their barriers (S21), and memory that fails (PROTOCOL 7.10): replicas that
//! differ find out, and the odd one keeps its state to itself.

use std::collections::BTreeSet;

use group::{Bar, Group};
use sim::{App, Code, Knobs, MILLI, SECOND, World};
use types::ModelVersion;
use wire::Reply;

use crate::tale::*;

const SECOND_VERSION: ModelVersion = ModelVersion(2);

/// A quiet cluster in which every node runs `code`.
fn serving_on(code: Code, copies: usize) -> World {
    let mut world = serving_with(Knobs { copies, ..Knobs::quiet(1) }, 1);
    for host in 0..world.count() {
        roll(&mut world, host, code);
    }
    all_serve(&mut world);
    world
}

/// Stops a node and starts it with other code.
fn roll(world: &mut World, host: usize, code: Code) {
    world.kill(host);
    world.install(host, code);
    world.start(host);
}

fn all_serve(world: &mut World) {
    let until = world.now() + 20 * SECOND;
    let serve = world.run_until(until, |world| {
        home(world).is_some()
            && (0..3).all(|host| group(world, host).status(world.clocks(host)).commit.0 > 0)
    });
    sound(world);
    assert!(serve, "the group serves");
    world.run_for(2 * SECOND);
}

/// Asks for something every 300 ms, so that marks are passed and versions said.
fn work(world: &mut World, times: usize) {
    for _ in 0..times {
        ask(world, NEAR);
        world.run_for(300 * MILLI);
    }
    sound(world);
}

fn version(world: &World, host: usize) -> ModelVersion {
    group(world, host).version().0
}

fn differs(group: &Group<App>) -> Option<bool> {
    match group.bar() {
        Some(Bar::Differs { is_final, .. }) => Some(is_final),
        Some(Bar::Version { .. }) | None => None,
    }
}

#[test]
fn s21_a_barrier_comes_once_every_member_can_run_what_follows() {
    // A version that begins before a member's code knows it leaves that member behind at best, and
    // lets it apply the same records differently at worst.
    let mut world = serving_on(Code::up_to(1), 2);
    roll(&mut world, HOME, Code::up_to(2));
    roll(&mut world, NEAR, Code::up_to(2));
    work(&mut world, 10);
    world.order_upgrade(NEAR, vec![G0], 2);
    work(&mut world, 10);
    assert_eq!(world.report().orders, [0, 1], "the far node's code is too old");
    roll(&mut world, FAR, Code::up_to(2));
    work(&mut world, 10);
    world.order_upgrade(NEAR, vec![G0], 2);
    work(&mut world, 10);
    assert_eq!(world.report().orders, [1, 1]);
    for host in [HOME, NEAR, FAR] {
        assert_eq!(version(&world, host), SECOND_VERSION);
    }
    all_agree(&mut world);
}

#[test]
fn s21_code_that_is_too_old_waits_at_the_barrier_and_goes_on_once_it_is_replaced() {
    // A node that was put back to older code applied what it did not understand, and said nothing.
    let mut world = serving_on(Code::up_to(2), 3);
    world.order_upgrade(NEAR, vec![G0], 2);
    work(&mut world, 10);
    assert_eq!(version(&world, FAR), SECOND_VERSION);
    roll(&mut world, FAR, Code::up_to(1));
    // All three copies are wanted: the far node counts although it cannot run what it stores.
    done(&mut world, HOME);
    work(&mut world, 5);
    let far = group(&world, FAR);
    let barrier = far.version().1.unwrap();
    let needs = SECOND_VERSION;
    let (lowest, highest) = (ModelVersion::FIRST, ModelVersion::FIRST);
    assert_eq!(far.bar(), Some(Bar::Version { needs, at: barrier, lowest, highest }));
    assert_eq!(far.applied(), barrier.prev());
    assert!(far.durable() > barrier);
    roll(&mut world, FAR, Code::up_to(2));
    all_agree(&mut world);
    assert_eq!(group(&world, FAR).bar(), None);
}

#[test]
fn a_home_put_back_to_older_code_hands_its_groups_on() {
    // It would take them again at its start, and then answer nobody.
    let mut world = serving_on(Code::up_to(2), 2);
    world.order_upgrade(NEAR, vec![G0], 2);
    work(&mut world, 10);
    let old = home(&world).unwrap();
    roll(&mut world, old, Code::up_to(1));
    let new = until_moved(&mut world, old);
    assert_ne!(new, old);
    done(&mut world, new);
    done(&mut world, old);
    roll(&mut world, old, Code::up_to(2));
    all_agree(&mut world);
}

#[test]
fn s21_code_that_changes_behaviour_without_a_barrier_takes_itself_out() {
    // Aeron's replay from zero: newer code gave other outcomes for the same log, on one node only.
    let mut world = serving_on(Code::up_to(1), 3);
    let bad = (home(&world).unwrap() + 1) % 3;
    roll(&mut world, bad, Code::straying(2));
    work(&mut world, 20);
    let odd = group(&world, bad);
    assert_eq!(differs(odd), Some(true), "applied again, it still differs");
    assert!(odd.readable().is_none());
    // It stores on, and counts: all three copies are wanted.
    done(&mut world, NEAR);
    roll(&mut world, bad, Code::up_to(1));
    world.mended(bad);
    all_agree(&mut world);
}

#[test]
fn a_bit_that_flips_in_memory_is_found_and_mended_from_the_journal() {
    // One machine's memory loses a bit: its region would answer with wrong balances for ever.
    let mut world = serving_on(Code::up_to(1), 2);
    work(&mut world, 5);
    let bad = (home(&world).unwrap() + 1) % 3;
    world.flip(bad);
    let until = world.now() + 60 * SECOND;
    let (mut was_odd, mut left) = (false, 200);
    while world.now() < until && left > 0 && !(was_odd && group(&world, bad).bar().is_none()) {
        ask(&mut world, NEAR);
        world.run_for(50 * MILLI);
        was_odd |= differs(group(&world, bad)).is_some() || !world.check().is_excused(bad);
        left -= 1;
    }
    sound(&world);
    assert!(was_odd, "the others' word was taken");
    assert!(!world.check().is_excused(bad), "applied again, it has what the others have");
    all_agree(&mut world);
}

#[test]
fn a_flipped_bit_that_shows_in_no_outcome_shows_in_the_digest_of_the_state() {
    // The account is not touched for years: until then no outcome is wrong.
    let mut world = serving_on(Code::up_to(1), 2);
    let bad = (home(&world).unwrap() + 1) % 3;
    world.flip(bad);
    ask(&mut world, NEAR);
    let until = world.now() + 60 * SECOND;
    let mended = world.run_until(until, |world| !world.check().is_excused(bad));
    sound(&world);
    assert!(mended, "beats alone bring the digests together");
    all_agree(&mut world);
}

#[test]
fn a_home_that_is_the_odd_one_out_steps_down() {
    // It is the one whose answers clients get.
    let mut world = serving_on(Code::up_to(1), 2);
    work(&mut world, 5);
    let bad = home(&world).unwrap();
    world.flip(bad);
    work(&mut world, 10);
    let until = world.now() + 60 * SECOND;
    world.run_until(until, |world| home(world).is_some_and(|host| host != bad));
    let new = home(&world).unwrap();
    assert_ne!(new, bad);
    let ask = world.command(G0, 5, 60 * SECOND);
    assert!(matches!(outcome(&mut world, bad, &ask), Reply::Done { .. }));
    // The last look would find that it told clients wrong balances until it was found: nothing can
    // take that back. What all hold from there on is what the journal says.
    let until = world.now() + 10 * SECOND;
    let same = world.run_until(until, |world| {
        let trails: BTreeSet<_> = (0..3).map(|host| group(world, host).trail()).collect();
        trails.len() == 1
    });
    sound(&world);
    assert!(same && !world.check().is_excused(bad));
}

#[test]
fn of_two_voices_that_differ_nobody_is_the_odd_one() {
    // With the third away either may be wrong: taking the wrong one out would leave the wrong answers.
    let mut world = serving_on(Code::up_to(1), 2);
    let home = home(&world).unwrap();
    let (bad, away) = ((home + 1) % 3, (home + 2) % 3);
    world.kill(away);
    world.flip(bad);
    work(&mut world, 20);
    for host in [home, bad] {
        assert_eq!(group(&world, host).bar(), None);
        let status = group(&world, host).status(world.clocks(host));
        assert_eq!(status.differing.len(), 1, "both of them say so");
    }
    world.start(away);
    work(&mut world, 20);
    assert!(!world.check().is_excused(bad), "the third voice decides");
    all_agree(&mut world);
    assert!(group(&world, home).status(world.clocks(home)).differing.is_empty());
}

#[test]
fn a_node_with_newer_code_is_understood_but_for_what_is_new() {
    // Nodes are upgraded one after the other. Were all refused that a newer one says, its first frame
    // would take it out of the cluster.
    let home_id = types::NodeId(u16::try_from(HOME).unwrap() + 1);
    let knobs = Knobs { newer: Some(home_id), ..Knobs::quiet(1) };
    let mut world = serving_with(knobs, 1);
    for host in [HOME, NEAR, FAR] {
        done(&mut world, host);
    }
    assert_eq!(home(&world), Some(HOME));
    all_agree(&mut world);
}
