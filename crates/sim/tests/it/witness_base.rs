//! Two full regions and a witness whose records go (PROTOCOL 7.1, 7.4b, 7.5; S20, I17).
//!
//! Hosts as in `witness`: 0 (A) is the home, 1 (B) the other full region, 2 (T) the witness.

use register::SealKind;
use sim::{Knobs, SECOND, Seat, World, id};
use types::{Class, QuorumLoss, Seq, Terms};
use wire::Reply;

use crate::tale::*;

const A: usize = HOME;
const B: usize = NEAR;
const T: usize = FAR;

/// A save point every ten records and commands.
fn knobs(trim: bool) -> Knobs {
    Knobs { snapshot_work: 10, trim, ..Knobs::quiet(1).with_witness() }
}

fn do_many(world: &mut World, host: usize, count: usize) {
    for _ in 0..count {
        done(world, host);
    }
    world.run_for(2 * SECOND);
    sound(world);
}

fn base(world: &World, host: usize) -> Seq {
    group(world, host).base()
}

/// Records are gone, and the witness keeps the end.
fn trimmed() -> World {
    let mut world = serving_with(knobs(true), 1);
    do_many(&mut world, A, 60);
    assert!(world.report().trimmed > 20, "{}", world.report().trimmed);
    assert!(group(&world, T).chain().base().seq > Seq(20));
    assert!(base(&world, T) >= group(&world, T).chain().base().seq);
    world
}

/// A machine takes the place of another, and all who are to be there are.
fn replaced(world: &mut World, at: usize, old: usize) -> usize {
    let new = world.join(Some(old));
    admitted(world, at, new, old);
    until_whole(world);
    new
}

fn admitted(world: &mut World, at: usize, new: usize, old: usize) {
    for _ in 0..10 {
        world.admit(at, new, Some(old));
        let until = world.now() + SECOND;
        if world.run_until(until, |world| world.roster().is_some_and(|all| all.is_known(id(new)))) {
            return;
        }
    }
    panic!("n{} is not admitted", new + 1);
}

fn until_whole(world: &mut World) {
    world.run_for(2 * SECOND);
    let until = world.now() + 40 * SECOND;
    let whole = world.run_until(until, |world| world.lacks_members().is_none());
    sound(world);
    assert!(whole, "{:?}", world.lacks_members());
}

fn is_done(world: &mut World, host: usize, ask: &sim::Ask) {
    let told = outcome(world, host, ask);
    assert!(matches!(told, Reply::Done { .. }), "{told:?}");
}

#[test]
fn a_witness_starts_at_its_base_and_nothing_is_deleted_unless_that_is_asked_for() {
    // Without this the cheapest node of all would be the one that takes days to start.
    let mut world = serving_with(knobs(false), 1);
    do_many(&mut world, A, 40);
    world.kill(T);
    world.start(T);
    let witness = group(&world, T);
    assert!(witness.chain().base().seq > Seq(20), "{:?}", witness.chain().base());
    assert_eq!(witness.chain().base().seq, witness.base());
    assert!(witness.commit() >= witness.base());
    assert_eq!(world.report().trimmed, 0);
    do_many(&mut world, A, 3);
    all_agree(&mut world);
    // A full node starts there too, so that it can give the witness what that may lack.
    world.kill(B);
    world.start(B);
    assert!(group(&world, B).chain().base().seq <= base(&world, T));
    all_agree(&mut world);
}

#[test]
fn while_a_full_region_is_away_witness_and_home_keep_what_it_lacks() {
    // Trimmed by the snapshots of the home alone, the other region's state would be on one disk, and the
    // witness could not bring that region back.
    let mut world = trimmed();
    world.kill(B);
    world.run_for(SECOND);
    let before = base(&world, T);
    do_many(&mut world, A, 60);
    assert_eq!(base(&world, T), before);
    assert_eq!(base(&world, A), before);
    let status = group(&world, A).status(world.clocks(A));
    assert_eq!(status.base_waits_for, [id(B)], "people are told for whom the disk fills");
    assert!(status.snapshot > before.next());
    // Even a home that starts anew begins where B may have to go on.
    world.kill(A);
    world.start(A);
    world.run_for(3 * SECOND);
    assert!(group(&world, A).chain().base().seq <= before);
    world.start(B);
    do_many(&mut world, A, 30);
    assert!(base(&world, T) > before, "and goes on once B is back");
    assert_eq!(group(&world, A).base_waits_for(), []);
    assert_eq!(world.report().installed, 0, "B was given records");
    all_agree(&mut world);
}

