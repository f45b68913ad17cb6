//! The home's side: appending what waits, shipping it, counting copies, handing over.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use model::Model;
use register::GroupState;
use replication::{Mutant, Progress, committed};
use types::{Epoch, Hash, Instant, ModelVersion, NodeId, Now, Seq, Stamp, Tail};
use wire::{Command, GroupMessage, Header, Record, RecordKind, limits};

use super::{Doubt, Group, Out, Role, Then};
use crate::{Event, GroupOptions};

/// What a home keeps besides its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// Seq of this epoch's first record.
    pub(super) start: Seq,
    peers: BTreeMap<NodeId, Progress>,
    handoff: Option<Handoff>,
    /// When a record was last appended.
    appended: Instant,
    /// When the commit watermark last moved, or had nothing to wait for.
    moved: Instant,
    is_serving: bool,
}

/// A planned switch under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Handoff {
    candidate: NodeId,
    epoch: Epoch,
}

impl Home {
    /// What was sent to `node` is taken to be lost.
    pub(super) fn rewind(&mut self, node: NodeId, now: Instant) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.rewind(now);
            // An epoch not yet recorded there is announced again at once.
            if !peer.joined {
                peer.moved = Instant(0);
            }
        }
    }

    /// Ships to `node` from here on, too.
    pub(super) fn begin_with(&mut self, node: NodeId, now: Instant) {
        let start = self.start;
        self.peers.entry(node).or_insert_with(|| Progress::new(start, now));
    }

    /// Forgets what `node` has acknowledged.
    pub(super) fn disregard(&mut self, node: NodeId) {
        if let Some(peer) = self.peers.get_mut(&node) {
            peer.disregard();
        }
    }

    /// Members and how far they have come.
    pub(super) fn peers(&self) -> impl Iterator<Item = (NodeId, &Progress)> {
        self.peers.iter().map(|(node, progress)| (*node, progress))
    }

    /// Whether `node` has recorded the epoch and lacks nothing up to `seq`.
    pub(super) fn has_caught_up(&self, node: NodeId, seq: Seq) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.joined && peer.acked >= seq)
    }

    /// When a record was last appended.
    pub(super) const fn appended(&self) -> Instant {
        self.appended
    }

    /// Whether `node` has acknowledged the record at `seq` under this epoch.
    pub(super) fn has_acked(&self, node: NodeId, seq: Seq) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.acked >= seq)
    }

    pub(super) const fn moved(&self) -> Instant {
        self.moved
    }

    /// When something is to be sent again or, at an idle home, a beat is due. A home that waits for
    /// a commit owes no beat: its deadline would pass again and again.
    pub(super) fn next_deadline(
        &self,
        options: &GroupOptions,
        connected: &BTreeSet<NodeId>,
        is_idle: bool,
    ) -> Option<Instant> {
        let reachable = self.peers.iter().filter(|(node, _)| connected.contains(node));
        let resend = reachable
            .filter(|(_, peer)| !peer.joined || peer.sent > peer.acked)
            .map(|(_, peer)| peer.moved.after(options.resend_us))
            .min();
        let owes_beat = is_idle && self.handoff.is_none();
        let beat = owes_beat.then(|| self.appended.after(options.beat_us));
        [resend, beat].into_iter().flatten().min()
    }
}

