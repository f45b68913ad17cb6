//! The state from another member: for one that lacks records which nobody keeps any more.
//!
//! Pieces are fetched one at a time and go to this node's disk as they come; where the session breaks,
//! the next piece is asked for again. The whole is read back, checked against its SHA-256 and its
//! digest, recorded in the meta, and only then put in place of chain and state. The chain goes on from
//! the snapshot's record: the next one must link to its hash (S20).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use model::Model;
use types::{Epoch, Instant, NodeId, Now, Seq, Tail};
use wire::{GroupMessage, Snapshot};

use super::super::{Group, Out, Then};
use super::restore::Restore;
use crate::snapshot::{SnapshotError, State};
use crate::versions::Versions;
use crate::{Event, FileProgress};

/// A snapshot of another member on its way here.
#[derive(Clone, Debug)]
pub(super) struct Install<M> {
    from: NodeId,
    snapshot: Snapshot,
    pub(super) stage: Stage<M>,
    /// When a piece last came.
    moved: Instant,
}

#[derive(Clone, Debug)]
pub(super) enum Stage<M> {
    /// Pieces come and are written.
    Pulling {
        /// Bytes that are on the disk or on their way there.
        offset: u64,
        /// When the next was asked for; `None` if it is to be asked for now.
        asked: Option<Instant>,
        is_writing: bool,
    },
    /// The file is read back.
    Reading(Box<Restore<M>>),
    /// The meta that names it is on its way to the disk.
    Recording(Box<State<M>>),
}

impl<M> Install<M> {
    pub(super) const fn seq(&self) -> Seq {
        self.snapshot.tail.seq
    }
}

impl<M: Model> Group<M> {
    /// The member that was asked for records has them only as a snapshot.
    pub(in super::super) fn on_offer(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        snapshot: Snapshot,
        tail: Tail,
    ) {
        let fetches = self.fetching.as_ref().is_some_and(|fetching| fetching.from == from);
        let at = snapshot.tail;
        if epoch != self.meta.promised
            || !(fetches || self.is_asked_for_repair(from))
            || !self.leads_on(at)
            || at.seq > tail.seq
            || snapshot.bytes == 0
            || !self.runs_model()
            || self.pass_over_holes()
        {
            return;
        }
        let snapshot = Snapshot { own: false, ..snapshot };
        if let Some(install) = &mut self.keep.install {
            // The same from another member, or the same again: what is here already is of use.
            if install.snapshot == snapshot {
                install.from = from;
                return;
            }
            if !matches!(install.stage, Stage::Pulling { .. }) {
                return;
            }
        }
        let stage = Stage::Pulling { offset: 0, asked: None, is_writing: false };
        self.keep.install = Some(Install { from, snapshot, stage, moved: now.instant });
    }

    /// Asks for the next piece, and again when it does not come. After a while without any the
    /// installation is given up: whoever is asked for records next offers anew.
    pub(super) fn install_on(&mut self, now: Now, out: &mut Vec<Out>) {
        let (resend_us, epoch) = (self.options.resend_us, self.meta.promised);
        let Some(install) = &mut self.keep.install else { return };
        let (to, seq) = (install.from, install.seq());
        match &mut install.stage {
            Stage::Pulling { is_writing: true, .. } | Stage::Recording(_) => {}
            Stage::Pulling { offset, asked, is_writing: false } => {
                if now.instant.since(install.moved) >= GIVE_UP_RESENDS * resend_us {
                    self.keep.install = None;
                    return self.remove_unnamed(out);
                }
                if asked.is_none_or(|asked| now.instant.since(asked) >= resend_us) {
                    *asked = Some(now.instant);
                    let body = GroupMessage::SnapshotFetch { seq, offset: *offset };
                    out.push(Out::Send { to, epoch, body });
                }
            }
            Stage::Reading(restore) => restore.read_on(out),
        }
    }