#[test]
fn a_full_region_whose_disk_takes_no_snapshots_keeps_the_base_where_it_is() {
    // It follows and confirms what the home saves; counted for that, the home's would be the only state
    // besides its memory.
    let mut world = serving_with(knobs(true), 1);
    world.snapshots_fit(B, false);
    do_many(&mut world, A, 60);
    assert!(group(&world, A).kept() > Seq(20), "B has come to the same");
    assert_eq!((base(&world, A), base(&world, T)), (Seq(0), Seq(0)));
    assert_eq!(world.report().trimmed, 0);
    assert_eq!(group(&world, T).base_waits_for(), [id(B)]);
    world.snapshots_fit(B, true);
    do_many(&mut world, A, 30);
    assert!(base(&world, T) > Seq(20));
    assert!(world.report().trimmed > 0);
    all_agree(&mut world);
}

#[test]
fn a_lost_right_after_the_trim_b_fetches_the_tail_from_the_witness_and_loses_nothing() {
    // What A and T acknowledged together lies above T's base, or it would be lost with A.
    let mut world = trimmed();
    world.part(A, B);
    world.part(B, T);
    let kept: Vec<_> = (0..25).map(|_| done(&mut world, A)).collect();
    assert!(group(&world, B).durable() < group(&world, T).durable());
    world.kill(A);
    world.kill(T);
    world.heal();
    world.start(T);
    assert!(group(&world, T).chain().base().seq > Seq(20));
    assert_eq!(until_moved(&mut world, A), B);
    for ask in &kept {
        is_done(&mut world, T, ask);
    }
    all_agree(&mut world);
}

#[test]
fn b_blank_is_replaced_and_takes_the_state_from_a() {
    // Nobody has the records any more, and the witness has no state to give.
    let mut world = trimmed();
    let kept = done(&mut world, A);
    world.retire(B);
    let new = replaced(&mut world, A, B);
    assert_eq!(world.report().installed, 1);
    do_many(&mut world, A, 30);
    let before = base(&world, T);
    assert!(before > Seq(70), "the newcomer's snapshots count: {before}");
    // And it is as good as B was.
    world.kill(A);
    assert_eq!(until_moved(&mut world, A), new);
    is_done(&mut world, T, &kept);
    world.start(A);
    all_agree(&mut world);
}

#[test]
fn s20_a_blank_witness_is_replaced_and_goes_on_from_the_base() {
    // The head is carried: a chain begun anew at the witness would fit no other, and a witness that can
    // never be replaced leaves two regions without a third.
    let mut world = trimmed();
    world.retire(T);
    let kept = done(&mut world, A);
    let new = replaced(&mut world, B, T);
    assert_eq!(world.report().installed, 0, "a witness takes no state");
    let begins = group(&world, new).chain().base();
    assert!(begins.seq > Seq(20));
    assert_eq!(group(&world, A).chain().tail_at(begins.seq), Some(begins));
    // With it alone B takes over.
    world.part(A, B);
    world.part(B, new);
    let more: Vec<_> = (0..5).map(|_| done(&mut world, A)).collect();
    world.kill(A);
    world.heal();
    assert_eq!(until_moved(&mut world, A), B);
    for ask in more.iter().chain([&kept]) {
        is_done(&mut world, B, ask);
    }
    all_agree(&mut world);
}

