//! If a takeover takes too short a tail, what was acknowledged is gone; too long, orphans return.

use alloc::vec;

use types::{ConfigId, Hash, Start};

use super::*;

fn tail(epoch: u64, seq: u64) -> Tail {
    Tail { epoch: Epoch(epoch), seq: Seq(seq), hash: Hash::ZERO }
}

/// What a member that has taken part knows.
fn known() -> EpochTable {
    let start = Start {
        epoch: Epoch(1),
        seq: Seq(1),
        hash: Hash::ZERO,
        config: ConfigId(1),
        forced: false,
        class: types::Class::Sync,
    };
    EpochTable::from_starts(vec![start]).unwrap()
}

fn takeover(starts: &[(u64, u64)]) -> Takeover {
    let mut base = EpochTable::new();
    for (epoch, seq) in starts {
        let (epoch, seq) = (Epoch(*epoch), Seq(*seq));
        base.push(Start {
            epoch,
            seq,
            hash: Hash::ZERO,
            config: ConfigId(1),
            forced: false,
            class: types::Class::Sync,
        });
    }
    let config = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    Takeover::new(Epoch(9), base, config, Some(NodeId(1)), Mutant::None)
}

#[test]
fn two_others_or_the_home_alone_seal() {
    let mut others = takeover(&[(1, 1)]);
    others.promise(NodeId(2), tail(1, 5), &known(), Seq(0), vec![]);
    assert_eq!(others.close(NodeId(2)), None);
    assert_eq!(others.lacks(), Some(Lack::Promises(vec![NodeId(1), NodeId(3)])));
    others.promise(NodeId(3), tail(1, 7), &known(), Seq(0), vec![]);
    assert_eq!(others.close(NodeId(2)), Some(NodeId(3)));
    assert_eq!(others.stage(), Stage::Copying(tail(1, 7)));

    let mut home = takeover(&[(1, 1)]);
    home.promise(NodeId(1), tail(1, 5), &known(), Seq(0), vec![]);
    assert_eq!(home.close(NodeId(2)), Some(NodeId(1)));
}

#[test]
fn an_old_longer_tail_does_not_become_the_target() {
    let mut takeover = takeover(&[(1, 1), (2, 11)]);
    takeover.promise(NodeId(2), tail(1, 40), &known(), Seq(0), vec![]);
    takeover.promise(NodeId(3), tail(2, 12), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(3)));
    assert_eq!(takeover.stage(), Stage::Copying(tail(2, 12)));
    assert!(!takeover.is_copied(NodeId(2), |_| true));
    takeover.holds(NodeId(2), tail(2, 12));
    assert!(takeover.is_copied(NodeId(2), |_| true));
    assert_eq!(takeover.stage(), Stage::Activating(tail(2, 12)));
}

#[test]
fn a_tail_short_of_the_registered_history_blocks() {
    let mut takeover = takeover(&[(1, 1), (2, 11)]);
    takeover.promise(NodeId(2), tail(1, 4), &known(), Seq(0), vec![]);
    takeover.promise(NodeId(3), tail(1, 9), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), None);
    assert_eq!(takeover.lacks(), Some(Lack::History(Seq(10))));
}

#[test]
fn one_copy_is_not_enough_unless_forced() {
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(1), tail(1, 5), &known(), Seq(0), vec![]);
    takeover.close(NodeId(2));
    takeover.holds(NodeId(2), tail(1, 4));
    assert!(!takeover.is_copied(NodeId(2), |_| true));
    assert_eq!(takeover.lacks(), Some(Lack::Copies(vec![NodeId(2), NodeId(3)])));
    takeover.holds(NodeId(2), tail(1, 5));
    assert!(takeover.is_copied(NodeId(2), |_| true));
}

