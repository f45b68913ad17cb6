//! Frozen channels, opened again.

use bytes::Bytes;
use channel::{NoPlan, Taken, Unrebased};
use types::ChannelKey;
use wire::{Answer, Cause, Parcel, ParcelBody};

use crate::pair::{A, B, Pair};

/// Opens a channel again, as operators would: look, order, look again.
pub(crate) fn open(pair: &mut Pair) {
    for _ in 0..4 {
        pair.finish();
        match pair.plan() {
            Ok(plan) => {
                for sender in [true, false] {
                    assert_eq!(pair.rebase(&plan, sender), Ok(()));
                    assert_eq!(pair.rebase(&plan, sender), Err(Unrebased::Done));
                }
            }
            Err(NoPlan::Opening) => {}
            Err(NoPlan::Open) => return,
        }
    }
    panic!("it stays closed: {:?}", pair.plan());
}

/// B has consumed one message (an odd one, which it applies) that A then lost by force.
fn lost_by_sender() -> Pair {
    let mut pair = Pair::new();
    let kept = pair.clone();
    pair.send(1);
    pair.finish();
    pair.force(&kept, true);
    pair.send(3);
    pair.finish();
    pair
}

#[test]
fn what_the_sender_lost_is_named_and_what_waits_is_sent_again() {
    // Who opens the channel must know what money was made, and the payment that waits must arrive.
    let mut pair = lost_by_sender();
    let plan = pair.plan().unwrap();
    let lost: Vec<_> = plan.lost_by_sender.iter().map(|lost| lost.key).collect();
    assert_eq!((lost, plan.lost_by_receiver.len()), (vec![ChannelKey([0; 16])], 0));
    assert_eq!((plan.answered.len(), plan.is_whole, plan.is_clean()), (0, true, false));
    open(&mut pair);
    pair.finish();
    assert_eq!((pair.a.pending(), pair.is_even(), pair.consumed.len()), (0, true, 2));
}

#[test]
fn the_sender_ships_nothing_until_it_has_heard_that_the_receiver_is_open_too() {
    // One end alone would run into the other, which is frozen, and freeze again.
    for first in [true, false] {
        let mut pair = lost_by_sender();
        assert_eq!(pair.half_open(), None, "it is frozen");
        let plan = pair.plan().unwrap();
        assert_eq!(pair.rebase(&plan, first), Ok(()));
        pair.finish();
        assert_eq!(pair.consumed.len(), 1, "nothing passes");
        assert!(pair.half_open().is_some(), "and somebody must hear of it");
        let at = channel::At::default();
        let sent = pair.a.clone().send(B, ChannelKey([9; 16]), vec![1].into(), at);
        assert_eq!(sent, Err(channel::Unsent::Frozen));
        assert_eq!(pair.rebase(&plan, !first), Ok(()));
        assert_eq!(pair.plan(), Err(NoPlan::Opening));
        pair.finish();
        assert_eq!((pair.plan(), pair.half_open()), (Err(NoPlan::Open), None));
        assert_eq!((pair.a.pending(), pair.consumed.len()), (0, 2));
    }
}

#[test]
fn a_receiver_that_force_leaves_with_its_half_alone_freezes_at_the_next_message() {
    // What the sender has settled since would be gone at the receiver, and the channel, which says that it is open,
    // would take nothing any more.
    let mut pair = lost_by_sender();
    let plan = pair.plan().unwrap();
    for sender in [false, true] {
        assert_eq!(pair.rebase(&plan, sender), Ok(()));
    }
    let kept = pair.clone();
    pair.finish();
    assert_eq!((pair.a.pending(), pair.plan()), (0, Err(NoPlan::Open)));
    pair.force(&kept, false);
    pair.send(5);
    pair.finish();
    assert_eq!(pair.b.cases().collect::<Vec<_>>(), [(A, false, Cause::ReceiverLost)]);
    open(&mut pair);
    pair.finish();
    assert_eq!((pair.a.pending(), pair.is_even()), (0, true), "{}", pair.ends());
}

#[test]
fn an_end_that_has_moved_since_it_was_looked_at_refuses() {
    // A payment that came meanwhile would be in nobody's list.
    let mut pair = Pair::new();
    let kept = pair.clone();
    pair.send(1);
    pair.finish();
    pair.force(&kept, false);
    pair.send(3);
    pair.finish();
    let plan = pair.plan().unwrap();
    assert_eq!(plan.lost_by_receiver.len(), 1);
    // Another channel's plan is nothing to either end.
    let other = channel::Plan { from: B, to: A, ..plan.clone() };
    assert_eq!(pair.rebase(&other, true), Err(Unrebased::Moved));
    let stranger = channel::Plan { from: types::GroupId(7), ..plan.clone() };
    assert_eq!(pair.rebase(&stranger, true), Err(Unrebased::Other));
    let kept = pair.clone();
    assert_eq!(pair.rebase(&plan, false), Ok(()));
    let stale = pair.plan().unwrap();
    assert!(stale.lost_by_receiver.is_empty(), "it is accounted for");
    pair.force(&kept, false);
    assert_eq!(pair.rebase(&stale, false), Err(Unrebased::Moved));
    open(&mut pair);
    pair.finish();
    assert!(pair.is_even());
    assert_eq!(pair.plan(), Err(NoPlan::Open));
}

