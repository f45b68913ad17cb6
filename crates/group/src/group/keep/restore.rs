//! The state out of a snapshot on this node's own disk: at a start, and after a forced switch has taken
//! back what was applied.

use alloc::vec::Vec;

use bytes::Bytes;
use channel::Channels;
use journal::Chain;
use model::Model;
use types::{GroupId, Hash, ModelVersion, NodeId, Seq, Stamp, Tail};
use wire::{GroupMessage, Snapshot, limits};

use super::super::{Group, Out, Role, Then};
use super::install::Stage;
use crate::answers::Answers;
use crate::snapshot::{Loading, SnapshotError, State};
use crate::versions::Versions;
use crate::{Event, FileProgress};

/// A snapshot being read back.
#[derive(Clone, Debug)]
pub(super) struct Restore<M> {
    pub(super) snapshot: Snapshot,
    loading: Loading<M>,
    is_reading: bool,
}

impl<M: Model> Restore<M> {
    pub(super) fn new(snapshot: Snapshot, fresh: M) -> Self {
        Self { snapshot, loading: Loading::new(fresh), is_reading: false }
    }

    /// Asks for the next piece, unless it is on its way.
    pub(super) fn read_on(&mut self, out: &mut Vec<Out>) {
        if !self.is_reading {
            self.is_reading = true;
            let (seq, offset) = (self.snapshot.tail.seq, self.loading.bytes());
            out.push(Out::SnapshotRead { seq, offset, bytes_max: limits::SNAPSHOT_PART_BYTES });
        }
    }

    /// Takes a piece; `true` when it was the last.
    pub(super) fn take(&mut self, offset: u64, bytes: &[u8]) -> Result<bool, SnapshotError> {
        if !self.is_reading || offset != self.loading.bytes() {
            return Ok(false);
        }
        self.is_reading = false;
        self.loading.feed(bytes)?;
        Ok(self.loading.bytes() >= self.snapshot.bytes)
    }

    pub(super) fn finish(self, group: GroupId) -> Result<State<M>, SnapshotError> {
        self.loading.finish(group, &self.snapshot)
    }
}

impl<M: Model> Group<M> {
    /// The snapshots that may hold this group's state, the newest first. For a start.
    pub(crate) fn snapshots_found(&self) -> Vec<Snapshot> {
        self.meta.snapshots.iter().rev().copied().collect()
    }

    /// A start found the file of a snapshot.
    pub(crate) fn file_found(&mut self, seq: Seq) {
        self.keep.files.insert(seq);
    }

    /// Takes a whole snapshot in, before any record is replayed.
    pub(crate) fn restore_now(
        &mut self,
        snapshot: &Snapshot,
        chunks: impl Iterator<Item = Option<Bytes>>,
    ) -> Result<(), SnapshotError> {
        let loading = crate::snapshot::load(self.fresh.clone(), chunks)?;
        let state = loading.finish(self.id, snapshot)?;
        self.versions = Versions::known(state.head.barriers.clone());
        self.versions.cut(self.chain.base().seq);
        self.take_state(state);
        Ok(())
    }

    /// Notes at a start that a snapshot is of a version that this code cannot run, or that none is any more.
    pub(crate) fn find_too_new(&mut self, version: Option<ModelVersion>) {
        self.keep.too_new = version.map(|version| self.keep.too_new.unwrap_or(version));
    }

    /// The version of the newest snapshot that this code is too old for, if it is too old for all.
    pub(crate) const fn too_new(&self) -> Option<ModelVersion> {
        self.keep.too_new
    }

    /// Whether the chain begins at a snapshot and no snapshot is left.
    #[must_use]
    pub(crate) fn has_lost_all(&self) -> bool {
        // One without a state never had any.
        self.meta.snapshots.is_empty() && !self.keep.durable.is_empty()
    }

    /// None of the snapshots can be read: the group begins before its first record. `false` if records
    /// of before the snapshots may be gone.
    #[must_use]
    pub(crate) fn begin_anew(&mut self) -> bool {
        self.meta.snapshots.clear();
        self.meta.base = None;
        self.chain = Chain::new(self.options.held_bytes_max);
        self.versions = Versions::default();
        self.durable = Seq(0);
        self.meta.trimmed == Seq(0)
    }

