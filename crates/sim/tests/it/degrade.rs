//! Going on with the members that are left, and back; and the last replica standing.

use register::{Phase, SealKind};
use sim::{Knobs, MILLI, SECOND, World};
use steering::Stay;
use types::{Class, Epoch, QuorumLoss, Terms};
use wire::{OrphanReason, Reply};

use crate::tale::*;

/// Three nodes that all have to hold a record before it is committed.
fn all_of_three(on_quorum_loss: QuorumLoss) -> World {
    let terms = Terms { class: Class::Sync, on_quorum_loss };
    serving_with(Knobs { copies: 3, terms, ..Knobs::quiet(1) }, 1)
}

/// Where group 0 lives in a cluster of two full regions and a third that only votes in the register
/// (PROTOCOL 7.4, `2, 2 + vote-only`).
const FIRST: usize = 1;
const SECOND_ONE: usize = 2;
const VOTER: usize = 0;

fn two_and_a_vote() -> World {
    let mut world = World::new(Knobs { spares: 1, ..Knobs::quiet(1) }, sim::Rng::new(1), false);
    let served = world.run_until(10 * SECOND, |world| {
        let is_current = |host: usize| {
            let group = world.node(host).and_then(|node| node.group(G0));
            group.is_some_and(|group| group.applied().0 > 0 && group.applied() == group.tail().seq)
        };
        is_current(FIRST) && is_current(SECOND_ONE)
    });
    assert!(served);
    assert_eq!(home(&world), Some(FIRST));
    world
}

/// Members and copies of the configuration in force, and whether that is less than there is to be.
fn standing(world: &World, host: usize) -> (usize, usize, bool) {
    let state = world.node(host).unwrap().register().group(G0).unwrap();
    (state.config.members().len(), state.config.copies(), state.whole.is_some())
}

#[test]
fn a_group_that_may_degrade_goes_on_without_a_dead_member_and_takes_it_back() {
    // With all of three wanted, one dead region stops all writes; the terms say what to do then.
    let mut world = all_of_three(QuorumLoss::Degrade);
    done(&mut world, HOME);
    world.kill(FAR);
    let (_, request) = ask(&mut world, HOME);
    let before = group(&world, HOME).commit();
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)), "nothing before the register");
    assert_eq!(group(&world, HOME).commit(), before);
    done(&mut world, NEAR);
    assert_eq!(standing(&world, HOME), (2, 2, true));
    let status = group(&world, HOME).status(world.clocks(HOME));
    assert_eq!(status.degraded_from.map(|whole| whole.copies()), Some(3));
    assert!(!status.home_loss_loses, "there are two copies yet");
    // Back, caught up, and counted again, without anybody's help.
    world.start(FAR);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| standing(world, HOME) == (3, 3, false)));
    done(&mut world, FAR);
    all_agree(&mut world);
    assert_eq!(group(&world, FAR).config().members().len(), 3);
}

#[test]
fn by_default_a_group_waits_and_says_that_it_does_not_know() {
    // Money stays where it is: nobody goes on with fewer copies unless somebody has said so.
    let mut world = all_of_three(QuorumLoss::Block);
    world.kill(FAR);
    for _ in 0..10 {
        let (_, request) = ask(&mut world, HOME);
        let told = reply(&mut world, request);
        assert!(matches!(told, Reply::Unknown(_) | Reply::Busy { .. }), "{told:?}");
    }
    assert_eq!(standing(&world, HOME), (3, 3, false));
    assert_eq!(home(&world), Some(HOME), "and with its home");
    all_agree(&mut world);
}

#[test]
fn a_home_that_lacks_a_copy_is_not_replaced_by_one_that_would_lack_it_too() {
    // Nobody else could have three copies either. Sealed off, the group would have no home until the dead
    // member is back, and an async one would stop to answer for nothing.
    for class in [Class::Sync, Class::Async] {
        let terms = Terms { class, on_quorum_loss: QuorumLoss::Block };
        let mut world = serving_with(Knobs { copies: 3, terms, ..Knobs::quiet(1) }, 1);
        done(&mut world, HOME);
        world.kill(FAR);
        let began = world.now();
        let waits = world.command(G0, 5, 600 * SECOND);
        while world.now() < began + 20 * SECOND {
            world.ask(HOME, &waits, SECOND);
            let early = world.command(G0, 5, 60 * SECOND);
            let request = world.ask_early(HOME, &early, SECOND);
            let told = reply(&mut world, request);
            let is_right = match class {
                Class::Async => matches!(told, Reply::Provisional { .. }),
                Class::Sync | Class::Local => !matches!(told, Reply::Done { .. }),
            };
            assert!(is_right, "{told:?} after {} ms", (world.now() - began) / 1_000);
            world.run_for(SECOND);
        }
        assert_eq!(registered(&world, NEAR), (Phase::Active, Epoch(1)));
        assert_eq!(home(&world), Some(HOME));
        let seen = world.node(NEAR).unwrap().explain(world.clocks(NEAR), G0).unwrap();
        assert!(seen.stays.contains(&Stay::NoCopies(vec![sim::id(FAR)])), "{:?}", seen.stays);
        // With the copy back it commits, where it was.
        world.start(FAR);
        assert!(matches!(outcome(&mut world, HOME, &waits), Reply::Done { .. }));
        assert_eq!(registered(&world, NEAR), (Phase::Active, Epoch(1)));
        all_agree(&mut world);
    }
}

