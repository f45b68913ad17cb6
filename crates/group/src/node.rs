//! A node: its groups, its seat in the register, its watch over the others.
//!
//! Inputs are routed to the group or register they concern; what these want done is carried out,
//! batched per peer and per step. The node adds what concerns all groups at once: the pulse that
//! proves its disk alive, the look-out for groups that need a home, and orders of operators.

mod ages;
mod bays;
mod clocks;
mod copies;
mod cuts;
mod effect;
mod floor;
mod given_up;
mod half_open;
mod look;
mod members;
mod on_time;
mod orders;
mod post;
mod pulse;
mod quorum;
mod reads;
mod recovery;
mod relay;
mod slow_disk;
mod terms;
mod ticket;
mod voices;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use model::Model;
use register::limits::{CHANGES_MAX, KNOWN_STARTS_MAX};
use register::{Change, Phase, Proposal, ProposalId, Register};
use steering::Watch;
use types::{
    Epoch, GroupId, Instant, ModelVersion, NodeId, Now, Position, ReadId, RequestId, Seq, WriteId,
};
use wire::log::Kind;
use wire::{FrameBuilder, GroupMessage, Message, Parcel, decode_frame};

pub use effect::{
    Decision, Effect, FileProgress, Input, Lane, MembershipOrder, NodeEvent, NodeStep, Order,
    OrderRefusal, RecoverOrder, StopReason, TermsOrder, UpgradeOrder,
};
pub use look::Explanation;
pub use recovery::{Folder, RecoverError, Recovery, Restoration};

use clocks::Clocks;
use copies::Copies;
use cuts::Cuts;
use floor::Floor;
use reads::Readers;
use slow_disk::Stalls;
use voices::Said;

use crate::desk::Asker;
use crate::group::{Out, Writing};
use crate::{Group, GroupStatus, NodeOptions};

/// Whose write it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Group(GroupId),
    Register(WriteId),
    Pulse,
    /// A new floor; with a group when the node must start again for its sake.
    Floor(Option<GroupId>),
}

/// What a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Record(Seq),
    Snapshot { seq: Seq, offset: u64 },
}

/// All that one process decides.
#[derive(Debug)]
pub struct Node<M> {
    options: NodeOptions,
    groups: BTreeMap<GroupId, Group<M>>,
    register: Register,
    /// Number of this start of the node, once it is durable.
    life: Option<u64>,
    proposals: u32,
    /// The register's records, to be written a second time.
    copies: Copies,
    watch: Watch,

    /// Writes in flight, in the order in which they complete.
    writes: VecDeque<(WriteId, Owner, Instant)>,
    writes_issued: u64,
    /// How often the disk has stalled lately.
    stalls: Stalls,
    reads: BTreeMap<ReadId, (GroupId, Read)>,
    reads_issued: u64,
    /// Clients' reads and cuts that wait for their groups.
    readers: Readers,
    cuts: Cuts,

    connected: BTreeSet<NodeId>,
    frames: BTreeMap<(NodeId, Lane), FrameBuilder>,
    changes: Vec<(String, Change)>,
    orders: BTreeMap<ProposalId, RequestId>,
    /// Groups that something happened to in this step.
    touched: BTreeSet<GroupId>,
    deadlines: BTreeMap<GroupId, Instant>,
    outs: Vec<Out>,
    /// Parcels for groups whose home is here.
    posted: Vec<(GroupId, Vec<Parcel>)>,

    /// Pulses made durable so far.
    pulses: u64,
    is_pulsing: bool,
    next_pulse: Instant,
    /// The watermarks that the log already knows.
    logged: BTreeMap<GroupId, Seq>,
    floor: Floor,
    /// Groups whose state waits to be saved, and the one whose is.
    saves: BTreeSet<GroupId>,
    saver: Option<GroupId>,