#[test]
fn a_blank_disk_does_not_vouch_for_a_group_that_has_a_history() {
    // A replaced disk says "never had it" of records that it acknowledged, and they are lost.
    let blank = EpochTable::new();
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(2), tail(1, 5), &known(), Seq(0), vec![]);
    takeover.promise(NodeId(3), tail(0, 0), &blank, Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), None);
    assert_eq!(takeover.lacks(), Some(Lack::Promises(vec![NodeId(1), NodeId(3)])));
    let mut two_blank = takeover.clone();
    two_blank.promise(NodeId(1), tail(0, 0), &blank, Seq(0), vec![]);
    assert_eq!(two_blank.close(NodeId(2)), None, "two that are blank now may have held a commit");
    takeover.promise(NodeId(1), tail(1, 9), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(1)));

    let mut first =
        Takeover::new(Epoch(1), EpochTable::new(), takeover.config.clone(), None, Mutant::None);
    first.promise(NodeId(2), tail(0, 0), &blank, Seq(0), vec![]);
    first.promise(NodeId(3), tail(0, 0), &blank, Seq(0), vec![]);
    assert_eq!(first.close(NodeId(2)), Some(NodeId(2)), "all are blank on the first day");
}

#[test]
fn force_still_copies_to_all_that_can_be_reached() {
    // Found by seed 32155: what one node held alone became history, and when that node died too, the
    // others waited for it.
    let mut takeover = takeover(&[(1, 1)]);
    takeover.forced = true;
    takeover.promise(NodeId(3), tail(1, 9), &known(), Seq(0), vec![]);
    takeover.promise(NodeId(2), tail(1, 5), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(3)), Some(NodeId(3)));
    assert!(!takeover.clone().is_copied(NodeId(3), |_| true));
    assert!(takeover.is_copied(NodeId(3), |node| node != NodeId(2)));
}

#[test]
fn a_home_that_stopped_before_it_had_recorded_the_first_epoch_blocks_nothing() {
    // Two are blank and nothing was lost: the home had appended no more than its first record.
    let blank = EpochTable::new();
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(1), tail(0, 0), &blank, Seq(0), vec![]);
    takeover.promise(NodeId(3), tail(0, 0), &blank, Seq(0), vec![]);
    let mut longer = takeover.clone();
    takeover.promise(NodeId(2), tail(1, 1), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(2)));
    let mut committed = longer.clone();
    committed.promise(NodeId(2), tail(1, 1), &known(), Seq(1), vec![]);
    assert_eq!(committed.close(NodeId(2)), None, "without the home nothing would be committed");
    longer.promise(NodeId(2), tail(1, 3), &known(), Seq(0), vec![]);
    assert_eq!(longer.close(NodeId(2)), None, "the home went on, so its disk is another one");
    longer.forced = true;
    assert_eq!(longer.close(NodeId(2)), Some(NodeId(2)));
    assert!(longer.gave_up());
}

#[test]
fn two_homes_that_stopped_before_they_had_recorded_an_epoch_block_nothing_either() {
    // Seed 257 of one build: both epochs were in the register and on nobody's disk.
    let blank = EpochTable::new();
    let mut takeover = takeover(&[(1, 1), (3, 1)]);
    for node in [NodeId(1), NodeId(2), NodeId(3)] {
        takeover.promise(node, tail(0, 0), &blank, Seq(0), vec![]);
    }
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(2)));
}

/// Every subset of `nodes`.
fn subsets(nodes: &[NodeId]) -> Vec<Vec<NodeId>> {
    let pick = |bits: u32| {
        let chosen = nodes.iter().enumerate().filter(move |(at, _)| bits >> at & 1 == 1);
        chosen.map(|(_, node)| *node).collect()
    };
    (0..1 << nodes.len()).map(pick).collect()
}

fn config_of(id: u32, members: &[NodeId], copies: usize) -> Config {
    Config::new(ConfigId(id), members.to_vec(), copies).unwrap()
}

/// The two ways between a whole configuration and a part of it, as the takeover goes them.
fn between(old: &Config, next: Option<&Config>, promised: &[NodeId], held: &[NodeId]) -> Takeover {
    let mut base = EpochTable::new();
    base.push(*known().last().unwrap());
    let takeover = Takeover::new(Epoch(9), base, old.clone(), Some(NodeId(1)), Mutant::None);
    let mut takeover = match next {
        Some(next) => takeover.towards(next.clone()),
        None => takeover,
    };
    (takeover.degrades, takeover.settles) = (next.is_none(), true);
    for node in promised {
        let tail = if held.contains(node) { tail(1, 5) } else { tail(1, 4) };
        takeover.promise(*node, tail, &known(), Seq(0), vec![]);
    }
    takeover
}

