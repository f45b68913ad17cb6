//! The superblock file: four copies in slots of one size, written two and two.
//!
//! A new superblock goes over copies 0 and 1, then an fsync, then over 2 and 3, then an fsync. At
//! every moment at least two whole copies of the newest or of the one before are on the disk. The
//! slots are allocated and written when the file is made, so that a full disk cannot keep a node
//! from recording a promise. They grow only at start, when the options ask for more or less than half is
//! free: the file is written anew beside the old one and renamed over it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use types::{GroupId, Hash, Position};
use wire::{
    DecodeError,
    superblock::{COPIES, SUPERBLOCK_BYTES_MAX, Sealed, Superblock},
};

use crate::{
    Access, Disk, Failure, File, OpenError,
    limits::PREPARE_BYTES,
    segment::{fill, read_all},
    stats::{Clock, Gauges},
};

/// What was found in one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyState {
    /// The newest superblock.
    Current,
    /// A good copy of an older one.
    Older {
        /// Its version.
        version: u64,
    },
    /// Not readable.
    Damaged(DecodeError),
}

/// From where the log is read, and below what it is not needed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Floor {
    pub(crate) start: Position,
    pub(crate) keep: Position,
}

/// The open file and what it holds.
#[derive(Debug)]
pub(crate) struct Superblocks {
    path: PathBuf,
    file: Arc<dyn File>,
    slot_bytes: u64,
    current: Superblock,
    checksum: Hash,
}

/// What reading the file gave.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) copies: [CopyState; COPIES],
    pub(crate) current: Superblock,
    pub(crate) checksum: Hash,
    pub(crate) slot_bytes: u64,
}

/// Reads all copies and picks the newest.
pub(crate) fn read(path: &Path, file: &dyn File) -> Result<Reading, OpenError> {
    let length = file.length().map_err(OpenError::io("measure", path))?;
    let slot_bytes = length / COPIES as u64;
    let mut found = Vec::with_capacity(COPIES);
    for copy in 0..COPIES {
        let bytes = read_all(file, copy as u64 * slot_bytes, slot_bytes)
            .map_err(OpenError::io("read", path))?;
        found.push(Superblock::decode(number(copy), &bytes));
    }
    let newest = found.iter().enumerate().filter_map(|(copy, found)| {
        found.as_ref().ok().map(|(superblock, checksum)| (copy, superblock.clone(), *checksum))
    });
    // The first of equals, so that the error names the lowest copy.
    let Some((winner, current, checksum)) =
        newest.reduce(|best, next| if next.1.version > best.1.version { next } else { best })
    else {
        let source = found.iter().find_map(|found| found.as_ref().err().copied());
        let source = source.unwrap_or(DecodeError::Truncated);
        return Err(OpenError::SuperblockLost { path: path.into(), source });
    };
    let mut copies = [CopyState::Current; COPIES];
    for (copy, (state, found)) in copies.iter_mut().zip(&found).enumerate() {
        *state = match found {
            Err(error) => CopyState::Damaged(*error),
            Ok((_, same)) if *same == checksum => CopyState::Current,
            Ok((older, of)) => {
                let parent = older.version + 1 == current.version;
                if older.version == current.version || (parent && *of != current.parent) {
                    let (newer, older) = (number(winner), number(copy));
                    return Err(OpenError::SuperblockFork { path: path.into(), newer, older });
                }
                CopyState::Older { version: older.version }
            }
        };
    }
    Ok(Reading { copies, current, checksum, slot_bytes })
}

impl Superblocks {
    /// Makes the file with `current` in all slots; durable, name included, when it returns.
    pub(crate) fn create(
        disk: &dyn Disk,
        folder: &Path,
        slot_bytes: u64,
        current: Superblock,
    ) -> Result<Self, OpenError> {
        let path = folder.join("superblock");
        let draft = folder.join("superblock.tmp");
        let file = disk.create(&draft).map_err(OpenError::io("create", &draft))?;
        let sealed = current.seal();
        let written = fill(&*file, 0, slot_bytes * COPIES as u64, PREPARE_BYTES, &|| true)
            .and_then(|()| {
                (0..COPIES).try_for_each(|copy| write(&*file, slot_bytes, &sealed, copy))
            })
            .and_then(|()| file.sync());
        written.map_err(OpenError::io("write", &draft))?;
        disk.rename(&draft, &path).map_err(OpenError::io("rename", &draft))?;
        disk.sync_folder(folder).map_err(OpenError::io("sync", folder))?;
        Ok(Self { path, file, slot_bytes, checksum: sealed.checksum(), current })
    }