    /// A snapshot turned out to be of no use.
    pub(crate) fn lose_snapshot(&mut self, seq: Seq) {
        self.meta.snapshots.retain(|one| one.tail.seq != seq);
        if self.meta.snapshots.is_empty() {
            // Without a state the records after a base lead nowhere.
            self.meta.base = None;
        }
    }

    /// Whether the log held all that was applied when the newest snapshot was taken.
    pub(crate) fn is_whole(&self) -> bool {
        self.applied <= self.durable
    }

    /// The log is damaged, and may end before the record of the snapshot that was taken in: the chain goes
    /// on from that.
    pub(in super::super) fn go_on_from_applied(&mut self) {
        let Some(newest) = self.meta.snapshots.last().copied() else { return };
        if self.applied > self.durable && newest.tail.seq == self.applied {
            self.chain = Chain::after(newest.tail, newest.stamp, self.options.held_bytes_max);
            self.durable = newest.tail.seq;
            self.meta.snapshots = alloc::vec![newest];
            self.meta.base = None;
        }
    }

    /// The chain goes on from `at`, behind all that is here; what was read or is being served is not of it.
    pub(super) fn go_on_from(&mut self, at: Tail, stamp: Stamp) {
        self.chain = Chain::after(at, stamp, self.options.held_bytes_max);
        self.durable = at.seq;
        self.loaded.clear();
        self.serving.clear();
    }

    /// Puts a saved state in place of the one there is.
    pub(super) fn take_state(&mut self, state: State<M>) {
        let State { head, channels, answers, model } = state;
        (self.model, self.answers, self.channels) = (model, answers, channels);
        (self.applied, self.trail) = (head.tail.seq, head.trail);
        (self.stamp, self.work) = (head.stamp, head.work);
        self.ahead = None;
        self.known = self.known.max(head.tail.seq);
        let own = self.meta.snapshots.iter().find(|one| one.tail == head.tail);
        if own.is_some_and(|snapshot| snapshot.own) {
            self.keep.points.insert(head.tail.seq, (head.tail.hash, head.digest));
        }
    }

    /// Drops everything applied and goes back to the newest snapshot that is left, or to before the first
    /// record. One whose own state is in doubt goes back to the first record where it can, or else to a
    /// snapshot that another member has come to as well: its own may hold what is wrong.
    pub(in super::super) fn rebuild(&mut self) {
        self.model = self.fresh.clone();
        self.answers = Answers::default();
        self.channels = Channels::new(self.id);
        (self.applied, self.trail) = (Seq(0), Hash::ZERO);
        self.marks.restart();
        self.ahead = None;
        (self.stamp, self.work) = (Stamp(0), 0);
        self.drop_save();
        let durable = self.durable;
        self.keep.points.retain(|seq, _| *seq <= durable);
        let newest = if self.odd.is_none() {
            self.meta.snapshots.last().copied()
        } else if self.chain.base().seq == Seq(0) {
            None
        } else {
            let mut snapshots = self.meta.snapshots.iter().rev();
            let confirmed = snapshots.find(|one| self.is_confirmed(one));
            confirmed.or_else(|| self.meta.snapshots.first()).copied()
        };
        self.keep.restore = newest.map(|snapshot| Restore::new(snapshot, self.fresh.clone()));
    }

    /// Whether the state is being taken in from a snapshot that nobody else has come to, although there
    /// are records to come to it from.
    pub(in super::super) fn is_in_doubt(&self) -> bool {
        let restore = self.keep.restore.as_ref();
        self.meta.trimmed == Seq(0)
            && restore.is_some_and(|restore| !self.is_confirmed(&restore.snapshot))
    }

    pub(super) fn read_on(&mut self, out: &mut Vec<Out>) {
        if let Some(restore) = &mut self.keep.restore {
            restore.read_on(out);
        }
    }

