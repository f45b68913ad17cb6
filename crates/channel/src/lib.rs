//! Channels between groups: messages that are consumed once, in order, and answered once
//! (PROTOCOL 7.6).
//!
//! Two groups have two journals, and a step in one cannot be a step in the other. A channel is what
//! makes the second step follow the first exactly once, whatever is lost, repeated or delayed between
//! them and whoever is home when: the sender's journal numbers its messages, the receiver's consumes
//! exactly the next number, and a hash over all that was sent shows either end when the other has lost
//! something by force. Both ends are state that every replica builds from its group's records; nothing
//! here sends, waits or reads a clock, and no time-out decides anything.
//!
//! A message ends in one of four ways: applied, refused, cancelled, or not sent at all. A cancel is a
//! wish: the receiver's journal decides whether it or the message came first, and says so in its answer.
//! An end that sees a contradiction freezes, keeps everything as it is, and is a case for people.
//!
//! Where to start: [`Channels`], all ends at one group, then [`Outbox`] and [`Inbox`]. Which parcels to
//! ship when is the business of `group`, and what a message means that of its model.
#![no_std]

extern crate alloc;

mod channels;
mod codec;
mod inbox;
pub mod limits;
mod outbox;
mod rebase;

pub use channels::{Channels, Taken};
pub use inbox::{Inbox, Judgement};
pub use outbox::{Answered, Outbox, Pending, Unsent};
pub use rebase::{Lost, NoPlan, Plan, Rebased, Restart, Says, Side, Unrebased, half_open, is_open};

use types::{Seq, Stamp};

/// The record in which something was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    /// Its stamp.
    pub stamp: Stamp,
    /// Its place in the group's chain.
    pub seq: Seq,
}
