//! A cluster in one thread: nodes, links, disks, clocks and clients on one agenda.
//!
//! Nothing happens but events of the agenda, in the order of their times and, at equal times, of
//! their planning. Every event is drawn from the seed or follows from earlier events, so a run is its
//! seed. The world knows what no node can know, and lets [`Check`] look at all of it.

mod clients;
mod damage;
mod force;
mod members;
mod power;
mod readers;
mod recall;
mod sessions;
mod step;
mod terms;
mod upgrades;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use bytes::Bytes;
use group::{Decision, Folder, Input, Node, Order, OrderRefusal};
use register::{Disposition, SealKind};
use types::{GroupId, NodeId, Now, Position, ReadId, RequestId, WriteId};
use wire::{Meta, Orphan};

pub use clients::{Ask, Asked};
pub use readers::{AtCut, Shown};

use crate::app::Ray;
use crate::clock::Clock;
use crate::knobs::SECOND;
use crate::names::Names;
use crate::net::{Index, Net};
use crate::{App, Check, Code, Disk, Knobs, Name, Report, Rng, Trace};
use clients::Client;
use force::Burned;
use members::Wish;
pub(crate) use members::forces;
use readers::Reads;
use recall::Recalled;

/// Something on the agenda.
#[derive(Debug)]
pub(crate) enum Event {
    /// A frame arrives, if its session still stands.
    Deliver { from: Index, to: Index, session: u64, bytes: Bytes },
    /// A pair sees whether it can open a session.
    Poll { a: Index, b: Index },
    /// A pair sees whether its session is dead.
    Doubt { a: Index, b: Index, session: u64 },
    /// A node learns that a session is gone.
    Down { node: Index, life: u64, peer: Index, session: u64 },
    /// A sync ends.
    Synced { node: Index, life: u64 },
    /// A lying disk reports a write.
    Early { node: Index, life: u64, id: WriteId, at: Position },
    /// A piece of a file is written.
    File { node: Index, life: u64, name: Name, end: u64 },
    /// A read of a file ends.
    ReadFile { node: Index, life: u64, id: ReadId, name: Name, offset: u64, bytes_max: usize },
    /// A read ends.
    Read { node: Index, life: u64, id: ReadId, at: Position },
    /// A node handles what has come in.
    Step { node: Index, life: u64 },
    /// A node's deadline has come.
    Wake { node: Index, life: u64, at: u64 },
    /// A node gets its power back.
    Start { node: Index },
    /// A node goes on.
    Resume { node: Index },
    /// A disk has room again.
    Room { node: Index },
    /// A direction is mended.
    Mend { from: Index, to: Index },
    /// A direction delivers in time again.
    Unclog { from: Index, to: Index },
    /// A fault strikes, and is planned again.
    Strike { rate: usize },
    /// People see what is next after a loss of most machines.
    Burned,
    /// The two that go on by themselves are lost, or what comes after that.
    Recalled,
    /// A machine that was thought to be lost is found.
    Find { node: Index },
    /// Operators see whether what they want of the nodes was ordered.
    Operate,
    /// A client acts.
    Client { client: usize, turn: u64 },
    /// A reader acts.
    Reader { reader: usize, turn: u64 },
}