#[test]
fn i19_whatever_was_committed_is_met_by_every_seal_set_of_the_next_configuration() {
    // Otherwise a group that goes on with fewer members, or takes them back, could open an epoch
    // without what it had acknowledged. All configurations of up to four members, all write sets,
    // all sets of promises, all ways to the next configuration, all later seal sets.
    let nodes: Vec<NodeId> = (1..=4).map(NodeId).collect();
    let home = NodeId(1);
    let (mut degraded, mut restored) = (0, 0);
    for n in 1..=4 {
        let all = &nodes[..n];
        for copies in 1..=n {
            let whole = config_of(3, all, copies);
            let parts: Vec<Config> = subsets(all)
                .into_iter()
                .filter(|part| part.contains(&home) && part.len() < n)
                .flat_map(|part| {
                    let most = copies.min(part.len());
                    (1..=most).map(move |copies| config_of(2, &part, copies)).collect::<Vec<_>>()
                })
                .collect();
            let down = core::iter::once((whole.clone(), None));
            let up = parts.iter().map(|part| (part.clone(), Some(whole.clone())));
            for (old, next) in down.chain(up) {
                for written in subsets(old.members()) {
                    // Entry 5 is on these disks; it is committed if they make a write set.
                    let is_committed = written.contains(&home) && written.len() >= old.copies();
                    if !is_committed {
                        continue;
                    }
                    for promised in subsets(all) {
                        for me in promised.iter().copied().filter(|me| old.has(*me)) {
                            let mut takeover = between(&old, next.as_ref(), &promised, &written);
                            if takeover.close(me).is_none() {
                                continue;
                            }
                            let Stage::Copying(target) = takeover.stage() else { panic!() };
                            assert_eq!(target.seq, Seq(5), "{old:?} {written:?} {promised:?}");
                            takeover.holds(me, target);
                            if !takeover.is_copied(me, |_| false) {
                                continue;
                            }
                            let after = takeover.next().clone();
                            assert!(after.has(me));
                            degraded += u32::from(after.is_less_than(&old));
                            restored += u32::from(old.is_less_than(&after));
                            let holders: Vec<NodeId> = takeover.holders().collect();
                            for seal in subsets(after.members()) {
                                let is_sealed =
                                    sealed(&after, Some(me), seal.iter().copied(), Mutant::None);
                                let is_met = seal.iter().any(|node| holders.contains(node));
                                assert!(!is_sealed || is_met, "{after:?} {holders:?} {seal:?}");
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(degraded > 100 && restored > 100, "{degraded} {restored}");
}

#[test]
fn a_way_back_that_finds_too_few_copies_ends_where_it_began() {
    // A member that falls silent while it is taken back would else stop the group.
    let (part, whole) = (config_of(2, &[NodeId(1)], 1), config_of(3, &[NodeId(1), NodeId(2)], 2));
    let mut takeover = between(&part, Some(&whole), &[NodeId(1)], &[NodeId(1)]);
    takeover.settles = false;
    assert_eq!(takeover.close(NodeId(1)), Some(NodeId(1)));
    assert!(!takeover.is_copied(NodeId(1), |_| true), "it is given its time");
    assert_eq!(takeover.lacks(), Some(Lack::Copies(vec![NodeId(2)])));
    takeover.settles = true;
    assert!(takeover.is_copied(NodeId(1), |_| true));
    assert_eq!(takeover.next(), &part);
}

#[test]
fn who_can_be_heard_is_waited_for_before_a_group_does_without() {
    // A member that is only slow would be left out, and its copy with it.
    let old = config_of(1, &[NodeId(1), NodeId(2), NodeId(3)], 3);
    let mut takeover = between(&old, None, &[NodeId(1), NodeId(2)], &[NodeId(1)]);
    assert_eq!(takeover.close(NodeId(1)), Some(NodeId(1)));
    assert!(!takeover.is_copied(NodeId(1), |node| node == NodeId(2)));
    takeover.holds(NodeId(2), tail(1, 5));
    assert!(takeover.is_copied(NodeId(1), |node| node == NodeId(2)));
    assert_eq!(takeover.next(), &config_of(2, &[NodeId(1), NodeId(2)], 2));
}

/// What a member that cannot read a range says of it; `None` has no end.
fn fault(first: u64, last: Option<u64>) -> Vec<Fault> {
    let before = Hash([u8::try_from(first).unwrap(); 32]);
    vec![Fault { first: Seq(first), last: last.map(Seq), before }]
}

#[test]
fn what_one_cannot_read_another_can_and_no_record_is_given_up() {
    // Two of three disks are damaged in different places: between them everything is there (S7).
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(2), tail(1, 9), &known(), Seq(0), fault(4, Some(5)));
    takeover.promise(NodeId(3), tail(1, 7), &known(), Seq(0), fault(6, Some(6)));
    assert_eq!(takeover.close(NodeId(3)), Some(NodeId(2)), "the longest, though not whole");
    assert_eq!(takeover.stage(), Stage::Copying(tail(1, 9)));
    assert_eq!(takeover.holders().count(), 0, "nobody holds all of it yet");
    takeover.promise(NodeId(2), tail(1, 9), &known(), Seq(0), vec![]);
    takeover.holds(NodeId(3), tail(1, 9));
    assert!(takeover.is_copied(NodeId(3), |_| true));
}

#[test]
fn a_record_that_nobody_can_read_blocks_and_names_who_would_help() {
    // It was acknowledged by the home and the damaged member: cutting it off loses a commit (I15).
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(2), tail(1, 9), &known(), Seq(0), fault(4, Some(5)));
    takeover.promise(NodeId(3), tail(1, 3), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(3)), None);
    let from = vec![NodeId(1), NodeId(2)];
    assert_eq!(takeover.lacks(), Some(Lack::Record { seq: Seq(4), from }));
    let mut forced = takeover.clone();
    forced.forced = true;
    assert_eq!(forced.close(NodeId(3)), Some(NodeId(3)));
    assert!(forced.gave_up());
    // The home has it.
    let mut home = takeover.clone();
    home.promise(NodeId(1), tail(1, 6), &known(), Seq(0), vec![]);
    assert_eq!(home.close(NodeId(3)), Some(NodeId(2)));
    assert_eq!(home.stage(), Stage::Copying(tail(1, 9)));
    // Or it is repaired.
    takeover.promise(NodeId(2), tail(1, 9), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(3)), Some(NodeId(2)));
}

#[test]
fn enough_members_that_never_had_a_record_let_the_chain_end_before_it() {
    // A home that wrote what nobody else ever got, and lost it: waiting for it would be for ever.
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(1), tail(1, 9), &known(), Seq(0), fault(4, Some(5)));
    takeover.promise(NodeId(2), tail(1, 2), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), None, "one of two that are needed");
    let mut blank = takeover.clone();
    blank.promise(NodeId(3), tail(0, 0), &EpochTable::new(), Seq(0), vec![]);
    assert_eq!(blank.close(NodeId(2)), None, "a blank disk is no answer");
    let mut unsure = takeover.clone();
    unsure.promise(NodeId(3), tail(1, 3), &known(), Seq(0), fault(4, None));
    assert_eq!(unsure.close(NodeId(2)), None, "nor is one that may have had it");
    takeover.promise(NodeId(3), tail(1, 3), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(1)));
    let end = Tail { epoch: Epoch(1), seq: Seq(3), hash: Hash([4; 32]) };
    assert_eq!(takeover.stage(), Stage::Copying(end));
    assert!(takeover.is_holder(NodeId(1)), "below its fault the home is whole");
}

