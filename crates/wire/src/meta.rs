//! What a replica keeps of one group outside the log: its promise, its table, its orphans.
//!
//! Written as one blob into the node's superblock, so that recording an epoch and setting aside what
//! it orphans are one step (PROTOCOL F7).

use alloc::vec::Vec;

use types::{Config, Epoch, EpochTable, Hash, NodeId, Position, Seq, Stamp, Tail};

use crate::{Base, DecodeError, Fault, Reader, Snapshot, Writer, limits};

/// Version of this layout where the group is out of service here. Version 1 ended with the orphans, version
/// 2 with some faults; both are still read. While nothing is wrong, version 4 is still written, and without a
/// base version 3.
const VERSION: u8 = 5;

/// The version that ends with a base.
const VERSION_BASED: u8 = 4;

/// The version that ends with the seq trimmed.
const VERSION_TRIMMED: u8 = 3;

/// The version that ends with faults.
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
    /// Where the lowest record of any orphan may stand in the log: nothing from there on is trimmed.
    pub pinned: Option<Position>,
    /// The snapshots that this replica has, oldest first. Its chain goes on from the oldest.
    pub snapshots: Vec<Snapshot>,
    /// Records up to here may be gone from this node's log.
    pub trimmed: Seq,
    /// In a group with a witness: up to where every full member has a snapshot that another has confirmed.
    pub base: Option<Base>,
    /// What of another member's contradicts this replica's chain: it takes no part until it is replaced.
    pub contradiction: Option<Contradiction>,
}

/// Where a replica's chain and what another member holds or says cannot both be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The record about which they differ.
    pub seq: Seq,
    /// The other member; the replica's own node if it is the register's word that its chain contradicts.
    pub peer: NodeId,
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
    /// What a replica keeps that was never told anything: it knows the configuration of the first day.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            promised: Epoch(0),
            table: EpochTable::new(),
            home: None,
            config,
            orphans: Vec::new(),
            faults: Vec::new(),
            pinned: None,
            snapshots: Vec::new(),
            trimmed: Seq(0),
            base: None,
            contradiction: None,
        }
    }

    /// The record that this replica's chain goes on from at a start, and its stamp; `None` for the first
    /// record. A replica with a state begins at its oldest snapshot, or earlier where a witness or another
    /// full member may still need records of before; one without at the base.
    #[must_use]
    pub fn chain_base(&self) -> Option<(Tail, Stamp)> {
        let oldest = self.snapshots.first().map(|oldest| (oldest.tail, oldest.stamp));
        let base = self.base.map(|base| (base.tail, base.stamp));
        oldest.into_iter().chain(base).min_by_key(|(tail, _)| tail.seq)
    }

    /// Writes the blob.
    ///
    /// # Panics
    /// If the snapshots are not in order, which nobody could read.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        assert!(in_order(&self.snapshots), "snapshots are kept oldest first");
        let mut out = Vec::with_capacity(128);
        let mut writer = Writer::new(&mut out);
        let version = match (&self.contradiction, &self.base) {
            (Some(_), _) => VERSION,
            (None, Some(_)) => VERSION_BASED,
            (None, None) => VERSION_TRIMMED,
        };
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
        writer.faults(&self.faults);
        writer.flag(self.pinned.is_some()).u64(self.pinned.unwrap_or_default().0);
        writer.count(self.snapshots.len());
        for snapshot in &self.snapshots {
            snapshot.encode(&mut writer);
        }
        writer.u64(self.trimmed.0);
        if self.contradiction.is_some() {
            writer.flag(self.base.is_some());
        }
        if let Some(base) = &self.base {
            base.encode(&mut writer);
        }
        if let Some(Contradiction { seq, peer }) = self.contradiction {
            writer.u64(seq.0).u16(peer.0);
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
        if !(1..=VERSION).contains(&version) {
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
        let faults = match version {
            VERSION | VERSION_BASED | VERSION_TRIMMED => reader.faults()?,
            VERSION_FAULTS => reader.some_faults()?,
            _ => Vec::new(),
        };
        // What was set aside before positions were noted may stand anywhere.
        let mut pinned = (!orphans.is_empty()).then_some(Position(0));
        let (mut snapshots, mut trimmed) = (Vec::new(), Seq(0));
        if version >= VERSION_TRIMMED {
            let is_pinned = reader.flag("pinned flag")?;
            let at = reader.u64()?;
            if !is_pinned && at != 0 {
                return Err(DecodeError::Invalid { field: "absent position", value: at });
            }
            pinned = is_pinned.then_some(Position(at));
            for _ in 0..reader.count("snapshots", limits::SNAPSHOTS_MAX)? {
                snapshots.push(Snapshot::decode(&mut reader)?);
            }
            trimmed = Seq(reader.u64()?);
        }
        let is_based = match version {
            VERSION => reader.flag("base flag")?,
            version => version == VERSION_BASED,
        };
        let base = if is_based { Some(Base::decode(&mut reader)?) } else { None };
        let contradiction = if version == VERSION {
            Some(Contradiction { seq: Seq(reader.u64()?), peer: NodeId(reader.u16()?) })
        } else {
            None
        };
        if !in_order(&snapshots) {
            return Err(DecodeError::Invalid { field: "order of snapshots", value: 0 });
        }
        reader.end()?;
        Ok(Self {
            promised,
            table,
            home,
            config,
            orphans,
            faults,
            pinned,
            snapshots,
            trimmed,
            base,
            contradiction,
        })
    }
}

fn in_order(snapshots: &[Snapshot]) -> bool {
    snapshots.is_sorted_by(|one, next| one.tail.seq < next.tail.seq)
}

#[cfg(test)]
mod tests;
