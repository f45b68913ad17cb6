//! Opening a node's folder: lock, superblock, replay of the log, settling its end.

use std::{collections::BTreeMap, fmt, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use journal::scan::{Damage, Evidence, Verdict, judge};
use types::{GroupId, Hash, Position, Seq};
use wire::superblock::{BLOB_HEAD_BYTES, COPIES, EMPTY_BYTES, Superblock};

use crate::{
    Access, CopyState, Disk, Failure, OpenError, Options, RealDisk, Record, Sink, Storage, files,
    limits::{HEADER_BYTES, PREPARE_BYTES},
    plan::Plan,
    segment::{self, Segment, fill, read_all},
    stats::Gauges,
    superblocks::{Floor, Superblocks},
    walk::{Standing, Walk, walk},
};

/// A folder that is locked and whose superblock is read and repaired.
pub struct Opened {
    options: Options,
    disk: Arc<dyn Disk>,
    lock: Box<dyn Send + Sync>,
    gauges: Gauges,
    superblocks: Superblocks,
    copies: [CopyState; COPIES],
    segments: Vec<Segment>,
    /// Records below this are not handed over.
    start: Position,
    blank: bool,
}

/// A folder whose log is read and settled: what it holds is durable and nothing lies past its end.
pub struct Replayed {
    pub(crate) options: Options,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) lock: Box<dyn Send + Sync>,
    pub(crate) gauges: Gauges,
    pub(crate) superblocks: Superblocks,
    pub(crate) segments: Vec<Segment>,
    /// Index of the segment in which the log ends; at most one more follows.
    pub(crate) tail: usize,
    found: Found,
}

/// What a start-up found in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the next record goes.
    pub end: Position,
    /// Records in the log.
    pub records: u64,
    /// The torn last write, if there was one.
    pub torn: Option<Torn>,
}

/// A last write that was torn and has been cut off. None of it was acknowledged by this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Where the log was cut.
    pub at: Position,
    /// Good records past that place that were cut off with it.
    pub records: u64,
}

/// A folder whose log is read. Nothing has been changed.
pub struct Scanned {
    opened: Opened,
    walked: Walk,
    damage: Vec<Damage>,
    tail: usize,
    found: Found,
}

/// What a start-up comes upon in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read<'a> {
    /// A record.
    Record(Record<'a>),
    /// A place where something was written and cannot be read.
    Damage(Damage),
}

/// Opens a node's folder, or makes it.
///
/// # Errors
/// [`OpenError`]. A damaged folder is never taken for a blank one.
pub fn open(options: Options) -> Result<Opened, OpenError> {
    open_on(options, Arc::new(RealDisk))
}

/// As [`open`], on a given disk.
///
/// # Errors
/// As [`open`].
pub fn open_on(options: Options, disk: Arc<dyn Disk>) -> Result<Opened, OpenError> {
    options.check()?;
    let folder = options.folder.clone();
    let wal = segment::wal(&folder);
    disk.create_folder(&wal).map_err(OpenError::io("create", &wal))?;
    disk.sync_folder(&folder).map_err(OpenError::io("sync", &folder))?;
    if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk.sync_folder(parent).map_err(OpenError::io("sync", parent))?;
    }
    let lock_path = folder.join("lock");
    let lock = disk.lock(&lock_path, Access::Write).map_err(OpenError::io("lock", &lock_path))?;
    let Some(lock) = lock else { return Err(OpenError::InUse { path: folder }) };
    for draft in [folder.join("superblock.tmp"), wal.join("prepare.tmp")] {
        match disk.remove(&draft) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            done => done.map_err(OpenError::io("remove", &draft))?,
        }
    }
    let gauges = Gauges::new();
    let (mut superblocks, copies) = open_superblock(&*disk, &options)?;
    // The first version is written before there is a log, the second after: a log that is missing
    // under any later version was lost.
    let blank = superblocks.current().version == 1;
    let mut firsts = segment::list(&*disk, &folder).map_err(OpenError::io("list", &wal))?;
    if blank && firsts.is_empty() {
        let Options { identity, segment_bytes, .. } = options;
        Segment::create(&*disk, &folder, identity, 0, segment_bytes, &|| true)
            .map_err(|(path, error)| OpenError::io("write", path)(error))?;
        firsts.push(0);
    }
    let kept = superblocks.current().kept;
    let segments = open_segments(&*disk, &options, &firsts, kept)?;
    files::clear(&*disk, &folder)?;
    // Earlier code recorded places that were gone already.
    let start = superblocks.current().start.max(kept);
    if blank {
        superblocks
            .advance(Position(HEADER_BYTES), None, [], &gauges, &options.clock)
            .map_err(OpenError::from)?;
    }
    Ok(Opened { options, disk, lock, gauges, superblocks, copies, segments, start, blank })
}

