//! Reading a log from its start: every record, and every place where none can be read.
//!
//! After a bad place the walk goes on and looks for a record at every place where one may start, for
//! what lies beyond decides what the bad place means (`journal::scan`). A start-up takes the
//! records before the first bad place; an offline check shows all of them.

use std::{collections::BTreeMap, io, path::PathBuf};

use journal::scan::{Beyond, Findings};
use types::Position;
use wire::log::{FRAME_ALIGN, FRAME_HEADER_BYTES, Frame, Kind, NotAFrame};

use crate::{
    File, Record,
    limits::{GAPS_MAX, HEADER_BYTES, SCAN_BYTES},
    segment::Segment,
};

/// Whether a record stands in the unbroken run from the start of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All before it is good.
    Sound,
    /// Something before it is bad.
    Beyond,
}

/// A run of bytes in which no record can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// Where the record before it ends.
    pub(crate) from: u64,
    /// Where the next good record starts; `None` if none follows.
    pub(crate) until: Option<u64>,
    /// Good records from there to the next bad place.
    pub(crate) goods: u64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Where the unbroken run ends; the first break starts here.
    pub(crate) end: u64,
    /// The good record past `end` with the highest durable mark.
    pub(crate) beyond: Option<Beyond>,
    /// The highest durable mark of the unbroken run: all before it was synced once.
    pub(crate) proven: u64,
    /// Per segment (by first position) that has bytes other than zero past `end`: where the last
    /// of them ends.
    pub(crate) residue: BTreeMap<u64, u64>,
    /// Bad places in order, the open one at the end of the log included.
    pub(crate) breaks: Vec<Break>,
    /// The log goes on in a segment that does not exist.
    pub(crate) missing: bool,
}

/// Which file could not be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

impl Walk {
    /// What the verdict is made from.
    pub(crate) fn findings(&self, marked: Position) -> Findings {
        let residue = !self.residue.is_empty();
        Findings { end: Position(self.end), marked, beyond: self.beyond, residue }
    }

    /// Notes that no record can be read at `at`.
    fn bad(&mut self, at: u64) {
        match self.breaks.last() {
            Some(Break { until: None, .. }) => {}
            None => {
                self.end = at;
                self.breaks.push(Break { from: at, until: None, goods: 0 });
            }
            Some(_) if self.breaks.len() < GAPS_MAX => {
                self.breaks.push(Break { from: at, until: None, goods: 0 });
            }
            Some(_) => {}
        }
    }

    /// Notes a good record.
    fn good(&mut self, frame: &Frame<'_>) -> Standing {
        let Some(last) = self.breaks.last_mut() else {
            self.proven = self.proven.max(frame.durable.0);
            return Standing::Sound;
        };
        last.until.get_or_insert(frame.at.0);
        last.goods += 1;
        let beyond = Beyond { at: frame.at, durable: frame.durable };
        if self.beyond.is_none_or(|best| best.durable < beyond.durable) {
            self.beyond = Some(beyond);
        }
        Standing::Beyond
    }
}

