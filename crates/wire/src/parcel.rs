//! What two groups say to each other over a channel (PROTOCOL 7.6), as it travels and as it stands in
//! the chain of the group that it is for.
//!
//! A parcel in a chain is the body of a command in a record of kind `Channel`, which only a home writes:
//! nothing that comes from a client can become one. Its place is its number in its channel, so it needs
//! no entry in the table of message ids.
//!
//! Layout, little-endian: version u8 (1), from u16, to u16, number u64, hash 32, stamp u64, source u64,
//! tag u8, and then for a message (1) resolved (number u64, hash 32), key 16, content run; for a cancel
//! (2) resolved, digest 32; for a question about a restart (4) nothing; for an answer (3) its word u8 and, for applied (1) and refused (2), a reply run, for frozen
//! (4) a cause u8.

use alloc::vec::Vec;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use types::{ChannelKey, GroupId, Hash, MessageId, Seq, Stamp};

use crate::{Command, DecodeError, Reader, Writer, limits};

/// Version of this layout.
const VERSION: u8 = 1;

/// One word of one group to another about one message of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The group that says it.
    pub from: GroupId,
    /// The group that it is for.
    pub to: GroupId,
    /// The message's number in its channel, from 1.
    pub number: u64,
    /// The channel's hash once that message is in it.
    pub hash: Hash,
    /// Stamp of the record in the saying group's chain that it comes from.
    pub stamp: Stamp,
    /// Seq of that record.
    pub source: Seq,
    /// What is said.
    pub body: ParcelBody,
}

/// What a parcel says. Tags are never reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParcelBody {
    /// Sender to receiver: the message itself. Tag 1.
    Message {
        /// How far the sender has answers.
        resolved: Resolved,
        /// The sender's name for it.
        key: ChannelKey,
        /// For the receiver's model.
        content: Bytes,
    },
    /// Sender to receiver: unless it was consumed, it is not to be. Tag 2.
    Cancel {
        /// As in a message.
        resolved: Resolved,
        /// [`message_digest`] of the message, from which its hash follows.
        digest: Hash,
    },
    /// Receiver to sender: what became of it. Tag 3.
    Answer(Answer),
    /// Sender to receiver: this end goes on from that number and hash; does the other? Tag 4.
    Restart,
}

/// How far a sender has answers in its chain, and which: the receiver holds it against what it answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// All numbers up to this have their answer.
    pub number: u64,
    /// [`answered`] over all of these answers in order; zero before the first.
    pub hash: Hash,
}

/// What became of a message. Words are never reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The receiver's model has taken it, with this reply. Word 1.
    Applied(Bytes),
    /// The receiver's model has refused it, with this reply; nothing was done. Word 2.
    Refused(Bytes),
    /// It was cancelled before it came, or before it was looked at; nothing was done. Word 3.
    Cancelled,
    /// The receiver takes nothing more over this channel. Word 4.
    Frozen(Cause),
    /// The sender had said that it knows the answer, so it was forgotten. Word 5.
    Forgotten,
    /// The receiver goes on from the number and hash that it was asked about. Word 6.
    Restarted,
}

/// Why an end of a channel was frozen: each is a contradiction that only a forced switch, damage or a bug
/// can cause, and that people must look at. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Cause {
    /// A number that had been consumed came again with another hash: the sender lost what it had sent.
    Contradicted = 1,
    /// The next number does not follow from what was consumed before it: the sender lost a part of that.
    Broken = 2,
    /// The sender has answers for numbers that were never consumed here, or other answers than were given
    /// here: what was answered was lost here.
    ReceiverLost = 3,
    /// The receiver was told that an answer had arrived of which nothing is known here: it was lost here.
    SenderLost = 4,
}

impl Cause {
    /// All causes, in the order of their numbers.
    pub const ALL: [Self; 4] =
        [Self::Contradicted, Self::Broken, Self::ReceiverLost, Self::SenderLost];

    /// The cause of a stored number.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`].
    pub fn from_number(number: u8) -> Result<Self, DecodeError> {
        let known = Self::ALL.into_iter().find(|cause| *cause as u8 == number);
        known.ok_or(DecodeError::Invalid { field: "cause", value: number.into() })
    }
}

impl Answer {
    /// Writes it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Applied(reply) => {
                writer.u8(1).run(reply);
            }
            Self::Refused(reply) => {
                writer.u8(2).run(reply);
            }
            Self::Cancelled => {
                writer.u8(3);
            }
            Self::Frozen(cause) => {
                writer.u8(4).u8(*cause as u8);
            }
            Self::Forgotten => {
                writer.u8(5);
            }
            Self::Restarted => {
                writer.u8(6);
            }
        }
    }

    /// Reads one out of `frame`, of which `reader` must be a part.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reply = |reader: &mut Reader<'_>| {
            reader.run("answer", limits::ANSWER_BYTES_MAX).map(|reply| frame.slice_ref(reply))
        };
        Ok(match reader.u8()? {
            1 => Self::Applied(reply(reader)?),
            2 => Self::Refused(reply(reader)?),
            3 => Self::Cancelled,
            4 => Self::Frozen(Cause::from_number(reader.u8()?)?),
            5 => Self::Forgotten,
            6 => Self::Restarted,
            value => return Err(DecodeError::Invalid { field: "answer", value: value.into() }),
        })
    }
}

