//! Reads once faults are over: every level answers at every node, within a bound (I12, I20).

use group::{ReadLevel, ReadRefusal};
use types::{GroupId, RequestId, Token};

use crate::World;
use crate::knobs::SECOND;

/// How long a read may wait in a cluster in which nothing is wrong.
const SHOWN_US_MAX: u64 = 5 * SECOND;

/// How long these would wait: one that is forgotten is not saved by the last look at its end.
const PATIENCE_US: u64 = 2 * SHOWN_US_MAX;

/// One read and what must come of it.
#[derive(Debug)]
struct Wish {
    host: usize,
    level: ReadLevel,
    request: RequestId,
    /// Whether another node is to be named instead.
    is_elsewhere: bool,
    /// What was decided about the group when it was asked for.
    decided: Option<u64>,
}

/// Has every level of every group read at every node that keeps its state, by somebody who has just been told of
/// something new, and insists that all are shown; where only the home may answer, that the others name it.
pub(super) fn must_be_shown(world: &mut World) {
    let mut wishes = Vec::new();
    for group in (0..world.knobs().groups).map(GroupId) {
        let hosts: Vec<usize> =
            world.members_of(group).into_iter().map(|node| world.host_of(node)).collect();
        let keeps = |world: &World, host: usize| {
            let here = world.node(host).and_then(|node| node.group(group));
            here.is_some_and(|here| here.runs_model() && !world.check.is_excused(host))
        };
        let hosts: Vec<usize> = hosts.into_iter().filter(|host| keeps(world, *host)).collect();
        let seen = |world: &World, host: usize| world.node(host)?.group(group)?.token();
        let told = tell(world, group);
        let tokens = hosts.iter().filter_map(|host| seen(world, *host)).chain(told);
        let tokens: Vec<Token> = tokens.collect();
        for host in hosts {
            let here = world.node(host).and_then(|node| node.group(group));
            let is_home = here.is_some_and(|here| here.home_epoch().is_some());
            let anywhere = [
                ReadLevel::Stale,
                ReadLevel::Session,
                ReadLevel::Bounded { within_us: 10 * SECOND },
            ];
            let at_home = [ReadLevel::Linearizable, ReadLevel::Provisional];
            let levels = anywhere.into_iter().map(|level| (level, false));
            for (level, is_bound) in levels.chain(at_home.map(|level| (level, true))) {
                let request = world.read(host, group, level, &tokens, PATIENCE_US);
                let is_elsewhere = is_bound && !is_home;
                let decided = decided(world, group);
                wishes.push((group, Wish { host, level, request, is_elsewhere, decided }));
            }
        }
    }
    let until = world.now() + SHOWN_US_MAX;
    world.run_until(until, |world| {
        wishes.iter().all(|(_, wish)| world.shown(wish.request).is_some())
    });
    if world.check.violation().is_some() {
        return;
    }
    for (group, wish) in &wishes {
        if decided(world, *group) != wish.decided {
            // It moves meanwhile: a disk that stalled too often hands its groups over by plan.
            continue;
        }
        world.check.count("I12 shown");
        let answer = world.shown(wish.request);
        let is_right = match answer {
            Some(Ok(_)) => !wish.is_elsewhere,
            Some(Err(ReadRefusal::NotHome { home: Some(home), .. })) => {
                wish.is_elsewhere && home != world.id_of(wish.host)
            }
            Some(Err(_)) | None => false,
        };
        if !is_right {
            let (host, level) = (wish.host + 1, wish.level);
            let detail = format!("n{host} {group} {level:?} after all faults: {answer:?}");
            return world.check.fail("I12", detail);
        }
    }
}

/// How often anything was decided about a group, as far as any node knows.
fn decided(world: &World, group: GroupId) -> Option<u64> {
    let nodes = (0..world.count()).filter_map(|host| world.node(host));
    nodes.filter_map(|node| node.register().group(group)).map(|state| state.version).max()
}

/// Has a group do something new, which nobody but its home knows of at first. What its client has seen with it.
fn tell(world: &mut World, group: GroupId) -> Option<Token> {
    let at = (0..world.count()).find(|host| world.node(*host).is_some())?;
    let ask = world.command(group, 1, SHOWN_US_MAX);
    let request = world.ask(at, &ask, SHOWN_US_MAX);
    let until = world.now() + SHOWN_US_MAX;
    world.run_until(until, |world| world.reply(request).is_some());
    world.reply(request)?.token(group)
}
