//! What a model sends to other groups, and what it is told of it (PROTOCOL 7.6).
//!
//! A model knows nothing of numbers, hashes, retries or homes. It names what it sends, and hears of every
//! name's end once: applied there, refused there, cancelled there, or not sent. Until then it must hold
//! what it set apart; no time that passes is an end.

use alloc::vec::Vec;

use types::{ChannelKey, GroupId};

/// Something that a command sends out of its group. It leaves once the command is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outward {
    /// A message for the model of another group.
    Send {
        /// The group.
        to: GroupId,
        /// The model's name for it, which no other message to that group bears while this one waits.
        key: ChannelKey,
        /// What it says.
        message: Vec<u8>,
    },
    /// A message that waits is not wanted any more. Whether it comes back is for the other group to say.
    Cancel {
        /// The group.
        to: GroupId,
        /// The name of the message.
        key: ChannelKey,
    },
    /// One end of a frozen channel is to go on from where a plan says.
    Rebase {
        /// The plan, as the ends of channels encode it.
        plan: Vec<u8>,
        /// For [`Model::rebased`](crate::Model::rebased).
        note: Vec<u8>,
    },
}

/// Whether a model has taken another group's message. Its reply stands in the outcome either way, in at most
/// 1 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It was done.
    Applied,
    /// Nothing was done, and nothing will be.
    Refused,
}

/// How a message that was sent has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution<'a> {
    /// It was done there; the reply of that model.
    Applied(&'a [u8]),
    /// It was refused there; the reply of that model.
    Refused(&'a [u8]),
    /// It was cancelled before it was done, and never will be.
    Cancelled,
    /// It was never sent, and never will be: too much waits for that group, or the channel is frozen. Told
    /// within the command that wanted to send it.
    Unsent,
}
