//! A command that the desk forgets is answered by nobody; one that it keeps too long fills it.

use bytes::Bytes;
use types::Stamp;

use super::*;

fn command(id: u8, content: u8) -> Command {
    Command {
        id: MessageId([id; 16]),
        digest: Hash([content; 32]),
        not_after: Stamp(100),
        origin: None,
        body: Bytes::from_static(b"body"),
    }
}

fn local(number: u64) -> Asker {
    Asker::Local(RequestId(number))
}

fn remote(ticket: u64) -> Asker {
    Asker::Remote { node: NodeId(2), ticket }
}

fn desk(askers: &[Asker]) -> Desk {
    let mut desk = Desk::default();
    for asker in askers {
        assert!(desk.take(*asker, command(1, 1), Until::Commit, Instant(50), 1_000));
    }
    desk
}

fn done() -> Reply {
    Reply::Done {
        seq: types::Seq(1),
        stamp: Stamp(1),
        repeated: false,
        outcome: Bytes::new(),
        seen: None,
    }
}

/// The desk as it would be had nothing ever come in.
fn assert_empty(desk: &Desk) {
    assert_eq!((desk.count(), desk.bytes, desk.next_deadline()), (0, 0, None));
    assert!(desk.tickets.is_empty());
}

#[test]
fn everyone_who_asked_for_an_id_is_told_once() {
    let mut desk = desk(&[local(1), local(1), local(2), remote(3)]);
    let told = desk.end(MessageId([1; 16]), |_, _| done());
    assert_eq!(told, [(local(1), done()), (local(2), done()), (remote(3), done())]);
    assert_empty(&desk);
    assert_eq!(desk.end(MessageId([1; 16]), |_, _| done()), []);
}

#[test]
fn who_asks_without_end_is_told_to_wait() {
    let mut desk = Desk::default();
    let taken = (0..1_000)
        .filter(|n| desk.take(local(*n), command(1, 1), Until::Commit, Instant(50), 1_000));
    assert_eq!(taken.count(), ASKERS_MAX);
    assert!(
        desk.take(local(0), command(1, 1), Until::Commit, Instant(50), 1_000),
        "it waits already"
    );
    assert_eq!(desk.end(MessageId([1; 16]), |_, _| done()).len(), ASKERS_MAX);
    assert_empty(&desk);
}

#[test]
fn a_queue_that_nobody_works_off_does_not_grow() {
    // Without a home for an hour, every try of every client left its id behind.
    let mut desk = Desk::default();
    for now in 0..10_000 {
        let asker = local(now);
        assert!(desk.take(asker, command(1, 1), Until::Commit, Instant(now + 1), 1_000));
        assert_eq!(desk.expire(Instant(now + 1)).len(), 1);
    }
    assert!(desk.queue.len() <= QUEUE_MIN + 1, "{}", desk.queue.len());
    assert!(desk.take(local(0), command(2, 2), Until::Commit, Instant(20_000), 1_000));
    assert_eq!(desk.batch(10, 10_000), [command(2, 2)]);
}

#[test]
fn a_full_desk_refuses_what_it_does_not_hold_yet() {
    let mut desk = Desk::default();
    let room = command(1, 1).encoded_bytes();
    assert!(desk.take(local(1), command(1, 1), Until::Commit, Instant(50), room));
    assert!(!desk.take(local(2), command(2, 2), Until::Commit, Instant(50), room));
    assert!(
        desk.take(local(3), command(1, 1), Until::Commit, Instant(50), room),
        "it is held already"
    );
}

#[test]
fn what_is_said_at_the_deadline_depends_on_how_far_the_command_came() {
    let check = |prepare: &dyn Fn(&mut Desk), expect: Reply| {
        let mut desk = desk(&[local(1)]);
        prepare(&mut desk);
        assert_eq!(desk.expire(Instant(49)), []);
        assert_eq!(desk.expire(Instant(50)), [(local(1), expect)]);
        assert_eq!(desk.expire(Instant(50)), []);
    };
    check(&|_| {}, Reply::Busy { retry_after_ms: RETRY_AFTER_MS });
    check(&|desk| drop(desk.batch(9, 999)), Reply::Unknown(Doubt::NoQuorum));
    check(&|desk| drop(desk.forward(NodeId(2), Instant(0))), Reply::Unknown(Doubt::HomeSilent));
    let came_back = |desk: &mut Desk| {
        desk.forward(NodeId(2), Instant(0));
        desk.recall(|_| true);
    };
    check(&came_back, Reply::Unknown(Doubt::Switching));
}

#[test]
fn only_an_outcome_ends_a_command_that_was_handed_over() {
    let mut desk = desk(&[local(1)]);
    let [(ticket, ..)] = desk.forward(NodeId(2), Instant(0))[..] else { panic!("one is waiting") };
    let later = Reply::NotHome { home: None, epoch: types::Epoch(3) };
    assert_eq!(desk.answered(ticket, later, Instant(7)), []);
    assert_eq!(desk.forward(NodeId(2), Instant(6)), [], "it is not tried again at once");
    desk.hurry();
    let [(again, ..)] = desk.forward(NodeId(3), Instant(6))[..] else { panic!("a new home is") };
    assert_eq!(desk.answered(ticket, done(), Instant(7)), [], "the first ticket is void");
    assert_eq!(desk.answered(again, done(), Instant(7)), [(local(1), done())]);
    assert_empty(&desk);
}

