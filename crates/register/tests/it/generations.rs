//! Nodes come and go while the register decides: one history through all generations of members.

use crate::world::{Net, Rng, SECOND, World, node};
use register::{Contact, Membership, Newcomer};
use types::{GroupId, MemberRole, Place, RegionId, ZoneId};

pub(crate) fn settled(seed: u64, count: usize) -> World {
    let mut world = World::new(seed, count, 4, Net::calm());
    world.run_until(10 * SECOND, World::agrees_on_a_leader).expect("a calm world elects");
    world.run_for(3 * SECOND);
    world
}

pub(crate) fn admit(newcomer: usize, replaces: Option<usize>) -> Membership {
    // The first three members hold the groups, each in a region of its own.
    let region = replaces.filter(|old| *old < 3).unwrap_or_default();
    admit_at(newcomer, replaces, region)
}

fn admit_at(newcomer: usize, replaces: Option<usize>, region: usize) -> Membership {
    let region = RegionId(u16::try_from(region).unwrap());
    Membership::Admit(Newcomer {
        node: node(newcomer),
        role: Some(MemberRole::Full),
        place: Place { region, zone: ZoneId(0) },
        contact: Contact::default(),
        replaces: replaces.map(node),
    })
}

pub(crate) fn turn(members: &[usize]) -> Membership {
    Membership::Turn { members: members.iter().copied().map(node).collect() }
}

pub(crate) fn decides(world: &mut World, member: usize) {
    let id = world.propose(member, &[GroupId(0), GroupId(3)]).unwrap();
    let took = world.run_until(20 * SECOND, |world| world.decided.contains_key(&id));
    assert!(took.is_some(), "nothing is decided: {:?}", world.generations());
}

pub(crate) fn agree(world: &mut World) {
    world.run_until(60 * SECOND, World::agrees_on_a_leader).unwrap_or_else(|| {
        panic!("no leader: {:?}", world.generations());
    });
    world.run_until(60 * SECOND, World::is_converged).unwrap_or_else(|| {
        panic!("not converged: {:?}", world.generations());
    });
}

#[test]
fn a_lost_member_is_replaced_and_the_new_one_makes_a_majority() {
    // Three members, one lost for good: until its vote is given to another, the next loss stops all
    // switches for ever.
    let mut world = settled(1, 3);
    decides(&mut world, 0);
    world.lose(2);
    let new = world.join();
    world.step_taken(0, &admit(new, Some(2)));
    world.run_for(5 * SECOND);
    assert_eq!(world.register(new).generation(), (1, false), "it follows, and has no vote yet");
    assert_eq!(world.register(new).digest(), world.register(0).digest());
    world.step_taken(0, &turn(&[0, 1, new]));
    agree(&mut world);
    assert_eq!(world.register(new).generation(), (2, true));
    world.lose(0);
    decides(&mut world, new);
    decides(&mut world, 1);
    agree(&mut world);
}

#[test]
fn who_was_away_while_the_members_changed_goes_on_with_them() {
    // It would vote on in a generation that is over, with others that were away.
    let mut world = settled(2, 3);
    let new = world.join();
    world.isolate(2);
    world.step_taken(0, &admit(new, None));
    world.step_taken(0, &turn(&[0, 1, 2, new]));
    decides(&mut world, 1);
    assert_eq!(world.register(2).generation(), (1, true));
    world.heal();
    agree(&mut world);
    assert_eq!(world.register(2).generation(), (2, true));
    // And one that was put out while it was away learns that.
    world.isolate(1);
    let step = Membership::Dismiss { node: node(1) };
    world.step_taken(0, &step);
    world.step_taken(0, &turn(&[0, 2, new]));
    world.heal();
    agree(&mut world);
    assert!(!world.register(1).generation().1);
    assert_eq!(world.register(1).digest(), world.register(0).digest());
    decides(&mut world, 2);
}

/// Members are replaced one after the other under drawn faults; then all that is left must agree.
fn run(seed: u64) {
    let mut draw = Rng::new(!seed);
    let net = Net::drawn(&mut draw);
    let mut world = World::new(seed, 3, 4, net);
    let mut members = vec![0, 1, 2];
    let mut regions = vec![0, 1, 2];
    for _ in 0..3 {
        for _ in 0..draw.below(12) {
            let pause = draw.between(20_000, 800_000);
            world.run_for(pause);
            let one = draw.below(world.count() as u64) as usize;
            let other = draw.below(world.count() as u64) as usize;
            match draw.below(10) {
                0 | 1 if members.contains(&one) => {
                    world.crash(one, draw.between(1_000, 3 * SECOND))
                }
                2 => world.isolate(one),
                3 => world.cut(one, other),
                4 => world.cuts.clear(),
                5 => world.net = Net::drawn(&mut draw),
                _ => world.propose_random(),
            }
        }
        // The step itself is taken with a majority there, and whatever else is going on.
        world.cuts.clear();
        let old = members.remove(draw.below(3) as usize);
        if draw.chance(500_000) {
            world.lose(old);
        }
        let new = world.join();
        world.run_for(4 * SECOND);
        world.net.loss_ppm = world.net.loss_ppm.min(50_000);
        world.net.stall_ppm = 0;
        let by = members[draw.below(2) as usize];
        world.step_taken(by, &admit_at(new, Some(old), regions[old]));
        regions.push(regions[old]);
        members.push(new);
        members.sort_unstable();
        world.step_taken(by, &turn(&members));
        // Until a majority of the new members knows, the old one is still needed.
        let newest = world.register(by).state().roster().generation();
        let begun = world.run_until(60 * SECOND, |world| {
            let has_begun = |member: &&usize| {
                world.is_up(**member) && world.register(**member).generation() == (newest, true)
            };
            members.iter().filter(has_begun).count() >= 2
        });
        assert!(begun.is_some(), "seed {seed}: {:?}", world.generations());
    }
    world.heal();
    world.run_for(4 * SECOND);
    agree(&mut world);
    for member in members {
        assert!(world.is_up(member), "seed {seed}");
        decides(&mut world, member);
    }
    agree(&mut world);
}

#[test]
fn one_history_through_all_generations_under_faults() {
    // Two generations that both decide would give an epoch to two homes.
    let seeds = std::env::var("REGISTER_SEEDS").ok().and_then(|text| text.parse().ok());
    let one: Option<u64> = std::env::var("REGISTER_SEED").ok().and_then(|text| text.parse().ok());
    let seeds = one.map_or(1..=seeds.unwrap_or(40), |one| one..=one);
    for seed in seeds {
        println!("seed {seed}");
        run(seed);
    }
}
