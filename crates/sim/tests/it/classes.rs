//! Data classes: who is told when, and what a lost home takes with it.

use register::SealKind;
use sim::{Ask, Knobs, MILLI, SECOND, World};
use types::{Class, RequestId, Terms};
use wire::{OrphanReason, Reply};

use crate::tale::*;

/// A cluster of three whose groups are of this class.
fn of_class(class: Class) -> World {
    let terms = Terms { class, ..Terms::default() };
    serving_with(Knobs { terms, ..Knobs::quiet(1) }, 1)
}

/// Asks for something new, to be told as soon as the class allows.
fn ask_early(world: &mut World, host: usize) -> (Ask, RequestId) {
    let ask = world.command(G0, 5, 600 * SECOND);
    let request = world.ask_early(host, &ask, 2 * SECOND);
    (ask, request)
}

#[test]
fn a_sync_journal_never_answers_before_its_commit() {
    // A client that says it can do with less must not be told of money that one disk holds.
    let mut world = of_class(Class::Sync);
    let (_, request) = ask_early(&mut world, FAR);
    assert!(matches!(reply(&mut world, request), Reply::Done { .. }));
    world.isolate(HOME);
    let (_, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    assert_eq!(group(&world, HOME).at_risk(world.clocks(HOME)).records, 0);
    assert!(group(&world, HOME).provisional().is_none(), "it costs nothing either");
}

#[test]
fn an_async_journal_answers_from_the_homes_disk_and_commits_after() {
    // Were it to wait for the copies, the class would be a name.
    let mut world = of_class(Class::Async);
    let begun = world.now();
    let (ask, request) = ask_early(&mut world, HOME);
    let until = begun + 10 * MILLI;
    assert!(world.run_until(until, |world| world.reply(request).is_some()), "copies take 20 ms");
    let Some(Reply::Provisional { at, outcome, .. }) = world.reply(request).cloned() else {
        panic!("{:?}", world.reply(request))
    };
    assert!(group(&world, HOME).commit() < at.seq && group(&world, HOME).applied() < at.seq);
    let risk = group(&world, HOME).at_risk(world.clocks(HOME));
    assert!(risk.records == 1 && risk.bytes > 0, "{risk:?}");
    let Reply::Done { seq, outcome: committed, .. } = outcome_of(&mut world, HOME, &ask) else {
        panic!("it commits")
    };
    assert_eq!((seq, committed), (at.seq, outcome));
    all_agree(&mut world);
    assert_eq!(group(&world, HOME).at_risk(world.clocks(HOME)).records, 0);
}

fn outcome_of(world: &mut World, host: usize, ask: &Ask) -> Reply {
    outcome(world, host, ask)
}

#[test]
fn a_call_to_an_async_journal_may_wait_for_the_commit() {
    // Among much that may be lost there is something that may not.
    let mut world = of_class(Class::Async);
    let (_, request) = ask(&mut world, FAR);
    assert!(matches!(reply(&mut world, request), Reply::Done { .. }));
    world.isolate(HOME);
    let (lonely, request) = ask(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    let early = world.ask_early(HOME, &lonely, SECOND);
    assert!(matches!(reply(&mut world, early), Reply::Provisional { repeated: true, .. }));
}

#[test]
fn s13_async_in_a_long_partition_w2_does_not_diverge_and_the_w1_suffix_is_itemised() {
    // Both sides take writes for 43 seconds. What the lonely side had answered must not vanish without
    // a word, and must not be in any state that others have seen.
    let mut world = of_class(Class::Async);
    world.isolate(HOME);
    let healed_at = world.now() + 43 * SECOND;
    let mut lonely = Vec::new();
    for _ in 0..5 {
        let (ask, request) = ask_early(&mut world, HOME);
        let told = reply(&mut world, request);
        assert!(matches!(told, Reply::Provisional { repeated: false, .. }), "{told:?}");
        lonely.push(ask);
    }
    let applied = group(&world, HOME).applied();
    let moved = until_moved(&mut world, HOME);
    done(&mut world, moved);
    done(&mut world, FAR);
    world.run_to(healed_at);
    assert_eq!(group(&world, HOME).applied(), applied, "nothing above W2 is applied");
    let risk = group(&world, HOME).at_risk(world.clocks(HOME));
    assert!(risk.records >= 5 && risk.oldest_us > 30 * SECOND, "{risk:?}");
    all_agree(&mut world);
    let orphans = group(&world, HOME).orphans().to_vec();
    let [run] = orphans[..] else { panic!("one run: {orphans:?}") };
    assert_eq!(run.reason, OrphanReason::Answered);
    assert_eq!(run.last.0 - run.first.0 + 1, risk.records);
    assert_eq!(group(&world, HOME).at_risk(world.clocks(HOME)).records, 0);
    // Whoever asks again has it done, once, wherever that is.
    for ask in lonely {
        assert!(matches!(outcome(&mut world, FAR, &ask), Reply::Done { repeated: false, .. }));
    }
    all_agree(&mut world);
}

#[test]
fn s15_told_early_and_tried_again_elsewhere_a_command_is_done_once_or_not_at_all() {
    // A client whose home is lost asks another region. Its time decides: done there once, or expired
    // for good; the orphan never comes back by itself.
    let mut world = of_class(Class::Async);
    world.isolate(HOME);
    let short = world.command(G0, 5, SECOND);
    let long = world.command(G0, 5, 600 * SECOND);
    for ask in [&short, &long] {
        let request = world.ask_early(HOME, ask, SECOND);
        assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    }
    let moved = until_moved(&mut world, HOME);
    assert!(matches!(outcome(&mut world, moved, &short), Reply::Expired));
    assert!(matches!(outcome(&mut world, moved, &long), Reply::Done { repeated: false, .. }));
    world.heal();
    world.run_for(5 * SECOND);
    assert!(matches!(outcome(&mut world, HOME, &short), Reply::Expired));
    assert!(matches!(outcome(&mut world, HOME, &long), Reply::Done { repeated: true, .. }));
    all_agree(&mut world);
}

#[test]
fn a_home_that_comes_back_first_has_lost_nothing_of_what_it_answered() {
    // Power fails for a second: its disk holds all of it, and its own seal is enough.
    let mut world = of_class(Class::Async);
    world.part(HOME, NEAR);
    world.part(HOME, FAR);
    let (ask, request) = ask_early(&mut world, HOME);
    let Reply::Provisional { at, .. } = reply(&mut world, request) else { panic!("told early") };
    world.kill(HOME);
    world.heal();
    world.run_for(200 * MILLI);
    world.start(HOME);
    let Reply::Done { seq, .. } = outcome(&mut world, HOME, &ask) else { panic!("it was kept") };
    assert_eq!(seq, at.seq, "where it was");
    all_agree(&mut world);
    assert!(group(&world, HOME).orphans().is_empty());
}

#[test]
fn beyond_its_budget_a_home_no_longer_answers_before_the_commit() {
    // A home that is cut off and does not know it would promise for ever what nobody will keep.
    let mut world = of_class(Class::Async);
    world.isolate(HOME);
    let (_, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    world.run_for(31 * SECOND);
    let (_, request) = ask_early(&mut world, HOME);
    let told = reply(&mut world, request);
    assert!(matches!(told, Reply::Unknown(_)), "{told:?}");
    all_agree(&mut world);
}

#[test]
fn a_clock_that_steps_back_does_not_lengthen_a_homes_budget() {
    // Time synchronisation sets a machine back by an hour: for an hour the home that is cut off would see
    // stamps that lie ahead, call all of it new, and promise on.
    let mut world = of_class(Class::Async);
    world.isolate(HOME);
    let (_, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    world.jump(HOME, -3_600 * 1_000_000);
    world.run_for(20 * SECOND);
    // Within the budget it answers on, with a stamp above that of before.
    let (_, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    world.run_for(11 * SECOND);
    let (_, request) = ask_early(&mut world, HOME);
    let told = reply(&mut world, request);
    assert!(matches!(told, Reply::Unknown(_)), "{told:?}");
    let risk = group(&world, HOME).at_risk(world.clocks(HOME));
    assert!(risk.records >= 2 && risk.oldest_us >= 31 * SECOND, "{risk:?}");
    // A start knows stamps alone, and counts from there.
    world.kill(HOME);
    world.start(HOME);
    world.run_for(7 * SECOND);
    let risk = group(&world, HOME).at_risk(world.clocks(HOME));
    assert!(risk.records >= 2 && risk.oldest_us >= 6 * SECOND, "{risk:?}");
    world.jump(HOME, 3_600 * 1_000_000);
    world.kill(HOME);
    world.start(HOME);
    let risk = group(&world, HOME).at_risk(world.clocks(HOME));
    assert!(risk.oldest_us >= 38 * SECOND, "{risk:?}");
    world.jump(HOME, -3_600 * 1_000_000);
    let risk = group(&world, HOME).at_risk(world.clocks(HOME));
    assert!(risk.oldest_us >= 38 * SECOND, "{risk:?}");
    all_agree(&mut world);
    assert_eq!(group(&world, HOME).at_risk(world.clocks(HOME)).records, 0);
}

#[test]
fn a_home_that_comes_back_does_not_answer_from_what_it_had_lost() {
    // What it had run ahead with is in no chain any more: balances told from there would be of a
    // world that never was.
    let mut world = of_class(Class::Async);
    world.isolate(HOME);
    for _ in 0..5 {
        let (_, request) = ask_early(&mut world, HOME);
        assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    }
    let moved = until_moved(&mut world, HOME);
    done(&mut world, moved);
    all_agree(&mut world);
    world.run_for(2 * SECOND);
    order(&mut world, moved, HOME, SealKind::Planned);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(HOME)));
    done(&mut world, HOME);
    for _ in 0..8 {
        let (ask, request) = ask_early(&mut world, HOME);
        let Reply::Provisional { outcome: told, .. } = reply(&mut world, request) else {
            panic!("told early")
        };
        let Reply::Done { outcome, .. } = outcome_of(&mut world, HOME, &ask) else {
            panic!("it commits")
        };
        assert_eq!(told, outcome);
    }
    all_agree(&mut world);
}

#[test]
fn a_local_journal_is_served_by_its_own_region_alone() {
    // What must not leave a country would be copied out of it, or begun anew elsewhere from nothing.
    const OWN: usize = 2;
    let terms = Terms { class: Class::Local, ..Terms::default() };
    let knobs = Knobs { terms, spares: 2, copies: 1, ..Knobs::quiet(1) };
    let mut world = World::new(knobs, sim::Rng::new(1), false);
    let until = world.now() + 10 * SECOND;
    let served = world.run_until(until, |world| {
        world.node(OWN).and_then(|node| node.group(G0)).is_some_and(|group| group.applied().0 > 0)
    });
    assert!(served && home(&world) == Some(OWN));
    // Handed over from another region, which learns the outcome and nothing else.
    let (kept, request) = ask_early(&mut world, HOME);
    let told = reply(&mut world, request);
    assert!(matches!(told, Reply::Done { .. } | Reply::Provisional { .. }), "{told:?}");
    let has_none =
        |world: &World| [HOME, NEAR].iter().all(|host| group(world, *host).tail().seq.0 == 0);
    assert!(has_none(&world));

    world.kill(OWN);
    world.run_for(60 * SECOND);
    let waits = world.command(G0, 5, 600 * SECOND);
    let request = world.ask(NEAR, &waits, 2 * SECOND);
    let told = reply(&mut world, request);
    assert!(matches!(told, Reply::Unknown(_) | Reply::Busy { .. }), "{told:?}");
    assert!(has_none(&world) && home(&world).is_none(), "nobody else serves it");
    world.start(OWN);
    let again = outcome(&mut world, NEAR, &kept);
    assert!(matches!(again, Reply::Done { repeated: true, .. }), "{again:?}");
    let since = outcome(&mut world, HOME, &waits);
    assert!(matches!(since, Reply::Done { .. }), "{since:?}");
    assert!(has_none(&world));
    all_agree(&mut world);
}

/// Orders another class for group 0, again where the register has no leader just then, until the home goes
/// on under it.
fn retuned(world: &mut World, at: usize, class: Class) {
    for _ in 0..5 {
        world.order_terms(at, vec![G0], Some(class), None);
        let until = world.now() + 2 * SECOND;
        let is_so = |world: &World| {
            home(world).is_some_and(|home| group(world, home).config().terms().class == class)
        };
        if world.run_until(until, is_so) {
            return sound(world);
        }
    }
    panic!("{:?}", registered(world, at));
}

#[test]
fn a_group_comes_to_another_class_by_order_and_each_epoch_keeps_its_own() {
    // A journal would have to be emptied into another to get another class; and what a home of before had
    // answered could not be told any more from what nobody was told.
    let mut world = of_class(Class::Sync);
    done(&mut world, HOME);
    retuned(&mut world, FAR, Class::Async);
    assert_eq!(home(&world), Some(HOME), "no home moves for it");
    let (_, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    // Cut off, it answers on, and that is set aside as answered.
    world.isolate(HOME);
    let (lonely, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }));
    let moved = until_moved(&mut world, HOME);
    assert_eq!(
        group(&world, moved).config().terms().class,
        Class::Async,
        "the class stays with the group"
    );
    all_agree(&mut world);
    // Back to sync, and the home of then cut off: what it took is set aside as told to nobody.
    retuned(&mut world, HOME, Class::Sync);
    let home_of_sync = home(&world).unwrap();
    world.isolate(home_of_sync);
    let (_, request) = ask_early(&mut world, home_of_sync);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(_)));
    until_moved(&mut world, home_of_sync);
    all_agree(&mut world);
    let reasons = |host: usize| -> Vec<OrphanReason> {
        group(&world, host).orphans().iter().map(|run| run.reason).collect()
    };
    assert!(reasons(HOME).contains(&OrphanReason::Answered), "{:?}", reasons(HOME));
    let last = reasons(home_of_sync).pop();
    assert_eq!(last, Some(OrphanReason::Superseded));
    let starts = group(&world, HOME).table().starts().to_vec();
    let mut classes: Vec<Class> = starts.iter().map(|start| start.class).collect();
    classes.dedup();
    assert_eq!(classes, [Class::Sync, Class::Async, Class::Sync]);
    assert!(matches!(outcome(&mut world, FAR, &lonely), Reply::Done { repeated: false, .. }));
}

