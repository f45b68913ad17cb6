//! One id, one outcome.

use register::SealKind;
use sim::{Knobs, MILLI, SECOND};
use wire::Reply;

use crate::tale::*;

#[test]
fn s15_a_client_that_asks_again_elsewhere_is_done_once() {
    // A payment whose answer was lost would be made twice.
    let mut world = serving(1);
    let (ask, _) = ask(&mut world, HOME);
    world.run_for(35 * MILLI);
    world.kill(HOME);
    let new = until_moved(&mut world, HOME);
    let first = outcome(&mut world, new, &ask);
    let Reply::Done { seq, outcome: first, .. } = first else { panic!("{first:?}") };
    all_agree(&mut world);
    for host in 0..3 {
        let again = outcome(&mut world, host, &ask);
        let Reply::Done { seq: again_seq, outcome: again, repeated: true, .. } = again else {
            panic!("{again:?}")
        };
        assert_eq!((again_seq, again), (seq, first.clone()));
    }
}

#[test]
fn s16_an_id_with_other_content_is_refused_with_the_first_digest() {
    // A client that reuses an id by mistake would see its second payment acknowledged and not made.
    let mut world = serving(1);
    let first = done(&mut world, NEAR);
    world.run_for(SECOND);
    for host in 0..3 {
        let other = world.content(G0, first.command.id, 99, 60 * SECOND);
        let refused = outcome(&mut world, host, &other);
        assert_eq!(refused, Reply::Conflict { first: first.command.digest });
    }
    all_agree(&mut world);
}

#[test]
fn two_contents_of_one_id_on_their_way_at_once_have_one_outcome() {
    // The race of a retry and a reuse must not end in both being done.
    let mut world = serving(1);
    let (first, _) = ask(&mut world, NEAR);
    let other = world.content(G0, first.command.id, 99, 60 * SECOND);
    world.ask(FAR, &other, 2 * SECOND);
    world.ask(HOME, &other, 2 * SECOND);
    world.run_for(3 * SECOND);
    let replies = [outcome(&mut world, HOME, &first), outcome(&mut world, HOME, &other)];
    let done = replies.iter().filter(|reply| matches!(reply, Reply::Done { .. }));
    assert_eq!(done.count(), 1, "{replies:?}");
    all_agree(&mut world);
}

#[test]
fn a_late_answer_never_reaches_another_command() {
    // Found by seed 3: a node that started anew numbered its tickets like its former life; an answer
    // to the old life told a client the outcome of somebody else's payment.
    let mut world = serving(1);
    world.kill(FAR);
    let (first, _) = ask(&mut world, NEAR);
    world.run_for(11 * MILLI);
    // The home holds the command and nobody is there to commit it with: its answer waits.
    world.kill(NEAR);
    world.run_for(5 * MILLI);
    world.start(NEAR);
    // The first command of the new life is on its way when the answer to that of the old one comes.
    let (second, request) = ask(&mut world, NEAR);
    let told = reply(&mut world, request);
    let second = outcome(&mut world, HOME, &second);
    let (Reply::Done { outcome: told, .. }, Reply::Done { outcome: second, .. }) = (told, second)
    else {
        panic!("both are done")
    };
    assert_eq!(told, second, "the answer was that of another command");
    assert!(matches!(outcome(&mut world, NEAR, &first), Reply::Done { .. }));
    all_agree(&mut world);
}

#[test]
fn what_is_said_to_be_expired_was_not_done_and_never_will_be() {
    // A client told "expired" pays by other means. Found on paper: a home that was replaced and did
    // not know it judged by its own clock, though its successor had done the command.
    let mut world = serving(1);
    let ask = world.command(G0, 5, 6 * SECOND);
    world.isolate(HOME);
    let new = until_moved(&mut world, HOME);
    let first = outcome(&mut world, new, &ask);
    assert!(matches!(first, Reply::Done { .. }));
    world.run_for(7 * SECOND);
    // The old home still believes in itself, or at least has not heard of the new one.
    let request = world.ask(HOME, &ask, SECOND);
    let told = reply(&mut world, request);
    assert!(matches!(told, Reply::Unknown(_) | Reply::Busy { .. }), "{told:?}");
    all_agree(&mut world);
    assert!(matches!(outcome(&mut world, HOME, &ask), Reply::Done { .. }));
}

#[test]
fn a_command_that_comes_too_late_expires_for_itself_only() {
    // Found by seed 120: the expiry of one content under an id was told to whoever asked for another.
    let mut world = serving(1);
    let late = world.command(G0, 5, 0);
    let in_time = world.content(G0, late.command.id, 6, 60 * SECOND);
    world.run_for(SECOND);
    world.ask(HOME, &late, 2 * SECOND);
    let second = world.ask(HOME, &in_time, 2 * SECOND);
    let told = reply(&mut world, second);
    assert!(!matches!(told, Reply::Expired), "{told:?}");
    assert!(matches!(outcome(&mut world, HOME, &in_time), Reply::Done { .. }));
    all_agree(&mut world);
}

#[test]
fn a_command_is_answered_in_time_whatever_happens() {
    // A client that hears nothing until its own timeout cannot tell the network from the bank.
    let mut world = serving_with(Knobs { groups: 1, ..Knobs::quiet(1) }, 4);
    world.kill(NEAR);
    world.kill(FAR);
    let (_, request) = ask(&mut world, HOME);
    world.run_for(2 * SECOND + 100 * MILLI);
    let told = world.reply(request).cloned();
    assert!(matches!(told, Some(Reply::Unknown(wire::Doubt::NoQuorum))), "{told:?}");
    sound(&world);
}

#[test]
fn a_home_whose_clock_jumps_ahead_does_not_make_every_command_too_late() {
    // One record stamped an hour ahead, and for an hour the group did nothing: stamps do not fall, at no
    // later home either.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.jump(HOME, 3_600_000_000);
    done(&mut world, NEAR);
    order(&mut world, NEAR, NEAR, SealKind::Planned);
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(NEAR)));
    done(&mut world, NEAR);
    all_agree(&mut world);
}
