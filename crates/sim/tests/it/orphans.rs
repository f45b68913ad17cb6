//! What was set aside, taken from the disk where it lies and dealt with by command.

use bytes::Bytes;
use payments_model::{Command as Payment, Reply as Said};
use sim::{AppKind, Ask, Knobs, MILLI, SECOND, World};
use types::{Class, Stamp, Terms};
use wire::{Command, Origin, OrphanReason, Record, RecordKind, Reply};

use crate::tale::*;

/// A cluster of three whose groups answer early.
fn early(app: AppKind) -> World {
    let terms = Terms { class: Class::Async, ..Terms::default() };
    serving_with(Knobs { terms, app, ..Knobs::quiet(1) }, 1)
}

/// Has the cut off home say of each that it is done.
fn told(world: &mut World, ask: &Ask) {
    let request = world.ask_early(HOME, ask, SECOND);
    let reply = reply(world, request);
    assert!(matches!(reply, Reply::Provisional { repeated: false, .. }), "{reply:?}");
}

/// The commands of the one run that the old home has set aside, from its disk.
fn set_aside(world: &World) -> Vec<Ask> {
    let group = group(world, HOME);
    let [run] = group.orphans()[..] else { panic!("{:?}", group.orphans()) };
    assert_eq!(run.reason, OrphanReason::Answered);
    let places = group.orphan_places(&run).map(|(_, at)| at.unwrap());
    let records = places.map(|at| Record::decode(world.read_log(HOME, at).unwrap()).unwrap());
    let origin = |record: &Record| {
        let (epoch, seq) = (run.epoch, record.header().seq);
        Some(Origin { epoch, seq, head: run.head })
    };
    let mut asks = Vec::new();
    for record in records.filter(|record| record.header().kind == RecordKind::Commands) {
        for one in record.commands() {
            let body = Bytes::copy_from_slice(one.body);
            let (id, digest, not_after) = (one.id, one.digest, one.not_after);
            assert_eq!(one.origin, None, "clients had sent it");
            let origin = origin(&record);
            asks.push(Ask { group: G0, command: Command { id, digest, not_after, origin, body } });
        }
    }
    asks
}

#[test]
fn s15_what_is_replayed_from_a_lost_home_is_done_once_and_within_its_time() {
    // Two operators replay the same run at two nodes, and one of its senders has asked again already: money
    // would move twice, or long after its sender had given it up.
    let mut world = early(AppKind::Moves);
    world.isolate(HOME);
    let short = world.command(G0, 5, 20 * SECOND);
    let (again, left) = (world.command(G0, 7, 600 * SECOND), world.command(G0, 9, 600 * SECOND));
    for ask in [&short, &again, &left] {
        told(&mut world, ask);
    }
    let moved = until_moved(&mut world, HOME);
    assert!(matches!(outcome(&mut world, moved, &again), Reply::Done { repeated: false, .. }));
    world.run_for(20 * SECOND);
    all_agree(&mut world);

    let asks = set_aside(&world);
    let plain = |ask: &Ask| {
        let command = Command { origin: None, ..ask.command.clone() };
        Ask { group: ask.group, command }
    };
    assert_eq!(asks.iter().map(plain).collect::<Vec<_>>(), [short, again, left]);
    let requests: Vec<_> = asks
        .iter()
        .flat_map(|ask| [NEAR, FAR].map(|node| (node, ask)))
        .map(|(node, ask)| world.ask(node, ask, 2 * SECOND))
        .collect();
    let replies: Vec<_> = requests.into_iter().map(|one| reply(&mut world, one)).collect();
    let is_first = |reply: &Reply| matches!(reply, Reply::Done { repeated: false, .. });
    let is_done = |reply: &Reply| matches!(reply, Reply::Done { .. });
    assert_eq!(replies[..2], [Reply::Expired, Reply::Expired]);
    assert!(replies[2..].iter().all(is_done), "{replies:?}");
    assert!(!replies[2..4].iter().any(is_first), "its sender had it done");
    all_agree(&mut world);
    // Every region can tell what operators had handed in again from what its sender had, and from where.
    for host in [HOME, NEAR, FAR] {
        let known = |ask: &Ask| group(&world, host).known(ask.command.id);
        assert_eq!(known(&asks[0]), None, "its time had passed: it was never done");
        assert_eq!(known(&asks[1]).unwrap().origin, None, "its sender was first");
        assert_eq!(known(&asks[2]).unwrap().origin, asks[2].command.origin);
        assert!(asks[2].command.origin.is_some());
    }
}

#[test]
fn s15_a_payment_and_its_withdrawal_have_one_outcome_between_them() {
    // An operator gives up a payment while its sender asks for it elsewhere: the one would be told that it is
    // made and the other that it never is, or a payment would be made that is in nobody's books.
    let mut world = early(AppKind::Payments);
    for _ in 0..40 {
        done(&mut world, HOME);
    }
    world.isolate(HOME);
    let mut count = 0;
    while count < 8 {
        let ask = world.command(G0, 1, 600 * SECOND);
        let Ok(payment) = Payment::decode(&ask.command.body) else { panic!("a command") };
        if payment.withdrawal(0).is_some() {
            told(&mut world, &ask);
            count += 1;
        }
    }
    until_moved(&mut world, HOME);
    world.heal();
    world.run_for(10 * SECOND);

    let withdraw = |ask: &Ask, case| {
        let payment = Payment::decode(&ask.command.body).unwrap();
        let body = Bytes::from(payment.withdrawal(case).unwrap().body().unwrap());
        let not_after = Stamp(u64::MAX);
        Ask { group: G0, command: Command { body, not_after, ..ask.command.clone() } }
    };
    let asks = set_aside(&world);
    assert_eq!(asks.len(), 8);
    let mut ends = [0; 2];
    for (case, ask) in (0..).zip(&asks) {
        // Sometimes the one is there first, sometimes the other.
        let head_start = (case % 4) * 15 * MILLI;
        let withdrawal = withdraw(ask, case % 3);
        let order = if case < 4 { [ask, &withdrawal] } else { [&withdrawal, ask] };
        let first = world.ask(NEAR, order[0], 5 * SECOND);
        world.run_for(head_start);
        let second = world.ask(FAR, order[1], 5 * SECOND);
        let outcomes = [first, second].map(|request| {
            let reply = reply(&mut world, request);
            let Reply::Done { outcome, seq, .. } = reply else { panic!("{reply:?}") };
            (outcome, seq)
        });
        assert_eq!(outcomes[0], outcomes[1], "one outcome");
        let said = Said::decode(&outcomes[0].0).unwrap();
        ends[usize::from(said.is_withdrawal())] += 1;
        // Whoever asks later is told the same, wherever that is.
        let Reply::Done { outcome, .. } = outcome(&mut world, HOME, ask) else { panic!() };
        assert_eq!(outcome, outcomes[0].0);
    }
    assert!(ends.iter().all(|count| *count > 0), "both come first now and then: {ends:?}");
    all_agree(&mut world);
}
