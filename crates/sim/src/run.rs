//! One run: faults first, then health, and what must come of it.

use types::GroupId;

use crate::check::Violation;
use crate::knobs::{MILLI, SECOND};
use crate::{Canary, Knobs, Report, Rng, Trace, World};

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
    let World { check, report, trace, .. } = world;
    Outcome { violation: check.violation().cloned(), report, trace, lasted_us }
}

/// Ends the faults, leaves dead at most what is not needed, and demands progress.
fn recover(world: &mut World) {
    world.calm();
    world.heal();
    world.mend_hosts();
    let spare = if world.knobs().leaves_dead { world.knobs().dead_max() } else { 0 };
    let first_dead = world.chance.index(world.count());
    for offset in 0..world.count() {
        let node = (first_dead + offset) % world.count();
        if offset < spare {
            world.retire(node);
        } else {
            world.start(node);
        }
    }
    let healed = world.now();
    world.run_for(2 * SECOND);
    world.quiesce();
    let until = healed + HEAL_US_MAX;
    while world.now() < until && world.check.violation().is_none() && !is_well(world) {
        world.run_for(100 * MILLI);
    }
    world.report.heal_us_max = world.now() - healed;
    if world.check.violation().is_none() {
        judge(world);
    }
}

/// Whether all groups serve, all replicas agree and all clients know.
fn is_well(world: &World) -> bool {
    let groups = (0..world.knobs().groups).map(GroupId);
    world.is_settled() && groups.into_iter().all(|group| ill(world, group).is_none())
}

/// Why a group is not well yet.
fn ill(world: &World, id: GroupId) -> Option<String> {
    let mut first = None;
    let mut homes = 0;
    for host in 0..world.count() {
        let Some(group) = world.node(host).and_then(|node| node.group(id)) else { continue };
        homes += usize::from(group.home_epoch().is_some());
        let stands = (group.promised(), group.table().epoch(), group.applied(), group.trail());
        if group.applied() != group.tail().seq {
            let status = group.status(world.clocks(host));
            return Some(format!("n{} {id} has not applied all: {status:?}", host + 1));
        }
        let (_, known) = first.get_or_insert((host, stands));
        if *known != stands {
            return Some(format!("n{} {id} is at {stands:?}, others at {known:?}", host + 1));
        }
    }
    (homes != 1).then(|| format!("{id} has {homes} homes"))
}

/// The last look.
fn judge(world: &mut World) {
    for group in (0..world.knobs().groups).map(GroupId) {
        if let Some(why) = ill(world, group) {
            return world.check.fail("I20", why);
        }
    }
    if !world.is_settled() {
        return world.check.fail("I20", "a client still does not know".to_owned());
    }
    world.last_look();
}
