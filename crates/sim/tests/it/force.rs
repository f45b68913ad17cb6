//! What is left of the register when its majority is lost for good, and who comes back afterwards.

use register::{Gone, SealKind};
use sim::{Knobs, SECOND, World, id};
use types::{Epoch, Seq};
use wire::{OrphanReason, Reply};

use crate::members::{ids, members, named, replaced, until_whole, votes};
use crate::tale::*;

/// The people at a survivor do what is to be done until group 0 is served there, alone.
pub(crate) fn serves_alone(world: &mut World, survivor: usize) {
    world.recover_register(survivor, &[survivor]);
    world.run_for(SECOND);
    assert_eq!(votes(world, survivor), ids(&[survivor]));
    order(world, survivor, survivor, SealKind::Forced);
    world.run_for(4 * SECOND);
    assert_eq!(home(world), Some(survivor));
    world.reconfigure(survivor, vec![G0], SealKind::Degrade);
    done(world, survivor);
}

#[test]
fn a_and_t_lost_b_begins_the_register_anew_and_the_history_says_so() {
    // The last row of PROTOCOL 7.4b with nobody coming back: without this, B's payments could never go on.
    let mut world = serving_with(Knobs::quiet(1).with_witness(), 1);
    let (a, b, t) = (HOME, NEAR, FAR);
    let kept = done(&mut world, a);
    world.run_for(SECOND);
    world.isolate(b);
    let lost = done(&mut world, a);
    world.kill(a);
    world.kill(t);
    world.heal();
    world.run_for(20 * SECOND);
    assert_eq!(home(&world), None);
    order(&mut world, b, b, SealKind::Forced);
    world.run_for(5 * SECOND);
    assert_eq!(home(&world), None, "without a register not even by force");

    world.recover_register(b, &[b]);
    world.run_for(SECOND);
    assert_eq!(votes(&world, b), ids(&[b]));
    order(&mut world, b, b, SealKind::Forced);
    world.run_for(5 * SECOND);
    world.reconfigure(b, vec![G0], SealKind::Degrade);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(b)));
    assert!(matches!(outcome(&mut world, b, &kept), Reply::Done { repeated: true, .. }));
    assert_eq!(group(&world, b).answer(lost.command.id, lost.command.digest), None);
    done(&mut world, b);
    let status = group(&world, b).status(world.clocks(b));
    assert!(status.home_loss_loses && status.degraded_from.is_some(), "the alarm stands");

    // Two new machines, and all is as it was to be, in all but the names.
    let (new_a, new_t) = (replaced(&mut world, b, a), replaced(&mut world, b, t));
    until_whole(&mut world);
    assert_eq!(votes(&world, new_t), named(&world, &[b, new_a, new_t]));
    assert_eq!(members(&world, b), named(&world, &[new_a, b, new_t]));
    assert!(group(&world, new_t).is_witness());
    done(&mut world, new_a);
    world.run_for(2 * SECOND);
    let roster = world.node(new_a).unwrap().register().state().roster().clone();
    assert!(roster.generations()[0].forced, "the history says so for ever");
    assert_eq!(roster.generations()[0].actor, "two operators");
    let forced = group(&world, new_a).table().starts().iter().filter(|start| start.forced).count();
    assert_eq!(forced, 1);
    assert!(group(&world, new_a).table().epoch() > Epoch(1_000_000_000), "numbers of its own");
    sound(&world);
}

