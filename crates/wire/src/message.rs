//! What nodes say to each other (PROTOCOL 7.2), and the frame that carries several such messages.
//!
//! A frame is version u8 and then messages to its end, each its length u32, a tag u8 and its fields. All
//! that one node has to say to another at the end of one step travels in one frame, so a region's 64
//! seals are one frame. The lengths let a node pass over messages of code newer than its own and hear
//! the others: nodes are upgraded one after the other.

mod group;
mod pulse;

use alloc::vec::Vec;

use bytes::Bytes;
use types::{Epoch, GroupId, Until};

use crate::{Command, DecodeError, Parcel, Reader, Reply, Voice, Writer, limits};

pub use group::GroupMessage;
pub use pulse::{HomeReport, Pulse};

/// Version of the frame and of every message in it.
const VERSION: u8 = 1;

/// Bytes of the length before each message.
const LENGTH_BYTES: usize = 4;

/// One thing said to one node. Tags are never reused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A message about one group; the receiver refuses it when its epoch is below the promise.
    Group {
        /// The group.
        group: GroupId,
        /// Epoch under which the sender speaks.
        epoch: Epoch,
        /// What it says.
        body: GroupMessage,
    },
    /// What the sender has made durable and what it sees of others.
    Pulse(Pulse),
    /// Bytes between register members.
    Register(Bytes),
    /// A client's command, handed to the group's home. Answered by `Answered` with the same ticket.
    Forward {
        /// Chosen by the sender, unique among its forwards in flight.
        ticket: u64,
        /// The group.
        group: GroupId,
        /// The command.
        command: Command,
        /// For what the answer is to wait.
        until: Until,
    },
    /// The answer to `Forward`.
    Answered {
        /// The ticket of the forward.
        ticket: u64,
        /// The answer.
        reply: Reply,
    },
    /// Parcels for a group, to its home. Losing or repeating one is harmless: the other end says it again,
    /// and its number says what it is.
    Channel {
        /// The group they are for.
        group: GroupId,
        /// The parcels, in order.
        parcels: Vec<Parcel>,
    },
    /// What the sender's state machines came to, and which versions it can run.
    Voice(Voice),
    /// A message that this code does not know, from a node whose code is newer. As good as lost, which
    /// every message may be.
    Newer {
        /// Its tag, none of those above.
        tag: u8,
        /// Its fields.
        fields: Bytes,
    },
}

/// Adds messages to one frame.
#[derive(Debug, Default)]
pub struct FrameBuilder {
    bytes: Vec<u8>,
}

impl FrameBuilder {
    /// Adds a message.
    pub fn push(&mut self, message: &Message) {
        if self.bytes.is_empty() {
            self.bytes.push(VERSION);
        }
        let start = self.bytes.len();
        let mut writer = Writer::new(&mut self.bytes);
        writer.u32(0);
        message.encode(&mut writer);
        let length = self.bytes.len() - start - LENGTH_BYTES;
        // Longer than that is no frame, and is refused by whoever gets it.
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(place) = self.bytes.get_mut(start..start + LENGTH_BYTES) {
            place.copy_from_slice(&length);
        }
    }

    /// Bytes so far.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The frame, or `None` if nothing was added. The builder is empty after.
    pub fn take(&mut self) -> Option<Bytes> {
        if self.bytes.is_empty() {
            return None;
        }
        Some(core::mem::take(&mut self.bytes).into())
    }
}

/// Reads all messages of a frame.
///
/// # Errors
/// [`DecodeError`] if any message that this code knows is malformed: such a frame is refused as a whole.
pub fn decode_frame(frame: &Bytes) -> Result<Vec<Message>, DecodeError> {
    let mut reader = Reader::new(frame);
    let version = reader.u8()?;
    if version != VERSION {
        return Err(DecodeError::Invalid { field: "frame version", value: version.into() });
    }
    let mut messages = Vec::new();
    while !reader.rest().is_empty() {
        let length = usize::try_from(reader.u32()?).map_err(|_| DecodeError::Truncated)?;
        let mut message = Reader::new(reader.take(length)?);
        messages.push(Message::decode(frame, &mut message)?);
        if !message.rest().is_empty() {
            return Err(DecodeError::Trailing(message.rest().len()));
        }
    }
    Ok(messages)
}

impl Message {
    fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Group { group, epoch, body } => {
                writer.u8(body.tag()).u16(group.0).u64(epoch.0);
                body.encode(writer);
            }
            Self::Pulse(pulse) => {
                writer.u8(64);
                pulse.encode(writer);
            }
            Self::Register(bytes) => {
                writer.u8(65).run(bytes);
            }
            Self::Forward { ticket, group, command, until } => {
                let tag = match until {
                    Until::Commit => 66,
                    Until::Class => 72,
                };
                writer.u8(tag).u64(*ticket).u16(group.0);
                command.encode(writer);
            }
            Self::Answered { ticket, reply } => {
                writer.u8(67).u64(*ticket);
                reply.encode(writer);
            }
            Self::Channel { group, parcels } => {
                writer.u8(68).u16(group.0).count(parcels.len());
                for parcel in parcels {
                    parcel.encode(writer);
                }
            }
            Self::Voice(voice) => {
                writer.u8(69);
                voice.encode(writer);
            }
            Self::Newer { tag, fields } => {
                writer.u8(*tag).raw(fields);
            }
        }
    }

    fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let tag = reader.u8()?;
        Ok(match tag {
            1..=GroupMessage::LAST_TAG => {
                let (group, epoch) = (GroupId(reader.u16()?), Epoch(reader.u64()?));
                Self::Group { group, epoch, body: GroupMessage::decode(tag, frame, reader)? }
            }
            64 => Self::Pulse(Pulse::decode(reader)?),
            65 => Self::Register(
                frame.slice_ref(reader.run("register bytes", limits::REGISTER_BYTES_MAX)?),
            ),
            66 | 72 => Self::Forward {
                until: if tag == 66 { Until::Commit } else { Until::Class },
                ticket: reader.u64()?,
                group: GroupId(reader.u16()?),
                command: Command::decode(frame, reader)?,
            },
            67 => Self::Answered { ticket: reader.u64()?, reply: Reply::decode(frame, reader)? },
            68 => {
                let group = GroupId(reader.u16()?);
                let count = reader.count("parcels", limits::PARCELS_MAX)?;
                let mut parcels = Vec::with_capacity(count.min(64));
                for _ in 0..count {
                    parcels.push(Parcel::decode(frame, reader)?);
                }
                Self::Channel { group, parcels }
            }
            69 => Self::Voice(Voice::decode(reader)?),
            tag => {
                let fields = frame.slice_ref(reader.take(reader.rest().len())?);
                Self::Newer { tag, fields }
            }
        })
    }
}

#[cfg(test)]
mod tests;
