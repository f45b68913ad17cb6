//! Nodes that are replaced, come and go.

use register::Gone;
use sim::{Knobs, MILLI, SECOND, Seat, World, id};
use types::NodeId;
use wire::Reply;

use crate::tale::*;

/// Runs until everybody who was ordered to come or go has done so, in the groups and in the register.
pub(crate) fn until_whole(world: &mut World) {
    // The orders are on their way.
    world.run_for(2 * SECOND);
    let until = world.now() + 40 * SECOND;
    let whole = world.run_until(until, |world| world.lacks_members().is_none());
    sound(world);
    assert!(whole, "{:?}", world.lacks_members());
}

/// A machine takes the place of another: ordered until the register has taken it.
pub(crate) fn replaced(world: &mut World, at: usize, old: usize) -> usize {
    let new = world.join(Some(old));
    admitted(world, at, new, Some(old));
    new
}

pub(crate) fn admitted(world: &mut World, at: usize, new: usize, old: Option<usize>) {
    for _ in 0..10 {
        world.admit(at, new, old);
        let until = world.now() + SECOND;
        let is_known =
            |world: &World| world.roster().is_some_and(|roster| roster.is_known(world.id_of(new)));
        if world.run_until(until, is_known) {
            return;
        }
    }
    panic!("n{} is not admitted", new + 1);
}

/// The members of group 0 as `host` follows them.
pub(crate) fn members(world: &World, host: usize) -> Vec<NodeId> {
    group(world, host).config().members().to_vec()
}

/// Who votes, as `host` knows.
pub(crate) fn votes(world: &World, host: usize) -> Vec<NodeId> {
    world.node(host).unwrap().register().state().roster().members().to_vec()
}

/// The same where some may have come after a beginning by force, whose ids are what the register says.
pub(crate) fn named(world: &World, hosts: &[usize]) -> Vec<NodeId> {
    hosts.iter().map(|host| world.id_of(*host)).collect()
}

pub(crate) fn ids(hosts: &[usize]) -> Vec<NodeId> {
    hosts.iter().copied().map(id).collect()
}

#[test]
fn s6_a_replaced_disk_is_refused_under_its_old_id_and_comes_back_as_a_learner() {
    // TigerBeetle's recover, nats#2792, #5939: an empty disk says "never had it" of what it acknowledged,
    // and an acknowledged payment is outvoted.
    let mut world = serving(1);
    let kept: Vec<_> = (0..5).map(|_| done(&mut world, HOME)).collect();
    world.kill(FAR);
    world.empty(FAR);
    world.start(FAR);
    assert!(world.node(FAR).is_none(), "it is not even started");
    assert_eq!(world.report().refused, 1);

    let new = replaced(&mut world, NEAR, FAR);
    assert_eq!(members(&world, HOME), ids(&[HOME, NEAR, FAR]), "it counts for nothing yet");
    until_whole(&mut world);
    assert_eq!(members(&world, HOME), ids(&[HOME, NEAR, new]));
    assert_eq!(votes(&world, new), ids(&[HOME, NEAR, new]));
    assert_eq!(
        world.node(HOME).unwrap().register().state().roster().gone(id(FAR)),
        Some(Gone::Replaced { by: id(new) })
    );

    // The new disk counts: with it alone beside the home records are committed, and when both others are
    // lost the new one is what saves them.
    world.run_for(2 * SECOND);
    world.retire(NEAR);
    let more = done(&mut world, HOME);
    world.run_for(SECOND);
    world.kill(HOME);
    world.start(HOME);
    for ask in kept.iter().chain([&more]) {
        let told = outcome(&mut world, new, ask);
        assert!(matches!(told, Reply::Done { repeated: true, .. }), "{told:?}");
    }
    assert_eq!(group(&world, new).trail(), group(&world, HOME).trail());
    sound(&world);
}