    next_look: Instant,
    /// Which version of a group this node last saw, and since when.
    seen: BTreeMap<GroupId, (u64, Instant)>,
    /// At which version of the roster other members of the register were last proposed, and when.
    asked_votes: Option<(u64, Instant)>,
    /// Since when nothing needs this node any more, if it is to go.
    retired: Option<Instant>,
    /// At which version of a group a takeover was last proposed, and when.
    asked: BTreeMap<GroupId, (u64, Instant)>,
    /// Since when the home of an epoch has said of itself that it is stalled.
    stalled: BTreeMap<GroupId, (Epoch, Instant)>,
    clocks: Clocks,
    /// Model versions that this node's code can run.
    versions: RangeInclusive<ModelVersion>,
    /// What the others say of their state machines.
    said: BTreeMap<NodeId, Said>,
    /// When the last step was taken.
    stepped: Instant,
    stopped: bool,
}

impl<M: Model> Node<M> {
    /// Handles one input.
    pub fn handle(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        self.handle_all(now, [input], out);
    }

    /// Handles inputs that came in together, as one step: what they cause is batched.
    pub fn handle_all(
        &mut self,
        now: Now,
        inputs: impl IntoIterator<Item = Input>,
        out: &mut Vec<Effect>,
    ) {
        if self.stopped {
            return;
        }
        let now = self.clocks.read(now, self.options.skew_us_max);
        if core::mem::take(&mut self.floor.is_lost) {
            self.lower_floor(out);
        }
        for input in inputs {
            self.take(now, input, out);
        }
        self.pulse(now, out);
        self.look(now, out);
        self.hurry(now, out);
        self.proceed(now, out);
        self.propose(now, out);
        self.let_reads_go(now, out);
        self.let_cuts_go(now, out);
        self.flush(out);
        self.fence(now, out);
    }

