//! Where a demo works, and what it leaves behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The folder of one demo: the regions' folders and the evidence.
///
/// Dropped, it is removed with all that is in it, except, after [`Self::finish`], the evidence, and
/// all of it where the user chose the folder. A chosen folder of a demo that did not finish keeps the
/// nodes' logs, if they say anything. Ctrl-C and errors end a demo by dropping it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Whether the user named it.
    is_chosen: bool,
    /// Whether it was not there before.
    is_made: bool,
    is_finished: bool,
}

impl Folder {
    /// Makes the chosen folder, or one for temporary files.
    pub(crate) fn make(chosen: Option<&Path>) -> anyhow::Result<Self> {
        let folder = match chosen {
            Some(path) => {
                let (is_used, is_made) = match fs::read_dir(path) {
                    Ok(mut entries) => (entries.next().is_some(), false),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => (false, true),
                    Err(error) => {
                        return Err(error).with_context(|| format!("--dir {}", path.display()));
                    }
                };
                if is_used {
                    bail!("{} is not empty: choose another --dir", path.display());
                }
                Self { path: path.to_owned(), is_chosen: true, is_made, is_finished: false }
            }
            None => {
                let made = tempfile::Builder::new().prefix("evenkeel-demo-").tempdir();
                let made = made.context("cannot make a folder for temporary files")?;
                Self { path: made.keep(), is_chosen: false, is_made: true, is_finished: false }
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
        // What cannot be removed is left to whoever cleans up there.
        match (self.is_chosen, self.is_finished) {
            (true, true) => {}
            (false, false) => {
                let _left = fs::remove_dir_all(&self.path).is_err();
            }
            // Keys and logs of records go; the evidence needs neither.
            (false, true) => self.remove_all_but_evidence(),
            (true, false) => {
                self.remove_all_but_evidence();
                if is_silent(&self.evidence()) {
                    let _left = fs::remove_dir_all(self.evidence()).is_err();
                    // Fails if the user put something there meanwhile.
                    let _left = self.is_made && fs::remove_dir(&self.path).is_err();
                }
            }
        }
    }
}

impl Folder {
    fn remove_all_but_evidence(&self) {
        let evidence = self.evidence();
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            if path != evidence {
                let _left = fs::remove_dir_all(path).is_err();
            }
        }
    }
}

/// Whether no file of a folder holds anything.
fn is_silent(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.metadata().map_or(0, |about| about.len())).all(|length| length == 0)
}
