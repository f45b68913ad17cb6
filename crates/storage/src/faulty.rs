//! A disk in memory that fails as real ones do. For tests.
//!
//! Every file has what programs see (`live`, the page cache) and what a power cut leaves (`durable`
//! and any part of the `unsynced` writes, sector by sector, the last of them torn at any byte).

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{Access, Disk, File};

const SECTOR: usize = 512;

/// A small generator with a printed seed (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    pub(crate) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug, Default)]
struct World {
    inodes: Vec<Inode>,
    live: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    locked: BTreeSet<PathBuf>,
    /// Writes and syncs until the power goes.
    power: Option<u64>,
    /// Syncs until one fails.
    sync_fails_in: Option<u64>,
    /// Bytes that files may take in all.
    capacity: Option<usize>,
    /// Writes and syncs since an fsync failed.
    touched_after_failure: Option<u64>,
    /// Bytes of a file that the disk refuses to read.
    bad: Option<(PathBuf, std::ops::Range<usize>)>,
    /// Writes that are lost without a word, though their sync succeeds, to files of this name.
    lie: Option<&'static str>,
}

/// The disk. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyDisk(Arc<Mutex<World>>);

#[derive(Debug)]
struct Open {
    disk: FaultyDisk,
    inode: usize,
}

struct Guard {
    disk: FaultyDisk,
    path: PathBuf,
}

impl FaultyDisk {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().expect("no test panics while it holds the disk")
    }

    /// The disk after a power cut now. This one goes on as if nothing had happened.
    pub(crate) fn after_power_cut(&self, random: &mut Random) -> Self {
        let mut world = self.world().clone();
        for inode in &mut world.inodes {
            let unsynced = core::mem::take(&mut inode.unsynced);
            for (offset, bytes) in unsynced {
                keep_some(&mut inode.durable, offset, &bytes, random);
            }
            inode.live.clone_from(&inode.durable);
        }
        // A rename is whole or not there; which of the unsynced ones are is the disk's choice.
        if random.one_in(2) {
            world.live.clone_from(&world.durable);
        }
        world.durable.clone_from(&world.live);
        Self::restarted(world)
    }

    /// The disk after the worst power cut: of every unsynced write only the first half is kept.
    pub(crate) fn after_worst_cut(&self) -> Self {
        let mut world = self.world().clone();
        for inode in &mut world.inodes {
            for (offset, bytes) in core::mem::take(&mut inode.unsynced) {
                put(&mut inode.durable, offset, &bytes[..bytes.len() / 2]);
            }
            inode.live.clone_from(&inode.durable);
        }
        world.live.clone_from(&world.durable);
        Self::restarted(world)
    }

    /// The disk after the process was killed now: the page cache stays.
    pub(crate) fn after_kill(&self) -> Self {
        Self::restarted(self.world().clone())
    }

    fn restarted(mut world: World) -> Self {
        world.locked.clear();
        world.power = None;
        world.sync_fails_in = None;
        world.touched_after_failure = None;
        world.lie = None;
        Self(Arc::new(Mutex::new(world)))
    }

    /// Changes a file under the program's feet, on the disk and in the page cache.
    pub(crate) fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut world = self.world();
        let inode = *world.live.get(path).expect("the file exists");
        let inode = &mut world.inodes[inode];
        edit(&mut inode.live);
        inode.durable.clone_from(&inode.live);
    }

    pub(crate) fn bytes(&self, path: &Path) -> Vec<u8> {
        let world = self.world();
        world.inodes[*world.live.get(path).expect("the file exists")].live.clone()
    }

    /// All files and their bytes, drafts left out.
    pub(crate) fn image(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let world = self.world();
        let files = world.live.iter().filter(|(path, _)| path.extension() != Some("tmp".as_ref()));
        files.map(|(path, id)| (path.clone(), world.inodes[*id].live.clone())).collect()
    }

    pub(crate) fn forget(&self, path: &Path) {
        let mut world = self.world();
        world.live.remove(path);
        world.durable.remove(path);
    }

    /// A part of a file can no longer be read.
    pub(crate) fn spoil(&self, path: &Path, range: std::ops::Range<usize>) {
        self.world().bad = Some((path.into(), range));
    }

    pub(crate) fn cut_power_in(&self, operations: u64) {
        self.world().power = Some(operations);
    }

    pub(crate) fn fail_sync_in(&self, syncs: u64) {
        self.world().sync_fails_in = Some(syncs);
    }

    pub(crate) fn set_capacity(&self, bytes: Option<usize>) {
        self.world().capacity = bytes;
    }

    pub(crate) fn used(&self) -> usize {
        self.world().used()
    }

    pub(crate) fn lose_writes_to(&self, name: &'static str) {
        self.world().lie = Some(name);
    }

    /// Writes and syncs since an fsync failed; `None` if none did.
    pub(crate) fn touched_after_failure(&self) -> Option<u64> {
        self.world().touched_after_failure
    }
}

