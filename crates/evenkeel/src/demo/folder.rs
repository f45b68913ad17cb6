//! Where a demo works, and what it leaves behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The folder of one demo: the regions' folders and the evidence.
///
/// Dropped, it is removed with all that is in it, except what the user chose and, after
/// [`Self::finish`], the evidence. Ctrl-C and errors end a demo by dropping it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Whether the user named it.
    is_chosen: bool,
    is_finished: bool,
}

impl Folder {
    /// Makes the chosen folder, or one for temporary files.
    pub(crate) fn make(chosen: Option<&Path>) -> anyhow::Result<Self> {
        let folder = match chosen {
            Some(path) => {
                let is_used = match fs::read_dir(path) {
                    Ok(mut entries) => entries.next().is_some(),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                    Err(error) => {
                        return Err(error).with_context(|| format!("--dir {}", path.display()));
                    }
                };
                if is_used {
                    bail!("{} is not empty: choose another --dir", path.display());
                }
                Self { path: path.to_owned(), is_chosen: true, is_finished: false }
            }
            None => {
                let made = tempfile::Builder::new().prefix("evenkeel-demo-").tempdir();
                let made = made.context("cannot make a folder for temporary files")?;
                Self { path: made.keep(), is_chosen: false, is_finished: false }
            }
        };
        let evidence = folder.evidence();
        fs::create_dir_all(&evidence)
            .with_context(|| format!("cannot make {}", evidence.display()))?;
        Ok(folder)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What stays behind.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.path.join("evidence")
    }

    /// From now on the evidence stays behind.
    pub(crate) fn finish(&mut self) {
        self.is_finished = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.is_chosen {
            return;
        }
        // What cannot be removed is left to whoever cleans temporary files.
        if !self.is_finished {
            let _left = fs::remove_dir_all(&self.path).is_err();
            return;
        }
        // Keys and logs of records go; the evidence needs neither.
        let evidence = self.evidence();
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            if path != evidence {
                let _left = fs::remove_dir_all(path).is_err();
            }
        }
    }
}