#[derive(Debug)]
struct Entry {
    at: u64,
    number: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// A machine: what runs on it, its disk, its clocks.
#[derive(Debug)]
pub(crate) struct Host {
    node: Option<Node<App>>,
    /// Rises with every start and every loss of power.
    life: u64,
    disk: Disk,
    clock: Clock,
    /// What a start finds its folder to be.
    folder: Folder,
    /// The code that its node is started with.
    code: Code,
    /// What may strike its memory.
    ray: Ray,
    is_paused: bool,
    /// Whether its disk holds what was never in the journal.
    is_forged: bool,
    /// Is kept from getting its power back for now.
    is_fenced: bool,
    /// Never gets its power back.
    is_retired: bool,
    /// Bits have flipped in a record of the register once.
    has_lost_vote: bool,
    /// Whether the node that runs was told that its disk is full.
    is_told_full: bool,
    /// Rises when a pause begins and when it ends.
    pauses: u64,
    /// Loses power in its next step, between two effects.
    dies_in_step: bool,
    inbox: Vec<Input>,
    step_planned: bool,
    wake_at: u64,
    /// Steps taken in the second that ends at this time.
    steps: (u64, u64),
}

/// The cluster.
#[derive(Debug)]
pub struct World {
    now: u64,
    agenda: BinaryHeap<Reverse<Entry>>,
    planned: u64,
    knobs: Knobs,
    names: Names,
    /// For faults and for what has no stream of its own.
    pub(crate) chance: Rng,
    net_chance: Rng,
    disk_chance: Rng,
    client_chance: Rng,
    read_chance: Rng,
    reads: Reads,
    pub(crate) net: Net,
    /// Hosts whose disks bits flip on.
    failing: Vec<Index>,
    hosts: Vec<Host>,
    /// Hosts that were not there on the first day, and whose place each has.
    came: BTreeMap<Index, Option<Index>>,
    /// What operators want of the nodes and the register does not know yet, and how often they tried.
    wishes: Vec<(Wish, u32)>,
    /// A loss of most machines that people work on.
    burned: Option<Burned>,
    /// Two whose word is about to be taken back.
    recalled: Option<Recalled>,
    clients: Vec<Client>,
    requests: BTreeMap<RequestId, Asked>,
    requests_made: u64,
    moves_made: u64,
    /// What came of the last order that was answered.
    refusal: Option<OrderRefusal>,
    /// Whether clients make new commands.
    is_busy: bool,
    /// Whether faults strike.
    is_faulty: bool,
    pub(crate) check: Check,
    pub(crate) trace: Trace,
    pub(crate) report: Report,
}

impl World {
    /// A world at time 0: all nodes are about to start on empty disks.
    #[must_use]
    pub fn new(knobs: Knobs, mut rng: Rng, is_read: bool) -> Self {
        let mut clock_chance = rng.split();
        let clocks = knobs.clocks(&mut clock_chance).into_iter();
        let hosts = clocks.map(|clock| Host::new(Disk::new(knobs.lie), clock, knobs.first_code()));
        let hosts: Vec<Host> = hosts.collect();
        let mut world = Self {
            now: 0,
            agenda: BinaryHeap::new(),
            planned: 0,
            chance: rng.split(),
            net_chance: rng.split(),
            disk_chance: rng.split(),
            client_chance: rng.split(),
            read_chance: rng.split(),
            reads: Reads::default(),
            net: Net::new(knobs.net),
            failing: Vec::new(),
            hosts,
            came: BTreeMap::new(),
            wishes: Vec::new(),
            burned: None,
            recalled: None,
            clients: Vec::new(),
            requests: BTreeMap::new(),
            requests_made: 0,
            moves_made: 0,
            refusal: None,
            is_busy: true,
            is_faulty: true,
            check: Check::default(),
            trace: Trace::new(is_read),
            report: Report::default(),
            knobs,
            names: Names::default(),
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for node in 0..self.count() {
            let at = self.chance.below(300_000);
            self.plan(at, Event::Start { node });
            for b in node + 1..self.count() {
                let at = self.chance.below(100_000);
                self.plan(at, Event::Poll { a: node, b });
            }
        }
        for rate in 0..self.knobs.rates.len() {
            self.plan_strike(rate);
        }
        self.check.has_good_clocks = self.knobs.has_good_clocks();
        self.begin_clients();
        self.begin_readers();
    }

    /// Nodes in the world.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.hosts.len()
    }

    /// Microseconds since the world began.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.now
    }

    /// What the run was told.
    #[must_use]
    pub const fn knobs(&self) -> &Knobs {
        &self.knobs
    }

    /// What was seen and done so far.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The checkers.
    #[must_use]
    pub const fn check(&self) -> &Check {
        &self.check
    }

    /// Why the order that was answered last was refused; `None` if it was not.
    #[must_use]
    pub const fn refusal(&self) -> Option<&OrderRefusal> {
        self.refusal.as_ref()
    }

