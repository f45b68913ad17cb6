//! Checking a folder offline, without changing a byte of it.
//!
//! Goes on where a start-up would stop: past damaged headers, missing files and corrupt records, so
//! that one run shows all that is wrong and all that can still be read.

use std::{
    io,
    path::{Path, PathBuf},
};

use journal::scan::{Beyond, Findings, Verdict, judge};
use types::Position;
use wire::{
    log::{Identity, Kind, SegmentHeader},
    superblock::{COPIES, Superblock},
};

use crate::{
    Access, CopyState, Disk, OpenError, RealDisk, Record,
    limits::HEADER_BYTES,
    segment::{self, Segment, read_all},
    superblocks,
    walk::{Standing, Walk, walk},
};

/// What is in a folder.
#[derive(Debug)]
pub struct Report {
    /// Whose it is, as its superblock says, or else its first readable segment.
    pub identity: Option<Identity>,
    /// The newest superblock and the state of its copies; `None` if none can be read, or two
    /// contradict each other (then `problems` says so).
    pub superblock: Option<(Superblock, [CopyState; COPIES])>,
    /// The segments, in order.
    pub segments: Vec<SegmentReport>,
    /// Where the unbroken run of records ends.
    pub end: Position,
    /// Places where no record can be read although something is there or follows.
    pub gaps: Vec<Gap>,
    /// What a start-up would make of the end of the log.
    pub verdict: Verdict,
    /// What would keep a node from starting, besides the verdict.
    pub problems: Vec<OpenError>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// The file.
    pub path: PathBuf,
    /// Position of its first byte.
    pub first: Position,
    /// Its length in bytes.
    pub length: u64,
    /// Records of groups.
    pub group: u64,
    /// Records of the register.
    pub register: u64,
    /// Pulses.
    pub pulse: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
}

/// A place where no record can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Where it starts.
    pub from: Position,
    /// Where the next good record starts; `None` if none follows.
    pub until: Option<Position>,
    /// The segment it starts in, and the offset there.
    pub place: Option<(PathBuf, u64)>,
    /// Whether a later record or the superblock proves that bytes lost here were durable. If not, it
    /// is a torn write.
    pub acknowledged: bool,
}

impl Report {
    /// Whether a node would start from this folder without losing anything it acknowledged.
    #[must_use]
    pub const fn sound(&self) -> bool {
        self.problems.is_empty() && matches!(self.verdict, Verdict::Clean | Verdict::Torn)
    }
}

