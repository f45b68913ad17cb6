//! Many seeds: safety under drawn faults, then progress once they end.

use crate::world::{Net, Rng, SECOND, World, node};
use types::GroupId;

#[derive(Debug, Default)]
struct Worst {
    leader_us: u64,
    decide_us: u64,
    decided: usize,
    applied: u64,
    frames: u64,
}

/// Runs one seed; panics, with the seed in the message, if anything that must hold does not.
fn run(seed: u64, count: usize, worst: &mut Worst) -> u64 {
    let mut draw = Rng::new(!seed);
    let net = Net::drawn(&mut draw);
    let mut world = World::new(seed, count, 6, net);
    let end = 25 * SECOND;
    while world.now < end {
        let pause = draw.between(20_000, 800_000);
        world.run_for(pause);
        let one = draw.below(count as u64) as usize;
        let other = draw.below(count as u64) as usize;
        match draw.below(16) {
            0 => world.crash(one, draw.between(1_000, 4 * SECOND)),
            1 => {
                let down = draw.between(1_000, 4 * SECOND);
                (0..count).for_each(|member| world.crash(member, down));
            }
            2 => world.isolate(one),
            3 | 4 => world.cut(one, other),
            5 => {
                for a in 0..count {
                    for b in 0..count {
                        if (a % 2) != (b % 2) {
                            world.cut(a, b);
                        }
                    }
                }
            }
            6 | 7 => world.cuts.clear(),
            8 => world.net = Net::drawn(&mut draw),
            9 => world.input(one, register::Input::Connected(node(other))),
            10 => world.input(one, register::Input::Wake),
            _ => world.propose_random(),
        }
    }
    world.heal();
    let leader = world.run_until(60 * SECOND, World::agrees_on_a_leader);
    let leader = leader.unwrap_or_else(|| {
        panic!("seed {seed}, {count} members: no leader\n{}", world.standings())
    });
    // What was pending may be given up in this time; nothing may stay stuck.
    world.run_for(6 * SECOND);
    let before = world.decided.len();
    let mut slowest = 0;
    for member in 0..count {
        let id = world.propose(member, &[GroupId(0), GroupId(3)]).unwrap();
        let took = world.run_until(10 * SECOND, |world| world.decided.contains_key(&id));
        slowest = slowest
            .max(took.unwrap_or_else(|| panic!("seed {seed}, {count} members: not decided")));
    }
    assert_eq!(world.decided.len(), before + count);
    let same = world.run_until(10 * SECOND, World::is_converged);
    assert!(same.is_some(), "seed {seed}, {count} members: members stay behind");
    let digest = world.register(0).digest();
    for member in 0..count {
        assert_eq!(world.register(member).digest(), digest, "seed {seed}");
        for id in world.decided.keys() {
            assert!(world.register(member).state().has_applied(*id), "seed {seed}: {id:?} lost");
        }
    }
    worst.leader_us = worst.leader_us.max(leader);
    worst.decide_us = worst.decide_us.max(slowest);
    worst.decided += world.decided.len();
    worst.applied += world.longest();
    worst.frames += world.frames;
    world.trace
}

fn seeds(standard: u64) -> u64 {
    std::env::var("REGISTER_SEEDS").map_or(standard, |text| text.parse().unwrap())
}

fn sweep(count: usize, standard: u64) {
    let mut worst = Worst::default();
    let first = std::env::var("REGISTER_SEED").map_or(0, |text| text.parse().unwrap());
    for seed in first..first + seeds(standard) {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(seed, count, &mut worst);
        }));
        if let Err(panic) = result {
            eprintln!("replay: REGISTER_SEED={seed} REGISTER_SEEDS=1 with {count} members");
            std::panic::resume_unwind(panic);
        }
    }
    println!("{count} members: {worst:?}");
}

#[test]
fn three_members_survive_what_one_region_loses() {
    // Two homes in one epoch would write two histories of the same money.
    sweep(3, 150);
}

#[test]
fn five_members_survive_what_two_regions_lose() {
    // As for three, with quorums that differ and a leader that not all can see.
    sweep(5, 60);
}

#[test]
fn six_members_survive_what_a_region_of_two_loses() {
    // With two nodes in each of three regions the register must outlive a region, as the groups do.
    sweep(6, 40);
}

#[test]
fn one_member_is_its_own_majority() {
    // A single-node installation must not wait for votes that nobody casts.
    sweep(1, 20);
}

#[test]
fn a_seed_is_a_run() {
    // A failure that cannot be played again cannot be understood.
    for seed in 0..5 {
        let mut worst = Worst::default();
        assert_eq!(run(seed, 3, &mut worst), run(seed, 3, &mut worst));
        assert_eq!(run(seed, 5, &mut worst), run(seed, 5, &mut worst));
    }
}