    /// The trace.
    #[must_use]
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The node on a host, unless that has no power.
    #[must_use]
    pub fn node(&self, host: Index) -> Option<&Node<App>> {
        self.hosts.get(host)?.node.as_ref()
    }

    /// A host's disk.
    #[must_use]
    pub fn disk(&self, host: Index) -> Option<&Disk> {
        Some(&self.hosts.get(host)?.disk)
    }

    /// A record of a host's log, as the node would read it back.
    #[must_use]
    pub fn read_log(&self, host: Index, at: Position) -> Option<Bytes> {
        self.hosts.get(host)?.disk.read(at)
    }

    /// What a host's clocks say.
    #[must_use]
    pub fn clocks(&self, host: Index) -> Now {
        self.hosts[host].clock.read(self.now)
    }

    /// Runs until `until`, or until an invariant is broken.
    pub fn run_to(&mut self, until: u64) {
        self.run_until(until, |_| false);
    }

    /// Runs for `micros`.
    pub fn run_for(&mut self, micros: u64) {
        self.run_to(self.now + micros);
    }

    /// Runs until `is_done`, at the latest until `until`. Whether it was done.
    pub fn run_until(&mut self, until: u64, is_done: impl Fn(&Self) -> bool) -> bool {
        while self.check.violation().is_none() {
            if is_done(self) {
                return true;
            }
            match self.agenda.peek() {
                Some(Reverse(entry)) if entry.at <= until => {}
                _ => {
                    self.now = self.now.max(until);
                    return is_done(self);
                }
            }
            let Some(Reverse(entry)) = self.agenda.pop() else { return false };
            self.now = entry.at;
            self.happen(entry.event);
        }
        false
    }

    /// Stops faults from striking.
    pub const fn calm(&mut self) {
        self.is_faulty = false;
    }

