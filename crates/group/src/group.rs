//! One group at one node: its chain, its promise, its role, and the model that committed records
//! drive.
//!
//! [`Group`] is driven by a [`Node`](crate::Node), which routes messages, completed writes and the
//! register's decisions to it and carries out what it asks for. Handlers change state and note what
//! is due; [`Group::proceed`] then does what is due once, however many inputs came in together. That
//! is where natural batching comes from.
//!
//! A promise (an acknowledgement, a seal, an answer) leaves only after the write it rests on has
//! come back: writes come back in the order in which they were asked for, so each group keeps one
//! queue of what its writes stand for.

mod ahead;
mod apply;
mod aside;
mod bar;
mod candidate;
mod channels;
mod fault;
mod fetch;
#[cfg(test)]
mod fixture;
mod home;
mod intake;
mod keep;
mod known;
mod member;
mod relay;
mod repair;
mod risk;
mod space;
mod status;
mod witness;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;
use channel::Channels;
use journal::Chain;
use model::Model;
use register::{GroupState, Phase, Transition};
use types::{
    Config, Epoch, EpochTable, GroupId, Hash, Instant, MemberRole, NodeId, Now, Position, Seq,
    Stamp, Tail, Until,
};
use wire::{Command, GroupMessage, Meta, Orphan, Parcel, Record, Reply};

pub use bar::Bar;
pub use known::{Known, Stage};
pub use risk::AtRisk;
pub use status::{GroupStatus, PeerStatus, RoleStatus};
pub use witness::NoModel;

use crate::answers::Answers;
use crate::desk::{Asker, Desk};
use crate::marks::Marks;
use crate::post::Post;
use crate::versions::Versions;
use crate::{Event, GroupOptions};
use ahead::Ahead;
use bar::Odd;
use candidate::Candidate;
use fault::Doubt;
use fetch::{Fetching, Serving};
use home::Home;
use keep::Keep;
use repair::Repair;

/// What a group asks its node to do. Carried out in order.
#[derive(Debug)]
pub(crate) enum Out {
    /// Say something about this group.
    Send { to: NodeId, epoch: Epoch, body: GroupMessage },
    /// Hand a command to its home.
    Forward { to: NodeId, ticket: u64, command: Command, until: Until },
    /// Hand parcels to the home of another group.
    Post { to: GroupId, parcels: Vec<Parcel> },
    /// Append a record to the node's log, for the first time or again.
    Append(Bytes, Writing),
    /// Write the group's meta into the superblock.
    Meta(Vec<u8>),
    /// Read a record back.
    Load { seq: Seq, at: Position },
    /// Answer a client or another node.
    Answer { to: Asker, reply: Reply },
    /// Ask the register for a change, if the group still has this version there.
    Propose { version: u64, transition: Transition },
    /// Tell people.
    Note(Event),
    /// Write the next bytes of a snapshot's file.
    SnapshotWrite { seq: Seq, offset: u64, bytes: Bytes, is_last: bool },
    /// Read some bytes of a snapshot's file.
    SnapshotRead { seq: Seq, offset: u64, bytes_max: usize },
    /// Remove a snapshot's file, whole or not.
    SnapshotRemove { seq: Seq },
    /// There is a new snapshot to begin from.
    Kept,
    /// Snapshots are given up: a start must read all of the log that there is, until there are new ones.
    Lower,
    /// The log must be read from its first record, which takes a new start.
    Rewind,
}

/// What a write in flight stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum InFlight {
    /// A record; durable when it comes back.
    Record { epoch: Epoch, seq: Seq, hash: Hash },
    /// The meta; when it comes back, this may be said.
    Meta(Then),
    /// A record that was lost here, written anew.
    Repaired(Record),
}

/// Whether a record stands in the log where its chain grew. One that was written again says nothing
/// about what stood in the log before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    First,
    Again,
}

