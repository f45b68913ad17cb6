//! How a node keeps its log: sizes and bounds, checked once at start.

use std::path::PathBuf;

use wire::log::{Identity, PAYLOAD_BYTES_MAX};

use crate::{
    Clock, OpenError,
    limits::{
        HEADER_BYTES, QUEUE_BYTES_MAX, RECORD_SHARE, SEGMENT_BYTES, SEGMENT_BYTES_MIN,
        SUPERBLOCK_COPY_BYTES,
    },
};

/// How a node keeps its log.
#[derive(Clone)]
pub struct Options {
    /// Where. Made if it does not exist.
    pub folder: PathBuf,
    /// Whose it is.
    pub identity: Identity,
    /// Bytes of a new segment, a multiple of 4096. A record takes a quarter of it at most.
    pub segment_bytes: u64,
    /// Room for one copy of the superblock. An existing file grows to it, doubles at a start that finds
    /// less than half of it free, and never shrinks.
    pub superblock_copy_bytes: u64,
    /// Bytes of writes that may wait.
    pub queue_bytes_max: usize,
    /// Bytes of the last segment that only the register's records and pulses may use.
    pub reserve_bytes: u64,
    /// The node's clock, for figures.
    pub clock: Clock,
}

impl Options {
    /// The usual sizes.
    #[must_use]
    pub fn new(folder: PathBuf, identity: Identity, clock: Clock) -> Self {
        Self {
            folder,
            identity,
            segment_bytes: SEGMENT_BYTES,
            superblock_copy_bytes: SUPERBLOCK_COPY_BYTES,
            queue_bytes_max: QUEUE_BYTES_MAX,
            reserve_bytes: SEGMENT_BYTES / 16,
            clock,
        }
    }

    /// The largest payload that these options allow.
    #[must_use]
    pub fn record_bytes_max(&self) -> usize {
        let share = usize::try_from(self.segment_bytes / RECORD_SHARE).unwrap_or(usize::MAX);
        share.min(PAYLOAD_BYTES_MAX).min(self.queue_bytes_max / 2)
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let rules = [
            (self.segment_bytes >= SEGMENT_BYTES_MIN, "a segment has 16 KiB at least"),
            (self.segment_bytes <= 1 << 40, "a segment has 1 TiB at most"),
            (
                self.segment_bytes.is_multiple_of(HEADER_BYTES),
                "a segment is a multiple of 4096 bytes",
            ),
            (self.superblock_copy_bytes >= 4096, "a superblock copy has 4096 bytes at least"),
            (
                self.superblock_copy_bytes.is_multiple_of(4096),
                "a superblock copy is a multiple of 4096",
            ),
            (
                self.superblock_copy_bytes <= wire::superblock::SUPERBLOCK_BYTES_MAX as u64,
                "a superblock copy has 256 MiB at most",
            ),
            (
                self.reserve_bytes <= self.segment_bytes / RECORD_SHARE,
                "the reserve is a quarter of a segment at most",
            ),
            (self.queue_bytes_max >= 8192, "the queue holds 8192 bytes at least"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(OpenError::Options { rule }),
            None => Ok(()),
        }
    }
}
