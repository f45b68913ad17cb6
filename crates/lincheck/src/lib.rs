//! Judges what clients saw: is a history of concurrent operations linearizable?
//!
//! A history says what clients asked, what they were answered, and when; a [`Specification`] says what
//! one client alone could have been answered. The history is linearizable if every operation can be
//! given a moment between its call and its response such that, carried out at these moments one after
//! the other, all responses are right. [`check`] searches for such an order, or proves that there is
//! none, or says that its budget is spent: it never guesses.
//!
//! The method is that of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with Lowe's
//! memory of what was tried (Testing for Linearizability, 2017). Keys that do not touch each other are
//! checked apart ([`partition`]), which Herlihy and Wing showed to be enough.
//!
//! It reads no clock and knows nothing of this project's parts: times are numbers of the caller's, so
//! that an order which a system claims to have kept can be checked in place of the order of a clock.
#![no_std]

extern crate alloc;

mod bits;
mod check;
mod history;
pub mod models;
mod specification;

pub use check::{Verdict, check};
pub use history::{Claim, Operation, Response, overtaken, partition};
pub use specification::Specification;