/// What a durable meta allows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    /// Answer a seal of this epoch.
    Promised {
        to: NodeId,
        epoch: Epoch,
    },
    /// Answer a new epoch.
    Joined {
        epoch: Epoch,
    },
    /// Count on a snapshot.
    Kept {
        seq: Seq,
    },
    /// Go on from another member's snapshot.
    Installed {
        at: Tail,
    },
    /// Start anew from the first record.
    Rewound,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// Follows a home, or has promised and waits for one.
    Member,
    /// Takes the group over.
    Candidate(Box<Candidate>),
    /// Appends.
    Home(Home),
    /// Holds records that contradict a peer's; takes no part until an operator has looked.
    Quarantined,
}

/// One group at one node.
#[derive(Clone, Debug)]
pub struct Group<M> {
    options: GroupOptions,
    id: GroupId,
    meta: Meta,
    /// What this node is to the group on the cluster's first day.
    first_role: Option<MemberRole>,
    chain: Chain,
    /// Everything up to here is durable on this node.
    durable: Seq,
    /// Highest commit watermark heard of or counted.
    known: Seq,
    role: Role,
    in_flight: VecDeque<InFlight>,
    /// Places of records that were set aside.
    aside: BTreeMap<(Epoch, Seq), Position>,
    /// The register's view, once this node has one.
    register: Option<GroupState>,
    connected: BTreeSet<NodeId>,

    fresh: M,
    model: M,
    answers: Answers,
    channels: Channels,
    applied: Seq,
    /// The provisional state of a home whose class answers before the commit.
    ahead: Option<Ahead<M>>,
    /// Digest chain over everything applied, outcomes included.
    trail: Hash,
    versions: Versions,
    marks: Marks,
    /// Whether most others came to another state than this node, which keeps its own to itself.
    odd: Option<Odd>,
    /// Whether this node was found to differ while it was home: it is to be home no longer, even if what
    /// it applied again came out right.
    yields: bool,
    /// Whether inputs have come since the start: until then old records are applied again.
    is_live: bool,
    /// Stamp of the last applied record.
    stamp: Stamp,
    /// Records and commands applied since the first.
    work: u64,
    keep: Keep<M>,
    /// Whether the meta on the disk does not know yet what must not be deleted.
    is_pin_new: bool,

    desk: Desk,
    post: Post,
    fetching: Option<Fetching>,
    serving: Vec<Serving>,
    /// Records read back and not yet used, and those being read.
    loaded: BTreeMap<Seq, Record>,
    loading: BTreeMap<Seq, Hash>,
    /// Reads that failed, and when. They count as under way until it is time to try again.
    unreadable: BTreeMap<Seq, Instant>,
    /// The chain this member was told to come to by a candidate.
    adopting: Option<(NodeId, Tail)>,
    ack_due: bool,
    /// Whether the log was damaged before the place up to which it has been read.
    is_damaged: bool,
    /// Whether the log is read from a place behind its first record.
    is_partial: bool,
    /// Whether damage of the log may have taken records after the last one found.
    may_lack_end: bool,
    /// Whether this replica may have held more than its chain has, and what is known about it.
    doubt: Doubt,
    repair: Repair,
    /// Whether the disk takes no more commands.
    is_disk_full: bool,
    /// When to look again at commands that wait for a home.
    retry: Option<Instant>,
}

impl<M: Model> Group<M> {
    /// A group as this node found it: `meta` from the superblock, if it was ever written, or the
    /// configuration of the cluster's first day. `fresh` is the model before the first command.
    pub fn new(
        options: GroupOptions,
        id: GroupId,
        meta: Option<Meta>,
        first: Config,
        fresh: M,
    ) -> Self {
        let first_role = first.role(options.me);
        let meta = meta.unwrap_or_else(|| Meta::new(first));
        let doubt = Doubt::of(&meta);
        let held_max = options.held_bytes_max;
        let chain = meta.snapshots.first().map_or_else(
            || Chain::new(held_max),
            |oldest| Chain::after(oldest.tail, oldest.stamp, held_max),
        );
        Self {
            options,
            id,
            keep: Keep::new(&meta.snapshots),
            meta,
            first_role,
            durable: chain.tail().seq,
            chain,
            known: Seq(0),
            role: Role::Member,
            in_flight: VecDeque::new(),
            aside: BTreeMap::new(),
            register: None,
            connected: BTreeSet::new(),
            model: fresh.clone(),
            fresh,
            answers: Answers::default(),
            channels: Channels::new(id),
            applied: Seq(0),
            ahead: None,
            trail: Hash::ZERO,
            versions: Versions::default(),
            marks: Marks::default(),
            odd: None,
            yields: false,
            is_live: false,
            stamp: Stamp(0),
            work: 0,
            is_pin_new: false,
            desk: Desk::default(),
            post: Post::default(),
            fetching: None,
            serving: Vec::new(),
            loaded: BTreeMap::new(),
            loading: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            adopting: None,
            ack_due: false,
            is_damaged: false,
            is_partial: false,
            may_lack_end: false,
            doubt,
            repair: Repair::default(),
            is_disk_full: false,
            retry: None,
        }
    }

