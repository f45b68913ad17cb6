//! Named failures: what happened, and how it must end.

use crate::world::{Net, SECOND, World, config, node, options};
use bytes::Bytes;
use register::{
    Change, Effect, Event, FrameRefusal, Input, NotOptions, Options, Phase, Proposal, RecoverError,
    Register, SealKind, Transition, UndecidedReason,
};
use types::{Epoch, GroupId, Instant, Now, Stamp};

fn settled(seed: u64, count: usize, groups: u16) -> World {
    let mut world = World::new(seed, count, groups, Net::calm());
    world.run_until(10 * SECOND, World::agrees_on_a_leader).expect("a calm world elects");
    // In their first rounds members are not sure of a leader, and one lost heartbeat makes another.
    world.run_for(3 * SECOND);
    world
}

fn all(groups: u16) -> Vec<GroupId> {
    (0..groups).map(GroupId).collect()
}

#[test]
fn a_whole_region_moves_in_two_rounds() {
    // 256 groups that move one by one would keep clients out for minutes (PROTOCOL S30).
    let mut world = settled(1, 3, 256);
    let groups = all(256);
    for phase in ["seal", "activate"] {
        let id = world.propose(1, &groups).unwrap();
        let took = world.run_until(SECOND, |world| world.decided.contains_key(&id));
        // Two round trips of 40 ms at most, and the writes in between.
        assert!(took.is_some_and(|took| took < 120_000), "{phase} took {took:?}");
        assert!(world.decided[&id].changes.iter().all(|(_, result)| result.is_ok()));
    }
    world.run_until(SECOND, World::is_converged).unwrap();
    for (_, group) in world.register(2).groups() {
        assert_eq!((group.home, group.epoch), (Some(node(1)), Epoch(1)));
        assert_eq!(group.phase, Phase::Active);
    }
}

#[test]
fn of_two_who_reach_for_a_group_one_gets_it() {
    // Two regions that both miss the home must not both take over (PROTOCOL F6).
    let mut world = settled(2, 3, 1);
    let ids = [0, 1, 2].map(|member| world.propose(member, &[GroupId(0)]).unwrap());
    world.run_for(SECOND);
    let won = ids.iter().filter(|id| world.decided[id].changes[0].1.is_ok()).count();
    assert_eq!(won, 1);
}

#[test]
fn a_minority_says_that_it_cannot_and_changes_nothing() {
    // An operator in a cut-off region needs a reason, not a spinner (PROTOCOL S29).
    let mut world = settled(3, 3, 1);
    world.isolate(0);
    world.run_for(4 * SECOND);
    assert!(!world.register(0).reachable(world.instant()));
    let heard: Vec<_> = world.register(0).heard(world.instant()).collect();
    assert_eq!(heard, [node(0)]);
    let id = world.propose(0, &[GroupId(0)]).unwrap();
    world.run_for(6 * SECOND);
    assert!(world.given_up.contains(&id));
    assert!(!world.decided.contains_key(&id));
    let other = world.propose(1, &[GroupId(0)]).unwrap();
    world.run_for(SECOND);
    assert!(world.decided[&other].changes[0].1.is_ok(), "the majority goes on");
    world.heal();
    world.run_until(10 * SECOND, World::is_converged).expect("the minority catches up");
}

#[test]
fn the_leader_dies_with_a_proposal_on_its_way() {
    // The switch that an operator ordered must not vanish with the node that took it in.
    for seed in 0..20 {
        let mut world = settled(seed, 3, 1);
        let leader = world.register(0).leader().unwrap();
        let leader = (0..3).find(|member| node(*member) == leader).unwrap();
        let proposer = (leader + 1) % 3;
        let id = world.propose(proposer, &[GroupId(0)]).unwrap();
        world.run_for(1_000 + 3_000 * seed);
        world.crash(leader, 30 * SECOND);
        let took = world.run_until(5 * SECOND, |world| world.decided.contains_key(&id));
        assert!(took.is_some(), "seed {seed}");
        assert!(world.decided[&id].changes[0].1.is_ok());
    }
}