/// Opens the superblock, or makes that of a blank node.
fn open_superblock(
    disk: &dyn Disk,
    options: &Options,
) -> Result<(Superblocks, [CopyState; COPIES]), OpenError> {
    let folder = &options.folder;
    let path = folder.join("superblock");
    let names = disk.list(folder).map_err(OpenError::io("list", folder))?;
    if !names.iter().any(|name| name == "superblock") {
        let wal = segment::wal(folder);
        let firsts = segment::list(disk, folder).map_err(OpenError::io("list", wal))?;
        if !firsts.is_empty() {
            return Err(OpenError::SuperblockMissing { path });
        }
        let first = Superblock {
            identity: options.identity,
            version: 1,
            parent: Hash::ZERO,
            durable: Position(0),
            start: Position(0),
            kept: Position(0),
            blobs: BTreeMap::new(),
        };
        let made = Superblocks::create(disk, folder, options.superblock_copy_bytes, first)?;
        return Ok((made, [CopyState::Current; COPIES]));
    }
    let (superblocks, copies) = Superblocks::open(disk, folder, options.superblock_copy_bytes)?;
    let found = superblocks.current().identity;
    if found != options.identity {
        return Err(OpenError::Identity { path, found, expected: options.identity });
    }
    Ok((superblocks, copies))
}

/// Opens the segments, which must follow each other: from position 0, or from one that holds all that
/// is kept.
fn open_segments(
    disk: &dyn Disk,
    options: &Options,
    firsts: &[u64],
    kept: Position,
) -> Result<Vec<Segment>, OpenError> {
    let folder = &options.folder;
    let mut segments: Vec<Segment> = Vec::with_capacity(firsts.len());
    let lowest = firsts.first().copied().filter(|first| *first <= kept.0).unwrap_or(0);
    for first in firsts {
        let expected = segments.last().map_or(lowest, Segment::end);
        if *first != expected {
            return Err(OpenError::SegmentMissing { path: segment::path(folder, expected) });
        }
        segments.push(Segment::open(disk, folder, options.identity, *first, Access::Write)?);
    }
    if segments.is_empty() {
        return Err(OpenError::SegmentMissing { path: segment::path(folder, 0) });
    }
    Ok(segments)
}

impl Opened {
    /// Whether the folder was new: this node has promised nothing and holds nothing.
    #[must_use]
    pub const fn blank(&self) -> bool {
        self.blank
    }

    /// What each group keeps in the superblock.
    #[must_use]
    pub const fn blobs(&self) -> &BTreeMap<GroupId, Bytes> {
        &self.superblocks.current().blobs
    }

    /// How the copies of the superblock were found; they have been repaired.
    #[must_use]
    pub const fn copies(&self) -> &[CopyState; COPIES] {
        &self.copies
    }

    /// The snapshots in the folder.
    ///
    /// # Errors
    /// `Io`.
    pub fn snapshots(&self) -> Result<Vec<(GroupId, Seq)>, OpenError> {
        let folder = &self.options.folder;
        files::list(&*self.disk, folder).map_err(OpenError::io("list", files::folder(folder)))
    }

    /// The bytes of a snapshot in pieces; `None` in the place of one that cannot be read.
    pub fn snapshot(
        &self,
        group: GroupId,
        seq: Seq,
    ) -> impl Iterator<Item = Option<Bytes>> + use<> {
        files::pieces(&*self.disk, &self.options.folder, (group, seq))
    }

    /// Has [`Opened::replay`] hand over all records that were not trimmed, and not only those from the
    /// recorded floor on.
    pub fn read_all(&mut self) {
        self.start = self.superblocks.current().kept;
    }

    /// Where the records begin that [`Opened::replay`] hands over; 0 if that is the first of all.
    #[must_use]
    pub const fn start(&self) -> Position {
        self.start
    }

    /// Below this nothing of the log is needed, and whole segments of it are gone.
    #[must_use]
    pub const fn kept(&self) -> Position {
        self.superblocks.current().kept
    }