#[test]
fn who_was_given_up_and_returns_counts_for_nothing_and_itemises_what_it_had() {
    // Both regions thought burned come back, with all they had: two majorities of one register.
    let mut world = serving(1);
    world.run_for(SECOND);
    world.isolate(FAR);
    let lost = done(&mut world, HOME);
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(4 * SECOND);
    world.recover_register(FAR, &[FAR]);
    world.run_for(SECOND);
    order(&mut world, FAR, FAR, SealKind::Forced);
    world.run_for(4 * SECOND);
    world.reconfigure(FAR, vec![G0], SealKind::Degrade);
    done(&mut world, FAR);
    let epoch = group(&world, FAR).table().epoch();
    world.start(HOME);
    world.start(NEAR);
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), Some(FAR), "nobody takes anything over");
    for old in [HOME, NEAR] {
        let node = world.node(old).unwrap();
        assert!(!node.register().generation().1, "no vote");
        assert_eq!(node.register().state().roster().gone(id(old)), Some(Gone::Lost));
    }
    let orphans = group(&world, HOME).orphans().to_vec();
    assert!(orphans.iter().any(|run| run.reason == OrphanReason::Forced), "{orphans:?}");
    assert!(matches!(outcome(&mut world, FAR, &lost), Reply::Done { repeated: false, .. }));
    // With the survivor away they could outvote it, and do nothing.
    world.kill(FAR);
    world.run_for(20 * SECOND);
    assert_eq!(home(&world), None);
    order(&mut world, HOME, HOME, SealKind::Forced);
    world.run_for(5 * SECOND);
    assert_eq!(home(&world), None);
    assert!(
        group(&world, HOME).table().epoch() >= epoch || group(&world, HOME).promised() > Epoch(0)
    );
    world.start(FAR);
    world.run_for(10 * SECOND);
    done(&mut world, FAR);
    sound(&world);
}

#[test]
fn nobody_who_lives_is_given_up_and_no_majority_is() {
    // An operator who sees two regions down from a machine whose own link is cut would split the world.
    let mut world = serving(1);
    world.recover_register(FAR, &[FAR]);
    world.run_for(SECOND);
    world.kill(HOME);
    world.run_for(4 * SECOND);
    world.recover_register(FAR, &[FAR]);
    world.run_for(SECOND);
    assert_eq!(world.report().orders, [0, 2]);
    assert_eq!(votes(&world, FAR), ids(&[HOME, NEAR, FAR]));
    all_agree(&mut world);
}

#[test]
fn nobody_is_given_up_of_whom_people_do_not_say_that_it_is_stopped() {
    // Two that run on somewhere acknowledge payments that are in no history.
    let mut world = serving(1);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    world.recover_saying(FAR, &[FAR], &[HOME]);
    world.recover_saying(FAR, &[FAR], &[HOME, NEAR, FAR]);
    world.run_for(SECOND);
    assert_eq!(world.report().orders, [0, 2]);
    assert_eq!(votes(&world, FAR), ids(&[HOME, NEAR, FAR]));
    world.recover_saying(FAR, &[FAR], &[HOME, NEAR]);
    world.run_for(SECOND);
    assert_eq!(votes(&world, FAR), ids(&[FAR]));
}

#[test]
fn epochs_that_only_the_lost_knew_are_set_aside_and_their_numbers_are_not_used_again() {
    // The home has moved twice while the survivor was cut off. With the next number given out again, the
    // records of two homes would have one epoch, and nobody could tell which are history.
    let mut world = serving(1);
    let kept = done(&mut world, HOME);
    world.run_for(SECOND);
    world.isolate(FAR);
    order(&mut world, HOME, NEAR, SealKind::Planned);
    until_moved(&mut world, HOME);
    let lost = done(&mut world, NEAR);
    order(&mut world, NEAR, HOME, SealKind::Planned);
    until_moved(&mut world, NEAR);
    done(&mut world, HOME);
    let used = group(&world, HOME).table().epoch();
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(4 * SECOND);
    serves_alone(&mut world, FAR);
    assert!(
        group(&world, FAR)
            .table()
            .starts()
            .iter()
            .all(|start| start.epoch.0 <= 1 || start.epoch.0 > used.0 + 1_000_000_000)
    );

    world.start(HOME);
    world.start(NEAR);
    world.run_for(20 * SECOND);
    sound(&world);
    for old in [HOME, NEAR] {
        let runs = group(&world, old).orphans().to_vec();
        let epochs: Vec<Epoch> = runs.iter().map(|run| run.epoch).collect();
        assert!(epochs.contains(&Epoch(2)) && epochs.contains(&used), "{runs:?}");
        assert!(runs.iter().all(|run| run.reason == OrphanReason::Forced), "{runs:?}");
    }
    assert!(matches!(outcome(&mut world, FAR, &kept), Reply::Done { repeated: true, .. }));
    assert!(matches!(outcome(&mut world, FAR, &lost), Reply::Done { repeated: false, .. }));
    sound(&world);
}

