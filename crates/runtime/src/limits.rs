//! Every bound of the driver, with its reason.

/// Jobs taken in one step. More wait their turn, so that effects are not held back for ever.
pub(crate) const JOBS_MAX: usize = 4_096;

/// Bytes of commands that may wait for the core thread; further ones are told to come back. A node
/// that is this far behind would answer them too late.
pub(crate) const COMMANDS_BYTES_MAX: usize = 64 << 20;

/// What a waiting command costs besides its body.
pub(crate) const COMMAND_COST_BYTES: usize = 512;

/// A client is told to come back after this when more commands wait than are taken in.
pub(crate) const CROWDED_RETRY_AFTER_MS: u32 = 100;

/// A client is told to come back after this when the disk takes no more.
pub(crate) const DISK_RETRY_AFTER_MS: u32 = 1_000;

/// Lines of the process's log that others can cause at will: this many in [`LINES_SPAN_US`], enough
/// to see who and why, and too few to fill a disk.
pub(crate) const LINES_MAX: u32 = 10;

/// See [`LINES_MAX`].
pub(crate) const LINES_SPAN_US: u64 = 10_000_000;

/// Records in flight per group: at 100 ms to the nearest copy, one record every 1.5 ms.
pub(crate) const WINDOW_RECORDS: u64 = 64;

/// Records that a home of class async or local may be ahead of its commit: at a record per sync a few
/// minutes. Their commands wait on its desk until the commit, which bounds it too.
pub(crate) const AHEAD_RECORDS: u64 = 65_536;

/// Recent records kept in memory, by all groups together: more groups keep less each. The rest is read
/// back from the log.
pub(crate) const HELD_ALL_BYTES_MAX: usize = 512 << 20;

/// Of that, what one group keeps at least (a record of the usual size) and at most (a second's).
pub(crate) const HELD_BYTES: (usize, usize) = (128 << 10, 8 << 20);

/// Commands' bytes that may wait, in all groups together.
pub(crate) const DESK_ALL_BYTES_MAX: usize = 1 << 30;

/// Of that, what may wait for one group at least (a few of the largest) and at most.
pub(crate) const DESK_BYTES: (usize, usize) = (4 << 20, 64 << 20);

/// An idle group closes its time this often.
pub(crate) const BEAT_US: u64 = 10_000_000;

/// Ticks of one election round: fine enough to spread the members' rounds.
pub(crate) const ELECTION_TICKS: u64 = 5;

/// Room in a copy of the superblock per group: its epoch table holds a thousand changes of home. A
/// node whose superblock is full can promise nothing any more and stops.
pub(crate) const SUPERBLOCK_GROUP_BYTES: u64 = 64 << 10;

/// The place from which a start reads the log is recorded anew when it has moved by this much: a
/// sixteenth of the usual segment, which is read in a hundredth of a second.
pub(crate) const FLOOR_STEP_BYTES: u64 = 8 << 20;

/// Groups whose state is taken in side by side at a start, at most: each holds a piece of its file in memory,
/// and the disk serves no more at full speed.
pub(crate) const RESTORE_THREADS_MAX: usize = 8;

/// Groups of one cluster.
pub(crate) const GROUPS_MAX: u16 = 4_096;

/// The longest time that a configuration may name, a year in microseconds: beyond it sums of times
/// would overflow, and nobody means it.
pub(crate) const SPAN_US_MAX: u64 = 366 * 24 * 3_600_000_000;

const _: () = assert!(
    SUPERBLOCK_GROUP_BYTES * GROUPS_MAX as u64 <= wire::superblock::SUPERBLOCK_BYTES_MAX as u64
);
const _: () = assert!(HELD_BYTES.0 * GROUPS_MAX as usize <= HELD_ALL_BYTES_MAX);
const _: () = assert!(DESK_BYTES.0 >= 3 * wire::limits::COMMAND_BYTES_MAX);
const _: () = assert!(COMMANDS_BYTES_MAX >= 2 * wire::limits::COMMAND_BYTES_MAX);
const _: () = assert!(GROUPS_MAX as usize <= wire::limits::GROUPS_MAX);
