//! The register begun anew by force: what survivors go on from, and what nobody may do afterwards.

use register::{ForceRefusal, Phase};
use types::GroupId;

use crate::generations::{admit, agree, decides, settled, turn};
use crate::world::{SECOND, World, node};

#[test]
fn a_survivor_begins_a_generation_by_force_and_who_returns_has_no_vote() {
    // Three members, two lost for good: without this, no home could ever be changed again.
    let mut world = settled(3, 3);
    decides(&mut world, 0);
    world.run_for(SECOND);
    world.isolate(2);
    // Decided by the two that burn, and known to them only.
    decides(&mut world, 0);
    world.lose(0);
    world.lose(1);
    world.heal();
    world.forget_chain();
    let id = world.force(2, &[2]);
    world.run_for(SECOND);
    assert!(world.decided[&id].membership.unwrap().is_ok());
    decides(&mut world, 2);
    let new = [world.join(), world.join()];
    for (lost, new) in [0, 1].into_iter().zip(new) {
        world.step_taken(2, &admit(new, Some(lost)));
    }
    world.step_taken(2, &turn(&[2, new[0], new[1]]));
    agree(&mut world);
    // The ashes turn out to be a disk that works.
    world.find(0);
    world.find(1);
    world.run_for(10 * SECOND);
    assert!(world.diverged.contains(&0), "it had applied what is in no history");
    agree(&mut world);
    for old in [0, 1] {
        assert!(!world.register(old).generation().1, "no vote");
        assert_eq!(world.register(old).digest(), world.register(2).digest());
    }
    world.lose(2);
    decides(&mut world, new[1]);
    let forced = world.register(new[0]).state().roster().generations()[0].clone();
    assert_eq!((forced.number, forced.forced, forced.members), (2, true, vec![node(2)]));
}

#[test]
fn what_survivors_had_accepted_counts_as_decided() {
    // A home may have been told that it is home by a decision of which the survivor only has the entry.
    let mut world = settled(4, 3);
    let leader = (0..3).find(|one| world.register(0).leader() == Some(node(*one))).unwrap();
    let left = (leader + 1) % 3;
    let id = world.propose(leader, &[GroupId(1)]).unwrap();
    world.run_until(SECOND, |world| world.decided.contains_key(&id)).unwrap();
    assert_eq!(world.register(left).group(GroupId(1)).unwrap().version, 1, "not told yet");
    for other in (0..3).filter(|other| *other != left) {
        world.lose(other);
    }
    world.force(left, &[left]);
    world.run_for(SECOND);
    let group = world.register(left).group(GroupId(1)).unwrap();
    assert!(matches!(group.phase, Phase::Sealing { candidate, .. } if candidate == node(leader)));
}

/// Everybody but one is lost, and that one goes on alone.
fn alone(seed: u64) -> World {
    let mut world = settled(seed, 3);
    decides(&mut world, 0);
    world.run_for(SECOND);
    world.lose(0);
    world.lose(1);
    world.forget_chain();
    world.force(2, &[2]);
    world.run_for(SECOND);
    world
}

#[test]
fn numbers_that_the_lost_may_have_used_are_never_issued() {
    // The records of the lost home would pass for those of the new one, under the same epoch.
    let mut world = settled(5, 3);
    decides(&mut world, 0);
    world.run_for(SECOND);
    world.isolate(2);
    for _ in 0..6 {
        decides(&mut world, 0);
    }
    let used = world.register(0).group(GroupId(0)).unwrap().clone();
    world.lose(0);
    world.lose(1);
    world.heal();
    world.forget_chain();
    world.force(2, &[2]);
    world.run_for(SECOND);
    let begun = world.register(2).group(GroupId(0)).unwrap().clone();
    assert!(begun.issued > used.issued && begun.next_config() > used.next_config());
    decides(&mut world, 2);
    let opened = world.register(2).group(GroupId(0)).unwrap().clone();
    let (count, at) = (1, u64::from(node(2).0));
    assert_eq!(opened.issued.0 / 1_000_000_000, count * 100_000 + at, "{}", opened.issued.0);
    // And once more, at the same node, after others have come.
    let (one, two) = (world.join(), world.join());
    world.step_taken(2, &admit(one, Some(0)));
    world.step_taken(2, &admit(two, Some(1)));
    world.step_taken(2, &turn(&[2, one, two]));
    agree(&mut world);
    decides(&mut world, one);
    let highest = world.register(one).group(GroupId(0)).unwrap().issued;
    world.lose(one);
    world.lose(two);
    world.run_for(SECOND);
    world.force(2, &[2]);
    world.run_for(SECOND);
    decides(&mut world, 2);
    let again = world.register(2).group(GroupId(0)).unwrap();
    assert!(again.issued.0 > highest.0 + 1_000_000_000);
    // What was opened first after a beginning says that something may be missing before it.
    let forced = again.history.starts().iter().filter(|start| start.forced).count();
    assert!(forced >= usize::from(opened.epoch > used.epoch), "{:?}", again.history);
}

