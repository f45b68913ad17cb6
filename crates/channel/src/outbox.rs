//! The sender's end: what was sent and not answered, in order.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use types::{ChannelKey, GroupId, Hash, Stamp};
use wire::{Answer, Cause, Parcel, ParcelBody, Resolved, chained, message_digest};

use crate::limits::{PENDING_BYTES_MAX, PENDING_MAX};
use crate::{At, Restart};

/// The sender's end of one channel. A part of the sending group's state.
///
/// Messages have the numbers 1, 2, 3 and so on. Those up to [`Outbox::resolved`] have their answer and are
/// forgotten; the others wait, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox {
    pub(crate) resolved: Resolved,
    /// The channel's hash after what is resolved.
    pub(crate) base: Hash,
    /// The channel's hash after the last message.
    pub(crate) head: Hash,
    pub(crate) pending: VecDeque<Pending>,
    /// Follows from `pending`.
    pub(crate) numbers: BTreeMap<ChannelKey, u64>,
    /// Those that were wished back. Follows from `pending`.
    pub(crate) cancelling: BTreeSet<u64>,
    /// Follows from `pending`.
    pub(crate) bytes: usize,
    pub(crate) frozen: Option<Cause>,
    /// From where it went on when it was opened last.
    pub(crate) restart: Option<Restart>,
    /// The stamp of the record that opened it last; 0 before.
    pub(crate) restarted: Stamp,
    /// The receiver has not said that it goes on from there too.
    pub(crate) opening: bool,
}

/// A message that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The model's name for it.
    pub key: ChannelKey,
    /// For the receiver's model.
    pub content: Bytes,
    /// The channel's hash after it.
    pub hash: Hash,
    /// The record that sent it.
    pub at: At,
    /// The record that wished it back, if one did.
    pub cancelled: Option<At>,
}

/// Why a message was not sent. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// The receiver has not answered for too long: too much waits.
    #[error("too much waits for an answer of the receiving group")]
    Full,
    /// An end of the channel is frozen, or not known to be open again.
    #[error("the channel is frozen")]
    Frozen,
    /// The content is above [`wire::limits::PARCEL_BYTES_MAX`].
    #[error("the message is too large")]
    TooLarge,
    /// A message of this name waits already.
    #[error("a message of this name waits already")]
    KeyPending,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered {
    /// It ended the oldest message that waited, which is this one.
    Resolved(Pending),
    /// It contradicts what was sent, or says that the receiver does: the channel is frozen from here on.
    Froze(Cause),
    /// The receiver goes on from the same number: the channel is open again.
    Opened,
    /// It says nothing new, or nothing that can be taken yet.
    Ignored,
}

impl Outbox {
    /// Nothing was sent, on the channel of this hash.
    pub(crate) const fn new(head: Hash) -> Self {
        Self {
            resolved: Resolved { number: 0, hash: Hash::ZERO },
            base: head,
            head,
            pending: VecDeque::new(),
            numbers: BTreeMap::new(),
            cancelling: BTreeSet::new(),
            bytes: 0,
            frozen: None,
            restart: None,
            restarted: Stamp(0),
            opening: false,
        }
    }

    /// All numbers up to this have their answer.
    #[must_use]
    pub const fn resolved(&self) -> u64 {
        self.resolved.number
    }

