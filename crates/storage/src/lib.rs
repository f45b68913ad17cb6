//! The write-ahead log of a node, its group commit and its superblock.
//!
//! One log serves all groups of a node and its register, so that one fsync covers whatever they all
//! wrote meanwhile. The storage thread takes everything that waits when the last fsync returned,
//! writes it with one call, syncs once and reports it done: batches grow by themselves with the
//! load, and no timer delays the single client. Segments are allocated and zeroed ahead, because
//! overwriting written blocks takes half as long as growing a file and keeps the file system's
//! journal out of the path.
//!
//! A start goes through four types, so that nothing can be skipped: [`open`] locks the folder and
//! reads the superblock; [`Opened::replay`] hands over every record and every place where one is
//! damaged; [`Scanned::settle`] makes durable what that means and settles how the log ends;
//! [`Replayed::start`] begins to take requests.
//!
//! What it never does: interpret a record, retry a failed fsync, or cut bytes that were acknowledged.
//!
//! Folder: `lock`, `superblock` (four copies), `wal/<first position, 20 digits>.seg`, and
//! `snapshots/<group>-<seq>.snap`.

mod commit;
mod disk;
mod error;
mod files;
mod limits;
mod open;
mod options;
mod plan;
mod prepare;
mod queue;
mod read;
mod request;
mod segment;
mod shared;
mod stats;
mod superblocks;
mod tear;
mod used;
mod verify;
mod walk;

#[cfg(test)]
mod faulty;
#[cfg(test)]
mod tests;

pub use disk::{Access, Disk, File, RealDisk};
pub use error::{Failure, LoadError, OpenError, Refused};
pub use files::snapshot_digest;
pub use limits::{SEGMENT_BYTES, SUPERBLOCK_COPY_BYTES};
pub use open::{Found, Opened, Read, Replayed, Scanned, Torn, open, open_on};
pub use options::Options;
pub use request::{Completion, Owner, Record, Request, Sink};
pub use shared::{Handle, Storage};
pub use stats::{Clock, Space, Stats};
pub use superblocks::CopyState;
pub use used::is_used;
pub use verify::{Gap, Report, SegmentReport, verify};
pub use walk::Standing;
