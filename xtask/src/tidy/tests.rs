//! The checks together, on the tree that they guard.

use std::path::Path;

use super::*;

#[test]
fn this_tree_keeps_its_layers() {
    // Without it an arrow that points up would be found by whoever runs `cargo xtask`, not by whoever
    // runs the tests; a decider that reaches the world cannot be replayed.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().canonicalize().unwrap();
    let architecture = fs::read_to_string(root.join(ARCHITECTURE)).unwrap();
    let table = layers::Table::parse(&architecture).unwrap();
    let crates = workspace::crates(&root).unwrap();
    assert!(crates.len() > 15, "cargo names {} crates", crates.len());
    assert_eq!(layers::check_table(&table), []);
    assert_eq!(layers::check_crates(&table, &crates), []);
}

#[test]
fn findings_say_where_and_how_bad() {
    // Without it nobody could tell a rule that stops them from advice.
    assert_eq!(Finding::fails("a.rs:3", "no").to_string(), "error: a.rs:3: no");
    assert_eq!(Finding::warns("a.rs", "long").to_string(), "warning: a.rs: long");
}
