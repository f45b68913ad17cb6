//! The contract between a group and the application it carries.
//!
//! An application is a value that commands change, one at a time, in the order of the journal. The
//! same commands give the same value in every region and at every replay, so a model sees no clock,
//! no randomness, no float, and no entry that is not committed.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;
use core::fmt::Debug;

use types::{Hash, Stamp};

/// What a command came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The answer, in the application's own encoding. Kept with the message id for ever: a retry
    /// gets these bytes again.
    pub reply: Vec<u8>,
}

/// Application state that committed commands change.
pub trait Model: Clone + Debug {
    /// Applies one committed command.
    ///
    /// `stamp` is the time of the record that carries the command; it never falls inside a group and
    /// commands of one record share it. `command` comes from outside: bytes that do not decode must
    /// give a refusal as `reply`, never a panic.
    fn apply(&mut self, stamp: Stamp, command: &[u8], outcome: &mut Outcome);

    /// SHA-256 over the whole state in a fixed order. Equal states, and only they, have equal
    /// digests in every region and every replay.
    fn digest(&self) -> Hash;
}
