//! How much the two ends of a channel may hold, and why.

/// Messages that may wait for their answer. A receiver that cannot be reached for a minute at 200 messages
/// a second fills it; then what cannot be sent is refused, and nothing piles up for ever.
pub const PENDING_MAX: u64 = 16_384;

/// Bytes of their content.
pub const PENDING_BYTES_MAX: usize = 16 << 20;

/// Channels of one group in either direction: one for every other group.
pub const CHANNELS_MAX: usize = wire::limits::GROUPS_MAX;

const _: () = assert!(PENDING_BYTES_MAX > wire::limits::PARCEL_BYTES_MAX);
