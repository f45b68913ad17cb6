//! The record: a batch of commands as it stands in a group's chain, on disk and between nodes.
//!
//! Layout, little-endian: version u8 (1), kind u8, group u16, config u32, epoch u64, seq u64,
//! count u32, stamp u64, model version u16, previous hash 32, body hash 32 (together
//! [`HEADER_BYTES`]); then body length u32 and the body. The record's hash is SHA-256 over the
//! header, which covers the body through its hash and all earlier records through `previous`
//! (PROTOCOL 7.1). Damage on disk is found by the log frame's CRC32C, not here.

use alloc::vec::Vec;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use types::{ConfigId, Epoch, GroupId, Hash, MessageId, ModelVersion, Seq, Stamp, Tail};

use crate::{DecodeError, Origin, Reader, Writer, limits};

/// Version of this layout.
const VERSION: u8 = 1;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 102;

/// What a record carries. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// Commands for the model.
    Commands = 1,
    /// The first record of an epoch; commits everything before it (PROTOCOL F8).
    EpochStart = 2,
    /// Nothing but its stamp: lets an idle group close time.
    Beat = 3,
    /// The last record of an epoch that ends by a planned switch.
    Handoff = 4,
    /// Parcels of other groups, each the body of a command. Only a home makes one.
    Channel = 5,
    /// The barrier of an upgrade: from this record on, itself included, the model version of its
    /// header is in force.
    Upgrade = 6,
}

impl RecordKind {
    /// Whether its body holds commands.
    const fn has_commands(self) -> bool {
        match self {
            Self::Commands | Self::Channel => true,
            Self::EpochStart | Self::Beat | Self::Handoff | Self::Upgrade => false,
        }
    }
}

/// All of a record but its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the body is.
    pub kind: RecordKind,
    /// Group whose chain this is in.
    pub group: GroupId,
    /// Configuration under which it was appended.
    pub config: ConfigId,
    /// Epoch under which it was first appended; kept when later homes adopt it.
    pub epoch: Epoch,
    /// Position in the chain.
    pub seq: Seq,
    /// Commands in the body.
    pub count: u32,
    /// Time of all its commands.
    pub stamp: Stamp,
    /// Version of the model that is in force.
    pub model: ModelVersion,
    /// Hash of the record before it; zero for the first.
    pub previous: Hash,
    /// SHA-256 of the body.
    pub body: Hash,
}

/// A record as bytes, with its header read and its hash known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    header: Header,
    hash: Hash,
    bytes: Bytes,
}

/// A command of a client, as it travels and as it stands in a body.
///
/// Layout: id 16, digest 32, not-after u64, the body's length u32, then the body. If the highest bit of the
/// length is set, the command has an origin, which stands before the body and is not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The client's id; one id, one outcome.
    pub id: MessageId,
    /// SHA-256 over the request's content; the same id with another digest is refused.
    pub digest: Hash,
    /// After this stamp the command must not be applied for the first time.
    pub not_after: Stamp,
    /// The record that was set aside and out of which it is handed in again, if it is.
    pub origin: Option<Origin>,
    /// For the model.
    pub body: Bytes,
}

/// Marks the length of a body before which an origin stands. No body is that long.
const WITH_ORIGIN: u32 = 1 << 31;

impl Record {
    /// Builds a record from `commands` (none for all kinds but `Commands` and `Channel`). The header's `count`
    /// and `body` are computed here, whatever they held.
    #[must_use]
    pub fn build(mut header: Header, commands: &[Command]) -> Self {
        let body_bytes: usize = commands.iter().map(Command::encoded_bytes).sum();
        let mut bytes = Vec::with_capacity(HEADER_BYTES + 4 + body_bytes);
        bytes.resize(HEADER_BYTES, 0);
        Writer::new(&mut bytes).count(body_bytes);
        for command in commands {
            command.encode(&mut Writer::new(&mut bytes));
        }
        header.count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
        header.body = digest(bytes.get(HEADER_BYTES + 4..).unwrap_or(&[]));
        let mut head = Vec::with_capacity(HEADER_BYTES);
        header.encode(&mut Writer::new(&mut head));
        let hash = digest(&head);
        if let Some(slot) = bytes.get_mut(..HEADER_BYTES) {
            slot.copy_from_slice(&head);
        }
        Self { header, hash, bytes: bytes.into() }
    }

