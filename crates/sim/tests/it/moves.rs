//! Homes that move: by plan, by order, by force.

use group::OrderRefusal;
use register::{Disposition, Phase, SealKind};
use sim::{Knobs, MILLI, SECOND, World};
use types::Epoch;
use wire::{OrphanReason, Reply};

use crate::tale::*;

#[test]
fn a_planned_switch_loses_nothing_and_takes_few_round_trips() {
    // A switchover that costs seconds is one that nobody dares to rehearse.
    // The window is closed by what a member has not said that it holds: with a chain longer than the
    // window, the epoch's first record once waited a round trip for that word.
    let mut world = serving_with(Knobs { window_records: 2, ..Knobs::quiet(1) }, 1);
    for _ in 0..5 {
        done(&mut world, HOME);
    }
    order(&mut world, NEAR, NEAR, SealKind::Planned);
    let ordered_at = world.now();
    let mut asks = Vec::new();
    let mut gap_us = 0;
    let mut last_done = world.now();
    while world.now() < ordered_at + 3 * SECOND {
        let (ask, request) = ask(&mut world, FAR);
        let until = world.now() + 2 * SECOND;
        world.run_until(until, |world| world.reply(request).is_some());
        assert!(
            matches!(world.reply(request), Some(Reply::Done { .. })),
            "{:?}",
            world.reply(request)
        );
        gap_us = gap_us.max(world.now() - last_done);
        last_done = world.now();
        asks.push(ask);
    }
    assert_eq!(home(&world), Some(NEAR));
    assert_eq!(group(&world, NEAR).table().epoch(), Epoch(2));
    // 20 ms there and back. One round trip of a client is in the gap as well.
    assert!(gap_us <= 3 * 20 * MILLI + 40 * MILLI + 20 * MILLI, "{gap_us} µs without an answer");
    all_agree(&mut world);
    assert_eq!(world.report().orphans, [0, 0]);
}

#[test]
fn a_planned_switch_with_a_third_node_dead_still_ends() {
    // The old home waits for a commit that the candidate, sealed already, no longer helps with.
    let mut world = serving(1);
    world.kill(FAR);
    world.run_for(500 * MILLI);
    order(&mut world, NEAR, NEAR, SealKind::Planned);
    let new = until_moved(&mut world, HOME);
    assert_eq!(new, NEAR);
    done(&mut world, HOME);
    all_agree(&mut world);
}

#[test]
fn an_unplanned_failover_is_over_a_second_after_it_was_noticed() {
    let mut world = serving(1);
    let mut asks = Vec::new();
    for _ in 0..10 {
        asks.push(done(&mut world, FAR));
    }
    world.kill(HOME);
    // Detection takes 2 s here, and a look and a pulse come every 200 ms.
    let noticed_at = world.now() + 2 * SECOND + 400 * MILLI;
    let first = done(&mut world, NEAR);
    assert!(world.now() < noticed_at + SECOND, "{} µs too late", world.now() - noticed_at - SECOND);
    asks.push(first);
    for ask in asks {
        assert!(matches!(outcome(&mut world, FAR, &ask), Reply::Done { .. }));
    }
    all_agree(&mut world);
}

#[test]
fn s12_a_seal_whose_coordinator_dies_is_finished_by_another() {
    // restate#5033, #2565: a half-done seal left the log without a writer and nobody in charge.
    let mut world = serving(1);
    order(&mut world, NEAR, NEAR, SealKind::Unplanned);
    let until = world.now() + 5 * SECOND;
    let sealing =
        world.run_until(until, |world| matches!(registered(world, FAR).0, Phase::Sealing { .. }));
    assert!(sealing, "the register says SEALING");
    // Half done: one member has promised, and the home has not been told and appends.
    world.cut(NEAR, HOME);
    world.part(HOME, FAR);
    let until = world.now() + SECOND;
    assert!(world.run_until(until, |world| group(world, FAR).promised() == Epoch(2)));
    world.kill(NEAR);
    world.heal();
    assert_eq!(group(&world, HOME).home_epoch(), Some(Epoch(1)), "it takes itself for the home");
    let (committed, tail) = (group(&world, HOME).commit(), group(&world, HOME).tail().seq);
    let (ask, request) = ask(&mut world, HOME);
    world.run_for(500 * MILLI);
    assert!(group(&world, HOME).tail().seq > tail, "it has appended");
    assert_eq!(group(&world, HOME).commit(), committed, "and nothing of it is committed");
    assert!(!matches!(world.reply(request), Some(Reply::Done { .. })), "nor said to be done");
    assert!(matches!(registered(&world, FAR).0, Phase::Sealing { .. }), "the status says so");
    let until = world.now() + 20 * SECOND;
    let finished = world.run_until(until, |world| {
        let (phase, epoch) = registered(world, FAR);
        phase == Phase::Active && epoch > Epoch(1)
    });
    sound(&world);
    assert!(finished, "any node finishes");
    assert!(matches!(outcome(&mut world, FAR, &ask), Reply::Done { .. }));
    all_agree(&mut world);
}

