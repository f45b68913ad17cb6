//! The files thread: snapshots, written and read beside the log, and segments that go.
//!
//! A snapshot grows as a draft, each piece synced before the next is asked for, so that the commits of
//! the log never queue behind more than one piece. After the last the draft gets its name. What cannot
//! be written is removed and reported; the log goes on, and nothing rests on a snapshot that was not
//! reported. While the disk has no room for a segment ahead of the log, nothing is written here.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use types::{GroupId, Hash, ReadId, Seq};

use crate::{
    Access, Completion, Disk, Failure, File, LoadError, OpenError, Owner, RealDisk, Refused, Space,
    limits::{FILE_JOBS_MAX, FILE_PIECE_BYTES},
    queue::Phase,
    segment,
    segment::read_all,
    shared::Shared,
};

/// Which snapshot.
pub(crate) type Name = (GroupId, Seq);

/// Something for the files thread to do.
#[derive(Debug)]
pub(crate) enum Job {
    Write {
        name: Name,
        offset: u64,
        bytes: Bytes,
        is_last: bool,
    },
    Read {
        owner: Owner,
        id: ReadId,
        name: Name,
        offset: u64,
        bytes_max: usize,
    },
    Remove(Name),
    /// Delete segments, in this order.
    Delete(Vec<PathBuf>),
}

/// Jobs that wait.
#[derive(Debug)]
pub(crate) struct Files {
    waiting: Mutex<(VecDeque<Job>, bool)>,
    work: Condvar,
}

/// A file that is being written.
struct Draft {
    file: Arc<dyn File>,
    hasher: Sha256,
    length: u64,
}

/// Where snapshots lie in a node's folder.
pub(crate) fn folder(of: &Path) -> PathBuf {
    of.join("snapshots")
}

/// The path of a snapshot.
pub(crate) fn path(of: &Path, name: Name) -> PathBuf {
    folder(of).join(format!("{:05}-{:020}.snap", name.0.0, name.1.0))
}

fn draft_path(of: &Path, name: Name) -> PathBuf {
    path(of, name).with_extension("tmp")
}

/// The snapshots in a folder, without the drafts; none if there is no such folder.
pub(crate) fn list(disk: &dyn Disk, of: &Path) -> io::Result<Vec<Name>> {
    let names = match disk.list(&folder(of)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names?,
    };
    let parse = |name: &String| {
        let (group, seq) = name.strip_suffix(".snap")?.split_once('-')?;
        Some((GroupId(group.parse().ok()?), Seq(seq.parse().ok()?)))
    };
    let mut found: Vec<Name> = names.iter().filter_map(parse).collect();
    found.sort_unstable();
    Ok(found)
}

/// Makes the folder and removes what a crash left unfinished.
pub(crate) fn clear(disk: &dyn Disk, of: &Path) -> Result<(), OpenError> {
    let folder = folder(of);
    disk.create_folder(&folder).map_err(OpenError::io("create", &folder))?;
    for name in disk.list(&folder).map_err(OpenError::io("list", &folder))? {
        if name.ends_with(".tmp") {
            let path = folder.join(name);
            disk.remove(&path).map_err(OpenError::io("remove", &path))?;
        }
    }
    disk.sync_folder(&folder).map_err(OpenError::io("sync", &folder))
}

/// The bytes of a snapshot in pieces; `None` in the place of one that cannot be read.
pub(crate) fn pieces(
    disk: &dyn Disk,
    of: &Path,
    name: Name,
) -> impl Iterator<Item = Option<Bytes>> + use<> {
    let file = disk.open(&path(of, name), Access::Read).ok();
    let (mut offset, mut ended) = (0, false);
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let piece =
            file.as_ref().and_then(|file| read_all(&**file, offset, FILE_PIECE_BYTES as u64).ok());
        let count = piece.as_ref().map_or(0, Vec::len);
        offset += count as u64;
        ended = count < FILE_PIECE_BYTES;
        match piece {
            Some(bytes) if bytes.is_empty() => None,
            piece => Some(piece.map(Bytes::from)),
        }
    })
}

/// SHA-256 of a snapshot's file in the folder of a node that is not running; `None` if it cannot be
/// read.
#[must_use]
pub fn snapshot_digest(node: &Path, group: GroupId, seq: Seq) -> Option<Hash> {
    let mut hasher = Sha256::new();
    for piece in pieces(&RealDisk, node, (group, seq)) {
        hasher.update(piece?);
    }
    Some(Hash(hasher.finalize().into()))
}

impl Files {
    pub(crate) const fn new() -> Self {
        Self { waiting: Mutex::new((VecDeque::new(), false)), work: Condvar::new() }
    }

    pub(crate) fn push(&self, job: Job) -> Result<(), Refused> {
        let mut waiting = self.lock();
        if waiting.1 {
            return Err(Refused::Stopped);
        }
        if waiting.0.len() >= FILE_JOBS_MAX {
            return Err(Refused::Full);
        }
        waiting.0.push_back(job);
        drop(waiting);
        self.work.notify_one();
        Ok(())
    }

