//! Links keep order and notice losses at both ends.

use alloc::vec::Vec;

use types::Instant;

use super::{Arrival, Lane, Link};
use crate::frame::Header;

const FRESH: Arrival = Arrival::Fresh { lost: false };
const LOST: Arrival = Arrival::Fresh { lost: true };

fn arrive(link: &mut Link, (header, beat): (Header, u64), lane: Lane) -> Arrival {
    let lane = match lane {
        Lane::Beat(_) => Lane::Beat(beat),
        Lane::Ordered | Lane::Free => lane,
    };
    link.arrive(Instant(5), 9, &header, lane)
}

fn depart(link: &mut Link, lane: Lane) -> (Header, u64) {
    link.depart(1, 4, false, lane)
}

#[test]
fn copies_and_overtaken_frames_are_dropped() {
    // An overtaken log sync would cut decided entries off a follower's log.
    let (mut here, mut there) = (Link::default(), Link::default());
    let frames: Vec<_> = (0..4).map(|_| depart(&mut there, Lane::Ordered)).collect();
    for (frame, expect) in [
        (0, FRESH),
        (0, Arrival::Stale),
        (1, FRESH),
        (3, LOST),
        (2, Arrival::Stale),
        (3, Arrival::Stale),
    ] {
        assert_eq!(arrive(&mut here, frames[frame], Lane::Ordered), expect, "frame {frame}");
    }
}

#[test]
fn a_heartbeat_shows_that_the_last_frame_was_lost() {
    // After the last change before a quiet night nothing else would show it.
    let (mut here, mut there) = (Link::default(), Link::default());
    let first = depart(&mut there, Lane::Ordered);
    assert_eq!(arrive(&mut here, first, Lane::Ordered), FRESH);
    depart(&mut there, Lane::Ordered);
    let beat = depart(&mut there, Lane::Beat(0));
    assert_eq!(arrive(&mut here, beat, Lane::Beat(0)), LOST);
    assert_eq!(arrive(&mut here, beat, Lane::Beat(0)), Arrival::Stale);
    let next = depart(&mut there, Lane::Beat(0));
    assert_eq!(arrive(&mut here, next, Lane::Beat(0)), FRESH);
}

#[test]
fn the_sender_is_told_of_a_gap_until_it_hears() {
    // A leader that lost a follower's answer cannot repair it; the follower can, once it knows.
    let (mut leader, mut follower) = (Link::default(), Link::default());
    let hello = leader.depart(1, 9, false, Lane::Beat(0));
    assert_eq!(follower.arrive(Instant(1), 4, &hello.0, Lane::Beat(1)), FRESH);
    depart(&mut follower, Lane::Ordered);
    let second = depart(&mut follower, Lane::Ordered);
    assert_eq!(arrive(&mut leader, second, Lane::Ordered), LOST);
    let _lost = leader.depart(1, 9, true, Lane::Beat(0));
    let (header, beat) = leader.depart(1, 9, true, Lane::Beat(0));
    assert_eq!(follower.arrive(Instant(2), 4, &header, Lane::Beat(beat)), LOST);
    let (header, beat) = leader.depart(1, 9, true, Lane::Beat(0));
    assert_eq!(follower.arrive(Instant(3), 4, &header, Lane::Beat(beat)), FRESH);
    assert!(follower.quorate() && follower.heard_within(Instant(9), 6));
    assert!(!follower.heard_within(Instant(10), 6));
}

#[test]
fn a_restarted_peer_begins_again_and_its_past_is_dropped() {
    // Frames of a dead process may still be on their way.
    let mut here = Link::default();
    let mut old = Link::default();
    let late = old.depart(1, 4, false, Lane::Ordered);
    let early = old.depart(1, 4, false, Lane::Ordered);
    assert_eq!(arrive(&mut here, early, Lane::Ordered), LOST);
    let mut new = Link::default();
    let first = new.depart(1, 5, false, Lane::Ordered);
    assert_eq!(arrive(&mut here, first, Lane::Ordered), LOST);
    assert_eq!(arrive(&mut here, late, Lane::Ordered), Arrival::Stale);
    let second = new.depart(1, 5, false, Lane::Ordered);
    assert_eq!(arrive(&mut here, second, Lane::Ordered), FRESH);
}
