//! A small deterministic world: members, links, disks, one clock, one seed.
//!
//! Checks run as it goes: all members apply the same sequence, an epoch has one home, a version never
//! falls at a member, what a proposer was told is what was decided.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use register::{
    Activation, Change, Effect, ForceRefusal, Input, Membership, MembershipChange, Options, Phase,
    Proposal, ProposalId, Register, Results, SealKind, Transition,
};
use types::{Config, ConfigId, Epoch, GroupId, Hash, Instant, NodeId, Now, Seq, Stamp, WriteId};

pub(crate) const TICK_US: u64 = 100_000;
pub(crate) const SECOND: u64 = 1_000_000;

pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn chance(&mut self, ppm: u64) -> bool {
        self.below(1_000_000) < ppm
    }
}

/// Faults as data; see [`Net::calm`] for their absence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Net {
    pub(crate) loss_ppm: u64,
    pub(crate) copy_ppm: u64,
    pub(crate) delay_us_min: u64,
    pub(crate) delay_us_max: u64,
    pub(crate) write_us_max: u64,
    pub(crate) stall_ppm: u64,
}

impl Net {
    pub(crate) const fn calm() -> Self {
        Self {
            loss_ppm: 0,
            copy_ppm: 0,
            delay_us_min: 20_000,
            delay_us_max: 20_000,
            write_us_max: 4_000,
            stall_ppm: 0,
        }
    }

    pub(crate) fn drawn(rng: &mut Rng) -> Self {
        let delay_us_min = rng.between(100, 40_000);
        Self {
            loss_ppm: [0, 10_000, 50_000, 200_000][rng.below(4) as usize],
            copy_ppm: [0, 10_000, 100_000][rng.below(3) as usize],
            delay_us_min,
            delay_us_max: delay_us_min + [0, 1_000, 60_000, 300_000][rng.below(4) as usize],
            write_us_max: [500, 5_000, 60_000][rng.below(3) as usize],
            stall_ppm: [0, 0, 2_000][rng.below(3) as usize],
        }
    }
}

#[derive(Debug)]
enum Event {
    Deliver { from: usize, to: usize, bytes: Bytes },
    Written { node: usize, life: u64, id: WriteId },
    Wake { node: usize, life: u64 },
    Start { node: usize },
}

struct Member {
    register: Option<Register>,
    life: u64,
    disk: Vec<Vec<u8>>,
    writing: VecDeque<(WriteId, Bytes)>,
    write_free_at: u64,
    wake_at: u64,
    /// Audit entries already compared.
    compared: u64,
    versions: BTreeMap<GroupId, u64>,
    proposed: u32,
}

pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) rng: Rng,
    pub(crate) net: Net,
    pub(crate) cuts: BTreeSet<(usize, usize)>,
    /// Hash over everything that left any member, in order.
    pub(crate) trace: u64,
    pub(crate) decided: BTreeMap<ProposalId, Results>,
    pub(crate) given_up: BTreeSet<ProposalId>,
    /// Why no generation was begun by force.
    pub(crate) not_forced: BTreeMap<ProposalId, ForceRefusal>,
    /// Who has said that another history was begun anew by force elsewhere.
    pub(crate) split: BTreeSet<usize>,
    pub(crate) frames: u64,
    /// How often a member came to follow another leader, or none.
    pub(crate) leader_notes: u64,
    members: Vec<Member>,
    /// How many of them were there on the first day.
    founders: usize,
    /// Members whose last start ended because another history goes on.
    pub(crate) diverged: BTreeSet<usize>,
    /// Members that may know what is in no history any more.
    strays: BTreeSet<usize>,
    groups: u16,
    agenda: BTreeMap<(u64, u64), Event>,
    planned: u64,
    chain: BTreeMap<u64, Hash>,
    homes: BTreeMap<(GroupId, Epoch), NodeId>,
}

std::thread_local! {
    /// Ids of those that came after a beginning by force: which these are, the register says.
    static LATER: RefCell<BTreeMap<usize, NodeId>> = const { RefCell::new(BTreeMap::new()) };
}

pub(crate) fn node(index: usize) -> NodeId {
    let later = LATER.with_borrow(|later| later.get(&index).copied());
    // Not 1, 2, 3: node ids are not the library's member numbers.
    later.unwrap_or_else(|| NodeId(u16::try_from(index).unwrap() * 7 + 11))
}