/// Writes a random part of `bytes`: some sectors, and of a sector perhaps only its first bytes.
fn keep_some(file: &mut Vec<u8>, offset: usize, bytes: &[u8], random: &mut Random) {
    let all_or_none = random.below(3);
    let mut at = 0;
    while at < bytes.len() {
        let sector = SECTOR - (offset + at) % SECTOR;
        let mut count = sector.min(bytes.len() - at);
        let next = at + count;
        let keep = match all_or_none {
            0 => false,
            1 => true,
            _ => random.one_in(2),
        };
        if keep {
            if all_or_none == 2 && random.one_in(4) {
                count = random.below(count + 1);
            }
            put(file, offset + at, &bytes[at..at + count]);
        }
        at = next;
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(bytes);
}

impl World {
    fn used(&self) -> usize {
        self.live.values().map(|inode| self.inodes[*inode].live.len()).sum()
    }

    /// Counts down to the power cut. The operation that meets it may still reach the disk.
    fn operate(&mut self) -> io::Result<bool> {
        if let Some(count) = &mut self.touched_after_failure {
            *count += 1;
        }
        match &mut self.power {
            Some(0) => Err(io::Error::other("the power is off")),
            Some(left) => {
                *left -= 1;
                Ok(*left > 0)
            }
            None => Ok(true),
        }
    }

    fn alive(&self) -> io::Result<()> {
        if self.power == Some(0) { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn lies_about(&self, inode: usize) -> bool {
        let named =
            |name: &&str| self.live.iter().any(|(path, id)| *id == inode && path.ends_with(name));
        self.lie.as_ref().is_some_and(named)
    }
}

impl File for Open {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.world().inodes[self.inode].live.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let world = self.disk.world();
        world.alive()?;
        let from = usize::try_from(offset).expect("small");
        if let Some((path, bad)) = &world.bad
            && world.live.get(path) == Some(&self.inode)
            && from < bad.end
            && bad.start < from + buffer.len()
        {
            return Err(io::Error::from_raw_os_error(5));
        }
        let live = &world.inodes[self.inode].live;
        let rest = live.get(usize::try_from(offset).expect("small")..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut world = self.disk.world();
        let lives = world.operate()?;
        let offset = usize::try_from(offset).expect("small");
        let growth = (offset + bytes.len()).saturating_sub(world.inodes[self.inode].live.len());
        if world.capacity.is_some_and(|capacity| growth > 0 && world.used() + growth > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let lost = world.lies_about(self.inode);
        let inode = &mut world.inodes[self.inode];
        put(&mut inode.live, offset, bytes);
        if !lost {
            inode.unsynced.push((offset, bytes.to_vec()));
        }
        if lives { Ok(()) } else { Err(io::Error::other("the power goes off")) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut world = self.disk.world();
        if !world.operate()? {
            return Err(io::Error::other("the power goes off"));
        }
        if let Some(left) = &mut world.sync_fails_in {
            if *left == 0 {
                world.sync_fails_in = None;
                world.touched_after_failure = Some(0);
                // What a kernel does: the pages are marked clean, and stay readable.
                world.inodes[self.inode].unsynced.clear();
                return Err(io::Error::from_raw_os_error(5));
            }
            *left -= 1;
        }
        let inode = &mut world.inodes[self.inode];
        for (offset, bytes) in core::mem::take(&mut inode.unsynced) {
            put(&mut inode.durable, offset, &bytes);
        }
        Ok(())
    }
}

impl Disk for FaultyDisk {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.world().alive()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let world = self.world();
        let inside = world.live.keys().filter(|file| file.parent() == Some(path));
        Ok(inside
            .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
            .collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        let mut world = self.world();
        world.alive()?;
        world.inodes.push(Inode::default());
        let inode = world.inodes.len() - 1;
        world.live.insert(path.into(), inode);
        Ok(Arc::new(Open { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path, _: Access) -> io::Result<Arc<dyn File>> {
        let inode = self.world().live.get(path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Open { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        let inode = world.live.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.live.insert(to.into(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.alive()?;
        world.live.remove(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut world = self.world();
        world.operate()?;
        let live = world.live.clone();
        world.durable.retain(|file, _| file.parent() != Some(path));
        world.durable.extend(live.into_iter().filter(|(file, _)| file.parent() == Some(path)));
        Ok(())
    }

    fn lock(&self, path: &Path, access: Access) -> io::Result<Option<Box<dyn Send + Sync>>> {
        let mut world = self.world();
        world.alive()?;
        if world.locked.contains(path) {
            return Ok(None);
        }
        if access == Access::Read {
            return Ok(Some(Box::new(())));
        }
        world.locked.insert(path.into());
        Ok(Some(Box::new(Guard { disk: self.clone(), path: path.into() })))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.disk.world().locked.remove(&self.path);
    }
}
