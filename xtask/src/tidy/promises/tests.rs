//! Promises with nothing under them, each beside one that stands.

use super::*;

fn sources() -> Vec<Source> {
    let text = "\
//! Tests.
#[test]
fn it_holds() {}

#[tokio::test(flavor = \"multi_thread\")]
async fn it_holds_on_threads() {}

fn helper() {}

// #[test]
// fn it_was_taken_out() {}
";
    vec![Source { path: "crates/a/tests/it/main.rs".to_owned(), text: text.to_owned() }]
}

fn says(rows: &str) -> Vec<String> {
    let text =
        format!("| promise | holds under | beyond that | shown by |\n|---|---|---|---|\n{rows}");
    check(&text, &sources()).iter().map(ToString::to_string).collect()
}

#[test]
fn a_promise_that_names_its_tests_stands() {
    // Without this, the check could refuse everything and so be switched off.
    assert_eq!(says("| a | b | – | `it_holds`, `it_holds_on_threads` |\n"), [""; 0]);
}

#[test]
fn a_test_that_is_not_there_is_named() {
    // Without this, a renamed test would leave its promise standing on nothing.
    for name in ["it_was_renamed", "helper", "it_was_taken_out"] {
        let said = says(&format!("| a | b | c | `it_holds`, `{name}` |\n"));
        let expected = format!("error: {FILE}:3: there is no test `{name}`");
        assert_eq!(said, [expected]);
    }
}

#[test]
fn a_promise_without_tests_or_limits_is_refused() {
    // Without this, a promise could be written that nobody can check, or that says no faults.
    assert!(says("| a | b | c | later |\n")[0].contains("names no test"));
    assert!(says("| a |  | c | `it_holds` |\n")[0].contains("leaves a cell empty"));
    assert!(says("| a | b | `it_holds` |\n")[0].contains("has 3 cells"));
    assert!(says("")[0].contains("promises nothing"));
}
