//! What nodes say to each other (PROTOCOL 7.2), and the frame that carries several such messages.
//!
//! A frame is version u8 and then messages to its end, each a tag u8 and its fields. All that one
//! node has to say to another at the end of one step travels in one frame, so a region's 64 seals
//! are one frame.

use alloc::vec::Vec;

use bytes::Bytes;
use types::{Config, ConfigId, Epoch, EpochTable, GroupId, Hash, NodeId, Seq, Stamp, Tail, Until};

use crate::{Command, DecodeError, Fault, Parcel, Reader, Reply, Snapshot, Voice, Writer, limits};

/// Version of the frame and of every message in it.
const VERSION: u8 = 1;

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
}

/// What is said about one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupMessage {
    /// Home to member: the next record, and how far the chain is committed.
    Append {
        /// Configuration of the epoch.
        config: ConfigId,
        /// The home's commit watermark (W2).
        commit: Seq,
        /// The record's bytes.
        record: Bytes,
    },
    /// Member to home: everything up to `tail` is durable here.
    AppendAck {
        /// The member's durable tail.
        tail: Tail,
    },
    /// Home to member: the commit watermark moved and no record is on its way.
    Commit {
        /// W2.
        commit: Seq,
    },
    /// Anyone to the sender of a lower epoch: what is promised here.
    Refused {
        /// The promise.
        promised: Epoch,
    },
    /// Candidate to member: promise to refuse lower epochs, then say where your chain ends.
    Seal,
    /// Member to candidate, after the promise is durable.
    SealAck {
        /// The durable tail.
        tail: Tail,
        /// The epochs this member knows to have been active.
        table: EpochTable,
        /// The commit watermark known here.
        commit: Seq,
        /// What this member held, or may have held, and cannot read.
        faults: Vec<Fault>,
    },
    /// Candidate to sealed member: bring your chain to `target`, which lies in this history.
    Adopt {
        /// The registered history up to the last active epoch.
        table: EpochTable,
        /// The end of the chain to come to.
        target: Tail,
    },
    /// Sealed member to candidate: my chain reaches `tail` durably.
    Adopted {
        /// The durable tail.
        tail: Tail,
    },
    /// New home to member: the epoch is active.
    NewEpoch {
        /// The registered history, this epoch's start last.
        table: EpochTable,
        /// Configuration of this epoch.
        config: Config,
    },
    /// Member to new home: the epoch is recorded; the chain ends at `tail`.
    NewEpochAck {
        /// The durable tail after the cut.
        tail: Tail,
    },
    /// Send me what follows `after`.
    Fetch {
        /// End of the chain that the sender has.
        after: Tail,
    },
    /// Answer to `Fetch`: records in order, none when the sender of the fetch has a tail that is not
    /// in this chain or when nothing follows it.
    Entries {
        /// The seq after which they follow.
        after: Seq,
        /// The records' bytes.
        records: Vec<Bytes>,
        /// Where the answering chain ends.
        tail: Tail,
    },
    /// Anyone to any member, in any epoch: send me records that I held and cannot read, from `first`
    /// to `last`. What they are is fixed by the hash of the last.
    Want {
        /// The first.
        first: Seq,
        /// The last.
        last: Seq,
        /// Its chain hash.
        hash: Hash,
    },
    /// Answer to `Want`: records in order of which the last is the one asked for; none if it cannot be
    /// read here. There may be more below.
    Found {
        /// The last asked for.
        last: Seq,
        /// The records' bytes.
        records: Vec<Bytes>,
    },
    /// Member to home: I may have lost the end of what I held. Where does the chain end?
    AskEnd,
    /// Home to member: there, with everything that you ever acknowledged to me below it.
    End {
        /// The end of the home's chain.
        tail: Tail,
    },
    /// Anyone to the other members: what the sender's state was after a record, and which snapshot it
    /// has.
    Digest {
        /// The record.
        seq: Seq,
        /// Its chain hash.
        head: Hash,
        /// Digest of the model's state after it, come to by applying records.
        digest: Hash,
        /// The newest snapshot that the sender has durably and whose digest another member has
        /// confirmed; 0 for none.
        kept: Seq,
    },
    /// Answer to `Fetch` by one that no longer holds the records asked for: take this first.
    SnapshotOffer {
        /// The snapshot.
        snapshot: Snapshot,
        /// Where the answering chain ends.
        tail: Tail,
    },
    /// Send me the snapshot at `seq` from byte `offset` on.
    SnapshotFetch {
        /// The snapshot.
        seq: Seq,
        /// Bytes of it that the sender has.
        offset: u64,
    },
    /// Answer to `SnapshotFetch`.
    SnapshotChunk {
        /// The snapshot.
        seq: Seq,
        /// Where in it the bytes stand.
        offset: u64,
        /// Some of it, up to [`limits::SNAPSHOT_CHUNK_BYTES_MAX`].
        bytes: Bytes,
    },
}

