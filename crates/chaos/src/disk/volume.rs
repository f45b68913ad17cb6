//! Files over a folder, and what of them would survive a power cut.
//!
//! The folder holds what programs see. Beside it the volume keeps, for every sector that was written
//! since the file's last fsync, what stood there before, and every change of a name since the
//! folder's last fsync. A power cut puts back any part of that: whole files, single sectors, the end
//! of a torn sector; of the names, always the last ones, as a file system with a journal does. New
//! folders are durable at once.
//!
//! What it does not do: a sector that was written several times since the last fsync is lost to what
//! stood there at the fsync, never to what stood there in between.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crate::random::Random;

/// What a disk writes as one.
const SECTOR: u64 = 512;

/// The number of the top folder.
pub(super) const TOP: u64 = 1;

/// The files.
#[derive(Debug)]
pub(super) struct Volume {
    live: PathBuf,
    /// Where files lie whose removal or replacement is not durable yet.
    removed: PathBuf,
    inodes: BTreeMap<u64, Inode>,
    places: BTreeMap<PathBuf, u64>,
    next: u64,
    changes: Vec<Change>,
}

/// A file or a folder that has been looked up.
#[derive(Debug)]
struct Inode {
    /// Below the top folder; out of date once the file has been removed.
    path: PathBuf,
    /// `None` for a folder.
    file: Option<File>,
    /// By number, sectors written since the last fsync, with the durable bytes they had.
    unsynced: BTreeMap<u64, Vec<u8>>,
    /// The same for sectors whose fsync has failed: a later one does not save them.
    doomed: BTreeMap<u64, Vec<u8>>,
    /// Bytes that the file has on the disk. All beyond is unsynced.
    durable_bytes: u64,
}

/// A change of a name that the folder's fsync makes durable.
#[derive(Debug)]
enum Change {
    Created { path: PathBuf },
    Renamed { from: PathBuf, to: PathBuf, replaced: Option<PathBuf> },
    Removed { path: PathBuf, kept: PathBuf },
}

impl Change {
    fn is_in(&self, folder: &Path) -> bool {
        let (Self::Created { path } | Self::Renamed { to: path, .. } | Self::Removed { path, .. }) =
            self;
        path.parent() == Some(folder)
    }

    /// A file that is kept only until this is durable.
    fn kept(&self) -> Option<&Path> {
        match self {
            Self::Created { .. } => None,
            Self::Renamed { replaced, .. } => replaced.as_deref(),
            Self::Removed { kept, .. } => Some(kept),
        }
    }
}

