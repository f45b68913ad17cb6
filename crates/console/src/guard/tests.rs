//! If a wrong token passes, anybody moves homes.

use super::*;

#[test]
fn only_the_secret_is_the_secret() {
    assert!(same(b"0123456789abcdef", b"0123456789abcdef"));
    for wrong in
        ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdeF", "x123456789abcdef"]
    {
        assert!(!same(wrong.as_bytes(), b"0123456789abcdef"), "{wrong}");
    }
}
