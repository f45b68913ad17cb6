//! `cargo xtask ci`: all that a change must pass, step by step, with its time.
//!
//! Cheap steps stand first, so that a slip costs seconds. A step that fails does not stop those after
//! it: one run tells everything. What runs is what cargo runs by itself, with the profiles of the
//! root manifest: clippy and the documentation share their metadata, tests their build, and only
//! the simulator is built with optimisation. The last line is the count of tests and nothing else,
//! for whoever reads it by machine.

use std::fmt;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::chaos::{self, Ended};
use crate::tally::{self, Runner, Tally};
use crate::tidy;
use crate::workspace::{self, Crate};

/// How much of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    Whole,
    /// Without the simulator, the faults on real nodes, and the documentation.
    Quick,
}

/// One step of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Format,
    Tidy,
    Clippy,
    Tests,
    DocTests,
    Simulator,
    Chaos,
    Documentation,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Clippy => "clippy",
            Self::Tests => "tests",
            Self::DocTests => "doc tests",
            Self::Simulator => "simulator",
            Self::Chaos => "chaos",
            Self::Documentation => "documentation",
        })
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Held,
    Failed,
    /// Could not run here, and why; printed as such, never as a success.
    Left(String),
}

/// The simulator's part: a thousand seeds, which take a quiet machine a quarter of a minute, the same
/// trace twice, the mutants that prove that the simulator would notice, and every order of everything
/// within a small bound. Thousands of seeds belong to the night.
const SIMULATOR: [&[&str]; 4] =
    [&["run", "--seeds", "1000"], &["twice", "--seed", "7"], &["canaries"], &["exhaust"]];

/// Real nodes: one run that has every fault at least once, and one on disks that lie, which proves that
/// a run would notice. Longer runs, and seeds by chance, belong to the night.
const CHAOS: [&[&str]; 2] = [&["run", "--seed", "7", "--seconds", "100"], &["canary"]];

/// Where nextest writes what `xtask/nextest.toml` asks for, relative to the root.
const NEXTEST_REPORT: &str = "target/nextest/ci/junit.xml";

/// Runs the steps in `root` and prints what came of each; `true` if none failed. A step that cannot
/// even be tried, because a program does not start or a file does not read, has failed.
pub(crate) fn run(root: &Path, extent: Extent) -> bool {
    let steps: &[Step] = match extent {
        Extent::Whole => &[
            Step::Format,
            Step::Tidy,
            Step::Clippy,
            Step::Tests,
            Step::DocTests,
            Step::Simulator,
            Step::Chaos,
            Step::Documentation,
        ],
        Extent::Quick => &[Step::Format, Step::Tidy, Step::Clippy, Step::Tests, Step::DocTests],
    };
    let begin = now();
    let mut tally = Tally::default();
    let mut outcomes = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        println!("\n[{}/{}] {step}", index + 1, steps.len());
        let begin = now();
        let verdict = take(root, *step, &mut tally).unwrap_or_else(|error| {
            println!("error: {error:#}");
            Verdict::Failed
        });
        let elapsed = begin.elapsed();
        println!("{}", line(*step, &verdict, elapsed));
        outcomes.push((*step, verdict, elapsed));
    }
    println!("\nsummary after {}", seconds(begin.elapsed()));
    for (step, verdict, elapsed) in &outcomes {
        println!("  {}", line(*step, verdict, *elapsed));
    }
    println!("{tally}");
    holds(&outcomes, tally)
}

/// Whether a run may be called good: no step failed, and no test did. The count is asked as well as
/// the exit codes, so that a runner which forgives is not believed.
fn holds(outcomes: &[(Step, Verdict, Duration)], tally: Tally) -> bool {
    outcomes.iter().all(|(_, verdict, _)| *verdict != Verdict::Failed) && tally.failed == 0
}