impl<M: Model> Group<M> {
    /// The register has made this node the home: record the epoch, tell the others, append its
    /// first record (F7, F8).
    pub(super) fn become_home(&mut self, now: Now, state: &GroupState, out: &mut Vec<Out>) {
        let start = *state.history.last().expect("an active epoch has a start");
        let me = self.options.me;
        self.take_table(&state.history, me, out);
        let tail = self.chain.tail();
        if tail.seq != start.seq.prev() || tail.hash != start.hash {
            return self.quarantine(start.seq, me, out);
        }
        let was_degraded = self.meta.config.is_less_than(&state.config);
        let terms = state.config.terms();
        let is_retuned = terms != self.meta.config.terms();
        self.meta.promised = state.epoch;
        self.meta.home = Some(me);
        self.meta.config = state.config.clone();
        self.believe(Doubt::None);
        self.fetching = None;
        self.write_meta(Then::Joined { epoch: state.epoch }, out);
        // Those that a degraded configuration has left out are caught up for the way back, and those
        // that are to come for their coming.
        let members = state.config.members().iter();
        let to_come = state.whole.iter().chain(&self.target).flat_map(|config| config.members());
        let others = members.chain(to_come).filter(|node| **node != me);
        let peers = others.map(|node| (*node, Progress::new(start.seq, now.instant))).collect();
        self.role = Role::Home(Home {
            start: start.seq,
            peers,
            handoff: None,
            appended: now.instant,
            moved: now.instant,
            is_serving: false,
        });
        out.push(Out::Note(Event::Opened { group: self.id, epoch: state.epoch, start: start.seq }));
        self.drop_post();
        self.note_degraded(state, was_degraded, out);
        if is_retuned {
            out.push(Out::Note(Event::Retuned { group: self.id, epoch: state.epoch, terms }));
        }
        self.desk.recall(|_| true);
        self.desk.hurry();
        self.announce(now, out, |_| true);
        self.append_own(now, RecordKind::EpochStart, &[], out);
    }

    fn note_degraded(&self, state: &GroupState, was_degraded: bool, out: &mut Vec<Out>) {
        let (group, epoch) = (self.id, state.epoch);
        let (members, copies) = (state.config.members().len(), state.config.copies());
        if state.whole.is_some() {
            out.push(Out::Note(Event::Degraded { group, epoch, members, copies }));
        } else if was_degraded {
            out.push(Out::Note(Event::Restored { group, epoch }));
        }
    }

    /// Tells those members of the new epoch that `which` picks. One without a session is told when it
    /// gets one.
    fn announce(&mut self, now: Now, out: &mut Vec<Out>, which: impl Fn(&Progress) -> bool) {
        let (epoch, table, config) =
            (self.meta.promised, self.meta.table.clone(), self.meta.config.clone());
        let Role::Home(home) = &mut self.role else { return };
        let connected = &self.connected;
        let reachable = home.peers.iter_mut().filter(|(node, _)| connected.contains(node));
        for (node, peer) in reachable.filter(|(_, peer)| which(peer)) {
            peer.moved = now.instant;
            let (table, config) = (table.clone(), config.clone());
            out.push(Out::Send {
                to: *node,
                epoch,
                body: GroupMessage::NewEpoch { table, config },
            });
        }
    }

    pub(super) fn on_new_epoch_ack(&mut self, now: Now, from: NodeId, epoch: Epoch, tail: Tail) {
        let passes = self.chain.passes(tail);
        let is_current = epoch == self.meta.promised;
        let Role::Home(home) = &mut self.role else { return };
        if let Some(peer) = home.peers.get_mut(&from).filter(|_| is_current) {
            peer.joined = true;
            peer.moved = now.instant;
            if passes {
                peer.ack(tail.seq, now.instant);
            }
        }
    }

    pub(super) fn on_append_ack(&mut self, now: Now, from: NodeId, epoch: Epoch, tail: Tail) {
        if epoch != self.meta.promised || !self.chain.passes(tail) {
            return;
        }
        if let Role::Home(home) = &mut self.role
            && let Some(peer) = home.peers.get_mut(&from)
        {
            peer.joined = true;
            peer.ack(tail.seq, now.instant);
        }
    }

    /// Somebody has promised a higher epoch: whatever this node is doing has been overtaken (F9).
    pub(super) fn on_refused(&mut self, promised: Epoch, out: &mut Vec<Out>) {
        match &self.role {
            Role::Home(_) if promised > self.meta.promised => self.demote(out),
            Role::Candidate(candidate) if promised > candidate.takeover.epoch => {
                self.stand_down();
            }
            Role::Home(_) | Role::Candidate(_) | Role::Member | Role::Quarantined => {}
        }
    }

    /// The register wants this group's home elsewhere, by plan: stop taking commands and seal.
    pub(super) const fn begin_handoff(&mut self, candidate: NodeId, epoch: Epoch) {
        if let Role::Home(home) = &mut self.role {
            home.handoff = Some(Handoff { candidate, epoch });
        }
    }