fn index(node: NodeId) -> usize {
    let later = LATER
        .with_borrow(|later| later.iter().find(|(_, id)| **id == node).map(|(index, _)| *index));
    later.unwrap_or_else(|| usize::from((node.0 - 11) / 7))
}

pub(crate) fn config(count: usize) -> Config {
    Config::new(ConfigId(1), (0..count.min(3)).map(node).collect(), 2.min(count)).unwrap()
}

pub(crate) fn options(own: usize, count: usize, groups: u16) -> Options {
    Options {
        node: node(own),
        members: (0..count).rev().map(node).collect(),
        genesis: (0..groups).map(|group| (GroupId(group), config(count))).collect(),
        tick_us: TICK_US,
        election_ticks: 8,
        resend_ticks: 4,
        retry_us: 500_000,
        proposal_timeout_us: 5 * SECOND,
    }
}

impl Member {
    fn new() -> Self {
        Self {
            register: None,
            life: 0,
            disk: Vec::new(),
            writing: VecDeque::new(),
            write_free_at: 0,
            wake_at: u64::MAX,
            compared: 0,
            versions: BTreeMap::new(),
            proposed: 0,
        }
    }
}

impl World {
    pub(crate) fn new(seed: u64, count: usize, groups: u16, net: Net) -> Self {
        let members = (0..count).map(|_| Member::new()).collect();
        LATER.with_borrow_mut(BTreeMap::clear);
        let mut world = Self {
            now: 0,
            rng: Rng::new(seed),
            net,
            cuts: BTreeSet::new(),
            trace: 0xcbf2_9ce4_8422_2325,
            decided: BTreeMap::new(),
            given_up: BTreeSet::new(),
            not_forced: BTreeMap::new(),
            split: BTreeSet::new(),
            frames: 0,
            leader_notes: 0,
            members,
            founders: count,
            diverged: BTreeSet::new(),
            strays: BTreeSet::new(),
            groups,
            agenda: BTreeMap::new(),
            planned: 0,
            chain: BTreeMap::new(),
            homes: BTreeMap::new(),
        };
        for member in 0..count {
            let at = world.rng.below(300_000);
            world.plan(at, Event::Start { node: member });
        }
        world
    }

    /// One more machine with an empty disk, which was not there on the first day. Gives its number.
    pub(crate) fn join(&mut self) -> usize {
        let rosters = self.members.iter().filter_map(|one| one.register.as_ref());
        let next = rosters.map(|one| one.state().roster().next_id()).max().unwrap_or(NodeId(1));
        let last = (0..self.count()).map(node).max().unwrap();
        self.members.push(Member::new());
        let member = self.count() - 1;
        if next > node(member) || last > node(member) {
            let id = next.max(NodeId(last.0 + 1));
            LATER.with_borrow_mut(|later| later.insert(member, id));
        }
        self.plan(self.now, Event::Start { node: member });
        member
    }

    /// A machine is gone for good.
    pub(crate) fn lose(&mut self, member: usize) {
        self.crash(member, u64::MAX / 2);
    }

    /// A machine that was thought to be gone for good is back.
    pub(crate) fn find(&mut self, member: usize) {
        self.strays.insert(member);
        self.plan(self.now, Event::Start { node: member });
    }

    /// A member goes on in a history of its own from here on.
    pub(crate) fn part(&mut self, member: usize) {
        self.strays.insert(member);
    }

    /// What was decided by those that are lost is no part of history any more; whom it made home, and in
    /// which epoch, stays known: no epoch may have another home in what follows.
    pub(crate) fn forget_chain(&mut self) {
        let left: BTreeSet<u64> = self
            .members
            .iter()
            .filter_map(|member| member.register.as_ref())
            .map(|register| register.state().audit().count())
            .collect();
        let last = left.last().copied().unwrap_or(0);
        let known = self.members.iter().filter_map(|member| member.register.as_ref());
        let hashes: BTreeMap<u64, Hash> = known
            .flat_map(|register| {
                register
                    .state()
                    .audit()
                    .newest()
                    .map(|entry| (entry.number, entry.hash))
                    .collect::<Vec<_>>()
            })
            .collect();
        self.chain.retain(|number, _| *number <= last);
        self.chain.extend(hashes);
    }

    pub(crate) fn is_up(&self, member: usize) -> bool {
        self.members[member].register.is_some()
    }