    /// Opens and repairs the file; the states are those before the repair.
    ///
    /// The repair writes every copy unless all four agree, for after a failed fsync even a copy
    /// that reads well may exist in memory only. Those that differ go first: while they are
    /// written, the newest superblock stands untouched where it was found.
    pub(crate) fn open(
        disk: &dyn Disk,
        folder: &Path,
        slot_bytes: u64,
    ) -> Result<(Self, [CopyState; COPIES]), OpenError> {
        let path = folder.join("superblock");
        let file = disk.open(&path, Access::Write).map_err(OpenError::io("open", &path))?;
        let reading = read(&path, &*file)?;
        let copies = reading.copies;
        let sealed = reading.current.seal();
        let slot_bytes = slot_bytes.max(roomy(reading.slot_bytes, sealed.length()));
        // One of an older layout is written anew as a whole, as its checksum will be another one.
        if slot_bytes > reading.slot_bytes || sealed.checksum() != reading.checksum {
            let grown = Self::create(disk, folder, slot_bytes, reading.current)?;
            return Ok((grown, copies));
        }
        if copies.iter().any(|state| *state != CopyState::Current) {
            for current in [false, true] {
                let of = |copy: &usize| (copies.get(*copy) == Some(&CopyState::Current)) == current;
                (0..COPIES)
                    .filter(of)
                    .try_for_each(|copy| write(&*file, reading.slot_bytes, &sealed, copy))
                    .and_then(|()| file.sync())
                    .map_err(OpenError::io("repair", &path))?;
            }
        }
        let Reading { current, checksum, slot_bytes, .. } = reading;
        Ok((Self { path, file, slot_bytes, current, checksum }, copies))
    }

    pub(crate) const fn current(&self) -> &Superblock {
        &self.current
    }

    pub(crate) const fn slot_bytes(&self) -> u64 {
        self.slot_bytes
    }

    /// Writes the next superblock: new blobs, a new floor, and how far the log is durable now.
    pub(crate) fn advance(
        &mut self,
        durable: Position,
        floor: Option<Floor>,
        blobs: impl IntoIterator<Item = (GroupId, Bytes)>,
        gauges: &Gauges,
        clock: &Clock,
    ) -> Result<(), Failure> {
        assert!(durable >= self.current.durable, "a log does not shrink");
        let mut next = self.current.clone();
        next.version += 1;
        next.parent = self.checksum;
        next.durable = durable;
        next.blobs.extend(blobs);
        if let Some(Floor { start, keep }) = floor {
            // What is gone does not come back, and no start can read it.
            next.kept = next.kept.max(keep);
            next.start = start.max(next.kept);
        }
        let sealed = next.seal();
        assert!(sealed.length() as u64 <= self.slot_bytes, "blobs are limited when they come in");
        for pair in [[0, 1], [2, 3]] {
            pair.into_iter()
                .try_for_each(|copy| write(&*self.file, self.slot_bytes, &sealed, copy))
                .map_err(Failure::io("write", &self.path))?;
            gauges.timed(clock, || self.file.sync()).map_err(Failure::io("sync", &self.path))?;
        }
        self.checksum = sealed.checksum();
        self.current = next;
        Ok(())
    }
}

/// A slot that leaves room to grow. A superblock only ever grows, with every change of a home; a node
/// whose slot is full stops, and must not find it as full when it is started again.
fn roomy(slot_bytes: u64, used_bytes: usize) -> u64 {
    let tight = 2 * used_bytes as u64 > slot_bytes;
    let bytes_max = SUPERBLOCK_BYTES_MAX as u64;
    if tight { (2 * slot_bytes).min(bytes_max).max(slot_bytes) } else { slot_bytes }
}

fn write(file: &dyn File, slot_bytes: u64, sealed: &Sealed, copy: usize) -> io::Result<()> {
    file.write_all_at(&sealed.copy(number(copy)), copy as u64 * slot_bytes)
}

fn number(copy: usize) -> u8 {
    u8::try_from(copy).expect("there are four copies")
}