fn line(step: Step, verdict: &Verdict, elapsed: Duration) -> String {
    match verdict {
        Verdict::Held => format!("ok: {step} in {}", seconds(elapsed)),
        Verdict::Failed => format!("FAILED: {step} after {}", seconds(elapsed)),
        Verdict::Left(reason) => format!("not run: {step}, {reason}"),
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[expect(clippy::disallowed_methods, reason = "a script times its steps; nothing is decided by it")]
fn now() -> Instant {
    Instant::now()
}

fn take(root: &Path, step: Step, tally: &mut Tally) -> Result<Verdict> {
    match step {
        Step::Format if !answers(root, "fmt") => Ok(missing("rustfmt")),
        Step::Format => obey(root, &["fmt", "--all", "--check"], &[]),
        Step::Tidy => Ok(verdict(tidy::run(root)?)),
        Step::Clippy if !answers(root, "clippy") => Ok(missing("clippy")),
        Step::Clippy => {
            let all = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            let verdict = obey(root, &all, &[])?;
            if verdict == Verdict::Held { fuzz_targets(root) } else { Ok(verdict) }
        }
        Step::Tests => tests(root, tally),
        Step::DocTests => {
            let arguments = ["test", "--workspace", "--doc", "--no-fail-fast"];
            count(root, &arguments, Runner::Libtest, tally)
        }
        Step::Simulator => simulator(root),
        Step::Chaos => faults(root),
        Step::Documentation => {
            let flags = std::env::var("RUSTDOCFLAGS").unwrap_or_default();
            let flags = format!("{flags} -D warnings");
            obey(root, &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", flags.trim())])
        }
    }
}

/// Checks that the fuzz targets, a workspace of their own, still fit the parsers; without the engine,
/// which needs a C++ compiler.
fn fuzz_targets(root: &Path) -> Result<Verdict> {
    // The versions that the product has, so that the work done for it serves here too.
    fs::copy(root.join("Cargo.lock"), root.join("fuzz/Cargo.lock"))
        .context("cannot copy Cargo.lock for the fuzz targets")?;
    let target = std::env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let arguments = [
        "clippy",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--no-default-features",
        "--bins",
        "--",
        "-D",
        "warnings",
    ];
    obey(root, &arguments, &[("CARGO_TARGET_DIR", &target)])
}

fn verdict(held: bool) -> Verdict {
    if held { Verdict::Held } else { Verdict::Failed }
}

fn missing(component: &str) -> Verdict {
    Verdict::Left(format!("{component} is not installed: rustup component add {component}"))
}

/// Runs the tests under the better runner that is there.
fn tests(root: &Path, tally: &mut Tally) -> Result<Verdict> {
    if !answers(root, "nextest") {
        println!("cargo-nextest is not installed; `cargo test` does the same, one crate at a time");
        let arguments = [
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--no-fail-fast",
            "--",
            "--show-output",
        ];
        return count(root, &arguments, Runner::Libtest, tally);
    }
    let report = root.join(NEXTEST_REPORT);
    // A report of an earlier run must not count for this one.
    match fs::remove_file(&report) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", report.display()));
        }
        _ => {}
    }
    let arguments = [
        "nextest",
        "run",
        "--workspace",
        "--config-file",
        "xtask/nextest.toml",
        "--profile",
        "ci",
        "--no-tests",
        "pass",
    ];
    let verdict = count(root, &arguments, Runner::Nextest, tally)?;
    // Nothing compiled means no report, and no test to move.
    if let Ok(report) = fs::read_to_string(&report) {
        tally.move_skipped(tally::skipped_in_junit(&report));
    }
    Ok(verdict)
}

fn simulator(root: &Path) -> Result<Verdict> {
    let crates = workspace::crates(root)?;
    if !crates.iter().any(|package: &Crate| package.name == "sim" && package.has_binary) {
        return Ok(Verdict::Left("the crate `sim` has no binary yet".to_owned()));
    }
    let mut held = true;
    for arguments in SIMULATOR {
        let mut words = vec!["run", "--quiet", "--release", "--package", "sim", "--"];
        words.extend_from_slice(arguments);
        held &= obey(root, &words, &[])? == Verdict::Held;
    }
    Ok(verdict(held))
}

fn faults(root: &Path) -> Result<Verdict> {
    let runs: Vec<Vec<&str>> = CHAOS.iter().map(|words| words.to_vec()).collect();
    Ok(match chaos::run(root, &runs)? {
        Ended::Held => Verdict::Held,
        Ended::Failed => Verdict::Failed,
        Ended::NotPermitted => {
            Verdict::Left("this machine does not permit it, for the reason above".to_owned())
        }
    })
}

/// Runs cargo with its output going where ours goes.
fn obey(root: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Verdict> {
    println!("$ cargo {}", arguments.join(" "));
    let mut command = workspace::cargo(root);
    command.args(arguments).envs(variables.iter().copied());
    let status = command.status().context("cannot start cargo")?;
    Ok(verdict(status.success()))
}

/// Runs cargo, shows its output as it comes, and adds to `tally` what its summaries say.
fn count(root: &Path, arguments: &[&str], runner: Runner, tally: &mut Tally) -> Result<Verdict> {
    println!("$ cargo {}", arguments.join(" "));
    let mut command = workspace::cargo(root);
    command.args(arguments);
    let (held, output) = watch(command)?;
    let mut counted = Tally::default();
    for line in output.lines() {
        if let Some(more) = tally::summary(runner, line) {
            counted += more;
        }
    }
    if runner == Runner::Libtest {
        counted.move_skipped(tally::skipped_in_shown_output(&output));
    }
    *tally += counted;
    Ok(verdict(held))
}

/// Runs a command to its end, passing every line on as it comes; returns whether it succeeded, and
/// what it said on both streams. Lines of one stream keep their order and stand together in the
/// result, since a block that is cut by the other stream could not be counted.
fn watch(mut command: Command) -> Result<(bool, String)> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start cargo")?;
    let stdout = child.stdout.take().context("cargo has no output")?;
    let stderr = child.stderr.take().context("cargo has no error output")?;
    let (out, err) = thread::scope(|scope| {
        let out = scope.spawn(|| pass_on(stdout));
        let err = pass_on(stderr);
        (out.join(), err)
    });
    let out = out.map_err(|_| anyhow!("the thread that reads cargo's output died"))?;
    let status = child.wait().context("cannot wait for cargo")?;
    Ok((status.success(), out.context("cannot read cargo")? + &err.context("cannot read cargo")?))
}

fn pass_on(stream: impl Read) -> io::Result<String> {
    let mut said = String::new();
    for line in BufReader::new(stream).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        said.push_str(&line);
        said.push('\n');
    }
    Ok(said)
}

/// Whether `cargo WORD` is there.
fn answers(root: &Path, word: &str) -> bool {
    let mut command = workspace::cargo(root);
    command.args([word, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests;
