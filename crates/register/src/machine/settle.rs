//! The end of a step: what changed goes to disk, and what rests on it waits for that.

use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use types::{Instant, NodeId, Now, WriteId};

use super::{Held, Register, follow, lane_of};
use crate::frame::{self, Body};
use crate::limits::WHOLE_BYTES_MAX;
use crate::log::Pid;
use crate::record::{Boot, Record, Turn};
use crate::{Effect, Event, Membership};

impl Register {
    /// Writes all that this member has on disk once more, as one record: once it is written, the records
    /// before it are not needed. Returns its number, or `None` if it cannot be done now: this start has
    /// not written anything yet, or it would be more than [`limits::WHOLE_BYTES_MAX`].
    ///
    /// [`limits::WHOLE_BYTES_MAX`]: crate::limits::WHOLE_BYTES_MAX
    pub fn restate(&mut self, now: Now, out: &mut Vec<Effect>) -> Option<WriteId> {
        if !self.booted || self.whole().encode().len() > WHOLE_BYTES_MAX {
            return None;
        }
        self.restates = true;
        let id = WriteId(self.next_write);
        self.settle(now.instant, Vec::new(), out);
        Some(id)
    }

    fn whole(&self) -> Record {
        let (register, incarnation) = (self.fingerprint, self.incarnation);
        let is_first = self.generation == 1 && !self.log.is_outside();
        let (generation, members) = (self.generation, self.members.clone());
        let turn = (!is_first).then_some(Turn { generation, members, kept: 0 });
        Record { boot: Some(Boot { register, incarnation }), turn, ..self.log.whole() }
    }

    pub(super) fn written(&mut self, id: WriteId, out: &mut Vec<Effect>) {
        if let Some(held) = self.held.iter_mut().find(|held| held.id == id) {
            held.written = true;
        }
        self.release(out);
    }

    /// Lets go of what stood on writes that are done, in order.
    pub(super) fn release(&mut self, out: &mut Vec<Effect>) {
        while self.held.front().is_some_and(|held| held.written) {
            let Some(held) = self.held.pop_front() else { return };
            self.frames_held -= held.frames.len();
            out.extend(held.frames.into_iter().map(|(to, bytes)| Effect::Send { to, bytes }));
            out.extend(held.note.map(Effect::Note));
            self.apply(held.decided, out);
        }
    }

    pub(super) fn apply(&mut self, decided: usize, out: &mut Vec<Effect>) {
        if self.turning.is_some() {
            return;
        }
        if !self.log.is_outside() && decided > self.applied {
            // What a member was told followed what it had.
            self.told.clear();
        }
        for entry in self.log.entries(self.applied, decided) {
            self.applied += 1;
            self.digests.push(follow::digest_after(self.digest_at(self.applied - 1), &entry));
            let Some(results) = self.state.apply(&entry.0) else { continue };
            for (group, result) in &results.changes {
                if result.is_ok() {
                    out.push(Effect::Changed(*group));
                }
            }
            if matches!(results.membership, Some(Ok(_))) {
                let step = entry.0.membership().map(|change| &change.step);
                if matches!(step, Some(Membership::Force { .. })) {
                    // Their numbers go on elsewhere.
                    out.extend(self.state.groups().map(|(group, _)| Effect::Changed(group)));
                }
                out.push(Effect::Roster);
            }
            let id = entry.0.id();
            if id.node == self.options.node && self.pending.remove(&id.number).is_some() {
                out.push(Effect::Decided { proposal: id, results });
            }
            if self.is_turned() {
                // What stands behind it in this generation's log is in no generation's history.
                return;
            }
        }
    }

    /// Ends a step: waiting proposals go to a new leader, changes go to disk, and frames wait for them.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        mut direct: Vec<(Pid, Body)>,
        out: &mut Vec<Effect>,
    ) {
        let turn = self.turning.take();
        if let Some(turn) = &turn {
            // They were addressed to members of the generation before, and are sent again to those of
            // this one.
            direct.clear();
            self.go_over(turn, out);
        }
        let standing = (self.log.ballot(), self.log.leader());
        let before = mem::replace(&mut self.standing, standing);
        if standing != before {
            if standing.1 != before.1 {
                out.push(Effect::Note(Event::Leader(self.leader())));
            }
            self.retry(now, |_| true, &mut direct);
        }
        let mut record = self.log.take_record();
        record.turn = turn;
        if !mem::replace(&mut self.booted, true) {
            let (register, incarnation) = (self.fingerprint, self.incarnation);
            record.boot = Some(Boot { register, incarnation });
        }
        if mem::take(&mut self.restates) {
            record = self.whole();
        }
        let bodies = self.log.take_outgoing().into_iter().chain(direct);
        let mut frames = self.frames(now, bodies, out);
        frames.extend(self.spoken());
        if !record.is_empty() {
            let id = WriteId(self.next_write);
            self.next_write += 1;
            out.push(Effect::Write { id, bytes: record.encode().into() });
            self.frames_held += frames.len();
            let decided = self.log.decided();
            let note = None;
            self.held.push_back(Held { id, since: now, written: false, frames, decided, note });
        } else if let Some(last) = self.held.back_mut() {
            // Nothing changed in this step, yet what it says may rest on what an earlier one changed.
            self.frames_held += frames.len();
            last.frames.extend(frames);
        } else {
            out.extend(frames.into_iter().map(|(to, bytes)| Effect::Send { to, bytes }));
        }
    }

    pub(super) fn frames(
        &mut self,
        now: Instant,
        bodies: impl Iterator<Item = (Pid, Body)>,
        out: &mut Vec<Effect>,
    ) -> Vec<(NodeId, Bytes)> {
        let quorate = self.quorate(now);
        let (register, own) = (self.stamp(), self.incarnation);
        let mut frames = Vec::new();
        for (pid, body) in bodies {
            let Some(to) = self.member(pid) else { continue };
            let Some(link) = self.link_mut(pid) else { continue };
            let lane = lane_of(&body, 0);
            let (header, beat) = link.depart(register, own, quorate, lane);
            match frame::encode(header, beat, &body) {
                Some(bytes) => frames.push((to, Bytes::from(bytes))),
                None => out.push(Effect::Note(Event::TooLarge { to })),
            }
        }
        frames
    }
}