#[test]
fn an_operator_degrades_and_restores_what_waits() {
    // The same by order: nothing is acknowledged before the register has taken it, all of it after.
    let mut world = all_of_three(QuorumLoss::Block);
    world.kill(FAR);
    let (waits, _) = ask(&mut world, HOME);
    world.run_for(3 * SECOND);
    world.reconfigure(NEAR, vec![G0], SealKind::Degrade);
    assert!(matches!(outcome(&mut world, HOME, &waits), Reply::Done { .. }));
    assert_eq!(standing(&world, HOME), (2, 2, true));
    // It is not taken back before it has caught up, nor while it is away.
    world.reconfigure(HOME, vec![G0], SealKind::Restore);
    world.run_for(SECOND);
    assert_eq!(standing(&world, HOME), (2, 2, true));
    assert_eq!(world.report().orders, [1, 1], "refused, not tried at the price of an outage");
    world.start(FAR);
    world.run_for(8 * SECOND);
    assert_eq!(standing(&world, HOME), (2, 2, true), "nobody has ordered it");
    world.reconfigure(NEAR, vec![G0], SealKind::Restore);
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| standing(world, HOME) == (3, 3, false)));
    all_agree(&mut world);
}

#[test]
fn a_group_with_all_its_members_is_not_degraded_by_mistake() {
    // An order for the wrong group would halve its copies.
    let mut world = all_of_three(QuorumLoss::Block);
    world.reconfigure(HOME, vec![G0], SealKind::Degrade);
    world.run_for(5 * SECOND);
    assert_eq!(standing(&world, HOME), (3, 3, false));
    let [taken, refused] = world.report().orders;
    assert_eq!((taken, refused), (0, 1));
    all_agree(&mut world);
}

#[test]
fn with_its_home_dead_a_group_that_may_degrade_is_taken_over_and_goes_on() {
    // All of three are wanted and the home is gone: the takeover itself could not find its copies.
    let mut world = all_of_three(QuorumLoss::Degrade);
    let kept = done(&mut world, FAR);
    world.kill(HOME);
    let moved = until_moved(&mut world, HOME);
    assert!(matches!(outcome(&mut world, moved, &kept), Reply::Done { repeated: true, .. }));
    done(&mut world, moved);
    assert_eq!(standing(&world, moved), (2, 2, true));
    world.start(HOME);
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| standing(world, moved) == (3, 3, false)));
    all_agree(&mut world);
}

#[test]
fn copies_that_nobody_can_have_are_waited_for_without_new_epochs() {
    // Two candidates that take over from each other for as long as the third copy is away would fill
    // the register, a seal for each group each minute, and help nobody.
    let mut world = all_of_three(QuorumLoss::Block);
    let kept = done(&mut world, NEAR);
    world.kill(HOME);
    world.run_for(300 * SECOND);
    let state = world.node(NEAR).unwrap().register().group(G0).unwrap();
    assert!(matches!(state.phase, Phase::Sealing { .. }), "promised, and not open");
    assert_eq!(state.issued.0, state.epoch.0 + 1, "one candidate has been enough");
    world.start(HOME);
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| home(world).is_some()));
    let now_home = home(&world).unwrap();
    assert!(matches!(outcome(&mut world, now_home, &kept), Reply::Done { repeated: true, .. }));
    all_agree(&mut world);
}

#[test]
fn a_member_that_lags_is_not_made_to_count() {
    // A commit would wait for the copy of all that it lacks: a restore that stops the group.
    let mut world = all_of_three(QuorumLoss::Degrade);
    world.isolate(FAR);
    for _ in 0..3 {
        done(&mut world, HOME);
    }
    assert_eq!(standing(&world, HOME), (2, 2, true));
    // Its pulses arrive, so it counts as alive; records do not.
    world.heal();
    world.cut(HOME, FAR);
    let opened = world.report().opened;
    world.run_for(15 * SECOND);
    assert_eq!(standing(&world, HOME), (2, 2, true));
    assert_eq!(world.report().opened, opened, "nor is that tried, at the price of an outage");
    done(&mut world, NEAR);
    all_agree(&mut world);
}