#[test]
fn two_that_were_given_up_and_start_together_serve_until_they_hear_and_no_longer() {
    // This is the price of force, and why people must say that the others are stopped: cut off from the
    // survivor, two of three are a majority of what they know. Once they hear of it they stop, and
    // itemise all that they acknowledged.
    let mut world = serving(1);
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    serves_alone(&mut world, FAR);
    world.isolate(FAR);
    world.start(HOME);
    world.start(NEAR);
    world.run_for(10 * SECOND);
    let at = [HOME, NEAR].into_iter().find(|old| group(&world, *old).home_epoch().is_some());
    let at = at.expect("they serve, and know no better");
    let told = done(&mut world, at);
    world.heal();
    world.run_for(20 * SECOND);
    sound(&world);
    for old in [HOME, NEAR] {
        assert_eq!(group(&world, old).home_epoch(), None);
        assert!(!world.node(old).unwrap().register().generation().1, "no vote");
    }
    let runs = group(&world, at).orphans().to_vec();
    assert!(runs.iter().any(|run| run.reason == OrphanReason::Forced), "{runs:?}");
    assert!(matches!(outcome(&mut world, FAR, &told), Reply::Done { repeated: false, .. }));
    sound(&world);
}

#[test]
fn who_was_given_up_is_no_copy_though_it_is_there() {
    // A given-up disk that is found and started by mistake would count as the second copy until it is
    // taken away again. And a group would wait for it instead of going on with fewer copies.
    let mut world = serving(1);
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    world.recover_register(FAR, &[FAR]);
    world.run_for(SECOND);
    order(&mut world, FAR, FAR, SealKind::Forced);
    world.run_for(4 * SECOND);
    assert_eq!(home(&world), Some(FAR));
    world.start(HOME);
    world.run_for(5 * SECOND);
    let (_, request) = ask(&mut world, FAR);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)), "there is one copy");
    assert!(group(&world, HOME).tail().seq >= group(&world, FAR).commit(), "it follows");
    world.reconfigure(FAR, vec![G0], SealKind::Degrade);
    world.run_for(2 * SECOND);
    assert!(group(&world, FAR).status(world.clocks(FAR)).degraded_from.is_some());
    done(&mut world, FAR);

    // Nor is it when others have the places, though it holds all that they hold.
    let (one, two) = (replaced(&mut world, FAR, HOME), replaced(&mut world, FAR, NEAR));
    until_whole(&mut world);
    done(&mut world, one);
    let roster = world.node(two).unwrap().register().state().roster().clone();
    assert!(roster.was_given_up(id(HOME)) && roster.was_given_up(id(NEAR)));
    sound(&world);
}

#[test]
fn a_newcomer_gets_what_was_written_before_the_loss_from_the_survivor_alone() {
    // The survivor has records of an epoch of which its register had not heard when the others were lost.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.run_for(SECOND);
    world.silence_register(4 * SECOND);
    done(&mut world, HOME);
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    serves_alone(&mut world, FAR);
    let (one, two) = (replaced(&mut world, FAR, HOME), replaced(&mut world, FAR, NEAR));
    until_whole(&mut world);
    world.run_for(2 * SECOND);
    done(&mut world, one);
    let until = world.now() + 10 * SECOND;
    let is_same = |world: &World| group(world, two).trail() == group(world, FAR).trail();
    assert!(world.run_until(until, is_same), "it has applied the same");
    sound(&world);
}

/// Two full regions and a witness, with a save point every ten records and commands.
fn saving() -> World {
    let knobs = Knobs { snapshot_work: 10, trim: true, ..Knobs::quiet(1).with_witness() };
    let mut world = serving_with(knobs, 1);
    do_many(&mut world, HOME, 30);
    world
}

fn do_many(world: &mut World, host: usize, count: usize) {
    for _ in 0..count {
        done(world, host);
    }
    world.run_for(2 * SECOND);
    sound(world);
}

#[test]
fn a_new_witness_is_given_the_records_that_only_the_survivor_has() {
    // The survivor forgot for whose sake it kept records when it was left alone: the new witness could be told
    // nothing, and the group had one copy for ever.
    let mut world = saving();
    let base = group(&world, NEAR).base();
    assert!(base > Seq(10));
    world.kill(HOME);
    world.kill(FAR);
    world.run_for(4 * SECOND);
    serves_alone(&mut world, NEAR);
    do_many(&mut world, NEAR, 40);
    world.kill(NEAR);
    world.start(NEAR);
    world.run_for(6 * SECOND);
    assert_eq!(group(&world, NEAR).base(), base);
    let (full, witness) = (replaced(&mut world, NEAR, HOME), replaced(&mut world, NEAR, FAR));
    until_whole(&mut world);
    assert_eq!(members(&world, NEAR), named(&world, &[full, NEAR, witness]));
    assert!(group(&world, witness).is_witness());
    done(&mut world, full);
}

