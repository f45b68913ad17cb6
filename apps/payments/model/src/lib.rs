//! The payments model: accounts, postings and outcomes as a deterministic state machine.
//!
//! A group of payments carries the books of one or several settlement currencies, or a part of one. A command opens an
//! account, changes an account's state, or carries one pacs.008 message, which the server in front
//! has parsed and validated. [`Payments`] decides each transaction of a message in a fixed order of
//! rules ([`Reason`]), posts it as a double entry, and keeps what a pacs.002 is written from. The
//! same commands give the same state, digest and replies in every region and at every replay.
//!
//! Not here: XML, code sets and check digits (the message crate), and the rule that one message id
//! has one outcome (the group around the model). The model refuses what would be paid twice on its
//! own: a transaction that was seen under the same UETR or transaction id is rejected as AM05 even
//! when it comes in another message.
//!
//! Where to start: [`Payments`] and its `apply`, then [`Command`], [`Reply`] and [`Recorded`].
#![no_std]
#![deny(clippy::arithmetic_side_effects, clippy::float_arithmetic, clippy::indexing_slicing)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod accounted;
mod archive;
mod book;
mod cases;
mod command;
mod credit;
mod identity;
pub mod limits;
mod message;
mod payments;
mod reason;
mod reply;
mod saved;
mod text;
mod transit;

pub use self::accounted::{Accounted, Leg};
pub use self::archive::{Across, Recorded};
pub use self::book::clearing::End;
pub use self::book::{AccountView, Kind};
pub use self::cases::{Item, Settlement, Source, Way};
pub use self::command::{Command, Encoded, OpenAccount, Reopen, Route, SetAccountState, Settle};
pub use self::identity::{PaymentKey, message_id};
pub use self::message::{Date, Message, Transaction, Version};
pub use self::payments::{Counts, Payments, Sums};
pub use self::reason::{Reason, Status, Step, Verdict};
pub use self::reply::{Difference, Refusal, Reply};
pub use self::text::OutOfLimits;
pub use self::transit::{Ended, Pending, Received};
