//! If a pattern matches too much or too little, a wrong identifier passes or a right one is refused.

use super::{Atom, matches};

const LETTERS: u128 = 0x07ff_fffe_0000_0000_0000_0000;
const DIGITS: u128 = 0x03ff_0000_0000_0000;

/// A pattern that matches a part would let any text pass that contains a right one.
#[test]
fn patterns_cover_the_whole_text() {
    let short: &[Atom] = &[Atom { class: LETTERS, min: 2, max: 2 }];
    let long: &[Atom] =
        &[Atom { class: LETTERS, min: 2, max: 2 }, Atom { class: DIGITS, min: 1, max: 3 }];
    for (text, expect) in [
        ("AB", true),
        ("AB1", true),
        ("AB123", true),
        ("AB1234", false),
        ("A", false),
        ("", false),
        ("xAB", false),
        ("AB\n", false),
        ("ÄB", false),
        ("A1", false),
    ] {
        assert_eq!(matches(&[short, long], text), expect, "{text:?}");
    }
}