#[test]
fn a_payment_that_waits_is_settled_only_by_one_that_says_the_same() {
    // The payer would be debited 30 for a payee who has 10, and both books would say that all is well.
    let mut pair = Pair::new();
    let kept = pair.clone();
    pair.send(1);
    pair.finish();
    pair.force(&kept, true);
    pair.send_again(0, 3);
    pair.finish();
    let plan = pair.plan().unwrap();
    assert_eq!(plan.answered, [(ChannelKey([0; 16]), Answer::Refused(Bytes::new()))]);
    let lost: Vec<_> =
        plan.lost_by_sender.iter().map(|lost| (lost.key, &lost.detail[..])).collect();
    assert_eq!(lost, [(ChannelKey([0; 16]), &[1][..])]);
    open(&mut pair);
    assert!(pair.is_even(), "{:?}", pair.done());
    // The same again is settled: it was made once.
    let mut pair = Pair::new();
    pair.send(1);
    pair.finish();
    pair.force(&kept, true);
    pair.send(3);
    pair.send_again(1, 1);
    pair.finish();
    let plan = pair.plan().unwrap();
    assert_eq!(plan.answered, [(ChannelKey([0; 16]), Answer::Applied(Bytes::new()))]);
    assert!(plan.is_clean());
}

#[test]
fn a_payment_that_is_in_the_books_already_is_given_back_when_it_waits_again() {
    // It was accounted for by hand when the channel was opened before: settled as well, it would count twice.
    let mut pair = lost_by_sender();
    let plan = pair.plan().unwrap();
    for sender in [false, true] {
        assert_eq!(pair.rebase(&plan, sender), Ok(()));
    }
    pair.finish();
    pair.forget_claims();
    let kept = pair.clone();
    pair.send(5);
    pair.finish();
    pair.force(&kept, true);
    pair.send_again(2, 1);
    pair.finish();
    let plan = pair.plan().unwrap();
    assert_eq!(plan.answered, [(ChannelKey([0; 16]), Answer::Refused(Bytes::new()))]);
    open(&mut pair);
    assert!(pair.is_even(), "{:?}", pair.done());
}

#[test]
fn the_word_frozen_counts_as_it_did_in_records_that_were_written_before_channels_were_opened_again()
{
    // A replica that starts anew would come to another state than those that took the record then.
    let mut pair = Pair::new();
    pair.send(1);
    let message = pair.a.parcel(B, 1).unwrap();
    pair.finish();
    assert_eq!(pair.a.pending(), 0, "what it is about does not wait any more");
    let frozen = |hash| Parcel {
        from: B,
        to: A,
        hash,
        body: ParcelBody::Answer(Answer::Frozen(Cause::Broken)),
        ..message.clone()
    };
    let at = channel::At::default();
    let taken = pair.a.clone().take(&frozen(message.hash), at);
    assert_eq!(taken, Taken::Froze { peer: B, cause: Cause::Broken });
    // Once the channel was opened again, what is not about what waits is old.
    let mut pair = lost_by_sender();
    open(&mut pair);
    assert_eq!(pair.a.clone().take(&frozen(message.hash), at), Taken::Ignored);
}

#[test]
fn a_receiver_that_answered_otherwise_is_not_the_one_that_was_looked_at() {
    // What was applied, and then by force was wished back instead, stands at the same number and hash: a plan from before
    // would settle a payment that nobody has.
    let mut pair = Pair::new();
    pair.send(1);
    let kept = pair.clone();
    pair.take_at_b(1);
    let applied = pair.b.inbox(A).unwrap().standing();
    pair.force(&kept, false);
    pair.cancel(0);
    pair.take_at_b(1);
    let cancelled = pair.b.inbox(A).unwrap();
    assert_eq!(cancelled.answer(1), Some(&Answer::Cancelled));
    assert_ne!(cancelled.standing(), applied);
}

#[test]
fn a_channel_of_which_force_took_one_half_back_is_half_open_though_nothing_is_frozen() {
    // What waits would wait for ever, with both ends shown as open.
    let mut pair = Pair::new();
    let empty = pair.clone();
    for content in [1, 3] {
        pair.send(content);
        pair.finish();
    }
    pair.force(&empty, true);
    pair.send(5);
    pair.finish();
    assert_eq!(pair.b.cases().count(), 0, "the sender alone has found out");
    let plan = pair.plan().unwrap();
    let kept = pair.clone();
    assert_eq!(pair.rebase(&plan, false), Ok(()));
    assert_eq!(pair.rebase(&plan, true), Ok(()));
    pair.force(&kept, false);
    pair.finish();
    assert_eq!(pair.a.cases().count() + pair.b.cases().count(), 0, "nothing is frozen");
    assert_eq!(pair.a.pending(), 1, "and nothing passes");
    assert!(pair.half_open().is_some());
    open(&mut pair);
    pair.finish();
    assert_eq!((pair.a.pending(), pair.is_even(), pair.half_open()), (0, true, None));
}
