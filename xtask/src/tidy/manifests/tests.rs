//! Manifests that slip past the shared rules.

use super::*;
use crate::workspace::Arrow;

#[test]
fn a_manifest_takes_the_shared_lints() {
    // Without it one crate could print, unwrap and use floats while the rest of the house may not.
    let check = |text: &str, holds: bool| {
        assert_eq!(check_lints("a/Cargo.toml", text).is_none(), holds, "{text}");
    };
    check("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n\n[dependencies]\n", true);
    check("[lints] # ours\nworkspace=true\n", true);
    check("[package]\nname = \"a\"\n", false);
    check("[package]\nworkspace = true\n", false);
    check("[lints]\n\n[dependencies]\nworkspace = true\n", false);
    check("# [lints]\nworkspace = true\n", false);
    check("[lints]\nworkspace = false\n", false);
    check("[lints.rust]\nunsafe_code = \"allow\"\n", false);
    assert_eq!(
        check_lints("a/Cargo.toml", "").unwrap().to_string(),
        "error: a/Cargo.toml: does not take the shared lints: [lints] workspace = true"
    );
}

#[test]
fn deciders_get_no_sockets() {
    // Without it a decider could wait for the real clock, and no seed would bring its bug back.
    let table = "\
| crate | layer | may use | its tests also | never |
|---|---|---|---|---|
| `journal` | 2 | – | – | does I/O |
| `transport` | 4 | – | – | retries for ever |
";
    let table = Table::parse(table).unwrap();
    let check = |name: &str, to: &str, only_tests: bool, expect: &[&str]| {
        let package = Crate {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            arrows: vec![Arrow { to: to.to_owned(), only_tests, ours: false }],
            has_binary: false,
        };
        let found = check_world(&table, &[package]);
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expect, "{to}");
    };
    check("transport", "tokio", false, &[]);
    check("journal", "bytes", false, &[]);
    check("journal", "mioasm", false, &[]);
    check(
        "journal",
        "tokio-util",
        false,
        &[
            "error: crates/journal/Cargo.toml: `tokio-util` belongs to layers 4 and 5; `journal` decides",
        ],
    );
    check(
        "journal",
        "rustls",
        true,
        &[
            "error: crates/journal/Cargo.toml: `rustls` belongs to layers 4 and 5; `journal` decides",
        ],
    );
}
