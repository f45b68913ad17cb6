//! A gate that lets a bad change through, or says nothing that helps.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn one_failure_fails_the_run() {
    // Without it a red step in the middle would be forgotten by the time the last one is green.
    let held = (Step::Format, Verdict::Held, SECOND);
    let left = (Step::Simulator, Verdict::Left("no binary yet".to_owned()), SECOND);
    let failed = (Step::Clippy, Verdict::Failed, SECOND);
    let none = Tally::default();
    assert!(holds(&[held.clone(), left.clone()], none));
    assert!(!holds(&[held.clone(), failed, left], none));
    assert!(!holds(&[held], Tally { failed: 1, ..none }));
}

#[test]
fn lines_name_the_step_and_the_reason() {
    // Without it someone would search a thousand lines of output for what went wrong.
    assert_eq!(line(Step::Tests, &Verdict::Held, SECOND), "ok: tests in 1.0 s");
    assert_eq!(line(Step::Tidy, &Verdict::Failed, SECOND), "FAILED: tidy after 1.0 s");
    let left = missing("clippy");
    assert_eq!(
        line(Step::Clippy, &left, SECOND),
        "not run: clippy, clippy is not installed: rustup component add clippy"
    );
}

#[test]
fn a_watched_command_keeps_both_streams_and_its_verdict() {
    // Without it a summary on the other stream would not be counted (nextest writes to stderr).
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("--version");
    let (held, output) = watch(command).unwrap();
    assert!(held);
    assert!(output.starts_with("cargo "), "{output}");

    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg("no-such-command-anywhere");
    let (held, output) = watch(command).unwrap();
    assert!(!held);
    assert!(output.contains("no-such-command-anywhere"), "{output}");
}
