//! `cargo xtask tidy`: the rules of the house that no compiler knows.
//!
//! Each check is a function from plain values (crates, sources, a table) to findings, so that its
//! tests can show it failing; only `run` and `golden` ask the world. A finding names the place, what
//! is wrong there, and what to do. Most stop a change; a few only say that a seam is due.

mod glossary;
mod golden;
mod layers;
mod manifests;
mod promises;
mod prose;
mod sources;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::workspace;

/// Something a check has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    weight: Weight,
    place: String,
    says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Fails,
    Warns,
}

impl Finding {
    /// A rule is broken at `place`.
    pub(crate) fn fails(place: impl Into<String>, says: impl Into<String>) -> Self {
        Self { weight: Weight::Fails, place: place.into(), says: says.into() }
    }

    /// A rule is about to be broken at `place`; the run still holds.
    pub(crate) fn warns(place: impl Into<String>, says: impl Into<String>) -> Self {
        Self { weight: Weight::Warns, place: place.into(), says: says.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.weight {
            Weight::Fails => "error",
            Weight::Warns => "warning",
        };
        write!(f, "{word}: {}: {}", self.place, self.says)
    }
}

/// Where the table of layers stands, relative to the root.
const ARCHITECTURE: &str = "ARCHITECTURE.md";

/// Runs every check on the tree at `root` and prints what they find; `Ok(true)` if no rule is broken.
///
/// # Errors
/// The tree could not be read, or cargo or git could not be asked.
pub(crate) fn run(root: &Path) -> Result<bool> {
    let findings = all(root)?;
    for finding in &findings {
        println!("{finding}");
    }
    let broken = findings.iter().filter(|finding| finding.weight == Weight::Fails).count();
    println!("tidy: {broken} broken, {} to look at", findings.len() - broken);
    Ok(broken == 0)
}

fn all(root: &Path) -> Result<Vec<Finding>> {
    let crates = workspace::crates(root)?;
    let sources = workspace::sources(root)?;
    let architecture = fs::read_to_string(root.join(ARCHITECTURE))
        .with_context(|| format!("cannot read {ARCHITECTURE}"))?;
    let mut findings = Vec::new();
    match layers::Table::parse(&architecture) {
        Ok(table) => {
            findings.extend(layers::check_table(&table));
            findings.extend(layers::check_crates(&table, &crates));
            findings.extend(sources::check_no_std(&table, &crates, &sources));
            findings.extend(sources::check_no_sleep(&table, &crates, &sources));
            findings.extend(sources::check_no_mutants(&table, &crates, &sources));
            findings.extend(manifests::check_world(&table, &crates));
        }
        Err(finding) => findings.push(finding),
    }
    findings.extend(sources::check_openings(&sources));
    findings.extend(sources::check_lengths(&sources));
    findings.extend(sources::check_banned(&sources));
    for package in &crates {
        let path = format!("{}/Cargo.toml", package.folder);
        let text =
            fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        findings.extend(manifests::check_lints(&path, &text));
    }
    let words = fs::read_to_string(root.join(glossary::FILE))
        .with_context(|| format!("cannot read {}", glossary::FILE))?;
    findings.extend(glossary::check(&words));
    let promised = fs::read_to_string(root.join(promises::FILE))
        .with_context(|| format!("cannot read {}", promises::FILE))?;
    findings.extend(promises::check(&promised, &sources));
    let files = workspace::files(root, &root.join(golden::FOLDER))?;
    findings.extend(golden::check_referenced(&files, &sources));
    findings.extend(golden::check_released(root)?);
    Ok(findings)
}

#[cfg(test)]
mod tests;
