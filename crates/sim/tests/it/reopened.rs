//! Channels that force has frozen, opened again by command: books add up again, and payments flow.

use channel::Plan;
use register::SealKind;
use sim::app::{Between, End};
use sim::{App, Knobs, REOPENED, SECOND, World};
use types::GroupId;
use wire::Reply;

use crate::tale::*;

/// The payer's group, at home on host 0, and the payee's, at home on host 1.
const PAYER: GroupId = G0;
const PAYEE: GroupId = GroupId(1);

fn of(world: &World, host: usize, group: GroupId) -> &group::Group<App> {
    world.node(host).unwrap().group(group).unwrap()
}

fn between(world: &World, host: usize, group: GroupId) -> Between {
    of(world, host, group).model().between()
}

/// Sends a move to the payee's group, without waiting for anything.
fn pay(world: &mut World, host: usize, amount: u32) {
    let (ask, _) = world.across(PAYER, PAYEE, amount);
    world.ask(host, &ask, 2 * SECOND);
}

/// A payer's group that has lost a debit of 5 by force, whose credit stands, and was found out by the next move, of 6.
fn payer_lost(seed: u64) -> World {
    let knobs = Knobs { nodes: 5, copies: 2, ..Knobs::quiet(2) };
    let mut world = serving_with(knobs, seed);
    // The payer's home commits with the payee's home alone, and that one with the others.
    for host in 2..5 {
        world.part(HOME, host);
    }
    world.run_for(SECOND / 10);
    pay(&mut world, HOME, 5);
    world.run_for(SECOND / 3);
    assert_eq!(between(&world, FAR, PAYEE).received.len(), 1, "it was credited");
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(10 * SECOND);
    force(&mut world, FAR);
    pay(&mut world, FAR, 6);
    world.run_for(5 * SECOND);
    world
}

