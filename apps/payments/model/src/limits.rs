//! The largest things a command may carry, and why.

use types::Amount;

/// Bytes of an identifier or of an account's key: ISO 20022 allows 35 characters, of up to four
/// bytes each.
pub const TEXT_BYTES_MAX: usize = 140;

/// Bytes of an account's name: 140 characters, of up to four bytes each.
pub const NAME_BYTES_MAX: usize = 560;

/// Bytes of a BIC: 8, or 11 with a branch.
pub const BIC_BYTES_MAX: usize = 11;

/// Transactions in one message. Larger files are split by the networks that carry them, and one
/// message must not hold up all others behind it.
pub const TRANSACTIONS_MAX: usize = 1_000;

/// Bytes of the original document.
pub const RAW_BYTES_MAX: usize = 1 << 20;

/// Bytes of a whole command, which is what the journal takes.
pub const COMMAND_BYTES_MAX: usize = wire::limits::COMMAND_BYTES_MAX;

/// The largest amount of one transaction and of an opening balance, in minor units: 18 digits, as
/// many as an amount of a pacs.008 may have.
pub const AMOUNT_MAX: Amount = Amount(999_999_999_999_999_999);

const _: () = assert!(RAW_BYTES_MAX < COMMAND_BYTES_MAX);
const _: () = assert!(BIC_BYTES_MAX < TEXT_BYTES_MAX);
const _: () = assert!(TEXT_BYTES_MAX <= 255, "short texts have a length of one byte");
const _: () = assert!(AMOUNT_MAX.0 < u128::MAX >> 64, "2^64 postings cannot overflow a sum");
