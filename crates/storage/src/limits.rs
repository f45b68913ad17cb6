//! Sizes and bounds, each with its reason.

use wire::log::{FRAME_HEADER_BYTES, PAYLOAD_BYTES_MAX, SEGMENT_HEADER_BYTES, frame_bytes};

/// A segment. Large enough that rolling is rare, small enough to zero in a fraction of a second.
pub const SEGMENT_BYTES: u64 = 128 << 20;

/// The smallest segment, for tests.
pub(crate) const SEGMENT_BYTES_MIN: u64 = 16 << 10;

/// Room per superblock copy: 64 groups with some 64 KiB each, a thousand changes of home.
pub const SUPERBLOCK_COPY_BYTES: u64 = 4 << 20;

/// Payload bytes and frames that may wait to be written.
pub(crate) const QUEUE_BYTES_MAX: usize = 64 << 20;

/// What one commit writes at most: about 5 ms of a slow disk, so that a burst does not make the
/// records behind it wait for one huge write.
pub(crate) const COMMIT_BYTES_MAX: usize = 8 << 20;

/// Reads that may wait.
pub(crate) const LOADS_MAX: usize = 16 << 10;

/// What one batch of answered reads holds at most.
pub(crate) const LOADED_BYTES_MAX: usize = 4 << 20;

/// First read for a record; most records are shorter, so that one call serves them.
pub(crate) const LOAD_BYTES: usize = 8 << 10;

/// What a scan reads at once: stays in the second-level cache.
pub(crate) const SCAN_BYTES: usize = 1 << 20;

/// Zeros written at once while a segment is prepared, each followed by a sync, so that the commits
/// of the running segment never queue behind more than this. Measured with 256 records outstanding
/// on a disk whose fsync takes 0.1 ms: p99.9 of a commit 5.4–6.4 ms at 4 MiB, 2.7–6.7 ms at 1 MiB,
/// 0.7 ms at 256 KiB, with the same throughput. A disk with an fsync of 2 ms still prepares 128 MB/s.
pub(crate) const PREPARE_BYTES: usize = 256 << 10;

/// How long the preparing thread waits before it tries again on a full disk.
pub(crate) const PREPARE_RETRY_MS: u64 = 1_000;

/// Jobs of the files thread that may wait: each group has one piece on its way and serves a few others.
pub(crate) const FILE_JOBS_MAX: usize = 16 << 10;

/// What is read of a snapshot at once at a start.
pub(crate) const FILE_PIECE_BYTES: usize = 1 << 20;

/// Damaged places that one report lists.
pub(crate) const GAPS_MAX: usize = 1_000;

/// Bytes of the frame that closes a segment.
pub(crate) const ROLL_BYTES: u64 = FRAME_HEADER_BYTES as u64;

/// Bytes of a segment's header block.
pub(crate) const HEADER_BYTES: u64 = SEGMENT_HEADER_BYTES as u64;

/// The share of a segment that a record may take, so that every record fits an empty segment beside
/// the reserve and rolling wastes little.
pub(crate) const RECORD_SHARE: u64 = 4;

const _: () = assert!(frame_bytes(PAYLOAD_BYTES_MAX) < QUEUE_BYTES_MAX);
const _: () = assert!(SEGMENT_BYTES_MIN > 2 * HEADER_BYTES);
const _: () = assert!(PAYLOAD_BYTES_MAX as u64 <= SEGMENT_BYTES / RECORD_SHARE);