#[test]
fn s27_the_last_replica_standing_is_waited_for_until_someone_gives_it_up() {
    // KIP-966: after going on alone, the survivor dies and the other comes back with an old copy. It
    // must not lead by itself: it would bring back the dead past.
    let mut world = two_and_a_vote();
    done(&mut world, FIRST);
    world.kill(SECOND_ONE);
    let (waits, request) = ask(&mut world, FIRST);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    world.reconfigure(VOTER, vec![G0], SealKind::Degrade);
    assert!(matches!(outcome(&mut world, FIRST, &waits), Reply::Done { .. }));
    assert_eq!(standing(&world, FIRST), (1, 1, true));
    let status = group(&world, FIRST).status(world.clocks(FIRST));
    assert!(status.degraded_from.is_some() && status.home_loss_loses, "the alarm stands");
    let alone = world.command(G0, 5, 600 * SECOND);
    assert!(matches!(outcome(&mut world, FIRST, &alone), Reply::Done { .. }));

    world.kill(FIRST);
    world.start(SECOND_ONE);
    world.run_for(60 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None, "nobody leads");
    let (phase, epoch) = registered(&world, SECOND_ONE);
    assert_eq!(phase, Phase::Active);
    order(&mut world, SECOND_ONE, SECOND_ONE, SealKind::Unplanned);
    world.run_for(10 * SECOND);
    assert_eq!((home(&world), registered(&world, SECOND_ONE)), (None, (Phase::Active, epoch)));
    let (_, request) = ask(&mut world, SECOND_ONE);
    let told = reply(&mut world, request);
    assert!(matches!(told, Reply::Busy { .. } | Reply::Unknown(_)), "{told:?}");

    // By force, and with its loss on record.
    order(&mut world, SECOND_ONE, SECOND_ONE, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(SECOND_ONE)));
    let state = world.node(SECOND_ONE).unwrap().register().group(G0).unwrap().clone();
    assert!(state.history.last().unwrap().forced);
    assert_eq!(standing(&world, SECOND_ONE), (2, 2, false));
    world.start(FIRST);
    let told = outcome(&mut world, SECOND_ONE, &alone);
    assert!(matches!(told, Reply::Done { repeated: false, .. }), "{told:?}");
    world.run_for(5 * SECOND);
    sound(&world);
    let orphans = group(&world, FIRST).orphans().to_vec();
    assert!(orphans.iter().any(|run| run.reason == OrphanReason::Forced), "{orphans:?}");
}

#[test]
fn s27_if_the_survivor_comes_back_it_leads_and_nothing_is_lost() {
    // The same, but nobody loses patience.
    let mut world = two_and_a_vote();
    world.kill(SECOND_ONE);
    world.run_for(3 * SECOND);
    world.reconfigure(VOTER, vec![G0], SealKind::Degrade);
    let alone = done(&mut world, FIRST);
    world.kill(FIRST);
    world.start(SECOND_ONE);
    world.run_for(20 * SECOND);
    assert_eq!(home(&world), None);
    world.start(FIRST);
    assert!(matches!(outcome(&mut world, SECOND_ONE, &alone), Reply::Done { repeated: true, .. }));
    world.run_for(3 * SECOND);
    world.reconfigure(SECOND_ONE, vec![G0], SealKind::Restore);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| standing(world, FIRST) == (2, 2, false)));
    done(&mut world, SECOND_ONE);
    world.run_for(500 * MILLI);
    sound(&world);
    assert_eq!(group(&world, SECOND_ONE).trail(), group(&world, FIRST).trail());
}

#[test]
fn force_goes_back_to_all_members_with_the_copies_that_there_are() {
    // What was committed on one disk by the terms is on two when operators give the group to a node that was
    // left out: nobody counts it again by the number that is wanted from there on.
    let mut world = all_of_three(QuorumLoss::Degrade);
    done(&mut world, HOME);
    world.kill(NEAR);
    let kept = done(&mut world, HOME);
    world.start(NEAR);
    world.run_for(SECOND);
    world.kill(FAR);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| standing(world, HOME) == (1, 1, true)));
    let more = done(&mut world, HOME);
    world.run_for(2 * SECOND);
    order(&mut world, HOME, NEAR, SealKind::Forced);
    // Commands go on, so that the new home has not heard of the last commit when it opens.
    for _ in 0..40 {
        ask(&mut world, HOME);
        world.run_for(2 * MILLI);
    }
    assert_eq!(until_moved(&mut world, HOME), NEAR);
    assert_eq!(standing(&world, NEAR), (3, 3, false));
    world.start(FAR);
    for ask in [&kept, &more] {
        assert!(matches!(outcome(&mut world, NEAR, ask), Reply::Done { repeated: true, .. }));
    }
    all_agree(&mut world);
}
