//! Rules of the protocol seen from outside, and what comes of breaking them; and that the catalog of
//! invariants and scenarios says what is true.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use group::OrderRefusal;
use register::SealKind;
use replication::Mutant;
use sim::catalog::{INVARIANTS, SCENARIOS, STORIES, Where};
use sim::{Canary, Knobs, MILLI, SECOND, World};
use types::Epoch;

use crate::tale::*;

/// The home commits with one of two others; the third takes over and hears that one late.
fn seal_without_the_copy(mutant: Mutant) -> World {
    let mut world = serving_with(Knobs { mutant, ..Knobs::quiet(1) }, 1);
    world.part(HOME, FAR);
    world.run_for(100 * MILLI);
    for _ in 0..5 {
        done(&mut world, HOME);
    }
    world.part(NEAR, FAR);
    world.run_for(4 * SECOND);
    done(&mut world, HOME);
    // Long enough for the near node to hear too little of the home to relay it.
    world.part(HOME, NEAR);
    world.run_for(1_200 * MILLI);
    world.heal();
    world.isolate(HOME);
    world.run_for(400 * MILLI);
    order(&mut world, FAR, FAR, SealKind::Unplanned);
    world.run_for(10 * SECOND);
    world
}

#[test]
fn s3_a_home_that_was_replaced_by_too_few_seals_is_noticed() {
    // n-w promises instead of n-w+1: the old home commits with whoever was not asked, and one seq has two
    // records that clients were told of.
    let mut world = seal_without_the_copy(Mutant::None);
    sound(&world);
    all_agree(&mut world);
    let world = seal_without_the_copy(Mutant::SealTooFew);
    let broken = world.check().violation().expect("the loss is seen");
    assert!(["I3", "I5"].contains(&broken.invariant), "{broken:?}");
}

#[test]
fn s22_a_new_home_with_a_slow_clock_writes_nothing_below_the_time_that_is_closed() {
    // A report up to the announced time would change after it was printed.
    // One that is a little slow, and one whose clock goes wrong when it was chosen already.
    for (before_us, after_us) in [(-800_000, 0), (0, -30_000_000)] {
        let mut world = serving(1);
        done(&mut world, HOME);
        world.run_for(5 * SECOND);
        world.jump(NEAR, before_us);
        let closed = group(&world, FAR);
        let closed = closed.chain().link(closed.commit()).map(|link| link.stamp);
        order(&mut world, NEAR, NEAR, SealKind::Planned);
        let until = world.now() + 5 * SECOND;
        let is_chosen = |world: &World| registered(world, NEAR).0 != register::Phase::Active;
        assert!(world.run_until(until, is_chosen));
        world.jump(NEAR, after_us);
        assert!(world.run_until(until, |world| home(world) == Some(NEAR)));
        done(&mut world, NEAR);
        let new = group(&world, NEAR);
        let start = new.table().last().map(|start| start.seq);
        let first = start.and_then(|seq| new.chain().link(seq)).map(|link| link.stamp);
        assert!(first.is_some() && first > closed, "{first:?} after {closed:?}");
        all_agree(&mut world);
    }
}

/// Runs until the order that was given is answered, which takes no longer.
fn refusal(world: &mut World) -> Option<OrderRefusal> {
    world.run_for(2 * SECOND);
    world.refusal().cloned()
}

#[test]
fn s22_no_order_makes_a_home_of_a_node_whose_clock_is_off() {
    // Its stamps would stand still for half a minute: nothing would come too late there, and no bounded read
    // could be answered anywhere.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.jump(NEAR, -30_000_000);
    world.run_for(4 * SECOND);
    for (at, kind) in [
        (HOME, SealKind::Planned),
        (NEAR, SealKind::Planned),
        (FAR, SealKind::Unplanned),
        (NEAR, SealKind::Unplanned),
    ] {
        order(&mut world, at, NEAR, kind);
        let told = refusal(&mut world);
        let Some(OrderRefusal::ClockOff { group, node, skew_us, skew_us_max }) = told else {
            panic!("{told:?}")
        };
        assert_eq!((group, node, skew_us_max), (G0, sim::id(NEAR), SECOND));
        assert!((29 * SECOND..31 * SECOND).contains(&skew_us), "{skew_us}");
    }
    assert_eq!(home(&world), Some(HOME));
    // Nor does it take over by itself, nor is it counted on.
    let seen = world.node(FAR).unwrap().explain(world.clocks(FAR), G0).unwrap();
    assert_eq!(seen.heirs, [sim::id(FAR)]);
    world.kill(HOME);
    assert_eq!(until_moved(&mut world, HOME), FAR);
    done(&mut world, FAR);
    world.jump(NEAR, 30_000_000);
    world.run_for(4 * SECOND);
    order(&mut world, FAR, NEAR, SealKind::Planned);
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(NEAR)));
    all_agree(&mut world);
}

