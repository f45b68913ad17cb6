//! What stories are told with.

use group::Group;
use register::{Phase, SealKind};
use sim::{App, Ask, Knobs, Rng, SECOND, World};
use types::{Epoch, GroupId, RequestId};
use wire::Reply;

pub(crate) const G0: GroupId = GroupId(0);

/// Hosts are numbered from 0; the first home of group 0 is host 0.
pub(crate) const HOME: usize = 0;
pub(crate) const NEAR: usize = 1;
pub(crate) const FAR: usize = 2;

/// A quiet cluster of three in which every group serves.
pub(crate) fn serving(groups: u16) -> World {
    serving_with(Knobs::quiet(groups), 1)
}

/// A cluster of these knobs in which every group serves.
pub(crate) fn serving_with(knobs: Knobs, seed: u64) -> World {
    let mut world = World::new(knobs, Rng::new(seed), false);
    let ready = world.run_until(10 * SECOND, |world| {
        world.has_joined_all() && of_members(world).all(is_current)
    });
    assert!(ready || world.check().violation().is_some(), "the cluster comes up");
    world
}

/// Every group at each of its members that runs.
fn of_members(world: &World) -> impl Iterator<Item = &Group<App>> {
    (0..world.count()).filter_map(|host| world.node(host)).flat_map(move |node| {
        let me = node.options().group.me;
        node.groups().filter(move |group| world.members_of(group.id()).contains(&me))
    })
}

fn is_current(group: &Group<App>) -> bool {
    let reached = if group.is_witness() { group.commit() } else { group.applied() };
    !group.table().starts().is_empty() && reached == group.tail().seq
}

pub(crate) fn group(world: &World, host: usize) -> &Group<App> {
    world.node(host).unwrap().group(G0).unwrap()
}

/// Asks a node to do something new in group 0.
pub(crate) fn ask(world: &mut World, host: usize) -> (Ask, RequestId) {
    let ask = world.command(G0, 5, 60 * SECOND);
    let request = world.ask(host, &ask, 2 * SECOND);
    (ask, request)
}

/// Runs until the request is answered.
pub(crate) fn reply(world: &mut World, request: RequestId) -> Reply {
    let until = world.now() + 10 * SECOND;
    world.run_until(until, |world| world.reply(request).is_some());
    sound(world);
    world.reply(request).unwrap().clone()
}

/// Asks for the same until there is an outcome.
pub(crate) fn outcome(world: &mut World, host: usize, ask: &Ask) -> Reply {
    for _ in 0..20 {
        let request = world.ask(host, ask, SECOND);
        let reply = reply(world, request);
        if matches!(reply, Reply::Done { .. } | Reply::Conflict { .. } | Reply::Expired) {
            return reply;
        }
        world.run_for(SECOND / 4);
    }
    panic!("no outcome in 20 tries")
}

/// Does something new and insists that it is done.
pub(crate) fn done(world: &mut World, host: usize) -> Ask {
    let ask = world.command(G0, 5, 60 * SECOND);
    let reply = outcome(world, host, &ask);
    assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
    ask
}

/// Nothing was violated so far.
pub(crate) fn sound(world: &World) {
    assert_eq!(world.check().violation(), None);
}

/// The host of group 0's home, by who acts as one in the newest epoch.
pub(crate) fn home(world: &World) -> Option<usize> {
    (0..world.count())
        .filter_map(|host| {
            let epoch = world.node(host)?.group(G0)?.home_epoch()?;
            Some((epoch, host))
        })
        .max()
        .map(|(_, host)| host)
}

/// Runs until group 0 is served by another node than `old`.
pub(crate) fn until_moved(world: &mut World, old: usize) -> usize {
    let until = world.now() + 30 * SECOND;
    let moved = world.run_until(until, |world| home(world).is_some_and(|host| host != old));
    sound(world);
    assert!(moved, "the group gets another home");
    home(world).unwrap()
}

/// The phase and epoch that `host` sees in the register.
pub(crate) fn registered(world: &World, host: usize) -> (Phase, Epoch) {
    let state = world.node(host).unwrap().register().group(G0).unwrap();
    (state.phase, state.epoch)
}

/// Mends and starts everything, waits until all agree, and takes the last look.
pub(crate) fn all_agree(world: &mut World) {
    world.heal();
    world.mend_hosts();
    for host in 0..world.count() {
        world.start(host);
    }
    let until = world.now() + 40 * SECOND;
    let agreed = world.run_until(until, |world| {
        let groups: Vec<_> = of_members(world).filter(|group| group.id() == G0).collect();
        let mut trails: Vec<_> =
            groups.iter().filter(|group| group.runs_model()).map(|group| group.trail()).collect();
        trails.dedup();
        home(world).is_some()
            && groups.len() == world.members_of(G0).len()
            && trails.len() == 1
            && groups.iter().all(|group| is_current(group))
    });
    sound(world);
    assert!(agreed, "all replicas agree");
    world.last_look();
    sound(world);
}

pub(crate) fn order(world: &mut World, at: usize, to: usize, kind: SealKind) {
    world.order(at, vec![G0], sim::id(to), kind);
}