    /// Reads a record that fills `bytes` exactly and checks its body hash.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that `build` cannot have made.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(&bytes);
        let header = Header::decode(&mut reader)?;
        let body = reader.run("record body length", limits::RECORD_BYTES_MAX)?;
        reader.end()?;
        if digest(body) != header.body {
            return Err(DecodeError::Invalid { field: "record body hash", value: header.seq.0 });
        }
        let mut commands = Commands { rest: Reader::new(body), left: header.count };
        let mut read = 0_u32;
        for command in commands.by_ref() {
            command?;
            read += 1;
        }
        commands.rest.end()?;
        if read != header.count || (!header.kind.has_commands() && read != 0) {
            return Err(DecodeError::Invalid { field: "record count", value: header.count.into() });
        }
        let hash = digest(bytes.get(..HEADER_BYTES).unwrap_or(&[]));
        Ok(Self { header, hash, bytes })
    }

    /// Reads a record that was checked before and noted under `hash`: nothing is hashed again.
    ///
    /// # Errors
    /// [`DecodeError`] if the header cannot be one.
    pub fn reread(bytes: Bytes, hash: Hash) -> Result<Self, DecodeError> {
        let header = Header::decode(&mut Reader::new(&bytes))?;
        Ok(Self { header, hash, bytes })
    }

    /// Its header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Its chain hash.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// The end of the chain once this record is in it.
    #[must_use]
    pub const fn tail(&self) -> Tail {
        Tail { epoch: self.header.epoch, seq: self.header.seq, hash: self.hash }
    }

    /// Its bytes, as stored and sent.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its commands in order. They were checked by `decode` or made by `build`.
    pub fn commands(&self) -> impl Iterator<Item = CommandRef<'_>> {
        let body = self.bytes.get(HEADER_BYTES + 4..).unwrap_or(&[]);
        Commands { rest: Reader::new(body), left: self.header.count }.map_while(Result::ok)
    }
}

/// A command inside a record, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandRef<'a> {
    /// See [`Command::id`].
    pub id: MessageId,
    /// See [`Command::digest`].
    pub digest: Hash,
    /// See [`Command::not_after`].
    pub not_after: Stamp,
    /// See [`Command::origin`].
    pub origin: Option<Origin>,
    /// See [`Command::body`].
    pub body: &'a [u8],
}

struct Commands<'a> {
    rest: Reader<'a>,
    left: u32,
}

impl<'a> Iterator for Commands<'a> {
    type Item = Result<CommandRef<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        Some(CommandRef::decode(&mut self.rest))
    }
}

impl<'a> CommandRef<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (id, digest) = (reader.message_id()?, reader.hash()?);
        let (not_after, length) = (Stamp(reader.u64()?), reader.u32()?);
        let origin = (length & WITH_ORIGIN != 0).then(|| Origin::decode(reader)).transpose()?;
        let length = length & !WITH_ORIGIN;
        let bytes = usize::try_from(length).unwrap_or(usize::MAX);
        if bytes > limits::COMMAND_BYTES_MAX {
            return Err(DecodeError::Invalid {
                field: "command body length",
                value: length.into(),
            });
        }
        Ok(Self { id, digest, not_after, origin, body: reader.take(bytes)? })
    }
}

impl Command {
    /// Bytes that [`Command::encode`] writes.
    #[must_use]
    pub fn encoded_bytes(&self) -> usize {
        let origin = if self.origin.is_some() { Origin::BYTES } else { 0 };
        16 + 32 + 8 + 4 + origin + self.body.len()
    }

    /// Writes the command.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        writer.message_id(self.id).hash(self.digest).u64(self.not_after.0);
        let Some(origin) = self.origin else {
            writer.run(&self.body);
            return;
        };
        let length = u32::try_from(self.body.len()).expect("a body is within its limit");
        origin.encode(writer.u32(length | WITH_ORIGIN));
        writer.raw(&self.body);
    }

    /// Reads a command out of `frame`, of which `reader` must be a part; the body shares memory
    /// with the frame.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let command = CommandRef::decode(reader)?;
        Ok(Self {
            id: command.id,
            digest: command.digest,
            not_after: command.not_after,
            origin: command.origin,
            body: frame.slice_ref(command.body),
        })
    }
}

impl Header {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer
            .u8(VERSION)
            .u8(self.kind as u8)
            .u16(self.group.0)
            .u32(self.config.0)
            .u64(self.epoch.0)
            .u64(self.seq.0)
            .u32(self.count)
            .u64(self.stamp.0)
            .u16(self.model.0)
            .hash(self.previous)
            .hash(self.body);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "record version", value: version.into() });
        }
        let kind = match reader.u8()? {
            1 => RecordKind::Commands,
            2 => RecordKind::EpochStart,
            3 => RecordKind::Beat,
            4 => RecordKind::Handoff,
            5 => RecordKind::Channel,
            6 => RecordKind::Upgrade,
            value => {
                return Err(DecodeError::Invalid { field: "record kind", value: value.into() });
            }
        };
        Ok(Self {
            kind,
            group: GroupId(reader.u16()?),
            config: ConfigId(reader.u32()?),
            epoch: Epoch(reader.u64()?),
            seq: Seq(reader.u64()?),
            count: reader.u32()?,
            stamp: Stamp(reader.u64()?),
            model: ModelVersion(reader.u16()?),
            previous: reader.hash()?,
            body: reader.hash()?,
        })
    }
}

/// SHA-256, the hash of all chains, digests and names in the house.
#[must_use]
pub fn digest(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

const _: () = assert!(limits::COMMAND_BYTES_MAX < WITH_ORIGIN as usize);

#[cfg(test)]
mod tests;
