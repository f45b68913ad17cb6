//! Segment files: names, headers, and making one that is written in full before it is used.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use types::Position;
use wire::log::{Identity, Salt, SegmentHeader};

use crate::{
    Access, Disk, File, OpenError,
    limits::{HEADER_BYTES, PREPARE_BYTES},
};

/// An open segment.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn File>,
    /// Position of its first byte.
    pub(crate) first: u64,
    pub(crate) length: u64,
    pub(crate) salt: Salt,
}

/// Where segments lie in a node's folder.
pub(crate) fn wal(folder: &Path) -> PathBuf {
    folder.join("wal")
}

/// The path of the segment that starts at `first`.
pub(crate) fn path(folder: &Path, first: u64) -> PathBuf {
    wal(folder).join(format!("{first:020}.seg"))
}

/// The first positions of all segments in a folder, rising; empty if there is no log.
pub(crate) fn list(disk: &dyn Disk, folder: &Path) -> io::Result<Vec<u64>> {
    let names = match disk.list(&wal(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let mut firsts: Vec<u64> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".seg"))
        .filter(|digits| digits.len() == 20)
        .filter_map(|digits| digits.parse().ok())
        .collect();
    firsts.sort_unstable();
    Ok(firsts)
}

impl Segment {
    /// One past the position of its last byte, where the next segment starts.
    pub(crate) const fn end(&self) -> u64 {
        self.first + self.length
    }

    /// Makes a segment full of zeros; durable, name included, when it returns. The name appears
    /// only then, so that a segment with its name has a good header. Gives up with `Interrupted`
    /// when `go_on` says no.
    pub(crate) fn create(
        disk: &dyn Disk,
        folder: &Path,
        identity: Identity,
        first: u64,
        length: u64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self, (PathBuf, io::Error)> {
        let draft = wal(folder).join("prepare.tmp");
        let path = path(folder, first);
        let header = SegmentHeader { identity, first: Position(first), length };
        let (block, salt) = header.encode();
        let made = (|| {
            let file = disk.create(&draft)?;
            fill(&*file, 0, length, PREPARE_BYTES, go_on)?;
            file.write_all_at(&block, 0)?;
            file.sync()?;
            disk.rename(&draft, &path)?;
            disk.sync_folder(&wal(folder))?;
            Ok(file)
        })();
        match made {
            Ok(file) => Ok(Self { path, file, first, length, salt }),
            Err(error) => Err((draft, error)),
        }
    }

    /// Opens the segment named by its first position and checks its header.
    pub(crate) fn open(
        disk: &dyn Disk,
        folder: &Path,
        identity: Identity,
        first: u64,
        access: Access,
    ) -> Result<Self, OpenError> {
        let path = path(folder, first);
        let file = disk.open(&path, access).map_err(OpenError::io("open", &path))?;
        let block = read_all(&*file, 0, HEADER_BYTES).map_err(OpenError::io("read", &path))?;
        let (header, salt) = match SegmentHeader::decode(&block) {
            Ok(decoded) => decoded,
            Err(source) => return Err(OpenError::SegmentHeader { path, source }),
        };
        if header.identity != identity {
            let found = header.identity;
            return Err(OpenError::Identity { path, found, expected: identity });
        }
        let length = file.length().map_err(OpenError::io("measure", &path))?;
        if header.first.0 != first || header.length != length {
            return Err(OpenError::SegmentMismatch { path });
        }
        Ok(Self { path, file, first, length, salt })
    }
}

/// Reads `length` bytes at `offset`, fewer at the end of the file.
pub(crate) fn read_all(file: &dyn File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Writes zeros from `from` to `until`, syncing after every `step` bytes, so that the commits of
/// another file on the same disk never wait for a whole segment to be flushed. Asks `go_on` before
/// each step.
pub(crate) fn fill(
    file: &dyn File,
    from: u64,
    until: u64,
    step: usize,
    go_on: &dyn Fn() -> bool,
) -> io::Result<()> {
    let zeros = vec![0; step];
    let mut at = from;
    while at < until {
        if !go_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let count = usize::try_from(until - at).map_or(step, |rest| rest.min(step));
        file.write_all_at(zeros.get(..count).unwrap_or_default(), at)?;
        file.sync()?;
        at += count as u64;
    }
    Ok(())
}