    /// Takes a record found in the log at boot, in the order of the log. Orphans are passed over:
    /// the meta itemises them. `false` if the record cannot follow what came before it, which only
    /// a damaged log can cause.
    #[must_use]
    pub(crate) fn replay(&mut self, at: Position, record: &Record, writing: Writing) -> bool {
        let header = record.header();
        if !self.meta.table.holds(header.epoch, header.seq) {
            self.find_aside(header, at);
            // Itemised or not: it is the only copy of something, and stays where it is.
            self.pin(at);
            return true;
        }
        if header.seq <= self.chain.base().seq {
            return true;
        }
        match self.chain.fit(header, record.hash()) {
            journal::Fit::Next if self.may_lack_barriers() || self.versions.fits(header) => {
                self.chain.push(record, Some(at));
                self.versions.push_over(header);
                self.may_lack_end &= writing == Writing::Again;
            }
            journal::Fit::Gap if self.is_damaged || self.is_partial => {
                let table = &self.meta.table;
                self.chain.push_over(record, at, |seq| table.epoch_at(seq));
                self.versions.push_over(header);
                self.may_lack_end &= writing == Writing::Again;
            }
            // The later copy is the one that was written when the earlier could not be read.
            journal::Fit::Have => self.chain.place(header.seq, record.hash(), at),
            journal::Fit::Hole if self.chain.refill(record, at) => self.versions.learn(header),
            journal::Fit::Next | journal::Fit::Gap | journal::Fit::Fork | journal::Fit::Hole => {
                return false;
            }
        }
        self.durable = self.chain.tail().seq;
        true
    }

    /// Whether the barriers before the next record of the log may not all be known.
    fn may_lack_barriers(&self) -> bool {
        self.is_damaged || !self.chain.is_whole()
    }

    /// The log is read from a place behind its first record. What was damaged before that place, and
    /// repaired behind it, is missing until the repairs come.
    pub(crate) const fn begins_later(&mut self) {
        self.is_partial = true;
    }

    /// The first record that the log lacks with nothing to say why, when all of it was taken.
    pub(crate) fn unexplained_gap(&self) -> Option<Seq> {
        let first = self.chain.holes().next().map(|hole| hole.first);
        first.filter(|_| !self.is_damaged)
    }

    /// Takes a commit watermark found in the log at boot and applies what it allows. Watermarks of
    /// before a forced switch say nothing about what came after it.
    pub fn replay_commit(&mut self, commit: Seq) {
        let forced = self.meta.table.starts().iter().filter(|start| start.forced);
        let limit = forced.map(|start| start.seq.prev()).min().unwrap_or(commit);
        self.known = self.known.max(commit.min(limit));
        self.apply_at_hand(usize::MAX, &mut Vec::new());
    }

    /// Takes what the register knew when the node stopped. Acted on when the register next says so:
    /// a restarted candidate or home asks for a new epoch first.
    pub(crate) fn recovered(&mut self, state: &GroupState) {
        self.register = Some(state.clone());
    }

