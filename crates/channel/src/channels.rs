//! All ends of channels at one group.

use alloc::collections::BTreeMap;

use bytes::Bytes;
use types::{ChannelKey, GroupId};
use wire::{Answer, Cause, Parcel, ParcelBody, channel_hash};

use crate::limits::CHANNELS_MAX;
use crate::{Answered, At, Inbox, Judgement, Outbox, Pending, Unsent};

/// Every channel that begins or ends at one group: a part of its replicated state, changed by its records
/// alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    pub(crate) me: GroupId,
    pub(crate) outboxes: BTreeMap<GroupId, Outbox>,
    pub(crate) inboxes: BTreeMap<GroupId, Inbox>,
}

/// What a parcel came to that stands in the group's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The next message: the model decides, then [`Channels::consume`] is told.
    Message {
        /// The group that sent it.
        from: GroupId,
        /// What it says.
        content: Bytes,
    },
    /// A cancel was first: the number is consumed, and nothing is to be done.
    Cancelled,
    /// A message of this group has its answer.
    Resolved {
        /// The group that answered.
        by: GroupId,
        /// The message.
        pending: Pending,
        /// The answer.
        answer: Answer,
    },
    /// The channel to that group is open again.
    Opened {
        /// The other end.
        peer: GroupId,
    },
    /// A channel is frozen from here on.
    Froze {
        /// The other end.
        peer: GroupId,
        /// Why.
        cause: Cause,
    },
    /// Nothing came of it: it was known, or comes too early, or makes no sense.
    Ignored,
}

impl Channels {
    /// No channels of the group `me`.
    #[must_use]
    pub const fn new(me: GroupId) -> Self {
        Self { me, outboxes: BTreeMap::new(), inboxes: BTreeMap::new() }
    }

    /// The group whose ends these are.
    #[must_use]
    pub const fn me(&self) -> GroupId {
        self.me
    }

    /// The ends of channels that begin here, by where they end.
    pub fn outboxes(&self) -> impl Iterator<Item = (GroupId, &Outbox)> {
        self.outboxes.iter().map(|(to, outbox)| (*to, outbox))
    }

    /// The ends of channels that end here, by where they begin.
    pub fn inboxes(&self) -> impl Iterator<Item = (GroupId, &Inbox)> {
        self.inboxes.iter().map(|(from, inbox)| (*from, inbox))
    }

    /// The sender's end of the channel to a group, if anything was ever sent there.
    #[must_use]
    pub fn outbox(&self, to: GroupId) -> Option<&Outbox> {
        self.outboxes.get(&to)
    }

    /// The receiver's end of the channel from a group, if anything was ever consumed.
    #[must_use]
    pub fn inbox(&self, from: GroupId) -> Option<&Inbox> {
        self.inboxes.get(&from)
    }