    /// Hands over every record from the floor on in the order of the log, and every place there where
    /// something was written and cannot be read. What lies in segments below the floor is not looked at:
    /// `verify` does that. Nothing is changed yet: see [`Scanned::settle`].
    ///
    /// # Errors
    /// `Corrupt` and the `Segment` errors if more is lost than places in a log; `Io`.
    pub fn replay(self, visit: &mut dyn FnMut(Read<'_>)) -> Result<Scanned, OpenError> {
        let mut records = 0;
        let start = self.start;
        let mut take = |record: Record<'_>| {
            if record.at >= start {
                records += 1;
                visit(Read::Record(record));
            }
        };
        let walked = walk(self.walked(), &mut |record, standing| {
            if standing == Standing::Sound {
                take(record);
            }
        });
        let walked = walked.map_err(|error| OpenError::io("read", error.path)(error.source))?;
        let path = |at| segment::path(&self.options.folder, at);
        if walked.missing {
            return Err(OpenError::SegmentMissing { path: path(walked.end) });
        }
        let marked = self.superblocks.current().durable;
        let mut plan = Plan::new(&walked, self.walked(), marked);
        let holds = |segment: &Segment| segment.first <= plan.end && plan.end < segment.end();
        let Some(tail) = self.segments.iter().position(holds).filter(|_| !plan.is_too_much) else {
            return Err(self.corrupt(&walked, marked));
        };
        if !plan.damage.is_empty() {
            plan.damage.retain(|one| one.until.is_none_or(|until| until > start));
            let mut damage = plan.damage.iter().peekable();
            let again = walk(self.walked(), &mut |record, standing| {
                if record.at < start {
                    return;
                }
                while let Some(next) = damage.next_if(|next| next.from < record.at) {
                    visit(Read::Damage(*next));
                }
                if standing == Standing::Beyond && record.at.0 < plan.end {
                    records += 1;
                    visit(Read::Record(record));
                }
            });
            again.map_err(|error| OpenError::io("read", error.path)(error.source))?;
            damage.for_each(|rest| visit(Read::Damage(*rest)));
        }
        let found = Found {
            end: Position(plan.end),
            records,
            torn: plan.torn.map(|records| Torn { at: Position(plan.end), records }),
        };
        Ok(Scanned { opened: self, walked, damage: plan.damage, tail, found })
    }

    /// The segments that a start reads.
    fn walked(&self) -> &[Segment] {
        let is_from = |segment: &Segment| segment.first <= self.start.0;
        let from = self.segments.iter().rposition(is_from).unwrap_or(0);
        self.segments.get(from..).unwrap_or_default()
    }

    /// Why no log can be made of what is there.
    fn corrupt(&self, walked: &Walk, marked: Position) -> OpenError {
        let end = walked.end;
        let evidence = match judge(&walked.findings(marked)) {
            Verdict::Corrupt(evidence) => evidence,
            Verdict::Clean | Verdict::Torn => Evidence::Superblock { marked },
        };
        let segment = self.segments.iter().find(|one| one.first <= end && end < one.end());
        let (path, offset) =
            segment.map_or_else(|| (PathBuf::new(), 0), |one| (one.path.clone(), end - one.first));
        OpenError::Corrupt { path, offset, at: Position(end), evidence }
    }

    /// Makes blobs durable before anything else is.
    fn note(&mut self, blobs: Vec<(GroupId, Bytes)>) -> Result<(), OpenError> {
        let current = self.superblocks.current();
        let mut sizes: BTreeMap<GroupId, usize> =
            current.blobs.iter().map(|(group, blob)| (*group, blob.len())).collect();
        sizes.extend(blobs.iter().map(|(group, blob)| (*group, blob.len())));
        let bytes = sizes.values().map(|size| BLOB_HEAD_BYTES + size).sum::<usize>() + EMPTY_BYTES;
        if bytes as u64 > self.superblocks.slot_bytes() {
            let path = self.options.folder.join("superblock");
            return Err(OpenError::SuperblockFull { path, bytes });
        }
        let durable = current.durable;
        // Where all was read, the blobs may need what the recorded floor leaves out.
        let floor =
            (self.start < current.start).then_some(Floor { start: self.start, keep: current.kept });
        self.superblocks.advance(durable, floor, blobs, &self.gauges, &self.options.clock)?;
        Ok(())
    }

    /// Removes whatever lies past the end of the log, so that no stale record can come back when the
    /// space before it is written again. A crash in between leaves a log that is still torn at the
    /// same place.
    fn cut(&mut self, found: &Walk, end: u64, tail: usize) -> Result<(), OpenError> {
        let wal = segment::wal(&self.options.folder);
        let spare = self.segments.get(tail + 1);
        let keep = spare.is_some_and(|spare| {
            !found.residue.contains_key(&spare.first) && spare.length == self.options.segment_bytes
        });
        let keep = tail + 1 + usize::from(keep);
        while self.segments.len() > keep {
            if let Some(segment) = self.segments.pop() {
                self.disk.remove(&segment.path).map_err(OpenError::io("remove", &segment.path))?;
            }
        }
        self.disk.sync_folder(&wal).map_err(OpenError::io("sync", &wal))?;
        let Some(tail) = self.segments.get(tail) else { return Ok(()) };
        if let Some(until) = found.residue.get(&tail.first) {
            fill(&*tail.file, end - tail.first, *until, PREPARE_BYTES, &|| true)
                .map_err(OpenError::io("clear", &tail.path))?;
        }
        Ok(())
    }

