//! What an application knows about its own commands and the console does not.

use register::Disposition;
use serde_json::Value;
use types::{Class, Stamp};
use wire::{Command, OrphanReason};

/// How commands are told to people, and what may become of those that were set aside.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    /// Puts a command into words: an object whose `kind` says what it is.
    pub describe: fn(body: &[u8]) -> Value,
    /// What these commands move together: an object of amounts as text by currency code.
    pub totals: fn(commands: &[Command]) -> Value,
    /// Puts an outcome into words.
    pub outcome: fn(outcome: &[u8]) -> Outcome,
    /// The command that takes this one's id for good without doing what it says, with the same id and the
    /// same digest, so that the first of the two has the one outcome. With a case, a number above 0, it also
    /// posts what the command would have moved to suspense, in the same step. `None` if nothing is to be done
    /// about such a command. The last argument is its `not_after`.
    pub withdraw: fn(command: &Command, case: u64, not_after: Stamp) -> Option<Command>,
    /// What may become of a run of records that were written under this class and set aside for this reason.
    pub policy: fn(class: Class, reason: OrphanReason) -> Policy,
}

/// An outcome in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// One word or code.
    pub word: String,
    /// Whether it says that the command was withdrawn and not done.
    pub is_withdrawal: bool,
}

/// What may become of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is usual; one of those allowed.
    pub advised: Disposition,
    /// All that is allowed.
    pub allowed: &'static [Disposition],
}
