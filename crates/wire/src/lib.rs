//! Every byte that is stored or sent.
//!
//! Encodings are fixed layouts, little-endian, with one encoding per value. Each stored or sent kind
//! has a number that is never reused; golden files under `golden/` hold the bytes of every version.
//! Nothing here decides.
#![no_std]

extern crate alloc;

mod base;
mod bytes;
mod fault;
pub mod limits;
pub mod log;
mod members;
mod message;
mod meta;
mod origin;
mod parcel;
mod parts;
mod record;
mod reply;
mod snapshot;
pub mod superblock;
mod voice;

pub use self::base::Base;
pub use self::bytes::{DecodeError, Reader, Writer};
pub use fault::Fault;
pub use members::Members;
pub use message::{FrameBuilder, GroupMessage, HomeReport, Message, Pulse, decode_frame};
pub use meta::{Contradiction, Meta, Orphan, OrphanReason};
pub use origin::Origin;
pub use parcel::{
    Answer, Cause, Parcel, ParcelBody, Resolved, answered, chained, channel_hash, message_digest,
};
pub use record::{Command, CommandRef, HEADER_BYTES, Header, Record, RecordKind, digest};
pub use reply::{Doubt, Reply};
pub use snapshot::{Snapshot, SnapshotAnswer, SnapshotHead, SnapshotPart, SnapshotReader};
pub use voice::{Mark, Voice};
