//! The hash chains of a folder's groups, followed record by record.
//!
//! The log of a node is the order in which it wrote. A record belongs to its group's chain exactly
//! when the epoch table in the superblock says so; all others were set aside, and the superblock
//! itemises them. That is how a node reads its log at start, so what passes here is what it finds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use storage::Standing;
use types::{Epoch, GroupId, Hash, Position, Seq};
use wire::superblock::{COPIES, Superblock};
use wire::{DecodeError, Fault, Meta, Record};

/// What is wrong with a record or a chain.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Finding {
    /// A record cannot be read although its checksum holds.
    #[error("the record at byte {} of the log cannot be read: {source}", at.0)]
    Unreadable {
        /// Where it stands.
        at: Position,
        /// What is wrong.
        source: DecodeError,
    },
    /// The superblock's entry of a group cannot be read.
    #[error("the superblock's entry of {group} cannot be read: {source}")]
    Meta {
        /// The group.
        group: GroupId,
        /// What is wrong.
        source: DecodeError,
    },
    /// Records are missing before this one.
    #[error("{group}: record {seq} at byte {} of the log follows record {tail}", at.0)]
    Missing {
        /// The group.
        group: GroupId,
        /// The record.
        seq: Seq,
        /// Where it stands.
        at: Position,
        /// The record before it.
        tail: Seq,
    },
    /// The record names another one before it than there is, or there is another in its place.
    #[error("{group}: record {seq} at byte {} of the log does not link to the one before it", at.0)]
    Forked {
        /// The group.
        group: GroupId,
        /// The record.
        seq: Seq,
        /// Where it stands.
        at: Position,
    },
    /// The chain does not reach an epoch that the superblock says it has come to.
    #[error("{group}: the chain ends at {tail}, but epoch {epoch} began at {start} here")]
    Short {
        /// The group.
        group: GroupId,
        /// Its last record.
        tail: Seq,
        /// The epoch.
        epoch: Epoch,
        /// Its first record.
        start: Seq,
    },
}

/// One group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    meta: Option<Meta>,
    /// Hash of each record, the first record's first; `None` where none can be read.
    hashes: Vec<Option<Hash>>,
    /// Epoch of the last record.
    last: Epoch,
    /// Commands in the chain's records.
    pub(crate) commands: u64,
    /// Records that the superblock itemises as orphans.
    pub(crate) orphaned: u64,
    /// Records that neither the table nor the orphans know.
    pub(crate) unexplained: u64,
}

/// All groups.
#[derive(Debug)]
pub(crate) struct Chains {
    groups: BTreeMap<GroupId, Group>,
    findings: Vec<Finding>,
}

/// What the newest readable superblock of the folder holds per group; empty if there is none, which
/// [`storage::verify`] reports.
pub(crate) fn metas(folder: &Path) -> BTreeMap<GroupId, Bytes> {
    let bytes = fs::read(folder.join("superblock")).unwrap_or_default();
    let slots = bytes.chunks((bytes.len() / COPIES).max(1));
    let copies = (0..).zip(slots).filter_map(|(copy, slot)| Superblock::decode(copy, slot).ok());
    let newest = copies.map(|(superblock, _)| superblock).max_by_key(|one| one.version);
    newest.map(|superblock| superblock.blobs).unwrap_or_default()
}

impl Chains {
    /// Chains without records, under these metas.
    pub(crate) fn new(metas: BTreeMap<GroupId, Bytes>) -> Self {
        let mut chains = Self { groups: BTreeMap::new(), findings: Vec::new() };
        for (group, blob) in metas {
            match Meta::decode(&blob) {
                Ok(meta) => chains.groups.entry(group).or_default().meta = Some(meta),
                Err(source) => chains.findings.push(Finding::Meta { group, source }),
            }
        }
        chains
    }

    /// Takes the next record of the log. Past a bad place records may be missing, which is reported as
    /// the damage it is, and copies of them may follow.
    pub(crate) fn record(&mut self, at: Position, payload: &[u8], standing: Standing) {
        let record = match Record::decode(Bytes::copy_from_slice(payload)) {
            Ok(record) => record,
            Err(source) => return self.findings.push(Finding::Unreadable { at, source }),
        };
        let id = record.header().group;
        let group = self.groups.entry(id).or_default();
        self.findings.extend(group.record(at, &record, standing).err());
    }