#[test]
fn a_learner_counts_for_nothing_before_a_configuration_names_it() {
    // Counted while it copies, it would make commits of what it will lose with its first crash.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.kill(FAR);
    world.empty(FAR);
    let new = world.join(Some(FAR));
    admitted(&mut world, HOME, new, Some(FAR));
    let is_known = |world: &World| {
        let register = world.node(HOME).unwrap().register();
        register.state().roster().is_known(world.id_of(new))
    };
    let until = world.now() + SECOND;
    assert!(world.run_until(until, is_known), "the home ships to it");
    // Without the other member no configuration can come to name it; it holds all that is asked for now.
    world.kill(NEAR);
    let commit = group(&world, HOME).commit();
    let (_, request) = ask(&mut world, HOME);
    let told = reply(&mut world, request);
    assert!(!matches!(told, Reply::Done { .. }), "{told:?}");
    assert!(group(&world, HOME).tail().seq > commit);
    assert_eq!(group(&world, new).tail(), group(&world, HOME).tail(), "it holds the record");
    assert_eq!(group(&world, HOME).commit(), commit, "and is not counted");
    assert_eq!(members(&world, HOME), ids(&[HOME, NEAR, FAR]));
    world.start(NEAR);
    until_whole(&mut world);
    world.retire(FAR);
    done(&mut world, HOME);
    assert_eq!(members(&world, new), ids(&[HOME, NEAR, new]));
}

#[test]
fn a_home_whose_disk_is_lost_is_taken_over_and_replaced_though_all_copies_are_wanted() {
    // With copies on all three wanted, no epoch could be opened without the lost disk: the takeover
    // itself goes to the configuration with the newcomer in it.
    let mut world = serving_with(Knobs { copies: 3, ..Knobs::quiet(1) }, 1);
    let kept = done(&mut world, HOME);
    world.kill(HOME);
    world.empty(HOME);
    world.run_for(6 * SECOND);
    assert_eq!(home(&world), None, "it waits for the third copy");
    let new = replaced(&mut world, NEAR, HOME);
    until_whole(&mut world);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world).is_some_and(|host| host != HOME)));
    let now_home = home(&world).unwrap();
    let told = outcome(&mut world, now_home, &kept);
    assert!(matches!(told, Reply::Done { .. }), "{told:?}");
    done(&mut world, now_home);
    assert_eq!(members(&world, now_home), ids(&[new, NEAR, FAR]));
}

#[test]
fn the_only_one_that_may_lead_goes_to_the_newcomer_though_it_took_over_before() {
    // Two full regions and a witness, all copies wanted, the home's disk lost: the other region has
    // begun its takeover when the newcomer is ordered, and nobody else may begin a second.
    let knobs = Knobs { copies: 3, ..Knobs::quiet(1).with_witness() };
    let mut world = serving_with(knobs, 1);
    let lost = home(&world).unwrap();
    let kept = done(&mut world, lost);
    let other = (0..2).find(|host| *host != lost).unwrap();
    world.kill(lost);
    world.empty(lost);
    world.run_for(6 * SECOND);
    assert_eq!(home(&world), None, "it waits for the third copy");
    let new = replaced(&mut world, other, lost);
    until_whole(&mut world);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world).is_some_and(|host| host != lost)));
    let now_home = home(&world).unwrap();
    assert!(matches!(outcome(&mut world, now_home, &kept), Reply::Done { .. }));
    done(&mut world, now_home);
    assert!(members(&world, now_home).contains(&ids(&[new])[0]));
}

#[test]
fn a_node_is_replaced_while_it_works_and_then_takes_itself_out() {
    // Machines are renewed every few years: nobody is to choose between an outage and a risk.
    let mut world = serving(2);
    let new = replaced(&mut world, HOME, HOME);
    for _ in 0..10 {
        done(&mut world, NEAR);
    }
    until_whole(&mut world);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| world.node(HOME).is_none()), "it ends by itself");
    sound(&world);
    assert!(home(&world).is_some_and(|host| host != HOME));
    done(&mut world, new);
    // Its id is never used again, not even by its own disk.
    world.start(HOME);
    world.run_for(5 * SECOND);
    assert!(world.node(HOME).is_none());
    sound(&world);
}

