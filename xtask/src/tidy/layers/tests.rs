//! Arrows that must not be drawn, in the table and in the manifests.

use super::*;
use crate::workspace::Arrow;

const TITLES: &str =
    "| crate | layer | may use | its tests also | never |\n|---|---|---|---|---|\n";

fn table(rows: &str) -> Table {
    Table::parse(&format!("# A title\n\nSome prose.\n\n{TITLES}{rows}\nMore prose.\n")).unwrap()
}

fn package(name: &str, arrows: &[(&str, bool)]) -> Crate {
    let arrow = |(to, only_tests): &(&str, bool)| Arrow {
        to: (*to).to_owned(),
        only_tests: *only_tests,
        ours: true,
    };
    Crate {
        name: name.to_owned(),
        folder: format!("crates/{name}"),
        arrows: arrows.iter().map(arrow).collect(),
        has_binary: false,
    }
}

fn check(findings: &[Finding], expect: &[&str]) {
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(said, expect);
}

const GOOD: &str = "\
| `types` | 0 | – | – | decides |
| `wire` | 1 | `types` | – | decides |
| `journal` | 2 | `types`, `wire` | – | does I/O |
| `register` | 2 | `types` | `wire` | does I/O |
| `group` | 3 | `types`, `journal`, `register` | – | does I/O |
| `storage` | 4 | `journal` | – | interprets |
| `runtime` | 4 | `group`, `storage` | – | decides |
| `sim` | 4 | `group` | – | is linked |
| `server` | 5 | `runtime` | – | decides |
| `evenkeel` | 5 | `runtime`, `server` | – | is used |
";

#[test]
fn a_good_table_holds() {
    // Without it the house itself would not stand, and every other test here would prove nothing.
    check(&check_table(&table(GOOD)), &[]);
}

#[test]
fn a_table_that_does_not_read_is_an_error() {
    // Without it a slip in the table would quietly switch the whole check off.
    let parse = |text: &str| Table::parse(text).unwrap_err().to_string();
    assert_eq!(
        parse("| crate | layer | may use |\n|---|---|---|\n"),
        "error: ARCHITECTURE.md: has no table `crate | layer | may use | its tests also | never`"
    );
    assert_eq!(
        parse(&format!("{TITLES}| `types` | 0 | – | decides |\n")),
        "error: ARCHITECTURE.md:3: has 4 cells, not 5"
    );
    assert_eq!(
        parse(&format!("{TITLES}| `types` | 6 | – | – | decides |\n")),
        "error: ARCHITECTURE.md:3: `6` is not a layer from 0 to 5"
    );
}

#[test]
fn the_table_cannot_allow_what_the_house_forbids() {
    // Without it one edited row would make an upward arrow look agreed.
    let with = |rows: &str| check_table(&table(&format!("{GOOD}{rows}")));
    check(
        &with("| `ledger` | 1 | `journal` | – | knows trades |\n"),
        &[
            "error: ARCHITECTURE.md:17: the arrow from `ledger` (layer 1) to `journal` (layer 2) points up; arrows only point down",
        ],
    );
    check(
        &with("| `steering` | 2 | – | `journal` | opens a socket |\n"),
        &[
            "error: ARCHITECTURE.md:17: the arrow from `steering` (layer 2) to `journal` (layer 2): layer-2 crates never use each other; `group` composes them",
        ],
    );
    check(
        &with("| `model` | 1 | `wire` | – | sees a clock |\n"),
        &[
            "error: ARCHITECTURE.md:17: the arrow from `model` (layer 1) to `wire` (layer 1): crates of this layer never use each other",
        ],
    );
    check(
        &with("| `other` | 5 | `evenkeel` | – | decides |\n"),
        &[
            "error: ARCHITECTURE.md:17: the arrow from `other` (layer 5) to `evenkeel` (layer 5): only `evenkeel` may use layer 5",
        ],
    );
    check(
        &with("| `client` | 4 | `server`, `nobody` | – |  |\n| `types` | 0 | – | – | decides |\n"),
        &[
            "error: ARCHITECTURE.md:17: `client` does not say what it never does",
            "error: ARCHITECTURE.md:17: `nobody` has no row",
            "error: ARCHITECTURE.md:17: the arrow from `client` (layer 4) to `server` (layer 5) points up; arrows only point down",
            "error: ARCHITECTURE.md:18: `types` stands twice",
        ],
    );
}

#[test]
fn the_two_worlds_never_meet() {
    // Without it a fault injector could be one function call away from real money.
    let rows = format!(
        "{GOOD}| `lab` | 4 | `sim` | – | ships |\n| `bench` | 5 | `lab` | `runtime` | ships |\n"
    );
    check(
        &check_table(&table(&rows)),
        &[
            "error: ARCHITECTURE.md:18: from `bench` both `runtime` and `sim` are reached; they never meet",
        ],
    );
    let crates = [
        package("runtime", &[("storage", false)]),
        package("storage", &[("sim", true)]),
        package("sim", &[]),
    ];
    let rows = "\
| `runtime` | 4 | `storage` | – | decides |
| `storage` | 4 | – | `sim` | interprets |
| `sim` | 4 | – | – | is linked |
";
    check(
        &check_crates(&table(rows), &crates),
        &[
            "error: crates/runtime/Cargo.toml: from `runtime` both `runtime` and `sim` are reached; they never meet",
        ],
    );
}

#[test]
fn an_arrow_that_is_not_in_the_table_is_found() {
    // Without it the table would become a picture of how things once were.
    let rows = "\
| `types` | 0 | – | – | decides |
| `wire` | 1 | `types` | – | decides |
| `journal` | 2 | `types` | – | does I/O |
| `register` | 2 | `types` | `wire` | does I/O |
";
    let base = [package("types", &[]), package("wire", &[("types", false)])];
    let with = |journal: &[(&str, bool)], register: &[(&str, bool)]| {
        let mut crates = base.to_vec();
        crates.push(package("journal", journal));
        crates.push(package("register", register));
        check_crates(&table(rows), &crates)
    };
    check(&with(&[("types", false)], &[("wire", true)]), &[]);
    check(
        &with(&[("wire", false)], &[]),
        &[
            "error: crates/journal/Cargo.toml: `journal` uses `wire` but ARCHITECTURE.md:9 does not list it: do without, or change the table and write a design note",
        ],
    );
    check(
        &with(&[], &[("wire", false)]),
        &[
            "error: crates/register/Cargo.toml: `register` uses `wire` but ARCHITECTURE.md:10 does not list it: do without, or change the table and write a design note",
        ],
    );
    check(
        &with(&[("register", true)], &[]),
        &[
            "error: crates/journal/Cargo.toml: `journal` uses `register` in its tests but the arrow from `journal` (layer 2) to `register` (layer 2): layer-2 crates never use each other; `group` composes them",
        ],
    );
}

#[test]
fn crates_and_rows_are_the_same_set() {
    // Without it a new crate would stand outside all rules, and a removed one haunt the map.
    let rows = "| `types` | 0 | – | – | decides |\n| `wire` | 1 | `types` | – | decides |\n";
    check(
        &check_crates(&table(rows), &[package("types", &[]), package("helpers", &[])]),
        &[
            "error: crates/helpers/Cargo.toml: `helpers` has no row in the table of ARCHITECTURE.md",
            "error: ARCHITECTURE.md:8: `wire` is no crate of this workspace",
        ],
    );
}
