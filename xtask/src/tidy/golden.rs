//! Golden bytes: what was released once is read for ever.
//!
//! A file under `crates/wire/golden/` is what some version wrote to somebody's disk. Editing one to
//! make a test pass means that their disk no longer reads. So a file that stands in a release tag must
//! stand in the tree unchanged; before the first release they may still change. And each file is worth
//! something only if a test reads it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Finding;
use crate::workspace::Source;

/// Where the bytes of every version stand, relative to the root.
pub(crate) const FOLDER: &str = "crates/wire/golden";

/// Every golden file is named in a test of its crate: by its file name, or by its stem in quotes where
/// a test puts the path together.
pub(crate) fn check_referenced(files: &[String], sources: &[Source]) -> Vec<Finding> {
    let tests: Vec<&Source> =
        sources.iter().filter(|it| it.is_test() && it.path.starts_with("crates/wire/")).collect();
    let unread = files.iter().filter(|file| {
        let path = Path::new(file);
        let [name, stem] = [path.file_name(), path.file_stem()]
            .map(|part| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default());
        let stem = format!("\"{stem}\"");
        name != "README.md"
            && !tests.iter().any(|test| test.text.contains(&name) || test.text.contains(&stem))
    });
    unread.map(|file| Finding::fails(file.as_str(), "is read by no test of `wire`")).collect()
}

/// Every golden file of every release (tags `v*`) stands in the tree as it was released.
///
/// # Errors
/// git could not be asked. A tree without git, such as an unpacked archive, has no releases to compare
/// with and gives a warning.
pub(crate) fn check_released(root: &Path) -> Result<Vec<Finding>> {
    if !root.join(".git").exists() {
        let says = "is not compared with releases: this tree has no git history";
        return Ok(vec![Finding::warns(FOLDER, says)]);
    }
    let mut findings = Vec::new();
    for tag in git(root, &["tag", "--list", "v*"])?.lines() {
        // Compared with the tree, not with the last commit: a slip is found before it is committed.
        // Added files do not show up by the filter, renamed ones do as deleted.
        let arguments =
            ["diff", "--no-renames", "--name-only", "--diff-filter=MDTX", tag, "--", FOLDER];
        for file in git(root, &arguments)?.lines() {
            let says =
                format!("differs from what {tag} released: bring it back, and add a new file");
            findings.push(Finding::fails(file, says));
        }
    }
    Ok(findings)
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("git {} failed: {}", arguments.join(" "), said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests;
