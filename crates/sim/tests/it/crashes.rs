//! Power that goes away, of one node or of all.

use register::SealKind;
use sim::{Knobs, Lie, MILLI, SECOND};
use types::Epoch;
use wire::Reply;

use crate::tale::*;

/// A takeover in which the third node loses power in the very step of its promise, comes back at once,
/// and is asked by the old home to acknowledge.
fn promise_and_die(lie: Lie, seed: u64) -> sim::World {
    let mut world = serving_with(Knobs { lie, ..Knobs::quiet(1) }, seed);
    world.part(HOME, NEAR);
    order(&mut world, FAR, NEAR, SealKind::Unplanned);
    let until = world.now() + 5 * SECOND;
    world.run_until(until, |world| group(world, FAR).promised() > Epoch(1));
    world.run_for(2 * MILLI);
    world.kill_in_step(FAR);
    for _ in 0..100 {
        let ask = world.command(G0, 1, 60 * SECOND);
        world.ask(HOME, &ask, SECOND);
        world.run_for(20 * MILLI);
    }
    world
}

#[test]
fn s2_a_promise_is_durable_before_it_is_given() {
    // A replica that forgets its promise acknowledges the old home again: two homes commit.
    for seed in 1..20 {
        let mut world = promise_and_die(Lie::None, seed);
        sound(&world);
        all_agree(&mut world);
    }
    let caught =
        (1..20).any(|seed| promise_and_die(Lie::NoPromise, seed).check().violation().is_some());
    assert!(caught, "a disk that drops promises is noticed");
}

#[test]
fn s4_a_longer_old_tail_stays_an_orphan_after_a_crash_between_activation_and_first_record() {
    // The longer tail looks like the better one; taking it back would undo what the register decided.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.isolate(HOME);
    for _ in 0..3 {
        ask(&mut world, HOME);
        world.run_for(50 * MILLI);
    }
    let until = world.now() + 20 * SECOND;
    let active = world.run_until(until, |world| {
        [NEAR, FAR].into_iter().any(|host| registered(world, host).1 > Epoch(1))
    });
    assert!(active, "the register has opened the next epoch");
    world.kill(NEAR);
    world.kill(FAR);
    let tail = group(&world, HOME).tail();
    assert_eq!(tail.epoch, Epoch(1));
    all_agree(&mut world);
    assert!(!group(&world, NEAR).chain().passes(tail), "the old tail is not in the chain");
    let orphans = group(&world, HOME).orphans();
    assert!(orphans.iter().any(|run| run.head == tail.hash), "{orphans:?}");
}

#[test]
fn s8_a_torn_last_batch_is_decided_by_the_peers() {
    // The home lost power while its last record was being written: it may have had it or not.
    let mut kept = 0;
    for seed in 1..20 {
        let mut world = serving_with(Knobs::quiet(1), seed);
        let (ask, _) = ask(&mut world, HOME);
        world.run_for(300);
        world.kill(HOME);
        world.start(HOME);
        kept += u32::from(group(&world, HOME).tail().seq > group(&world, NEAR).tail().seq);
        assert!(matches!(outcome(&mut world, NEAR, &ask), Reply::Done { .. } | Reply::Expired));
        all_agree(&mut world);
    }
    assert!(kept < 19, "some last records were torn");
}

#[test]
fn s9_everything_acknowledged_survives_a_power_cut_of_the_whole_cluster() {
    // nats#7564: acknowledged before it was on any disk, and gone with the power.
    for seed in 1..10 {
        let mut world = serving_with(Knobs::quiet(1), seed);
        let kept: Vec<_> = (0..10).map(|at| done(&mut world, at % 3)).collect();
        let (open, _) = ask(&mut world, NEAR);
        world.run_for(seed * 4 * MILLI);
        for host in 0..3 {
            world.kill(host);
        }
        world.run_for(SECOND);
        all_agree(&mut world);
        for ask in &kept {
            let told = outcome(&mut world, FAR, ask);
            assert!(matches!(told, Reply::Done { repeated: true, .. }), "{told:?}");
        }
        outcome(&mut world, FAR, &open);
        all_agree(&mut world);
    }
}

#[test]
fn s10_a_power_loss_with_pauses_and_a_partition_splits_no_chain() {
    // nats#7567: three small faults at once made two histories.
    for seed in 1..10 {
        let mut world = serving_with(Knobs::quiet(1), seed);
        let mut asks = Vec::new();
        for round in 0..12 {
            for host in 0..3 {
                if world.node(host).is_some() {
                    asks.push(ask(&mut world, host).0);
                }
            }
            match round {
                2 => world.pause(NEAR),
                3 => world.part(HOME, FAR),
                4 => world.kill(HOME),
                5 => world.resume(NEAR),
                6 => world.start(HOME),
                7 => world.pause(FAR),
                9 => world.heal(),
                10 => world.resume(FAR),
                _ => {}
            }
            world.run_for(700 * MILLI);
            sound(&world);
        }
        all_agree(&mut world);
        for ask in asks {
            outcome(&mut world, HOME, &ask);
        }
        all_agree(&mut world);
    }
}

#[test]
fn a_group_whose_first_home_dies_before_anyone_has_joined_is_not_stuck() {
    // Found by seed 131: the register had opened the first epoch, no disk knew of it, and nobody's
    // word was taken.
    let mut world = sim::World::new(Knobs::quiet(1), sim::Rng::new(1), false);
    let opened = world.run_until(10 * SECOND, |world| {
        world.node(HOME).is_some_and(|node| {
            node.register().group(G0).is_some_and(|state| state.epoch == Epoch(1))
        })
    });
    assert!(opened);
    world.kill(HOME);
    world.run_for(5 * SECOND);
    world.start(HOME);
    world.run_for(10 * SECOND);
    done(&mut world, NEAR);
    all_agree(&mut world);
}
