//! A stamp that is too high stays: whoever trusts a fast clock for a moment pays for it by the hour.

use super::*;

const SKEW_US_MAX: u64 = 1_000;
const HOUR_US: u64 = 3_600_000_000;

/// Clocks of a node that has heard of others that are so many microseconds ahead of its own.
fn clocks(others: &[i64]) -> Clocks {
    let mut clocks = Clocks::new(at(0, HOUR_US));
    for (number, ahead) in (2..).zip(others) {
        let wall = Stamp(HOUR_US.saturating_add_signed(*ahead));
        clocks.hear(NodeId(number), wall, Instant(0));
    }
    clocks
}

fn at(instant: u64, wall: u64) -> Now {
    Now { instant: Instant(instant), wall: Stamp(wall) }
}

#[test]
fn a_clock_that_jumps_ahead_is_not_followed_from_the_first_moment_on() {
    let mut clocks = clocks(&[-10, 20]);
    assert_eq!(clocks.read(at(5, HOUR_US + 5), SKEW_US_MAX), at(5, HOUR_US + 5));
    assert_eq!(clocks.read(at(6, 2 * HOUR_US + 6), SKEW_US_MAX), at(6, HOUR_US + 26));
    assert_eq!(clocks.own(Instant(6)), Stamp(2 * HOUR_US + 6), "others must see what it says");
    assert_eq!(clocks.skew_us(), HOUR_US - 20);
    assert_eq!(clocks.read(at(7, HOUR_US + 7), SKEW_US_MAX), at(7, HOUR_US + 7));
}

#[test]
fn neither_a_slow_clock_nor_one_other_that_is_fast_moves_stamps_ahead() {
    let hour = i64::try_from(HOUR_US).unwrap();
    let now = at(5, HOUR_US + 5);
    assert_eq!(clocks(&[hour]).read(now, SKEW_US_MAX), now);
    assert_eq!(clocks(&[hour, hour]).read(now, SKEW_US_MAX), now, "late stamps only grant time");
    assert_eq!(clocks(&[]).read(now, SKEW_US_MAX), now);
}

#[test]
fn a_slow_node_that_has_heard_of_half_the_others_takes_the_rest_to_be_ahead() {
    // By a median of those it heard of it would be right among the slow ones, and call an old state fresh.
    assert_eq!(clocks(&[100, 4_000, 4_000, 4_000]).behind_us(5), 4_000);
    assert_eq!(clocks(&[100, 4_000]).behind_us(5), 4_000);
    assert_eq!(clocks(&[-100, 4_000, 4_000]).behind_us(5), 4_000);
    assert_eq!(clocks(&[-100, 100]).behind_us(3), 0);
}
