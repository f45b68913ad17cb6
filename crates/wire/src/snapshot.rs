//! A snapshot: a group's whole state after one record, as a file and as what travels between nodes.
//!
//! The file is a run of parts. Each is its length as u32 and then a tag and its fields; the parts come
//! in this order: one head, the ends of channels, answers, parts of the model, one end with the counts of both. A reader
//! takes the bytes in pieces of any size and never holds more than one part. Nothing in the file is
//! trusted for being there: its SHA-256 and the digest of the state stand in the superblock.

use alloc::vec::Vec;

use bytes::{Buf, Bytes, BytesMut};
use types::{EpochTable, GroupId, Hash, MessageId, ModelVersion, Seq, Stamp, Tail};

use crate::{DecodeError, Origin, Reader, Writer, limits};

/// Version of the file's layout.
const VERSION: u8 = 1;

const HEAD: u8 = 1;
const ANSWERS: u8 = 2;
const MODEL: u8 = 3;
const END: u8 = 4;
const CHANNELS: u8 = 5;
const ORIGINS: u8 = 6;

/// What is known of a snapshot without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The record after which it was taken: the head of the chain goes on from here.
    pub tail: Tail,
    /// Stamp of that record.
    pub stamp: Stamp,
    /// Digest of the state: of the model and of the ends of channels.
    pub digest: Hash,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Hash,
    /// Whether the state was come to here, record by record. What another node made proves nothing
    /// about that node.
    pub own: bool,
}

/// The first part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotHead {
    /// Whose state it is.
    pub group: GroupId,
    /// The barriers in the chain up to there: from which record on which model version is in force.
    pub barriers: Vec<(Seq, ModelVersion)>,
    /// The record after which it was taken.
    pub tail: Tail,
    /// Stamp of that record.
    pub stamp: Stamp,
    /// Records and commands applied up to there.
    pub work: u64,
    /// Digest over everything applied and every outcome.
    pub trail: Hash,
    /// Digest of the state: of the model and of the ends of channels.
    pub digest: Hash,
    /// The epochs that had begun by then.
    pub table: EpochTable,
}

/// The outcome of one message id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotAnswer {
    /// The id.
    pub id: MessageId,
    /// Digest of the command's content.
    pub digest: Hash,
    /// The record that carried it.
    pub seq: Seq,
    /// That record's stamp.
    pub stamp: Stamp,
    /// What it came to.
    pub outcome: Bytes,
}

/// One part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotPart {
    /// What it is a snapshot of.
    Head(SnapshotHead),
    /// The next bytes of the ends of the group's channels.
    Channels(Bytes),
    /// Some outcomes, by rising id over all parts.
    Answers(Vec<SnapshotAnswer>),
    /// Where those of the outcomes come from that were handed in again, by rising id. After the answers that
    /// they belong to.
    Origins(Vec<(MessageId, Origin)>),
    /// Bytes for the model.
    Model(Bytes),
    /// All has been given: so many answers and so many parts of the model.
    End {
        /// Answers.
        answers: u64,
        /// Parts of the model.
        parts: u64,
    },
}

/// Takes the bytes of a file in pieces and gives its parts.
#[derive(Clone, Debug, Default)]
pub struct SnapshotReader {
    waiting: BytesMut,
}

impl Snapshot {
    /// Bytes of the encoding.
    pub const BYTES: usize = (8 + 8 + 32) + 8 + 32 + 8 + 32 + 1;

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.tail(self.tail).u64(self.stamp.0).hash(self.digest).u64(self.bytes);
        writer.hash(self.sha256).flag(self.own);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            tail: reader.tail()?,
            stamp: Stamp(reader.u64()?),
            digest: reader.hash()?,
            bytes: reader.u64()?,
            sha256: reader.hash()?,
            own: reader.flag("own snapshot")?,
        })
    }
}

