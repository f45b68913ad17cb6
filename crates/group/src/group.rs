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
mod closing;
mod disk;
mod disregard;
mod fault;
mod fetch;
#[cfg(test)]
pub(crate) mod fixture;
mod home;
mod intake;
mod keep;
mod known;
mod learn;
mod member;
mod message;
mod out;
mod quarantine;
mod reads;
mod relay;
mod reopen;
mod repair;
mod replay;
mod risk;
mod space;
mod status;
mod uncommitted;
mod view;
mod witness;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use channel::Channels;
use journal::Chain;
use model::Model;
use register::{GroupState, Phase};
use types::{
    Config, Epoch, GroupId, Hash, Instant, MemberRole, NodeId, Now, Position, Seq, Stamp, Tail,
};
use wire::{Contradiction, GroupMessage, Meta, Record};

pub use bar::Bar;
pub use known::{Known, Stage};
pub use reopen::reopening;
pub use risk::AtRisk;
pub use status::{GroupStatus, PeerStatus, RoleStatus};
pub use witness::NoModel;

use crate::answers::Answers;
use crate::desk::Desk;
use crate::marks::Marks;
use crate::post::Post;
use crate::versions::Versions;
use crate::{Event, GroupOptions};
use ahead::Ahead;
use bar::Odd;
use candidate::Candidate;
use closing::Closing;
pub(crate) use closing::CutPlace;
use fault::Doubt;
use fetch::{Fetching, Serving};
use home::Home;
use keep::Keep;
use out::{InFlight, Then};
pub(crate) use out::{Out, Writing};
use reads::Reads;
pub(crate) use reads::Standing;
use repair::Repair;
use uncommitted::Uncommitted;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    /// Follows a home, or has promised and waits for one.
    Member,
    /// Takes the group over.
    Candidate(Box<Candidate>),
    /// Appends.
    Home(Home),
    /// Out of service: holds records that contradict a peer's, or has to start anew.
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
    /// The configuration that the group is to come to, if that is another than it has.
    target: Option<Config>,
    connected: BTreeSet<NodeId>,
    /// Nodes whose word counts for nothing: they were given up by force.
    given_up: BTreeSet<NodeId>,

    fresh: M,
    model: M,
    answers: Answers,
    channels: Channels,
    applied: Seq,
    /// The provisional state of a home whose class answers before the commit.
    ahead: Option<Ahead<M>>,
    /// Since when what is not committed is here.
    uncommitted: Uncommitted,
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
    reads: Reads,
    closing: Closing,
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
        let chain = meta.chain_base().map_or_else(
            || Chain::new(held_max),
            |(tail, stamp)| Chain::after(tail, stamp, held_max),
        );
        // With a snapshot they are in that.
        let base = meta.base.filter(|_| meta.snapshots.is_empty());
        let barriers = base.map(|base| (base.tail.seq, base.model)).into_iter().collect();
        Self {
            options,
            id,
            keep: Keep::new(&meta.snapshots),
            role: if meta.contradiction.is_some() { Role::Quarantined } else { Role::Member },
            meta,
            first_role,
            durable: chain.tail().seq,
            chain,
            known: base.map_or(Seq(0), |base| base.tail.seq),
            in_flight: VecDeque::new(),
            aside: BTreeMap::new(),
            register: None,
            target: None,
            connected: BTreeSet::new(),
            given_up: BTreeSet::new(),
            model: fresh.clone(),
            fresh,
            answers: Answers::default(),
            channels: Channels::new(id),
            applied: Seq(0),
            ahead: None,
            uncommitted: Uncommitted::default(),
            trail: Hash::ZERO,
            versions: Versions::known(barriers),
            marks: Marks::default(),
            odd: None,
            yields: false,
            is_live: false,
            stamp: Stamp(0),
            work: 0,
            is_pin_new: false,
            desk: Desk::default(),
            reads: Reads::default(),
            closing: Closing::default(),
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

    /// Takes what the register now says of this group.
    pub(crate) fn register(&mut self, now: Now, state: &GroupState, out: &mut Vec<Out>) {
        if self.register.as_ref().is_some_and(|known| known.version >= state.version) {
            return;
        }
        self.register = Some(state.clone());
        self.look_at_base();
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
        let is_first = !core::mem::replace(&mut self.is_live, true);
        if is_first && let Some(Contradiction { seq, peer }) = self.meta.contradiction {
            // Whoever reads what a start says is told again.
            out.push(Out::Note(Event::Quarantined { group: self.id, seq, peer }));
        }
        let expired = self.desk.expire(now.instant);
        out.extend(expired.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
        match self.role {
            Role::Home(_) => self.proceed_as_home(now, out),
            Role::Candidate(_) => self.proceed_as_candidate(now, out),
            Role::Member => self.proceed_as_member(now, out),
            Role::Quarantined => return,
        }
        self.note_uncommitted(now);
        self.read_again(now);
        self.proceed_with_faults(now, out);
        self.serve_loaded(out);
        self.proceed_with_snapshots(now, out);
        self.run_ahead(now, APPLY_WORK_MAX, out);
        self.apply_ready(APPLY_WORK_MAX, out);
        self.note_closing(now);
        self.proceed_with_reads(now, out);
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
        let (confirm, beat) = (self.reads_deadline(), self.beat_deadline());
        let own = [more, retry, desk, role, fetch, read, post, faults, install, confirm, beat];
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

    fn say(&self, to: NodeId, epoch: Epoch, body: GroupMessage, out: &mut Vec<Out>) {
        if self.role != Role::Quarantined {
            out.push(Out::Send { to, epoch, body });
        }
    }
}

/// Records and commands applied in one step, so that a long replay does not hold up everything else,
/// the node's sign of life among it. The last record may go beyond.
const APPLY_WORK_MAX: usize = 4_096;