impl Parcel {
    /// Writes it.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(VERSION).u16(self.from.0).u16(self.to.0).u64(self.number).hash(self.hash);
        writer.u64(self.stamp.0).u64(self.source.0);
        match &self.body {
            ParcelBody::Message { resolved, key, content } => {
                writer.u8(1).u64(resolved.number).hash(resolved.hash).raw(&key.0).run(content);
            }
            ParcelBody::Cancel { resolved, digest } => {
                writer.u8(2).u64(resolved.number).hash(resolved.hash).hash(*digest);
            }
            ParcelBody::Answer(answer) => {
                writer.u8(3);
                answer.encode(writer);
            }
            ParcelBody::Restart => {
                writer.u8(4);
            }
        }
    }

    /// Reads one out of `frame`, of which `reader` must be a part.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "parcel version", value: version.into() });
        }
        let (from, to) = (GroupId(reader.u16()?), GroupId(reader.u16()?));
        let (number, hash) = (reader.u64()?, reader.hash()?);
        let (stamp, source) = (Stamp(reader.u64()?), Seq(reader.u64()?));
        let body = match reader.u8()? {
            1 => ParcelBody::Message {
                resolved: Resolved { number: reader.u64()?, hash: reader.hash()? },
                key: ChannelKey(reader.array()?),
                content: frame.slice_ref(reader.run("parcel", limits::PARCEL_BYTES_MAX)?),
            },
            2 => ParcelBody::Cancel {
                resolved: Resolved { number: reader.u64()?, hash: reader.hash()? },
                digest: reader.hash()?,
            },
            3 => ParcelBody::Answer(Answer::decode(frame, reader)?),
            4 => ParcelBody::Restart,
            value => return Err(DecodeError::Invalid { field: "parcel tag", value: value.into() }),
        };
        Ok(Self { from, to, number, hash, stamp, source, body })
    }

    /// It as it stands in a record of kind `Channel`. The id only helps to find it.
    #[must_use]
    pub fn to_command(&self) -> Command {
        let mut body = Vec::with_capacity(self.encoded_bytes());
        self.encode(&mut Writer::new(&mut body));
        let digest = crate::digest(&body);
        let (id, body) = (MessageId::of(digest), body.into());
        Command { id, digest, not_after: Stamp(u64::MAX), origin: None, body }
    }

    /// It from the body of a command in such a record.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_body(body: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let parcel = Self::decode(body, &mut reader)?;
        reader.end()?;
        Ok(parcel)
    }

    /// Bytes that [`Parcel::encode`] writes, or a few more.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        let body = match &self.body {
            ParcelBody::Message { content, .. } => 8 + 32 + 16 + 4 + content.len(),
            ParcelBody::Cancel { .. } => 8 + 32 + 32,
            ParcelBody::Answer(Answer::Applied(reply) | Answer::Refused(reply)) => 5 + reply.len(),
            ParcelBody::Answer(
                Answer::Cancelled | Answer::Frozen(_) | Answer::Forgotten | Answer::Restarted,
            ) => 2,
            ParcelBody::Restart => 0,
        };
        1 + 2 + 2 + 8 + 32 + 8 + 8 + 1 + body
    }
}

/// The hash of a channel over which nothing was sent.
#[must_use]
pub fn channel_hash(from: GroupId, to: GroupId) -> Hash {
    let hasher = Sha256::new_with_prefix(b"channel/1");
    Hash(
        hasher
            .chain_update(from.0.to_le_bytes())
            .chain_update(to.0.to_le_bytes())
            .finalize()
            .into(),
    )
}

/// What a channel's hash takes of a message: SHA-256 over its key and its content.
#[must_use]
pub fn message_digest(key: ChannelKey, content: &[u8]) -> Hash {
    Hash(Sha256::new_with_prefix(key.0).chain_update(content).finalize().into())
}

/// The channel's hash once the message of that number and digest follows what `before` stands for.
#[must_use]
pub fn chained(before: Hash, number: u64, digest: Hash) -> Hash {
    let hasher = Sha256::new_with_prefix(before.0).chain_update(number.to_le_bytes());
    Hash(hasher.chain_update(digest.0).finalize().into())
}

/// The hash over a channel's answers once that of this number follows what `before` stands for.
#[must_use]
pub fn answered(before: Hash, number: u64, answer: &Answer) -> Hash {
    let mut bytes = Vec::new();
    answer.encode(Writer::new(&mut bytes).hash(before).u64(number));
    crate::digest(&bytes)
}

#[cfg(test)]
mod tests;
