//! Money between groups: settled or reversed, never both, whatever fails in between.

use register::SealKind;
use sim::app::{Between, End};
use sim::{App, Knobs, MILLI, NetKnobs, SECOND, World};
use types::GroupId;
use wire::{Cause, Reply};

use crate::tale::*;

/// The payer's group, at home on host 0, and the payee's, at home on host 1.
const PAYER: GroupId = G0;
const PAYEE: GroupId = GroupId(1);

fn between(world: &World, host: usize, group: GroupId) -> Between {
    world.node(host).unwrap().group(group).unwrap().model().between()
}

fn of(world: &World, host: usize, group: GroupId) -> &group::Group<App> {
    world.node(host).unwrap().group(group).unwrap()
}

/// What became of the moves that the payer's group sent, as `host` has applied them: settled, reversed,
/// pending.
fn ends(world: &World, host: usize) -> [usize; 3] {
    let between = between(world, host, PAYER);
    let count = |end| between.sent.values().filter(|sent| sent.end == end).count();
    [count(End::Settled), count(End::Reversed), count(End::Pending)]
}

/// Sends a move to the payee's group, without waiting for anything.
fn pay(world: &mut World, host: usize, amount: u32) -> u64 {
    let (ask, number) = world.across(PAYER, PAYEE, amount);
    world.ask(host, &ask, 2 * SECOND);
    number
}

/// Mends and starts everything, and waits until no move is in flight and all replicas of both groups agree.
fn all_ended(world: &mut World) {
    world.heal();
    world.mend_hosts();
    for host in 0..world.count() {
        world.start(host);
    }
    let until = world.now() + 40 * SECOND;
    let ended = world.run_until(until, |world| {
        let nodes: Vec<_> = (0..world.count()).filter_map(|host| world.node(host)).collect();
        let groups = |id| nodes.iter().filter_map(move |node| node.group(id));
        let agree = [PAYER, PAYEE].iter().all(|id| {
            let trail = groups(*id).next().map(group::Group::trail);
            groups(*id).all(|group| group.applied() == group.tail().seq && group.applied().0 > 0)
                && groups(*id).all(|group| Some(group.trail()) == trail)
                && groups(*id).any(|group| group.home_epoch().is_some())
        });
        nodes.len() == world.count() && agree && world.is_all_answered()
    });
    sound(world);
    assert!(ended, "everything in flight ends: {:?}", ends(world, HOME));
    world.last_look();
    sound(world);
}

#[test]
fn s17_a_message_that_overtakes_others_waits_and_none_is_lost() {
    // pulsar#26113: n failed, n+1 arrived, n came again and was dropped as a duplicate.
    let quiet = Knobs::quiet(2);
    let net =
        NetKnobs { reorder_ppm: 400_000, loss_ppm: 30_000, delay_us_max: 60 * MILLI, ..quiet.net };
    let mut world = serving_with(Knobs { net, ..quiet }, 1);
    for amount in 1..=40 {
        pay(&mut world, HOME, amount);
        world.run_for(3 * MILLI);
    }
    all_ended(&mut world);
    // One amount in seven is refused.
    assert_eq!(ends(&world, FAR), [35, 5, 0]);
    assert_eq!(of(&world, FAR, PAYEE).channels().inbox(PAYER).unwrap().last(), 40);
}

#[test]
fn s18_what_is_not_committed_does_not_leave_the_group() {
    // A credit whose debit is lost with a region is money made from nothing.
    let mut world = serving_with(Knobs { nodes: 5, copies: 3, ..Knobs::quiet(2) }, 1);
    for host in 2..5 {
        world.part(HOME, host);
    }
    world.run_for(100 * MILLI);
    pay(&mut world, HOME, 5);
    world.run_for(SECOND);
    let home = of(&world, HOME, PAYER);
    assert!(home.tail().seq > home.commit(), "it is on two disks of three");
    assert!(home.tail().seq == home.durable());
    assert!(
        between(&world, NEAR, PAYEE).received.is_empty(),
        "and the payee's home has not heard of it"
    );
    all_ended(&mut world);
    assert_eq!(ends(&world, FAR), [1, 0, 0]);
}