#[test]
fn a_home_resumed_after_a_pause_is_refused() {
    // SIGSTOP: the process slept through its own replacement and believes nothing has happened.
    let mut world = serving(1);
    done(&mut world, HOME);
    world.pause(HOME);
    let new = until_moved(&mut world, HOME);
    done(&mut world, new);
    let (ask, request) = ask(&mut world, HOME);
    world.resume(HOME);
    world.run_for(MILLI);
    assert!(world.node(HOME).is_some(), "it does not blame its disk for its own sleep");
    let told = reply(&mut world, request);
    assert!(!matches!(told, Reply::Conflict { .. } | Reply::Expired), "{told:?}");
    assert_eq!(group(&world, HOME).home_epoch(), None);
    assert!(matches!(outcome(&mut world, new, &ask), Reply::Done { .. }));
    assert_eq!(world.report().stops, 0);
    all_agree(&mut world);
}

#[test]
fn two_of_three_dead_stop_writes_with_an_honest_answer() {
    // Money must not be taken on one copy, and the client must not be told that it was.
    let mut world = serving(1);
    let kept = done(&mut world, HOME);
    world.kill(NEAR);
    world.kill(FAR);
    let (open, request) = ask(&mut world, HOME);
    assert!(matches!(reply(&mut world, request), Reply::Unknown(wire::Doubt::NoQuorum)));
    world.run_for(10 * SECOND);
    assert_eq!(group(&world, HOME).home_epoch(), Some(Epoch(1)), "it goes on trying");
    world.start(NEAR);
    world.start(FAR);
    assert!(matches!(outcome(&mut world, FAR, &open), Reply::Done { .. }));
    assert!(matches!(outcome(&mut world, FAR, &kept), Reply::Done { repeated: true, .. }));
    all_agree(&mut world);
}

#[test]
fn a_forced_switch_itemises_what_it_gave_up_when_the_old_home_returns() {
    // What was lost by force must come back as a list, not as silence and not as a merge.
    let mut world = serving_with(Knobs { nodes: 5, copies: 2, ..Knobs::quiet(1) }, 1);
    let kept = done(&mut world, HOME);
    world.run_for(2 * SECOND);
    // The home and one other commit among themselves, and die together.
    for host in 2..5 {
        world.part(HOME, host);
        world.part(NEAR, host);
    }
    world.run_for(100 * MILLI);
    let lost = done(&mut world, HOME);
    let lost_at = group(&world, HOME).applied();
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(20 * SECOND);
    assert_eq!(home(&world), None, "three of five cannot rule out what the two had committed");
    order(&mut world, FAR, FAR, SealKind::Forced);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(FAR)), "force opens an epoch");
    done(&mut world, FAR);
    all_agree(&mut world);
    let starts = group(&world, FAR).table().starts();
    assert!(starts.iter().any(|start| start.forced), "the history says so for ever");
    assert!(matches!(outcome(&mut world, FAR, &kept), Reply::Done { repeated: true, .. }));
    for host in [HOME, NEAR] {
        let listed = group(&world, host).orphans().iter().any(|run| {
            run.first <= lost_at && lost_at <= run.last && run.reason == OrphanReason::Forced
        });
        assert!(listed, "{:?}", group(&world, host).orphans());
        assert!(are_found(&world, host));
    }
    // A start finds the bytes of what was set aside before it.
    world.kill(HOME);
    world.start(HOME);
    world.run_for(5 * SECOND);
    assert!(are_found(&world, HOME));
    // Its id is free: whoever asks again gets it done once more, and only once.
    assert!(matches!(outcome(&mut world, HOME, &lost), Reply::Done { .. }));
    all_agree(&mut world);
}

