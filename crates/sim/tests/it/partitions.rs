//! Links that carry nothing, or only one way.

use register::{Phase, SealKind};
use sim::{MILLI, SECOND};
use types::Epoch;
use wire::Reply;

use crate::tale::*;

#[test]
fn s1_an_entry_of_a_minority_is_not_committed_by_copying_it_later() {
    // Raft's Figure 8: an old entry that reached a majority late is taken for committed, and then
    // replaced.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.isolate(HOME);
    let (lonely, request) = ask(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    let new = until_moved(&mut world, HOME);
    // The new home dies at once; the old one comes back with its longer tail.
    world.kill(new);
    world.heal();
    let third = (0..3).find(|host| *host != HOME && *host != new).unwrap();
    world.run_for(20 * SECOND);
    done(&mut world, third);
    all_agree(&mut world);
    let orphans = group(&world, HOME).orphans().to_vec();
    assert!(orphans.iter().any(|run| run.epoch == Epoch(1)), "{orphans:?}");
    // Nobody was told that it was done, so it may be done now: once.
    assert!(matches!(outcome(&mut world, third, &lonely), Reply::Done { .. }));
}

#[test]
fn s5_what_a_takeover_reads_is_fenced_against_the_old_home() {
    // bookkeeper#2614: the old writer went on committing at a copy that recovery had already read.
    let mut world = serving(1);
    world.part(HOME, NEAR);
    order(&mut world, FAR, NEAR, SealKind::Unplanned);
    let mut asks = Vec::new();
    for _ in 0..40 {
        asks.push(ask(&mut world, HOME));
        world.run_for(15 * MILLI);
    }
    until_moved(&mut world, HOME);
    all_agree(&mut world);
    for (ask, _) in asks {
        assert!(matches!(outcome(&mut world, FAR, &ask), Reply::Done { .. }));
    }
    all_agree(&mut world);
}

#[test]
fn s13_in_a_long_partition_one_side_waits_and_nothing_diverges() {
    // 43 seconds of it once cost a day of reconciliation: both sides had taken writes.
    let mut world = serving(1);
    world.isolate(HOME);
    let healed_at = world.now() + 43 * SECOND;
    let mut lonely = Vec::new();
    for _ in 0..5 {
        let (ask, request) = ask(&mut world, HOME);
        let told = reply(&mut world, request);
        assert!(matches!(told, Reply::Unknown(_) | Reply::Busy { .. }), "{told:?}");
        lonely.push(ask);
    }
    done(&mut world, NEAR);
    done(&mut world, FAR);
    world.run_to(healed_at);
    let before = group(&world, HOME).applied();
    assert!(before < group(&world, NEAR).applied());
    all_agree(&mut world);
    for ask in lonely {
        assert!(matches!(outcome(&mut world, HOME, &ask), Reply::Done { .. }));
    }
}

#[test]
fn s14_a_link_cut_between_two_moves_nothing_while_the_third_sees_both() {
    // Each side sees another world; moving the home would help nobody and lose time.
    let mut world = serving(1);
    world.part(HOME, NEAR);
    for _ in 0..30 {
        world.run_for(SECOND);
        done(&mut world, FAR);
    }
    assert_eq!(registered(&world, FAR), (Phase::Active, Epoch(1)));
    world.run_for(SECOND);
    all_agree(&mut world);
    assert_eq!(home(&world), Some(HOME));
}

#[test]
fn s14_a_flapping_switch_moves_a_group_once_per_residence() {
    // Every move costs a second of outage; a switch that flaps would make it the normal state. This one cuts off
    // every home as soon as there is one, for as long as it takes.
    let mut world = serving(1);
    let residence_us = world.node(HOME).unwrap().options().policy.residence_us;
    let detect_us = world.node(HOME).unwrap().options().policy.detect_us;
    let begun = world.now();
    let (mut victim, mut moved_at) = (HOME, Vec::new());
    while world.now() < begun + 60 * SECOND {
        world.isolate(victim);
        victim = until_moved(&mut world, victim);
        moved_at.push(world.now());
        world.heal();
        // Until those that were cut off can be heard again, nobody could take over.
        world.run_for(SECOND);
    }
    assert!(moved_at.len() >= 6, "it moves when it may: {moved_at:?}");
    let mut stayed = moved_at.windows(2).map(|pair| pair[1] - pair[0]);
    // Found dead after the detection limit and a little, it would otherwise have been gone well before.
    assert!(residence_us > detect_us + 2 * SECOND);
    assert!(stayed.all(|stayed_us| stayed_us >= residence_us), "{moved_at:?}");
    let opened = world.report().opened;
    assert_eq!(opened, 1 + moved_at.len() as u64, "an epoch per move, and none beside");
    all_agree(&mut world);
}

#[test]
fn a_node_that_can_send_but_not_hear_does_not_depose_the_home() {
    // It sees everyone silent; only its own ears are bad.
    let mut world = serving(1);
    world.cut(HOME, FAR);
    world.cut(NEAR, FAR);
    for _ in 0..20 {
        world.run_for(SECOND);
        done(&mut world, NEAR);
    }
    assert_eq!(registered(&world, NEAR), (Phase::Active, Epoch(1)));
    all_agree(&mut world);
}

#[test]
fn a_home_that_can_send_but_not_hear_is_replaced() {
    // Its pulses arrive, so nobody calls it dead; but nothing commits any more.
    let mut world = serving(1);
    world.cut(NEAR, HOME);
    world.cut(FAR, HOME);
    ask(&mut world, HOME);
    let new = until_moved(&mut world, HOME);
    done(&mut world, new);
    all_agree(&mut world);
}

#[test]
fn a_home_cut_off_with_something_uncommitted_does_not_wake_without_end() {
    // Found by the first seed: a beat that could not be appended stayed due, and a core span on it.
    let mut world = serving(1);
    world.isolate(HOME);
    ask(&mut world, HOME);
    let before = world.report().events;
    world.run_for(10 * SECOND);
    let events = world.report().events - before;
    assert!(events < 3_000, "{events} events in ten quiet seconds");
    all_agree(&mut world);
}

#[test]
fn a_takeover_asks_again_for_records_that_a_broken_session_lost() {
    // The candidate waited for ever for a copy that was lost with its session: no home, no service.
    let mut world = serving(1);
    world.isolate(FAR);
    world.run_for(4 * SECOND);
    for _ in 0..5 {
        done(&mut world, NEAR);
    }
    // The home dies; the node that lacks records is to take over, from the one that has them.
    world.heal();
    world.kill(HOME);
    world.run_for(300 * MILLI);
    order(&mut world, NEAR, FAR, SealKind::Unplanned);
    let until = world.now() + 5 * SECOND;
    world.run_until(until, |world| matches!(registered(world, FAR).0, Phase::Sealing { .. }));
    world.run_for(25 * MILLI);
    world.part(NEAR, FAR);
    world.run_for(4 * SECOND);
    world.heal();
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world).is_some()));
    done(&mut world, NEAR);
    all_agree(&mut world);
}
