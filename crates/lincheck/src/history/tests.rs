//! Without these, a system that puts a later operation before an earlier one would pass.

use alloc::vec::Vec;

use super::{Claim, overtaken};

fn check(spans: &[(u64, u64, u64)], strict: bool, expect: Option<(usize, usize)>) {
    let claim =
        |(called, at, place): &(u64, u64, u64)| Claim { called: *called, at: *at, place: *place };
    let claims: Vec<Claim> = spans.iter().map(claim).collect();
    assert_eq!(overtaken(&claims, strict), expect, "{spans:?}");
}

#[test]
fn a_claimed_order_is_held_against_the_clock() {
    // A payment that was acknowledged before another was sent, but stands behind it in the journal.
    check(&[], true, None);
    check(&[(0, 5, 1), (6, 9, 2)], true, None);
    check(&[(0, 5, 2), (6, 9, 1)], false, Some((0, 1)));
    // At the same time, either may be first.
    check(&[(0, 6, 2), (6, 9, 1)], false, None);
    check(&[(0, 9, 2), (3, 5, 1)], true, None);
    // One place for both: fine if they overlap, and if places are shared; not fine otherwise.
    check(&[(0, 5, 1), (6, 9, 1)], false, None);
    check(&[(0, 5, 1), (6, 9, 1)], true, Some((0, 1)));
    // The one that was overtaken is not the last that ended.
    check(&[(0, 1, 7), (2, 3, 8), (0, 4, 1), (9, 9, 7)], false, Some((1, 3)));
}
