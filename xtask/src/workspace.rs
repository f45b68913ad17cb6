//! What cargo and the disk say about this workspace: its crates, their arrows, their files.
//!
//! The checks work on these plain values, so that tests can hand them a workspace that does not
//! exist. Reading happens here and nowhere else.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One crate of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Name in its manifest.
    pub(crate) name: String,
    /// Folder, relative to the root, with `/` between parts.
    pub(crate) folder: String,
    /// What it depends on, ours and others'.
    pub(crate) arrows: Vec<Arrow>,
    /// Whether `cargo run -p` finds something to run.
    pub(crate) has_binary: bool,
}

/// One dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrow {
    /// Name of the crate it points to; a local rename does not hide it.
    pub(crate) to: String,
    /// Whether only tests, examples and benches get it.
    pub(crate) only_tests: bool,
    /// Whether it points into this workspace.
    pub(crate) ours: bool,
}

/// One source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Path relative to the root, with `/` between parts.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

impl Source {
    /// Whether it holds tests by its place: `tests.rs`, or anything under a folder `tests`.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.split('/').any(|part| part == "tests")
    }
}

/// Asks cargo for the crates of the workspace at `root`, without resolving or fetching anything.
pub(crate) fn crates(root: &Path) -> Result<Vec<Crate>> {
    let output = cargo(root)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", output.status);
    }
    let said: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata is no JSON")?;
    let packages = said["packages"].as_array().context("cargo metadata names no packages")?;
    packages.iter().map(|package| read_package(root, package)).collect()
}

fn read_package(root: &Path, package: &Value) -> Result<Crate> {
    let name = package["name"].as_str().context("a package has no name")?;
    let manifest = package["manifest_path"].as_str().context("a package has no manifest")?;
    let folder = Path::new(manifest).parent().context("a manifest has no folder")?;
    let mut arrows = Vec::new();
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let to = dependency["name"].as_str().context("a dependency has no name")?;
        arrows.push(Arrow {
            to: to.to_owned(),
            only_tests: dependency["kind"].as_str() == Some("dev"),
            ours: dependency["path"].is_string(),
        });
    }
    let targets = package["targets"].as_array().into_iter().flatten();
    let mut kinds = targets.flat_map(|target| target["kind"].as_array().into_iter().flatten());
    Ok(Crate {
        name: name.to_owned(),
        folder: relative(root, folder)?,
        arrows,
        has_binary: kinds.any(|kind| kind == "bin"),
    })
}

/// Every `.rs` file of the tree in order of path, hidden and build folders left out. What git does
/// not know yet counts too: a check that waits for `git add` comes too late.
pub(crate) fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for path in files(root, root)? {
        if path.ends_with(".rs") {
            let text = fs::read_to_string(root.join(&path))
                .with_context(|| format!("cannot read {path}"))?;
            found.push(Source { path, text });
        }
    }
    Ok(found)
}

/// Every file under `folder`, relative to `root`, in order; none if the folder is absent.
pub(crate) fn files(root: &Path, folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        if !folder.is_dir() {
            continue;
        }
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("cannot list {}", folder.display()))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let kind = entry
                .file_type()
                .with_context(|| format!("cannot look at {}", entry.path().display()))?;
            if kind.is_dir() && !name.starts_with('.') && name != "target" {
                open.push(entry.path());
            } else if kind.is_file() {
                found.push(relative(root, &entry.path())?);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> Result<String> {
    let inside = path
        .strip_prefix(root)
        .with_context(|| format!("{} is not under {}", path.display(), root.display()))?;
    let parts: Vec<_> =
        inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(parts.join("/"))
}

/// A cargo that runs in `root` as if a person had typed it: what the outer `cargo run` set for this
/// crate is taken away again, since build scripts that watch those variables would build anew.
pub(crate) fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if ours.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(test)]
mod tests;