impl Volume {
    /// The files below `folder/live`. What is there is durable.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let (live, removed) = (folder.join("live"), folder.join("removed"));
        fs::create_dir_all(&live)?;
        fs::create_dir_all(&removed)?;
        let (inodes, places) = (BTreeMap::new(), BTreeMap::new());
        let mut volume = Self { live, removed, inodes, places, next: TOP, changes: Vec::new() };
        volume.number(PathBuf::new(), None, 0);
        Ok(volume)
    }

    /// The number of a name in a folder.
    pub(super) fn look_up(&mut self, parent: u64, name: &Path) -> io::Result<u64> {
        let path = self.path(parent)?.join(name);
        if let Some(number) = self.places.get(&path) {
            return Ok(*number);
        }
        let metadata = fs::metadata(self.live.join(&path))?;
        if metadata.is_dir() {
            return Ok(self.number(path, None, 0));
        }
        let file = File::options().read(true).write(true).open(self.live.join(&path))?;
        Ok(self.number(path, Some(file), metadata.len()))
    }

    /// Size, kind and the rest.
    pub(super) fn metadata(&self, number: u64) -> io::Result<Metadata> {
        let inode = self.inode(number)?;
        match &inode.file {
            Some(file) => file.metadata(),
            None => fs::metadata(self.live.join(&inode.path)),
        }
    }

    /// Makes a folder, durably.
    pub(super) fn make_folder(&mut self, parent: u64, name: &Path) -> io::Result<u64> {
        let path = self.path(parent)?.join(name);
        fs::create_dir(self.live.join(&path))?;
        Ok(self.number(path, None, 0))
    }

    /// Makes an empty file.
    pub(super) fn create(&mut self, parent: u64, name: &Path) -> io::Result<u64> {
        let path = self.path(parent)?.join(name);
        let options = File::options().read(true).write(true).create_new(true).to_owned();
        let file = options.open(self.live.join(&path))?;
        self.changes.push(Change::Created { path: path.clone() });
        Ok(self.number(path, Some(file), 0))
    }

    /// Names in a folder, with whether they are folders.
    pub(super) fn list(&self, number: u64) -> io::Result<Vec<(String, bool)>> {
        let entries = fs::read_dir(self.live.join(self.path(number)?))?;
        let one = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            Ok((entry.file_name().to_string_lossy().into_owned(), is_folder))
        };
        entries.map(one).collect()
    }

    /// Reads at `offset`, up to the end of the file.
    pub(super) fn read(&self, number: u64, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        read(self.file(number)?, offset, count)
    }

    /// Writes at `offset`. Not durable.
    pub(super) fn write(&mut self, number: u64, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let inode = self.inodes.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        let end = offset + bytes.len() as u64;
        if end > offset {
            inode.remember(offset / SECTOR, (end - 1) / SECTOR)?;
        }
        let file = inode.file.as_ref().ok_or(io::ErrorKind::IsADirectory)?;
        file.write_all_at(bytes, offset)
    }

    /// Gives a file another length. Not durable.
    pub(super) fn set_length(&mut self, number: u64, length: u64) -> io::Result<()> {
        let inode = self.inodes.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        let end = inode.durable_bytes.max(1).div_ceil(SECTOR);
        inode.remember(length / SECTOR, end - 1)?;
        let file = inode.file.as_ref().ok_or(io::ErrorKind::IsADirectory)?;
        file.set_len(length)
    }

    /// Renames a file, replacing one of the new name. Durable with [`Self::sync_folder`].
    pub(super) fn rename(
        &mut self,
        (parent, name): (u64, &Path),
        (new_parent, new_name): (u64, &Path),
    ) -> io::Result<()> {
        let (from, to) = (self.path(parent)?.join(name), self.path(new_parent)?.join(new_name));
        let replaced =
            if self.live.join(&to).try_exists()? { Some(self.set_aside(&to)?) } else { None };
        fs::rename(self.live.join(&from), self.live.join(&to))?;
        if let Some(number) = self.places.remove(&from) {
            if let Some(inode) = self.inodes.get_mut(&number) {
                inode.path.clone_from(&to);
            }
            self.places.insert(to.clone(), number);
        }
        self.changes.push(Change::Renamed { from, to, replaced });
        Ok(())
    }

    /// Removes a file. Durable with [`Self::sync_folder`].
    pub(super) fn remove(&mut self, parent: u64, name: &Path) -> io::Result<()> {
        let path = self.path(parent)?.join(name);
        // What never was durable leaves its room at once.
        let created =
            |change: &Change| matches!(change, Change::Created { path: made } if *made == path);
        if let Some(made) = self.changes.iter().rposition(created) {
            fs::remove_file(self.live.join(&path))?;
            self.places.remove(&path);
            self.changes.remove(made);
            return Ok(());
        }
        if !self.live.join(&path).try_exists()? {
            return Err(io::ErrorKind::NotFound.into());
        }
        let kept = self.set_aside(&path)?;
        self.changes.push(Change::Removed { path, kept });
        Ok(())
    }

    /// Makes a file's bytes and length durable.
    pub(super) fn sync(&mut self, number: u64) -> io::Result<()> {
        let inode = self.inodes.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        if let Some(file) = &inode.file {
            inode.durable_bytes = file.metadata()?.len();
            inode.unsynced.clear();
        }
        Ok(())
    }

    /// What a kernel does when the disk refuses a write: it forgets that the pages have to be written,
    /// and they can still be read, until they cannot.
    pub(super) fn fail_sync(&mut self, number: u64) -> io::Result<()> {
        let inode = self.inodes.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        if let Some(file) = &inode.file {
            let length = file.metadata()?.len();
            inode.doomed.append(&mut inode.unsynced);
            for sector in inode.durable_bytes.div_ceil(SECTOR)..length.div_ceil(SECTOR) {
                inode.doomed.entry(sector).or_default();
            }
            inode.durable_bytes = inode.durable_bytes.max(length);
        }
        Ok(())
    }

    /// Makes the names in a folder durable.
    pub(super) fn sync_folder(&mut self, number: u64) -> io::Result<()> {
        let folder = self.path(number)?.to_owned();
        let (done, left) = std::mem::take(&mut self.changes)
            .into_iter()
            .partition(|change: &Change| change.is_in(&folder));
        self.changes = left;
        done.iter().filter_map(Change::kept).try_for_each(fs::remove_file)
    }

    /// Cuts the power: of what was not durable any part is lost. No program may have a file open. The
    /// number of sectors and names that were lost.
    pub(super) fn cut_power(&mut self, random: &mut Random) -> io::Result<u64> {
        let mut lost = 0;
        for inode in std::mem::take(&mut self.inodes).into_values() {
            lost += inode.lose(random)?;
        }
        let keep = random.index(self.changes.len() + 1);
        while self.changes.len() > keep {
            lost += 1;
            match self.changes.pop() {
                Some(Change::Created { path }) => fs::remove_file(self.live.join(path))?,
                Some(Change::Renamed { from, to, replaced }) => {
                    fs::rename(self.live.join(&to), self.live.join(from))?;
                    if let Some(replaced) = replaced {
                        fs::rename(replaced, self.live.join(to))?;
                    }
                }
                Some(Change::Removed { path, kept }) => fs::rename(kept, self.live.join(path))?,
                None => break,
            }
        }
        let durable = std::mem::take(&mut self.changes);
        durable.iter().filter_map(Change::kept).try_for_each(fs::remove_file)?;
        self.places.clear();
        let next = std::mem::replace(&mut self.next, TOP);
        self.number(PathBuf::new(), None, 0);
        // Numbers are never used again: a call that comes late must not meet another file.
        self.next = next;
        Ok(lost)
    }

    fn set_aside(&mut self, path: &Path) -> io::Result<PathBuf> {
        let kept = self.removed.join(self.next.to_string());
        self.next += 1;
        fs::rename(self.live.join(path), &kept)?;
        self.places.remove(path);
        Ok(kept)
    }

    fn number(&mut self, path: PathBuf, file: Option<File>, durable_bytes: u64) -> u64 {
        let number = self.next;
        self.next += 1;
        let (unsynced, doomed) = (BTreeMap::new(), BTreeMap::new());
        self.places.insert(path.clone(), number);
        self.inodes.insert(number, Inode { path, file, unsynced, doomed, durable_bytes });
        number
    }

    fn inode(&self, number: u64) -> io::Result<&Inode> {
        self.inodes.get(&number).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn path(&self, number: u64) -> io::Result<&Path> {
        self.inode(number).map(|inode| inode.path.as_path())
    }

    fn file(&self, number: u64) -> io::Result<&File> {
        self.inode(number)?.file.as_ref().ok_or_else(|| io::ErrorKind::IsADirectory.into())
    }
}

