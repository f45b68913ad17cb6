//! If limits contradict each other, sessions flap or never end.

use super::*;

#[test]
fn limits_that_contradict_each_other_are_refused_at_start() {
    // A queue that can never hold the longest frame stalls a catch-up for ever, long after start.
    let check = |change: fn(&mut Limits), expect| {
        let mut limits = Limits::default();
        change(&mut limits);
        assert_eq!(limits.check(), expect);
    };
    check(|_| {}, Ok(()));
    check(|limits| limits.frame_bytes_max = 0, Err(LimitsError::FrameBytes));
    check(|limits| limits.frame_bytes_max = 1 << 30, Err(LimitsError::FrameBytes));
    check(|limits| limits.bulk_queue_bytes_max = 8 << 20, Err(LimitsError::QueueBytes));
    check(|limits| limits.inbound_bytes_max = 8 << 20, Err(LimitsError::QueueBytes));
    check(|limits| limits.keepalive = Duration::ZERO, Err(LimitsError::Keepalive));
    check(|limits| limits.silence_max = limits.keepalive, Err(LimitsError::Keepalive));
    check(|limits| limits.redial_min = Duration::ZERO, Err(LimitsError::Redial));
    check(|limits| limits.redial_max = Duration::from_millis(49), Err(LimitsError::Redial));
    check(|limits| limits.handshakes_max = 0, Err(LimitsError::Handshake));
}
