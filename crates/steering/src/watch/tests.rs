//! If silence is misjudged, a healthy region is deposed or a dead one is kept.

use alloc::vec;

use super::*;

const LINE: [NodeId; 2] = [NodeId(2), NodeId(3)];

#[test]
fn pulses_without_durable_progress_are_silence() {
    let mut watch = Watch::new(LINE.into_iter(), Instant(0));
    watch.pulse(NodeId(2), 1, &[], Instant(100));
    watch.pulse(NodeId(2), 1, &[], Instant(900));
    assert_eq!(watch.silence(NodeId(2), Instant(1_000)), 900);
    watch.pulse(NodeId(2), 2, &[], Instant(1_000));
    assert_eq!(watch.silence(NodeId(2), Instant(1_000)), 0);
    assert_eq!(watch.says(Instant(1_000)), vec![(NodeId(2), 0), (NodeId(3), 1_000)]);
}

#[test]
fn a_silent_witness_does_not_count() {
    let mut watch = Watch::new(LINE.into_iter(), Instant(0));
    watch.pulse(NodeId(3), 1, &[(NodeId(2), 5_000)], Instant(1_000));
    let observers = |silent_us, now| {
        watch.observers(NodeId(2), silent_us, 500, Instant(now)).collect::<Vec<_>>()
    };
    assert_eq!(observers(5_000, 1_100), vec![NodeId(3)]);
    assert_eq!(observers(5_001, 1_100), vec![]);
    assert_eq!(observers(5_000, 1_500), vec![]);
}