    /// Holds the ends of the chains against the superblock and gives all that is wrong.
    pub(crate) fn finish(&mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.findings);
        for (id, group) in &self.groups {
            // The newest epoch may have begun at the next record, which is not here yet.
            let start = group.meta.as_ref().and_then(|meta| meta.table.last());
            if let Some(start) = start
                && start.seq.prev() > Seq(group.seq())
            {
                let (group, tail) = (*id, Seq(group.seq()));
                findings.push(Finding::Short { group, tail, epoch: start.epoch, start: start.seq });
            }
        }
        findings
    }

    /// The groups in order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        self.groups.iter().map(|(id, group)| (*id, group))
    }

    /// Records of all groups that nothing explains.
    pub(crate) fn unexplained(&self) -> u64 {
        self.groups.values().map(|group| group.unexplained).sum()
    }
}

impl Group {
    fn record(&mut self, at: Position, record: &Record, standing: Standing) -> Result<(), Finding> {
        let header = record.header();
        let (group, seq) = (header.group, header.seq);
        if let Some(meta) = &self.meta
            && !meta.table.holds(header.epoch, seq)
        {
            let mut runs = meta.orphans.iter();
            let is_itemised =
                runs.any(|run| run.epoch == header.epoch && (run.first..=run.last).contains(&seq));
            let count = if is_itemised { &mut self.orphaned } else { &mut self.unexplained };
            *count += 1;
            return Ok(());
        }
        let tail = Seq(self.seq());
        let index = usize::try_from(seq.0.saturating_sub(1)).unwrap_or(usize::MAX);
        if seq > tail.next() {
            if standing == Standing::Sound {
                return Err(Finding::Missing { group, seq, at, tail });
            }
            // Each took more than that in the log.
            if seq.0 - tail.0 > at.0 / wire::HEADER_BYTES as u64 {
                return Err(Finding::Missing { group, seq, at, tail });
            }
            self.hashes.resize(index, None);
        }
        if seq > tail {
            let before = index.checked_sub(1).and_then(|before| self.hashes.get(before).copied());
            if before.unwrap_or(Some(Hash::ZERO)).is_some_and(|hash| hash != header.previous) {
                return Err(Finding::Forked { group, seq, at });
            }
            self.hashes.push(Some(record.hash()));
            self.last = header.epoch;
            self.commands += u64::from(header.count);
            return Ok(());
        }
        // Written a second time: fetched again after it had been set aside or could not be read.
        match self.hashes.get_mut(index) {
            Some(Some(hash)) if *hash == record.hash() => Ok(()),
            Some(missing @ None) => {
                *missing = Some(record.hash());
                self.commands += u64::from(header.count);
                Ok(())
            }
            Some(Some(_)) | None => Err(Finding::Forked { group, seq, at }),
        }
    }

    /// Seq of the chain's last record; 0 if there is none.
    pub(crate) const fn seq(&self) -> u64 {
        self.hashes.len() as u64
    }

    /// Hash of the chain's last record.
    pub(crate) fn head(&self) -> Hash {
        self.hashes.last().copied().flatten().unwrap_or_default()
    }

    /// Records of the chain that cannot be read anywhere in the log.
    pub(crate) fn missing(&self) -> usize {
        self.hashes.iter().filter(|hash| hash.is_none()).count()
    }

    /// What the superblock says that the node cannot read, or may have held beyond its chain.
    pub(crate) fn faults(&self) -> &[Fault] {
        self.meta.as_ref().map_or(&[], |meta| &meta.faults)
    }

    /// Epoch of the chain's last record.
    pub(crate) const fn epoch(&self) -> Epoch {
        self.last
    }

    /// The epoch below which the node refuses.
    pub(crate) fn promised(&self) -> Epoch {
        self.meta.as_ref().map_or(Epoch(0), |meta| meta.promised)
    }
}