impl SnapshotPart {
    /// Appends the part, its length in front.
    ///
    /// # Panics
    /// If the part is longer than 2^32 bytes; [`limits::SNAPSHOT_PART_BYTES_MAX`] is what readers take.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let mut writer = Writer::new(out);
        writer.u32(0);
        match self {
            Self::Head(head) => head.encode(writer.u8(HEAD)),
            Self::Answers(answers) => {
                writer.u8(ANSWERS).count(answers.len());
                for answer in answers {
                    writer.message_id(answer.id).hash(answer.digest).u64(answer.seq.0);
                    writer.u64(answer.stamp.0).run(&answer.outcome);
                }
            }
            Self::Origins(origins) => {
                writer.u8(ORIGINS).count(origins.len());
                for (id, origin) in origins {
                    origin.encode(writer.message_id(*id));
                }
            }
            Self::Model(bytes) => {
                writer.u8(MODEL).raw(bytes);
            }
            Self::Channels(bytes) => {
                writer.u8(CHANNELS).raw(bytes);
            }
            Self::End { answers, parts } => {
                writer.u8(END).u64(*answers).u64(*parts);
            }
        }
        let length = u32::try_from(out.len() - start - 4).expect("parts are small");
        if let Some(field) = out.get_mut(start..start + 4) {
            field.copy_from_slice(&length.to_le_bytes());
        }
    }

    fn decode(bytes: &Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let part = match reader.u8()? {
            HEAD => Self::Head(SnapshotHead::decode(&mut reader)?),
            ANSWERS => {
                let count = reader.count("answers", limits::SNAPSHOT_PART_BYTES_MAX)?;
                let mut answers = Vec::new();
                for _ in 0..count {
                    answers.push(SnapshotAnswer {
                        id: reader.message_id()?,
                        digest: reader.hash()?,
                        seq: Seq(reader.u64()?),
                        stamp: Stamp(reader.u64()?),
                        // A copy, so that a short outcome does not keep the whole part alive.
                        outcome: Bytes::copy_from_slice(
                            reader.run("outcome", limits::REPLY_BYTES_MAX)?,
                        ),
                    });
                }
                Self::Answers(answers)
            }
            ORIGINS => {
                let count = reader.count("origins", bytes.len())?;
                let mut origins = Vec::new();
                for _ in 0..count {
                    origins.push((reader.message_id()?, Origin::decode(&mut reader)?));
                }
                Self::Origins(origins)
            }
            MODEL => return Ok(Self::Model(bytes.slice(1..))),
            CHANNELS => return Ok(Self::Channels(bytes.slice(1..))),
            END => Self::End { answers: reader.u64()?, parts: reader.u64()? },
            value => {
                return Err(DecodeError::Invalid { field: "snapshot part", value: value.into() });
            }
        };
        reader.end()?;
        Ok(part)
    }
}

impl SnapshotHead {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.u8(VERSION).u16(self.group.0).tail(self.tail).u64(self.stamp.0);
        writer.u64(self.work).hash(self.trail).hash(self.digest).table(&self.table);
        writer.count(self.barriers.len());
        for (seq, version) in &self.barriers {
            writer.u64(seq.0).u16(version.0);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "snapshot version", value: version.into() });
        }
        let group = GroupId(reader.u16()?);
        let tail = reader.tail()?;
        let stamp = Stamp(reader.u64()?);
        let work = reader.u64()?;
        let (trail, digest) = (reader.hash()?, reader.hash()?);
        let table = reader.table()?;
        let mut barriers: Vec<(Seq, ModelVersion)> = Vec::new();
        for _ in 0..reader.count("barriers", usize::from(u16::MAX))? {
            let next = (Seq(reader.u64()?), ModelVersion(reader.u16()?));
            let last = barriers.last().copied().unwrap_or((Seq(0), ModelVersion::FIRST));
            if next.0 <= last.0 || next.1 <= last.1 || next.0 > tail.seq {
                return Err(DecodeError::Invalid { field: "barrier", value: next.0.0 });
            }
            barriers.push(next);
        }
        Ok(Self { group, barriers, tail, stamp, work, trail, digest, table })
    }
}

impl SnapshotReader {
    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// The next part, once all of it was fed.
    ///
    /// # Errors
    /// [`DecodeError`]; nothing that follows means anything then.
    pub fn part(&mut self) -> Result<Option<SnapshotPart>, DecodeError> {
        let Some(length) = self.waiting.first_chunk::<4>() else { return Ok(None) };
        let value = u32::from_le_bytes(*length);
        let length = usize::try_from(value).unwrap_or(usize::MAX);
        if length > limits::SNAPSHOT_PART_BYTES_MAX {
            return Err(DecodeError::Invalid { field: "snapshot part", value: value.into() });
        }
        if self.waiting.len() < 4 + length {
            return Ok(None);
        }
        self.waiting.advance(4);
        SnapshotPart::decode(&self.waiting.split_to(length).freeze()).map(Some)
    }

    /// Whether nothing waits for its rest.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests;
