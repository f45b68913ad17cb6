//! If a slow fsync is not counted as slow, nobody sees a disk die.

use super::*;

/// Without it the figures by which an operator judges a disk would be cut off at the first value.
#[test]
fn slow_fsyncs_are_told_from_fast_ones() {
    let ticks = AtomicU64::new(0);
    let times = [0, 90, 100, 5_000_100, 6_000_000, 6_000_000 + 2 * FSYNC_US_MAX];
    let clock: Clock = Arc::new(move || {
        let turn = usize::try_from(ticks.fetch_add(1, Ordering::Relaxed)).expect("small");
        Instant(times[turn])
    });
    let gauges = Gauges::new();
    gauges.timed(&clock, || {
        assert_eq!(gauges.fsync_since(), Some(Instant(0)), "a watchdog sees it hang");
    });
    assert_eq!(gauges.fsync_since(), None);
    gauges.timed(&clock, || ());
    gauges.timed(&clock, || ());
    let stats = gauges.snapshot(0, 0);
    assert_eq!(stats.fsync_us.value_at_quantile(0.1), 90);
    assert!(stats.fsync_us.value_at_quantile(0.5) >= 5_000_000);
    assert!(stats.fsync_us.max() >= FSYNC_US_MAX);
    assert_eq!(stats.fsync_last, Some(Instant(times[5])));
}