#[test]
fn on_the_way_to_sync_nothing_is_lost_that_was_answered_early() {
    // The one order that is given because losses are to end must not cause one.
    let mut world = of_class(Class::Async);
    world.slow(HOME, NEAR, 300 * MILLI);
    world.slow(HOME, FAR, 300 * MILLI);
    let told: Vec<_> = (0..5).map(|_| ask_early(&mut world, HOME)).collect();
    let until = world.now() + 100 * MILLI;
    let is_told = |world: &World| told.iter().all(|(_, request)| world.reply(*request).is_some());
    assert!(world.run_until(until, is_told));
    assert!(group(&world, HOME).at_risk(world.clocks(HOME)).records > 0);
    retuned(&mut world, HOME, Class::Sync);
    assert_eq!(home(&world), Some(HOME));
    world.heal();
    for (ask, _) in &told {
        let told = outcome(&mut world, FAR, ask);
        assert!(matches!(told, Reply::Done { repeated: true, .. }), "{told:?}");
    }
    all_agree(&mut world);
    assert_eq!(group(&world, HOME).orphans(), []);
}

#[test]
fn what_a_sync_epoch_wrote_is_told_at_its_commit_though_the_group_is_async_by_then() {
    // Found by the simulator: the home of the new epoch answered early for records of the one before.
    let mut world = of_class(Class::Sync);
    world.slow(HOME, NEAR, 300 * MILLI);
    world.slow(HOME, FAR, 300 * MILLI);
    world.order_terms(HOME, vec![G0], Some(Class::Async), None);
    let mut asks = Vec::new();
    while registered(&world, HOME).0 == register::Phase::Active {
        asks.push(ask_early(&mut world, HOME).0);
        world.run_for(20 * MILLI);
        assert!(asks.len() < 200, "the register has not decided");
    }
    let until = world.now() + 10 * SECOND;
    let is_open = |world: &World| group(world, HOME).home_epoch().is_some_and(|epoch| epoch.0 > 1);
    assert!(world.run_until(until, is_open));
    world.run_for(20 * MILLI);
    let here = group(&world, HOME);
    assert!(here.commit() < here.table().last().unwrap().seq.prev(), "not committed yet");
    let again: Vec<_> = asks.iter().map(|ask| world.ask_early(HOME, ask, 2 * SECOND)).collect();
    let (_, new) = ask_early(&mut world, HOME);
    world.run_for(100 * MILLI);
    sound(&world);
    assert!(matches!(world.reply(new), Some(Reply::Provisional { .. })), "{:?}", world.reply(new));
    assert!(again.iter().any(|request| world.reply(*request).is_none()), "they wait");
    for request in again {
        assert!(matches!(
            reply(&mut world, request),
            Reply::Done { .. } | Reply::Provisional { .. }
        ));
    }
    world.heal();
    all_agree(&mut world);
}

