//! The seam to the disk: exactly the calls that storage makes.
//!
//! Two implementations: [`RealDisk`], and in tests a disk in memory that loses and tears unsynced
//! writes, fails an fsync, and runs full.

use std::{
    fmt, fs, io,
    os::unix::fs::{DirBuilderExt as _, FileExt},
    path::Path,
    sync::Arc,
};

/// A file open for reading, or for reading and writing.
pub trait File: Send + Sync + fmt::Debug {
    /// Bytes in the file.
    ///
    /// # Errors
    /// As the system says.
    fn length(&self) -> io::Result<u64>;

    /// Reads at `offset`; fewer bytes than asked for, or none, at the end of the file.
    ///
    /// # Errors
    /// As the system says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`. Durable only after [`File::sync`].
    ///
    /// # Errors
    /// As the system says; part of the bytes may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes what was written, and the file's length, durable (`fdatasync`).
    ///
    /// # Errors
    /// As the system says. Never call again after an error: the kernel may have dropped the pages
    /// and would report success for data that is gone.
    fn sync(&self) -> io::Result<()>;
}

/// A file system.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Makes a folder and its parents, for their owner alone; fine if it exists.
    ///
    /// # Errors
    /// As the system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Names in a folder, in no order.
    ///
    /// # Errors
    /// As the system says; `NotFound` if there is no folder.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// Makes an empty file, replacing one of that name.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>>;

    /// Opens a file that exists.
    ///
    /// # Errors
    /// As the system says; `NotFound` if it does not exist.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>>;

    /// Renames a file, replacing one of the new name. Durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file. Durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// As the system says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As the system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Takes the lock file of a folder for as long as the guard lives; `None` if it is taken.
    /// `Access::Read` shares it, and needs no file to exist.
    ///
    /// # Errors
    /// As the system says.
    fn lock(&self, path: &Path, access: Access) -> io::Result<Option<Box<dyn Send + Sync>>>;
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Read,
    /// Reading and writing.
    Write,
}

/// The operating system's files.
#[derive(Clone, Copy, Debug)]
pub struct RealDisk;

impl File for fs::File {
    fn length(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match FileExt::read_at(self, buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        // What clients sent stands in these files: they are nobody's but the node's.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = fs::read_dir(path)?;
        names.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut options = fs::File::options();
        let file = options.read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Arc::new(file))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn File>> {
        let file = fs::File::options().read(true).write(access == Access::Write).open(path)?;
        Ok(Arc::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path, access: Access) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let taken = match access {
            Access::Write => {
                let mut options = fs::File::options();
                let file =
                    options.read(true).write(true).create(true).truncate(false).open(path)?;
                file.try_lock().map(|()| file)
            }
            Access::Read => match fs::File::open(path) {
                Ok(file) => file.try_lock_shared().map(|()| file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Some(Box::new(())));
                }
                Err(error) => return Err(error),
            },
        };
        match taken {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}
