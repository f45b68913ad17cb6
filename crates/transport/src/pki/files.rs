//! PEM files: written once, never over another, secrets for their owner alone.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Far above any certificate of ours; a wrong path must not fill memory.
const PEM_BYTES_MAX: u64 = 64 * 1024;

/// What is wrong with a file of certificates or keys.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be written, or exists already.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file or its folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is longer than any certificate or key of ours.
    #[error("{path} is too long to be a certificate or a key", path = path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It holds no certificate of a cluster's authority.
    #[error("{path} holds no certificate of a cluster authority", path = path.display())]
    NotAnAuthority {
        /// The file.
        path: PathBuf,
    },
    /// It holds no private key that we can use.
    #[error("{path} holds no usable private key", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rcgen::Error,
    },
    /// The key belongs to another certificate than the one beside it.
    #[error("the key in {path} does not belong to the certificate beside it", path = path.display())]
    OtherKey {
        /// The file of the key.
        path: PathBuf,
    },
}

/// Who may read a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Secrecy {
    OwnerOnly,
    Public,
}

/// Writes a new file and makes it durable together with its name.
pub(super) fn write(
    folder: &Path,
    name: &str,
    text: &str,
    secrecy: Secrecy,
) -> Result<(), FileError> {
    let path = folder.join(name);
    let failed = |source| FileError::Write { path: path.clone(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    // The mode is given at creation: a moment of wider access would be enough to lose the key.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(
        &mut options,
        match secrecy {
            Secrecy::OwnerOnly => 0o600,
            Secrecy::Public => 0o644,
        },
    );
    let mut file = options.open(&path).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Reads a file; gives its path too, for later errors.
pub(super) fn read(folder: &Path, name: &str) -> Result<(PathBuf, String), FileError> {
    let path = folder.join(name);
    let failed = |source| FileError::Read { path: path.clone(), source };
    if std::fs::metadata(&path).map_err(failed)?.len() > PEM_BYTES_MAX {
        return Err(FileError::TooLong { path });
    }
    let text = std::fs::read_to_string(&path).map_err(failed)?;
    Ok((path, text))
}