#[test]
fn a_seal_that_was_under_way_goes_on_under_a_number_of_its_own() {
    // Its epoch may in the end have been issued to another by those that are lost.
    let mut world = settled(6, 3);
    world.propose(2, &[GroupId(1)]).unwrap();
    world.run_for(2 * SECOND);
    let Phase::Sealing { epoch, candidate, .. } =
        world.register(2).group(GroupId(1)).unwrap().phase
    else {
        panic!("it is sealing")
    };
    world.lose(0);
    world.lose(1);
    world.forget_chain();
    world.force(2, &[2]);
    world.run_for(SECOND);
    let Phase::Sealing { epoch: again, candidate: by, .. } =
        world.register(2).group(GroupId(1)).unwrap().phase
    else {
        panic!("it is sealing yet")
    };
    assert!(again.0 > epoch.0 + 1_000_000_000);
    assert_eq!(by, candidate);
    decides(&mut world, 2);
}

#[test]
fn of_two_survivors_the_one_with_the_later_ballot_goes_on() {
    // A leader that is cut off appends what nobody will ever decide. Chosen for its long log, it would
    // forget what the other survivor has helped to decide.
    let mut world = settled(7, 5);
    let leader = (0..5).find(|one| world.register(0).leader() == Some(node(*one))).unwrap();
    let other = (leader + 1) % 5;
    world.isolate(leader);
    for _ in 0..12 {
        world.propose(leader, &[GroupId(2)]).unwrap();
    }
    decides(&mut world, other);
    world.run_for(2 * SECOND);
    let known = world.register(other).group(GroupId(0)).unwrap().version;
    for lost in (0..5).filter(|one| *one != leader && *one != other) {
        world.lose(lost);
    }
    world.heal();
    let both = [leader.min(other), leader.max(other)];
    let early = world.force(leader, &both);
    assert_eq!(world.not_forced[&early], ForceRefusal::Unheard { node: node(other) });
    world.run_for(5 * SECOND);
    let (long, late) = (world.register(leader).reach(), world.register(other).reach());
    assert!(long.accepted > late.accepted && late.is_better_than(&long), "{long:?} {late:?}");
    let refused = world.force(leader, &both);
    assert_eq!(world.not_forced[&refused], ForceRefusal::Behind { node: node(other) });
    assert!(world.register(other).may_force(world.instant(), &both.map(node)).is_ok());
    world.force(other, &both);
    agree(&mut world);
    assert!(world.register(leader).group(GroupId(0)).unwrap().version > known);
    decides(&mut world, leader);
}

#[test]
fn forced_at_two_survivors_at_once_neither_mixes_with_the_other() {
    // Both begin generation 2, with the same members even: frames of one taken for frames of the other would
    // make one log of two.
    let mut world = settled(8, 5);
    decides(&mut world, 0);
    world.run_for(2 * SECOND);
    for lost in [0, 1, 2] {
        world.lose(lost);
    }
    world.run_for(5 * SECOND);
    world.part(4);
    world.force(3, &[3, 4]);
    world.force(4, &[3, 4]);
    world.run_for(10 * SECOND);
    assert_eq!(world.split.len(), 2, "both say so");
    for (one, other) in [(3, 4), (4, 3)] {
        let register = world.register(one);
        assert_eq!(register.generation(), (2, true));
        assert_eq!(register.reach().lineage.len(), 1);
        assert_eq!(register.split_from(world.instant()).collect::<Vec<_>>(), [node(other)]);
        assert!(!register.reachable(world.instant()), "each waits for a member that went away");
    }
    assert_ne!(world.register(3).digest(), world.register(4).digest());
    // People end one of the two: without it the other goes on, and its lineage stays another.
    world.lose(4);
    world.run_for(5 * SECOND);
    world.force(3, &[3]);
    world.run_for(SECOND);
    decides(&mut world, 3);
    world.find(4);
    world.part(4);
    world.run_for(10 * SECOND);
    assert!(!world.diverged.contains(&4), "what people began anew is not set aside by itself");
    assert!(world.register(3).state().roster().was_given_up(node(4)));
}

