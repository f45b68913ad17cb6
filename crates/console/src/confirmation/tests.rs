//! A code that can be kept for later, or guessed, is one person's.

use super::*;

const SHOWN: Hash = Hash([1; 32]);
const OTHER: Hash = Hash([2; 32]);

fn opened() -> (Confirmations, Instant) {
    let (all, now) = (Confirmations::default(), Instant(1_000));
    all.open(SHOWN, "right".into(), now);
    (all, now)
}

#[test]
fn a_code_is_good_once_for_what_was_shown_and_not_for_long() {
    // One that was read weeks ago would let one person do alone what takes two.
    let (all, now) = opened();
    assert_eq!(all.check(OTHER, "right", now), Err(Unconfirmed::Changed));
    assert_eq!(all.check(SHOWN, "right", now), Ok(()));
    assert_eq!(all.check(SHOWN, "right", now.after(CODE_LIFE_US)), Err(Unconfirmed::NoneOpen));
    all.used();
    assert_eq!(all.check(SHOWN, "right", now), Err(Unconfirmed::NoneOpen));
}

#[test]
fn a_newer_code_ends_the_one_before() {
    // What the second agreed to would not be what the first was shown last.
    let (all, now) = opened();
    all.open(SHOWN, "newer".into(), now);
    assert!(matches!(all.check(SHOWN, "right", now), Err(Unconfirmed::Wrong { .. })));
    assert_eq!(all.check(SHOWN, "newer", now), Ok(()));
}

#[test]
fn a_code_that_is_guessed_at_ends() {
    // Whoever has the token would come to it in the end, and the second person would see nothing.
    let (all, now) = opened();
    for left in (0..CODE_TRIES_MAX).rev() {
        assert_eq!(all.check(SHOWN, "guess", now), Err(Unconfirmed::Wrong { left }));
    }
    assert_eq!(all.check(SHOWN, "right", now), Err(Unconfirmed::NoneOpen));
}
