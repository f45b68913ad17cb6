//! Channels against a model so simple that it can be read: a list of what was sent and what became of it.

mod pair;
mod reopened;

use channel::{Channels, Taken, Unsent, limits};
use pair::{A, B, Pair};
use proptest::prelude::*;
use types::{ChannelKey, Seq, Stamp};
use wire::{Answer, Cause};

/// What may happen, in any order. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Move {
    Send(u8),
    SendAgain(u8, u8),
    Cancel(u8),
    Ship(u8),
    Deliver(u8),
    Lose(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        3 => any::<u8>().prop_map(Move::Send),
        2 => (any::<u8>(), 0_u8..4).prop_map(|(which, content)| Move::SendAgain(which, content)),
        1 => any::<u8>().prop_map(Move::Cancel),
        4 => any::<u8>().prop_map(Move::Ship),
        6 => any::<u8>().prop_map(Move::Deliver),
        1 => any::<u8>().prop_map(Move::Lose),
    ];
    prop::collection::vec(one, 0..120)
}

fn play(pair: &mut Pair, moves: &[Move]) {
    for step in moves {
        match step {
            Move::Send(content) => pair.send(*content),
            Move::SendAgain(which, content) => pair.send_again(*which, *content),
            Move::Cancel(which) => pair.cancel((*which).into()),
            Move::Ship(which) => pair.ship((*which).into()),
            Move::Deliver(which) => pair.deliver((*which).into()),
            Move::Lose(which) => pair.lose((*which).into()),
        }
        pair.assert_sound();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_message_is_consumed_once_and_answered_as_it_was_consumed(moves in moves()) {
        // A payment that is credited twice, or credited and given back, is what a channel exists to rule out.
        let mut pair = Pair::new();
        play(&mut pair, &moves);
        pair.finish();
        prop_assert_eq!(pair.a.pending(), 0, "a fair net ends everything");
        prop_assert!(pair.agrees(), "{}", pair.ends());
        prop_assert_eq!(pair.a.cases().count() + pair.b.cases().count(), 0);
    }

    #[test]
    fn an_end_that_lost_something_by_force_freezes_before_money_is_made(
        before in moves(),
        between in moves(),
        after in moves(),
        sender in any::<bool>(),
    ) {
        // A forced switch takes back what was committed. What the other end did meanwhile must become a case,
        // not a difference that nobody sees.
        let mut pair = Pair::new();
        play(&mut pair, &before);
        let kept = pair.clone();
        play(&mut pair, &between);
        pair.force(&kept, sender);
        play(&mut pair, &after);
        pair.send(0);
        pair.finish();
        let is_frozen = pair.a.cases().next().is_some();
        prop_assert!(is_frozen || pair.agrees() && pair.a.pending() == 0, "{}", pair.ends());
    }

    #[test]
    fn the_bytes_of_the_ends_give_them_back_and_anything_else_is_refused(
        moves in moves(),
        at in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        // A replica that starts from a snapshot must stand exactly where the others stand.
        let mut pair = Pair::new();
        play(&mut pair, &moves);
        for channels in [&pair.a, &pair.b] {
            let bytes = channels.encode();
            let read = Channels::decode(&bytes.clone().into()).unwrap();
            prop_assert_eq!(&read, channels);
            prop_assert_eq!(read.digest(), channels.digest());
            let cut = at.index(bytes.len());
            prop_assert!(Channels::decode(&bytes[..cut].to_vec().into()).is_err());
            let mut other = bytes.clone();
            other[cut] ^= change;
            if let Ok(read) = Channels::decode(&other.clone().into()) {
                read.assert_invariants();
                prop_assert_eq!(read.encode(), other, "one state has one encoding");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_channel_that_force_has_frozen_is_opened_again_and_both_sides_come_to_the_same(
        before in moves(),
        between in moves(),
        after in moves(),
        sender in any::<bool>(),
        orders in prop::collection::vec((any::<bool>(), 0_u8..5, moves()), 1..5),
        later in moves(),
    ) {
        // Money that one side moved and the other does not know of would be made, or lost, by the very order that
        // was to make it good; or a payment that waits would be made twice.
        let mut pair = Pair::new();
        play(&mut pair, &before);
        let kept = pair.clone();
        play(&mut pair, &between);
        pair.force(&kept, sender);
        play(&mut pair, &after);
        pair.send(0);
        pair.finish();
        // One end's half alone, halves in either order, the same again, and one lost by force between.
        for (first, fate, meanwhile) in &orders {
            let Ok(plan) = pair.plan() else { break };
            let kept = pair.clone();
            let _done = pair.rebase(&plan, *first);
            play(&mut pair, meanwhile);
            match fate {
                0 => {}
                1 => pair.force(&kept, *first),
                2 => {
                    let _done = pair.rebase(&plan, !*first);
                    play(&mut pair, meanwhile);
                    pair.force(&kept, *first);
                }
                3 => {
                    let _done = pair.rebase(&plan, !*first);
                }
                _ => {
                    let _done = pair.rebase(&plan, !*first);
                    let opened = pair.clone();
                    play(&mut pair, meanwhile);
                    pair.finish();
                    pair.force(&opened, *first);
                }
            }
            play(&mut pair, meanwhile);
            pair.finish();
            pair.send(1);
            pair.finish();
        }
        reopened::open(&mut pair);
        play(&mut pair, &later);
        // What force took back may still be on its way, and contradict what was sent since: then it is opened again.
        pair.quiet();
        for _ in 0..3 {
            reopened::open(&mut pair);
            pair.send(1);
            pair.finish();
        }
        prop_assert_eq!(pair.a.pending(), 0, "payments flow again: {}", pair.ends());
        prop_assert!(pair.is_even(), "{:?} of {}", pair.done(), pair.ends());
        prop_assert_eq!(pair.a.cases().count() + pair.b.cases().count(), 0);
    }
}

#[test]
fn s17_a_gap_is_refused_and_nothing_is_lost() {
    // pulsar#26113: a pipelined producer's failed message was overtaken and then taken for a duplicate.
    let mut pair = Pair::new();
    (0..3).for_each(|content| pair.send(content));
    pair.take_at_b(2);
    pair.take_at_b(3);
    assert!(pair.consumed.is_empty(), "numbers are missing before them");
    pair.take_at_b(1);
    pair.take_at_b(2);
    pair.take_at_b(3);
    pair.take_at_b(1);
    assert_eq!(pair.consumed.iter().map(|(number, ..)| *number).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_cancel_that_comes_before_its_message_consumes_the_number() {
    // Were it dropped, the message that comes after it would be applied though the client was told that it is
    // being cancelled; were it kept apart, it would have to be kept for ever.
    let mut pair = Pair::new();
    pair.send(1);
    let message = pair.a.parcel(B, 1).unwrap();
    pair.cancel(0);
    pair.take_at_b(1);
    assert_eq!(pair.consumed, [(1, ChannelKey([0; 16]), Answer::Cancelled)]);
    let late = pair.b.clone().take(&message, channel::At::default());
    assert_eq!(late, Taken::Ignored);
    assert_eq!(pair.b.reply(&message).map(|reply| reply.body), pair.reply_body(1));
}

#[test]
fn what_cannot_be_sent_changes_nothing() {
    // A refusal that had already moved the hash would freeze the channel with the next message.
    let mut channels = Channels::new(A);
    let at = channel::At { stamp: Stamp(1), seq: Seq(1) };
    let key = |number: u64| {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.to_le_bytes());
        ChannelKey(key)
    };
    for number in 0..limits::PENDING_MAX {
        let sent = channels.send(B, key(number), vec![0].into(), at);
        assert_eq!(sent, Ok(number + 1));
    }
    let before = channels.clone();
    let full = channels.send(B, key(u64::MAX), vec![0].into(), at);
    assert_eq!(full, Err(Unsent::Full));
    let large = vec![0; wire::limits::PARCEL_BYTES_MAX + 1];
    assert_eq!(channels.send(B, key(u64::MAX), large.into(), at), Err(Unsent::TooLarge));
    assert_eq!(channels.send(B, key(3), vec![0].into(), at), Err(Unsent::KeyPending));
    assert_eq!(channels, before);
}

#[test]
fn a_receiver_that_lost_what_was_answered_freezes_and_so_does_the_sender() {
    // The sender has settled what the receiver no longer knows: consuming the next message would hide it.
    let mut pair = Pair::new();
    let kept = pair.clone();
    pair.send(1);
    pair.finish();
    pair.force(&kept, false);
    pair.send(2);
    pair.finish();
    assert_eq!(pair.b.cases().collect::<Vec<_>>(), [(A, false, Cause::ReceiverLost)]);
    assert_eq!(pair.a.cases().collect::<Vec<_>>(), [(B, true, Cause::ReceiverLost)]);
    assert_eq!(pair.a.pending(), 1, "what waits stays as it is, for people to decide");
    let at = channel::At::default();
    assert_eq!(pair.a.send(B, ChannelKey([9; 16]), vec![].into(), at), Err(Unsent::Frozen));
}

#[test]
fn a_number_that_comes_again_with_other_content_freezes_at_once() {
    // By force the sender lost a message that was consumed and wrote another in its place: taken for a
    // repetition, the new one would be answered with what became of the old.
    let mut pair = Pair::new();
    let kept = pair.clone();
    pair.send(1);
    pair.take_at_b(1);
    pair.force(&kept, true);
    pair.send(3);
    pair.take_at_b(1);
    assert_eq!(pair.b.cases().collect::<Vec<_>>(), [(A, false, Cause::Contradicted)]);
    assert_eq!(pair.consumed.len(), 1, "nothing more is consumed");
}