#[test]
fn who_was_given_up_follows_though_its_generation_is_a_later_one() {
    // The lost had replaced a member before they were lost: their generation has the higher number, and
    // together they are a majority of it.
    let mut world = settled(9, 3);
    decides(&mut world, 0);
    world.run_for(SECOND);
    world.isolate(2);
    let new = world.join();
    world.run_for(SECOND);
    for (member, other) in [(new, 2), (2, new)] {
        world.cut(member, other);
    }
    world.step_taken(0, &admit(new, None));
    world.step_taken(0, &turn(&[0, 1, 2, new]));
    world.step_taken(0, &turn(&[0, 1, new]));
    world.run_for(3 * SECOND);
    assert_eq!(world.register(0).generation(), (3, true));
    for lost in [0, 1, new] {
        world.lose(lost);
    }
    world.heal();
    world.forget_chain();
    world.force(2, &[2]);
    world.run_for(SECOND);
    decides(&mut world, 2);
    world.find(0);
    world.find(1);
    world.run_for(20 * SECOND);
    assert!(world.diverged.contains(&0) && world.diverged.contains(&1));
    for old in [0, 1] {
        assert_eq!(world.register(old).generation(), (2, false), "it follows");
        assert_eq!(world.register(old).digest(), world.register(2).digest());
    }
    decides(&mut world, 2);
}

#[test]
fn every_order_to_force_is_answered() {
    // An order that is never answered is given again, by people in a hurry, elsewhere.
    let mut world = settled(10, 3);
    let all = world.force(0, &[0, 1]);
    assert_eq!(world.not_forced[&all], ForceRefusal::HasMajority);
    let without = world.force(0, &[1]);
    assert_eq!(world.not_forced[&without], ForceRefusal::NoVote { node: node(0) });
    let new = world.join();
    world.run_for(SECOND);
    let follower = world.force(new, &[new]);
    assert_eq!(world.not_forced[&follower], ForceRefusal::NoVote { node: node(new) });
    let mut world = alone(11);
    let same = world.force(2, &[2]);
    assert_eq!(world.not_forced[&same], ForceRefusal::HasMajority, "it is all there is");
    let mut world = settled(12, 3);
    world.lose(0);
    world.lose(1);
    world.crash(2, 1_000);
    world.run_for(2_000);
    // At a start of which nothing is on the disk yet.
    let id = world.force(2, &[2]);
    world.run_for(SECOND);
    assert!(world.decided[&id].membership.unwrap().is_ok());
    world.crash(2, 1_000);
    world.run_for(SECOND);
    assert_eq!(world.register(2).generation(), (2, true));
}

#[test]
fn who_may_go_on_is_judged_by_what_was_accepted_and_not_only_by_what_is_known() {
    // The survivor has accepted that another member votes in the place of one, and has not heard that it was
    // decided: that one counts for nothing afterwards, either way.
    let mut world = settled(13, 3);
    let new = world.join();
    world.step_taken(0, &admit(new, Some(1)));
    world.run_for(2 * SECOND);
    let leader = (0..3).find(|one| world.register(0).leader() == Some(node(*one))).unwrap();
    let left = if leader == 2 { 0 } else { 2 };
    let mut members = [0, 2, new];
    members.sort_unstable();
    let id = world.propose_step(leader, turn(&members)).unwrap();
    world.run_until(SECOND, |world| world.decided.contains_key(&id)).unwrap();
    let known = world.register(left).state().roster().generation();
    for lost in (0..4).filter(|one| *one != left) {
        world.lose(lost);
    }
    assert_eq!(known, 1, "not told yet");
    let taken = world.register(left).may_force(world.instant(), &[node(left)]).unwrap();
    world.forget_chain();
    let lost: Vec<_> = (0..4).filter(|one| *one != left).map(node).collect();
    assert_eq!((taken.generation, taken.given_up), (3, lost));
    let id = world.force(left, &[left]);
    world.run_for(SECOND);
    assert_eq!(world.decided[&id].membership, Some(Ok(4)));
}
