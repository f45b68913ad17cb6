//! Taking a snapshot: the moment at which it is of, and its pieces on their way to the disk.

use alloc::vec::Vec;

use model::Model;
use types::{EpochTable, Seq, Stamp};
use wire::{Snapshot, SnapshotHead};

use super::super::{Group, Out, Then};
use crate::snapshot::{Save, digest};
use crate::{Event, FileProgress};

impl<M: Model> Group<M> {
    /// Whether the record just applied is a save point. Groups pass theirs at different times, so that they do
    /// not all save at once; `before` is the stamp and the work before the record.
    pub(in super::super) fn is_save_point(&self, before: (Stamp, u64)) -> bool {
        let place = u64::from(self.id.0) % SPREAD;
        let steps =
            |value: u64, step: u64| value.saturating_add(step / SPREAD * place) / step.max(1);
        let (work, time) = (self.options.snapshot_work, self.options.snapshot_us);
        before.0 > Stamp(0)
            && (steps(before.1, work) != steps(self.work, work)
                || steps(before.0.0, time) != steps(self.stamp.0, time))
    }

    /// The state now is one of those that all members compare and that snapshots are of.
    pub(in super::super) fn reach_save_point(&mut self) {
        let Some(tail) = self.chain.tail_at(self.applied) else { return };
        if self.odd.is_some() {
            // What is come to here is told to nobody, and kept by nobody.
            return;
        }
        let digest = digest(&self.model, &self.channels);
        self.keep.points.insert(tail.seq, (tail.hash, digest));
        while self.keep.points.len() > POINTS_MAX {
            self.keep.points.pop_first();
        }
        self.tell_all();
        // One that has begun to be written is finished; one that has not is overtaken.
        if self.keep.save.as_ref().is_some_and(|save| save.offset > 0) {
            return;
        }
        let starts = self.meta.table.starts().iter().filter(|start| start.seq <= tail.seq);
        let table = EpochTable::from_starts(starts.copied().collect());
        let head = SnapshotHead {
            group: self.id,
            barriers: self.versions.until(tail.seq),
            tail,
            stamp: self.stamp,
            work: self.work,
            trail: self.trail,
            digest,
            table: table.expect("a part of a table in order is in order"),
        };
        self.keep.save = Some(Save::new(head, self.channels.encode().into(), self.model.save()));
    }

    /// Whether a save waits for its turn to be written.
    pub(crate) const fn has_save(&self) -> bool {
        self.keep.save.is_some() && !self.keep.is_writing
    }

    /// Whether a piece of a save is on its way to the disk.
    pub(crate) const fn is_saving(&self) -> bool {
        self.keep.is_writing
    }

    /// Writes the next piece of the save.
    pub(crate) fn save_on(&mut self, out: &mut Vec<Out>) {
        let Some(save) = self.keep.save.as_mut().filter(|_| !self.keep.is_writing) else { return };
        let (seq, offset) = (save.seq(), save.offset);
        let (bytes, is_last) = save.next(&self.answers, &self.model);
        self.keep.is_writing = true;
        self.keep.files.insert(seq);
        out.push(Out::SnapshotWrite { seq, offset, bytes, is_last });
    }

    /// Takes the news of the piece up to `end`.
    pub(super) fn saved(&mut self, seq: Seq, end: u64, done: FileProgress, out: &mut Vec<Out>) {
        self.keep.is_writing = false;
        let Some(save) =
            self.keep.save.as_ref().filter(|save| (save.seq(), save.offset) == (seq, end))
        else {
            // It was given up meanwhile.
            return self.remove_unnamed(out);
        };
        let (head, bytes) = (save.head().clone(), save.offset);
        match done {
            FileProgress::Part => self.save_on(out),
            FileProgress::Whole { sha256 } => {
                self.keep.save = None;
                let snapshot = Snapshot {
                    tail: head.tail,
                    stamp: head.stamp,
                    digest: head.digest,
                    bytes,
                    sha256,
                    own: true,
                };
                self.keep_from_first(out);
                self.meta.snapshots.retain(|one| one.tail.seq < seq);
                self.meta.snapshots.push(snapshot);
                self.drop_surplus();
                self.write_meta(Then::Kept { seq }, out);
            }
            FileProgress::Failed => {
                self.keep.save = None;
                out.push(Out::Note(Event::SnapshotFailed { group: self.id, seq }));
                self.remove_unnamed(out);
            }
        }
    }

    /// Keeps the newest snapshots, and of older ones the newest that another member has confirmed: while
    /// nobody confirms, what this node has made alone does not replace it. Where there is a base, which is
    /// confirmed and on the disk, that is known after a restart too.
    fn drop_surplus(&mut self) {
        while self.meta.snapshots.len() > SNAPSHOTS_KEPT {
            let confirmed = self.kept().max(self.base());
            let mut seqs = self.meta.snapshots.iter().map(|one| one.tail.seq);
            let is_first = seqs.next().is_some_and(|first| first <= confirmed)
                && seqs.next().is_some_and(|second| second > confirmed);
            self.meta.snapshots.remove(usize::from(is_first));
        }
    }

    /// Gives up the save under way: its state is taken back.
    pub(in super::super) fn drop_save(&mut self) {
        self.keep.save = None;
    }

    /// A snapshot is durable, and so is the meta that names it.
    pub(in super::super) fn kept_durably(&mut self, seq: Seq, out: &mut Vec<Out>) {
        self.keep.durable.insert(seq);
        let found = self.meta.snapshots.iter().find(|one| one.tail.seq == seq);
        if let Some(bytes) = found.map(|snapshot| snapshot.bytes) {
            out.push(Out::Note(Event::Snapshot { group: self.id, seq, bytes }));
        }
        self.remove_unnamed(out);
        self.tell_all();
        out.push(Out::Kept);
    }

    /// Removes files that neither the durable meta names nor anybody is writing.
    pub(in super::super) fn remove_unnamed(&mut self, out: &mut Vec<Out>) {
        if self.is_writing_meta() {
            // The meta on the disk may still name them.
            return;
        }
        let saving = self.keep.save.as_ref().map(Save::seq);
        let installing = self.keep.install.as_ref().map(super::Install::seq);
        let snapshots = &self.meta.snapshots;
        self.keep.durable.retain(|seq| snapshots.iter().any(|one| one.tail.seq == *seq));
        let is_needed = |seq: &Seq| {
            saving == Some(*seq)
                || installing == Some(*seq)
                || snapshots.iter().any(|one| one.tail.seq == *seq)
        };
        let files = core::mem::take(&mut self.keep.files);
        for seq in files {
            if is_needed(&seq) {
                self.keep.files.insert(seq);
            } else {
                out.push(Out::SnapshotRemove { seq });
            }
        }
    }
}

/// The time between two save points of a group is cut into this many, and groups begin at different ones.
const SPREAD: u64 = 64;

/// Save points remembered: more than there are snapshots, so that a member that was away for a while still
/// hears of those.
const POINTS_MAX: usize = 4;

/// Snapshots kept: the newest, and the one before it for a disk that has lost the newest, and for a
/// forced switch that takes back what the newest holds.
pub(super) const SNAPSHOTS_KEPT: usize = 2;
