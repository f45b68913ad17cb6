//! The snapshots on a node's disk: drafts that grow, and whole files under their names.
//!
//! A loss of power takes the drafts; one that was complete and not yet reported may have got its name.
//! A file may rot while the power is off, but never the last good one of a group whose log was
//! trimmed: that is more than the protocol promises to bear.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use group::FileProgress;
use sha2::{Digest, Sha256};
use types::{GroupId, Hash, Seq};

use crate::Rng;

/// Which snapshot.
pub type Name = (GroupId, Seq);

/// Files of one disk.
#[derive(Clone, Debug, Default)]
pub struct Files {
    whole: BTreeMap<Name, Bytes>,
    drafts: BTreeMap<Name, (Vec<u8>, bool)>,
    rotten: BTreeSet<Name>,
    /// Nothing more is taken: there is no room.
    pub is_full: bool,
}

impl Files {
    /// Takes a piece. It is durable, with its file, once [`Files::end`] was called after the last.
    pub fn write(&mut self, name: Name, offset: u64, bytes: &[u8], is_last: bool) {
        let (draft, complete) = self.drafts.entry(name).or_default();
        if offset == 0 {
            draft.clear();
        }
        assert_eq!(draft.len() as u64, offset, "pieces follow each other");
        draft.extend(bytes);
        *complete = is_last;
    }

    /// A write is done.
    pub fn end(&mut self, name: Name) -> FileProgress {
        if self.is_full {
            self.drafts.remove(&name);
        }
        match self.drafts.get(&name) {
            None => FileProgress::Failed,
            Some((_, false)) => FileProgress::Part,
            Some((bytes, true)) => {
                let sha256 = Hash(Sha256::digest(bytes).into());
                self.publish(name);
                FileProgress::Whole { sha256 }
            }
        }
    }

    fn publish(&mut self, name: Name) {
        if let Some((bytes, _)) = self.drafts.remove(&name) {
            self.whole.insert(name, bytes.into());
            self.rotten.remove(&name);
        }
    }

    /// Removes a file and its draft.
    pub fn remove(&mut self, name: Name) {
        self.whole.remove(&name);
        self.drafts.remove(&name);
    }

    /// Bytes of a whole file.
    #[must_use]
    pub fn read(&self, name: Name, offset: u64, bytes_max: usize) -> Option<Bytes> {
        let file = self.whole.get(&name)?;
        let from = usize::try_from(offset).ok()?.min(file.len());
        Some(file.slice(from..file.len().min(from + bytes_max)))
    }

    /// A whole file.
    #[must_use]
    pub fn get(&self, name: Name) -> Option<&Bytes> {
        self.whole.get(&name)
    }

    /// The names of whole files.
    pub fn names(&self) -> impl Iterator<Item = Name> {
        self.whole.keys().copied()
    }

    /// The power goes. `rots` says how often in a million a file is damaged that can be spared; `trimmed`
    /// has the snapshots that there are of groups which cannot be built again from records alone.
    pub fn crash(&mut self, rng: &mut Rng, rots: u64, trimmed: &BTreeMap<GroupId, Vec<Seq>>) {
        let drafts: Vec<Name> =
            self.drafts.iter().filter(|(_, (_, complete))| *complete).map(|(n, _)| *n).collect();
        for name in drafts {
            if rng.chance(500_000) {
                self.publish(name);
            }
        }
        self.drafts.clear();
        let names: Vec<Name> = self.names().collect();
        for name in &names {
            let can_be_spared = trimmed.get(&name.0).is_none_or(|named| {
                let mut others = named.iter().map(|seq| (name.0, *seq)).filter(|one| one != name);
                others.any(|one| self.whole.contains_key(&one) && !self.rotten.contains(&one))
            });
            if can_be_spared && rng.chance(rots) {
                self.rot(*name, rng);
            }
        }
    }

    /// All files are damaged.
    pub fn rot_all(&mut self, rng: &mut Rng) {
        for name in self.names().collect::<Vec<_>>() {
            self.rot(name, rng);
        }
    }

    fn rot(&mut self, name: Name, rng: &mut Rng) {
        let mut bytes = self.whole.get(&name).map(|bytes| bytes.to_vec()).unwrap_or_default();
        let at = rng.index(bytes.len().max(1));
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1;
        }
        self.whole.insert(name, bytes.into());
        self.rotten.insert(name);
    }
}