/// Checks the folder of a node that is not running and shows every record in the order of the log;
/// `Standing` tells those that a start-up would take from those past the first bad place.
///
/// # Errors
/// `InUse` if the node runs; `Io` if something cannot be read at all. Damage is not an error here
/// but part of the report.
pub fn verify(
    folder: &Path,
    visit: &mut dyn FnMut(Record<'_>, Standing),
) -> Result<Report, OpenError> {
    verify_on(&RealDisk, folder, visit)
}

pub(crate) fn verify_on(
    disk: &dyn Disk,
    folder: &Path,
    visit: &mut dyn FnMut(Record<'_>, Standing),
) -> Result<Report, OpenError> {
    let lock_path = folder.join("lock");
    let lock = disk.lock(&lock_path, Access::Read).map_err(OpenError::io("lock", &lock_path))?;
    let Some(_lock) = lock else { return Err(OpenError::InUse { path: folder.into() }) };
    let mut problems = Vec::new();
    let superblock = read_superblock(disk, folder, &mut problems)?;
    let mut identity = superblock.as_ref().map(|(superblock, _)| superblock.identity);
    let kept = superblock.as_ref().map_or(Position(0), |(superblock, _)| superblock.kept);
    let segments = open_segments(disk, folder, kept, &mut identity, &mut problems)?;
    let mut reports: Vec<SegmentReport> = segments.iter().map(SegmentReport::new).collect();
    let mut index = 0;
    let walked = walk(&segments, &mut |record, standing| {
        while segments.get(index).is_some_and(|segment| segment.end() <= record.at.0) {
            index += 1;
        }
        if let Some(report) = reports.get_mut(index) {
            report.count(&record);
        }
        visit(record, standing);
    });
    let walked = walked.map_err(|error| OpenError::io("read", error.path)(error.source))?;
    let marked = superblock.as_ref().map_or(Position(0), |(superblock, _)| superblock.durable);
    if walked.missing && !segments.is_empty() {
        problems.push(OpenError::SegmentMissing { path: segment::path(folder, walked.end) });
    }
    Ok(Report {
        identity,
        superblock,
        segments: reports,
        end: Position(walked.end),
        gaps: gaps(&walked, &segments, marked),
        verdict: judge(&walked.findings(marked)),
        problems,
    })
}

fn read_superblock(
    disk: &dyn Disk,
    folder: &Path,
    problems: &mut Vec<OpenError>,
) -> Result<Option<(Superblock, [CopyState; COPIES])>, OpenError> {
    let path = folder.join("superblock");
    let file = match disk.open(&path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            problems.push(OpenError::SuperblockMissing { path });
            return Ok(None);
        }
        file => file.map_err(OpenError::io("open", &path))?,
    };
    match superblocks::read(&path, &*file) {
        Ok(reading) => Ok(Some((reading.current, reading.copies))),
        Err(error @ OpenError::Io { .. }) => Err(error),
        Err(damage) => {
            problems.push(damage);
            Ok(None)
        }
    }
}

/// Opens what segments there are. One with a damaged header is read by the header that its name,
/// its length and the node's identity call for.
fn open_segments(
    disk: &dyn Disk,
    folder: &Path,
    kept: Position,
    identity: &mut Option<Identity>,
    problems: &mut Vec<OpenError>,
) -> Result<Vec<Segment>, OpenError> {
    let wal = segment::wal(folder);
    let firsts = segment::list(disk, folder).map_err(OpenError::io("list", wal))?;
    let mut segments: Vec<Segment> = Vec::new();
    // Segments below what is kept may be gone.
    let mut expected = firsts.first().copied().filter(|first| *first <= kept.0).unwrap_or(0);
    for first in firsts {
        let path = segment::path(folder, first);
        let file = disk.open(&path, Access::Read).map_err(OpenError::io("open", &path))?;
        let length = file.length().map_err(OpenError::io("measure", &path))?;
        let block = read_all(&*file, 0, HEADER_BYTES).map_err(OpenError::io("read", &path))?;
        if first != expected {
            problems.push(OpenError::SegmentMissing { path: segment::path(folder, expected) });
        }
        // Files that overlap are not both of this log.
        if first < expected || length < HEADER_BYTES {
            problems.push(OpenError::SegmentMismatch { path });
            continue;
        }
        expected = first.saturating_add(length);
        let salt = match SegmentHeader::decode(&block) {
            Ok((header, salt)) => {
                let owner = *identity.get_or_insert(header.identity);
                if header.identity != owner {
                    let (found, path) = (header.identity, path.clone());
                    problems.push(OpenError::Identity { path, found, expected: owner });
                } else if header.first.0 != first || header.length != length {
                    problems.push(OpenError::SegmentMismatch { path: path.clone() });
                }
                salt
            }
            Err(source) => {
                problems.push(OpenError::SegmentHeader { path: path.clone(), source });
                let Some(identity) = *identity else { continue };
                SegmentHeader { identity, first: Position(first), length }.encode().1
            }
        };
        segments.push(Segment { path, file, first, length, salt });
    }
    Ok(segments)
}

fn gaps(walked: &Walk, segments: &[Segment], marked: Position) -> Vec<Gap> {
    let mut gaps = Vec::new();
    for found in &walked.breaks {
        let segment = segments.iter().rfind(|segment| segment.first <= found.from);
        // The open end of a log that holds nothing but zeros past it.
        let clean = found.until.is_none()
            && segment.is_none_or(|segment| {
                let residue = walked.residue.get(&segment.first);
                let later = walked.residue.range(segment.end()..).next();
                residue.is_none_or(|until| segment.first + until <= found.from) && later.is_none()
            });
        let later: Option<Beyond> = walked.beyond;
        let here = Findings { end: Position(found.from), marked, beyond: later, residue: true };
        let acknowledged = matches!(judge(&here), Verdict::Corrupt(_));
        if clean && !acknowledged {
            continue;
        }
        gaps.push(Gap {
            from: Position(found.from),
            until: found.until.map(Position),
            place: segment.map(|segment| (segment.path.clone(), found.from - segment.first)),
            acknowledged,
        });
    }
    gaps
}

impl SegmentReport {
    fn new(segment: &Segment) -> Self {
        Self {
            path: segment.path.clone(),
            first: Position(segment.first),
            length: segment.length,
            group: 0,
            register: 0,
            pulse: 0,
            payload_bytes: 0,
        }
    }

    const fn count(&mut self, record: &Record<'_>) {
        match record.kind {
            Kind::Group | Kind::Repair => self.group += 1,
            Kind::Register => self.register += 1,
            Kind::Pulse | Kind::Roll => self.pulse += 1,
        }
        self.payload_bytes += record.payload.len() as u64;
    }
}
