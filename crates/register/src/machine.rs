//! The register of one member: inputs and the time in, effects out.
//!
//! Each step hands its input to the log, then writes what changed, then sends. Nothing leaves and
//! nothing is applied before the write that it stands on is reported done: see [`Register::settle`]
//! and [`Register::release`]. A proposal is kept by its proposer until it comes back decided, handed
//! again to whoever leads, and applied once however often the log holds it.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use bytes::Bytes;
use omnipaxos::ballot_leader_election::Ballot;
use types::{Hash, Instant, NodeId, Now, WriteId};

use crate::frame::{self, Body, Frame};
use crate::limits::HELD_FRAMES_MAX;
use crate::link::{Arrival, Lane, Link};
use crate::log::{Entry, Log, Pid};
use crate::record::Turn;
use crate::recover::{Replayed, replay};
use crate::{
    Counters, Effect, Event, ForceRefusal, FrameRefusal, Input, Options, Reach, RecoverError,
    State, UndecidedReason,
};

/// One member of the register.
#[derive(Debug)]
pub struct Register {
    options: Options,
    /// Of the register in all its generations.
    fingerprint: u64,
    /// The generation whose log this is, the name of the entry that began it, and its members, rising; none
    /// where this node only follows.
    generation: u64,
    origin: Hash,
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
    /// What it was told of what follows what it has applied, and has not taken over yet. A member never
    /// does, but for people who go on by force.
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
    /// Digest over each beginning of it, the empty one first.
    digests: Vec<Hash>,
    /// What the others said last of their logs, and when.
    reaches: BTreeMap<NodeId, (Instant, Reach)>,
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
            origin: Hash::ZERO,
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
            digests: Vec::from([Hash::ZERO]),
            reaches: BTreeMap::new(),
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
        if register.log.is_outside() {
            // Who follows is where it has come to, and may have gone back.
            register.generation = register.state.roster().generation();
        }
        register.origin = register.state.roster().origin(register.generation);
        register.standing = (register.log.ballot(), None);
        Ok(register)
    }

    /// Takes one input at `now` and pushes what is to be done. The first call writes the record of this
    /// start, which goes before all frames.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        if self.is_over {
            return self.end(input, out);
        }
        let mut direct = Vec::new();
        match input {
            Input::Message { from, bytes } => {
                self.receive(now.instant, from, &bytes, out, &mut direct)
            }
            Input::Force { id, actor, reason, members } => {
                return self.force(now.instant, id, (actor, reason), members, out);
            }
            Input::Propose(proposal) => self.propose(now.instant, proposal, out, &mut direct),
            Input::Written(id) => self.written(id, out),
            Input::Connected(peer) => {
                if let Some(pid) = self.peer(peer) {
                    self.log.resync(pid);
                }
                self.hail_new(now.instant, peer);
            }
            Input::Wake => self.wake(now.instant, out, &mut direct),
        }
        self.settle(now.instant, direct, out);
    }

    /// What was shown may have to go back: this start is over but for the write that says so.
    fn end(&mut self, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Written(id) => self.written(id, out),
            Input::Propose(proposal) => out
                .push(Effect::Undecided { proposal: proposal.id(), reason: UndecidedReason::Over }),
            Input::Force { id, .. } => {
                let why = ForceRefusal::NoVote { node: self.options.node };
                out.push(Effect::NotForced { proposal: id, why });
            }
            Input::Message { .. } | Input::Connected(_) | Input::Wake => {}
        }
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
            Body::Foreign | Body::Hail(_) | Body::Ask { .. } | Body::Told { .. } => {}
        }
        Ok(())
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
        | Body::Hail(_)
        | Body::Ask { .. }
        | Body::Told { .. } => Lane::Free,
    }
}

mod follow;
mod force;
mod propose;
mod settle;
mod turn;
mod view;

pub use force::Inheritance;