#[test]
fn what_is_registered_is_never_cut_off() {
    let mut takeover = takeover(&[(1, 1), (2, 6)]);
    takeover.promise(NodeId(1), tail(2, 9), &known(), Seq(0), fault(4, Some(4)));
    takeover.promise(NodeId(2), tail(1, 2), &known(), Seq(0), vec![]);
    takeover.promise(NodeId(3), tail(1, 3), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(2)), None);
    assert_eq!(takeover.lacks(), Some(Lack::Record { seq: Seq(4), from: vec![NodeId(1)] }));
}

#[test]
fn one_that_may_have_had_more_does_not_seal() {
    // Its last records were acknowledged and are gone: "my chain ends here" is not what it knows (S8).
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(2), tail(1, 5), &known(), Seq(0), fault(6, None));
    takeover.promise(NodeId(3), tail(1, 5), &known(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(3)), None);
    assert_eq!(takeover.lacks(), Some(Lack::Promises(vec![NodeId(1), NodeId(2)])));
    let mut all = takeover.clone();
    all.promise(NodeId(1), tail(1, 7), &known(), Seq(0), vec![]);
    assert_eq!(all.close(NodeId(3)), Some(NodeId(1)));
    // With the home's disk gone as well, two may have held a commit that nobody can read.
    takeover.promise(NodeId(1), tail(0, 0), &EpochTable::new(), Seq(0), vec![]);
    assert_eq!(takeover.close(NodeId(3)), None);
}

