//! A node's disk: what is durable, what is on its way, and what a crash leaves of the latter.
//!
//! Writes complete in the order in which they were asked for; all that wait when a sync begins
//! complete with it. A crash keeps any prefix of the waiting appends and, apart from that, any prefix
//! of the waiting superblocks: the log and the superblock lie in different places of the disk.

mod damage;
mod space;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use types::{Epoch, GroupId, Hash, Position, Seq, Tail, WriteId};
use wire::log::Kind;
use wire::{Meta, Record};

use crate::{Files, Rng};
pub(crate) use damage::{Hit, Scanned};

/// Which lie a disk tells, for canaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lie {
    /// None.
    #[default]
    None,
    /// It reports writes as durable when it is asked for them.
    Early,
    /// It reports promises as durable and does not keep them.
    NoPromise,
    /// It reports as durable what it has in a cache, which a loss of power empties.
    Cached,
    /// It ends the log at the first record that cannot be read, whatever that was.
    Truncate,
}

/// A write.
#[derive(Clone, Debug)]
pub enum Write {
    /// To the log.
    Append(Kind, Bytes),
    /// A group's blob.
    Superblock(GroupId, Bytes),
    /// From where the log is read, and below what it is deleted.
    Floor(Position, Position),
}

/// What a disk has said to be durable, for checks on those who rely on it. A lie counts as said: what
/// comes of it is for other checks to find.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Groups' records, by chain hash.
    records: BTreeSet<Hash>,
    /// The promise of each group, and the newest epoch in its table.
    metas: BTreeMap<GroupId, (Epoch, Epoch)>,
    /// The newest snapshot of each group that a durable meta has named, whatever became of it.
    snapshots: BTreeMap<GroupId, Seq>,
    /// The newest base that a durable meta has named.
    bases: BTreeMap<GroupId, Tail>,
    /// Heads of all snapshots and bases that a durable meta has named: each stands for its record and all
    /// before it.
    heads: BTreeMap<GroupId, BTreeSet<Hash>>,
}

impl Said {
    /// Whether the record with this chain hash is durable.
    #[must_use]
    pub fn has(&self, record: Hash) -> bool {
        self.records.contains(&record)
    }

    /// Heads of the snapshots and bases of a group.
    pub fn heads(&self, group: GroupId) -> impl Iterator<Item = Hash> {
        self.heads.get(&group).into_iter().flatten().copied()
    }

    /// The durable promise.
    #[must_use]
    pub fn promised(&self, group: GroupId) -> Epoch {
        self.metas.get(&group).map_or(Epoch(0), |(promised, _)| *promised)
    }

    /// The newest epoch durably recorded.
    #[must_use]
    pub fn joined(&self, group: GroupId) -> Epoch {
        self.metas.get(&group).map_or(Epoch(0), |(_, joined)| *joined)
    }

    /// The newest snapshot that was ever durable.
    #[must_use]
    pub fn snapshot(&self, group: GroupId) -> Seq {
        self.snapshots.get(&group).copied().unwrap_or_default()
    }

    /// The base that was last durable in each group.
    pub fn bases(&self) -> impl Iterator<Item = (GroupId, Tail)> {
        self.bases.iter().map(|(group, base)| (*group, *base))
    }

    fn note(&mut self, write: &Write) {
        match write {
            Write::Append(Kind::Group | Kind::Repair, bytes) => {
                if let Ok(record) = Record::decode(bytes.clone()) {
                    self.records.insert(record.hash());
                }
            }
            Write::Append(Kind::Register | Kind::Pulse | Kind::Roll, _) | Write::Floor(..) => {}
            Write::Superblock(group, bytes) => {
                if let Ok(meta) = Meta::decode(bytes) {
                    let heads = self.heads.entry(*group).or_default();
                    heads.extend(meta.snapshots.iter().map(|one| one.tail.hash));
                    self.records.extend(meta.snapshots.iter().map(|one| one.tail.hash));
                    // And a base, for one without a state.
                    if let Some(base) = meta.base {
                        heads.insert(base.tail.hash);
                        self.records.insert(base.tail.hash);
                        self.bases.insert(*group, base.tail);
                    }
                    if let Some(newest) = meta.snapshots.last() {
                        let known = self.snapshots.entry(*group).or_default();
                        *known = newest.tail.seq.max(*known);
                    }
                    self.metas.insert(*group, (meta.promised, meta.table.epoch()));
                }
            }
        }
    }
}

/// One disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    log: Vec<(Kind, Bytes)>,
    /// So many records at the beginning of the log are deleted.
    first: usize,
    /// How much of the log was durable when each record of it was written.
    proven: Vec<usize>,
    /// How much of the log was durable when the superblock was last written.
    marked: usize,
    hits: BTreeMap<usize, Hit>,
    /// Bytes that groups may still write when there is no room for commands; `None` while there is.
    margin: Option<usize>,
    /// From where the log is read at a start.
    start: Position,
    /// Records deleted since the last look.
    deleted: Vec<Bytes>,
    /// The snapshots.
    pub files: Files,
    blobs: BTreeMap<GroupId, Bytes>,
    waiting: VecDeque<(WriteId, Write)>,
    /// How many of the waiting the sync under way will complete.
    syncing: usize,
    lie: Lie,
    /// Of a disk that lies so: what was there when the power last came.
    uncached: (usize, BTreeMap<GroupId, Bytes>),
    said: Said,
    /// No sync completes before this time.
    pub stalled_until: u64,
}

impl Disk {
    /// An empty disk.
    #[must_use]
    pub fn new(lie: Lie) -> Self {
        Self { lie, ..Self::default() }
    }

