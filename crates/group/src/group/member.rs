//! A member's side: taking records, promising, joining an epoch, adopting a chain.

use alloc::vec::Vec;

use bytes::Bytes;
use journal::Fit;
use model::Model;
use replication::fork;
use types::{Config, ConfigId, Epoch, EpochTable, NodeId, Now, Seq, Tail};
use wire::{GroupMessage, Orphan, OrphanReason, Record, Snapshot};

use super::{Doubt, Group, Out, Role, Then};
use crate::Event;

impl<M: Model> Group<M> {
    /// A record from the home (N1): taken if it is next, acknowledged once durable (N2).
    #[expect(clippy::too_many_arguments, reason = "the fields of one message")]
    pub(super) fn on_append(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        config: ConfigId,
        commit: Seq,
        record: Bytes,
        out: &mut Vec<Out>,
    ) {
        if !self.follows(from, epoch) || config != self.meta.config.id() {
            return;
        }
        let Ok(record) = Record::decode(record) else { return };
        let header = *record.header();
        if header.group != self.id || !self.meta.table.holds(header.epoch, header.seq) {
            return;
        }
        match self.chain.fit(&header, record.hash()) {
            Fit::Next if !self.has_room_for(header.kind) => {}
            Fit::Next if self.is_of_version(from, &header, out) => self.append(&record, out),
            Fit::Next => return,
            Fit::Have => self.ack_due = true,
            Fit::Hole => self.put_back(&record, out),
            Fit::Gap => self.fetch(now, from, header.seq, out),
            Fit::Fork => return self.quarantine(header.seq, from, out),
        }
        self.on_commit(now, from, epoch, commit, out);
    }

    /// A commit watermark from the home.
    pub(super) fn on_commit(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        commit: Seq,
        out: &mut Vec<Out>,
    ) {
        if !self.follows(from, epoch) {
            return self.on_relayed(now, from, epoch, commit, out);
        }
        self.known = self.known.max(commit);
        if commit > self.chain.tail().seq {
            self.fetch(now, from, commit, out);
        }
    }

    /// Whether `from` is the home of `epoch` and this node has recorded that epoch.
    pub(super) fn follows(&self, from: NodeId, epoch: Epoch) -> bool {
        epoch == self.meta.promised && self.is_joined() && self.meta.home == Some(from)
    }

    /// Whether this is the candidate of a planned switch from `epoch` on. It follows the old home until
    /// that has sealed, and what opened the old home's epoch may still be on its way here.
    fn is_candidate_above(&self, epoch: Epoch) -> bool {
        matches!(&self.role, Role::Candidate(own) if own.takeover.epoch > epoch)
    }

    /// A seal (F2): promise, make the promise durable, then say where the chain ends.
    pub(super) fn on_seal(&mut self, from: NodeId, epoch: Epoch, out: &mut Vec<Out>) {
        if epoch > self.meta.promised {
            self.promise(epoch, from, out);
        } else if self.is_joined() || self.is_writing_meta() {
            // Either that epoch is active already, or the answer is on its way to the disk.
        } else {
            self.answer_seal(from, out);
        }
    }

    /// Raises the promise. From here on nothing of a lower epoch is taken or acknowledged.
    pub(super) fn promise(&mut self, epoch: Epoch, to: NodeId, out: &mut Vec<Out>) {
        assert!(epoch > self.meta.promised, "a promise only rises");
        self.demote(out);
        if matches!(self.role, Role::Candidate(_)) && !self.is_candidate_above(epoch) {
            self.role = Role::Member;
        }
        self.meta.promised = epoch;
        self.ack_due = false;
        self.adopting = None;
        self.fetching = None;
        out.push(Out::Note(Event::Promised { group: self.id, epoch }));
        self.write_meta(Then::Promised { to, epoch }, out);
    }

    /// The promise is durable, and with it every record taken before it.
    pub(super) fn promised_durably(&mut self, to: NodeId, epoch: Epoch, out: &mut Vec<Out>) {
        if epoch != self.meta.promised || self.is_joined() {
            return;
        }
        if to == self.options.me {
            self.promise_oneself();
        } else {
            self.answer_seal(to, out);
        }
    }

    fn answer_seal(&self, to: NodeId, out: &mut Vec<Out>) {
        let (tail, table) = (self.durable_tail(), self.meta.table.clone());
        let (commit, faults) = (self.commit(), self.faults());
        let body = GroupMessage::SealAck { tail, table, commit, faults };
        self.say(to, self.meta.promised, body, out);
    }

    /// A candidate asks this sealed member to hold the chain up to `target` (F5).
    pub(super) fn on_adopt(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        table: EpochTable,
        target: Tail,
        out: &mut Vec<Out>,
    ) {
        if epoch != self.meta.promised || self.is_joined() || table.epoch() >= epoch {
            return;
        }
        if self.is_of_another_history(&table) {
            return;
        }
        if self.take_table(&table, from, out) {
            self.write_meta(Then::Nothing, out);
        }
        if self.role == Role::Quarantined {
            return;
        }
        self.adopting = Some((from, target));
        if self.chain.tail().seq < target.seq {
            self.fetch(now, from, target.seq, out);
        }
    }

