//! `cargo xtask chaos`: builds the nodes and the program that breaks them, and lets it.
//!
//! Both are built as the tests of the workspace are, so that CI compiles nothing twice. What the
//! program does, and what its exit codes say, stands in its own `--help`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing was found.
    Held,
    /// Something was found, or it could not be carried out.
    Failed,
    /// This machine does not permit it; the program has said why.
    NotPermitted,
}

/// Builds what is needed and runs the program once for each list of words.
pub(crate) fn run(root: &Path, runs: &[Vec<&str>]) -> Result<Ended> {
    println!("$ cargo build --workspace --bins");
    let status = workspace::cargo(root).args(["build", "--workspace", "--bins"]).status();
    if !status.context("cannot start cargo")?.success() {
        return Ok(Ended::Failed);
    }
    let program = target(root)?.join("debug/chaos");
    let mut ended = Ended::Held;
    for words in runs {
        println!("$ chaos {}", words.join(" "));
        let status = Command::new(&program).args(words).current_dir(root).status();
        let status = status.with_context(|| format!("cannot start {}", program.display()))?;
        match read(status.code()) {
            Ended::Held => {}
            // None of the others could run either.
            Ended::NotPermitted => return Ok(Ended::NotPermitted),
            Ended::Failed => ended = Ended::Failed,
        }
    }
    Ok(ended)
}

/// What the program's words are: `run` unless another of its commands is named.
pub(crate) fn words<'a>(given: &[&'a str]) -> Vec<&'a str> {
    let is_command = |word: &&str| ["run", "plan", "canary", "help", "--help", "-h"].contains(word);
    match given.first() {
        Some(first) if is_command(first) => given.to_vec(),
        _ => [&["run"], given].concat(),
    }
}

const fn read(code: Option<i32>) -> Ended {
    match code {
        Some(0) => Ended::Held,
        Some(77) => Ended::NotPermitted,
        _ => Ended::Failed,
    }
}

/// Where cargo puts what it builds.
fn target(root: &Path) -> Result<PathBuf> {
    let output = workspace::cargo(root)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", output.status);
    }
    let said: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")?;
    let target = said["target_directory"].as_str();
    target.map(PathBuf::from).context("cargo metadata names no target directory")
}

#[cfg(test)]
mod tests;