#[test]
fn an_order_of_other_terms_is_refused_where_it_would_stop_the_group() {
    // With a copy missing that is wanted, a home that seals itself could not go on; before, it answered.
    let terms = Terms { class: Class::Async, ..Terms::default() };
    let mut world = serving_with(Knobs { terms, copies: 3, ..Knobs::quiet(1) }, 1);
    world.kill(FAR);
    world.run_for(300 * MILLI);
    let before = registered(&world, HOME);
    world.order_terms(HOME, vec![G0], Some(Class::Sync), None);
    world.order_terms(NEAR, vec![G0], Some(Class::Local), None);
    world.run_for(SECOND);
    assert_eq!(registered(&world, HOME), before);
    assert_eq!(world.report().orders[1], 2, "refused");
    let (_, request) = ask_early(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Provisional { .. }), "it answers on");
    world.start(FAR);
    world.run_for(SECOND);
    retuned(&mut world, NEAR, Class::Sync);
    all_agree(&mut world);
}

#[test]
fn a_home_that_is_lost_on_its_way_to_other_terms_is_replaced_under_the_old_ones() {
    // Half an order must neither stop a group for good nor come true later, unasked.
    let mut world = of_class(Class::Sync);
    done(&mut world, HOME);
    world.order_terms(HOME, vec![G0], Some(Class::Async), None);
    let until = world.now() + SECOND;
    assert!(world.run_until(until, |world| registered(world, NEAR).0 != register::Phase::Active));
    world.kill(HOME);
    let moved = until_moved(&mut world, HOME);
    assert_eq!(group(&world, moved).config().terms(), Terms::default());
    all_agree(&mut world);
    done(&mut world, FAR);
}