impl Inode {
    /// Keeps the durable bytes of these sectors, both included, before they are written.
    fn remember(&mut self, first: u64, last: u64) -> io::Result<()> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::IsADirectory)?;
        let from = first * SECTOR;
        // One read for all of them, if any is needed.
        let mut before: Option<Vec<u8>> = None;
        for sector in first..=last {
            if let Some(lost) = self.doomed.remove(&sector) {
                self.unsynced.entry(sector).or_insert(lost);
                continue;
            }
            let at = sector * SECTOR;
            if at >= self.durable_bytes || self.unsynced.contains_key(&sector) {
                continue;
            }
            let before = match &mut before {
                Some(before) => before,
                none => {
                    let until = ((last + 1) * SECTOR).min(self.durable_bytes);
                    none.insert(read(file, from, place(until - from))?)
                }
            };
            let until = (at + SECTOR).min(self.durable_bytes);
            let bytes = before.get(place(at - from)..place(until - from)).unwrap_or_default();
            self.unsynced.insert(sector, bytes.to_vec());
        }
        Ok(())
    }

    /// Loses any part of what is not durable: all, nothing, or some sectors and half of others.
    fn lose(self, random: &mut Random) -> io::Result<u64> {
        let Some(file) = self.file else { return Ok(0) };
        let mut lost = 0;
        let length = file.metadata()?.len();
        let luck = random.below(3);
        let keeps = |random: &mut Random| luck == 1 || luck == 2 && random.below(2) == 0;
        if length < self.durable_bytes && !keeps(random) {
            file.set_len(self.durable_bytes)?;
        }
        let is_longer = length > self.durable_bytes;
        for (sector, durable) in self.unsynced {
            if keeps(random) {
                continue;
            }
            lost += 1;
            // Torn: the beginning of what was written is there.
            let torn = if luck == 2 { random.index(durable.len() + 1) } else { 0 };
            let rest = durable.get(torn..).unwrap_or_default();
            file.write_all_at(rest, sector * SECTOR + torn as u64)?;
        }
        for (sector, mut durable) in self.doomed {
            lost += 1;
            durable.resize(place(SECTOR), 0);
            file.write_all_at(&durable, sector * SECTOR)?;
        }
        if is_longer {
            let most = length - self.durable_bytes;
            let kept = match luck {
                0 => 0,
                1 => most,
                _ => random.below(most + 1),
            };
            lost += (most - kept).div_ceil(SECTOR);
            file.set_len(self.durable_bytes + kept)?;
        }
        Ok(lost)
    }
}

/// A place in memory; files here are far smaller than that.
fn place(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn read(file: &File, offset: u64, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    let mut done = 0;
    while done < count {
        match file.read_at(bytes.get_mut(done..).unwrap_or_default(), offset + done as u64) {
            Ok(0) => break,
            Ok(more) => done += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
