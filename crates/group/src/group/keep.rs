//! Snapshots of one group at one node: taken, confirmed by others, taken in again, trimmed by.
//!
//! Every replica saves its state after the same records, the *save points*: those with which the work done
//! or the time in the stamps passes a multiple of what the options say. So all have a digest of the
//! same states to compare, and a snapshot counts as confirmed once another member has come to its
//! digest by applying the same records. Only then does it stand in for records that are trimmed.

mod base;
mod digests;
mod install;
mod restore;
mod take;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use model::Model;
use replication::is_commit;
use types::{Hash, ModelVersion, NodeId, Now, Position, Seq};
use wire::{Base, Snapshot};

use super::{Group, Out, Then};
use crate::snapshot::Save;
use install::Install;
use restore::Restore;

/// What a group keeps of snapshots besides what its meta says.
#[derive(Clone, Debug)]
pub(super) struct Keep<M> {
    /// The last save points that were passed here: seq, and chain hash and digest there.
    points: BTreeMap<Seq, (Hash, Hash)>,
    heard: BTreeMap<NodeId, Heard>,
    /// Who is to be told the save points.
    tell: BTreeSet<NodeId>,
    save: Option<Save>,
    /// Whether a piece of the save is on its way to the disk.
    is_writing: bool,
    /// Snapshots that the meta on the disk names.
    durable: BTreeSet<Seq>,
    /// Files on the disk, whole or not.
    files: BTreeSet<Seq>,
    restore: Option<Restore<M>>,
    install: Option<Install<M>>,
    /// Pieces that others asked for and that are being read.
    serving: BTreeMap<NodeId, (Seq, u64)>,
    /// Whether the base may have to move.
    is_base_due: bool,
    /// The base that the chain is to go on from once it is in the meta on the disk.
    rebasing: Option<Base>,
    /// Up to here this node lacks records that whoever was asked keeps no more; 0 for none.
    needs_state: Seq,
    /// At a start: the model version of a snapshot that the code is too old for, if no older one was of use.
    too_new: Option<ModelVersion>,
}

/// What another member says of its state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heard {
    points: BTreeMap<Seq, (Hash, Hash)>,
    kept: Seq,
}

impl<M> Keep<M> {
    /// At a start, with the snapshots that the meta names.
    pub(super) fn new(snapshots: &[Snapshot]) -> Self {
        Self {
            points: BTreeMap::new(),
            heard: BTreeMap::new(),
            tell: BTreeSet::new(),
            save: None,
            is_writing: false,
            durable: snapshots.iter().map(|one| one.tail.seq).collect(),
            files: BTreeSet::new(),
            restore: None,
            install: None,
            serving: BTreeMap::new(),
            is_base_due: true,
            rebasing: None,
            needs_state: Seq(0),
            too_new: None,
        }
    }
}

impl<M: Model> Group<M> {
    /// Whether the state is being taken in from a snapshot, so that nothing can be applied yet.
    pub(super) const fn is_restoring(&self) -> bool {
        self.keep.restore.is_some()
    }

    /// Does what is due about snapshots.
    pub(super) fn proceed_with_snapshots(&mut self, now: Now, out: &mut Vec<Out>) {
        if self.is_pin_new {
            self.write_meta(Then::Nothing, out);
        }
        self.move_base(out);
        self.tell_digests(out);
        self.read_on(out);
        self.install_on(now, out);
    }

    /// From where the log must be read at the next start for this group's sake; `None` if nothing that
    /// is on the disk is needed.
    pub(crate) fn reads_from(&self) -> Option<Position> {
        let records = self.chain.first_placed_above(self.begins_at());
        // What was set aside is found at the start, so that people can be shown it.
        [records, self.meta.pinned].into_iter().flatten().min()
    }

    /// The oldest snapshot that the meta names here and on the disk; 0 for none.
    fn oldest_durable(&self) -> Seq {
        let named = self.meta.snapshots.iter().map(|snapshot| snapshot.tail.seq);
        named.filter(|seq| self.keep.durable.contains(seq)).min().unwrap_or_default()
    }

    /// The record that the chain will go on from at the next start; 0 for the first.
    fn begins_at(&self) -> Seq {
        match self.meta.base {
            Some(base) if self.meta.snapshots.is_empty() => base.tail.seq,
            Some(base) => base.tail.seq.min(self.oldest_durable()),
            None => self.oldest_durable(),
        }
    }

    /// Up to where this group's records may be deleted: there is a snapshot of them on as many disks as
    /// a commit takes, each confirmed by a member that applied the records itself.
    ///
    /// While the group goes on with fewer copies than it is to have, or may do so for all that is known
    /// here, nothing more goes. Where there is a witness, the [base](Self::base) bounds it.
    pub(crate) fn trimmable(&self) -> Seq {
        // What contradicts another member's is for people to look at.
        if !self.has_whole_config() || self.meta.contradiction.is_some() {
            return Seq(0);
        }
        if self.has_witness() || self.meta.base.is_some() {
            let limit = if self.meta.base.is_some() { self.begins_at() } else { Seq(0) };
            let is_known = self.chain.stamp_at(limit).is_some();
            return if is_known { limit } else { limit.min(self.chain.base().seq) };
        }
        let oldest = self.oldest_durable();
        let config = &self.meta.config;
        let kept = || config.members().iter().map(|node| self.kept_by(*node));
        let is_kept = |seq: &Seq| is_commit(config, |node| self.kept_by(node) >= *seq);
        let enough = kept().filter(is_kept).max().unwrap_or_default();
        // What this node knows to be gone here, as after an installation, allows nothing: records of before
        // may still be on its disk, and on no other.
        let limit = enough.min(oldest);
        // What stands there cannot be read: nothing more goes until it can.
        let is_known = self.chain.stamp_at(limit).is_some();
        if is_known { limit } else { limit.min(self.chain.base().seq) }
    }

    /// From where this group's records must stay on the disk; `None` if none of those that are there
    /// is needed.
    pub(crate) fn stays_from(&self) -> Option<Position> {
        let limit = self.trimmable();
        // What lies below the base was there at an earlier start, who knows where.
        let records = if self.chain.base().seq > limit {
            Some(Position(0))
        } else {
            self.chain.first_placed_above(limit)
        };
        [records, self.meta.pinned].into_iter().flatten().min()
    }

    /// Records up to [`Group::trimmable`] are about to be deleted: that is in the meta first.
    pub(crate) fn trim(&mut self, out: &mut Vec<Out>) {
        let limit = self.trimmable();
        if limit > self.meta.trimmed {
            self.meta.trimmed = limit;
            if let (Some(tail), Some(stamp)) =
                (self.chain.tail_at(limit), self.chain.stamp_at(limit))
            {
                self.chain.forget(tail, stamp);
            }
            self.write_meta(Then::Nothing, out);
        }
    }
}

#[cfg(test)]
mod tests;