    pub(crate) fn count(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn register(&self, member: usize) -> &Register {
        self.members[member].register.as_ref().unwrap()
    }

    pub(crate) fn instant(&self) -> Instant {
        Instant(self.now)
    }

    fn plan(&mut self, at: u64, event: Event) {
        self.planned += 1;
        self.agenda.insert((at.max(self.now), self.planned), event);
    }

    /// Power off: what is not on disk yet is on disk up to some write, and lost from there.
    pub(crate) fn crash(&mut self, member: usize, down_us: u64) {
        let at = self.now + down_us;
        let kept = self.rng.below(self.members[member].writing.len() as u64 + 1);
        let state = &mut self.members[member];
        if state.register.take().is_none() {
            return;
        }
        for _ in 0..kept {
            let (_, bytes) = state.writing.pop_front().unwrap();
            state.disk.push(bytes.to_vec());
        }
        state.writing.clear();
        self.plan(at, Event::Start { node: member });
    }

    /// Cuts the link in one direction.
    pub(crate) fn cut(&mut self, from: usize, to: usize) {
        self.cuts.insert((from, to));
    }

    pub(crate) fn isolate(&mut self, member: usize) {
        for other in 0..self.count() {
            self.cut(member, other);
            self.cut(other, member);
        }
    }

    pub(crate) fn run_for(&mut self, micros: u64) {
        let end = self.now + micros;
        while self.step(end) {}
        self.now = end;
    }

    /// Runs until `done` or `micros` have passed; says whether it was done, and when.
    pub(crate) fn run_until(&mut self, micros: u64, done: impl Fn(&Self) -> bool) -> Option<u64> {
        let begin = self.now;
        loop {
            if done(self) {
                return Some(self.now - begin);
            }
            if !self.step(begin + micros) {
                return None;
            }
        }
    }

    fn step(&mut self, end: u64) -> bool {
        let Some((&(at, number), _)) = self.agenda.iter().next() else { return false };
        if at > end {
            return false;
        }
        let event = self.agenda.remove(&(at, number)).unwrap();
        self.now = at;
        match event {
            Event::Deliver { from, to, bytes } => {
                if !self.cuts.contains(&(from, to)) {
                    self.input(to, Input::Message { from: node(from), bytes });
                }
            }
            Event::Written { node, life, id } => {
                let member = &mut self.members[node];
                if member.life == life && member.register.is_some() {
                    let (front, bytes) = member.writing.pop_front().unwrap();
                    assert_eq!(front, id);
                    member.disk.push(bytes.to_vec());
                    self.input(node, Input::Written(id));
                }
            }
            Event::Wake { node, life } => {
                if self.members[node].life == life && self.members[node].wake_at <= self.now {
                    self.members[node].wake_at = u64::MAX;
                    self.input(node, Input::Wake);
                }
            }
            Event::Start { node } => self.start(node),
        }
        true
    }

    fn start(&mut self, member: usize) {
        let (now, count, groups) = (Instant(self.now), self.founders, self.groups);
        let state = &mut self.members[member];
        if state.register.is_some() {
            return;
        }
        let records = state.disk.iter().map(Vec::as_slice);
        let register = Register::recover(options(member, count, groups), now, records).unwrap();
        register.assert_invariants();
        if self.strays.contains(&member) {
            (state.compared, state.versions) = (0, BTreeMap::new());
        }
        // Applied is only what was durable, so a restart never looks back behind what was seen.
        assert!(register.state().audit().count() >= state.compared, "a restart forgot a decision");
        state.register = Some(register);
        state.life += 1;
        state.proposed = 0;
        state.write_free_at = self.now;
        state.wake_at = u64::MAX;
        self.input(member, Input::Wake);
    }

    pub(crate) fn input(&mut self, member: usize, input: Input) {
        let now = Now { instant: Instant(self.now), wall: Stamp(self.now + 77) };
        let mut effects = Vec::new();
        let Some(register) = &mut self.members[member].register else { return };
        register.handle(now, input, &mut effects);
        register.assert_invariants();
        let deadline = register.next_deadline();
        for effect in effects {
            self.effect(member, effect);
        }
        self.compare(member);
        if let Some(Instant(at)) = deadline
            && at < self.members[member].wake_at
        {
            self.members[member].wake_at = at;
            let life = self.members[member].life;
            self.plan(at, Event::Wake { node: member, life });
        }
    }

    fn mix(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.trace = (self.trace ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn effect(&mut self, member: usize, effect: Effect) {
        let text = format!("{} {member} {effect:?}", self.now);
        self.mix(text.as_bytes());
        match effect {
            Effect::Send { to, bytes } => {
                self.frames += 1;
                let to = index(to);
                if self.cuts.contains(&(member, to)) || self.rng.chance(self.net.loss_ppm) {
                    return;
                }
                let copies = if self.rng.chance(self.net.copy_ppm) { 2 } else { 1 };
                for _ in 0..copies {
                    let delay = self.rng.between(self.net.delay_us_min, self.net.delay_us_max);
                    let bytes = bytes.clone();
                    self.plan(self.now + delay, Event::Deliver { from: member, to, bytes });
                }
            }
            Effect::Write { id, bytes } => {
                let stall = if self.rng.chance(self.net.stall_ppm) { 3 * SECOND } else { 0 };
                let taken = self.rng.between(50, self.net.write_us_max) + stall;
                let state = &mut self.members[member];
                state.writing.push_back((id, bytes));
                state.write_free_at = state.write_free_at.max(self.now) + taken;
                let (at, life) = (state.write_free_at, state.life);
                self.plan(at, Event::Written { node: member, life, id });
            }
            Effect::Decided { proposal, results } => {
                assert_eq!(proposal.node, node(member), "told to its proposer");
                assert!(self.decided.insert(proposal, results).is_none(), "told once");
            }
            Effect::Undecided { proposal, .. } => {
                self.given_up.insert(proposal);
            }
            Effect::NotForced { proposal, why } => {
                assert!(self.not_forced.insert(proposal, why).is_none(), "told once");
            }
            Effect::Note(register::Event::Split { .. }) => {
                self.split.insert(member);
            }
            Effect::Note(register::Event::Leader(_)) => self.leader_notes += 1,
            Effect::Note(register::Event::Diverged { .. }) => {
                // As a node does: the next start knows nothing of what was set aside.
                self.diverged.insert(member);
                self.strays.remove(&member);
                self.members[member].compared = 0;
                self.members[member].versions.clear();
                self.crash(member, SECOND / 10);
            }
            Effect::Changed(_) | Effect::Roster | Effect::Note(_) => {}
        }
    }

    fn compare(&mut self, member: usize) {
        if self.strays.contains(&member) {
            return;
        }
        let state = &mut self.members[member];
        let Some(register) = &state.register else { return };
        let audit = register.state().audit();
        if audit.count() == state.compared {
            return;
        }
        for entry in audit.newest().filter(|entry| entry.number > state.compared) {
            let known = self.chain.entry(entry.number).or_insert(entry.hash);
            assert_eq!(*known, entry.hash, "members applied different sequences");
            if let Some(results) = self.decided.get(&entry.proposal.id()) {
                assert_eq!(*results, entry.results, "a proposer was told something else");
            }
        }
        state.compared = audit.count();
        for (id, group) in register.groups() {
            let version = state.versions.entry(id).or_insert(0);
            assert!(group.version >= *version, "a version fell");
            *version = group.version;
            if let Some(home) = group.home {
                let known = self.homes.entry((id, group.epoch)).or_insert(home);
                assert_eq!(*known, home, "an epoch has two homes");
            }
        }
    }

    /// Proposes what fits this member's view of some groups: completing its own seals, else sealing.
    pub(crate) fn propose(&mut self, member: usize, groups: &[GroupId]) -> Option<ProposalId> {
        let own = node(member);
        let wall = Stamp(self.now + 77);
        let mut changes = Vec::new();
        let register = self.members[member].register.as_ref()?;
        for id in groups {
            let group = register.group(*id).unwrap();
            let transition = match group.phase {
                Phase::Sealing { epoch, candidate, .. } if candidate == own => {
                    let last = group.history.last();
                    Transition::Activate(Activation {
                        epoch,
                        home: own,
                        config: group.config.clone(),
                        start_seq: last.map_or(Seq(1), |start| Seq(start.seq.0 + 3)),
                        start_hash: last.map_or(Hash::ZERO, |_| Hash([epoch.0 as u8; 32])),
                        known: Vec::new(),
                        forced: false,
                        at: wall,
                    })
                }
                Phase::Active | Phase::Sealing { .. } => Transition::BeginSeal {
                    epoch: group.issued.next(),
                    candidate: own,
                    kind: SealKind::Unplanned,
                    at: wall,
                },
            };
            changes.push(Change { group: *id, expected_version: group.version, transition });
        }
        let count = self.members[member].proposed;
        let id = register.proposal_id(count);
        self.members[member].proposed += 1;
        let proposal = Proposal::new(id, format!("{own}"), "drawn".into(), changes).unwrap();
        self.input(member, Input::Propose(proposal));
        Some(id)
    }

    /// Proposes a step of the roster as this member sees it.
    pub(crate) fn propose_step(&mut self, member: usize, step: Membership) -> Option<ProposalId> {
        let register = self.members[member].register.as_ref()?;
        let id = register.proposal_id(self.members[member].proposed);
        let expected_version = register.state().roster().version();
        let change = MembershipChange { expected_version, step };
        self.members[member].proposed += 1;
        let who = format!("{}", node(member));
        let proposal = Proposal::of_membership(id, who, "drawn".into(), change).unwrap();
        self.input(member, Input::Propose(proposal));
        Some(id)
    }

    /// People give up all but `members`.
    pub(crate) fn force(&mut self, member: usize, members: &[usize]) -> ProposalId {
        let register = self.members[member].register.as_ref().unwrap();
        let id = register.proposal_id(self.members[member].proposed);
        self.members[member].proposed += 1;
        let members = members.iter().copied().map(node).collect();
        let (actor, reason) = ("two people".into(), "the others burned".into());
        self.input(member, Input::Force { id, actor, reason, members });
        id
    }

    /// Runs until a step of the roster that `member` proposes is taken.
    pub(crate) fn step_taken(&mut self, member: usize, step: &Membership) {
        for _ in 0..20 {
            // It may have been decided after its proposer had given up on it.
            let roster = self.register(member).state().roster();
            let is_taken = match step {
                Membership::Admit(newcomer) => roster.is_known(newcomer.node),
                Membership::Dismiss { node } => roster.gone(*node).is_some(),
                Membership::Turn { members } | Membership::Force { members, .. } => {
                    roster.members() == members
                }
            };
            if is_taken {
                return;
            }
            let id = self.propose_step(member, step.clone()).unwrap();
            self.run_until(6 * SECOND, |world| {
                world.decided.contains_key(&id) || world.given_up.contains(&id)
            });
        }
        panic!("{step:?} is not taken: {:?} {:?}", self.generations(), self.net);
    }

    pub(crate) fn propose_random(&mut self) {
        let member = self.rng.below(self.count() as u64) as usize;
        let mut groups = Vec::new();
        for group in 0..self.groups {
            if self.rng.chance(400_000) {
                groups.push(GroupId(group));
            }
        }
        if !groups.is_empty() {
            self.propose(member, &groups);
        }
    }

    /// The longest sequence that any member ever applied.
    pub(crate) fn longest(&self) -> u64 {
        self.chain.keys().next_back().copied().unwrap_or(0)
    }

    /// Ends all faults.
    pub(crate) fn heal(&mut self) {
        self.net = Net::calm();
        self.cuts.clear();
    }

    pub(crate) fn agrees_on_a_leader(&self) -> bool {
        let voting = |register: &&Register| register.generation().1;
        let all = || self.members.iter().filter_map(|member| member.register.as_ref());
        let newest = all().map(|register| register.generation().0).max();
        let members: Vec<&Register> = all().filter(voting).collect();
        let leader = members.first().and_then(|register| register.leader());
        leader.is_some()
            && members.iter().all(|register| {
                Some(register.generation().0) == newest
                    && register.leader() == leader
                    && register.reachable(Instant(self.now))
            })
    }

    /// For a failure's message: what each member holds.
    pub(crate) fn standings(&self) -> String {
        self.members.iter().map(|member| format!("{:?}\n", member.register)).collect()
    }

    /// For a failure's message: who is in which generation, who leads, and what was applied.
    pub(crate) fn generations(&self) -> Vec<Standing> {
        let all = self.members.iter().enumerate();
        let up = all.filter_map(|(member, state)| Some((member, state.register.as_ref()?)));
        up.map(|(member, one)| (member, one.leader(), one.generation(), one.applied())).collect()
    }

    pub(crate) fn is_converged(&self) -> bool {
        let longest = self.longest();
        let mut all = self.members.iter().filter_map(|member| member.register.as_ref());
        all.all(|register| register.state().audit().count() == longest && register.pending() == 0)
    }
}

/// A member's number, the leader that it knows, its generation, and how far it has applied.
type Standing = (usize, Option<NodeId>, (u64, bool), usize);
