//! After a beginning by force: what is taken for history, and who counts as holding it.

use alloc::vec;

use types::{Class, Config, ConfigId, Epoch, Hash, NodeId, Seq};

use super::*;
use crate::{Lack, Mutant};

const NEW: u64 = 1_000;

fn hash(epoch: u64, seq: u64) -> Hash {
    let mut bytes = [0; 32];
    bytes[0] = u8::try_from(epoch % 251).unwrap();
    bytes[1] = u8::try_from(seq).unwrap();
    Hash(bytes)
}

fn tail(epoch: u64, seq: u64) -> Tail {
    Tail { epoch: Epoch(epoch), seq: Seq(seq), hash: hash(epoch, seq) }
}

/// A history of epochs with their starts, each after the record before it of the epoch before.
fn table(starts: &[(u64, u64)]) -> EpochTable {
    let mut table = EpochTable::new();
    for (epoch, seq) in starts {
        let before = Seq(seq - 1);
        let at = table.epoch_at(before).0;
        table.push(Start {
            epoch: Epoch(*epoch),
            seq: Seq(*seq),
            hash: if before == Seq(0) { Hash::ZERO } else { hash(at, before.0) },
            config: ConfigId(1),
            forced: false,
            class: Class::Sync,
        });
    }
    table
}

/// A takeover of three nodes with two copies by node 1, which was home of epoch 1 as far as is known.
fn takeover(known: &[(u64, u64)], is_in_doubt: bool) -> Takeover {
    let config = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    let base = table(known);
    let mut takeover = Takeover::new(Epoch(NEW), base, config, Some(NodeId(1)), Mutant::None);
    takeover.is_in_doubt = is_in_doubt;
    takeover
}

fn promise(takeover: &mut Takeover, node: u16, tail: Tail, known: &[(u64, u64)]) {
    takeover.promise(NodeId(node), tail, &table(known), Seq(0), vec![]);
}

#[test]
fn in_doubt_the_promise_of_the_home_alone_seals_nothing() {
    // Whoever knows more would be asked when its records are orphans already.
    let mut one = takeover(&[(1, 1)], true);
    promise(&mut one, 1, tail(1, 9), &[(1, 1)]);
    assert_eq!(one.close(NodeId(1)), None);
    assert_eq!(one.lacks(), Some(Lack::Promises(vec![NodeId(2), NodeId(3)])));
    promise(&mut one, 2, tail(2, 7), &[(1, 1), (2, 5)]);
    one.has_heard_out = true;
    assert_eq!(one.close(NodeId(1)), Some(NodeId(2)));
    assert_eq!(one.stage(), Stage::Copying(tail(2, 7)));
    assert_eq!(one.forgotten(), &table(&[(1, 1), (2, 5)]).starts()[1..]);
    assert!(!one.is_holder(NodeId(1)), "its records 5 to 9 are others");
}

#[test]
fn who_comes_late_and_knows_more_begins_it_again_and_who_had_promised_is_cut_anew() {
    // The chain that had been settled on is not the one that the late one has.
    let mut one = takeover(&[(1, 1)], true);
    one.has_heard_out = true;
    promise(&mut one, 1, tail(1, 9), &[(1, 1)]);
    assert_eq!(one.close(NodeId(1)), Some(NodeId(1)));
    assert!(one.is_holder(NodeId(1)));
    promise(&mut one, 2, tail(2, 7), &[(1, 1), (2, 5)]);
    assert_eq!(one.stage(), Stage::Sealing);
    assert_eq!(one.close(NodeId(1)), Some(NodeId(2)));
    assert_eq!(one.stage(), Stage::Copying(tail(2, 7)));
    assert!(!one.is_holder(NodeId(1)));
    // The same again when it has more of what is known.
    promise(&mut one, 3, tail(2, 8), &[(1, 1), (2, 5)]);
    assert_eq!(one.close(NodeId(1)), Some(NodeId(3)));
    // And when it turns out that its word counts for nothing.
    let mut void = takeover(&[(1, 1)], true);
    void.has_heard_out = true;
    promise(&mut void, 2, tail(2, 7), &[(1, 1), (2, 5)]);
    promise(&mut void, 1, tail(1, 9), &[(1, 1)]);
    void.disregard(NodeId(2));
    assert_eq!(void.close(NodeId(1)), Some(NodeId(1)));
    assert_eq!(void.stage(), Stage::Copying(tail(1, 9)));
}

