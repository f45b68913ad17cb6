//! A small file system in memory that can be made full.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Written at once while it is made full.
const BALLAST_BYTES: usize = 64 << 10;

/// A mounted tmpfs. It goes with the mount namespace of this process.
#[derive(Debug)]
pub(crate) struct Tmpfs {
    path: PathBuf,
}

impl Tmpfs {
    /// Mounts one at a folder, which is made.
    pub(crate) fn mount(path: &Path, mib: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))?;
        let size = format!("size={mib}m,mode=0700");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(path);
        let output = command.output().context("cannot start `mount`")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("cannot mount a tmpfs at {}: {}", path.display(), said.trim());
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all the room that is left, as another tenant of the disk would.
    pub(crate) fn fill(&self) -> io::Result<()> {
        let mut ballast = File::create(self.ballast())?;
        let zeros = vec![0; BALLAST_BYTES];
        for size in [BALLAST_BYTES, 4_096] {
            loop {
                match ballast.write_all(zeros.get(..size).unwrap_or_default()) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Gives the room back.
    pub(crate) fn release(&self) -> io::Result<()> {
        match fs::remove_file(self.ballast()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}