    /// When a piece must be asked for again.
    pub(in super::super) fn install_deadline(&self) -> Option<Instant> {
        match &self.keep.install.as_ref()?.stage {
            Stage::Pulling { asked, is_writing: false, .. } => {
                Some(asked.map_or(Instant(0), |asked| asked.after(self.options.resend_us)))
            }
            Stage::Pulling { .. } | Stage::Reading(_) | Stage::Recording(_) => None,
        }
    }

    /// A piece has come: to the disk with it.
    pub(in super::super) fn on_chunk(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        (seq, at): (Seq, u64),
        bytes: Bytes,
        out: &mut Vec<Out>,
    ) {
        if epoch != self.meta.promised || bytes.is_empty() {
            return;
        }
        let Some(install) = self.keep.install.as_mut().filter(|one| one.seq() == seq) else {
            return;
        };
        let total = install.snapshot.bytes;
        let Stage::Pulling { offset, is_writing, .. } = &mut install.stage else { return };
        let end = at.saturating_add(bytes.len() as u64);
        if from != install.from || *is_writing || at != *offset || end > total {
            return;
        }
        (*offset, *is_writing, install.moved) = (end, true, now.instant);
        self.keep.files.insert(seq);
        out.push(Out::SnapshotWrite { seq, offset: at, bytes, is_last: end == total });
    }

    /// A piece is on the disk.
    pub(super) fn install_written(&mut self, end: u64, done: FileProgress, out: &mut Vec<Out>) {
        let Some(install) = &mut self.keep.install else { return };
        let seq = install.seq();
        let Stage::Pulling { offset, asked, is_writing } = &mut install.stage else { return };
        if !*is_writing || *offset != end {
            return;
        }
        *is_writing = false;
        match done {
            FileProgress::Part => *asked = None,
            FileProgress::Whole { sha256 } if sha256 == install.snapshot.sha256 => {
                let restore = Restore::new(install.snapshot, self.fresh.clone());
                install.stage = Stage::Reading(Box::new(restore));
            }
            FileProgress::Whole { .. } => self.install_failed(seq, SnapshotError::Bytes, out),
            FileProgress::Failed => self.install_failed(seq, SnapshotError::Unreadable, out),
        }
    }

    /// A piece was read back.
    pub(super) fn install_read(
        &mut self,
        seq: Seq,
        offset: u64,
        bytes: Option<&Bytes>,
        out: &mut Vec<Out>,
    ) {
        let install = self
            .keep
            .install
            .take_if(|install| install.seq() == seq && matches!(install.stage, Stage::Reading(_)));
        let Some(Install { from, snapshot, stage: Stage::Reading(mut restore), moved }) = install
        else {
            return;
        };
        let bytes = bytes.filter(|bytes| !bytes.is_empty()).ok_or(SnapshotError::Unreadable);
        let done = match bytes.and_then(|bytes| restore.take(offset, bytes)) {
            Ok(false) => {
                let stage = Stage::Reading(restore);
                self.keep.install = Some(Install { from, snapshot, stage, moved });
                return;
            }
            Ok(true) => restore.finish(self.id),
            Err(why) => Err(why),
        };
        let at = snapshot.tail;
        let fits = self.leads_on(at);
        match done {
            Ok(state) if fits => {
                self.drop_save();
                self.meta.snapshots = vec![snapshot];
                self.meta.base = None;
                // What lies between this node's last record and the snapshot, or in a hole, is not here.
                self.meta.trimmed = self.meta.trimmed.max(at.seq);
                let stage = Stage::Recording(Box::new(state));
                self.keep.install = Some(Install { from, snapshot, stage, moved });
                self.write_meta(Then::Installed { at }, out);
            }
            // Records came from elsewhere meanwhile, or another history.
            Ok(_) => self.remove_unnamed(out),
            Err(why) => self.install_failed(seq, why, out),
        }
    }

