//! If pauses do not grow and spread, a healed region is met by a thundering herd.

use super::*;

#[test]
fn pauses_double_within_their_bounds_and_differ_between_seeds() {
    // Without the bound a healed region waits for minutes; without the spread all dial at once.
    let (min, max) = (Duration::from_millis(50), Duration::from_secs(1));
    let mut backoff = Backoff::new(min, max, 7);
    let mut bound = min;
    for _ in 0..10 {
        let pause = backoff.pause();
        assert!(pause >= bound / 2 && pause <= bound, "{pause:?} for {bound:?}");
        bound = (bound * 2).min(max);
    }
    backoff.reset();
    assert!(backoff.pause() <= min);
    let pauses = |seed| {
        let mut backoff = Backoff::new(min, max, seed);
        [(); 5].map(|()| backoff.pause())
    };
    assert_eq!(pauses(1), pauses(1));
    assert_ne!(pauses(1), pauses(2));
}