    /// A piece of a snapshot was read: for others, for a restore, or for an installation.
    pub(crate) fn snapshot_read(
        &mut self,
        seq: Seq,
        offset: u64,
        bytes: Option<&Bytes>,
        out: &mut Vec<Out>,
    ) {
        self.serve_piece(seq, offset, bytes, out);
        let is_restoring =
            self.keep.restore.as_ref().is_some_and(|restore| restore.snapshot.tail.seq == seq);
        if is_restoring && let Some(mut restore) = self.keep.restore.take() {
            let snapshot = restore.snapshot;
            let bytes = bytes.filter(|bytes| !bytes.is_empty()).ok_or(SnapshotError::Unreadable);
            let done = bytes.and_then(|bytes| restore.take(offset, bytes));
            let done = match done {
                Ok(false) => {
                    self.keep.restore = Some(restore);
                    return;
                }
                Ok(true) => restore.finish(self.id),
                Err(why) => Err(why),
            };
            match done {
                Ok(state) => self.take_state(state),
                Err(why) => self.restore_failed(&snapshot, why, out),
            }
            return;
        }
        self.install_read(seq, offset, bytes, out);
    }

    fn restore_failed(&mut self, snapshot: &Snapshot, why: SnapshotError, out: &mut Vec<Out>) {
        let seq = snapshot.tail.seq;
        out.push(Out::Note(Event::SnapshotLost { group: self.id, seq, why }));
        self.lose_snapshot(seq);
        self.rebuild();
        if self.keep.restore.is_none() && self.chain.base().seq > Seq(0) {
            self.rewind(out);
        } else {
            out.push(Out::Lower);
            self.write_meta(Then::Nothing, out);
        }
    }

    /// The state is needed from below all snapshots: the log must be read from its first record, which
    /// takes a new start. Where records were trimmed there is nothing to read: out of service, with all
    /// that is here left as it is.
    pub(in super::super) fn rewind(&mut self, out: &mut Vec<Out>) {
        if self.meta.trimmed > Seq(0) {
            let me = self.options.me;
            return self.take_out(self.meta.trimmed, me, out);
        }
        self.demote(out);
        self.role = Role::Quarantined;
        self.meta.snapshots.clear();
        self.meta.base = None;
        // Before the meta that no longer names them: a crash between the two must find all of the log read.
        out.push(Out::Lower);
        self.write_meta(Then::Rewound, out);
    }

    /// Another member asks for a piece of a snapshot.
    pub(in super::super) fn on_snapshot_fetch(
        &mut self,
        from: NodeId,
        seq: Seq,
        offset: u64,
        out: &mut Vec<Out>,
    ) {
        let has = self.meta.snapshots.iter().any(|one| one.tail.seq == seq && offset < one.bytes);
        if !has || !self.keep.files.contains(&seq) {
            return self.offer(from, out);
        }
        self.keep.serving.insert(from, (seq, offset));
        let bytes_max = limits::SNAPSHOT_CHUNK_BYTES_MAX;
        out.push(Out::SnapshotRead { seq, offset, bytes_max });
    }

    /// Tells a member that lacks what is no longer here with what it can begin.
    pub(in super::super) fn offer(&self, to: NodeId, out: &mut Vec<Out>) {
        if self.is_stateless(to) || !self.runs_model() {
            return self.offer_base(to, out);
        }
        if let Some(snapshot) = self.meta.snapshots.last().copied() {
            let tail = self.chain.tail();
            let body = GroupMessage::SnapshotOffer { snapshot, tail };
            self.say(to, self.meta.promised, body, out);
        }
    }

    fn serve_piece(&mut self, seq: Seq, offset: u64, bytes: Option<&Bytes>, out: &mut Vec<Out>) {
        let wants = (seq, offset);
        let serving = self.keep.serving.iter().filter(|(_, wanted)| **wanted == wants);
        let nodes: Vec<NodeId> = serving.map(|(node, _)| *node).collect();
        for node in nodes {
            self.keep.serving.remove(&node);
            if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
                let piece = bytes.slice(..bytes.len().min(limits::SNAPSHOT_CHUNK_BYTES_MAX));
                let body = GroupMessage::SnapshotChunk { seq, offset, bytes: piece };
                self.say(node, self.meta.promised, body, out);
            }
        }
    }

    /// Takes the news of a piece of a file that this group had written; see [`Group::saved`].
    pub(crate) fn snapshot_written(
        &mut self,
        seq: Seq,
        end: u64,
        done: FileProgress,
        out: &mut Vec<Out>,
    ) {
        let is_installing = self.keep.install.as_ref().is_some_and(|install| {
            install.seq() == seq && matches!(install.stage, Stage::Pulling { .. })
        });
        if is_installing {
            self.install_written(end, done, out);
        } else {
            self.saved(seq, end, done, out);
        }
    }
}