#[test]
fn of_two_histories_that_part_the_later_one_is_taken() {
    // The other was begun by those who were given up before, and is in no history since.
    let mut one = takeover(&[(1, 1)], true);
    one.has_heard_out = true;
    promise(&mut one, 2, tail(500, 7), &[(1, 1), (500, 6)]);
    promise(&mut one, 3, tail(2, 30), &[(1, 1), (2, 4)]);
    promise(&mut one, 1, tail(1, 5), &[(1, 1)]);
    assert_eq!(one.close(NodeId(1)), Some(NodeId(2)));
    assert_eq!(one.stage(), Stage::Copying(tail(500, 7)));
    assert!(!one.is_holder(NodeId(3)));
}

#[test]
fn without_doubt_a_chain_counts_up_to_where_it_parts_from_the_history() {
    // A member that followed those that were given up has as many records as the history, and others. It
    // would be asked for what it never had, for ever; or count as a copy of that.
    let mut one = takeover(&[(1, 1), (500, 9)], false);
    promise(&mut one, 1, tail(2, 40), &[(1, 1), (2, 4)]);
    assert_eq!(one.close(NodeId(1)), None, "nobody has records 4 to 8");
    assert_eq!(one.lacks(), Some(Lack::History(Seq(8))));
    one.forced = true;
    assert_eq!(one.close(NodeId(1)), Some(NodeId(1)));
    assert_eq!(one.stage(), Stage::Copying(tail(1, 3)));
    assert!(one.gave_up());
}

#[test]
fn in_doubt_those_are_heard_too_whom_the_register_believes_left_out() {
    // A group that was degraded may have been made whole since, with a home among the lost: who was left out
    // holds what was acknowledged then, and would not even be asked.
    let whole = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    let left = whole.reduced(ConfigId(2), |node| node == NodeId(1)).unwrap();
    let base = table(&[(1, 1)]);
    for is_in_doubt in [false, true] {
        let (base, left) = (base.clone(), left.clone());
        let mut one = Takeover::new(Epoch(NEW), base, left, Some(NodeId(1)), Mutant::None);
        one.is_in_doubt = is_in_doubt;
        one.has_heard_out = true;
        let mut one = one.degraded_from(Some(whole.clone())).heard_by(Some(&whole));
        assert_eq!(one.nodes().count(), if is_in_doubt { 3 } else { 1 });
        promise(&mut one, 1, tail(1, 9), &[(1, 1)]);
        promise(&mut one, 2, tail(2, 12), &[(1, 1), (2, 10)]);
        let source = if is_in_doubt { NodeId(2) } else { NodeId(1) };
        assert_eq!(one.close(NodeId(1)), Some(source));
        // It gives what it has, and is no copy of a configuration that does not name it.
        assert_eq!(one.is_holder(NodeId(2)), is_in_doubt);
        assert_eq!(one.is_copied(NodeId(1), |_| true), !is_in_doubt);
    }
}

#[test]
fn by_force_nobody_is_waited_for_who_counts_in_no_configuration_that_may_come_of_it() {
    // A newcomer that the roster alone names, far behind or with a full disk, would hold up by hours or for
    // ever the one survivor, and people would be pointed at the nodes that are given up.
    let base = || table(&[(1, 1)]);
    let newcomers = [NodeId(1), NodeId(4), NodeId(5)];
    let newcomers = Config::new(ConfigId(1), newcomers.to_vec(), 2).unwrap();
    for (forced, degrades) in [(true, false), (false, true)] {
        let whole = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 3).unwrap();
        let one = Takeover::new(Epoch(NEW), base(), whole, Some(NodeId(1)), Mutant::None);
        let mut one = one.heard_by(Some(&newcomers));
        one.is_in_doubt = true;
        one.has_heard_out = true;
        one.settles = true;
        (one.forced, one.degrades) = (forced, degrades);
        promise(&mut one, 1, tail(1, 9), &[(1, 1)]);
        promise(&mut one, 4, tail(0, 0), &[]);
        assert_eq!(one.close(NodeId(1)), Some(NodeId(1)));
        assert!(one.clone().is_copied(NodeId(1), |_| true), "4 counts nowhere");
        // A member that has promised is waited for, and it alone is named.
        promise(&mut one, 2, tail(1, 5), &[(1, 1)]);
        assert!(!one.is_copied(NodeId(1), |_| true));
        assert_eq!(one.lacks(), Some(Lack::Copies(vec![NodeId(2)])));
        assert!(one.clone().is_copied(NodeId(1), |node| node != NodeId(2)));
        // So is a newcomer that what the register has noted names.
        let mut noted = one.clone().or_else(newcomers.clone());
        noted.holds(NodeId(2), tail(1, 9));
        assert!(!noted.is_copied(NodeId(1), |_| true));
        assert_eq!(noted.lacks(), Some(Lack::Copies(vec![NodeId(4)])));
    }
}
