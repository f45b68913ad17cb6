//! What a model has to do with a channel that is opened again after force has taken something back.
//!
//! The two ends of a frozen channel tell different stories: one side did what the other knows nothing of. Which
//! messages those are, the ends find out from what both models say was done over the channel. What it means for the
//! books is for the model to say: it accounts for it, so that both sides add up again, and leaves the rest to people.

use types::ChannelKey;

/// Which end of a channel a group has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// It sends.
    Sender,
    /// It receives.
    Receiver,
}

/// A message that was done over a channel, as a model has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its name.
    pub key: ChannelKey,
    /// Where the model finds it again; means nothing to others.
    pub place: u64,
}

/// A message that the other side did and this one did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed<'a> {
    /// Its name.
    pub key: ChannelKey,
    /// What the other side's model says of it.
    pub detail: &'a [u8],
}

/// What came of the order to open a channel again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rebase<'a> {
    /// The end goes on from another number. Messages that waited and have their end now were resolved before
    /// this; these are to be accounted for, and no plan will name them again.
    Done(&'a [Missed<'a>]),
    /// The order has done nothing.
    Refused(RebaseRefusal),
}

/// Why an end of a channel was not opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum RebaseRefusal {
    /// The plan cannot be read.
    #[error("the plan cannot be read")]
    Unreadable,
    /// The channel neither begins nor ends at this group.
    #[error("the channel is another group's")]
    Other,
    /// It goes on from there already.
    #[error("this end has gone on from there already")]
    Done,
    /// The end is not what the plan was made for.
    #[error("this end has moved since it was looked at")]
    Moved,
    /// The record that carries the order is not later than what the plan was made from.
    #[error("this group's time is behind what was looked at")]
    Early,
    /// The model has said that it cannot account for what was lost.
    #[error("what was lost here cannot be accounted for")]
    Unaccountable,
}