#[test]
fn a_home_that_lost_its_vote_to_the_newcomer_is_relieved_by_the_next_in_line() {
    // Its sessions were away for a moment, and the newcomer was there: it serves, cannot order that
    // another takes over, and would be home for ever of what is to go elsewhere.
    for restarts in [false, true] {
        let mut world = serving(2);
        let kept = done(&mut world, HOME);
        let new = replaced(&mut world, NEAR, HOME);
        world.isolate(HOME);
        let until = world.now() + 10 * SECOND;
        let is_out = |world: &World| !votes(world, NEAR).contains(&id(HOME));
        assert!(world.run_until(until, is_out), "the newcomer votes in its place");
        if restarts {
            world.kill(HOME);
            world.start(HOME);
        }
        world.heal();
        let until = world.now() + 30 * SECOND;
        assert!(world.run_until(until, |world| world.node(HOME).is_none()), "it ends by itself");
        sound(&world);
        until_whole(&mut world);
        let at = home(&world).unwrap();
        assert!(matches!(outcome(&mut world, at, &kept), Reply::Done { repeated: true, .. }));
        done(&mut world, new);
    }
}

#[test]
fn who_may_be_the_last_to_know_how_a_generation_ended_does_not_leave() {
    // Two of three decide that the newcomer votes. One of them is to go, and goes; the other's disk is lost.
    // The third and the newcomer would wait for ever for a majority of which each is half.
    let mut world = serving(1);
    let kept = done(&mut world, HOME);
    let new = replaced(&mut world, HOME, FAR);
    let until = world.now() + 30 * SECOND;
    let is_member = |world: &World| members(world, HOME).contains(&id(new));
    assert!(world.run_until(until, is_member), "the group goes first");
    assert!(!votes(&world, HOME).contains(&id(new)), "the vote follows");
    world.isolate(NEAR);
    let until = world.now() + 30 * SECOND;
    let knows = |world: &World, host| votes(world, host).contains(&id(new));
    assert!(world.run_until(until, |world| knows(world, HOME) && knows(world, FAR)));
    world.isolate(new);
    assert!(!knows(&world, NEAR) && !knows(&world, new));
    world.kill(HOME);
    world.empty(HOME);
    world.run_for(2 * SECOND);
    world.heal();
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| knows(world, NEAR) && home(world).is_some()));
    let at = home(&world).unwrap();
    assert!(matches!(outcome(&mut world, at, &kept), Reply::Done { repeated: true, .. }));
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| world.node(FAR).is_none()), "and then it ends");
    sound(&world);
}

#[test]
fn nodes_come_and_go_one_by_one_and_copies_stay() {
    // From three regions to four and back to three others, with clients at work.
    let mut world = serving(2);
    let first = done(&mut world, HOME);
    let new = world.join(None);
    admitted(&mut world, FAR, new, None);
    until_whole(&mut world);
    assert_eq!(members(&world, HOME), ids(&[HOME, NEAR, FAR, new]));
    world.dismiss(FAR, HOME);
    until_whole(&mut world);
    world.run_for(5 * SECOND);
    assert!(world.node(HOME).is_none(), "the one that was sent away has ended");
    let at = home(&world).unwrap();
    assert_eq!(members(&world, at), ids(&[NEAR, FAR, new]));
    assert_eq!(votes(&world, at), ids(&[NEAR, FAR, new]));
    let told = outcome(&mut world, new, &first);
    assert!(matches!(told, Reply::Done { repeated: true, .. }), "{told:?}");
    // A fourth leaves, and then the register would be left with two votes.
    let [taken, refused] = world.report().orders;
    world.dismiss(at, at);
    world.run_for(SECOND);
    assert_eq!(world.report().orders, [taken, refused + 1]);
    done(&mut world, at);
    sound(&world);
}

