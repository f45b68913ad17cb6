//! A window that closes too early costs a round trip; one that never closes floods a slow member.

use super::*;

const WINDOW: u64 = 2;

fn fresh() -> Progress {
    Progress::new(Seq(101), Instant(0))
}

#[test]
fn the_first_record_of_an_epoch_goes_out_before_any_word_of_the_member() {
    let mut peer = fresh();
    assert_eq!(peer.next(Seq(101), WINDOW), Some(Seq(101)));
    peer.sent = Seq(102);
    assert_eq!(peer.next(Seq(103), WINDOW), None, "the window counts from the sealed chain");
    peer.rewind(Instant(1));
    assert_eq!(peer.next(Seq(103), WINDOW), Some(Seq(101)));
}

#[test]
fn a_member_that_joined_is_sent_what_it_lacks_and_no_more_than_the_window() {
    let mut peer = fresh();
    peer.sent = Seq(101);
    peer.joined = true;
    peer.ack(Seq(40), Instant(1));
    assert_eq!(peer.next(Seq(101), WINDOW), None, "what was sent may still do");
    peer.rewind(Instant(2));
    assert_eq!(peer.next(Seq(101), WINDOW), Some(Seq(41)));
    peer.sent = Seq(42);
    assert_eq!(peer.next(Seq(101), WINDOW), None);
}

#[test]
fn a_late_acknowledgement_changes_nothing() {
    let mut peer = fresh();
    peer.joined = true;
    peer.ack(Seq(102), Instant(5));
    peer.ack(Seq(101), Instant(6));
    assert_eq!((peer.acked, peer.sent, peer.moved), (Seq(102), Seq(102), Instant(5)));
}