    /// When the node next has something to do on its own.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let disk = self.writes.front().map(|(.., at)| at.after(self.options.disk_us_max));
        let pulse = (!self.is_pulsing).then_some(self.next_pulse);
        let groups = self.deadlines.values().min().copied();
        let readers = self.next_read_deadline();
        let cuts = self.cuts.next_deadline();
        let own = [disk, pulse, groups, Some(self.next_look), readers, cuts];
        own.into_iter().chain([self.register.next_deadline()]).flatten().min()
    }

    /// One group.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<&Group<M>> {
        self.groups.get(&group)
    }

    /// All groups, by number.
    pub fn groups(&self) -> impl Iterator<Item = &Group<M>> {
        self.groups.values()
    }

    /// How all groups stand here.
    #[must_use]
    pub fn statuses(&self, now: Now) -> Vec<(GroupId, GroupStatus)> {
        self.groups.iter().map(|(id, group)| (*id, group.status(now))).collect()
    }

    /// This node's seat in the register.
    #[must_use]
    pub const fn register(&self) -> &Register {
        &self.register
    }

    /// What this node has seen of the others.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The nodes to which a session is open.
    pub fn connected(&self) -> impl Iterator<Item = NodeId> {
        self.connected.iter().copied()
    }

    /// What it was told at start.
    #[must_use]
    pub const fn options(&self) -> &NodeOptions {
        &self.options
    }

    fn take(&mut self, now: Now, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Frame { from, bytes } => match decode_frame(&bytes) {
                Ok(messages) => {
                    for message in messages {
                        self.message(now, from, message, out);
                    }
                }
                Err(error) => {
                    let event = crate::Event::Malformed { from, error };
                    out.push(Effect::Note(NodeEvent::Group(event)));
                }
            },
            Input::Peer { node, up } => self.peer(now, node, up, out),
            Input::Written { id, at } => self.written(now, id, at, out),
            Input::Loaded { id, bytes } => {
                let Some((group, read)) = self.reads.remove(&id) else { return };
                self.drive(group, out, |group, outs| match read {
                    Read::Record(seq) => group.loaded(now, seq, bytes, outs),
                    Read::Snapshot { seq, offset } => {
                        group.snapshot_read(seq, offset, bytes.as_ref(), outs);
                    }
                });
            }
            Input::SnapshotWritten { group, seq, end, done } => {
                self.drive(group, out, |group, outs| group.snapshot_written(seq, end, done, outs));
                self.save_next(out);
            }
            Input::Command { request, group, command, until, deadline } => {
                let asker = Asker::Local(request);
                self.drive(group, out, |group, outs| {
                    group.command(now, asker, command, until, deadline, outs);
                });
            }
            Input::Read { request, order, deadline } => {
                self.begin_read(now, request, order, deadline, out);
            }
            Input::Cut { request, at, deadline } => {
                self.begin_cut(now, request, at, deadline, out);
            }
            Input::Disk { is_full } => {
                for id in self.groups.keys().copied().collect::<Vec<_>>() {
                    self.drive(id, out, |group, outs| group.disk(is_full, outs));
                }
            }
            Input::Order { request, order } => self.order(now, request, &order, out),
            Input::Dispose { request, decision } => self.dispose(now, request, decision, out),
            Input::Upgrade { request, order } => self.upgrade(now, request, &order, out),
            Input::Terms { request, order } => self.retune(now, request, &order, out),
            Input::Membership { request, order } => self.change_nodes(now, request, order, out),
            Input::Recover { request, order } => self.recover_register(now, request, order, out),
            Input::Wake => self.drive_register(now, register::Input::Wake, out),
        }
    }

    fn message(&mut self, now: Now, from: NodeId, message: Message, out: &mut Vec<Effect>) {
        match message {
            message if self.is_void(from, &message) => {}
            Message::Group { group, epoch, body } => {
                self.drive(group, out, |group, outs| group.message(now, from, epoch, body, outs));
            }
            Message::Newer { tag, .. } => {
                out.push(Effect::Note(NodeEvent::Group(crate::Event::Newer { from, tag })));
            }
            Message::Pulse(pulse) => self.hear(now, from, &pulse, out),
            Message::Voice(voice) => self.listen(from, &voice, out),
            Message::Register(bytes) => {
                self.drive_register(now, register::Input::Message { from, bytes }, out);
            }
            Message::Forward { ticket, group, command, until } => {
                let asker = Asker::Remote { node: from, ticket };
                let deadline = now.instant.after(self.options.group.forwarded_wait_us);
                self.drive(group, out, |group, outs| {
                    group.command(now, asker, command, until, deadline, outs);
                });
            }
            Message::Channel { group, parcels } => {
                self.drive(group, out, |group, _| group.parcels(parcels));
            }
            Message::Answered { ticket, reply } => {
                let ours = self.life.and_then(|life| ticket::split(ticket, life));
                let Some((group, ticket)) = ours else { return };
                self.drive(group, out, |group, outs| group.answered(now, ticket, reply, outs));
            }
        }
    }

    fn peer(&mut self, now: Now, node: NodeId, up: bool, out: &mut Vec<Effect>) {
        if up {
            self.connected.insert(node);
            self.drive_register(now, register::Input::Connected(node), out);
        } else {
            self.connected.remove(&node);
            self.said.remove(&node);
        }
        for (id, group) in &mut self.groups {
            group.peer(now, node, up);
            self.touched.insert(*id);
        }
    }

    fn written(&mut self, now: Now, id: WriteId, at: Position, out: &mut Vec<Effect>) {
        let (expected, owner, asked) = self.writes.pop_front().expect("a write was asked for");
        assert!(expected == id, "writes complete in the order in which they were asked for");
        self.note_write(now, asked, out);
        match owner {
            Owner::Group(group) => {
                self.drive(group, out, |group, outs| group.written(at, outs));
            }
            Owner::Register(id) => {
                // The first write of the register holds the number of this life.
                self.life = Some(self.register.proposal_id(0).number >> 32);
                self.drive_register(now, register::Input::Written(id), out);
                self.restated(id, at, out);
            }
            Owner::Pulse => self.pulsed(now, at, out),
            Owner::Floor(None) => {}
            Owner::Floor(Some(group)) => self.stop(StopReason::Rewind { group }, out),
        }
    }

    /// Lets a group handle something and carries out what it wants.
    fn drive(
        &mut self,
        id: GroupId,
        out: &mut Vec<Effect>,
        handle: impl FnOnce(&mut Group<M>, &mut Vec<Out>),
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let mut outs = core::mem::take(&mut self.outs);
        handle(group, &mut outs);
        self.touched.insert(id);
        self.readers.touched.insert(id);
        for one in outs.drain(..) {
            self.carry(id, one, out);
        }
        self.outs = outs;
    }

    fn carry(&mut self, group: GroupId, one: Out, out: &mut Vec<Effect>) {
        match one {
            Out::Send { to, epoch, body } => {
                let bulk = matches!(
                    body,
                    GroupMessage::Entries { .. } | GroupMessage::SnapshotChunk { .. }
                );
                let lane = if bulk { Lane::Bulk } else { Lane::Log };
                self.say(to, lane, &Message::Group { group, epoch, body }, out);
            }
            Out::Forward { to, ticket, command, until } => {
                // Before the number of this life is durable nothing is handed over; the desk tries
                // again.
                let Some(life) = self.life else { return };
                let ticket = ticket::join(group, life, ticket);
                self.say(to, Lane::Log, &Message::Forward { ticket, group, command, until }, out);
            }
            Out::Post { to, parcels } => self.post(to, parcels, out),
            Out::Append(bytes, writing) => {
                let id = self.write(Owner::Group(group));
                let kind = match writing {
                    Writing::First => Kind::Group,
                    Writing::Again => Kind::Repair,
                };
                out.push(Effect::Append { id, kind, bytes });
            }
            Out::Meta(bytes) => {
                let id = self.write(Owner::Group(group));
                out.push(Effect::Superblock { id, group, bytes: bytes.into() });
            }
            Out::Load { seq, at } => {
                self.reads_issued += 1;
                let id = ReadId(self.reads_issued);
                self.reads.insert(id, (group, Read::Record(seq)));
                out.push(Effect::Load { id, at });
            }
            Out::SnapshotWrite { seq, offset, bytes, is_last } => {
                out.push(Effect::SnapshotWrite { group, seq, offset, bytes, is_last });
            }
            Out::SnapshotRead { seq, offset, bytes_max } => {
                self.reads_issued += 1;
                let id = ReadId(self.reads_issued);
                self.reads.insert(id, (group, Read::Snapshot { seq, offset }));
                out.push(Effect::SnapshotRead { id, group, seq, offset, bytes_max });
            }
            Out::SnapshotRemove { seq } => out.push(Effect::SnapshotRemove { group, seq }),
            Out::Kept => self.floor.is_due = true,
            Out::Lower => self.lower_floor(out),
            Out::Rewind => {
                let id = self.write(Owner::Floor(Some(group)));
                out.push(Effect::Floor { id, start: Position(0), keep: Position(0) });
            }
            Out::Answer { to: Asker::Local(request), reply } => {
                out.push(Effect::Answer { to: request, reply });
            }
            Out::Answer { to: Asker::Remote { node, ticket }, reply } => {
                self.say(node, Lane::Log, &Message::Answered { ticket, reply }, out);
            }
            Out::Propose { version, transition } => {
                let change = Change { group, expected_version: version, transition };
                self.changes.push((String::from("the chain is sealed and copied"), change));
            }
            Out::Note(event) => out.push(Effect::Note(NodeEvent::Group(event))),
        }
    }

    fn drive_register(&mut self, now: Now, input: register::Input, out: &mut Vec<Effect>) {
        let mut effects = Vec::new();
        self.register.handle(now, input, &mut effects);
        self.carry_register(now, effects, out);
    }

    /// Carries out what the register wants.
    fn carry_register(&mut self, now: Now, effects: Vec<register::Effect>, out: &mut Vec<Effect>) {
        for effect in effects {
            match effect {
                register::Effect::Send { to, bytes } => {
                    self.say(to, Lane::Log, &Message::Register(bytes), out);
                }
                register::Effect::Write { id, bytes } => {
                    self.copies.note(&bytes);
                    let id = self.write(Owner::Register(id));
                    out.push(Effect::Append { id, kind: Kind::Register, bytes });
                }
                register::Effect::Decided { proposal, results } => {
                    self.decided(proposal, &results, out);
                }
                register::Effect::Undecided { proposal, reason } => {
                    self.undecided(proposal, reason, out);
                }
                register::Effect::NotForced { proposal, why } => {
                    self.not_forced(proposal, why, out);
                }
                register::Effect::Changed(id) => {
                    let Some(state) = self.register.group(id).cloned() else { continue };
                    self.seen.insert(id, (state.version, now.instant));
                    self.drive(id, out, |group, outs| group.register(now, &state, outs));
                    self.aim(now, id);
                    if state.phase == Phase::Active {
                        self.rewind_channels(now, id);
                    }
                }
                register::Effect::Roster => self.nodes_changed(now, out),
                register::Effect::Note(register::Event::Diverged { generation, entries }) => {
                    self.stop(StopReason::Diverged { generation, entries }, out);
                }
                register::Effect::Note(event) => {
                    out.push(Effect::Note(NodeEvent::Register(event)));
                }
            }
        }
    }

    fn write(&mut self, owner: Owner) -> WriteId {
        self.writes_issued += 1;
        let id = WriteId(self.writes_issued);
        // The time is set when the step ends: see `fence`.
        self.writes.push_back((id, owner, Instant(u64::MAX)));
        id
    }

    fn say(&mut self, to: NodeId, lane: Lane, message: &Message, out: &mut Vec<Effect>) {
        let frame = self.frames.entry((to, lane)).or_default();
        frame.push(message);
        if frame.bytes() > FLUSH_BYTES
            && let Some(bytes) = frame.take()
        {
            out.push(Effect::Send { to, lane, bytes });
        }
    }

    /// Lets every group that something happened to, or whose time has come, do what is due.
    fn proceed(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.proceed_once(now, out);
        // A parcel makes its group append or answer, and an answer makes the other append: it ends there.
        while self.deliver_posted(out) {
            self.proceed_once(now, out);
        }
    }

    fn proceed_once(&mut self, now: Now, out: &mut Vec<Effect>) {
        let due = self.deadlines.iter().filter(|(_, deadline)| **deadline <= now.instant);
        self.touched.extend(due.map(|(id, _)| *id));
        for id in core::mem::take(&mut self.touched) {
            self.drive(id, out, |group, outs| group.proceed(now, outs));
            match self.groups.get(&id).and_then(Group::next_deadline) {
                Some(deadline) => self.deadlines.insert(id, deadline),
                None => self.deadlines.remove(&id),
            };
            if self.groups.get(&id).is_some_and(Group::has_save) {
                self.saves.insert(id);
            }
        }
        self.touched.clear();
        self.save_next(out);
    }

    /// Hands the changes that groups and the look-out want to the register, one proposal per reason.
    fn propose(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut by_reason: BTreeMap<String, Vec<Change>> = BTreeMap::new();
        for (reason, change) in core::mem::take(&mut self.changes) {
            by_reason.entry(reason).or_default().push(change);
        }
        for (reason, changes) in by_reason {
            for some in batches(changes) {
                self.proposals += 1;
                let id = self.register.proposal_id(self.proposals);
                let actor = alloc::format!("evenkeel@{}", self.options.group.me);
                let proposal = Proposal::new(id, actor, reason.clone(), some)
                    .expect("a node proposes within the register's limits");
                self.drive_register(now, register::Input::Propose(proposal), out);
            }
        }
        // What the register decided on the spot, as a register of one does, is acted on at once.
        if !self.touched.is_empty() {
            self.proceed(now, out);
        }
    }

    fn flush(&mut self, out: &mut Vec<Effect>) {
        for ((to, lane), frame) in &mut self.frames {
            if let Some(bytes) = frame.take() {
                out.push(Effect::Send { to: *to, lane: *lane, bytes });
            }
        }
    }
}

/// Changes in as few proposals as the register's limits allow.
fn batches(changes: Vec<Change>) -> Vec<Vec<Change>> {
    let (mut batches, mut starts) = (Vec::<Vec<Change>>::new(), 0);
    for change in changes {
        let more = change.known_starts();
        match batches.last_mut() {
            Some(last) if last.len() < CHANGES_MAX && starts + more <= KNOWN_STARTS_MAX => {
                last.push(change);
                starts += more;
            }
            Some(_) | None => {
                batches.push(Vec::from([change]));
                starts = more;
            }
        }
    }
    batches
}

/// A frame that has grown to this is sent before the step ends.
const FLUSH_BYTES: usize = 1 << 20;