    /// Takes a write. Returns where it will stand if the disk reports it as done at once.
    pub fn take(&mut self, id: WriteId, write: Write) -> Option<Position> {
        let at = self.log.len()
            + self.waiting.iter().filter(|(_, write)| matches!(write, Write::Append(..))).count();
        if self.lie == Lie::Early {
            self.said.note(&write);
        }
        self.waiting.push_back((id, write));
        (self.lie == Lie::Early).then_some(Position(at as u64))
    }

    /// Begins a sync of all that waits, unless one is under way or nothing waits.
    pub fn begin_sync(&mut self) -> bool {
        let begins = self.syncing == 0 && !self.waiting.is_empty();
        if begins {
            self.syncing = self.waiting.len();
        }
        begins
    }

    /// Ends the sync: its writes are durable. Returns what is to be reported.
    pub fn end_sync(&mut self) -> Vec<(WriteId, Position)> {
        let mut done = Vec::new();
        let durable = self.log.len();
        for (id, write) in self.waiting.drain(..self.syncing).collect::<Vec<_>>() {
            let at = self.keep(write, durable);
            if self.lie != Lie::Early {
                done.push((id, at));
            }
        }
        self.syncing = 0;
        done
    }

    /// Loses power. Returns how many writes were lost.
    pub fn crash(&mut self, rng: &mut Rng) -> usize {
        let waiting = std::mem::take(&mut self.waiting);
        let durable = self.log.len();
        self.syncing = 0;
        let (appends, superblocks): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, write)| matches!(write, Write::Append(..)));
        let mut lost = 0;
        for part in [appends, superblocks] {
            let kept = rng.index(part.len() + 1);
            lost += part.len() - kept;
            for (_, write) in part.into_iter().take(kept) {
                self.keep(write, durable);
            }
        }
        if self.lie == Lie::Cached {
            let (records, blobs) = &self.uncached;
            let kept = *records + rng.index(self.log.len() - records + 1);
            lost += self.log.len() - kept;
            self.log.truncate(kept);
            self.proven.truncate(kept);
            self.hits.retain(|index, _| *index < kept);
            self.marked = self.marked.min(kept);
            self.blobs.clone_from(blobs);
            self.uncached = (kept, self.blobs.clone());
        }
        lost
    }

    /// Loses everything, as when the disk is replaced.
    pub fn wipe(&mut self) {
        *self = Self::new(self.lie);
    }

    /// A record of the log, durable or not.
    #[must_use]
    pub fn read(&self, at: Position) -> Option<Bytes> {
        let index = usize::try_from(at.0).ok()?;
        if self.hits.contains_key(&index) || index < self.first {
            return None;
        }
        let waiting = self.waiting.iter().filter_map(|(_, write)| match write {
            Write::Append(kind, bytes) => Some((*kind, bytes)),
            Write::Superblock(..) | Write::Floor(..) => None,
        });
        let durable = self.log.iter().map(|(kind, bytes)| (*kind, bytes));
        durable.chain(waiting).nth(index).map(|(_, bytes)| bytes.clone())
    }

    /// The groups that cannot be built again from records alone, and the snapshots that the superblock
    /// names of each.
    #[must_use]
    pub fn trimmed(&self) -> BTreeMap<GroupId, Vec<Seq>> {
        let metas =
            self.blobs.iter().filter_map(|(id, blob)| Some((*id, Meta::decode(blob).ok()?)));
        let trimmed = metas.filter(|(_, meta)| meta.trimmed > Seq(0));
        trimmed
            .map(|(id, meta)| (id, meta.snapshots.iter().map(|one| one.tail.seq).collect()))
            .collect()
    }

    /// The groups' records deleted since the last call.
    pub fn take_deleted(&mut self) -> Vec<Record> {
        let deleted = std::mem::take(&mut self.deleted);
        deleted.into_iter().filter_map(|bytes| Record::decode(bytes).ok()).collect()
    }

    /// From where a start reads the log.
    #[must_use]
    pub const fn start(&self) -> Position {
        self.start
    }

    /// Below this nothing of the log is left.
    #[must_use]
    pub const fn kept(&self) -> Position {
        Position(self.first as u64)
    }

    /// The whole log is to be read at this start.
    pub const fn read_all(&mut self) {
        self.start = Position(self.first as u64);
    }

    /// What it has said to be durable.
    #[must_use]
    pub const fn said(&self) -> &Said {
        &self.said
    }

    /// The durable superblock.
    #[must_use]
    pub const fn blobs(&self) -> &BTreeMap<GroupId, Bytes> {
        &self.blobs
    }

    fn keep(&mut self, write: Write, durable: usize) -> Position {
        let at = Position(self.log.len() as u64);
        self.said.note(&write);
        match write {
            Write::Append(kind, bytes) => {
                self.log.push((kind, bytes));
                self.proven.push(durable);
            }
            Write::Superblock(group, bytes) => {
                let is_promise =
                    Meta::decode(&bytes).is_ok_and(|meta| meta.promised > meta.table.epoch());
                if self.lie != Lie::NoPromise || !is_promise {
                    self.blobs.insert(group, bytes);
                    self.marked = self.log.len();
                }
            }
            Write::Floor(start, keep) => {
                assert!(keep <= start, "nothing is deleted that a start reads");
                self.start = start.max(self.kept());
                let keep = usize::try_from(keep.0).expect("positions here are small");
                let keep = keep.min(self.log.len());
                if let Some(gone) = self.log.get(self.first..keep) {
                    // What cannot be read is lost before it is deleted; its repair stands elsewhere.
                    let groups = gone.iter().zip(self.first..).filter(|((kind, _), index)| {
                        *kind == Kind::Group && !self.hits.contains_key(index)
                    });
                    self.deleted.extend(groups.map(|((_, bytes), _)| bytes.clone()));
                    self.first = keep;
                }
            }
        }
        at
    }
}