#[test]
fn s22_a_home_that_starts_anew_with_a_clock_that_is_off_asks_for_another() {
    // A machine comes up after a repair with the time of its dead battery. It would be home again at once.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.kill(HOME);
    world.jump(HOME, -30_000_000);
    world.start(HOME);
    let new = until_moved(&mut world, HOME);
    done(&mut world, new);
    assert!(registered(&world, new).1 > Epoch(1));
    all_agree(&mut world);

    // On the first day, too.
    let mut world = World::new(Knobs::quiet(1), sim::Rng::new(1), false);
    world.jump(HOME, -30_000_000);
    let new = until_moved(&mut world, HOME);
    done(&mut world, new);
    all_agree(&mut world);
}

#[test]
fn s22_a_group_that_only_a_node_with_a_wrong_clock_can_serve_is_served() {
    // The bound chooses among nodes. It is not to stop a group that has one home left, and loses nothing.
    let mut world = serving_with(Knobs::quiet(1).with_witness(), 1);
    done(&mut world, HOME);
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    world.kill(HOME);
    world.jump(HOME, -30_000_000);
    world.start(HOME);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(HOME)));
    done(&mut world, HOME);
    all_agree(&mut world);
}

#[test]
fn an_empty_disk_that_counts_in_its_old_epoch_is_noticed() {
    // It may have promised a later epoch and does not know. Home and member alike take it for a member on
    // its first day, which is why a replaced disk needs a new id.
    let mut world = World::new(Knobs::quiet(1), sim::Rng::new(1), false);
    world.run_until(10 * SECOND, World::has_joined_all);
    // The home has not heard that this one has joined.
    world.isolate(FAR);
    done(&mut world, HOME);
    world.kill(FAR);
    world.wipe(FAR);
    world.heal();
    world.start(FAR);
    world.run_for(10 * SECOND);
    let broken = world.check().violation().map(|violation| violation.invariant);
    assert_eq!(broken, Some("I14"));
}

#[test]
fn every_file_of_stories_is_in_the_catalog() {
    // A scenario would be listed as missing although it is told, or the other way round.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = files.map(|name| name.to_string_lossy().trim_end_matches(".rs").to_owned());
    let told: BTreeSet<String> = names.filter(|name| name != "main" && name != "tale").collect();
    let listed: BTreeSet<String> = STORIES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(told, listed, "list the file in `catalog::STORIES`");
}

#[test]
fn every_scenario_has_a_story_or_says_what_it_lacks() {
    // A list that claims what nobody tells is worse than none.
    for (at, scenario) in SCENARIOS.iter().enumerate() {
        assert_eq!(usize::from(scenario.number), at + 1);
        assert!(
            !scenario.stories().is_empty() || !scenario.lacks.is_empty(),
            "S{} is told by no story",
            scenario.number
        );
    }
}

#[test]
fn every_invariant_that_runs_are_said_to_check_is_looked_at() {
    // A check that is never reached holds nothing.
    let mut looked = BTreeSet::new();
    for seed in 1..=12 {
        let outcome = sim::run(seed, Canary::None, false);
        assert_eq!(outcome.violation, None, "seed {seed}");
        looked.extend(outcome.report.looked.keys().copied());
    }
    for (at, invariant) in INVARIANTS.iter().enumerate() {
        assert_eq!(invariant.name, format!("I{}", at + 1));
        let is_claimed = matches!(invariant.checked, Where::EveryRun(_));
        assert!(
            !is_claimed || looked.contains(invariant.name),
            "{} is never reached",
            invariant.name
        );
    }
}