#[test]
fn s20_a_witness_behind_the_trim_goes_on_from_the_base_and_seals_with_what_it_has() {
    // The regions went on without it and let go of what it lacks. Sent back to its own end it could never
    // return; taken as it is, it would vouch for what it does not have.
    let mut world = serving_with(knobs(true), 1);
    do_many(&mut world, A, 3);
    world.kill(T);
    let old = do_and_count(&mut world);
    world.start(T);
    do_many(&mut world, A, 3);
    let begins = group(&world, T).chain().base();
    assert!(begins.seq > old, "{begins:?}");
    assert_eq!(group(&world, A).chain().tail_at(begins.seq), Some(begins));
    // B lost: A goes on with it. A lost then: B alone may not, and with T it has all.
    world.kill(B);
    let kept: Vec<_> = (0..5).map(|_| done(&mut world, A)).collect();
    world.kill(A);
    world.kill(T);
    world.start(B);
    world.run_for(20 * SECOND);
    assert_eq!(home(&world), None);
    world.start(T);
    assert_eq!(until_moved(&mut world, A), B);
    for ask in &kept {
        is_done(&mut world, B, ask);
    }
    all_agree(&mut world);
}

/// The regions go on until what the witness lacks is gone from both. Where it stood.
fn do_and_count(world: &mut World) -> Seq {
    let old = group(world, A).tail().seq;
    do_many(world, A, 60);
    assert!(group(world, A).chain().base().seq > old, "{:?}", group(world, A).chain().base());
    assert!(group(world, B).chain().base().seq > old);
    old
}

#[test]
fn a_full_node_with_a_hole_below_the_base_goes_on_from_its_own_snapshot() {
    // A is lost and the witness no longer has the record: what B's disk lost lies in B's own snapshot.
    let mut world = serving_with(knobs(true), 1);
    do_many(&mut world, A, 45);
    let lost = group(&world, B).chain().base().seq.next();
    assert!(lost > Seq(1) && lost < base(&world, B), "{lost}");
    world.kill(B);
    assert!(world.spoil(B, G0, lost));
    let kept: Vec<_> = (0..3).map(|_| done(&mut world, A)).collect();
    world.kill(A);
    world.kill(T);
    world.start(B);
    world.start(T);
    assert_eq!(until_moved(&mut world, A), B);
    for ask in &kept {
        is_done(&mut world, B, ask);
    }
    assert!(group(&world, B).faults().is_empty());
    all_agree(&mut world);
}

#[test]
fn a_and_t_lost_the_loss_is_on_record_and_a_blank_witness_goes_on_from_the_base_of_b() {
    // As without snapshots: what A and T acknowledged is gone, and said to be. The witness's machine comes
    // back without its disk, and nobody has the records of before.
    let mut world = trimmed();
    let before = base(&world, B);
    world.isolate(B);
    let lost = done(&mut world, A);
    world.kill(A);
    world.kill(T);
    world.heal();
    world.wipe(T);
    world.start(T);
    world.run_for(20 * SECOND);
    sound(&world);
    assert_eq!(home(&world), None);
    order(&mut world, B, B, SealKind::Forced);
    let until = world.now() + 20 * SECOND;
    assert!(world.run_until(until, |world| home(world) == Some(B)));
    done(&mut world, B);
    assert_eq!(group(&world, T).chain().base().seq, before);
    assert_eq!(group(&world, B).answer(lost.command.id, lost.command.digest), None);
    all_agree(&mut world);
    assert!(!group(&world, A).orphans().is_empty(), "what it held is itemised when it is back");
}

#[test]
fn a_degraded_home_counts_the_witness_again_though_the_other_region_is_away() {
    // Who was left out for a while is not new: nothing has gone that it lacks. To wait for it would leave
    // money on one disk, and the group without a home every few seconds, for as long as it is away.
    let terms = Terms { class: Class::Sync, on_quorum_loss: QuorumLoss::Degrade };
    let mut knobs = Knobs { terms, nodes: 5, ..knobs(true) };
    // Two more votes in the register, so that it outlives B and T together.
    knobs.seats.extend([3, 4].map(|region| Seat { role: None, region, zone: 0 }));
    let mut world = serving_with(knobs, 1);
    do_many(&mut world, A, 30);
    world.kill(B);
    world.kill(T);
    let until = world.now() + 20 * SECOND;
    let is_alone = |world: &World| group(world, A).config().members().len() == 1;
    assert!(world.run_until(until, is_alone), "it goes on alone");
    done(&mut world, A);
    world.start(T);
    let until = world.now() + 30 * SECOND;
    let is_whole = |world: &World| group(world, A).config().members().len() == 3;
    assert!(world.run_until(until, is_whole), "with the witness there are two copies again");
    let opened = world.report().opened;
    done(&mut world, A);
    world.run_for(20 * SECOND);
    assert_eq!(world.report().opened, opened, "and it stays so");
    world.start(B);
    all_agree(&mut world);
}

