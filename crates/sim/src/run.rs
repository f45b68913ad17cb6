//! One run: faults first, then health, and what must come of it.

mod reads;

use std::collections::BTreeSet;

use register::Phase;
use types::{GroupId, QuorumLoss, RequestId, Seq};
use wire::Reply;

use crate::check::Violation;
use crate::fault::Rate;
use crate::knobs::{MILLI, SECOND};
use crate::{Ask, Canary, Fault, Knobs, Report, Rng, Trace, World, reopen};

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What did not hold.
    pub violation: Option<Violation>,
    /// What happened.
    pub report: Report,
    /// All of it.
    pub trace: Trace,
    /// How long the world ran.
    pub lasted_us: u64,
}

/// How long a healed cluster may take until all groups serve, all replicas agree and every client
/// knows what became of its commands (I20). It contains the end of a residence time, two rounds of
/// detection and one of the register.
const HEAL_US_MAX: u64 = 40 * SECOND;

/// The same where most machines were lost: people give one order after the other.
const RECOVER_US_MAX: u64 = 150 * SECOND;

/// Runs the world of a seed.
#[must_use]
pub fn run(seed: u64, canary: Canary, is_read: bool) -> Outcome {
    let mut rng = Rng::new(seed);
    let mut knobs = Knobs::drawn(&mut rng);
    canary.sing(&mut knobs);
    let mut world = World::new(knobs, rng, is_read);
    world.run_to(world.knobs().safety_us);
    if world.check.violation().is_none() {
        recover(&mut world);
    }
    let lasted_us = world.now();
    let World { check, mut report, trace, .. } = world;
    report.looked.clone_from(check.looked());
    Outcome { violation: check.violation().cloned(), report, trace, lasted_us }
}

/// Ends the faults, takes away for good what is not needed, in the middle of whatever was going on, and
/// demands progress of the rest.
fn recover(world: &mut World) {
    world.calm();
    world.heal();
    world.mend_hosts();
    world.install_newest();
    world.unfence();
    // By force one node's word may have become history: then nobody can do without that node. And
    // where bits flip, the one copy that is left may be on any node.
    let needs_all = |rate: &Rate| matches!(rate.fault, Fault::BitFlip | Fault::Burn);
    let needs_all = world.knobs().takes_back() || world.knobs().rates.iter().any(needs_all);
    // And a degraded group may be down to one.
    let degrades = world.knobs().terms.on_quorum_loss == QuorumLoss::Degrade;
    let leaves_dead = world.knobs().leaves_dead && !needs_all && !degrades;
    // Who may stay dead was counted for the nodes of the first day.
    let changes = world.knobs().rates.iter().any(|rate| rate.fault == Fault::Members);
    let spare = if leaves_dead && !changes { world.knobs().dead_max() } else { 0 };
    if spare > 0 && !world.has_joined_all() {
        // A replica that never had a copy may not vouch for one that is gone.
        start_all(world);
        let until = world.now() + HEAL_US_MAX;
        world.run_until(until, World::has_joined_all);
    }
    let first_dead = world.chance.index(world.count());
    for offset in 0..spare {
        world.retire((first_dead + offset) % world.count());
    }
    start_all(world);
    let healed = world.now();
    world.run_for(2 * SECOND);
    world.quiesce();
    let burns = world.knobs().rates.iter().any(|rate| rate.fault == Fault::Burn);
    let until = healed + if burns { RECOVER_US_MAX } else { HEAL_US_MAX };
    world.run_until(until, World::knows_all);
    probe(world, until);
    let goals: Vec<Goal> = (0..world.knobs().groups).map(|group| Goal::now(world, group)).collect();
    let is_unwell = |world: &World| {
        !world.is_all_answered()
            || world.lacks_members().is_some()
            || goals.iter().any(|goal| goal.lacks(world).is_some())
    };
    while world.now() < until && is_unwell(world) {
        world.run_for(100 * MILLI);
        if world.check.violation().is_some() {
            return;
        }
    }
    world.report.heal_us_max = world.now() - healed;
    judge(world, &goals);
    if world.knobs().takes_back() && world.check.violation().is_none() {
        reopen::all(world);
    }
}

/// Every group does something new: a home that nobody asks anything may have stopped to serve.
fn probe(world: &mut World, until: u64) {
    let groups = (0..world.knobs().groups).map(GroupId);
    let mut open: Vec<(Ask, Option<(RequestId, u64)>)> =
        groups.map(|group| (world.command(group, 1, HEAL_US_MAX), None)).collect();
    while !open.is_empty() && world.check.violation().is_none() {
        if world.now() >= until {
            let groups: Vec<String> =
                open.iter().map(|(ask, _)| standing(world, ask.group)).collect();
            let detail = format!("nothing new is done in {}", groups.join("; "));
            return world.check.fail("I20", detail);
        }
        let at = (0..world.count()).find(|host| world.node(*host).is_some());
        for (ask, request) in &mut open {
            // A node that ends meanwhile, as by a disk that stalled before all was mended, answers nothing.
            let is_over = request.is_none_or(|(request, asked)| {
                world.reply(request).is_some() || world.now() >= asked + 3 * SECOND
            });
            if let Some(at) = at.filter(|_| is_over) {
                *request = Some((world.ask(at, ask, 2 * SECOND), world.now()));
            }
        }
        world.run_for(200 * MILLI);
        open.retain(|(_, request)| {
            let reply = request.and_then(|(request, _)| world.reply(request));
            !matches!(reply, Some(Reply::Done { .. }))
        });
    }
    world.check.count("I20");
}

