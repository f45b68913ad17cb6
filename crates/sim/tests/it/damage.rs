//! Bits that flip on disks: found at a start, found by a read, with and without a home.

use register::SealKind;
use sim::{Knobs, Lie, SECOND, World};
use types::Seq;

use crate::tale::*;

/// A cluster with some records, all of them everywhere.
fn written(knobs: Knobs) -> (World, Vec<sim::Ask>) {
    let mut world = serving_with(knobs, 1);
    let asks = (0..6).map(|_| done(&mut world, HOME)).collect();
    world.run_for(SECOND);
    (world, asks)
}

fn restart(world: &mut World, host: usize) {
    world.kill(host);
    world.start(host);
}

fn is_whole(world: &World, host: usize) -> bool {
    group(world, host).faults().is_empty()
}

fn all_told(world: &mut World, host: usize, asks: &[sim::Ask]) {
    for ask in asks {
        let told = outcome(world, host, ask);
        assert!(matches!(told, wire::Reply::Done { .. }), "{told:?}");
    }
}

#[test]
fn s7_a_bit_flip_on_one_of_three_is_repaired_from_a_peer() {
    // nats#7549, #7556: a damaged record in the middle of a log was cut off with all that followed.
    let (mut world, asks) = written(Knobs::quiet(1));
    assert!(world.spoil(NEAR, G0, Seq(4)) && world.spoil(NEAR, G0, Seq(5)));
    restart(&mut world, NEAR);
    assert_eq!(group(&world, NEAR).vouched(), Seq(3), "it vouches for nothing beyond");
    assert_eq!(group(&world, NEAR).tail(), group(&world, HOME).tail(), "and cuts nothing off");
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| is_whole(world, NEAR)));
    // What was repaired stays: the damaged place is passed over at the next start.
    restart(&mut world, NEAR);
    assert!(is_whole(&world, NEAR));
    world.retire(HOME);
    let new = until_moved(&mut world, HOME);
    all_told(&mut world, new, &asks);
    sound(&world);
}

#[test]
fn s7_bit_flips_on_two_of_three_and_a_failover_lose_nothing() {
    // Different records: each of the two that are left has what the other lacks.
    let (mut world, asks) = written(Knobs::quiet(1));
    assert!(world.spoil(NEAR, G0, Seq(3)) && world.spoil(FAR, G0, Seq(4)));
    world.retire(HOME);
    restart(&mut world, NEAR);
    restart(&mut world, FAR);
    let new = until_moved(&mut world, HOME);
    all_told(&mut world, new, &asks);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| is_whole(world, NEAR) && is_whole(world, FAR)));
    sound(&world);
}

#[test]
fn s7_a_record_that_is_bad_on_both_that_are_left_blocks_until_the_third_is_back() {
    // It was acknowledged: nobody may guess, and nothing may be cut off.
    let (mut world, asks) = written(Knobs::quiet(1));
    assert!(world.spoil(NEAR, G0, Seq(4)) && world.spoil(FAR, G0, Seq(4)));
    world.kill(HOME);
    restart(&mut world, NEAR);
    restart(&mut world, FAR);
    world.run_for(30 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None, "a chain without its fourth record is no chain");
    let lack = [NEAR, FAR].into_iter().find_map(|host| {
        let status = group(&world, host).status(world.clocks(host));
        if let group::RoleStatus::Candidate { lacks, .. } = status.role { lacks } else { None }
    });
    let from = [HOME, NEAR, FAR].map(sim::id).to_vec();
    assert_eq!(lack, Some(replication::Lack::Record { seq: Seq(4), from }));
    world.start(HOME);
    all_told(&mut world, NEAR, &asks);
    all_agree(&mut world);
}

#[test]
fn s7_the_home_finds_a_bad_record_when_a_member_needs_it() {
    // The member fetched it for ever, and the home went on as if it had it.
    let mut world = serving_with(Knobs { held_bytes_max: 300, ..Knobs::quiet(1) }, 1);
    world.kill(FAR);
    let asks: Vec<_> = (0..6).map(|_| done(&mut world, HOME)).collect();
    assert!(world.spoil(HOME, G0, Seq(4)));
    world.start(FAR);
    let until = world.now() + 10 * SECOND;
    let end = group(&world, HOME).tail().seq;
    assert!(world.run_until(until, |world| group(world, FAR).applied() >= end));
    assert!(is_whole(&world, HOME));
    assert_eq!(group(&world, HOME).status(world.clocks(HOME)).repaired, 1);
    all_told(&mut world, FAR, &asks);
    all_agree(&mut world);
}

#[test]
fn s8_a_bad_last_batch_may_have_been_acknowledged_and_the_peers_decide() {
    // The last record of the home and one member is acknowledged; the member's copy goes bad and the
    // home dies. "My chain ends before it" from the member would lose it.
    let mut world = serving(1);
    world.isolate(FAR);
    let last = done(&mut world, HOME);
    let seq = group(&world, NEAR).tail().seq;
    assert!(world.spoil(NEAR, G0, seq));
    world.kill(HOME);
    restart(&mut world, NEAR);
    world.heal();
    world.run_for(30 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None, "the far one and one that is not sure are no seal set");
    world.start(HOME);
    let told = outcome(&mut world, FAR, &last);
    assert!(matches!(told, wire::Reply::Done { .. }), "{told:?}");
    all_agree(&mut world);
}

#[test]
fn s8_a_bad_last_batch_beside_a_home_that_lives_is_fetched_again() {
    let (mut world, asks) = written(Knobs::quiet(1));
    let seq = group(&world, NEAR).tail().seq;
    assert!(world.spoil(NEAR, G0, seq));
    restart(&mut world, NEAR);
    assert!(!is_whole(&world, NEAR));
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| is_whole(world, NEAR)));
    all_told(&mut world, NEAR, &asks);
    all_agree(&mut world);
}

#[test]
fn a_home_that_lost_what_nobody_else_ever_had_gives_it_up_by_the_word_of_the_others() {
    // n-w+1 that never had it: it was not committed, and waiting for it would be for ever.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.isolate(HOME);
    ask(&mut world, HOME);
    world.run_for(SECOND / 2);
    let seq = group(&world, HOME).tail().seq;
    ask(&mut world, HOME);
    world.run_for(SECOND / 2);
    assert!(group(&world, HOME).tail().seq > seq, "another one follows");
    assert!(world.spoil(HOME, G0, seq));
    world.kill(HOME);
    world.heal();
    world.start(HOME);
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| home(world).is_some()));
    done(&mut world, NEAR);
    all_agree(&mut world);
}

#[test]
fn an_operator_can_give_up_a_record_that_is_bad_everywhere() {
    let (mut world, _) = written(Knobs::quiet(1));
    for host in [HOME, NEAR, FAR] {
        assert!(world.spoil(host, G0, Seq(4)));
        restart(&mut world, host);
    }
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    order(&mut world, NEAR, NEAR, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(NEAR)));
    done(&mut world, NEAR);
    all_agree(&mut world);
}

#[test]
fn a_start_that_ends_the_log_at_a_bad_record_is_caught() {
    // The canary of this file: without the check above nobody would notice.
    let (mut world, _) = written(Knobs { lie: Lie::Truncate, ..Knobs::quiet(1) });
    assert!(world.spoil(NEAR, G0, Seq(4)));
    restart(&mut world, NEAR);
    assert_eq!(world.check().violation().map(|violation| violation.invariant), Some("I11"));
}