/// Walks `segments`, in order, and shows every record. A missing segment between them is a bad place;
/// whether one is missing before the first is for the caller to know.
pub(crate) fn walk(
    segments: &[Segment],
    visit: &mut dyn FnMut(Record<'_>, Standing),
) -> Result<Walk, Unreadable> {
    let mut walk = Walk::default();
    let mut buffer = Vec::new();
    let mut expected = segments.first().map_or(0, |segment| segment.first);
    for segment in segments {
        if segment.first != expected {
            walk.bad(expected);
        }
        expected = segment.end();
        let rolled = walk_segment(&mut walk, segment, &mut buffer, visit)
            .map_err(|source| Unreadable { path: segment.path.clone(), source })?;
        if !rolled {
            walk.bad(segment.end());
        }
    }
    if walk.breaks.is_empty() {
        // The last segment ends by a roll, which is written only when the next one exists.
        walk.missing = true;
        walk.bad(segments.last().map_or(0, Segment::end));
    }
    Ok(walk)
}

/// Walks one segment; whether a roll ends it.
fn walk_segment(
    walk: &mut Walk,
    segment: &Segment,
    buffer: &mut Vec<u8>,
    visit: &mut dyn FnMut(Record<'_>, Standing),
) -> io::Result<bool> {
    buffer.clear();
    let mut window = Window { file: &*segment.file, length: segment.length, start: 0, buffer };
    let mut offset = HEADER_BYTES;
    let mut rolled = false;
    while offset < segment.length {
        let at = Position(segment.first + offset);
        let mut bytes = window.at(offset, FRAME_HEADER_BYTES)?;
        let mut decoded = Frame::decode(segment.salt, at, bytes);
        if let Err(NotAFrame::Short(need)) = decoded
            && need as u64 <= segment.length - offset
        {
            bytes = window.at(offset, need)?;
            decoded = Frame::decode(segment.salt, at, bytes);
        }
        if let Ok(frame) = decoded {
            let standing = walk.good(&frame);
            offset += frame.length() as u64;
            if standing == Standing::Beyond {
                walk.residue.insert(segment.first, offset);
            }
            if frame.kind == Kind::Roll {
                rolled = true;
                if standing == Standing::Sound {
                    return Ok(true);
                }
                continue;
            }
            visit(Record { at, kind: frame.kind, payload: frame.payload }, standing);
            continue;
        }
        if !rolled {
            walk.bad(at.0);
        }
        let zeros = zeros(bytes);
        if zeros == 0 {
            let end = (offset + FRAME_ALIGN as u64).min(segment.length);
            walk.residue.insert(segment.first, end);
            offset = end;
        } else {
            offset += zeros as u64;
        }
    }
    Ok(rolled)
}

/// Bytes of `bytes` before the first aligned word that is not zero.
fn zeros(bytes: &[u8]) -> usize {
    const STRIDE: usize = 256;
    let strides = bytes.chunks_exact(STRIDE);
    let whole = strides.take_while(|stride| stride.iter().all(|byte| *byte == 0)).count() * STRIDE;
    let rest = bytes.get(whole..).unwrap_or_default();
    let words = rest.chunks(FRAME_ALIGN);
    let zero = words.take_while(|word| word.iter().all(|byte| *byte == 0)).map(<[u8]>::len);
    whole + zero.sum::<usize>()
}

/// A file read through a sliding buffer.
struct Window<'a> {
    file: &'a dyn File,
    length: u64,
    /// Offset in the file of the buffer's first byte.
    start: u64,
    buffer: &'a mut Vec<u8>,
}

impl Window<'_> {
    /// The bytes from `offset` on: at least `need`, unless the file ends before. Offsets rise.
    fn at(&mut self, offset: u64, need: usize) -> io::Result<&[u8]> {
        let rest = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let need = need.min(rest);
        let mut skip = index(offset - self.start).min(self.buffer.len());
        if self.buffer.len() - skip < need {
            self.buffer.drain(..skip);
            self.start = offset;
            skip = 0;
            let kept = self.buffer.len();
            self.buffer.resize(need.max(SCAN_BYTES).min(rest), 0);
            let mut filled = kept;
            while let Some(room) = self.buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
                match read_past_bad(self.file, room, offset + filled as u64)? {
                    // The file was cut after its length was checked.
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => filled += count,
                }
            }
        }
        Ok(self.buffer.get(skip..).unwrap_or_default())
    }
}

/// Reads, and where the disk refuses to read a page puts bytes there that are no record and that nobody
/// takes for unwritten.
fn read_past_bad(file: &dyn File, room: &mut [u8], offset: u64) -> io::Result<usize> {
    let is_bad = |error: &io::Error| error.raw_os_error() == Some(EIO);
    match file.read_at(room, offset) {
        Err(error) if is_bad(&error) => {}
        done => return done,
    }
    let page = PAGE_BYTES - index(offset % PAGE_BYTES as u64);
    let count = page.min(room.len());
    let page = room.get_mut(..count).unwrap_or_default();
    match file.read_at(page, offset) {
        Err(error) if is_bad(&error) => {
            page.fill(BAD);
            Ok(count)
        }
        done => done,
    }
}

/// What the system says of a sector that cannot be read.
const EIO: i32 = 5;

/// What is read at once around such a sector.
const PAGE_BYTES: usize = 4096;

/// Stands for bytes that cannot be read.
const BAD: u8 = 0xbd;

fn index(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