#[test]
fn s18_a_payer_that_lost_what_was_credited_finds_the_channel_frozen() {
    // By force the debit is gone; the credit stands. The next message would hide that for ever.
    let mut world = serving_with(Knobs { nodes: 5, copies: 2, ..Knobs::quiet(2) }, 1);
    // The payer's home commits with the payee's home alone, and that one with the others.
    for host in 2..5 {
        world.part(HOME, host);
    }
    world.run_for(100 * MILLI);
    pay(&mut world, HOME, 5);
    world.run_for(300 * MILLI);
    assert_eq!(between(&world, FAR, PAYEE).received.len(), 1, "it was credited");
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(10 * SECOND);
    world.order(FAR, vec![PAYER, PAYEE], sim::id(FAR), SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    let opened = world.run_until(until, |world| {
        [PAYER, PAYEE].iter().all(|group| of(world, FAR, *group).home_epoch().is_some())
    });
    assert!(opened, "force opens both groups");
    world.run_for(SECOND);
    assert_eq!(ends(&world, FAR), [0, 0, 0], "the debit is lost");
    pay(&mut world, FAR, 6);
    world.run_for(5 * SECOND);
    sound(&world);
    let case = |group, sends, peer| {
        let cases: Vec<_> = of(&world, FAR, group).channels().cases().collect();
        assert_eq!(cases, [(peer, sends, Cause::Contradicted)]);
    };
    case(PAYEE, false, PAYER);
    case(PAYER, true, PAYEE);
    assert_eq!(between(&world, FAR, PAYEE).received.len(), 1, "nothing more is credited");
    assert_eq!(ends(&world, FAR), [0, 0, 1], "what waits stays as it is, for people to decide");
    // What comes now is refused at once, and the payer has it back.
    pay(&mut world, FAR, 8);
    world.run_for(SECOND);
    assert_eq!(ends(&world, FAR), [0, 1, 1]);
}

#[test]
fn s19_a_cancel_that_races_its_payment_has_one_outcome_on_both_sides() {
    // A cancel that both comes back and goes through pays twice; one that does neither loses the money.
    let mut seen = [0, 0];
    for wait in (0..120).step_by(4) {
        // A quarter of all frames is lost, so that now one and now the other is first.
        let quiet = Knobs::quiet(2);
        let net = NetKnobs { loss_ppm: 250_000, ..quiet.net };
        let mut world = serving_with(Knobs { net, ..quiet }, wait + 1);
        let number = pay(&mut world, HOME, 5);
        world.run_for(wait * MILLI);
        let cancel = world.cancel(PAYER, PAYEE, number);
        world.ask(HOME, &cancel, 2 * SECOND);
        let until = world.now() + 5 * SECOND;
        world.run_until(until, |world| ends(world, HOME).iter().sum::<usize>() == 1);
        all_ended(&mut world);
        let [settled, reversed, pending] = ends(&world, FAR);
        assert_eq!((settled + reversed, pending), (1, 0));
        assert_eq!(between(&world, FAR, PAYEE).received.len(), settled, "after {wait} ms");
        seen[0] += settled;
        seen[1] += reversed;
    }
    assert!(seen[0] > 3 && seen[1] > 3, "the race went either way: {seen:?}");
}

#[test]
fn a_home_that_dies_at_any_moment_of_a_payment_leaves_it_settled_or_reversed() {
    // Between the debit and the word of its credit lie two commits and two ways; a region may die in each.
    for victim in [HOME, NEAR] {
        for wait in (0..140).step_by(9) {
            let mut world = serving(2);
            for amount in 1..8 {
                pay(&mut world, FAR, amount);
            }
            world.run_for(wait * MILLI);
            world.kill(victim);
            world.run_for(4 * SECOND);
            all_ended(&mut world);
            let [settled, reversed, pending] = ends(&world, FAR);
            assert_eq!(pending, 0);
            assert_eq!(between(&world, FAR, PAYEE).received.len(), settled);
            // Whoever was told that it is done finds it settled; 7 was refused.
            assert!(settled <= 6 && reversed <= 1, "{settled} and {reversed} after {wait} ms");
        }
    }
}

#[test]
fn a_planned_switch_of_the_payee_delays_a_payment_by_round_trips_only() {
    // Were what is under way asked for again only after a time-out, every rehearsal would cost it.
    let mut world = serving(2);
    pay(&mut world, HOME, 5);
    world.run_for(5 * MILLI);
    world.order(FAR, vec![PAYEE], sim::id(FAR), SealKind::Planned);
    let began = world.now();
    let ended = world.run_until(began + 2 * SECOND, |world| ends(world, HOME) == [1, 0, 0]);
    assert!(ended, "{:?}", ends(&world, HOME));
    // 20 ms there and back: the switch, then the message, its commit, the answer and its commit.
    assert!(world.now() - began < 260 * MILLI, "{} µs", world.now() - began);
    all_ended(&mut world);
}

#[test]
fn no_time_that_passes_reverses_a_payment() {
    // A payer that gives up by the clock pays back what the payee has had for an hour.
    let mut world = serving(2);
    done_across(&mut world);
    // Two of three are gone in the middle of the next: the payer's debit may be on the way, nothing more.
    let (ask, _) = world.across(PAYER, PAYEE, 6);
    assert!(matches!(outcome(&mut world, HOME, &ask), Reply::Done { .. }));
    world.kill(NEAR);
    world.kill(FAR);
    world.run_for(600 * SECOND);
    let [settled, reversed, pending] = ends(&world, HOME);
    assert_eq!((settled + pending, reversed), (2, 0), "it waits, and says so");
    all_ended(&mut world);
    assert_eq!(ends(&world, FAR), [2, 0, 0]);
}

fn done_across(world: &mut World) {
    pay(world, HOME, 5);
    let until = world.now() + 2 * SECOND;
    assert!(world.run_until(until, |world| ends(world, HOME) == [1, 0, 0]));
}
