//! A volume as the kernel sees it, with the knobs that make it slow, failing or lying.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem,
    FopenFlags, Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request,
    TimeOrNow, WriteFlags,
};

use super::volume::{TOP, Volume};
use crate::random::Random;

/// Calls that are served at once, so that a read need not wait for an fsync that stands still.
const THREADS: usize = 4;

/// The kernel keeps nothing in mind: after a power cut everything may be otherwise.
const KEEP: Duration = Duration::ZERO;

/// What a disk says that cannot do what it is asked (`errno`, on Linux).
const EIO: i32 = 5;

/// What is wrong with a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Knobs {
    /// How much longer an fsync takes.
    pub(crate) sync_delay_ms: u64,
    /// Writes and fsyncs do not come back until this ends.
    pub(crate) stalled: bool,
    /// The next fsync fails.
    pub(crate) next_sync_fails: bool,
    /// The power is gone: nothing is written or synced any more, and nobody is told otherwise.
    pub(crate) is_off: bool,
    /// An fsync says that it is done and does nothing: what a canary is run with.
    pub(crate) lies: bool,
}

/// A mounted disk.
#[derive(Debug)]
pub(crate) struct Mounted {
    shared: Arc<Shared>,
    /// Unmounts when dropped.
    _session: BackgroundSession,
}

#[derive(Debug)]
struct Shared {
    volume: Mutex<Volume>,
    knobs: Mutex<Knobs>,
    turned: Condvar,
    /// Writes that found no room.
    refused: AtomicU64,
}

/// What the kernel calls.
#[derive(Debug)]
struct Served(Arc<Shared>);

impl Mounted {
    /// Serves the files below `folder/live` at `place`, which is made.
    pub(crate) fn mount(folder: &Path, place: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(place)?;
        let shared = Arc::new(Shared {
            volume: Mutex::new(Volume::open(folder)?),
            knobs: Mutex::default(),
            turned: Condvar::new(),
            refused: AtomicU64::new(0),
        });
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("chaos".to_owned())];
        config.n_threads = Some(THREADS);
        let session = fuser::spawn_mount(Served(Arc::clone(&shared)), place, &config)?;
        Ok(Self { shared, _session: session })
    }

    /// Turns the knobs.
    pub(crate) fn turn(&self, turn: impl FnOnce(&mut Knobs)) {
        turn(&mut lock(&self.shared.knobs));
        self.shared.turned.notify_all();
    }

    /// How many writes found no room so far.
    pub(crate) fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Cuts the power, see [`Volume::cut_power`]. The node must be dead.
    pub(crate) fn cut_power(&self, random: &mut Random) -> io::Result<u64> {
        lock(&self.shared.volume).cut_power(random)
    }
}

impl Shared {
    /// Waits while the disk stands still. Fails if there is no power.
    fn pass(&self) -> io::Result<()> {
        let knobs = lock(&self.knobs);
        let waited = self.turned.wait_while(knobs, |knobs| knobs.stalled && !knobs.is_off);
        let is_off = waited.unwrap_or_else(PoisonError::into_inner).is_off;
        if is_off { Err(io::Error::from_raw_os_error(EIO)) } else { Ok(()) }
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        let (delay_ms, fails, lies) = {
            let mut knobs = lock(&self.knobs);
            let fails = std::mem::take(&mut knobs.next_sync_fails);
            (knobs.sync_delay_ms, fails, knobs.lies)
        };
        thread::sleep(Duration::from_millis(delay_ms));
        self.pass()?;
        let mut volume = lock(&self.volume);
        if fails {
            volume.fail_sync(number)?;
            return Err(io::Error::from_raw_os_error(EIO));
        }
        if lies { Ok(()) } else { volume.sync(number) }
    }

    fn attributes(&self, number: u64) -> io::Result<FileAttr> {
        lock(&self.volume).metadata(number).map(|metadata| attributes(number, &metadata))
    }
}

fn attributes(number: u64, metadata: &Metadata) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: if metadata.is_dir() { FileType::Directory } else { FileType::RegularFile },
        perm: u16::try_from(metadata.mode() & 0o7777).unwrap_or(0o700),
        nlink: 1,
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: 0,
        blksize: 4_096,
        flags: 0,
    }
}

/// The error's own number; those that this program makes itself have none.
fn errno(error: &io::Error) -> Errno {
    match error.raw_os_error() {
        Some(number) => Errno::from_i32(number),
        None if error.kind() == io::ErrorKind::NotFound => Errno::ENOENT,
        None if error.kind() == io::ErrorKind::IsADirectory => Errno::EISDIR,
        None => Errno::EIO,
    }
}

fn empty(done: io::Result<()>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(errno(&error)),
    }
}

fn entry(found: io::Result<FileAttr>, reply: ReplyEntry) {
    match found {
        Ok(attributes) => reply.entry(&KEEP, &attributes, Generation(0)),
        Err(error) => reply.error(errno(&error)),
    }
}

impl Filesystem for Served {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = lock(&self.0.volume).look_up(parent.0, Path::new(name));
        entry(found.and_then(|number| self.0.attributes(number)), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.0.attributes(ino.0) {
            Ok(attributes) => reply.attr(&KEEP, &attributes),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        _: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let done = size.map_or(Ok(()), |size| lock(&self.0.volume).set_length(ino.0, size));
        match done.and_then(|()| self.0.attributes(ino.0)) {
            Ok(attributes) => reply.attr(&KEEP, &attributes),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let made = lock(&self.0.volume).make_folder(parent.0, Path::new(name));
        entry(made.and_then(|number| self.0.attributes(number)), reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(lock(&self.0.volume).remove(parent.0, Path::new(name)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (from, to) = ((parent.0, Path::new(name)), (newparent.0, Path::new(newname)));
        empty(lock(&self.0.volume).rename(from, to), reply);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // The kernel's page cache stays out of it: this is the only one.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        _: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let made = lock(&self.0.volume).create(parent.0, Path::new(name));
        match made.and_then(|number| self.0.attributes(number)) {
            Ok(attributes) => {
                let flags = FopenFlags::FOPEN_DIRECT_IO;
                reply.created(&KEEP, &attributes, Generation(0), FileHandle(0), flags);
            }
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let count = usize::try_from(size).unwrap_or_default();
        match lock(&self.0.volume).read(ino.0, offset, count) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(errno(&error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let passed = self.0.pass();
        match passed.and_then(|()| lock(&self.0.volume).write(ino.0, offset, data)) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => {
                let is_full = error.kind() == io::ErrorKind::StorageFull;
                self.0.refused.fetch_add(u64::from(is_full), Ordering::Relaxed);
                reply.error(errno(&error));
            }
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(self.0.sync(ino.0), reply);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let names = match lock(&self.0.volume).list(ino.0) {
            Ok(names) => names,
            Err(error) => return reply.error(errno(&error)),
        };
        let own = [".".to_owned(), "..".to_owned()].map(|name| (name, true));
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        for (at, (name, is_folder)) in own.into_iter().chain(names).enumerate().skip(skip) {
            let kind = if is_folder { FileType::Directory } else { FileType::RegularFile };
            // The numbers in a listing are nobody's: what is opened is looked up first.
            if reply.add(INodeNo(TOP), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let passed = self.0.pass();
        let lies = lock(&self.0.knobs).lies;
        let sync = || if lies { Ok(()) } else { lock(&self.0.volume).sync_folder(ino.0) };
        empty(passed.and_then(|()| sync()), reply);
    }
}

/// Each change under these locks is one step, so a thread that panicked has left them whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