#[test]
fn whoever_leads_meanwhile_the_order_is_carried_out() {
    // The home dies while it brings the newcomer up, and so does the leader of the register.
    let mut world = serving(4);
    done(&mut world, HOME);
    let new = replaced(&mut world, NEAR, FAR);
    world.retire(FAR);
    world.run_for(400 * MILLI);
    world.kill(HOME);
    world.run_for(4 * SECOND);
    world.start(HOME);
    world.kill(new);
    world.run_for(SECOND);
    world.start(new);
    until_whole(&mut world);
    done(&mut world, NEAR);
    assert_eq!(members(&world, NEAR), ids(&[HOME, NEAR, new]));
}

#[test]
fn a_witness_is_replaced_by_a_witness() {
    // The newcomer is what the lost one was: it keeps the end of the journal, and never leads.
    let mut world = serving_with(Knobs::quiet(1).with_witness(), 1);
    done(&mut world, HOME);
    let new = replaced(&mut world, HOME, FAR);
    world.retire(FAR);
    until_whole(&mut world);
    world.run_for(2 * SECOND);
    assert!(group(&world, new).is_witness());
    assert_eq!(group(&world, new).applied().0, 0);
    world.kill(NEAR);
    done(&mut world, HOME);
    sound(&world);
}

/// Who leads group 0 is replaced at once, all of them: two full regions with a witness.
fn two_and_a_witness() -> World {
    let mut world = serving_with(Knobs::quiet(1).with_witness(), 1);
    for _ in 0..5 {
        done(&mut world, HOME);
    }
    world
}

#[test]
fn all_that_may_lead_are_renewed_at_once_and_hand_over_one_after_the_other() {
    // Both full regions get new machines in one night. Neither could hand over to the other, and the group
    // stayed on the old ones for ever, however long people waited.
    let mut world = two_and_a_witness();
    let kept = done(&mut world, HOME);
    let (one, two) = (world.join(Some(HOME)), world.join(Some(NEAR)));
    world.kill(one);
    admitted(&mut world, FAR, one, Some(HOME));
    admitted(&mut world, FAR, two, Some(NEAR));
    world.start(one);
    until_whole(&mut world);
    assert_eq!(members(&world, one), ids(&[one, two, FAR]));
    let until = world.now() + 30 * SECOND;
    let have_ended = |world: &World| world.node(HOME).is_none() && world.node(NEAR).is_none();
    assert!(world.run_until(until, have_ended), "both end by themselves");
    sound(&world);
    let at = home(&world).unwrap();
    assert!(matches!(outcome(&mut world, at, &kept), Reply::Done { repeated: true, .. }));
    done(&mut world, two);
}

#[test]
fn a_disk_is_lost_while_the_other_region_is_being_renewed_and_is_replaced_too() {
    // The one that works is to go, and the one it would hand over to is gone. It has all there is, so the order
    // is right, and it must lead until somebody else counts.
    let mut world = two_and_a_witness();
    let one = world.join(Some(HOME));
    world.kill(one);
    admitted(&mut world, HOME, one, Some(HOME));
    world.retire(NEAR);
    let kept = done(&mut world, HOME);
    let two = replaced(&mut world, HOME, NEAR);
    world.start(one);
    until_whole(&mut world);
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| world.node(HOME).is_none()), "it ends by itself");
    sound(&world);
    let at = home(&world).unwrap();
    assert_eq!(members(&world, at), ids(&[one, two, FAR]));
    assert!(matches!(outcome(&mut world, at, &kept), Reply::Done { repeated: true, .. }));
}

