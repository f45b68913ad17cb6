//! What nodes say about one group.

use alloc::vec::Vec;

use bytes::Bytes;
use types::{Config, ConfigId, Epoch, EpochTable, Hash, Seq, Stamp, Tail};

use crate::{Base, DecodeError, Fault, Reader, Snapshot, Writer, limits};

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
    /// Home to member: have you promised anybody else?
    Confirm {
        /// Rises with every such round of this home in this epoch.
        round: u64,
    },
    /// Member to home: not when I was asked.
    ConfirmAck {
        /// The round that is answered.
        round: u64,
    },
    /// Member to home: somebody here waits until the group has closed its time above this.
    AskBeat {
        /// The stamp that a committed record is to be above.
        above: Stamp,
    },
    /// Answer to `Fetch` and `Want` where either side keeps records without a state: up to here they are
    /// kept by nobody, and every full member has the state in a snapshot. A receiver without a state goes on
    /// from here; one with a state asks a full member.
    Base {
        /// The record.
        base: Base,
        /// Where the answering chain ends.
        tail: Tail,
    },
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
            | Self::SnapshotFetch { .. }
            | Self::Confirm { .. }
            | Self::AskBeat { .. } => true,
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
            | Self::SnapshotChunk { .. }
            | Self::ConfirmAck { .. }
            | Self::Base { .. } => false,
        }
    }

    /// The highest tag in use; all from 1 to it are. Tags up to 63 are kept for messages about a group.
    pub(super) const LAST_TAG: u8 = 25;

    pub(super) const fn tag(&self) -> u8 {
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
            Self::Confirm { .. } => 22,
            Self::ConfirmAck { .. } => 23,
            Self::AskBeat { .. } => 24,
            Self::Base { .. } => 25,
        }
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) {
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
            Self::Confirm { round } | Self::ConfirmAck { round } => {
                writer.u64(*round);
            }
            Self::AskBeat { above } => {
                writer.u64(above.0);
            }
            Self::Base { base, tail } => {
                base.encode(writer);
                writer.tail(*tail);
            }
        }
    }

    pub(super) fn decode(
        tag: u8,
        frame: &Bytes,
        reader: &mut Reader<'_>,
    ) -> Result<Self, DecodeError> {
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
            22 => Self::Confirm { round: reader.u64()? },
            23 => Self::ConfirmAck { round: reader.u64()? },
            24 => Self::AskBeat { above: Stamp(reader.u64()?) },
            25 => Self::Base { base: Base::decode(reader)?, tail: reader.tail()? },
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