/// Where a group stands, as each node that runs sees it.
fn standing(world: &World, group: GroupId) -> String {
    let seen = (0..world.count()).filter_map(|host| {
        let node = world.node(host)?;
        let state = node.register().group(group)?;
        let (phase, home, members) = (&state.phase, state.home, state.config.members());
        let own = node.group(group).map(|own| {
            let (begins, status) = (own.chain().base().seq, own.status(world.clocks(host)));
            let (role, epoch, faults) = (&status.role, status.epoch, &status.faults);
            let (ends, base, kept) = (status.appended, status.base, status.snapshot);
            let needs = status.needs_state;
            format!(
                "{role:?} {epoch} with {begins} to {ends}, base {base}, snapshot {kept}, needs {needs:?}, faults {faults:?}"
            )
        });
        let version = state.version;
        let stays = node.explain(world.clocks(host), group).map(|explained| explained.stays);
        Some(format!(
            "n{} has it {} {phase:?} v{version} home {home:?} of {members:?}, is {}, stays {stays:?}",
            host + 1,
            state.epoch,
            own.unwrap_or_default()
        ))
    });
    format!("{group} ({})", seen.collect::<Vec<_>>().join(", "))
}

/// Who the nodes are, as each node that runs sees it.
fn rosters(world: &World) -> impl Iterator<Item = String> {
    (0..world.count()).filter_map(|host| {
        let node = world.node(host)?;
        let (roster, leader) = (node.register().state().roster(), node.register().leader());
        let (generation, votes) = (roster.generation(), roster.members());
        let gone: Vec<_> = roster.known().filter_map(|one| Some((one, roster.gone(one)?))).collect();
        let there = roster.nodes().collect::<Vec<_>>();
        Some(format!(
            "n{} follows {leader:?} in generation {generation} of {votes:?}, nodes {there:?}, gone {gone:?}",
            host + 1
        ))
    })
}

fn start_all(world: &mut World) {
    for node in 0..world.count() {
        world.start(node);
    }
}

/// How far all replicas of a group must come.
#[derive(Clone, Copy, Debug)]
struct Goal {
    group: GroupId,
    commit: Seq,
}

impl Goal {
    /// Everything that anyone ever knew to be committed.
    fn now(world: &World, group: u16) -> Self {
        let group = GroupId(group);
        Self { group, commit: Seq(world.check.committed(group) as u64) }
    }

    /// Why the group is not well yet.
    fn lacks(&self, world: &World) -> Option<String> {
        let mut epochs = BTreeSet::new();
        let mut homes = 0;
        for host in world
            .members_of(self.group)
            .into_iter()
            .map(|node| world.host_of(node))
            .collect::<Vec<_>>()
        {
            let node = world.node(host);
            let Some(group) = node.and_then(|node| node.group(self.group)) else { continue };
            homes += usize::from(group.home_epoch().is_some());
            let phase = node.and_then(|node| node.register().group(self.group));
            if let Some(state) = phase.filter(|state| state.phase != Phase::Active) {
                return Some(format!("n{} sees {} in {:?}", host + 1, self.group, state.phase));
            }
            epochs.insert((group.promised(), group.table().epoch()));
            let status = group.status(world.clocks(host));
            if status.degraded_from.is_some() {
                return Some(format!("n{} is still degraded: {status:?}", host + 1));
            }
            let reached = if group.is_witness() { group.commit() } else { group.applied() };
            if reached < self.commit {
                let commit = self.commit;
                return Some(format!("n{} has not applied {commit}: {status:?}", host + 1));
            }
        }
        let well = homes == 1 && epochs.len() == 1;
        (!well).then(|| format!("{} has {homes} homes, epochs {epochs:?}", self.group))
    }
}

/// The last look.
fn judge(world: &mut World, goals: &[Goal]) {
    if world.check.violation().is_some() {
        return;
    }
    if let Some(why) = world.lacks_members() {
        let groups = (0..world.knobs().groups).map(|group| standing(world, GroupId(group)));
        let all: Vec<String> = rosters(world).chain(groups).collect();
        return world.check.fail("I20", format!("{why}; {}", all.join("; ")));
    }
    if let Some(why) = goals.iter().find_map(|goal| goal.lacks(world)) {
        return world.check.fail("I20", why);
    }
    if !world.is_all_answered() {
        return world.check.fail("I20", "a message between groups has no answer".to_owned());
    }
    if !world.knows_all() {
        return world.check.fail("I20", "a client still does not know".to_owned());
    }
    world.last_look();
    if world.check.violation().is_none() {
        reads::must_be_shown(world);
    }
}