/// Has the survivors go on, one of them as the home of both, whatever is lost.
fn force(world: &mut World, to: usize) {
    world.order(to, vec![PAYER, PAYEE], sim::id(to), SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    let opened = world.run_until(until, |world| {
        [PAYER, PAYEE].iter().all(|group| of(world, to, *group).home_epoch().is_some())
    });
    assert!(opened, "force opens both groups");
    world.run_for(SECOND);
}

fn look(world: &World) -> Option<Plan> {
    world.reopening(FAR, PAYER, PAYEE)
}

/// Has a group do its half. What it says.
fn order(world: &mut World, group: GroupId, plan: &Plan) -> Vec<u8> {
    order_at(world, FAR, group, plan)
}

fn order_at(world: &mut World, host: usize, group: GroupId, plan: &Plan) -> Vec<u8> {
    let ask = world.reopen(group, plan);
    let request = world.ask(host, &ask, 5 * SECOND);
    let Reply::Done { outcome, .. } = reply(world, request) else { panic!("it is done") };
    // Whoever asks again is told the same, and nothing is done twice.
    let request = world.ask(host, &ask, 5 * SECOND);
    let Reply::Done { outcome: again, repeated, .. } = reply(world, request) else { panic!() };
    assert_eq!((&again, repeated), (&outcome, true));
    outcome.to_vec()
}

/// Both sides hold the same, nothing waits, and nothing is frozen.
#[track_caller]
fn is_even(world: &World, host: usize) {
    let (payer, payee) = (between(world, host, PAYER), between(world, host, PAYEE));
    let settled = payer.sent.iter().filter(|(_, sent)| sent.end == End::Settled);
    let settled: Vec<_> = settled.map(|((_, key), sent)| (*key, sent.amount)).collect();
    let received = payee.received.iter().map(|((_, key), amount)| (*key, *amount));
    assert_eq!(settled, received.collect::<Vec<_>>(), "what is settled there was credited here");
    assert!(payer.sent.values().all(|sent| sent.end != End::Pending), "nothing waits");
    let (payer, payee) = (of(world, host, PAYER).channels(), of(world, host, PAYEE).channels());
    assert_eq!(payer.cases().count() + payee.cases().count() + payer.opening().count(), 0);
}

#[test]
fn s18_a_channel_that_a_lost_debit_froze_is_opened_again_and_payments_flow() {
    // What waits would wait for ever, and every payment between the two ledgers be refused; or the credit without a
    // debit would be forgotten.
    for first in [PAYER, PAYEE] {
        let mut world = payer_lost(1);
        let plan = look(&world).expect("it is frozen");
        assert_eq!((plan.lost_by_sender.len(), plan.lost_by_receiver.len()), (1, 0));
        let second = if first == PAYER { PAYEE } else { PAYER };
        assert_eq!(order(&mut world, first, &plan), REOPENED);
        world.run_for(3 * SECOND);
        assert_eq!(between(&world, FAR, PAYEE).received.len(), 1, "half open is closed");
        pay(&mut world, FAR, 8);
        world.run_for(SECOND);
        let reversed = between(&world, FAR, PAYER).sent;
        let reversed = reversed.values().filter(|sent| sent.end == End::Reversed).count();
        assert_eq!(reversed, 1, "and refuses at once");
        assert_eq!(order(&mut world, second, &plan), REOPENED);
        assert_ne!(order(&mut world, second, &plan), REOPENED, "a second order does nothing");
        world.run_for(5 * SECOND);
        pay(&mut world, FAR, 9);
        world.run_for(5 * SECOND);
        sound(&world);
        is_even(&world, FAR);
        assert_eq!(between(&world, FAR, PAYEE).received.values().sum::<u128>(), 5 + 6 + 9);
        assert_eq!(look(&world), None);
    }
}

#[test]
fn s18_a_payee_that_lost_what_was_settled_gets_it_accounted_for() {
    // The payer has paid, the payee has nothing, and nobody's books would say so.
    let knobs = Knobs { nodes: 5, copies: 2, ..Knobs::quiet(2) };
    let mut world = serving_with(knobs, 1);
    for host in 2..5 {
        world.part(NEAR, host);
    }
    world.run_for(SECOND / 10);
    pay(&mut world, HOME, 5);
    let is_settled = |world: &World| {
        let sent = between(world, FAR, PAYER).sent;
        sent.values().any(|sent| sent.end == End::Settled)
    };
    let until = world.now() + SECOND;
    assert!(world.run_until(until, is_settled), "the others have it from the payer's home");
    assert_eq!(between(&world, FAR, PAYEE).received.len(), 0, "and not what the payee's has done");
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(10 * SECOND);
    force(&mut world, FAR);
    assert_eq!(between(&world, FAR, PAYEE).received.len(), 0, "the credit is lost");
    pay(&mut world, FAR, 6);
    world.run_for(5 * SECOND);
    let plan = look(&world).expect("it is frozen");
    assert_eq!((plan.lost_by_sender.len(), plan.lost_by_receiver.len()), (0, 1));
    for group in [PAYEE, PAYER] {
        assert_eq!(order(&mut world, group, &plan), REOPENED);
    }
    world.run_for(5 * SECOND);
    sound(&world);
    is_even(&world, FAR);
    assert_eq!(between(&world, FAR, PAYEE).received.values().sum::<u128>(), 5 + 6);
}

#[test]
fn s18_a_half_that_force_takes_back_is_done_again_by_the_next_order() {
    // One end would go on from where the other never was, for ever; or what was accounted for would be accounted for twice.
    for lost in [PAYER, PAYEE] {
        let mut world = payer_lost(1);
        let kept = if lost == PAYER { PAYEE } else { PAYER };
        world.start(HOME);
        world.start(NEAR);
        world.run_for(10 * SECOND);
        let plan = look(&world).expect("it is frozen");
        assert_eq!(order(&mut world, kept, &plan), REOPENED);
        world.run_for(2 * SECOND);
        // The other half is in two copies, and both are lost.
        let (last, next) = (3, 4);
        for host in [HOME, NEAR, next] {
            world.part(FAR, host);
            world.part(last, host);
        }
        world.run_for(SECOND / 10);
        let ask = world.reopen(lost, &plan);
        let request = world.ask(FAR, &ask, 5 * SECOND);
        let Reply::Done { outcome, .. } = reply(&mut world, request) else { panic!("it is done") };
        assert_eq!(outcome, REOPENED);
        world.kill(FAR);
        world.kill(last);
        world.heal();
        world.run_for(10 * SECOND);
        force(&mut world, next);
        let count = |world: &World| {
            let halves = [
                of(world, next, PAYER).channels().outbox(PAYEE).and_then(|end| end.restart()),
                of(world, next, PAYEE).channels().inbox(PAYER).and_then(|end| end.restart()),
            ];
            halves.map(|half| half.is_some())
        };
        assert_eq!(count(&world), [lost != PAYER, lost != PAYEE], "one half is lost");
        let node = world.node(next).unwrap();
        let plan = world.reopening(next, PAYER, PAYEE).expect("it is not whole");
        assert_eq!(node.half_open().map(|(from, to, _)| (from, to)).next(), Some((PAYER, PAYEE)));
        for group in [PAYEE, PAYER] {
            assert_eq!(order_at(&mut world, next, group, &plan), REOPENED);
        }
        world.run_for(5 * SECOND);
        pay(&mut world, next, 9);
        world.run_for(5 * SECOND);
        sound(&world);
        is_even(&world, next);
        assert_eq!(between(&world, next, PAYEE).received.values().sum::<u128>(), 5 + 6 + 9);
        assert_eq!(world.node(next).unwrap().half_open().count(), 0);
    }
}

#[test]
fn a_half_that_comes_too_early_by_its_homes_clock_is_done_when_it_is_ordered_again() {
    // Under the id of the first order the refusal would stand for ever; and done at once, a cut would show what was
    // accounted for without what it rests on (N6).
    let mut world = payer_lost(1);
    let behind = 3;
    world.order(FAR, vec![PAYEE], sim::id(behind), SealKind::Planned);
    let until = world.now() + 20 * SECOND;
    let moved = |world: &World| of(world, behind, PAYEE).home_epoch().is_some();
    assert!(world.run_until(until, moved), "the payee's home moves");
    world.jump(behind, -900_000);
    pay(&mut world, FAR, 1);
    world.run_for(SECOND / 3);
    let plan = look(&world).expect("it is frozen");
    let early = order_at(&mut world, behind, PAYEE, &plan);
    assert_eq!(early, model::RebaseRefusal::Early.to_string().into_bytes());
    world.run_for(2 * SECOND);
    assert_eq!(order_at(&mut world, behind, PAYEE, &plan), REOPENED);
    assert_eq!(order(&mut world, PAYER, &plan), REOPENED);
    world.run_for(5 * SECOND);
    sound(&world);
    is_even(&world, FAR);
}
