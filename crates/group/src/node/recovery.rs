//! From what a disk holds to a running node: the log is replayed through the same code that wrote it.

mod restoration;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bytes::Bytes;
use journal::scan::Damage;
use model::Model;
use register::Register;
use steering::Watch;
use types::{Config, GroupId, ModelVersion, Now, Position, Seq};
use wire::log::Kind;
use wire::{DecodeError, Meta, Reader, Record, limits};

pub use restoration::Restoration;

use super::Node;
use super::clocks::Clocks;
use super::copies::{Copies, Found};
use super::cuts::Cuts;
use super::floor::Floor;
use super::reads::Readers;
use super::slow_disk::Stalls;
use crate::group::Writing;
use crate::{Group, NodeOptions};

/// Why a node cannot start from what its disk holds. Each is damage that checksums did not catch, a
/// file of another version, or a bug: have the folder verified, and do not start on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoverError {
    /// The folder is empty and not marked for a first start: a node that has forgotten what it promised
    /// must not speak under the id that promised it (PROTOCOL I14). Bring the disk back, or replace the
    /// node by one with another id.
    #[error("the folder is empty, and this is not the node's first start")]
    Blank,
    /// A group's blob in the superblock cannot be read.
    #[error("the superblock's entry for {group} cannot be read")]
    Meta {
        /// The group.
        group: GroupId,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// A record in the log cannot be read.
    #[error("the record at byte {} of the log cannot be read", at.0)]
    Record {
        /// Where it stands.
        at: Position,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// A record does not continue its group's chain.
    #[error("the record at byte {} of the log does not continue the chain of {group}", at.0)]
    Chain {
        /// The group.
        group: GroupId,
        /// Where it stands.
        at: Position,
    },
    /// The log is damaged where it holds, or may have held, what this node voted in the register, and
    /// no copy is left. No peer can give that back.
    #[error("the damage at byte {} of the log may have taken what this node voted in the register", at.0)]
    RegisterLost {
        /// Where it is damaged.
        at: Position,
    },
    /// The register cannot start.
    #[error("the register cannot start")]
    Register(#[source] register::RecoverError),
    /// No snapshot of a group can be read, and records of before them were trimmed.
    #[error("no snapshot of {group} can be read, and the records before them were trimmed")]
    Snapshots {
        /// The group.
        group: GroupId,
    },
    /// The code cannot run the model version of a snapshot. The folder is fine: start it with newer code.
    #[error("the snapshot of {group} is of model version {version}, which this code cannot run")]
    Version {
        /// The group.
        group: GroupId,
        /// The version.
        version: ModelVersion,
    },
    /// The log, read from the recorded place on and whole from there, lacks a record.
    #[error("the log lacks record {seq} of {group}, and is not damaged")]
    Gap {
        /// The group.
        group: GroupId,
        /// The first record that it lacks.
        seq: Seq,
    },
    /// The log ends before the record that a snapshot was taken after.
    #[error("the log ends before the record after which the snapshot of {group} was taken")]
    Short {
        /// The group.
        group: GroupId,
    },
}

/// What a node's folder was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// A node has run on it.
    Used,
    /// It is empty, and whoever made it has marked it for its node's first start.
    New,
    /// It is empty. It may have been another disk's place, or be the mount point of one.
    Empty,
}

/// A node being rebuilt. Give its groups the snapshots that [they want](Recovery::restorations), feed it
/// the log in order from where [`Recovery::reads_all`] and the floor say, then
/// [`finish`](Recovery::finish).
#[derive(Debug)]
pub struct Recovery<M> {
    options: NodeOptions,
    groups: BTreeMap<GroupId, Group<M>>,
    register: Found,
    reads_all: bool,
    /// From where the log is read, and below what nothing of it is left.
    floor: (Position, Position),
    versions: RangeInclusive<ModelVersion>,
}

impl<M: Model> Recovery<M> {
    /// Whether a node may be started from what its folder was found to be, before anything of it is read.
    ///
    /// # Errors
    /// [`RecoverError::Blank`].
    pub const fn may_start(folder: Folder) -> Result<(), RecoverError> {
        match folder {
            Folder::Used | Folder::New => Ok(()),
            Folder::Empty => Err(RecoverError::Blank),
        }
    }

    /// Begins with the groups' first configurations, a fresh model for each, and the blobs that the
    /// superblock holds for them.
    ///
    /// # Errors
    /// [`RecoverError::Meta`].
    pub fn new(
        options: NodeOptions,
        first: &[(GroupId, Config)],
        fresh: &M,
        blobs: &BTreeMap<GroupId, Bytes>,
    ) -> Result<Self, RecoverError> {
        let mut groups = BTreeMap::new();
        for (id, config) in first {
            let meta = blobs.get(id).map(|blob| Meta::decode(blob)).transpose();
            let meta = meta.map_err(|source| RecoverError::Meta { group: *id, source })?;
            let group = Group::new(options.group, *id, meta, config.clone(), fresh.clone());
            groups.insert(*id, group);
        }
        let (register, versions) = (Found::default(), fresh.versions());
        let floor = (Position(0), Position(0));
        Ok(Self { options, groups, reads_all: false, floor, register, versions })
    }

    /// The files of snapshots that the disk has: those that nothing names are removed.
    pub fn files(&mut self, files: impl IntoIterator<Item = (GroupId, Seq)>) {
        for (id, seq) in files {
            if let Some(group) = self.groups.get_mut(&id) {
                group.file_found(seq);
            }
        }
    }

    /// The groups that have snapshots to be taken in.
    pub fn restorations(&mut self) -> impl Iterator<Item = Restoration<'_, M>> {
        self.groups.values_mut().filter_map(Restoration::new)
    }

    /// Whether the log must be read from its first record: a group has lost all its snapshots. Otherwise
    /// from the recorded floor.
    ///
    /// # Errors
    /// [`RecoverError::Snapshots`] and [`RecoverError::Version`].
    pub fn reads_all(&mut self) -> Result<bool, RecoverError> {
        let mut too_new =
            self.groups.iter().filter_map(|(id, group)| Some((*id, group.too_new()?)));
        if let Some((group, version)) = too_new.next() {
            return Err(RecoverError::Version { group, version });
        }
        for (id, group) in &mut self.groups {
            if group.has_lost_all() {
                if !group.begin_anew() {
                    return Err(RecoverError::Snapshots { group: *id });
                }
                self.reads_all = true;
            }
        }
        Ok(self.reads_all)
    }

    /// The place from which the log that follows is read, and below which place nothing of it is left. From
    /// the first on, nothing is missing before it.
    pub fn reads_from(&mut self, start: Position, kept: Position) {
        self.floor = (start, kept);
        if start == Position(0) {
            self.register.begin();
        } else {
            self.groups.values_mut().for_each(Group::begins_later);
        }
    }

    /// Takes the next record of the log.
    ///
    /// # Errors
    /// [`RecoverError::Record`] and [`RecoverError::Chain`].
    pub fn record(&mut self, at: Position, kind: Kind, bytes: Bytes) -> Result<(), RecoverError> {
        match kind {
            Kind::Group => self.group_record(at, bytes, Writing::First),
            Kind::Repair => self.group_record(at, bytes, Writing::Again),
            Kind::Register => {
                self.register.record(bytes);
                Ok(())
            }
            Kind::Pulse => self.pulse(&bytes).map_err(|source| RecoverError::Record { at, source }),
            Kind::Roll => Ok(()),
        }
    }

    /// Takes note, in the order of the log, that some of it cannot be read.
    pub fn damage(&mut self, damage: &Damage) {
        for group in self.groups.values_mut() {
            group.damaged(damage.groups);
        }
        if damage.register {
            self.register.damaged(damage.from);
        }
    }

    /// Says, when the whole log has been taken, what the damage of it means for the groups: blobs that
    /// must be durable in the superblock before the log is changed or anything is written to it.
    pub fn examine(&mut self) -> Vec<(GroupId, Bytes)> {
        let groups = self.groups.iter_mut();
        groups.filter_map(|(id, group)| Some((*id, group.examine()?.into()))).collect()
    }

    fn group_record(
        &mut self,
        at: Position,
        bytes: Bytes,
        writing: Writing,
    ) -> Result<(), RecoverError> {
        let record = Record::decode(bytes).map_err(|source| RecoverError::Record { at, source })?;
        let id = record.header().group;
        let Some(group) = self.groups.get_mut(&id) else {
            return Err(RecoverError::Chain { group: id, at });
        };
        if group.replay(at, &record, writing) {
            Ok(())
        } else {
            Err(RecoverError::Chain { group: id, at })
        }
    }

    fn pulse(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let mut reader = Reader::new(bytes);
        for _ in 0..reader.count("groups in a pulse", limits::GROUPS_MAX)? {
            let (id, commit) = (GroupId(reader.u16()?), Seq(reader.u64()?));
            if let Some(group) = self.groups.get_mut(&id) {
                group.replay_commit(commit);
            }
        }
        if !reader.rest().is_empty() {
            self.register.pulse(&mut reader)?;
        }
        reader.end()
    }

    /// The node, ready for its first input. The log has been [examined](Self::examine) before.
    ///
    /// # Errors
    /// [`RecoverError::RegisterLost`] and [`RecoverError::Register`].
    pub fn finish(self, register: register::Options, now: Now) -> Result<Node<M>, RecoverError> {
        let found = self.register.finish();
        let kept = found.map_err(|at| RecoverError::RegisterLost { at })?;
        let copies = Copies::after(&kept);
        let records = kept.records.iter().map(|(record, _)| record.as_ref());
        let register =
            Register::recover(register, now.instant, records).map_err(RecoverError::Register)?;
        let mut groups = self.groups;
        for (id, group) in &mut groups {
            if !group.is_whole() {
                return Err(RecoverError::Short { group: *id });
            }
            if let Some(seq) = group.unexplained_gap() {
                return Err(RecoverError::Gap { group: *id, seq });
            }
            if let Some(state) = register.group(*id) {
                group.recovered(state);
            }
            group.note_uncommitted(now);
        }
        let me = self.options.group.me;
        let others = self.options.nodes.iter().copied().filter(|node| *node != me);
        let watch = Watch::new(others, now.instant);
        let seen =
            register.groups().map(|(id, state)| (id, (state.version, now.instant))).collect();
        let logged = groups.iter().map(|(id, group)| (*id, group.commit())).collect();
        let mut node = Node {
            options: self.options,
            touched: groups.keys().copied().collect::<BTreeSet<_>>(),
            groups,
            register,
            life: None,
            proposals: 0,
            copies,
            watch,
            writes: VecDeque::new(),
            writes_issued: 0,
            stalls: Stalls::default(),
            reads: BTreeMap::new(),
            reads_issued: 0,
            readers: Readers::default(),
            cuts: Cuts::default(),
            connected: BTreeSet::new(),
            frames: BTreeMap::new(),
            changes: Vec::new(),
            orders: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            outs: Vec::new(),
            posted: Vec::new(),
            pulses: 0,
            is_pulsing: false,
            next_pulse: now.instant,
            logged,
            floor: Floor::new(self.reads_all, self.floor.0, self.floor.1),
            saves: BTreeSet::new(),
            saver: None,
            next_look: now.instant,
            seen,
            asked: BTreeMap::new(),
            asked_votes: None,
            retired: None,
            stalled: BTreeMap::new(),
            clocks: Clocks::new(now),
            versions: self.versions,
            said: BTreeMap::new(),
            stepped: now.instant,
            stopped: false,
        };
        node.know_nodes(now);
        Ok(node)
    }
}
