//! If a walk over the log misses or invents records, recovery starts from another history.

use super::*;

/// Without it the search past a bad place would step over a record, or never end.
#[test]
fn zeros_are_counted_to_the_first_word_that_is_not() {
    for (length, nonzero, expect) in [
        (0, None, 0),
        (8, None, 8),
        (4096, None, 4096),
        (4096, Some(0), 0),
        (4096, Some(7), 0),
        (4096, Some(8), 8),
        (4096, Some(255), 248),
        (4096, Some(256), 256),
        (4096, Some(4095), 4088),
        (264, Some(263), 256),
    ] {
        let mut bytes = vec![0; length];
        if let Some(at) = nonzero {
            bytes[at] = 1;
        }
        assert_eq!(zeros(&bytes), expect, "{length} {nonzero:?}");
    }
}