    /// Writes again, and syncs, what no later record proves to be durable. After a process was
    /// killed, or an fsync failed, the last batch may read well from memory and not be on the disk;
    /// an fsync alone would not write pages that the kernel believes to be clean.
    ///
    /// What is damaged is left alone: it may not even be readable.
    fn harden(&self, proven: u64, end: u64, damage: &[Damage]) -> Result<(), OpenError> {
        let mut from = proven;
        let bad = damage.iter().map(|one| (one.from.0, one.until.map_or(end, |until| until.0)));
        for (bad_from, bad_until) in bad.chain([(end, end)]) {
            self.write_again(from, bad_from.min(end))?;
            from = from.max(bad_until);
        }
        Ok(())
    }

    /// Writes again, and syncs, what stands between two places of the log.
    fn write_again(&self, from: u64, until: u64) -> Result<(), OpenError> {
        for segment in self.walked() {
            let from = from.max(segment.first + HEADER_BYTES);
            let until = until.min(segment.end());
            if from >= until {
                continue;
            }
            read_all(&*segment.file, from - segment.first, until - from)
                .and_then(|bytes| segment.file.write_all_at(&bytes, from - segment.first))
                .and_then(|()| segment.file.sync())
                .map_err(OpenError::io("write again", &segment.path))?;
        }
        Ok(())
    }
}

impl Scanned {
    /// What the log holds.
    #[must_use]
    pub const fn found(&self) -> &Found {
        &self.found
    }

    /// Where something was written and cannot be read.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Puts blobs into the superblock, then settles the log's end: a torn write is cut off, damage stays
    /// where it is and the log goes on behind it. So what the damage means is durable before anything
    /// is changed that it can be seen from.
    ///
    /// Afterwards every record handed over is durable and stays.
    ///
    /// # Errors
    /// `Io`, and `SuperblockFull` if the blobs do not fit.
    pub fn settle(
        self,
        blobs: impl IntoIterator<Item = (GroupId, Bytes)>,
    ) -> Result<Replayed, OpenError> {
        let Self { mut opened, walked, damage, tail, found } = self;
        let blobs: Vec<(GroupId, Bytes)> = blobs.into_iter().collect();
        if !blobs.is_empty() {
            opened.note(blobs)?;
        }
        let marked = opened.superblocks.current().durable;
        opened.cut(&walked, found.end.0, tail)?;
        let beyond = walked.beyond.map_or(0, |beyond| beyond.durable.0);
        opened.harden(walked.proven.max(beyond).max(marked.0), found.end.0, &damage)?;
        if marked < found.end {
            let Opened { superblocks, gauges, options, .. } = &mut opened;
            superblocks.advance(found.end, None, [], gauges, &options.clock)?;
        }
        let Opened { options, disk, lock, gauges, superblocks, segments, .. } = opened;
        Ok(Replayed { options, disk, lock, gauges, superblocks, segments, tail, found })
    }
}

impl Replayed {
    /// What the log held.
    #[must_use]
    pub const fn found(&self) -> &Found {
        &self.found
    }

    /// Starts the threads. `sink` gets every completion.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(self, sink: Sink) -> Result<Storage, OpenError> {
        Storage::start(self, sink)
    }

    /// Bytes that the superblock takes now, by group.
    pub(crate) fn blob_bytes(&self) -> (usize, BTreeMap<GroupId, usize>) {
        let blobs = &self.superblocks.current().blobs;
        let sizes: BTreeMap<_, _> =
            blobs.iter().map(|(group, blob)| (*group, BLOB_HEAD_BYTES + blob.len())).collect();
        (EMPTY_BYTES + sizes.values().sum::<usize>(), sizes)
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Io { action, path, source } => Self::Io { action, path, source },
            Failure::DiskFull { action, path } => {
                Self::Io { action, path, source: io::ErrorKind::StorageFull.into() }
            }
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("folder", &self.options.folder).finish_non_exhaustive()
    }
}

impl fmt::Debug for Scanned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanned").field("found", &self.found).finish_non_exhaustive()
    }
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed").field("found", &self.found).finish_non_exhaustive()
    }
}