#[test]
fn a_home_lost_while_all_are_renewed_is_taken_over_by_one_that_is_to_go() {
    // All copies wanted: no epoch can be opened without the lost disk but one that names a newcomer, and the
    // only one that has everything is to go as well.
    let knobs = Knobs { copies: 3, ..Knobs::quiet(1).with_witness() };
    let mut world = serving_with(knobs, 1);
    let lost = home(&world).unwrap();
    let kept = done(&mut world, lost);
    let other = (0..2).find(|host| *host != lost).unwrap();
    let one = world.join(Some(other));
    world.kill(one);
    admitted(&mut world, other, one, Some(other));
    world.kill(lost);
    world.empty(lost);
    world.run_for(6 * SECOND);
    assert_eq!(home(&world), None, "it waits for the third copy");
    let two = replaced(&mut world, other, lost);
    let until = world.now() + 30 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(other)));
    world.start(one);
    until_whole(&mut world);
    let at = home(&world).unwrap();
    assert!(matches!(outcome(&mut world, at, &kept), Reply::Done { .. }));
    done(&mut world, two);
}

#[test]
fn who_may_be_the_last_to_hold_a_group_is_not_sent_away() {
    // One region burned, its newcomer not there yet, and the other does not answer: told that another has its
    // place, people clear away the disk with the only copy of the money.
    let knobs = Knobs { nodes: 5, ..Knobs::quiet(1).with_witness() };
    let spare = [3, 4].map(|region| Seat { role: None, region, zone: 0 });
    let knobs = Knobs { seats: knobs.seats.iter().copied().chain(spare).collect(), ..knobs };
    let mut world = serving_with(knobs, 1);
    let kept = done(&mut world, HOME);
    world.retire(HOME);
    let one = world.join(Some(HOME));
    world.kill(one);
    admitted(&mut world, NEAR, one, Some(HOME));
    world.kill(NEAR);
    world.run_for(4 * SECOND);
    let [taken, refused] = world.report().orders;
    let two = world.join(Some(NEAR));
    world.admit(FAR, two, Some(NEAR));
    world.dismiss(FAR, NEAR);
    world.run_for(SECOND);
    assert_eq!(world.report().orders, [taken, refused + 2]);
    // Its disk was fine, as it turns out. Then the newcomer comes to count, and the same order is taken.
    world.start(NEAR);
    world.start(one);
    let until = world.now() + 40 * SECOND;
    let counts = |world: &World| members(world, NEAR).contains(&id(one));
    assert!(world.run_until(until, counts), "the newcomer counts");
    admitted(&mut world, FAR, two, Some(NEAR));
    until_whole(&mut world);
    let at = home(&world).unwrap();
    assert_eq!(members(&world, at), ids(&[one, two, FAR]));
    assert!(matches!(outcome(&mut world, at, &kept), Reply::Done { repeated: true, .. }));
}

#[test]
fn a_home_that_has_no_say_any_more_is_relieved_though_all_are_renewed() {
    // Away for a moment it lost its vote to the newcomer; nobody who counts is to stay, and whoever is to come
    // does not count. Somebody has to speak for it: the other that is to go, or a newcomer if that has lost
    // its vote as well.
    for both in [false, true] {
        let mut world = two_and_a_witness();
        let (one, two) = (world.join(Some(HOME)), world.join(Some(NEAR)));
        world.kill(one);
        world.kill(two);
        admitted(&mut world, FAR, one, Some(HOME));
        admitted(&mut world, FAR, two, Some(NEAR));
        world.start(one);
        until_out(&mut world, HOME);
        world.start(two);
        if both {
            until_out(&mut world, NEAR);
        }
        world.heal();
        let at = home(&world);
        assert!(at == Some(HOME) || both && at == Some(NEAR), "{at:?}");
        until_whole(&mut world);
        let at = home(&world).unwrap();
        assert_eq!(members(&world, at), ids(&[one, two, FAR]));
        done(&mut world, at);
    }
}

/// A node that is to go is away until it has no vote any more.
fn until_out(world: &mut World, host: usize) {
    world.isolate(host);
    let until = world.now() + 10 * SECOND;
    let is_out = |world: &World| !votes(world, FAR).contains(&id(host));
    assert!(world.run_until(until, is_out), "the newcomer votes in its place");
}
