//! After force: every channel that it has frozen is opened again, as operators would, and both sides must come to the
//! same.
//!
//! A difference may sleep until the next message. So something is sent over every channel first, then what is frozen is
//! opened, and again, until nothing is.

use channel::Plan;
use group::Group;
use model::RebaseRefusal;
use types::{GroupId, RequestId};
use wire::Reply;

use crate::app::REOPENED;
use crate::knobs::SECOND;
use crate::{App, AppKind, Ask, World};

/// How often operators look. Each look may bring to light what the one before could not.
const ROUNDS_MAX: usize = 8;

/// How often a half is ordered that comes too early.
const EARLY_TRIES: usize = 10;

/// How long one order may take.
const ORDER_US_MAX: u64 = 20 * SECOND;

/// Opens all channels of a world of moves, and holds the groups against each other.
pub(crate) fn all(world: &mut World) {
    if world.knobs().app != AppKind::Moves || world.knobs().groups < 2 {
        return;
    }
    for _ in 0..ROUNDS_MAX {
        for (from, to) in channels(world) {
            let (ask, _) = world.across(from, to, 1);
            insist(world, &ask);
        }
        world.run_for(3 * SECOND);
        let mut is_open = true;
        for (from, to) in channels(world) {
            let Some(plan) = plan(world, from, to) else { continue };
            is_open = false;
            for group in [to, from] {
                let is_done = half(world, group, &plan);
                world.check.count(if is_done { "rebased" } else { "rebase refused" });
            }
        }
        world.run_for(3 * SECOND);
        if world.check.violation().is_some() {
            return;
        }
        if is_open && world.is_all_answered() {
            break;
        }
    }
    let mut closed = None;
    let mut views = Vec::new();
    for group in groups(world) {
        let frozen = group.channels().cases().map(|(peer, ..)| peer).next();
        closed = closed.or(frozen).or_else(|| group.channels().opening().next());
        views.push((group.id(), group.model().between()));
    }
    if let Some(peer) = closed {
        world.check.fail("I20", format!("the channel with {peer} cannot be opened again"));
    }
    world.check.is_even(&views);
}

/// Has a group do its half. Where its home's clock is behind what was looked at, the same half is ordered again, under
/// another id: by the next look the other home's clock would lead again.
fn half(world: &mut World, group: GroupId, plan: &Plan) -> bool {
    for _ in 0..EARLY_TRIES {
        let ask = world.reopen(group, plan);
        let done = insist(world, &ask);
        if done != Some(RebaseRefusal::Early.to_string().into_bytes()) {
            return done.as_deref() == Some(REOPENED);
        }
        world.run_for(SECOND / 2);
    }
    false
}

/// Each group as the node has it that has applied most. No node may run the models of all: some only keep records.
fn groups(world: &World) -> impl Iterator<Item = &Group<App>> {
    let of = |id: GroupId| {
        let nodes = (0..world.count()).filter_map(|host| world.node(host));
        let all = nodes.filter_map(move |node| node.group(id));
        all.filter(|group| group.readable().is_some()).max_by_key(|group| group.applied())
    };
    (0..world.knobs().groups).map(GroupId).filter_map(of)
}

/// What it would take to open a channel again, if it is frozen.
fn plan(world: &World, from: GroupId, to: GroupId) -> Option<Plan> {
    let of = |id: GroupId| groups(world).find(|group| group.id() == id);
    group::reopening(of(from)?, of(to)?, world.now()).ok()
}

/// The channels that were ever used.
fn channels(world: &World) -> Vec<(GroupId, GroupId)> {
    let mut channels: Vec<_> = groups(world)
        .flat_map(|group| {
            let sends = group.channels().outboxes().map(move |(to, _)| (group.id(), to));
            sends.chain(group.channels().inboxes().map(move |(from, _)| (from, group.id())))
        })
        .collect();
    channels.sort_unstable();
    channels.dedup();
    channels
}

/// Asks until there is an outcome, or it takes too long.
fn insist(world: &mut World, ask: &Ask) -> Option<Vec<u8>> {
    let host = (0..world.count()).find(|host| world.node(*host).is_some())?;
    let until = world.now() + ORDER_US_MAX;
    let mut open: Option<RequestId> = None;
    while world.now() < until {
        let request = open.unwrap_or_else(|| world.ask(host, ask, 2 * SECOND));
        open = Some(request);
        world.run_for(SECOND / 20);
        match world.reply(request) {
            Some(Reply::Done { outcome, .. }) => return Some(outcome.to_vec()),
            Some(_) => open = None,
            None => {}
        }
    }
    None
}