    pub(crate) fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        let entry = Entry { at: at.max(self.now), number: self.planned, event };
        self.agenda.push(Reverse(entry));
    }

    pub(crate) fn plan_in(&mut self, micros: u64, event: Event) {
        self.plan(self.now + micros, event);
    }

    fn plan_strike(&mut self, rate: usize) {
        let every_us = self.knobs.rates[rate].every_us;
        let wait = self.chance.between(every_us / 4, every_us * 7 / 4);
        self.plan_in(wait, Event::Strike { rate });
    }

    fn happen(&mut self, event: Event) {
        self.report.events += 1;
        match event {
            Event::Deliver { from, to, session, bytes } => self.deliver(from, to, session, bytes),
            Event::Poll { a, b } => self.poll(a, b),
            Event::Doubt { a, b, session } => self.doubt(a, b, session),
            Event::Down { node, life, peer, session } => self.down(node, life, peer, session),
            Event::Synced { node, life } => self.synced(node, life),
            Event::Early { node, life, id, at } => {
                if self.hosts[node].life == life {
                    self.give(node, Input::Written { id, at });
                }
            }
            Event::Read { node, life, id, at } => {
                if self.hosts[node].life == life {
                    let bytes = self.hosts[node].disk.read(at);
                    self.give(node, Input::Loaded { id, bytes });
                }
            }
            Event::File { node, life, name, end } => self.filed(node, life, name, end),
            Event::ReadFile { node, life, id, name, offset, bytes_max } => {
                if self.hosts[node].life == life {
                    let bytes = self.hosts[node].disk.files.read(name, offset, bytes_max);
                    self.give(node, Input::Loaded { id, bytes });
                }
            }
            Event::Step { node, life } => self.step(node, life),
            Event::Wake { node, life, at } => {
                let host = &mut self.hosts[node];
                if host.life == life && host.wake_at == at {
                    host.wake_at = u64::MAX;
                    self.give(node, Input::Wake);
                }
            }
            Event::Start { node } => self.start(node),
            Event::Resume { node } => self.resume(node),
            Event::Room { node } => self.set_room(node, true),
            Event::Mend { from, to } => self.net.mend(from, to),
            Event::Unclog { from, to } => self.net.clog(from, to, 0),
            Event::Strike { rate } => {
                if self.is_faulty {
                    self.strike(self.knobs.rates[rate].fault);
                    self.plan_strike(rate);
                }
            }
            Event::Burned => self.tend(),
            Event::Recalled => self.tend_recalled(),
            Event::Find { node } => self.find(node),
            Event::Operate => self.operate(),
            Event::Client { client, turn } => self.client(client, turn),
            Event::Reader { reader, turn } => self.reader(reader, turn),
        }
    }

    /// Whether the disks of all members hold an epoch of their groups.
    #[must_use]
    pub fn has_joined_all(&self) -> bool {
        let has_joined = |node: NodeId, group: GroupId| {
            let blob = self.hosts[self.names.host(node)].disk.blobs().get(&group);
            let meta = blob.and_then(|blob| Meta::decode(blob).ok());
            meta.is_some_and(|meta| !meta.table.starts().is_empty())
        };
        let groups = (0..self.knobs.groups).map(GroupId);
        groups
            .into_iter()
            .all(|group| self.members_of(group).into_iter().all(|node| has_joined(node, group)))
    }

    /// Whether no message between groups waits for its answer, but for frozen channels.
    #[must_use]
    pub fn is_all_answered(&self) -> bool {
        let nodes = self.hosts.iter().filter_map(|host| host.node.as_ref());
        // A node that is no member of a group may have some old state of it.
        nodes.flat_map(Node::groups).filter(|group| group.runs_model()).all(|group| {
            let mut outboxes = group.channels().outboxes();
            outboxes.all(|(_, end)| end.last() == end.resolved() || end.frozen().is_some())
        })
    }

    /// When the run is over and all replicas agree: what was told stands, what was durable is kept.
    pub fn last_look(&mut self) {
        let groups = (0..self.knobs.groups).map(GroupId);
        let members: BTreeMap<GroupId, Vec<NodeId>> =
            groups.map(|group| (group, self.members_of(group))).collect();
        for (index, host) in self.hosts.iter().enumerate() {
            let Some(node) = &host.node else { continue };
            self.check.holds_all(index, node);
            if self.check.is_excused(index) {
                continue;
            }
            self.check.equal_bytes(index, node, &host.disk);
            let is_member = |group: GroupId| {
                members.get(&group).is_some_and(|all| all.contains(&self.names.id(index)))
            };
            let with_model = node.groups().filter(|group| group.runs_model());
            for group in with_model.filter(|group| is_member(group.id())) {
                self.check.outcomes_stand(group.id(), |id, digest| group.answer(id, digest));
                self.check.digest(group);
                self.check.nothing_in_flight(group);
            }
        }
        for (index, host) in self.hosts.iter().enumerate() {
            let nodes = host.node.iter();
            nodes.for_each(|node| self.check.holds_early(index, node));
        }
        self.check.hold_all_cuts();
        // A node that stays dead has nobody to ask what it had answered.
        if self.hosts.iter().all(|host| host.node.is_some()) {
            self.check.early_all_found();
        }
    }

    /// Gives an order to the node on `at`, if it runs.
    pub fn order(&mut self, at: Index, groups: Vec<GroupId>, to: NodeId, kind: SealKind) {
        if kind == SealKind::Forced {
            self.check.forced();
        }
        self.give_order(at, groups, Some(to), kind);
    }

    /// Orders a group to degrade or to be restored.
    pub fn reconfigure(&mut self, at: Index, groups: Vec<GroupId>, kind: SealKind) {
        self.give_order(at, groups, None, kind);
    }

    fn give_order(&mut self, at: Index, groups: Vec<GroupId>, to: Option<NodeId>, kind: SealKind) {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let order = Order {
            groups,
            to,
            kind,
            actor: "operator".into(),
            reason: "because the simulator says so".into(),
        };
        self.give(at, Input::Order { request, order });
    }

    /// Has an operator decide at a node what becomes of a run that was set aside.
    pub fn dispose(&mut self, at: Index, group: GroupId, run: Orphan, disposition: Disposition) {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let (actor, reason) = ("operator".into(), "because the simulator says so".into());
        let decision = Decision { group, run, disposition, case: 0, actor, reason };
        self.give(at, Input::Dispose { request, decision });
    }
}

/// How long a client waits beyond the deadline it names.
const GRACE_US: u64 = SECOND;
