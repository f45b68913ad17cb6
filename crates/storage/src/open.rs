//! Opening a node's folder: lock, superblock, replay of the log, settling its end.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use bytes::Bytes;
use journal::scan::{Verdict, judge};
use types::{GroupId, Hash, Position};
use wire::superblock::{COPIES, EMPTY_BYTES, Superblock};

use crate::{
    Access, CopyState, Disk, Failure, OpenError, Options, RealDisk, Record, Sink, Storage,
    limits::{HEADER_BYTES, PREPARE_BYTES},
    segment::{self, Segment, fill, read_all},
    stats::Gauges,
    superblocks::Superblocks,
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
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
    let segments = open_segments(&*disk, &options, &firsts)?;
    if blank {
        superblocks
            .advance(Position(HEADER_BYTES), [], &gauges, &options.clock)
            .map_err(OpenError::from)?;
    }
    Ok(Opened { options, disk, lock, gauges, superblocks, copies, segments, blank })
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

/// Opens the segments, which must follow each other from position 0.
fn open_segments(
    disk: &dyn Disk,
    options: &Options,
    firsts: &[u64],
) -> Result<Vec<Segment>, OpenError> {
    let folder = &options.folder;
    let mut segments: Vec<Segment> = Vec::with_capacity(firsts.len());
    for first in firsts {
        let expected = segments.last().map_or(0, Segment::end);
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

    /// Hands over every record in the order of the log, then settles the log's end.
    ///
    /// Afterwards every record handed over is durable and stays. On an error, records may have been
    /// handed over that must not be used.
    ///
    /// # Errors
    /// `Corrupt` and the `Segment` errors if acknowledged bytes are lost; nothing has been changed
    /// then. `Io`.
    pub fn replay(mut self, visit: &mut dyn FnMut(Record<'_>)) -> Result<Replayed, OpenError> {
        let (mut records, mut cut) = (0, 0);
        let found = walk(&self.segments, &mut |record, standing| match standing {
            Standing::Sound => {
                records += 1;
                visit(record);
            }
            Standing::Beyond => cut += 1,
        });
        let found = found.map_err(|error| OpenError::io("read", error.path)(error.source))?;
        let path = |at| segment::path(&self.options.folder, at);
        let holds = |segment: &Segment| segment.first <= found.end && found.end < segment.end();
        let tail = self.segments.iter().position(holds);
        let Some(tail) = tail.filter(|_| !found.missing) else {
            return Err(OpenError::SegmentMissing { path: path(found.end) });
        };
        let at = Position(found.end);
        let torn = match judge(&found.findings(self.superblocks.current().durable)) {
            Verdict::Clean => None,
            Verdict::Torn => Some(Torn { at, records: cut }),
            Verdict::Corrupt(evidence) => {
                let (path, offset) = self.segments.get(tail).map_or_else(
                    || (PathBuf::new(), 0),
                    |segment| (segment.path.clone(), found.end - segment.first),
                );
                return Err(OpenError::Corrupt { path, offset, at, evidence });
            }
        };
        self.cut(&found, tail)?;
        self.harden(&found)?;
        if self.superblocks.current().durable < at {
            self.superblocks.advance(at, [], &self.gauges, &self.options.clock)?;
        }
        let Self { options, disk, lock, gauges, superblocks, segments, .. } = self;
        let found = Found { end: at, records, torn };
        Ok(Replayed { options, disk, lock, gauges, superblocks, segments, tail, found })
    }

    /// Removes whatever lies past the end of the log, so that no stale record can come back when the
    /// space before it is written again. A crash in between leaves a log that is still torn at the
    /// same place.
    fn cut(&mut self, found: &Walk, tail: usize) -> Result<(), OpenError> {
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
            fill(&*tail.file, found.end - tail.first, *until, PREPARE_BYTES, &|| true)
                .map_err(OpenError::io("clear", &tail.path))?;
        }
        Ok(())
    }

    /// Writes again, and syncs, what no later record proves to be durable. After a process was
    /// killed, or an fsync failed, the last batch may read well from memory and not be on the disk;
    /// an fsync alone would not write pages that the kernel believes to be clean.
    fn harden(&self, found: &Walk) -> Result<(), OpenError> {
        for segment in &self.segments {
            let from = found.proven.max(segment.first + HEADER_BYTES);
            let until = found.end.min(segment.end());
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
        let sizes: BTreeMap<_, _> = blobs
            .iter()
            .map(|(group, blob)| (*group, wire::superblock::BLOB_HEAD_BYTES + blob.len()))
            .collect();
        (EMPTY_BYTES + sizes.values().sum::<usize>(), sizes)
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Io { action, path, source } => Self::Io { action, path, source },
            Failure::DiskFull { action, path } => {
                Self::Io { action, path, source: std::io::ErrorKind::StorageFull.into() }
            }
        }
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("folder", &self.options.folder).finish_non_exhaustive()
    }
}

impl fmt::Debug for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed").field("found", &self.found).finish_non_exhaustive()
    }
}