#[test]
fn every_start_of_a_home_is_a_new_epoch() {
    // What the former life had sent may still be on its way; under the same epoch it could fork.
    let mut world = serving(1);
    let kept = done(&mut world, HOME);
    world.kill(HOME);
    world.start(HOME);
    let until = world.now() + 5 * SECOND;
    assert!(world.run_until(until, |world| group(world, HOME).home_epoch() == Some(Epoch(2))));
    let start = group(&world, HOME).table().last().unwrap().seq;
    let told = outcome(&mut world, HOME, &kept);
    assert!(matches!(told, Reply::Done { seq, .. } if seq < start), "{told:?}");
    all_agree(&mut world);
}

#[test]
fn s29_without_the_register_commits_go_on_and_switches_are_refused() {
    // Losing the control plane must block changes, never traffic.
    let mut world = serving_with(Knobs { nodes: 5, copies: 2, ..Knobs::quiet(1) }, 1);
    for dead in 2..5 {
        world.kill(dead);
    }
    // Ten minutes stand for the hour: nothing counts how long the register has been away.
    for _ in 0..20 {
        world.run_for(30 * SECOND);
        done(&mut world, NEAR);
    }
    // Refused at once and by name, at every node and in every kind, and nothing is left to happen later.
    for (at, kind) in [(NEAR, SealKind::Planned), (HOME, SealKind::Unplanned)] {
        order(&mut world, at, NEAR, kind);
        world.run_for(100 * MILLI);
        assert_eq!(world.refusal(), Some(&OrderRefusal::NoRegister));
    }
    assert_eq!(world.report().orders, [0, 2], "none was taken, and none waits");
    for dead in 2..5 {
        world.start(dead);
    }
    world.run_for(10 * SECOND);
    assert_eq!((home(&world), registered(&world, NEAR).1), (Some(HOME), Epoch(1)));
    all_agree(&mut world);
}

#[test]
fn what_becomes_of_a_run_is_decided_once_for_all_regions() {
    // Two operators at two nodes that hold the same run would replay what the other gives up.
    let mut world = serving_with(Knobs { nodes: 5, copies: 2, ..Knobs::quiet(1) }, 1);
    world.run_for(2 * SECOND);
    for host in 2..5 {
        world.part(HOME, host);
        world.part(NEAR, host);
    }
    world.run_for(100 * MILLI);
    done(&mut world, HOME);
    world.kill(HOME);
    world.kill(NEAR);
    world.heal();
    world.run_for(20 * SECOND);
    order(&mut world, FAR, FAR, SealKind::Forced);
    let until = world.now() + 10 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(FAR)), "force opens an epoch");
    world.start(HOME);
    world.start(NEAR);
    world.run_for(5 * SECOND);
    let run = *group(&world, HOME).orphans().last().unwrap();
    assert!(group(&world, NEAR).orphan(run.head).is_some(), "both hold it");

    let decided = |world: &World, host: usize| {
        let state = world.node(host).unwrap().register().group(G0).unwrap();
        state.disposals.iter().find(|one| one.head == run.head).map(|one| one.disposition)
    };
    world.dispose(HOME, G0, run, Disposition::Keep);
    world.run_for(2 * SECOND);
    for host in 0..5 {
        assert_eq!(decided(&world, host), Some(Disposition::Keep), "at {host}");
    }
    // At the same moment: one of them comes first, and the other finds the group changed.
    world.dispose(HOME, G0, run, Disposition::Replay);
    world.dispose(NEAR, G0, run, Disposition::Cancel);
    world.run_for(2 * SECOND);
    let first = decided(&world, FAR).unwrap();
    assert!(matches!(first, Disposition::Replay | Disposition::Cancel), "{first:?}");
    let other = match first {
        Disposition::Replay => Disposition::Keep,
        Disposition::Keep | Disposition::Suspense | Disposition::Cancel => Disposition::Replay,
    };
    world.dispose(NEAR, G0, run, other);
    world.run_for(2 * SECOND);
    for host in 0..5 {
        assert_eq!(decided(&world, host), Some(first), "at {host}");
    }
    // The home is where it was, and serves.
    assert_eq!(home(&world), Some(FAR));
    done(&mut world, HOME);
    all_agree(&mut world);
}

/// Whether every record that a host has set aside can be read back and leads to its run's head.
fn are_found(world: &World, host: usize) -> bool {
    let group = group(world, host);
    group.orphans().iter().all(|run| {
        let mut last = None;
        for (seq, at) in group.orphan_places(run) {
            let bytes = at.and_then(|at| world.read_log(host, at));
            let Some(record) = bytes.and_then(|bytes| wire::Record::decode(bytes).ok()) else {
                return false;
            };
            assert_eq!((record.header().seq, record.header().epoch), (seq, run.epoch));
            last = Some(record.hash());
        }
        last == Some(run.head)
    })
}