    /// Whether a snapshot of the record `at` has what this node lacks: what follows its last record, or
    /// what it cannot read.
    pub(super) fn leads_on(&self, at: Tail) -> bool {
        let holds = self.meta.table.holds(at.epoch, at.seq);
        let is_ahead = at.seq > self.chain.tail().seq;
        let fills = self.chain.holes().next().is_some_and(|hole| hole.first <= at.seq);
        let fits = || self.chain.tail_at(at.seq).is_none_or(|known| known == at);
        holds && (is_ahead || fills && fits())
    }

    /// What this node cannot read and the one that was asked no longer keeps may stand in a snapshot of
    /// this node's own: the chain goes on from that. `false` if there is none.
    pub(super) fn pass_over_holes(&mut self) -> bool {
        let Some(hole) = self.chain.holes().next() else { return false };
        let is_durable = |one: &Snapshot| self.keep.durable.contains(&one.tail.seq);
        let stands_in = |one: &&Snapshot| {
            hole.last <= one.tail.seq && one.tail.seq <= self.applied && is_durable(one)
        };
        // The oldest: a witness may lack what follows it.
        let found = self.meta.snapshots.iter().find(stands_in).copied();
        let Some(Snapshot { tail, stamp, .. }) = found else { return false };
        self.chain.forget(tail, stamp);
        self.meta.snapshots.retain(|one| one.tail.seq >= tail.seq);
        self.meta.base.take_if(|base| base.tail.seq < tail.seq);
        self.is_pin_new = true;
        true
    }

    /// Gives up an installation that a newer history leaves out.
    pub(in super::super) fn check_install(&mut self) {
        let table = &self.meta.table;
        let _left_out = self.keep.install.take_if(|install| {
            let at = install.snapshot.tail;
            !table.holds(at.epoch, at.seq)
        });
    }

    fn install_failed(&mut self, seq: Seq, why: SnapshotError, out: &mut Vec<Out>) {
        self.keep.install = None;
        out.push(Out::Note(Event::SnapshotLost { group: self.id, seq, why }));
        self.remove_unnamed(out);
    }

    /// The snapshot is on this node's disk and its meta says so: chain and state go on from it.
    pub(in super::super) fn installed(&mut self, at: Tail, out: &mut Vec<Out>) {
        let Some(Install { stage: Stage::Recording(state), snapshot, .. }) =
            self.keep.install.take_if(|install| install.snapshot.tail == at)
        else {
            return;
        };
        self.keep.durable.insert(at.seq);
        self.keep.needs_state = Seq(0);
        if at.seq > self.chain.tail().seq {
            assert!(at.seq > self.applied, "an installation only goes forward");
            self.go_on_from(at, snapshot.stamp);
            self.versions = Versions::known(state.head.barriers.clone());
        } else {
            // Records came from elsewhere meanwhile; what lacks among them is in the snapshot. Some may
            // still be on their way to the disk.
            self.chain.forget(at, snapshot.stamp);
            self.durable = self.durable.max(at.seq);
            self.versions.learn_until(at.seq, &state.head.barriers);
        }
        if at.seq > self.applied {
            self.drop_save();
            self.keep.restore = None;
            self.keep.points.clear();
            self.odd = None;
            self.marks.restart();
            self.take_state(*state);
        }
        self.ack_due = true;
        if let Some(fetching) = self.fetching.as_mut() {
            fetching.asked = None;
        }
        // Commands that were waited for here may have been carried out by what is in the snapshot.
        let (answers, seen) = (&self.answers, self.seen());
        let told = self.desk.end_answered(|id, digest| answers.get(id, digest, seen));
        out.extend(told.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
        out.push(Out::Note(Event::Installed { group: self.id, seq: at.seq }));
        self.remove_unnamed(out);
        out.push(Out::Kept);
    }
}

/// An installation that gets nothing for so many resend times is given up.
const GIVE_UP_RESENDS: u64 = 8;

#[cfg(test)]
mod tests;
