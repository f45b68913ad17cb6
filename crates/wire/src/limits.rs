//! The largest things that may be stored or sent, and why.

/// A command's body. A payment message is at most 1 MiB of XML; the rest is room for its parsed form.
pub const COMMAND_BYTES_MAX: usize = 1_310_720;

/// Commands in one record (PROTOCOL 8d).
pub const RECORD_COMMANDS_MAX: usize = 8_192;

/// Where a home stops adding commands to a record (PROTOCOL 8d).
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// A whole record: a full batch plus one command of the largest size that tipped it over.
pub const RECORD_BYTES_MAX: usize = 3 << 20;

/// A frame between nodes.
pub const FRAME_BYTES_MAX: usize = 8 << 20;

/// Records' bytes in one `Entries` message; a catch-up is many of them.
pub const ENTRIES_BYTES_MAX: usize = 2 << 20;

/// Members of a group.
pub const MEMBERS_MAX: usize = 32;

/// Epochs that a table may hold. A group that changes its home once an hour lives seven years.
pub const EPOCHS_MAX: usize = 65_536;

/// Orphan ranges that one group may hold.
pub const ORPHANS_MAX: usize = 65_536;

/// Groups that one pulse reports on.
pub const GROUPS_MAX: usize = 4_096;

/// Marks in one voice: a few for each group, more only after a long catch-up, which says the last ones.
pub const MARKS_MAX: usize = 4 * GROUPS_MAX;

/// A register message.
pub const REGISTER_BYTES_MAX: usize = 4 << 20;

/// A model's reply.
pub const REPLY_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(BATCH_BYTES_MAX + COMMAND_BYTES_MAX < RECORD_BYTES_MAX);
const _: () = assert!(MARKS_MAX * 107 + GROUPS_MAX * 2 < FRAME_BYTES_MAX);
const _: () = assert!(ENTRIES_BYTES_MAX + RECORD_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(REGISTER_BYTES_MAX < FRAME_BYTES_MAX);

/// Records in one `Entries` message.
pub const ENTRIES_COUNT_MAX: usize = 1_024;

/// The content of a message between two groups: a payment's second leg is some hundred bytes, a trade's
/// allocations some thousand.
pub const PARCEL_BYTES_MAX: usize = 64 << 10;

/// What a receiver says of one; it is kept until the sender is known to have it.
pub const ANSWER_BYTES_MAX: usize = 1_024;

/// Parcels in one message between nodes.
pub const PARCELS_MAX: usize = 1_024;

/// Where a node begins another message of parcels.
pub const PARCELS_BYTES_MAX: usize = 1 << 20;

const _: () = assert!(PARCELS_BYTES_MAX + 2 * PARCEL_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(PARCEL_BYTES_MAX + 1_024 < COMMAND_BYTES_MAX);

/// Fault ranges that one group names. A disk with more is to be replaced; the last range then covers
/// the rest.
pub const FAULTS_MAX: usize = 256;

/// What one part of a snapshot aims at: encoding or taking in one is well below a millisecond.
pub const SNAPSHOT_PART_BYTES: usize = 256 << 10;

/// One part of a snapshot at most: what it aims at and one item of the largest size.
pub const SNAPSHOT_PART_BYTES_MAX: usize = 4 << 20;

/// Bytes of a snapshot in one message: at 60 ms to the other node 16 MB/s, and little enough that the
/// step which takes it in stays short.
pub const SNAPSHOT_CHUNK_BYTES_MAX: usize = 1 << 20;

/// Snapshots of a group that its entry in the superblock names.
pub const SNAPSHOTS_MAX: usize = 8;

const _: () = assert!(SNAPSHOT_PART_BYTES + COMMAND_BYTES_MAX < SNAPSHOT_PART_BYTES_MAX);
const _: () = assert!(SNAPSHOT_PART_BYTES + REPLY_BYTES_MAX < SNAPSHOT_PART_BYTES_MAX);
const _: () = assert!(SNAPSHOT_CHUNK_BYTES_MAX < FRAME_BYTES_MAX);
