//! Unit tests.

use super::{Groups, groups};

#[test]
fn groups_are_named_as_the_nodes_name_them() {
    // Without this, an operator in a hurry could move other groups than were meant.
    assert_eq!(groups("all"), Ok(Groups::All));
    assert_eq!(groups("g7, 8,7"), Ok(Groups::These([7, 8].into())));
    for wrong in ["", "7-9", "7,,8", "All", "-1", "70000"] {
        assert!(groups(wrong).is_err(), "{wrong}");
    }
}
