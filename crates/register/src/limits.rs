//! Every bound of the register, with its reason.

/// Bytes of an actor's name: a certificate's common name fits.
pub const ACTOR_BYTES_MAX: usize = 64;

/// Bytes of a reason: one sentence for the audit.
pub const REASON_BYTES_MAX: usize = 256;

/// Changes in one proposal. All groups of a lost region move in one consensus round, and the largest
/// layout has 256 groups (PROTOCOL 6).
pub const CHANGES_MAX: usize = 1024;

/// Members of the register. More copies make every decision slower and protect against nothing new.
pub const MEMBERS_MAX: usize = 7;

/// Nodes that are ever admitted after the first day. One replaced disk a week for ten years fits.
pub const NODES_MAX: usize = 1024;

/// Bytes of one text in a node's contact: a region's name, a host.
pub const CONTACT_BYTES_MAX: usize = 255;

/// Bytes of entries in one answer to a node that follows the log.
pub const TOLD_BYTES_MAX: usize = 1 << 20;

/// Members of one group's configuration.
pub const CONFIG_MEMBERS_MAX: usize = 16;

/// Epochs that one proposal makes known to a register that was begun anew by force. A switch of all groups
/// that the survivor had not heard of is one for each.
pub const KNOWN_STARTS_MAX: usize = 4096;

/// Decisions about runs that were set aside, per group. A takeover sets aside a run or two.
pub const DISPOSALS_MAX: usize = 1024;

/// Groups in one register.
pub const GROUPS_MAX: usize = 4096;

/// Proposals of this node that wait for their decision.
pub const PENDING_MAX: usize = 32;

/// Applied proposals remembered per proposer, so that a repeated one is applied once.
pub const REMEMBERED_MAX: usize = 128;

/// Entries a leader appends beyond what is decided. A leader cut off from the majority must not fill
/// its log with what nobody will ever decide.
pub const UNDECIDED_MAX: usize = 256;

/// Frames held back for a write. Beyond this the disk stands still, and incoming frames are dropped
/// as if lost on the way.
pub const HELD_FRAMES_MAX: usize = 4096;

/// Audit entries kept in memory. Older ones live on in the hash chain and in the log.
pub const AUDIT_ENTRIES_MAX: usize = 64;

/// Bytes of one frame: what a message between nodes may carry. Only the catch-up of a member that was
/// away for long comes near; a batch of 64 activations takes about 6 KiB. One that is larger is noted
/// as such here, where it is known what it is; beyond this door it would be lost with all that travels
/// beside it.
pub const FRAME_BYTES_MAX: usize = wire::limits::REGISTER_BYTES_MAX;

/// Bytes of one encoded proposal.
pub const PROPOSAL_BYTES_MAX: usize = 512 << 10;

/// Bytes of a record that says all there is. It must fit the smallest segment of the node's log.
pub const WHOLE_BYTES_MAX: usize = 3 << 20;

/// Highest log index believed from a peer: far from where arithmetic on indexes overflows.
pub(crate) const INDEX_MAX: u64 = 1 << 40;

/// Highest ballot number believed from a peer: the library adds one to it without a check.
pub(crate) const BALLOT_MAX: u32 = 1 << 31;

/// Highest message counter believed from a peer, for the same reason.
pub(crate) const COUNTER_MAX: u64 = 1 << 62;

/// Bytes of one change at most: group, version, tag, and an activation with a full configuration.
pub(crate) const CHANGE_BYTES_MAX: usize =
    2 + 8 + 1 + (8 + 2 + 4 + 4 + 4 + 1 + 7 * CONFIG_MEMBERS_MAX) + 8 + 32 + 1 + 8 + 4;

/// Bytes of one epoch that a proposal makes known.
pub(crate) const START_BYTES: usize = 8 + 8 + 32 + 4 + 1;

const _: () = assert!(REMEMBERED_MAX >= 2 * PENDING_MAX, "a waiting proposal is not forgotten");
const _: () = assert!(
    32 + ACTOR_BYTES_MAX
        + REASON_BYTES_MAX
        + CHANGES_MAX * CHANGE_BYTES_MAX
        + KNOWN_STARTS_MAX * START_BYTES
        <= PROPOSAL_BYTES_MAX,
    "the largest proposal fits"
);
const _: () = assert!(PROPOSAL_BYTES_MAX * 4 <= FRAME_BYTES_MAX, "a frame carries a burst");