#[test]
fn a_chain_of_links_elects_the_one_whom_all_can_reach() {
    // Regions A and C lose sight of each other while B sees both: leadership must not wander.
    let mut world = settled(4, 3, 1);
    let leader = world.register(0).leader().unwrap();
    let a = (0..3).find(|member| node(*member) == leader).unwrap();
    let (b, c) = ((a + 1) % 3, (a + 2) % 3);
    world.cut(a, c);
    world.cut(c, a);
    world.run_for(10 * SECOND);
    let held = world.register(b).leader();
    assert!(held.is_some());
    for _ in 0..40 {
        world.run_for(SECOND);
        assert_eq!(world.register(b).leader(), held, "leadership wanders");
    }
    let id = world.propose(b, &[GroupId(0)]).unwrap();
    world.run_for(SECOND);
    assert!(world.decided.contains_key(&id));
}

#[test]
fn the_last_message_before_a_quiet_night_is_lost() {
    // The next switch may be months away; until then a member would hold an old home for the home.
    let mut world = settled(7, 3, 1);
    let leader = world.register(0).leader().unwrap();
    let leader = (0..3).find(|member| node(*member) == leader).unwrap();
    let deaf = (leader + 1) % 3;
    let id = world.propose(leader, &[GroupId(0)]).unwrap();
    world.cut(leader, deaf);
    world.run_until(SECOND, |world| world.decided.contains_key(&id)).unwrap();
    world.run_for(30_000);
    world.cuts.clear();
    assert!(!world.is_converged());
    let took = world.run_until(3 * SECOND, World::is_converged);
    assert!(took.is_some(), "nothing repairs it");
    assert_eq!(world.register(deaf).leader(), Some(node(leader)), "and without an election");
}

#[test]
fn a_promise_that_came_twice_does_not_begin_anew_for_ever() {
    // Over a long way the promise is sent again while its answer is coming. If the copy counts, the
    // follower begins anew again and again, and each switch of a lost region takes two round trips more.
    let net = Net { delay_us_min: 210_000, delay_us_max: 210_000, ..Net::calm() };
    let mut world = World::new(9, 3, 1, net);
    world.run_until(20 * SECOND, World::agrees_on_a_leader).expect("a calm world elects");
    world.run_for(10 * SECOND);
    let leader = world.register(0).leader().unwrap();
    let leader = (0..3).find(|member| node(*member) == leader).unwrap();
    world.crash(leader, 60 * SECOND);
    world.run_for(10 * SECOND);
    let before = world.leader_notes;
    let other = (leader + 1) % 3;
    for _ in 0..20 {
        world.propose(other, &[GroupId(0)]).unwrap();
        world.run_for(SECOND);
    }
    assert_eq!(world.leader_notes, before, "nobody dies, nobody is left");
    assert_eq!(world.given_up.len(), 0);
}

#[test]
fn the_answers_to_the_last_message_are_lost() {
    // All have it, none knows that it is decided: an operator waits for a switch that has happened.
    let mut world = settled(8, 3, 1);
    let leader = world.register(0).leader().unwrap();
    let leader = (0..3).find(|member| node(*member) == leader).unwrap();
    let id = world.propose(leader, &[GroupId(0)]).unwrap();
    for other in (0..3).filter(|other| *other != leader) {
        world.cut(other, leader);
    }
    world.run_for(60_000);
    world.cuts.clear();
    let took = world.run_until(3 * SECOND, |world| world.decided.contains_key(&id));
    assert!(took.is_some(), "nothing repairs it");
}

#[test]
fn a_cluster_that_lost_its_power_remembers() {
    // Every region at once is rare and happens (PROTOCOL S9).
    let mut world = settled(5, 5, 4);
    let id = world.propose(3, &all(4)).unwrap();
    world.run_until(SECOND, |world| world.decided.contains_key(&id)).unwrap();
    (0..5).for_each(|member| world.crash(member, SECOND));
    world.run_for(2 * SECOND);
    world.run_until(20 * SECOND, World::agrees_on_a_leader).unwrap();
    world.run_until(10 * SECOND, World::is_converged).unwrap();
    for member in 0..5 {
        assert!(world.register(member).state().has_applied(id));
    }
}

