//! If the table is wrong, a region that comes back resurrects entries that were never committed.

use super::*;

fn table(starts: &[(u64, u64)]) -> EpochTable {
    let mut table = EpochTable::new();
    for (epoch, seq) in starts {
        table.push(Start {
            epoch: Epoch(*epoch),
            seq: Seq(*seq),
            hash: Hash::ZERO,
            config: ConfigId(1),
            forced: false,
            class: Class::Sync,
        });
    }
    table
}

fn tail(epoch: u64, seq: u64) -> Tail {
    Tail { epoch: Epoch(epoch), seq: Seq(seq), hash: Hash::ZERO }
}

#[test]
fn a_longer_tail_of_an_older_epoch_is_cut() {
    let table = table(&[(1, 1), (2, 11), (4, 20)]);
    assert_eq!(table.cut(tail(1, 15)), tail(1, 10));
    assert_eq!(table.cut(tail(1, 7)), tail(1, 7));
    assert_eq!(table.cut(tail(2, 19)), tail(2, 19));
    assert_eq!(table.cut(tail(2, 25)), tail(2, 19));
    assert_eq!(table.cut(tail(4, 30)), tail(4, 30));
}

#[test]
fn an_empty_epoch_holds_nothing() {
    let table = table(&[(1, 1), (2, 11), (3, 11)]);
    assert!(table.holds(Epoch(1), Seq(10)));
    assert!(!table.holds(Epoch(2), Seq(11)));
    assert!(table.holds(Epoch(3), Seq(11)));
    assert_eq!(table.epoch_at(Seq(11)), Epoch(3));
    assert_eq!(table.epoch_at(Seq(10)), Epoch(1));
    assert_eq!(table.epoch_at(Seq(0)), Epoch(0));
}

#[test]
fn a_forced_start_below_an_older_one_cuts_both() {
    let table = table(&[(1, 1), (2, 11), (3, 8)]);
    assert_eq!(table.cut(tail(1, 10)), tail(1, 7));
    assert_eq!(table.cut(tail(2, 12)), tail(1, 7));
    assert_eq!(table.epoch_at(Seq(9)), Epoch(3));
    assert_eq!(table.epoch_at(Seq(7)), Epoch(1));
}

/// Without it the two ways to ask one question could part, and a tail be cut to the wrong epoch.
#[test]
fn the_epoch_of_a_seq_is_the_newest_that_holds_it() {
    for starts in [
        &[(1, 1), (2, 11), (3, 8), (5, 8), (7, 30)][..],
        &[(2, 20), (3, 5), (4, 6), (9, 1)],
        &[(1, 1), (2, 1), (3, 1)],
    ] {
        let table = table(starts);
        for seq in (0..40).map(Seq) {
            let holds = starts.iter().rev().find(|(epoch, _)| table.holds(Epoch(*epoch), seq));
            let expect = holds.map_or(Epoch(0), |(epoch, _)| Epoch(*epoch));
            assert_eq!(table.epoch_at(seq), expect, "{starts:?} at {seq}");
        }
    }
}

/// Without it one frame with the longest table a peer may send would hold a node up for seconds.
#[test]
fn a_long_table_is_answered_at_once() {
    let starts: Vec<_> = (1..=65_536).map(|epoch| (epoch, epoch)).collect();
    let table = table(&starts);
    for _ in 0..100 {
        assert_eq!(table.epoch_at(Seq(0)), Epoch(0));
    }
}

/// Without it a peer that names the last seq of all would stop this node by an overflow.
#[test]
fn the_last_seq_has_no_next() {
    assert_eq!(Seq(u64::MAX).next(), Seq(u64::MAX));
}
