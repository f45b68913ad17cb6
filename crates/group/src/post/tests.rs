//! If a courier forgot something under way, a payment would wait for ever; if it shipped all of it again and
//! again, a region that comes back would be met by a flood.

use alloc::vec;

use bytes::Bytes;
use channel::{At, Channels};
use types::{ChannelKey, Hash, Seq};
use wire::Resolved;

use super::*;

const ME: GroupId = GroupId(1);
const PEER: GroupId = GroupId(2);
const RESEND_US: u64 = 1_000;

/// A group that has sent `count` messages.
fn sent(count: u8) -> Channels {
    let mut channels = Channels::new(ME);
    for number in 0..count {
        let at = At { stamp: Stamp(number.into()), seq: Seq(1) };
        channels.send(PEER, ChannelKey([number; 16]), Bytes::from_static(b"x"), at).unwrap();
    }
    channels
}

fn due(post: &mut Post, at: u64, channels: &Channels) -> Vec<u64> {
    post.due(Instant(at), RESEND_US, PEER, channels.outbox(PEER).unwrap())
}

/// A parcel with this number and stamp, from that group.
fn parcel(from: GroupId, number: u64, stamp: u64) -> Parcel {
    let (key, content) = (ChannelKey([0; 16]), Bytes::from_static(b"x"));
    let body = ParcelBody::Message { resolved: Resolved::default(), key, content };
    let (hash, stamp, source) = (Hash::ZERO, Stamp(stamp), Seq(1));
    Parcel { from, to: ME, number, hash, stamp, source, body }
}

fn at(instant: u64, wall: u64) -> Now {
    Now { instant: Instant(instant), wall: Stamp(wall) }
}

#[test]
fn everything_is_shipped_once_and_after_a_silence_the_oldest_is_asked_for_less_and_less_often() {
    // Sixty-four groups with a thousand messages each must not come down on a region that has just started.
    let channels = sent(3);
    let mut post = Post::default();
    assert_eq!(due(&mut post, 0, &channels), [1, 2, 3]);
    assert_eq!(due(&mut post, 500, &channels), [0_u64; 0]);
    let mut asked = Vec::new();
    let mut now = 0;
    while now < 200 * RESEND_US {
        now = post.next_deadline(RESEND_US).unwrap().0;
        assert_eq!(due(&mut post, now, &channels), [1], "only the oldest");
        asked.push(now);
    }
    let gaps: Vec<u64> = asked.windows(2).map(|two| (two[1] - two[0]) / RESEND_US).collect();
    assert_eq!(gaps[..4], [2, 4, 8, 16]);
    assert!(gaps[3..].iter().all(|gap| *gap == 16), "{gaps:?}");
    // The payee's group has a new home: nothing waits any longer.
    assert!(post.rewind_to(PEER, Instant(now)));
    assert_eq!(due(&mut post, now, &channels), [1, 2, 3]);
}

#[test]
fn a_wish_to_cancel_is_shipped_for_what_is_under_way() {
    // A message that was shipped before its cancel would otherwise be cancelled only after a silence.
    let mut channels = sent(2);
    let mut post = Post::default();
    assert_eq!(due(&mut post, 0, &channels), [1, 2]);
    assert!(channels.cancel(PEER, ChannelKey([1; 16]), At::default()));
    assert_eq!(due(&mut post, 10, &channels), [2]);
    assert_eq!(due(&mut post, 20, &channels), [0_u64; 0]);
}

#[test]
fn only_the_next_number_is_taken_in_also_before_the_chain_has_it() {
    // Pipelined messages come faster than they commit; each must enter the chain once.
    let mut post = Post::default();
    assert!(!post.take(Way::Message, 4, parcel(PEER, 6, 0)), "5 is missing");
    assert!(post.take(Way::Message, 4, parcel(PEER, 5, 0)));
    assert!(!post.take(Way::Message, 4, parcel(PEER, 5, 0)), "it is on its way");
    assert!(post.take(Way::Message, 4, parcel(PEER, 6, 0)));
    assert!(post.take(Way::Answer, 0, parcel(PEER, 1, 0)), "answers are another channel");
    let (batch, _) = post.batch(at(0, 0), 0);
    assert_eq!(batch.iter().map(|parcel| parcel.number).collect::<Vec<_>>(), [5, 6, 1]);
    assert!(!post.take(Way::Message, 4, parcel(PEER, 6, 0)), "it is in the chain, not applied");
    post.is_applied();
    assert!(post.take(Way::Message, 6, parcel(PEER, 7, 0)));
}

#[test]
fn a_message_ahead_of_the_skew_bound_is_held_and_with_it_those_behind_it() {
    // A payer whose clock runs hours ahead must not take the payee's time along (N6).
    let other = GroupId(3);
    let mut post = Post::default();
    assert!(post.take(Way::Message, 0, parcel(PEER, 1, 1_600)));
    assert!(post.take(Way::Message, 0, parcel(PEER, 2, 900)));
    assert!(post.take(Way::Message, 0, parcel(other, 1, 1_500)));
    let (batch, newest) = post.batch(at(10, 1_000), 500);
    assert_eq!(batch, [parcel(other, 1, 1_500)]);
    assert_eq!(newest, Stamp(1_500), "the record's stamp has to be above this");
    assert_eq!(post.next_deadline(RESEND_US), Some(Instant(110)));
    let (batch, _) = post.batch(at(110, 1_100), 500);
    assert_eq!(batch, [parcel(PEER, 1, 1_600), parcel(PEER, 2, 900)]);
    assert_eq!(post.next_deadline(RESEND_US), None);
}

#[test]
fn what_one_message_cannot_carry_goes_in_several() {
    // A frame beyond the limit is refused as a whole, again and again.
    let many: Vec<Parcel> = (1..=2_500).map(|number| parcel(PEER, number, 0)).collect();
    let bundles = bundles(PEER, many);
    let sizes: Vec<usize> = bundles.iter().map(|(_, parcels)| parcels.len()).collect();
    assert_eq!(sizes, vec![1_024, 1_024, 452]);
}