    /// Commits, hands over, appends, ships: in this order, so that what is committed now is told
    /// with what is shipped now.
    pub(super) fn proceed_as_home(&mut self, now: Now, out: &mut Vec<Out>) {
        self.count_copies(now, out);
        if self.proceed_with_handoff(now, out) {
            return;
        }
        self.append_waiting(now, out);
        self.announce_again(now, out);
        self.ship(now, out);
    }

    /// Moves the commit watermark: the largest seq of this epoch that is durable at `w` members,
    /// this one included (N3).
    fn count_copies(&mut self, now: Now, out: &mut Vec<Out>) {
        let (tail, known, vouched) = (self.chain.tail(), self.known, self.vouched());
        let Role::Home(home) = &mut self.role else { return };
        let acked = home.peers.iter().map(|(node, peer)| (*node, peer.acked));
        let seq = committed(&self.meta.config, self.options.me, vouched, acked);
        let in_epoch = seq >= home.start || self.options.mutant == Mutant::CommitOldEpoch;
        if in_epoch && seq > known {
            self.known = seq;
            home.moved = now.instant;
            if !home.is_serving && seq >= home.start {
                home.is_serving = true;
                let epoch = self.meta.promised;
                out.push(Out::Note(Event::Serving { group: self.id, epoch }));
            }
        }
        if self.known >= tail.seq {
            home.moved = now.instant;
        }
    }

    /// Ends this epoch by plan: appends its last record, sends what there is, and promises, all with
    /// one sync. Nothing waits for its commit here: this node's own seal suffices (PROTOCOL 7.4), so
    /// the candidate takes over everything that stands before it. `true` if it was done.
    fn proceed_with_handoff(&mut self, now: Now, out: &mut Vec<Out>) -> bool {
        let Role::Home(Home { handoff: Some(handoff), .. }) = self.role else { return false };
        if handoff.epoch <= self.meta.promised {
            return false;
        }
        self.append_own(now, RecordKind::Handoff, &[], out);
        self.ship(now, out);
        self.promise(handoff.epoch, handoff.candidate, out);
        true
    }

    /// Appends what waits, if the write before it has come back and the window is open (N5).
    fn append_waiting(&mut self, now: Now, out: &mut Vec<Out>) {
        let tail = self.chain.tail().seq;
        let Role::Home(home) = &self.role else { return };
        let is_idle = self.durable == tail;
        if home.handoff.is_some() || !is_idle || !self.is_open(now) || self.is_disk_full {
            return;
        }
        let beat_due = now.instant.since(home.appended) >= self.options.beat_us;
        let beat_due = self.is_beat_wanted(now) || beat_due;
        // What was begun elsewhere comes before what begins here. Both go with one sync.
        self.append_parcels(now, out);
        if !self.is_open(now) {
            return;
        }
        // What a barred home takes in it could never answer: it goes where the home goes.
        if self.desk.is_waiting() && self.bar().is_none() {
            let batch = self.desk.batch(limits::RECORD_COMMANDS_MAX, limits::BATCH_BYTES_MAX);
            if !batch.is_empty() {
                self.append_own(now, RecordKind::Commands, &batch, out);
            }
        } else if beat_due && self.known == self.chain.tail().seq {
            self.append_own(now, RecordKind::Beat, &[], out);
        }
    }

    /// Whether another record may wait for its commit. A home that answers before the commit is not to
    /// stand still when commits do, within its budget.
    fn is_open(&self, now: Now) -> bool {
        let tail = self.chain.tail().seq;
        let is_ahead = self.answers_early() && self.is_within_budget(now);
        let window =
            if is_ahead { self.options.budget_records } else { self.options.window_records };
        tail.0 - self.known.0.min(tail.0) < window
    }