/// A node's sign of life: durable progress, not a heartbeat (PROTOCOL 7.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Rises with every pulse record that the sender's disk has made durable.
    pub durable: u64,
    /// The sender's wall clock.
    pub wall: Stamp,
    /// For each other node, microseconds since the sender last saw it progress.
    pub seen: Vec<(NodeId, u64)>,
    /// The groups whose home the sender is.
    pub homes: Vec<HomeReport>,
}

/// How a group stands at its home.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HomeReport {
    /// The group.
    pub group: GroupId,
    /// The epoch under which the sender is home.
    pub epoch: Epoch,
    /// W2.
    pub commit: Seq,
    /// Hash of the record at W2.
    pub head: Hash,
    /// Stamp of the record at W2: no later home writes below it.
    pub closed: Stamp,
    /// Whether records wait above W2 and have not moved for the sender's patience.
    pub stalled: bool,
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
        message.encode(&mut Writer::new(&mut self.bytes));
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
/// [`DecodeError`] if any message is malformed: a peer that sends one is refused as a whole.
pub fn decode_frame(frame: &Bytes) -> Result<Vec<Message>, DecodeError> {
    let mut reader = Reader::new(frame);
    let version = reader.u8()?;
    if version != VERSION {
        return Err(DecodeError::Invalid { field: "frame version", value: version.into() });
    }
    let mut messages = Vec::new();
    while !reader.rest().is_empty() {
        messages.push(Message::decode(frame, &mut reader)?);
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
        }
    }

    fn decode(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let tag = reader.u8()?;
        Ok(match tag {
            0..=63 => {
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
            value => {
                return Err(DecodeError::Invalid { field: "message tag", value: value.into() });
            }
        })
    }
}

impl GroupMessage {
    /// Whether the sender wants something of the receiver, and is owed a refusal if it speaks for a
    /// lower epoch.
    #[must_use]
    pub const fn asks(&self) -> bool {
        match self {
            Self::Append { .. }
            | Self::Commit { .. }
            | Self::Seal
            | Self::Adopt { .. }
            | Self::NewEpoch { .. }
            | Self::Fetch { .. }
            | Self::AskEnd
            | Self::SnapshotFetch { .. } => true,
            Self::AppendAck { .. }
            | Self::Refused { .. }
            | Self::SealAck { .. }
            | Self::Adopted { .. }
            | Self::NewEpochAck { .. }
            | Self::Entries { .. }
            | Self::Want { .. }
            | Self::Found { .. }
            | Self::End { .. }
            | Self::Digest { .. }
            | Self::SnapshotOffer { .. }
            | Self::SnapshotChunk { .. } => false,
        }
    }

    const fn tag(&self) -> u8 {
        match self {
            Self::Append { .. } => 1,
            Self::AppendAck { .. } => 2,
            Self::Commit { .. } => 3,
            Self::Refused { .. } => 4,
            Self::Seal => 5,
            // Who has no faults says what it said before there were any.
            Self::SealAck { faults, .. } if faults.is_empty() => 6,
            Self::SealAck { .. } => 13,
            Self::Adopt { .. } => 7,
            Self::Adopted { .. } => 8,
            Self::NewEpoch { .. } => 9,
            Self::NewEpochAck { .. } => 10,
            Self::Fetch { .. } => 11,
            Self::Entries { .. } => 12,
            Self::Want { .. } => 14,
            Self::Found { .. } => 15,
            Self::AskEnd => 16,
            Self::End { .. } => 17,
            Self::Digest { .. } => 18,
            Self::SnapshotOffer { .. } => 19,
            Self::SnapshotFetch { .. } => 20,
            Self::SnapshotChunk { .. } => 21,
        }
    }

    fn encode(&self, writer: &mut Writer<'_>) {
        match self {
            Self::Append { config, commit, record } => {
                writer.u32(config.0).u64(commit.0).run(record);
            }
            Self::AppendAck { tail }
            | Self::Adopted { tail }
            | Self::NewEpochAck { tail }
            | Self::End { tail } => {
                writer.tail(*tail);
            }
            Self::Commit { commit } => {
                writer.u64(commit.0);
            }
            Self::Refused { promised } => {
                writer.u64(promised.0);
            }
            Self::Seal | Self::AskEnd => {}
            Self::SealAck { tail, table, commit, faults } => {
                writer.tail(*tail).table(table).u64(commit.0);
                if !faults.is_empty() {
                    writer.faults(faults);
                }
            }
            Self::Adopt { table, target } => {
                writer.table(table).tail(*target);
            }
            Self::NewEpoch { table, config } => {
                writer.table(table).config(config);
            }
            Self::Fetch { after } => {
                writer.tail(*after);
            }
            Self::Entries { after, records, tail } => {
                writer.u64(after.0).tail(*tail);
                write_records(writer, records);
            }
            Self::Want { first, last, hash } => {
                writer.u64(first.0).u64(last.0).hash(*hash);
            }
            Self::Found { last, records } => {
                writer.u64(last.0);
                write_records(writer, records);
            }
            Self::Digest { seq, head, digest, kept } => {
                writer.u64(seq.0).hash(*head).hash(*digest).u64(kept.0);
            }
            Self::SnapshotOffer { snapshot, tail } => {
                snapshot.encode(writer);
                writer.tail(*tail);
            }
            Self::SnapshotFetch { seq, offset } => {
                writer.u64(seq.0).u64(*offset);
            }
            Self::SnapshotChunk { seq, offset, bytes } => {
                writer.u64(seq.0).u64(*offset).run(bytes);
            }
        }
    }