#[test]
fn a_new_witness_begins_where_the_survivor_does_that_came_by_a_snapshot() {
    // Nobody has the records of before it any more, and no base can be agreed on with those that are gone.
    let mut world = saving();
    world.retire(NEAR);
    let new = replaced(&mut world, HOME, NEAR);
    until_whole(&mut world);
    let begins = group(&world, new).chain().base().seq;
    assert!(begins > Seq(10));
    assert_eq!(group(&world, new).base(), Seq(0), "it has heard of none since");
    world.kill(HOME);
    world.kill(FAR);
    world.run_for(4 * SECOND);
    serves_alone(&mut world, new);
    let (full, witness) = (replaced(&mut world, new, HOME), replaced(&mut world, new, FAR));
    until_whole(&mut world);
    assert_eq!(members(&world, new), named(&world, &[full, new, witness]));
    assert_eq!(group(&world, witness).chain().base().seq, begins);
    do_many(&mut world, full, 30);
    assert!(group(&world, witness).base() > begins, "and from here on it moves as ever");
}

#[test]
fn what_those_order_who_were_given_up_is_not_done_and_is_ordered_again() {
    // An operator at a machine that was found, and has not heard: the new machine stands in no history. The
    // simulator's own operators went by it and waited for ever.
    let mut world = serving(1);
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    serves_alone(&mut world, FAR);
    world.kill(FAR);
    world.start(HOME);
    world.start(NEAR);
    let one = world.join(Some(NEAR));
    world.run_for(4 * SECOND);
    world.admit(HOME, one, Some(NEAR));
    world.run_for(SECOND);
    let knows = |world: &World, host: usize| {
        let node = world.node(host);
        node.is_some_and(|node| node.register().state().roster().is_known(world.id_of(one)))
    };
    assert!(knows(&world, HOME), "they are a majority of what they know");
    assert!(!world.roster().is_some_and(|roster| roster.is_known(world.id_of(one))));
    // All of them, and whom they have admitted, hear of it and set that aside.
    world.start(FAR);
    world.run_for(20 * SECOND);
    sound(&world);
    for host in [HOME, NEAR, FAR, one] {
        assert!(!knows(&world, host), "n{} has heard", host + 1);
    }
    world.retire(one);
    let new = [replaced(&mut world, FAR, HOME), replaced(&mut world, FAR, NEAR)];
    until_whole(&mut world);
    assert_eq!(members(&world, FAR), named(&world, &[new[0], new[1], FAR]));
    done(&mut world, new[0]);
}

#[test]
fn who_was_given_up_may_hear_of_it_before_it_hears_where_its_records_part() {
    // It follows the register again and shows what it counted as committed before, until a home tells it the
    // new history. The check took that for a commit without a home.
    let mut world = serving(1);
    world.run_for(SECOND);
    world.kill(HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    world.recover_register(FAR, &[FAR]);
    world.run_for(SECOND);
    world.isolate(FAR);
    world.start(HOME);
    world.start(NEAR);
    world.run_for(10 * SECOND);
    let at = home(&world).expect("they serve, and know no better");
    let told = done(&mut world, at);
    world.heal();
    world.run_for(20 * SECOND);
    for old in [HOME, NEAR] {
        world.kill(old);
        world.start(old);
        world.run_for(2 * SECOND);
        sound(&world);
        assert!(!world.node(old).unwrap().register().generation().1, "no vote");
        assert!(group(&world, old).table().epoch() < Epoch(1_000_000_000), "nobody leads it yet");
    }
    order(&mut world, FAR, FAR, SealKind::Forced);
    world.run_for(4 * SECOND);
    world.reconfigure(FAR, vec![G0], SealKind::Degrade);
    assert!(matches!(outcome(&mut world, FAR, &told), Reply::Done { repeated: false, .. }));
}