    /// Appends the barrier from which on `to` is in force, if this home serves and `to` is above what
    /// is. The caller has seen that every member can run it.
    pub(crate) fn raise(&mut self, now: Now, to: ModelVersion, out: &mut Vec<Out>) {
        let Role::Home(home) = &self.role else { return };
        let is_due = to > self.versions.at(self.chain.tail().seq);
        if is_due && home.is_serving && home.handoff.is_none() && self.bar().is_none() {
            self.append_under(now, RecordKind::Upgrade, to, &[], Stamp(0), out);
        }
    }

    /// Appends a record of this home's own making.
    pub(super) fn append_own(
        &mut self,
        now: Now,
        kind: RecordKind,
        commands: &[Command],
        out: &mut Vec<Out>,
    ) {
        self.append_above(now, kind, commands, Stamp(0), out);
    }

    /// The same, with a stamp above that of another group's record too.
    pub(super) fn append_above(
        &mut self,
        now: Now,
        kind: RecordKind,
        commands: &[Command],
        above: Stamp,
        out: &mut Vec<Out>,
    ) {
        let version = self.versions.at(self.chain.tail().seq);
        self.append_under(now, kind, version, commands, above, out);
    }

    /// The same, under this model version. Its stamp rises (N6).
    fn append_under(
        &mut self,
        now: Now,
        kind: RecordKind,
        model: ModelVersion,
        commands: &[Command],
        above: Stamp,
        out: &mut Vec<Out>,
    ) {
        let tail = self.chain.tail();
        let before = self.chain.stamp_at(tail.seq).unwrap_or_default();
        let header = Header {
            kind,
            group: self.id,
            config: self.meta.config.id(),
            epoch: self.meta.promised,
            seq: tail.seq.next(),
            count: 0,
            stamp: before.max(above).next().max(now.wall),
            model,
            previous: tail.hash,
            body: Hash::ZERO,
        };
        self.append(&Record::build(header, commands), out);
        if let Role::Home(home) = &mut self.role {
            home.appended = now.instant;
        }
    }

    /// Announces the epoch again to members that have not recorded it.
    fn announce_again(&mut self, now: Now, out: &mut Vec<Out>) {
        let resend_us = self.options.resend_us;
        self.announce(now, out, |peer| !peer.joined && now.instant.since(peer.moved) >= resend_us);
    }

    /// Sends every member what it lacks and what is committed. For one without a session nothing is
    /// prepared: with a region dead, a window of records would be copied again and again for nobody.
    fn ship(&mut self, now: Now, out: &mut Vec<Out>) {
        let (last, epoch) = (self.chain.tail().seq, self.meta.promised);
        let ships_w1 = self.options.mutant == Mutant::ShipAtW1;
        let known = if ships_w1 { self.durable } else { self.known };
        let config = self.meta.config.id();
        let (window, resend_us) = (self.options.window_records, self.options.resend_us);
        let Role::Home(home) = &mut self.role else { return };
        let connected = &self.connected;
        for (node, peer) in home.peers.iter_mut().filter(|(node, _)| connected.contains(node)) {
            if peer.joined && peer.sent > peer.acked && now.instant.since(peer.moved) >= resend_us {
                peer.rewind(now.instant);
            }
            while let Some(seq) = peer.next(last, window) {
                let bytes_of = |seq| self.chain.link(seq).and_then(|link| link.bytes.clone());
                // Of what is no longer in memory only the end is shown: the member sees the gap and
                // fetches. The commit watermark would not do, as it may be lower than what a member
                // must have for anything to commit at all.
                let (seq, bytes) = match bytes_of(seq) {
                    Some(bytes) => (seq, Some(bytes)),
                    None => (last, bytes_of(last)),
                };
                let Some(record) = bytes else { break };
                if peer.sent == peer.acked {
                    peer.moved = now.instant;
                }
                peer.sent = seq;
                peer.told = known;
                let body = GroupMessage::Append { config, commit: known, record };
                out.push(Out::Send { to: *node, epoch, body });
            }
            // While records are on their way the next one carries the watermark.
            let drained = peer.sent == peer.acked;
            if peer.joined && peer.told < known && drained {
                peer.told = known;
                out.push(Out::Send {
                    to: *node,
                    epoch,
                    body: GroupMessage::Commit { commit: known },
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
