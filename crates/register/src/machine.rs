//! The register of one member: inputs and the time in, effects out.
//!
//! Each step hands its input to the log, then writes what changed, then sends. Nothing leaves and
//! nothing is applied before the write that it stands on is reported done: see [`Register::settle`]
//! and [`Register::release`]. A proposal is kept by its proposer until it comes back decided, handed
//! again to whoever leads, and applied once however often the log holds it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use omnipaxos::ballot_leader_election::Ballot;
use types::{Instant, NodeId, Now, WriteId};

use crate::frame::{self, Body, Frame};
use crate::limits::{HELD_FRAMES_MAX, PENDING_MAX, UNDECIDED_MAX, WHOLE_BYTES_MAX};
use crate::link::{Arrival, Lane, Link};
use crate::log::{Entry, Log, Pid};
use crate::record::{Boot, Record, Turn};
use crate::recover::{Replayed, replay};
use crate::{
    Counters, Effect, Event, FrameRefusal, Input, Options, Proposal, ProposalId, RecoverError,
    State, UndecidedReason,
};

/// One member of the register.
#[derive(Debug)]
pub struct Register {
    options: Options,
    /// Of the register in all its generations.
    fingerprint: u64,
    /// The generation whose log this is, and its members, rising; none where this node only follows.
    generation: u64,
    members: Vec<NodeId>,
    /// The generation to go over to at the end of this step.
    turning: Option<Turn>,
    /// What is to be said over the bounds of generations.
    words: Vec<(NodeId, Body)>,
    next_hail: Instant,
    /// Whom this node, following, has asked, and when.
    asked: Option<(NodeId, Instant)>,
    /// From where on what it has is compared with what the members have; `None` while it is known to be
    /// the same.
    compared: Option<usize>,
    /// What it was told and has not taken over yet.
    told: Vec<Entry>,
    /// Whether another history goes on without what this node has: nothing is handled any more.
    is_over: bool,
    incarnation: u64,
    booted: bool,
    /// Whether the next record is to say all there is.
    restates: bool,
    log: Log,
    state: State,
    /// Length of the log that `state` holds.
    applied: usize,
    /// By member number less one; our own is unused.
    links: Vec<Link>,
    pending: BTreeMap<u64, Pending>,
    held: VecDeque<Held>,
    frames_held: usize,
    next_write: u64,
    next_tick: Instant,
    /// Ballot and leader as of the last step.
    standing: (Ballot, Option<Pid>),
    counters: Counters,
}

#[derive(Debug)]
struct Pending {
    entry: Entry,
    since: Instant,
    retry_at: Instant,
}

/// A write under way, and the frames that stand on it.
#[derive(Debug)]
struct Held {
    id: WriteId,
    since: Instant,
    written: bool,
    frames: Vec<(NodeId, Bytes)>,
    /// Length of the decided log that the write makes durable.
    decided: usize,
    /// What to say when it is done.
    note: Option<Event>,
}

impl Register {
    /// Builds a member from its options and the records of its earlier starts, oldest first. Everything
    /// that was decided before is applied when this returns.
    ///
    /// # Errors
    /// See [`RecoverError`]; none is cured by trying again. A record torn by a crash must not be among
    /// `records`.
    pub fn recover<'a>(
        options: Options,
        now: Instant,
        records: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, RecoverError> {
        let options = options.checked()?;
        let fingerprint = options.fingerprint();
        let Replayed { incarnation, generation, members, image } =
            replay(&options, fingerprint, records)?;
        let pid = number_of(&members, options.node);
        let decided = image.decided;
        let state = State::genesis(&options.genesis, &options.members);
        let links = members.iter().map(|_| Link::default()).collect();
        let mut register = Self {
            fingerprint,
            generation,
            turning: None,
            words: Vec::new(),
            next_hail: now,
            asked: None,
            compared: None,
            told: Vec::new(),
            is_over: false,
            incarnation: incarnation + 1,
            booted: false,
            restates: false,
            log: Log::recover(&options, members.len(), pid, image),
            members,
            state,
            applied: 0,
            links,
            pending: BTreeMap::new(),
            held: VecDeque::new(),
            frames_held: 0,
            next_write: 1,
            next_tick: now,
            standing: (Ballot::default(), None),
            counters: Counters::default(),
            options,
        };
        register.apply(decided, &mut Vec::new());
        register.standing = (register.log.ballot(), None);
        Ok(register)
    }