#[test]
fn nothing_leaves_before_it_is_on_disk() {
    // A promise sent and then forgotten in a crash elects two leaders (PROTOCOL S2).
    let mut world = settled(6, 3, 1);
    world.net.write_us_max = 300_000;
    world.net.stall_ppm = 300_000;
    for round in 0..30 {
        world.propose(round % 3, &[GroupId(0)]);
        world.run_for(400_000);
        world.crash(round % 3, 300_000);
        world.run_for(400_000);
    }
    world.heal();
    world.run_for(12 * SECOND);
    world.run_until(20 * SECOND, World::is_converged).unwrap();
}

fn at(micros: u64) -> Now {
    Now { instant: Instant(micros), wall: Stamp(micros) }
}

fn alone() -> Register {
    Register::recover(options(0, 1, 1), Instant(0), []).unwrap()
}

fn seal(register: &Register, count: u32) -> Proposal {
    let change = Change {
        group: GroupId(0),
        expected_version: 1,
        transition: Transition::BeginSeal {
            epoch: Epoch(1),
            candidate: node(0),
            kind: SealKind::Planned,
            at: Stamp(1),
        },
    };
    let id = register.proposal_id(count);
    Proposal::new(id, "operator".into(), "moving day".into(), vec![change]).unwrap()
}

#[test]
fn one_member_decides_when_it_is_written_and_not_before() {
    // The simplest case of durability first, in the open.
    let mut register = alone();
    let mut out = Vec::new();
    register.handle(at(1), Input::Propose(seal(&register, 0)), &mut out);
    let [Effect::Note(Event::Leader(_)), Effect::Write { id, bytes }] = &out[..] else {
        panic!("{out:?}")
    };
    let (id, record) = (*id, bytes.clone());
    assert_eq!(register.group(GroupId(0)).unwrap().version, 1);
    out.clear();
    register.handle(at(2), Input::Written(id), &mut out);
    let [Effect::Changed(GroupId(0)), Effect::Decided { results, .. }] = &out[..] else {
        panic!("{out:?}")
    };
    assert_eq!(results.changes[..], [(GroupId(0), Ok(2))]);
    let again = Register::recover(options(0, 1, 1), Instant(9), [&record[..]]).unwrap();
    assert_eq!(again.digest(), register.digest());
    assert_ne!(again.proposal_id(0), register.proposal_id(0), "a start numbers its own");
}

#[test]
fn proposals_that_cannot_be_told_apart_are_not_taken() {
    // Two proposals under one id would be one in the log, and somebody's order would vanish.
    let mut register = alone();
    let mut out = Vec::new();
    let first = seal(&register, 0);
    register.handle(at(1), Input::Propose(first.clone()), &mut out);
    out.clear();
    register.handle(at(2), Input::Propose(first), &mut out);
    let proposal = register.proposal_id(0);
    assert_eq!(out, [Effect::Undecided { proposal, reason: UndecidedReason::NotOurs }]);
    out.clear();
    for count in 1..40 {
        let proposal = seal(&register, count);
        register.handle(at(3), Input::Propose(proposal), &mut out);
    }
    let busy = |effect: &&Effect| {
        matches!(effect, Effect::Undecided { reason: UndecidedReason::Busy, .. })
    };
    assert_eq!(out.iter().filter(busy).count(), 40 - register::limits::PENDING_MAX);
}