    /// Whether nothing was ever sent or received.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.outboxes.is_empty() && self.inboxes.is_empty()
    }

    /// Messages that wait for their answer, over all channels.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.outboxes.values().map(|outbox| outbox.pending.len()).sum()
    }

    /// The frozen channels: the other end, whether this group is the sender, and the cause.
    pub fn cases(&self) -> impl Iterator<Item = (GroupId, bool, Cause)> {
        let sent = self.outboxes.iter().filter_map(|(to, end)| Some((*to, true, end.frozen?)));
        let from = self.inboxes.iter().filter_map(|(from, end)| Some((*from, false, end.frozen?)));
        sent.chain(from)
    }

    /// The channels to other groups that were opened again here and are not known to be there.
    pub fn opening(&self) -> impl Iterator<Item = GroupId> {
        self.outboxes.iter().filter(|(_, end)| end.opening).map(|(to, _)| *to)
    }

    /// Numbers a message for `to` in the record `at`.
    ///
    /// # Errors
    /// [`Unsent`]; nothing has changed then.
    pub fn send(
        &mut self,
        to: GroupId,
        key: ChannelKey,
        content: Bytes,
        at: At,
    ) -> Result<u64, Unsent> {
        if !self.outboxes.contains_key(&to) && self.outboxes.len() >= CHANNELS_MAX {
            return Err(Unsent::Full);
        }
        let hash = channel_hash(self.me, to);
        self.outboxes.entry(to).or_insert_with(|| Outbox::new(hash)).send(key, content, at)
    }

    /// Wishes a message for `to` back, in the record `at`; the receiver decides. `false` if none of that
    /// name waits.
    pub fn cancel(&mut self, to: GroupId, key: ChannelKey, at: At) -> bool {
        self.outboxes.get_mut(&to).is_some_and(|outbox| outbox.cancel(key, at))
    }

    /// Takes a parcel of a record `at` of this group's chain.
    pub fn take(&mut self, parcel: &Parcel, at: At) -> Taken {
        let peer = parcel.from;
        if parcel.to != self.me {
            return Taken::Ignored;
        }
        match &parcel.body {
            ParcelBody::Answer(answer) => self.take_answer(peer, parcel, answer),
            ParcelBody::Message { resolved, .. } | ParcelBody::Cancel { resolved, .. } => {
                self.take_message(peer, parcel, resolved.number, at)
            }
            // A question changes nothing.
            ParcelBody::Restart => Taken::Ignored,
        }
    }

    /// The model has decided about the next message, which `parcel` brought in the record `at`.
    ///
    /// # Panics
    /// If [`Channels::take`] did not just give it out.
    pub fn consume(&mut self, parcel: &Parcel, answer: Answer, at: At) {
        let inbox = self.inboxes.get_mut(&parcel.from).expect("the message was given out");
        inbox.consume(parcel, answer, at);
    }

    /// What to tell the group that sent `parcel`, as far as this end's state goes.
    #[must_use]
    pub fn reply(&self, parcel: &Parcel) -> Option<Parcel> {
        self.inboxes.get(&parcel.from)?.reply([self.me, parcel.from], parcel)
    }

    /// What a sender's parcel is to this group now.
    #[must_use]
    pub fn judge(&self, parcel: &Parcel) -> Judgement {
        match self.inboxes.get(&parcel.from) {
            Some(inbox) => inbox.judge(parcel),
            None => Inbox::new(channel_hash(parcel.from, self.me)).judge(parcel),
        }
    }

    /// What to tell `to` about the message of that number, if it waits.
    #[must_use]
    pub fn parcel(&self, to: GroupId, number: u64) -> Option<Parcel> {
        self.outboxes.get(&to)?.parcel([self.me, to], number)
    }

    /// The question whether `to` goes on from the same number, while that is not known.
    #[must_use]
    pub fn question(&self, to: GroupId) -> Option<Parcel> {
        self.outboxes.get(&to)?.question([self.me, to])
    }

    fn take_message(&mut self, from: GroupId, parcel: &Parcel, resolved: u64, at: At) -> Taken {
        if !self.inboxes.contains_key(&from) && self.inboxes.len() >= CHANNELS_MAX {
            return Taken::Ignored;
        }
        let hash = channel_hash(from, self.me);
        let inbox = self.inboxes.entry(from).or_insert_with(|| Inbox::new(hash));
        let judgement = inbox.judge(parcel);
        match judgement {
            Judgement::Next => {
                inbox.forget(resolved);
                match &parcel.body {
                    ParcelBody::Message { content, .. } => {
                        Taken::Message { from, content: content.clone() }
                    }
                    ParcelBody::Cancel { .. } | ParcelBody::Answer(_) | ParcelBody::Restart => {
                        inbox.consume(parcel, Answer::Cancelled, at);
                        Taken::Cancelled
                    }
                }
            }
            Judgement::Contradiction(cause) => {
                inbox.freeze(cause);
                Taken::Froze { peer: from, cause }
            }
            Judgement::Known
            | Judgement::Forgotten
            | Judgement::Gap
            | Judgement::Together
            | Judgement::Frozen(_)
            | Judgement::Absurd => Taken::Ignored,
        }
    }

    fn take_answer(&mut self, by: GroupId, parcel: &Parcel, answer: &Answer) -> Taken {
        // A group that lost all that it ever sent has no outbox, and has to notice.
        let hash = channel_hash(self.me, by);
        let outbox = self.outboxes.entry(by).or_insert_with(|| Outbox::new(hash));
        match outbox.answered(parcel, answer) {
            Answered::Resolved(pending) => Taken::Resolved { by, pending, answer: answer.clone() },
            Answered::Opened => Taken::Opened { peer: by },
            Answered::Froze(cause) => Taken::Froze { peer: by, cause },
            Answered::Ignored => Taken::Ignored,
        }
    }

    /// Asserts that both ends of all channels are in order in themselves.
    ///
    /// # Panics
    /// If one is not.
    pub fn assert_invariants(&self) {
        self.outboxes.values().for_each(Outbox::assert_invariants);
        self.inboxes.values().for_each(Inbox::assert_invariants);
    }
}
