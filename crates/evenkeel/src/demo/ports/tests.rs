//! Unit tests.

use std::net::{Ipv4Addr, TcpListener};

use super::choose;

#[test]
fn a_taken_port_is_named_and_a_free_range_avoids_it() {
    // Without this, a second demo on one machine would fail with a bare system error, or not at all
    // and talk to the first.
    let base = choose(None, 6, 7).unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, base + 3)).unwrap();
    let error = choose(Some(base), 6, 0).unwrap_err();
    assert!(error.to_string().contains(&format!("port {} is taken", base + 3)), "{error}");
    let other = choose(None, 6, 7).unwrap();
    assert!(base + 3 < other || other + 6 <= base + 3);
    drop(taken);
    assert!(choose(Some(u16::MAX - 2), 6, 0).is_err());
    assert!(choose(Some(0), 6, 0).is_err());
}
