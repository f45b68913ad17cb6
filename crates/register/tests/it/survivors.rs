//! Who may go on by force, and what it goes on from: changes of members that are only accepted, and nodes
//! without a vote that know more.

use register::ForceRefusal;
use types::GroupId;

use crate::generations::{admit, agree, decides, settled, turn};
use crate::world::{SECOND, World, node};

fn leader(world: &World) -> usize {
    (0..world.count()).find(|one| world.register(0).leader() == Some(node(*one))).unwrap()
}

/// `leader` proposes these members, and is lost before it hears that anybody has accepted them.
fn accepted(world: &mut World, leader: usize, members: &[usize], by: &[usize]) {
    for one in by {
        world.cut(*one, leader);
    }
    let before: Vec<usize> = by.iter().map(|one| world.register(*one).reach().accepted).collect();
    world.propose_step(leader, turn(members)).unwrap();
    let have = |world: &World| {
        let mut all = by.iter().zip(&before);
        all.all(|(one, before)| world.register(*one).reach().accepted > *before)
    };
    assert!(world.run_until(SECOND, have).is_some(), "they have accepted it");
    world.lose(leader);
    world.heal();
}

#[test]
fn a_turn_to_exactly_the_survivors_that_nobody_knows_to_be_decided_keeps_nobody_from_going_on() {
    // The lost may have decided it, or not: either way these three are left, and refused for ever they could
    // never move a home again.
    let mut world = settled(21, 7);
    let leader = leader(&world);
    let left: Vec<usize> = (0..7).filter(|one| *one != leader).take(3).collect();
    for lost in (0..7).filter(|one| *one != leader && !left.contains(one)) {
        world.lose(lost);
    }
    accepted(&mut world, leader, &left, &left);
    world.forget_chain();
    world.run_for(5 * SECOND);
    let survivors: Vec<_> = left.iter().copied().map(node).collect();
    let may = |one: &usize| world.register(*one).may_force(world.instant(), &survivors).is_ok();
    let at = left.iter().copied().find(|one| may(one)).unwrap();
    let id = world.force(at, &left);
    world.run_for(SECOND);
    assert_eq!(world.not_forced.get(&id), None);
    agree(&mut world);
    decides(&mut world, at);
    let generations = world.register(at).state().roster().generations().to_vec();
    let forced: Vec<_> = generations.iter().map(|one| (one.number, one.forced)).collect();
    assert_eq!(forced, [(2, false), (3, true)]);
    assert_eq!(generations[1].given_up.len(), 4);
}

#[test]
fn a_turn_that_leaves_the_survivor_out_and_may_not_be_decided_keeps_it_from_nothing() {
    // It works and was to be replaced; whoever was to come is lost with all others, and it is what is left.
    let mut world = settled(22, 3);
    let leader = leader(&world);
    let (left, other) = ((leader + 1) % 3, (leader + 2) % 3);
    let new = world.join();
    world.step_taken(leader, &admit(new, Some(left)));
    world.run_for(3 * SECOND);
    world.lose(other);
    let mut members = [leader, other, new];
    members.sort_unstable();
    accepted(&mut world, leader, &members, &[left]);
    world.lose(new);
    world.forget_chain();
    world.run_for(5 * SECOND);
    let id = world.force(left, &[left]);
    world.run_for(SECOND);
    assert_eq!(world.not_forced.get(&id), None);
    decides(&mut world, left);
    let roster = world.register(left).state().roster().clone();
    assert_eq!(roster.members(), [node(left)]);
    assert!([leader, other, new].iter().all(|one| roster.was_given_up(node(*one))));
    // But nobody goes on with a node that has no vote and is to get none.
    world.find(other);
    let stranger = [node(left.min(other)), node(left.max(other))];
    world.run_for(5 * SECOND);
    let refused = world.register(left).may_force(world.instant(), &stranger);
    assert!(refused.is_err(), "{refused:?}");
}

#[test]
fn what_a_node_without_a_vote_has_heard_is_gone_on_from() {
    // A newcomer that follows was told what the survivor was not. Begun without that, the register forgets
    // what it has decided, though it could be asked.
    let mut world = settled(23, 3);
    let left = leader(&world);
    let (one, other) = ((left + 1) % 3, (left + 2) % 3);
    let new = world.join();
    world.step_taken(left, &admit(new, None));
    world.run_for(3 * SECOND);
    world.isolate(left);
    // What nobody else has is in no history: others have decided at its place.
    for _ in 0..3 {
        world.propose(left, &[GroupId(2)]).unwrap();
    }
    decides(&mut world, one);
    world.run_for(3 * SECOND);
    let known = world.register(one).digest();
    assert_eq!(world.register(new).digest(), known, "it was told");
    world.lose(one);
    world.lose(other);
    world.heal();
    let hears = |world: &World| {
        let reach = world.register(left).reach_of(world.instant(), node(new));
        reach.is_some_and(|reach| reach.decided > world.register(left).reach().decided)
    };
    assert!(world.run_until(5 * SECOND, hears).is_some());
    let early = world.force(left, &[left]);
    assert_eq!(world.not_forced[&early], ForceRefusal::Further { node: node(new) });
    world.run_for(3 * SECOND);
    let own = world.register(left).reach();
    assert!(world.register(new).reach().decided > own.decided, "it is told, and decides nothing");
    let plan = world.register(left).may_force(world.instant(), &[node(left)]).unwrap();
    assert!(plan.own.accepted >= world.register(new).reach().decided);
    let id = world.force(left, &[left]);
    world.run_for(5 * SECOND);
    assert_eq!(world.not_forced.get(&id), None);
    assert!(!world.diverged.contains(&new), "its history goes on");
    agree(&mut world);
    decides(&mut world, left);
    // A crash leaves it so.
    world.crash(left, SECOND);
    world.run_for(5 * SECOND);
    agree(&mut world);
}