#[test]
fn strangers_and_noise_are_refused_and_counted() {
    // A peer of another cluster on a reused address, a newer version, line noise.
    let mut register = Register::recover(options(0, 3, 1), Instant(0), []).unwrap();
    let mut out = Vec::new();
    let noise = Bytes::from_static(b"\x01noise");
    for (from, stranger) in [(node(1), false), (node(0), true), (node(9), true)] {
        out.clear();
        register.handle(at(1), Input::Message { from, bytes: noise.clone() }, &mut out);
        let refused = out.iter().find_map(|effect| match effect {
            Effect::Note(Event::Refused { why, .. }) => Some(*why),
            _ => None,
        });
        assert_eq!(refused == Some(FrameRefusal::Stranger), stranger, "{refused:?}");
        assert!(refused.is_some());
    }
    assert_eq!(register.counters().refused, 3);

    let mut other = Register::recover(options(1, 3, 2), Instant(0), []).unwrap();
    out.clear();
    other.handle(at(1), Input::Wake, &mut out);
    let id = out.iter().find_map(|effect| match effect {
        Effect::Write { id, .. } => Some(*id),
        _ => None,
    });
    out.clear();
    other.handle(at(2), Input::Written(id.unwrap()), &mut out);
    let [Effect::Send { bytes, .. }, ..] = &out[..] else { panic!("{out:?}") };
    let (from, bytes) = (node(1), bytes.clone());
    out.clear();
    register.handle(at(3), Input::Message { from, bytes }, &mut out);
    let why = FrameRefusal::OtherRegister;
    assert!(out.contains(&Effect::Note(Event::Refused { from, why })));
}

#[test]
fn a_disk_of_another_register_or_with_a_hole_does_not_start() {
    // A member that starts from half its promises breaks them.
    let mut register = alone();
    let mut records = Vec::new();
    let mut out = Vec::new();
    for count in 0..3 {
        let proposal = seal(&register, count);
        register.handle(at(1), Input::Propose(proposal), &mut out);
    }
    for effect in &out {
        if let Effect::Write { bytes, .. } = effect {
            records.push(bytes.to_vec());
        }
    }
    let recover = |options: Options, records: &[Vec<u8>]| {
        Register::recover(options, Instant(0), records.iter().map(Vec::as_slice)).map(|_| ())
    };
    assert_eq!(recover(options(0, 1, 1), &records), Ok(()));
    let other = RecoverError::OtherRegister { index: 0 };
    assert_eq!(recover(options(0, 1, 2), &records), Err(other));
    let hole = [records[0].clone(), records[2].clone()];
    assert_eq!(recover(options(0, 1, 1), &hole), Err(RecoverError::Order { index: 1 }));
    assert_eq!(recover(options(0, 1, 1), &records[1..]), Err(RecoverError::Order { index: 0 }));
    let damaged = [records[0][1..].to_vec()];
    let error = recover(options(0, 1, 1), &damaged);
    assert!(matches!(error, Err(RecoverError::Record { index: 0, .. })), "{error:?}");
}

#[test]
fn options_that_make_no_register_are_refused_at_start() {
    // Found at the desk, not in the night of the first failover.
    let good = || options(0, 3, 2);
    let cases = [
        (
            Options { members: vec![node(0), node(1)], ..good() },
            NotOptions::MemberCount { count: 2 },
        ),
        (
            Options { members: vec![node(0), node(1), node(0)], ..good() },
            NotOptions::MemberTwice { node: node(0) },
        ),
        (Options { genesis: vec![], ..good() }, NotOptions::GroupCount { count: 0 }),
        (
            Options { genesis: vec![(GroupId(1), config(3)), (GroupId(1), config(3))], ..good() },
            NotOptions::GroupTwice { group: GroupId(1) },
        ),
        (Options { tick_us: 0, ..good() }, NotOptions::Zero { field: "tick_us" }),
    ];
    for (options, expect) in cases {
        let error = Register::recover(options, Instant(0), []).map(|_| ());
        assert_eq!(error, Err(RecoverError::Options(expect)));
    }
}

#[test]
fn a_register_may_move_to_another_thread() {
    // Node machines are spread over worker threads; the library's storage must not pin one down.
    fn assert_send<T: Send>() {}
    assert_send::<Register>();
}