    /// The register has made `from` the home of `epoch` (F7).
    pub(super) fn on_new_epoch(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        table: EpochTable,
        config: Config,
        out: &mut Vec<Out>,
    ) {
        if table.epoch() != epoch || !config.may_lead(from) {
            return;
        }
        if epoch == self.meta.promised && self.is_joined() {
            if self.meta.home == Some(from) && !self.is_writing_meta() {
                self.answer_new_epoch(from, out);
            }
            return;
        }
        self.join(now, from, from, table, config, out);
    }

    /// Follows `home` from here on, whose epoch is the last of `table`; what that leaves out is set
    /// aside. `from` is asked for what is missing below its start.
    pub(super) fn join(
        &mut self,
        now: Now,
        from: NodeId,
        home: NodeId,
        table: EpochTable,
        config: Config,
        out: &mut Vec<Out>,
    ) {
        let epoch = table.epoch();
        self.demote(out);
        if !self.is_candidate_above(epoch) {
            self.role = Role::Member;
        }
        self.take_table(&table, from, out);
        if self.role == Role::Quarantined {
            return;
        }
        self.meta.promised = epoch;
        self.meta.home = Some(home);
        self.meta.config = config;
        self.believe(Doubt::None);
        self.adopting = None;
        self.fetching = None;
        // What was turned away while there was no home is handed to this one at once.
        self.desk.hurry();
        out.push(Out::Note(Event::Joined { group: self.id, epoch, home }));
        self.write_meta(Then::Joined { epoch }, out);
        let before_start = table.last().map_or(Seq(0), |start| start.seq.prev());
        if self.chain.tail().seq < before_start {
            self.fetch(now, from, before_start, out);
        }
    }

    /// The new epoch is durable here.
    pub(super) fn joined_durably(&mut self, epoch: Epoch, out: &mut Vec<Out>) {
        self.remove_unnamed(out);
        if epoch != self.meta.promised || !self.is_joined() {
            return;
        }
        self.tell_all();
        if let Some(home) = self.meta.home.filter(|home| *home != self.options.me) {
            self.answer_new_epoch(home, out);
        }
    }

    fn answer_new_epoch(&self, home: NodeId, out: &mut Vec<Out>) {
        let tail = self.vouched_tail();
        self.say(home, self.meta.promised, GroupMessage::NewEpochAck { tail }, out);
    }

    /// Whether this node knows epochs that are not in `table` and cannot leave them on a candidate's word: they
    /// were opened before or beside a beginning by force. That is no contradiction of records. The register's
    /// word settles it, with the forced start of the next epoch.
    pub(super) fn is_of_another_history(&self, table: &EpochTable) -> bool {
        let (tail, known) = (self.chain.tail(), &self.meta.table);
        let shared = fork(known, tail, table);
        let forced = table.starts().iter().any(|start| start.forced && start.epoch > known.epoch());
        let is_below = table.cut(shared).seq < self.settled();
        shared != tail && (table.epoch() <= known.epoch() || is_below && !forced)
    }

