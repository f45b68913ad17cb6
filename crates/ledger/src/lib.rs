//! Double-entry accounts and transfers as plain state.
//!
//! A [`Ledger`] holds the accounts of one currency and every transfer ever posted between them. Each
//! transfer debits one account and credits another by the same amount, so that all debits equal all
//! credits at every moment; nothing else moves money. An application model embeds one ledger per
//! currency and decides who owns an account and why money moves; the ledger knows neither messages,
//! nor payments, nor trades, nor what an account is called outside.
//!
//! [`Roll`] and [`Index`] are what the ledger keeps its transfers in. They are public because a
//! model that embeds a ledger keeps its own records the same way: appended for ever, found by a
//! 16-byte id, and digested without reading everything again.
#![no_std]
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
mod index;
mod ledger;
mod restore;
mod roll;
mod transfer;

pub use self::account::{Account, AccountId, Balance, Limit, State};
pub use self::index::Index;
pub use self::ledger::{Full, Ledger, Totals, UnknownAccount};
pub use self::roll::{Digested, Roll};
pub use self::transfer::{Field, Posted, Refusal, Transfer, TransferId};
