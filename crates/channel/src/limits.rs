//! How much the two ends of a channel may hold, and why.

/// Messages that may wait for their answer. A receiver that cannot be reached for a minute at 200 messages
/// a second fills it; then what cannot be sent is refused, and nothing piles up for ever.
pub const PENDING_MAX: u64 = 16_384;

/// Bytes of their content.
pub const PENDING_BYTES_MAX: usize = 16 << 20;

/// Messages in one plan that one side lost: with what is said of each, a plan fits into a command. Of more, the rest
/// stands in the next plan.
pub const LOST_MAX: usize = 2_048;

/// Bytes of what one side says of a message that the other lost.
pub const DETAIL_BYTES_MAX: usize = 192;

/// Bytes of replies in a plan beyond which no more are told.
pub const REPLIES_BYTES_MAX: usize = 64 << 10;

/// Channels of one group in either direction: one for every other group.
pub const CHANNELS_MAX: usize = wire::limits::GROUPS_MAX;

const _: () = {
    let lost = 2 * LOST_MAX * (16 + 4 + DETAIL_BYTES_MAX) + REPLIES_BYTES_MAX;
    let answered = PENDING_MAX * (16 + 1 + 4);
    let all = lost as u64 + answered + 4_096;
    assert!(all < wire::limits::COMMAND_BYTES_MAX as u64, "a plan fits into a command");
};

const _: () = assert!(PENDING_BYTES_MAX > wire::limits::PARCEL_BYTES_MAX);
