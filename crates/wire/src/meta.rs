//! What a replica keeps of one group outside the log: its promise, its table, its orphans.
//!
//! Written as one blob into the node's superblock, so that recording an epoch and setting aside what
//! it orphans are one step (PROTOCOL F7).

use alloc::vec::Vec;

use types::{Config, Epoch, EpochTable, Hash, NodeId, Seq};

use crate::{DecodeError, Fault, Reader, Writer, limits};

/// Version of this layout for a replica without faults.
const VERSION: u8 = 1;

/// The same with the faults at the end, of which there are some.
const VERSION_FAULTS: u8 = 2;

/// A replica's durable state of one group besides its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// The epoch below which this replica refuses (P in the protocol).
    pub promised: Epoch,
    /// Every epoch this replica knows to have been active.
    pub table: EpochTable,
    /// Home of the newest epoch in the table.
    pub home: Option<NodeId>,
    /// Configuration of the newest epoch in the table.
    pub config: Config,
    /// Suffixes set aside, oldest first. Never deleted.
    pub orphans: Vec<Orphan>,
    /// What this replica held, or may have held, and cannot read: seqs rise, and only the last range
    /// may have no end.
    pub faults: Vec<Fault>,
}

/// A run of records that this replica held and that is not in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Epoch of its records.
    pub epoch: Epoch,
    /// Seq of its first record.
    pub first: Seq,
    /// Seq of its last record.
    pub last: Seq,
    /// Chain hash of its last record.
    pub head: Hash,
    /// The epoch whose start set it aside.
    pub by: Epoch,
    /// Why.
    pub reason: OrphanReason,
}

/// Why records were set aside. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum OrphanReason {
    /// A later epoch began below them: they were not committed, and nobody was told they were.
    Superseded = 1,
    /// A forced switch began below them: they may have been committed and acknowledged.
    Forced = 2,
    /// A later epoch began below them, and their home answered when it had them on its own disk:
    /// they were not committed, and clients may have been told that they were done.
    Answered = 3,
}

impl OrphanReason {
    /// Whether a client may have been told that one of them was done.
    #[must_use]
    pub const fn may_be_acknowledged(self) -> bool {
        match self {
            Self::Superseded => false,
            Self::Forced | Self::Answered => true,
        }
    }
}

impl Meta {
    /// Writes the blob.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        let mut writer = Writer::new(&mut out);
        let version = if self.faults.is_empty() { VERSION } else { VERSION_FAULTS };
        writer.u8(version).u64(self.promised.0).table(&self.table);
        writer.maybe_node(self.home);
        writer.config(&self.config).count(self.orphans.len());
        for orphan in &self.orphans {
            writer
                .u64(orphan.epoch.0)
                .u64(orphan.first.0)
                .u64(orphan.last.0)
                .hash(orphan.head)
                .u64(orphan.by.0)
                .u8(orphan.reason as u8);
        }
        if !self.faults.is_empty() {
            writer.faults(&self.faults);
        }
        out
    }

    /// Reads a blob that fills `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`]; the superblock's checksum held, so this is a version we do not know or a bug.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != VERSION && version != VERSION_FAULTS {
            return Err(DecodeError::Invalid { field: "meta version", value: version.into() });
        }
        let promised = Epoch(reader.u64()?);
        let table = reader.table()?;
        let home = reader.maybe_node()?;
        let config = reader.config()?;
        let count = reader.count("orphans", limits::ORPHANS_MAX)?;
        let mut orphans = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            orphans.push(Orphan {
                epoch: Epoch(reader.u64()?),
                first: Seq(reader.u64()?),
                last: Seq(reader.u64()?),
                head: reader.hash()?,
                by: Epoch(reader.u64()?),
                reason: match reader.u8()? {
                    1 => OrphanReason::Superseded,
                    2 => OrphanReason::Forced,
                    3 => OrphanReason::Answered,
                    value => {
                        let field = "orphan reason";
                        return Err(DecodeError::Invalid { field, value: value.into() });
                    }
                },
            });
        }
        let faults = if version == VERSION_FAULTS { reader.some_faults()? } else { Vec::new() };
        reader.end()?;
        Ok(Self { promised, table, home, config, orphans, faults })
    }
}

#[cfg(test)]
mod tests;