    /// Takes one input at `now` and pushes what is to be done. The first call writes the record of this
    /// start, which goes before all frames.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        if self.is_over && !matches!(input, Input::Written(_)) {
            return;
        }
        let mut direct = Vec::new();
        match input {
            Input::Message { from, bytes } => {
                self.receive(now.instant, from, &bytes, out, &mut direct)
            }
            Input::Force { id, actor, reason, members } => {
                return self.force(now.instant, id, actor, reason, members, out);
            }
            Input::Propose(proposal) => self.propose(now.instant, proposal, out, &mut direct),
            Input::Written(id) => self.written(id, out),
            Input::Connected(peer) => {
                if let Some(pid) = self.peer(peer) {
                    self.log.resync(pid);
                }
                self.hail(peer);
            }
            Input::Wake => self.wake(now.instant, out, &mut direct),
        }
        self.settle(now.instant, direct, out);
    }

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

    fn receive(
        &mut self,
        now: Instant,
        from: NodeId,
        bytes: &[u8],
        out: &mut Vec<Effect>,
        direct: &mut Vec<(Pid, Body)>,
    ) {
        let refusal = match self.admit(from, bytes) {
            Ok(frame) if frame.body.is_of_any_generation() => {
                self.hear_word(now, from, frame.body, out);
                None
            }
            Ok(frame) => self.take(now, from, frame, out, direct).err(),
            Err(refusal) => Some(refusal),
        };
        if refusal == Some(FrameRefusal::OtherGeneration) {
            self.hail(from);
        }
        if let Some(why) = refusal {
            self.counters.refused += 1;
            out.push(Effect::Note(Event::Refused { from, why }));
        }
    }

    fn admit(&self, from: NodeId, bytes: &[u8]) -> Result<Frame, FrameRefusal> {
        // Who follows may not have heard yet of those that it follows.
        let is_known = self.state.roster().is_known(from) || self.log.is_outside();
        if !is_known || from == self.options.node {
            return Err(FrameRefusal::Stranger);
        }
        if self.frames_held >= HELD_FRAMES_MAX {
            return Err(FrameRefusal::Stalled);
        }
        let (stamp, members) = (self.stamp(), self.members.len());
        let frame = frame::decode(bytes, stamp, members).map_err(FrameRefusal::Unreadable)?;
        let is_ours = frame.header.register == self.fingerprint;
        if matches!(frame.body, Body::Foreign) {
            // In the first generation nobody can belong to an earlier one.
            let is_first = self.generation == 1 && !self.log.is_outside();
            return Err(if is_first {
                FrameRefusal::OtherRegister
            } else {
                FrameRefusal::OtherGeneration
            });
        }
        if frame.body.is_of_any_generation() && !is_ours {
            return Err(FrameRefusal::OtherRegister);
        }
        Ok(frame)
    }

    fn take(
        &mut self,
        now: Instant,
        from: NodeId,
        frame: Frame,
        out: &mut Vec<Effect>,
        direct: &mut Vec<(Pid, Body)>,
    ) -> Result<(), FrameRefusal> {
        let pid = self.peer(from).ok_or(FrameRefusal::Stranger)?;
        let lane = lane_of(&frame.body, frame.beat);
        let own = self.incarnation;
        let Some(link) = self.link_mut(pid) else { return Err(FrameRefusal::Stranger) };
        match link.arrive(now, own, &frame.header, lane) {
            Arrival::Stale => {
                self.counters.stale += 1;
                return Ok(());
            }
            Arrival::Fresh { lost: false } => {}
            Arrival::Fresh { lost: true } => {
                self.counters.lost += 1;
                self.log.resync(pid);
                if let Some(peer) = self.member(pid) {
                    out.push(Effect::Note(Event::Lost { peer }));
                }
            }
        }
        self.counters.taken += 1;
        match frame.body {
            Body::Paxos(message) => {
                if !self.log.receive(pid, message) {
                    return Err(FrameRefusal::Impossible);
                }
            }
            Body::Heartbeat(message) => self.log.beat(pid, message),
            Body::Proposal(entry) => {
                if self.member(pid) != Some(entry.0.id().node) {
                    return Err(FrameRefusal::Impossible);
                }
                // Not passed on when another leads: its proposer hears of the leader itself, and two
                // members that are wrong about each other cannot play ball with it.
                if self.log.leads() {
                    self.place(&entry, direct);
                }
            }
            Body::Foreign | Body::Hail { .. } | Body::Ask { .. } | Body::Told { .. } => {}
        }
        Ok(())
    }

    fn propose(
        &mut self,
        now: Instant,
        proposal: Proposal,
        out: &mut Vec<Effect>,
        direct: &mut Vec<(Pid, Body)>,
    ) {
        let id = proposal.id();
        let ours = id.node == self.options.node && id.number >> 32 == self.incarnation;
        let reason = if !ours || self.pending.contains_key(&id.number) || self.state.has_applied(id)
        {
            Some(UndecidedReason::NotOurs)
        } else if self.pending.len() == PENDING_MAX {
            Some(UndecidedReason::Busy)
        } else {
            None
        };
        if let Some(reason) = reason {
            out.push(Effect::Undecided { proposal: id, reason });
            return;
        }
        let entry = Entry(Arc::new(proposal));
        self.place(&entry, direct);
        let retry_at = now.after(self.options.retry_us);
        self.pending.insert(id.number, Pending { entry, since: now, retry_at });
    }

    /// Appends the entry if this member leads and does not hold it yet, or sends it to the leader.
    fn place(&mut self, entry: &Entry, direct: &mut Vec<(Pid, Body)>) {
        if self.log.leads() {
            let length = self.log.length();
            let id = entry.0.id();
            let held = self.log.entries(self.applied, length);
            let known = self.state.has_applied(id) || held.iter().any(|other| other.0.id() == id);
            if !known && length - self.applied < UNDECIDED_MAX {
                self.log.append(entry.clone());
            }
        } else if let Some(leader) = self.log.leader() {
            direct.push((leader, Body::Proposal(entry.clone())));
        }
    }

    fn wake(&mut self, now: Instant, out: &mut Vec<Effect>, direct: &mut Vec<(Pid, Body)>) {
        if now < self.next_tick {
            return;
        }
        // One tick however late the wake is: a member that slept has heard nobody meanwhile, and must
        // not take its own sleep for everybody's silence.
        self.next_tick = now.after(self.options.tick_us);
        // A member whose disk stands still neither campaigns nor beats: it could keep no promise.
        let stalled = self
            .held
            .front()
            .is_some_and(|held| now.since(held.since) > self.options.patience_us());
        if !stalled {
            let hears_majority = self.hears_majority(now);
            self.log.tick(hears_majority);
        }
        self.hail_all(now);
        let timeout = self.options.proposal_timeout_us;
        let node = self.options.node;
        self.pending.retain(|number, pending| {
            let waited_us = now.since(pending.since);
            let keep = waited_us < timeout;
            if !keep {
                let proposal = ProposalId { node, number: *number };
                let reason = UndecidedReason::NoQuorum { waited_us };
                out.push(Effect::Undecided { proposal, reason });
            }
            keep
        });
        self.retry(now, |pending| pending.retry_at <= now, direct);
    }

    fn retry(
        &mut self,
        now: Instant,
        due: impl Fn(&Pending) -> bool,
        direct: &mut Vec<(Pid, Body)>,
    ) {
        let retry_at = now.after(self.options.retry_us);
        let mut entries = Vec::new();
        for pending in self.pending.values_mut().filter(|pending| due(pending)) {
            pending.retry_at = retry_at;
            entries.push(pending.entry.clone());
        }
        for entry in entries {
            self.place(&entry, direct);
        }
    }

    fn written(&mut self, id: WriteId, out: &mut Vec<Effect>) {
        if let Some(held) = self.held.iter_mut().find(|held| held.id == id) {
            held.written = true;
        }
        self.release(out);
    }

    /// Lets go of what stood on writes that are done, in order.
    fn release(&mut self, out: &mut Vec<Effect>) {
        while self.held.front().is_some_and(|held| held.written) {
            let Some(held) = self.held.pop_front() else { return };
            self.frames_held -= held.frames.len();
            out.extend(held.frames.into_iter().map(|(to, bytes)| Effect::Send { to, bytes }));
            out.extend(held.note.map(Effect::Note));
            self.apply(held.decided, out);
        }
    }

    fn apply(&mut self, decided: usize, out: &mut Vec<Effect>) {
        if self.turning.is_some() {
            return;
        }
        for entry in self.log.entries(self.applied, decided) {
            self.applied += 1;
            let Some(results) = self.state.apply(&entry.0) else { continue };
            for (group, result) in &results.changes {
                if result.is_ok() {
                    out.push(Effect::Changed(*group));
                }
            }
            if matches!(results.membership, Some(Ok(_))) {
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
    fn settle(&mut self, now: Instant, mut direct: Vec<(Pid, Body)>, out: &mut Vec<Effect>) {
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

    fn frames(
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

    /// Whether this member leads and hears a majority, itself included.
    fn quorate(&self, now: Instant) -> bool {
        self.log.leads() && self.hears_majority(now)
    }

    fn hears_majority(&self, now: Instant) -> bool {
        self.heard(now).count() > self.members.len() / 2
    }

    /// The number of another member.
    fn peer(&self, node: NodeId) -> Option<Pid> {
        number_of(&self.members, node).filter(|_| node != self.options.node)
    }

    fn member(&self, pid: Pid) -> Option<NodeId> {
        self.members.get(place_of(pid)?).copied()
    }

    fn link(&self, pid: Pid) -> Option<&Link> {
        self.links.get(place_of(pid)?)
    }

    fn link_mut(&mut self, pid: Pid) -> Option<&mut Link> {
        self.links.get_mut(place_of(pid)?)
    }
}

/// Where the member of this number stands among the members.
fn place_of(pid: Pid) -> Option<usize> {
    usize::try_from(pid).ok()?.checked_sub(1)
}

fn number_of(members: &[NodeId], node: NodeId) -> Option<Pid> {
    let place = members.binary_search(&node).ok()?;
    Pid::try_from(place + 1).ok()
}

fn lane_of(body: &Body, beat: u64) -> Lane {
    match body {
        Body::Paxos(_) => Lane::Ordered,
        Body::Heartbeat(_) => Lane::Beat(beat),
        Body::Proposal(_)
        | Body::Foreign
        | Body::Hail { .. }
        | Body::Ask { .. }
        | Body::Told { .. } => Lane::Free,
    }
}

mod turn;
mod view;
