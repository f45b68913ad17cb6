//! How much one request may ask for, and why that much.

use std::time::Duration;

/// Bytes of a payment message; what is read of a document is bounded by the same.
pub const MESSAGE_BYTES_MAX: usize = payments_model::limits::RAW_BYTES_MAX;

/// Accounts in one answer: a look of the core thread at that many takes some 200 µs.
pub const ACCOUNTS_MAX: usize = 1_000;

/// How long after it came a payment may still be ordered, microseconds: 24 hours (PROTOCOL 8d). Ids
/// are kept for longer, so that none is forgotten while it may still be carried out.
pub const NOT_AFTER_US_MAX: u64 = 24 * 3_600 * 1_000_000;

/// Bytes of the name that a client gives a request without an id of its own.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 64;

/// Findings that an answer names; a message with more is wrong as a whole.
pub const FINDINGS_MAX: usize = 10;

/// Currencies whose books are added up in one look; those without accounts cost nothing.
pub const CURRENCIES_PER_LOOK: usize = 32;

/// Payments named in one answer that wait for another ledger, the oldest.
pub const PENDING_LISTED_MAX: usize = 100;

/// Payments of a case in one answer: each is read out of its message, of up to 1,000 transactions.
pub const ITEMS_LISTED_MAX: usize = 100;

/// Groups whose models are digested in one look: a digest goes over all books of a group.
pub const DIGESTS_PER_LOOK: u16 = 8;

/// How far ahead a cut is planned for which no time is named: a round trip to every home, so that idle
/// groups close their time in time, and some for clocks that differ.
pub const CUT_AHEAD_MS: u64 = 500;

/// How long after its time a cut is waited for.
pub const CUT_WAIT_US: u64 = 5_000_000;

/// How often a half of opening a channel is ordered of a ledger whose time is behind what was looked at, and how long is
/// waited before it is ordered again: homes differ by at most twice `failover.skew`, of a second unless configured.
pub const AHEAD_TRIES: u32 = 10;

/// See [`AHEAD_TRIES`].
pub const AHEAD_WAIT: Duration = Duration::from_millis(500);

const _: () =
    assert!(MESSAGE_BYTES_MAX >= payments_message::limits::Limits::DEFAULT.document_bytes_max);
