//! The hash chains of a folder's groups, followed record by record.
//!
//! The log of a node is the order in which it wrote. A record belongs to its group's chain exactly
//! when the epoch table in the superblock says so; all others were set aside, and the superblock
//! itemises them. That is how a node reads its log at start, so what passes here is what it finds.
//! Where the oldest records were trimmed, a chain goes on from the record of a snapshot: the superblock
//! names its hash, and the snapshot's file must have the SHA-256 that stands there too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use storage::Standing;
use types::{Epoch, GroupId, Hash, Position, Seq, Tail};
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
    /// A snapshot's file is missing, or its bytes are not those that were written.
    #[error("{group}: the snapshot of record {seq} is missing or damaged")]
    Snapshot {
        /// The group.
        group: GroupId,
        /// The record it is of.
        seq: Seq,
    },
    /// A snapshot is of another record than the chain has there.
    #[error("{group}: the snapshot of record {seq} is not of this chain")]
    Astray {
        /// The group.
        group: GroupId,
        /// The record it is of.
        seq: Seq,
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
    /// The record that the chain goes on from; 0 for the beginning.
    base: Tail,
    /// Hash of each record after the base; `None` where none can be read.
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
    ///
    /// `digest` gives the SHA-256 of a snapshot's file, if it can be read.
    pub(crate) fn new(
        metas: BTreeMap<GroupId, Bytes>,
        digest: impl Fn(GroupId, Seq) -> Option<Hash>,
    ) -> Self {
        let mut chains = Self { groups: BTreeMap::new(), findings: Vec::new() };
        for (group, blob) in metas {
            match Meta::decode(&blob) {
                Ok(meta) => {
                    for snapshot in &meta.snapshots {
                        let seq = snapshot.tail.seq;
                        if digest(group, seq) != Some(snapshot.sha256) {
                            chains.findings.push(Finding::Snapshot { group, seq });
                        }
                    }
                    let trimmed = meta.trimmed > Seq(0);
                    let base = meta.chain_base().filter(|_| trimmed);
                    let base = base.map(|(tail, _)| tail).unwrap_or_default();
                    let one = Group { base, last: base.epoch, ..Group::default() };
                    chains.groups.insert(group, Group { meta: Some(meta), ..one });
                }
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
            let snapshots = group.meta.iter().flat_map(|meta| &meta.snapshots);
            let astray = snapshots.filter(|one| group.is_known_to_differ(one.tail));
            findings.extend(astray.map(|one| Finding::Astray { group: *id, seq: one.tail.seq }));
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
        if seq <= self.base.seq {
            // Of before a snapshot; what the chain began with may be gone.
            return Ok(());
        }
        let tail = Seq(self.seq());
        let index = usize::try_from(seq.0 - self.base.seq.0 - 1).unwrap_or(usize::MAX);
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
            if before.unwrap_or(Some(self.base.hash)).is_some_and(|hash| hash != header.previous) {
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
        self.base.seq.0 + self.hashes.len() as u64
    }

    /// Hash of the chain's record at `seq`, from its base on.
    fn hash(&self, seq: Seq) -> Option<Hash> {
        if seq == self.base.seq {
            return Some(self.base.hash);
        }
        let index = seq.0.checked_sub(self.base.seq.0)?.checked_sub(1)?;
        self.hashes.get(usize::try_from(index).ok()?).copied().flatten()
    }

    /// Whether another record than this stands at its place, or none can stand there.
    fn is_known_to_differ(&self, tail: Tail) -> bool {
        match self.hash(tail.seq) {
            Some(hash) => hash != tail.hash,
            None => tail.seq.0 > self.seq() || tail.seq < self.base.seq,
        }
    }

    /// The record before the first that is here; 0 if all are.
    pub(crate) const fn base(&self) -> Seq {
        self.base.seq
    }

    /// The newest snapshot; 0 if there is none.
    pub(crate) fn snapshot(&self) -> Seq {
        let newest = self.meta.as_ref().and_then(|meta| meta.snapshots.last());
        newest.map_or(Seq(0), |snapshot| snapshot.tail.seq)
    }

    /// Hash of the chain's last record.
    pub(crate) fn head(&self) -> Hash {
        self.hashes.last().map_or(self.base.hash, |last| last.unwrap_or_default())
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
