//! Files that must be refused, each with a neighbour that must not.

use super::*;

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

fn table() -> Table {
    let rows = "\
| crate | layer | may use | its tests also | never |
|---|---|---|---|---|
| `journal` | 2 | – | – | does I/O |
| `storage` | 4 | – | – | interprets |
| `sim` | 4 | – | – | is linked |
";
    Table::parse(rows).unwrap()
}

fn crates() -> Vec<Crate> {
    let named = |name: &str| Crate {
        name: name.to_owned(),
        folder: format!("crates/{name}"),
        arrows: Vec::new(),
        has_binary: false,
    };
    vec![named("journal"), named("storage"), named("sim")]
}

#[test]
fn a_file_opens_by_saying_what_it_is() {
    // Without it a newcomer would have to read a file to learn whether to read it.
    let good = source("a.rs", "//! What it is.\nfn f() {}\n");
    let bad = [source("b.rs", "// Copyright\n//! Late.\n"), source("c.rs", "")];
    assert!(check_openings(&[good]).is_empty());
    assert_eq!(check_openings(&bad).len(), 2);
    assert!(said(&check_openings(&bad))[0].starts_with("error: b.rs:1: does not open with `//!`"));
}

#[test]
fn long_files_are_named() {
    // Without it files would grow until nobody can hold one in mind.
    let lines = |opening: &str, count: usize| opening.to_owned() + &"fn f() {}\n".repeat(count);
    let check = |path: &str, text: String, expect: &[&str]| {
        assert_eq!(said(&check_lengths(&[source(path, &text)])), expect);
    };
    check("a/src/x.rs", lines("", 500), &[]);
    check(
        "a/src/x.rs",
        lines("", 501),
        &["warning: a/src/x.rs: has 501 lines, more than 500: look for the seam"],
    );
    check(
        "a/src/x.rs",
        lines("", 901),
        &["error: a/src/x.rs: has 901 lines, more than 900: cut it at its seam"],
    );
    check("a/src/x/tests.rs", lines("", 901), &[]);
    check("a/tests/it/main.rs", lines("", 901), &[]);
    check("a/src/x.rs", lines("//! Codes.\n//!\n//! Generated from the list of 2026.\n", 901), &[]);
    check(
        "a/src/x.rs",
        lines("//! Codes.\nfn f() {}\n//! Generated, but said too late.\n", 901),
        &["error: a/src/x.rs: has 904 lines, more than 900: cut it at its seam"],
    );
}

#[test]
fn unfinished_and_unrun_code_is_found() {
    // Without it a stub would ship, and a test that nobody runs would count as one that holds.
    let check = |text: &str, expect: &[&str]| {
        let found = check_banned(&[source("a.rs", text)]);
        let words: Vec<String> =
            said(&found).iter().map(|it| it.split(": ").nth(2).unwrap_or(it).to_owned()).collect();
        assert_eq!(words, expect, "{text}");
    };
    check("fn f() { todo!() }", &["`todo!`"]);
    check("fn f() { unimplemented!(\"x\") }", &["`unimplemented!`"]);
    check("fn f() { std::todo!() + dbg!(1) }", &["`todo!`", "`dbg!`"]);
    check("#[ignore = \"slow\"]\nfn f() {}", &["`#[ignore`"]);
    check("#[should_panic(expected = \"x\")]\nfn f() {}", &["`#[should_panic`"]);
    check("#![allow(clippy::all)]", &["`#![allow(`"]);
    check("// todo!() later\nfn f() { g(\"dbg!\"); my_todo!(); }", &[]);
    let line = said(&check_banned(&[source("a.rs", "//! x\n\nfn f() { todo!() }\n")]));
    assert_eq!(line, ["error: a.rs:3: `todo!`: finish it, or leave out what calls it"]);
}

#[test]
fn deciders_do_not_sleep_in_tests() {
    // Without it a slow machine would fail a test that holds, and people would learn to run it again.
    let text = "//! x\nfn f() { thread::sleep(A); }\n";
    let check = |path: &str, text: &str, expect: usize| {
        let found = check_no_sleep(&table(), &crates(), &[source(path, text)]);
        assert_eq!(found.len(), expect, "{path}");
    };
    check("crates/journal/src/scan/tests.rs", text, 1);
    check("crates/journal/tests/it/main.rs", text, 1);
    check("crates/journal/src/scan.rs", text, 0);
    check("crates/storage/tests/it/main.rs", text, 0);
    check("crates/journal/tests/it/main.rs", "//! never sleep()s\nfn f() { may_sleep(A) }\n", 0);
    let found =
        check_no_sleep(&table(), &crates(), &[source("crates/journal/tests/it/main.rs", text)]);
    assert_eq!(
        said(&found),
        ["error: crates/journal/tests/it/main.rs:2: sleeps: move the time that is passed in"]
    );
}

#[test]
fn deciders_begin_without_the_world() {
    // Without it one `use std::time` would make a run that cannot be replayed.
    let check = |text: &str, expect: &[&str]| {
        let found = check_no_std(&table(), &crates(), &[source("crates/journal/src/lib.rs", text)]);
        assert_eq!(said(&found), expect, "{text}");
    };
    let bad =
        ["error: crates/journal/src/lib.rs: does not begin with #![no_std]: `journal` decides"];
    check("//! x\n#![no_std]\nextern crate alloc;\n", &[]);
    check("//! x\n#![deny(clippy::indexing_slicing)]\n\n#![no_std]\n", &[]);
    check("//! x\nfn f() {}\n", &bad);
    check("//! #![no_std]\n// #![no_std]\nfn f() {}\n", &bad);
    check("//! x\n#![cfg_attr(not(test), no_std)]\n", &bad);
    check("//! x\nextern crate std;\n#![no_std]\n", &bad);
    assert_eq!(
        said(&check_no_std(&table(), &crates(), &[])),
        ["error: crates/journal/src/lib.rs: is absent: a decider is a library"]
    );
}

#[test]
fn the_product_breaks_no_rule_on_purpose() {
    // Without it a canary could reach a real region: an acknowledgement before the disk has it.
    let check = |path: &str, line: &str, expect: usize| {
        let text = format!("//! x\n{line}\n");
        let found = check_no_mutants(&table(), &crates(), &[source(path, &text)]);
        assert_eq!(found.len(), expect, "{path} {line}");
    };
    check("crates/storage/src/lib.rs", "f(Mutant::None)", 0);
    check("crates/storage/src/lib.rs", "f(Mutant::SealTooFew)", 1);
    check("crates/storage/src/lib.rs", "f(Mutant::None, journal::Mutant::NoneAtAll)", 1);
    check("crates/storage/src/lib.rs", "use journal::Mutant::*;", 1);
    check("crates/storage/tests/it/main.rs", "f(Mutant::SealTooFew)", 1);
    check("crates/storage/src/lib.rs", "// never Mutant::SealTooFew", 0);
    check("crates/journal/src/lib.rs", "f(Mutant::SealTooFew)", 0);
    check("crates/sim/src/lib.rs", "f(Mutant::SealTooFew)", 0);
}
