//! What can go wrong: a folder that cannot be opened, a disk that failed, a request refused.

use std::{io, path::PathBuf};

use journal::scan::Evidence;
use types::Position;
use wire::{DecodeError, log::Identity};

/// Why a folder cannot be opened. Nothing acknowledged was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The options contradict each other.
    #[error("storage options: {rule}")]
    Options {
        /// The rule that they break.
        rule: &'static str,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process has the folder open.
    #[error("{} is open in another process; stop that node first", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The disk belongs to another node or installation.
    #[error("{} belongs to {found}, not to {expected}; check the configured folder", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: Identity,
        /// Who opened it.
        expected: Identity,
    },
    /// There is a log but no superblock.
    #[error(
        "{} is missing beside a log: promises may be lost; restore it, and do not start this node on an empty folder",
        path.display()
    )]
    SuperblockMissing {
        /// The file.
        path: PathBuf,
    },
    /// No copy of the superblock can be read.
    #[error(
        "all copies in {} are damaged: promises may be lost; restore the file, and do not start this node on an empty folder",
        path.display()
    )]
    SuperblockLost {
        /// The file.
        path: PathBuf,
        /// What is wrong with its first copy.
        source: DecodeError,
    },
    /// The copies of the superblock come from different histories.
    #[error(
        "copies {newer} and {older} in {} come from different histories; restore the file, and do not start this node on an empty folder",
        path.display()
    )]
    SuperblockFork {
        /// The file.
        path: PathBuf,
        /// Number of the newest copy.
        newer: u8,
        /// Number of the copy that does not lead to it.
        older: u8,
    },
    /// A segment's header cannot be read.
    #[error("the header of {} is damaged; restore the file, and do not start this node on an empty folder", path.display())]
    SegmentHeader {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: DecodeError,
    },
    /// A segment's header contradicts its name or length.
    #[error(
        "{} is not the segment that its name says; restore the file, and do not start this node on an empty folder",
        path.display()
    )]
    SegmentMismatch {
        /// The file.
        path: PathBuf,
    },
    /// Part of the log is not there.
    #[error("{} is missing; restore the file, and do not start this node on an empty folder", path.display())]
    SegmentMissing {
        /// The file that should exist.
        path: PathBuf,
    },
    /// So many acknowledged bytes are lost or damaged, or such, that no log can be made of the rest.
    #[error(
        "{} is corrupt at byte {offset} beyond what a node can repair; run `evenkeel journal verify`, \
         restore the file, and do not start this node on an empty folder: the others serve without it",
        path.display()
    )]
    Corrupt {
        /// The segment.
        path: PathBuf,
        /// Offset in the file of the first bad byte.
        offset: u64,
        /// The same place in the log.
        at: Position,
        /// How we know that it was durable once.
        evidence: Evidence,
    },
    /// What a start-up has found out about damage does not fit the superblock.
    #[error("{} has no room for {bytes} bytes: give it more by `superblock_copy_bytes`", path.display())]
    SuperblockFull {
        /// The file.
        path: PathBuf,
        /// What it would hold.
        bytes: usize,
    },
}

/// The disk failed while the node ran. It stops: after a failed fsync nobody can say what is on the
/// disk. The kernel marks the pages clean and a second fsync succeeds without writing them
/// ("fsyncgate", PostgreSQL 2018), so a retry would turn an error into a false promise.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No space although the file was written in full before: the file system copies on write.
    #[error("the disk is full: cannot {action} {}; make room and start the node again", path.display())]
    DiskFull {
        /// What was being done.
        action: &'static str,
        /// On what.
        path: PathBuf,
    },
}

/// Why a request was not taken. Nothing of it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too much waits. `Completion::Room` follows when it is worth trying again.
    #[error("the storage queue is full")]
    Full,
    /// The disk has no room for another segment; what is left is kept for promises and pulses.
    #[error("the disk is full")]
    DiskFull,
    /// The payload is larger than a segment takes.
    #[error("a record of {bytes} bytes; at most {bytes_max} fit")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// What fits.
        bytes_max: usize,
    },
    /// The blobs of all groups together no longer fit the superblock.
    #[error("a superblock of {bytes} bytes; at most {bytes_max} fit")]
    SuperblockFull {
        /// What it would take.
        bytes: usize,
        /// What fits.
        bytes_max: usize,
    },
    /// Storage failed or was closed.
    #[error("storage has stopped")]
    Stopped,
}

/// Why a record could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// No record starts there.
    #[error("no record at position {}", at.0)]
    NoRecord {
        /// The place asked for.
        at: Position,
    },
    /// The record is damaged: fetch it from a peer.
    #[error("the record at position {} in {} is damaged", at.0, path.display())]
    Damaged {
        /// The place asked for.
        at: Position,
        /// The segment.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot read {}", path.display())]
    Io {
        /// The segment.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Storage failed or was closed.
    #[error("storage has stopped")]
    Stopped,
}

impl OpenError {
    /// Wraps the error of a call on a path.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

impl Failure {
    /// Wraps the error of a call on a path; a full disk gets its own name.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| {
            let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
            if full.contains(&source.kind()) {
                Self::DiskFull { action, path }
            } else {
                Self::Io { action, path, source }
            }
        }
    }
}