    /// Puts a newer history in place of the known one and sets aside what it leaves out. `true` if
    /// anything changed; the caller writes the meta.
    pub(super) fn take_table(
        &mut self,
        table: &EpochTable,
        from: NodeId,
        out: &mut Vec<Out>,
    ) -> bool {
        if table.epoch() <= self.meta.table.epoch() {
            return false;
        }
        let keep = table.cut(fork(&self.meta.table, self.chain.tail(), table));
        let known = self.meta.table.epoch();
        let forced = table.starts().iter().any(|start| start.forced && start.epoch > known);
        if keep.seq < self.settled() && !forced {
            self.quarantine(keep.seq, from, out);
            return false;
        }
        let is_left = |one: &Snapshot| one.tail.seq <= keep.seq;
        let has_state = keep.seq >= self.applied || self.meta.snapshots.iter().any(is_left);
        let base = self.chain.base().seq;
        if keep.seq < base || base > Seq(0) && !has_state {
            // A forced switch to below the oldest snapshot. What was there is not in memory: the log is
            // read again, and then the home of the new epoch tells this once more.
            self.rewind(out);
            return false;
        }
        self.note_places_above(keep.seq);
        // Not yet placed: then it will stand behind all that is.
        let pin = self.chain.first_placed_above(keep.seq);
        let pin = pin.or_else(|| self.chain.last_placed(keep.seq)).unwrap_or_default();
        let runs = self.chain.cut(keep.seq);
        self.versions.cut(keep.seq);
        self.chain.end_at(keep.epoch, keep.hash);
        if !runs.is_empty() {
            self.pin(pin);
        }
        if self.chain.tail() != keep {
            self.quarantine(keep.seq, from, out);
            return false;
        }
        for run in runs {
            let by = table
                .starts()
                .iter()
                .find(|start| start.epoch > run.epoch && start.seq <= run.first);
            let by = by.or_else(|| table.last());
            // What belongs to an epoch that is in no history was given up with those who opened it.
            let is_unknown = !table.starts().iter().any(|start| start.epoch == run.epoch);
            let forced = is_unknown || by.is_some_and(|start| start.forced);
            let start = self.meta.table.starts().iter().find(|start| start.epoch == run.epoch);
            let answered = start.is_some_and(|start| start.class.answers_early());
            let reason = match (forced, answered) {
                (true, _) => OrphanReason::Forced,
                (false, true) => OrphanReason::Answered,
                (false, false) => OrphanReason::Superseded,
            };
            let orphan = Orphan {
                epoch: run.epoch,
                first: run.first,
                last: run.last,
                head: run.head,
                by: by.map_or(Epoch(0), |start| start.epoch),
                reason,
            };
            self.meta.orphans.push(orphan);
            out.push(Out::Note(Event::Orphaned { group: self.id, orphan }));
        }
        self.meta.table = table.clone();
        let snapshots = self.meta.snapshots.len();
        self.meta.snapshots.retain(|one| table.holds(one.tail.epoch, one.tail.seq));
        if forced {
            self.forget_heard();
        }
        if self.check_base() || self.meta.snapshots.len() < snapshots {
            // Before the meta that no longer names them.
            out.push(Out::Lower);
        }
        self.check_install();
        self.durable = self.durable.min(keep.seq);
        self.known = self.known.min(keep.seq);
        self.loaded.retain(|seq, _| *seq <= keep.seq);
        if self.applied > keep.seq {
            // Only a forced switch takes back what was applied: the model is built again from a snapshot
            // of before, or from the first record.
            self.odd = None;
            self.rebuild();
        }
        true
    }

    /// Records asked for by `fetch`.
    pub(super) fn on_entries(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        records: &[Bytes],
        tail: Tail,
        out: &mut Vec<Out>,
    ) {
        let before = self.chain.tail().seq;
        let asked = self.fetching.as_ref().is_some_and(|fetching| fetching.from == from);
        if epoch != self.meta.promised || !asked {
            return;
        }
        for bytes in records {
            let Ok(record) = Record::decode(bytes.clone()) else { return };
            let header = *record.header();
            if header.group != self.id || !self.meta.table.holds(header.epoch, header.seq) {
                return;
            }
            match self.chain.fit(&header, record.hash()) {
                Fit::Next if !self.has_room_for(header.kind) => return,
                Fit::Next if self.is_of_version(from, &header, out) => self.append(&record, out),
                Fit::Next => return,
                Fit::Have => {}
                Fit::Hole => self.put_back(&record, out),
                Fit::Gap => return,
                Fit::Fork => return self.quarantine(header.seq, from, out),
            }
        }
        let reached = self.chain.tail().seq;
        // What brought nothing new is asked for again only after a while, and then perhaps elsewhere.
        if let Some(fetching) = self.fetching.as_mut().filter(|_| reached > before) {
            fetching.asked = None;
            let goal = fetching.goal;
            if reached < goal && reached < tail.seq {
                self.fetch(now, from, goal, out);
            }
        }
    }

    pub(super) fn proceed_as_member(&mut self, now: Now, out: &mut Vec<Out>) {
        self.acknowledge(out);
        self.proceed_with_adoption(out);
        self.ask_again(now, out);
    }

    /// Acknowledges what has become durable since the last time.
    pub(super) fn acknowledge(&mut self, out: &mut Vec<Out>) {
        if core::mem::take(&mut self.ack_due)
            && self.is_joined()
            && !self.is_writing_meta()
            && let Some(home) = self.meta.home.filter(|home| *home != self.options.me)
        {
            let tail = self.vouched_tail();
            self.say(home, self.meta.promised, GroupMessage::AppendAck { tail }, out);
        }
    }

    /// Tells the candidate once this member holds the target durably.
    fn proceed_with_adoption(&mut self, out: &mut Vec<Out>) {
        let Some((candidate, target)) = self.adopting else { return };
        if self.is_writing_meta() || self.vouched() < target.seq {
            return;
        }
        if target.seq < self.chain.base().seq {
            // A forced takeover that has not heard of this member in time: whether its chain passes
            // there is not known here. The register's word settles it.
            self.adopting = None;
            return;
        }
        self.adopting = None;
        if self.chain.passes(target) {
            self.say(candidate, self.meta.promised, GroupMessage::Adopted { tail: target }, out);
        } else {
            self.quarantine(target.seq, candidate, out);
        }
    }

    pub(super) fn durable_tail(&self) -> Tail {
        self.chain.tail_at(self.durable).expect("what is durable is in the chain")
    }

    pub(super) fn is_writing_meta(&self) -> bool {
        self.in_flight.iter().any(|write| matches!(write, super::InFlight::Meta(_)))
    }
}
