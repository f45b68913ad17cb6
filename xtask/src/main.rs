//! The scripts of this project, in Rust: `cargo xtask ci`, `cargo xtask tidy` and `cargo xtask chaos`.
//!
//! One command says whether a change may go in, on a laptop and on the build machine alike, and needs
//! nothing but Rust and git. The rules of the house that no compiler knows (which crate may use
//! which, how a file opens, what never changes once released) are checks in `tidy`, each a function
//! with tests that show it failing. Nothing here is linked into the product.
#![expect(clippy::print_stdout, reason = "a command line tool answers on standard output")]

mod chaos;
mod ci;
mod tally;
mod tidy;
mod workspace;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

const HELP: &str = "\
The checks of this project.

Usage: cargo xtask <command>

Commands:
  ci           everything a change must pass: format, tidy, clippy, tests, doc tests,
               a thousand simulator seeds, real nodes under faults, documentation. Steps are
               numbered and timed; all of them run even when one fails, and the last line counts
               the tests: `N passed, N failed, N skipped`.
  ci --quick   the same without the simulator, the faults and the documentation: before each commit.
  chaos        real nodes under real faults, judged by what their clients saw. Options are passed
               on: `--seed N`, `--seconds N`, `--only kill,pause`; `canary`, `plan`; `--help`.
               Linux with namespaces, TUN and better FUSE; says what it leaves out.
  tidy         only the rules of the house, a second's work:
                 layers     the crates' dependencies against the table in ARCHITECTURE.md
                 no_std     crates of layers 0-3 decide, so the compiler keeps the world out
                 sources    how files open, how long they are, what never stands in them
                 mutants    rules broken on purpose are named by the simulator only
                 manifests  shared lints everywhere; async and sockets only in layers 4-5
                 glossary   one word, one meaning, in GLOSSARY.md
                 golden     released bytes are added, never edited; each has a test
  help         this text

Where to go on:
  a check fails        its line names the file, the rule, and what to do
  a new crate          docs/howto/add-a-crate.md
  a new message        docs/howto/add-a-message.md
  a new fault          docs/howto/add-a-fault.md
  a chaos run failed   docs/howto/chaos.md
  licences, sources    docs/howto/check-dependencies.md (cargo-deny, not part of `ci`)

Tests run under cargo-nextest when it is installed and under `cargo test` when it is not; both
count alike. Exit code: 0 all held, 1 something did not, 2 the command was not understood.
";

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["ci"] => root().map(|root| ci::run(&root, ci::Extent::Whole)),
        ["ci", "--quick"] => root().map(|root| ci::run(&root, ci::Extent::Quick)),
        ["chaos", rest @ ..] => root().and_then(|root| {
            let ended = chaos::run(&root, &[chaos::words(rest)])?;
            Ok(ended != chaos::Ended::Failed)
        }),
        ["tidy"] => root().and_then(|root| tidy::run(&root)),
        [] | ["help" | "--help" | "-h", ..] | ["ci" | "tidy", "--help" | "-h"] => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        other => {
            println!("`cargo xtask {}` is not a command.\n\n{HELP}", other.join(" "));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder that holds the workspace manifest: this crate's parent at the time it was built.
fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no parent")?;
    root.canonicalize().with_context(|| format!("cannot open the workspace {}", root.display()))
}