    fn decode(tag: u8, frame: &Bytes, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match tag {
            1 => Self::Append {
                config: ConfigId(reader.u32()?),
                commit: Seq(reader.u64()?),
                record: frame.slice_ref(reader.run("record", limits::RECORD_BYTES_MAX)?),
            },
            2 => Self::AppendAck { tail: reader.tail()? },
            3 => Self::Commit { commit: Seq(reader.u64()?) },
            4 => Self::Refused { promised: Epoch(reader.u64()?) },
            5 => Self::Seal,
            6 | 13 => Self::SealAck {
                tail: reader.tail()?,
                table: reader.table()?,
                commit: Seq(reader.u64()?),
                faults: if tag == 6 { Vec::new() } else { reader.some_faults()? },
            },
            7 => Self::Adopt { table: reader.table()?, target: reader.tail()? },
            8 => Self::Adopted { tail: reader.tail()? },
            9 => Self::NewEpoch { table: reader.table()?, config: reader.config()? },
            10 => Self::NewEpochAck { tail: reader.tail()? },
            11 => Self::Fetch { after: reader.tail()? },
            12 => {
                let (after, tail) = (Seq(reader.u64()?), reader.tail()?);
                Self::Entries { after, records: read_records(frame, reader)?, tail }
            }
            14 => Self::Want {
                first: Seq(reader.u64()?),
                last: Seq(reader.u64()?),
                hash: reader.hash()?,
            },
            15 => Self::Found { last: Seq(reader.u64()?), records: read_records(frame, reader)? },
            16 => Self::AskEnd,
            17 => Self::End { tail: reader.tail()? },
            18 => Self::Digest {
                seq: Seq(reader.u64()?),
                head: reader.hash()?,
                digest: reader.hash()?,
                kept: Seq(reader.u64()?),
            },
            19 => Self::SnapshotOffer { snapshot: Snapshot::decode(reader)?, tail: reader.tail()? },
            20 => Self::SnapshotFetch { seq: Seq(reader.u64()?), offset: reader.u64()? },
            21 => Self::SnapshotChunk {
                seq: Seq(reader.u64()?),
                offset: reader.u64()?,
                bytes: frame.slice_ref(reader.run("chunk", limits::SNAPSHOT_CHUNK_BYTES_MAX)?),
            },
            value => {
                return Err(DecodeError::Invalid { field: "message tag", value: value.into() });
            }
        })
    }
}

fn write_records(writer: &mut Writer<'_>, records: &[Bytes]) {
    writer.count(records.len());
    for record in records {
        writer.run(record);
    }
}

fn read_records(frame: &Bytes, reader: &mut Reader<'_>) -> Result<Vec<Bytes>, DecodeError> {
    let count = reader.count("records", limits::ENTRIES_COUNT_MAX)?;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let bytes = reader.run("record", limits::RECORD_BYTES_MAX)?;
        records.push(frame.slice_ref(bytes));
    }
    Ok(records)
}

impl Pulse {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.u64(self.durable).u64(self.wall.0).count(self.seen.len());
        for (node, age) in &self.seen {
            writer.u16(node.0).u64(*age);
        }
        writer.count(self.homes.len());
        for home in &self.homes {
            writer.u16(home.group.0).u64(home.epoch.0).u64(home.commit.0).hash(home.head);
            writer.u64(home.closed.0).flag(home.stalled);
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (durable, wall) = (reader.u64()?, Stamp(reader.u64()?));
        let count = reader.count("nodes in a pulse", limits::MEMBERS_MAX)?;
        let mut seen = Vec::with_capacity(count);
        for _ in 0..count {
            seen.push((NodeId(reader.u16()?), reader.u64()?));
        }
        let count = reader.count("groups in a pulse", limits::GROUPS_MAX)?;
        let mut homes = Vec::with_capacity(count.min(256));
        for _ in 0..count {
            homes.push(HomeReport {
                group: GroupId(reader.u16()?),
                epoch: Epoch(reader.u64()?),
                commit: Seq(reader.u64()?),
                head: reader.hash()?,
                closed: Stamp(reader.u64()?),
                stalled: reader.flag("stalled flag")?,
            });
        }
        Ok(Self { durable, wall, seen, homes })
    }
}

#[cfg(test)]
mod tests;