#[test]
fn when_the_witness_was_sent_away_records_go_by_what_the_regions_have_saved() {
    // Kept for somebody who will never ask, they would fill the disks; and a check that goes by who the
    // members were on the first day cries wolf.
    let mut knobs = Knobs { nodes: 5, ..knobs(true) };
    knobs.seats.extend([3, 4].map(|region| Seat { role: None, region, zone: 0 }));
    let mut world = serving_with(knobs, 1);
    world.snapshots_fit(B, false);
    do_many(&mut world, A, 30);
    assert_eq!((world.report().trimmed, base(&world, A)), (0, Seq(0)), "B holds the base");
    world.dismiss(A, T);
    until_whole(&mut world);
    assert_eq!(group(&world, A).config().members(), [id(A), id(B)]);
    assert_eq!(world.report().trimmed, 0, "and two copies of the state are wanted as ever");
    world.snapshots_fit(B, true);
    do_many(&mut world, A, 30);
    assert!(world.report().trimmed > 20, "{}", world.report().trimmed);
    all_agree(&mut world);
}

#[test]
fn a_home_left_alone_that_starts_anew_still_has_what_the_witness_lacks() {
    // Taken for a group without a witness, it would go on from its own snapshots: the witness comes back to
    // records that nobody can link to its own, and money stays on one disk for as long as B is away.
    let terms = Terms { class: Class::Sync, on_quorum_loss: QuorumLoss::Degrade };
    let mut knobs = Knobs { terms, nodes: 5, ..knobs(true) };
    knobs.seats.extend([3, 4].map(|region| Seat { role: None, region, zone: 0 }));
    let mut world = serving_with(knobs, 1);
    do_many(&mut world, A, 30);
    let before = base(&world, A);
    assert!(before > Seq(10));
    world.kill(B);
    world.kill(T);
    let until = world.now() + 20 * SECOND;
    let is_alone = |world: &World| group(world, A).config().members().len() == 1;
    assert!(world.run_until(until, is_alone), "it goes on alone");
    do_many(&mut world, A, 40);
    assert_eq!(base(&world, A), before);
    world.kill(A);
    world.start(A);
    world.run_for(6 * SECOND);
    assert!(group(&world, A).chain().base().seq <= before);
    world.start(T);
    let until = world.now() + 30 * SECOND;
    let is_whole = |world: &World| group(world, A).config().members().len() == 3;
    assert!(world.run_until(until, is_whole), "with the witness there are two copies again");
    done(&mut world, A);
    world.start(B);
    all_agree(&mut world);
}

#[test]
fn before_there_is_a_base_a_new_witness_is_given_all_records() {
    // B is away and saves nothing, so there is no base; the home has saved and started anew. Gone on from
    // its own snapshot, it has nothing that a new machine in the witness's place could begin with.
    let mut knobs = Knobs { nodes: 5, ..knobs(true) };
    knobs.seats.extend([3, 4].map(|region| Seat { role: None, region, zone: 0 }));
    let mut world = serving_with(knobs, 1);
    world.kill(B);
    do_many(&mut world, A, 60);
    assert_eq!(base(&world, A), Seq(0));
    world.kill(A);
    world.start(A);
    assert_eq!(group(&world, A).chain().base().seq, Seq(0));
    world.run_for(6 * SECOND);
    world.retire(T);
    let new = replaced(&mut world, A, T);
    assert_eq!(group(&world, new).chain().base().seq, Seq(0));
    done(&mut world, A);
    world.start(B);
    all_agree(&mut world);
}