    /// Whether this node could begin to take the group over.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self.role, Role::Member) && self.bar().is_none()
    }

    /// The group's id.
    #[must_use]
    pub const fn id(&self) -> GroupId {
        self.id
    }

    /// The model after everything applied here. For those who ask about the application there is
    /// [`Group::readable`].
    #[must_use]
    pub const fn model(&self) -> &M {
        &self.model
    }

    /// Whether this node is the group's home, and of which epoch.
    #[must_use]
    pub const fn home_epoch(&self) -> Option<Epoch> {
        match &self.role {
            Role::Home(_) => Some(self.meta.promised),
            Role::Member | Role::Candidate(_) | Role::Quarantined => None,
        }
    }

    /// The epoch below which this node refuses.
    #[must_use]
    pub const fn promised(&self) -> Epoch {
        self.meta.promised
    }

    /// The durable commit watermark here: nothing above is applied.
    #[must_use]
    pub fn commit(&self) -> Seq {
        self.known.min(self.durable)
    }

    /// Where the chain here ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.chain.tail()
    }

    /// Everything up to here is durable on this node.
    #[must_use]
    pub const fn durable(&self) -> Seq {
        self.durable
    }

    /// Everything up to here is applied to the model here.
    #[must_use]
    pub const fn applied(&self) -> Seq {
        self.applied
    }

    /// Digest over everything applied here and every outcome: equal wherever the same is applied.
    #[must_use]
    pub const fn trail(&self) -> Hash {
        self.trail
    }

    /// The epochs that this node knows to have been active.
    #[must_use]
    pub const fn table(&self) -> &EpochTable {
        &self.meta.table
    }

    /// The configuration of the newest epoch recorded here.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.meta.config
    }

    /// The chain here.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What was set aside here.
    #[must_use]
    pub fn orphans(&self) -> &[Orphan] {
        &self.meta.orphans
    }

    /// Whether the epoch that is promised is also recorded as active here.
    fn is_joined(&self) -> bool {
        !self.meta.table.starts().is_empty() && self.meta.table.epoch() == self.meta.promised
    }

    /// The home this node would send a client to, with its epoch: the newer of what it follows and
    /// what the register says.
    #[must_use]
    pub fn home(&self) -> (Option<NodeId>, Epoch) {
        let followed = (self.meta.home, self.meta.table.epoch());
        match &self.register {
            Some(state) if state.epoch > followed.1 => (state.home, state.epoch),
            _ => followed,
        }
    }

    /// Handles a message of `from` about this group.
    pub(crate) fn message(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        body: GroupMessage,
        out: &mut Vec<Out>,
    ) {
        if self.role == Role::Quarantined {
            return;
        }
        // A record is what its hash says, in whatever epoch it is asked for.
        let is_repair = matches!(body, GroupMessage::Want { .. } | GroupMessage::Found { .. });
        let is_refusal = matches!(body, GroupMessage::Refused { .. });
        if epoch < self.meta.promised && !is_refusal && !is_repair {
            if body.asks() {
                let promised = self.meta.promised;
                self.say(from, promised, GroupMessage::Refused { promised }, out);
            }
            return;
        }
        match body {
            GroupMessage::Append { config, commit, record } => {
                self.on_append(now, from, epoch, config, commit, record, out);
            }
            GroupMessage::AppendAck { tail } => self.on_append_ack(now, from, epoch, tail),
            GroupMessage::Commit { commit } => self.on_commit(now, from, epoch, commit, out),
            GroupMessage::Refused { promised } => self.on_refused(promised, out),
            GroupMessage::Seal => self.on_seal(from, epoch, out),
            GroupMessage::SealAck { tail, table, commit, faults } => {
                self.on_seal_ack(from, epoch, tail, &table, commit, faults, out);
            }
            GroupMessage::Adopt { table, target } => {
                self.on_adopt(now, from, epoch, table, target, out);
            }
            GroupMessage::Adopted { tail } => self.on_adopted(from, epoch, tail),
            GroupMessage::NewEpoch { table, config } => {
                self.on_new_epoch(now, from, epoch, table, config, out);
            }
            GroupMessage::NewEpochAck { tail } => self.on_new_epoch_ack(now, from, epoch, tail),
            GroupMessage::Fetch { after } => self.on_fetch(from, epoch, after, out),
            GroupMessage::Entries { after: _, records, tail } => {
                self.on_entries(now, from, epoch, &records, tail, out);
            }
            GroupMessage::Want { first, last, hash } => {
                self.on_want(from, epoch, first, last, hash, out);
            }
            GroupMessage::Found { last, records } => self.on_found(from, last, &records, out),
            GroupMessage::AskEnd => self.on_ask_end(from, epoch, out),
            GroupMessage::End { tail } => self.on_end(now, from, epoch, tail, out),
            GroupMessage::Digest { seq, head, digest, kept } => {
                self.on_digest(from, seq, (head, digest), kept);
            }
            GroupMessage::SnapshotOffer { snapshot, tail } => {
                self.on_offer(now, from, epoch, snapshot, tail);
            }
            GroupMessage::SnapshotFetch { seq, offset } if epoch == self.meta.promised => {
                self.on_snapshot_fetch(from, seq, offset, out);
            }
            GroupMessage::SnapshotFetch { .. } => {}
            GroupMessage::SnapshotChunk { seq, offset, bytes } => {
                self.on_chunk(now, from, epoch, (seq, offset), bytes, out);
            }
        }
    }

    /// Takes the completion of this group's oldest write in flight.
    pub(crate) fn written(&mut self, at: Position, out: &mut Vec<Out>) {
        let written = self.in_flight.pop_front().expect("storage completes what was asked for");
        match written {
            InFlight::Record { epoch, seq, hash } => {
                self.chain.place(seq, hash, at);
                if self.chain.link(seq).is_some_and(|link| link.hash == hash) {
                    assert!(seq == self.durable.next(), "records become durable in order");
                    self.durable = seq;
                    self.ack_due = true;
                } else {
                    self.note_place(epoch, seq, at);
                }
            }
            InFlight::Repaired(record) => self.repaired(&record, at),
            InFlight::Meta(Then::Nothing) => {
                // What could not be acknowledged while the meta was on its way can be now.
                self.ack_due = true;
                self.remove_unnamed(out);
            }
            InFlight::Meta(Then::Promised { to, epoch }) => self.promised_durably(to, epoch, out),
            InFlight::Meta(Then::Joined { epoch }) => self.joined_durably(epoch, out),
            InFlight::Meta(Then::Kept { seq }) => self.kept_durably(seq, out),
            InFlight::Meta(Then::Installed { at }) => self.installed(at, out),
            InFlight::Meta(Then::Rewound) => out.push(Out::Rewind),
        }
    }

    /// Takes what the register now says of this group.
    pub(crate) fn register(&mut self, now: Now, state: &GroupState, out: &mut Vec<Out>) {
        if self.register.as_ref().is_some_and(|known| known.version >= state.version) {
            return;
        }
        self.register = Some(state.clone());
        if self.role == Role::Quarantined {
            return;
        }
        match state.phase {
            Phase::Sealing { epoch, candidate, kind, .. } => {
                if candidate == self.options.me {
                    self.begin_takeover(now, epoch, kind, state, out);
                } else {
                    self.yield_to(candidate, epoch, kind);
                }
            }
            Phase::Active => self.see_active(now, state, out),
        }
    }

    /// Takes the state of the session to a peer.
    pub(crate) fn peer(&mut self, now: Now, node: NodeId, up: bool) {
        if !up {
            self.connected.remove(&node);
            self.desk.recall(|to| to == node);
            return;
        }
        self.connected.insert(node);
        self.tell(node);
        // What was on its way over the old session may be lost.
        self.post.rewind(now.instant);
        match &mut self.role {
            Role::Home(home) => home.rewind(node, now.instant),
            Role::Candidate(candidate) => candidate.again(),
            Role::Member | Role::Quarantined => {}
        }
        if let Some(fetching) = self.fetching.as_mut().filter(|fetching| fetching.from == node) {
            fetching.asked = None;
        }
    }

    /// Does everything that is due: acknowledges, appends, ships, commits, applies, answers, hands
    /// over, asks again.
    pub(crate) fn proceed(&mut self, now: Now, out: &mut Vec<Out>) {
        self.is_live = true;
        let expired = self.desk.expire(now.instant);
        out.extend(expired.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
        match self.role {
            Role::Home(_) => self.proceed_as_home(now, out),
            Role::Candidate(_) => self.proceed_as_candidate(now, out),
            Role::Member => self.proceed_as_member(now, out),
            Role::Quarantined => return,
        }
        self.read_again(now);
        self.proceed_with_faults(now, out);
        self.serve_loaded(out);
        self.proceed_with_snapshots(now, out);
        self.run_ahead(now, APPLY_WORK_MAX, out);
        self.apply_ready(APPLY_WORK_MAX, out);
        self.proceed_with_channels(now, out);
        self.hand_over(now, out);
    }

    /// When this group next has something to do on its own.
    #[must_use]
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        if self.role == Role::Quarantined {
            return self.desk.next_deadline();
        }
        let more = self.may_apply() && self.is_next_at_hand() || self.can_run_ahead();
        let more = more.then_some(Instant(0));
        let role = match &self.role {
            Role::Home(home) => {
                let tail = self.chain.tail().seq;
                let is_idle = self.durable == tail && self.known == tail && !self.is_disk_full;
                home.next_deadline(&self.options, &self.connected, is_idle)
            }
            Role::Candidate(candidate) => Some(candidate.next_deadline(&self.options)),
            Role::Member | Role::Quarantined => None,
        };
        let fetch = self.fetching.as_ref().map(|fetching| {
            fetching.asked.map_or(Instant(0), |asked| asked.after(self.options.resend_us))
        });
        let post = self.post.next_deadline(self.options.resend_us);
        let read = self.unreadable.values().min().map(|at| at.after(self.options.resend_us));
        let faults = self.fault_deadline();
        let (retry, desk) = (self.retry, self.desk.next_deadline());
        let install = self.install_deadline();
        let own = [more, retry, desk, role, fetch, read, post, faults, install];
        own.into_iter().flatten().min()
    }

    /// Ends the role of home, whatever the reason.
    fn demote(&mut self, out: &mut Vec<Out>) {
        if !matches!(self.role, Role::Home(_)) {
            return;
        }
        let epoch = self.meta.table.epoch();
        self.role = Role::Member;
        self.drop_post();
        self.yields = false;
        // What it ran ahead with may be in no chain.
        self.ahead = None;
        out.push(Out::Note(Event::Demoted { group: self.id, epoch }));
        let answers = self.desk.demote(&self.not_home());
        out.extend(answers.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
    }

    fn quarantine(&mut self, seq: Seq, peer: NodeId, out: &mut Vec<Out>) {
        self.demote(out);
        self.role = Role::Quarantined;
        self.fetching = None;
        out.push(Out::Note(Event::Quarantined { group: self.id, seq, peer }));
    }

    fn say(&self, to: NodeId, epoch: Epoch, body: GroupMessage, out: &mut Vec<Out>) {
        out.push(Out::Send { to, epoch, body });
    }

    /// Nothing from `at` on is deleted.
    fn pin(&mut self, at: Position) {
        if self.meta.pinned.is_none_or(|pinned| at < pinned) {
            self.meta.pinned = Some(at);
            self.is_pin_new = true;
        }
    }

    fn write_meta(&mut self, then: Then, out: &mut Vec<Out>) {
        self.meta.faults = self.faults();
        self.is_pin_new = false;
        self.in_flight.push_back(InFlight::Meta(then));
        out.push(Out::Meta(self.meta.encode()));
    }

    /// Adds a record to the chain and to the log.
    fn append(&mut self, record: &Record, out: &mut Vec<Out>) {
        let tail = record.tail();
        self.chain.push(record, None);
        let (epoch, seq, hash) = (tail.epoch, tail.seq, tail.hash);
        self.versions.push(record.header());
        self.in_flight.push_back(InFlight::Record { epoch, seq, hash });
        out.push(Out::Append(record.bytes().clone(), Writing::First));
    }
}

/// Records and commands applied in one step, so that a long replay does not hold up everything else,
/// the node's sign of life among it. The last record may go beyond.
const APPLY_WORK_MAX: usize = 4_096;