    /// The number of the last message; 0 before the first.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.resolved.number + self.pending.len() as u64
    }

    /// The channel's hash after the last message.
    #[must_use]
    pub const fn head(&self) -> Hash {
        self.head
    }

    /// Why nothing goes out any more, if so.
    #[must_use]
    pub const fn frozen(&self) -> Option<Cause> {
        self.frozen
    }

    /// The stamp of the record that opened it last.
    #[must_use]
    pub fn restarted(&self) -> Option<Stamp> {
        self.restart.map(|_| self.restarted)
    }

    /// From where it went on when it was opened last.
    #[must_use]
    pub const fn restart(&self) -> Option<Restart> {
        self.restart
    }

    /// Whether it was opened again and waits for the receiver's word that it was too.
    #[must_use]
    pub const fn is_opening(&self) -> bool {
        self.opening
    }

    /// The messages that wait for their answer with their numbers, oldest first.
    pub fn pending(&self) -> impl Iterator<Item = (u64, &Pending)> {
        (self.resolved.number + 1..).zip(&self.pending)
    }

    /// The message of that number, if it waits.
    #[must_use]
    pub fn waiting(&self, number: u64) -> Option<&Pending> {
        let index = number.checked_sub(self.resolved.number + 1)?;
        self.pending.get(usize::try_from(index).ok()?)
    }

    /// The number of the message of that name, if it waits.
    #[must_use]
    pub fn number(&self, key: ChannelKey) -> Option<u64> {
        self.numbers.get(&key).copied()
    }

    /// The numbers of the messages that were wished back and wait, oldest first.
    pub fn cancelling(&self) -> impl Iterator<Item = u64> {
        self.cancelling.iter().copied()
    }

    /// Bytes of the content that waits.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Numbers a message and keeps it until it is answered.
    pub(crate) fn send(&mut self, key: ChannelKey, content: Bytes, at: At) -> Result<u64, Unsent> {
        if self.frozen.is_some() || self.opening {
            return Err(Unsent::Frozen);
        }
        if content.len() > wire::limits::PARCEL_BYTES_MAX {
            return Err(Unsent::TooLarge);
        }
        if self.numbers.contains_key(&key) {
            return Err(Unsent::KeyPending);
        }
        let is_full = self.pending.len() as u64 >= PENDING_MAX;
        if is_full || self.bytes + content.len() > PENDING_BYTES_MAX {
            return Err(Unsent::Full);
        }
        let number = self.last() + 1;
        self.head = chained(self.head, number, message_digest(key, &content));
        self.bytes += content.len();
        self.numbers.insert(key, number);
        self.pending.push_back(Pending { key, content, hash: self.head, at, cancelled: None });
        Ok(number)
    }

    /// Wishes a message back. Whether it comes back is for the receiver to say; a second wish changes
    /// nothing. `false` if no such message waits.
    pub(crate) fn cancel(&mut self, key: ChannelKey, at: At) -> bool {
        let Some(number) = self.number(key) else { return false };
        let pending = self.waiting_mut(number).expect("names lead to messages that wait");
        pending.cancelled.get_or_insert(at);
        self.cancelling.insert(number);
        true
    }

    /// Whether this answer would change anything.
    #[must_use]
    pub fn wants(&self, parcel: &Parcel, answer: &Answer) -> bool {
        let restart = Restart { number: parcel.number, hash: parcel.hash };
        if self.opening {
            return *answer == Answer::Restarted && self.restart == Some(restart);
        }
        self.frozen.is_none()
            && match answer {
                // Once the channel was opened again, only about what waits here: what is about anything else waited
                // before. Until then any, as in records that were written before channels could be opened.
                Answer::Frozen(_) => {
                    let waiting = self.waiting(parcel.number);
                    self.restart.is_none() || waiting.is_some_and(|one| one.hash == parcel.hash)
                }
                Answer::Restarted => false,
                Answer::Forgotten => parcel.number > self.resolved.number,
                Answer::Applied(_) | Answer::Refused(_) | Answer::Cancelled => {
                    parcel.number == self.resolved.number + 1
                }
            }
    }

    /// Takes the receiver's answer. Answers are taken in order: an answer to a later message waits where
    /// it is until those before it are there.
    pub(crate) fn answered(&mut self, parcel: &Parcel, answer: &Answer) -> Answered {
        if !self.wants(parcel, answer) {
            return Answered::Ignored;
        }
        match answer {
            Answer::Frozen(cause) => return self.freeze(*cause),
            Answer::Forgotten => return self.freeze(Cause::SenderLost),
            Answer::Restarted => {
                self.opening = false;
                return Answered::Opened;
            }
            Answer::Applied(_) | Answer::Refused(_) | Answer::Cancelled => {}
        }
        // Of what was never sent, or was sent with other content, only one who lost it is told.
        match self.pending.front() {
            Some(oldest) if oldest.hash == parcel.hash => {}
            Some(_) | None => return self.freeze(Cause::SenderLost),
        }
        let pending = self.pending.pop_front().expect("it was looked at just now");
        self.numbers.remove(&pending.key);
        self.cancelling.remove(&parcel.number);
        self.bytes -= pending.content.len();
        let (number, hash) = (parcel.number, self.resolved.hash);
        self.resolved = Resolved { number, hash: wire::answered(hash, number, answer) };
        self.base = pending.hash;
        Answered::Resolved(pending)
    }

    const fn freeze(&mut self, cause: Cause) -> Answered {
        self.frozen = Some(cause);
        Answered::Froze(cause)
    }

    fn waiting_mut(&mut self, number: u64) -> Option<&mut Pending> {
        let index = number.checked_sub(self.resolved.number + 1)?;
        self.pending.get_mut(usize::try_from(index).ok()?)
    }

    /// What to tell the receiver about the message of that number, if it waits and nothing is frozen: that
    /// it is not wanted any more, if so, or else the message.
    #[must_use]
    pub fn parcel(&self, [from, to]: [GroupId; 2], number: u64) -> Option<Parcel> {
        let is_open = self.frozen.is_none() && !self.opening;
        let pending = self.waiting(number).filter(|_| is_open)?;
        let (key, resolved) = (pending.key, self.resolved);
        let content = pending.content.clone();
        let (at, body) = match pending.cancelled {
            Some(at) => {
                let digest = message_digest(key, &content);
                (at, ParcelBody::Cancel { resolved, digest })
            }
            None => (pending.at, ParcelBody::Message { resolved, key, content }),
        };
        let (hash, stamp, source) = (pending.hash, at.stamp, at.seq);
        Some(Parcel { from, to, number, hash, stamp, source, body })
    }

    /// The question whether the receiver goes on from the same number, while that is not known.
    #[must_use]
    pub fn question(&self, [from, to]: [GroupId; 2]) -> Option<Parcel> {
        let Restart { number, hash } = self.restart.filter(|_| self.opening)?;
        let At { stamp, seq: source } = At::default();
        Some(Parcel { from, to, number, hash, stamp, source, body: ParcelBody::Restart })
    }

    /// Asserts that what is kept on the way follows from the rest.
    ///
    /// # Panics
    /// If it does not.
    pub(crate) fn assert_invariants(&self) {
        let bytes = self.pending.iter().map(|pending| pending.content.len()).sum();
        assert_eq!(self.bytes, bytes, "the bytes are those of what waits");
        assert_eq!(self.numbers.len(), self.pending.len(), "every message that waits has a name");
        for (number, pending) in self.pending() {
            assert_eq!(self.number(pending.key), Some(number), "names lead to numbers");
            let is_wished_back = pending.cancelled.is_some();
            assert_eq!(self.cancelling.contains(&number), is_wished_back, "wishes are known");
        }
        let last = self.pending.back().map_or(self.base, |last| last.hash);
        assert_eq!(last, self.head, "the hash is that of the last message");
    }
}
