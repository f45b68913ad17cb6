//! What callers ask of storage and what comes back.

use std::sync::Arc;

use bytes::Bytes;
use types::{GroupId, Hash, Position, ReadId, Seq, WriteId};
use wire::log::Kind;

use crate::{Failure, LoadError};

/// Who asked: handed back untouched. Write and read ids are numbered by each machine for itself, so
/// the driver needs this to find the machine again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(pub u32);

/// Something for the storage thread to do. Requests take effect in the order of submission.
#[derive(Clone, Debug)]
pub enum Request {
    /// Append a record to the log.
    Append {
        /// Who asks.
        owner: Owner,
        /// Under which number.
        id: WriteId,
        /// What it is; never `Kind::Roll`.
        kind: Kind,
        /// The payload.
        bytes: Bytes,
    },
    /// Replace what a group keeps in the superblock.
    Superblock {
        /// Who asks.
        owner: Owner,
        /// Under which number.
        id: WriteId,
        /// The group.
        group: GroupId,
        /// All that it keeps there.
        blob: Bytes,
    },
    /// Record from where the log is read at the next start, and delete the segments that lie wholly below
    /// `keep`, which is not above `start`. Done, like a superblock, once the superblock is durable; the
    /// files go after that.
    Floor {
        /// Who asks.
        owner: Owner,
        /// Under which number.
        id: WriteId,
        /// Nothing below is needed at a start.
        start: Position,
        /// Nothing below is needed at all.
        keep: Position,
    },
    /// Write the next bytes of a snapshot's file, beside all other requests and in the order of those
    /// of its kind. A piece at offset 0 begins the file anew; after the last it is durable and has its
    /// name.
    SnapshotWrite {
        /// Of which group.
        group: GroupId,
        /// Of which record.
        seq: Seq,
        /// Where the bytes belong: after those before.
        offset: u64,
        /// The bytes.
        bytes: Bytes,
        /// Whether they are the last.
        is_last: bool,
    },
    /// Read some bytes of a snapshot's file; fewer at its end.
    SnapshotRead {
        /// Who asks.
        owner: Owner,
        /// Under which number.
        id: ReadId,
        /// Of which group.
        group: GroupId,
        /// Of which record.
        seq: Seq,
        /// From where.
        offset: u64,
        /// How many.
        bytes_max: usize,
    },
    /// Remove a snapshot's file, whole or begun. Nothing is reported.
    SnapshotRemove {
        /// Of which group.
        group: GroupId,
        /// Of which record.
        seq: Seq,
    },
    /// Read a record back.
    Load {
        /// Who asks.
        owner: Owner,
        /// Under which number.
        id: ReadId,
        /// Where it starts.
        at: Position,
    },
}

/// What became of requests. Those of writes come in the order of submission.
#[derive(Debug)]
pub enum Completion {
    /// The write, and every write submitted before it, is durable.
    Written {
        /// Who asked.
        owner: Owner,
        /// Under which number.
        id: WriteId,
        /// Where the record starts; `None` for a superblock.
        at: Option<Position>,
    },
    /// A piece of a snapshot's file is written, or cannot be: then the file is gone, and nothing else
    /// is the matter.
    SnapshotWritten {
        /// Of which group.
        group: GroupId,
        /// Of which record.
        seq: Seq,
        /// Where in the file the piece ended.
        end: u64,
        /// SHA-256 of the whole file, after its last piece.
        result: Result<Option<Hash>, Failure>,
    },
    /// A read is done.
    Loaded {
        /// Who asked.
        owner: Owner,
        /// Under which number.
        id: ReadId,
        /// The payload.
        result: Result<Bytes, LoadError>,
    },
    /// Something was refused as `Full` or `DiskFull`; it may be tried again now.
    Room,
    /// The disk failed. Comes once and is the last of the write completions: what was not reported
    /// written may or may not be on the disk. The node must stop.
    Failed(Failure),
}

/// Takes completions, all of one commit together. Called from the storage thread and from the
/// reading thread; must not block.
pub type Sink = Arc<dyn Fn(Vec<Completion>) + Send + Sync>;

/// A record found in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it starts.
    pub at: Position,
    /// What it is; never `Kind::Roll`.
    pub kind: Kind,
    /// Its payload.
    pub payload: &'a [u8],
}