#[test]
fn with_a_witness_whoever_comes_to_have_the_state_holds_the_target_before_it_counts() {
    // The witness may have let go of what lies below its base. A newcomer that lacked it, the old home lost,
    // would find nobody to have it from, and an epoch that was acknowledged would stand still for good.
    let place = |node| types::Place { region: types::RegionId(node), zone: types::ZoneId(0) };
    let config = |id, roles: [(u16, MemberRole); 3]| {
        let member = |(node, role)| types::Member { node: NodeId(node), role, place: place(node) };
        Config::placed(ConfigId(id), roles.map(member).to_vec(), 2, 1).unwrap()
    };
    let (full, witness) = (MemberRole::Full, MemberRole::Witness);
    let check = |third: MemberRole, rests: bool| {
        let mut takeover = takeover(&[(1, 1)]);
        takeover.config = config(1, [(1, full), (2, full), (3, third)]);
        let next = config(2, [(1, full), (4, full), (3, third)]);
        let mut takeover = takeover.towards(next.clone());
        takeover.promise(NodeId(1), tail(1, 5), &known(), Seq(0), vec![]);
        assert_eq!(takeover.close(NodeId(1)), Some(NodeId(1)));
        takeover.promise(NodeId(3), tail(1, 5), &known(), Seq(0), vec![]);
        takeover.promise(NodeId(4), tail(0, 0), &known(), Seq(0), vec![]);
        assert_eq!(takeover.is_copied(NodeId(1), |_| true), rests);
        if !rests {
            // It goes on as it was should the newcomer not come to it, and with it if it does.
            let mut settled = takeover.clone();
            settled.settles = true;
            assert!(settled.is_copied(NodeId(1), |_| true));
            assert_eq!(settled.next().id(), ConfigId(1));
            takeover.holds(NodeId(4), tail(1, 5));
            assert!(takeover.is_copied(NodeId(1), |_| true));
        }
        assert!(rests || takeover.next() == &next);
    };
    check(witness, false);
    // Among full ones, everybody can be given everything.
    check(full, true);
}

#[test]
fn epochs_that_the_register_has_forgotten_are_learnt_from_who_was_there() {
    // After the register was begun anew the longest chain may be of an epoch that it does not know. Taken
    // for one of the last known epoch, a longer tail that was overtaken would become history.
    let table = |starts: &[(u64, u64)]| takeover(starts).base;
    let later = table(&[(1, 1), (2, 11)]);
    for is_in_doubt in [false, true] {
        let mut takeover = takeover(&[(1, 1)]);
        takeover.is_in_doubt = is_in_doubt;
        takeover.has_heard_out = true;
        takeover.promise(NodeId(2), tail(1, 40), &known(), Seq(0), vec![]);
        takeover.promise(NodeId(3), tail(2, 12), &later, Seq(0), vec![]);
        takeover.close(NodeId(2));
        let (target, forgotten) = if is_in_doubt { (tail(2, 12), 1) } else { (tail(1, 40), 0) };
        assert_eq!(takeover.stage(), Stage::Copying(target));
        assert_eq!(takeover.forgotten().len(), forgotten);
    }
}

#[test]
fn who_was_given_up_has_neither_promised_nor_copied() {
    // Its word was taken before it was given up: counted on, it would stand for a copy that is lost.
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(2), tail(1, 5), &known(), Seq(0), vec![]);
    takeover.promise(NodeId(3), tail(1, 5), &known(), Seq(0), vec![]);
    takeover.disregard(NodeId(3));
    assert_eq!(takeover.close(NodeId(2)), None);
    takeover.promise(NodeId(1), tail(1, 5), &known(), Seq(0), vec![]);
    assert!(takeover.close(NodeId(2)).is_some());
    takeover.disregard(NodeId(1));
    assert!(!takeover.is_copied(NodeId(2), |_| true));
}