#[test]
fn what_others_handed_over_is_given_back_when_the_home_moves() {
    let mut desk = desk(&[local(1)]);
    assert!(desk.take(remote(3), command(2, 2), Until::Commit, Instant(50), 1_000));
    assert!(desk.take(remote(4), command(1, 1), Until::Commit, Instant(50), 1_000));
    let batch = desk.batch(1, 999);
    assert_eq!(batch, [command(1, 1)]);
    let not_home = Reply::NotHome { home: Some(NodeId(3)), epoch: types::Epoch(2) };
    let told = desk.demote(&not_home);
    let unknown = Reply::Unknown(Doubt::Switching);
    assert_eq!(told, [(remote(4), unknown), (remote(3), not_home)], "it may be done, it was not");
    assert_eq!(desk.count(), 1);
    assert_eq!(
        desk.forward(NodeId(3), Instant(0)).len(),
        1,
        "our own client's goes to the new one"
    );
}

#[test]
fn an_expiry_concerns_the_very_command_that_expired() {
    let check = |expired: Command, expect: &[Answer]| {
        let mut desk = desk(&[local(1)]);
        assert!(desk.take(local(2), command(1, 9), Until::Commit, Instant(50), 1_000));
        let header = wire::Header {
            kind: wire::RecordKind::Commands,
            group: types::GroupId(0),
            config: types::ConfigId(1),
            epoch: types::Epoch(1),
            seq: types::Seq(1),
            count: 1,
            stamp: Stamp(200),
            model: types::ModelVersion::FIRST,
            previous: Hash::ZERO,
            body: Hash::ZERO,
        };
        let record = wire::Record::build(header, &[expired]);
        let told: Vec<Answer> =
            record.commands().flat_map(|command| desk.end_expired(&command)).collect();
        assert_eq!(told, expect);
    };
    let busy = Reply::Busy { retry_after_ms: RETRY_AFTER_MS };
    check(command(1, 1), &[(local(1), Reply::Expired), (local(2), busy)]);
    check(command(1, 9), &[]);
    check(Command { not_after: Stamp(99), ..command(1, 1) }, &[]);
    check(command(2, 1), &[]);
}

#[test]
fn what_is_not_answered_in_time_is_asked_for_again() {
    let mut desk = desk(&[local(1)]);
    assert!(desk.take(local(2), command(2, 2), Until::Commit, Instant(50), 1_000));
    assert_eq!(desk.forward(NodeId(2), Instant(3)).len(), 2);
    desk.recall_older(Instant(3));
    assert!(!desk.is_waiting());
    desk.recall_older(Instant(4));
    assert_eq!(desk.forward(NodeId(2), Instant(9)).len(), 2);
    assert_eq!(desk.tickets.len(), 2, "the old tickets are void");
}

fn early() -> Reply {
    let (at, outcome) = (types::Tail::default(), Bytes::new());
    Reply::Provisional { at, stamp: Stamp(1), repeated: false, outcome }
}

#[test]
fn before_the_commit_only_those_are_told_who_asked_for_no_more() {
    // Who waits for the commit and is told before it takes for safe what one disk holds.
    let mut desk = desk(&[local(1)]);
    assert!(desk.take(local(2), command(1, 1), Until::Class, Instant(60), 1_000));
    assert!(desk.take(local(3), command(1, 9), Until::Class, Instant(60), 1_000));
    desk.batch(9, 999);
    let id = MessageId([1; 16]);
    assert_eq!(desk.end_early(id, Hash([1; 32]), &early()), [(local(2), early())]);
    assert_eq!(desk.end_early(id, Hash([1; 32]), &early()), [], "told once");
    assert_eq!(desk.end(id, |_, _| done()), [(local(1), done()), (local(3), done())]);
    assert_empty(&desk);
}

#[test]
fn a_command_told_of_early_stays_on_the_desk_until_its_commit() {
    // Forgotten, a home that is replaced would not hand it to the next one.
    let mut desk = Desk::default();
    assert!(desk.take(local(1), command(1, 1), Until::Class, Instant(50), 1_000));
    desk.batch(9, 999);
    desk.end_early(MessageId([1; 16]), Hash([1; 32]), &early());
    assert_eq!((desk.count(), desk.next_deadline()), (1, None));
    assert!(desk.take(local(2), command(1, 1), Until::Commit, Instant(50), 1_000));
    assert_eq!(desk.end(MessageId([1; 16]), |_, _| done()), [(local(2), done())]);
    assert_empty(&desk);
}

#[test]
fn what_was_handed_over_is_handed_over_again_for_those_who_wait_for_the_commit() {
    let mut desk = Desk::default();
    assert!(desk.take(local(1), command(1, 1), Until::Class, Instant(50), 1_000));
    let [(ticket, _, until)] = desk.forward(NodeId(2), Instant(0))[..] else { panic!("one is") };
    assert_eq!(until, Until::Class);
    assert!(desk.take(local(2), command(1, 1), Until::Commit, Instant(50), 1_000));
    assert_eq!(desk.answered(ticket, early(), Instant(0)), [(local(1), early())]);
    let [(ticket, _, until)] = desk.forward(NodeId(2), Instant(0))[..] else { panic!("one is") };
    assert_eq!(until, Until::Commit);
    assert_eq!(desk.answered(ticket, done(), Instant(0)), [(local(2), done())]);
    assert_empty(&desk);
}