    /// Takes no more, and drops what waits: a draft is worth nothing, and a segment can go later.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        waiting.1 = true;
        waiting.0.retain(|job| matches!(job, Job::Read { .. }));
        drop(waiting);
        self.work.notify_all();
    }

    fn take(&self) -> Option<(Job, bool)> {
        let mut waiting = self.lock();
        while waiting.0.is_empty() {
            if waiting.1 {
                return None;
            }
            waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let was_full = waiting.0.len() >= FILE_JOBS_MAX;
        waiting.0.pop_front().map(|job| (job, was_full))
    }

    fn lock(&self) -> MutexGuard<'_, (VecDeque<Job>, bool)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does jobs until storage ends.
pub(crate) fn run(shared: &Shared, of: &Path) {
    let mut drafts: BTreeMap<Name, Draft> = BTreeMap::new();
    while let Some((job, was_full)) = shared.files.take() {
        let mut done = Vec::new();
        match job {
            Job::Write { name, offset, bytes, is_last } => {
                let end = offset + bytes.len() as u64;
                let result = write(shared, of, &mut drafts, (name, offset, is_last), &bytes);
                if result.is_err() {
                    drafts.remove(&name);
                    // What is left of it is removed at the next start at the latest.
                    let _gone = shared.disk.remove(&draft_path(of, name)).is_ok();
                }
                let (group, seq) = name;
                done.push(Completion::SnapshotWritten { group, seq, end, result });
            }
            Job::Read { owner, id, name, offset, bytes_max } => {
                let stopped = shared.queue().phase == Phase::Stopped;
                let result = if stopped {
                    Err(LoadError::Stopped)
                } else {
                    read(shared, of, name, offset, bytes_max)
                };
                done.push(Completion::Loaded { owner, id, result });
            }
            Job::Remove(name) => {
                drafts.remove(&name);
                for path in [path(of, name), draft_path(of, name)] {
                    // Either need not be there; one that stays is removed at the next start.
                    let _gone = shared.disk.remove(&path).is_ok();
                }
            }
            Job::Delete(paths) => {
                for path in paths {
                    if let Err(failure) = delete(shared, of, &path) {
                        shared.stop(Some(failure));
                        return;
                    }
                }
            }
        }
        if was_full {
            done.push(Completion::Room);
        }
        shared.deliver(done);
    }
}

fn write(
    shared: &Shared,
    of: &Path,
    drafts: &mut BTreeMap<Name, Draft>,
    (name, offset, is_last): (Name, u64, bool),
    bytes: &[u8],
) -> Result<Option<Hash>, Failure> {
    let path = draft_path(of, name);
    if shared.gauges.space() != Space::Ample {
        return Err(Failure::DiskFull { action: "write", path });
    }
    if offset == 0 {
        let file = shared.disk.create(&path).map_err(Failure::io("create", &path))?;
        drafts.insert(name, Draft { file, hasher: Sha256::new(), length: 0 });
    }
    let Some(draft) = drafts.get_mut(&name).filter(|draft| draft.length == offset) else {
        let gone = io::Error::from(io::ErrorKind::NotFound);
        return Err(Failure::io("continue", &path)(gone));
    };
    draft.file.write_all_at(bytes, offset).map_err(Failure::io("write", &path))?;
    draft.file.sync().map_err(Failure::io("sync", &path))?;
    draft.hasher.update(bytes);
    draft.length += bytes.len() as u64;
    if !is_last {
        return Ok(None);
    }
    let Some(draft) = drafts.remove(&name) else { return Ok(None) };
    let whole = self::path(of, name);
    shared.disk.rename(&path, &whole).map_err(Failure::io("rename", &path))?;
    let folder = folder(of);
    shared.disk.sync_folder(&folder).map_err(Failure::io("sync", &folder))?;
    Ok(Some(Hash(draft.hasher.finalize().into())))
}

fn read(
    shared: &Shared,
    of: &Path,
    name: Name,
    offset: u64,
    bytes_max: usize,
) -> Result<Bytes, LoadError> {
    let path = path(of, name);
    let io = |source| LoadError::Io { path: path.clone(), source };
    let file = shared.disk.open(&path, Access::Read).map_err(io)?;
    read_all(&*file, offset, bytes_max as u64).map(Bytes::from).map_err(io)
}

/// Deletes a segment. Durable before the next one goes, so that a crash leaves no hole.
fn delete(shared: &Shared, of: &Path, path: &Path) -> Result<(), Failure> {
    match shared.disk.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        done => done.map_err(Failure::io("delete", path))?,
    }
    let wal = segment::wal(of);
    shared.disk.sync_folder(&wal).map_err(Failure::io("sync", &wal))
}
