//! A hole that closes over another record than was lost is a forged history.

use alloc::vec::Vec;

use types::{ConfigId, GroupId, ModelVersion};
use wire::{Header, RecordKind};

use super::*;

/// Linked records of epoch 1, the first at seq 1.
fn records(count: u64) -> Vec<Record> {
    let mut previous = Hash::ZERO;
    (1..=count)
        .map(|seq| {
            let record = other(seq, previous, seq);
            previous = record.hash();
            record
        })
        .collect()
}

fn other(seq: u64, previous: Hash, stamp: u64) -> Record {
    let header = Header {
        kind: RecordKind::Beat,
        group: GroupId(1),
        config: ConfigId(1),
        epoch: Epoch(1),
        seq: Seq(seq),
        count: 0,
        stamp: Stamp(stamp),
        model: ModelVersion(1),
        previous,
        body: Hash::ZERO,
    };
    Record::build(header, &[])
}

/// A chain of the first record and the last of `records`; the others are lost.
fn broken(records: &[Record]) -> Chain {
    let mut chain = Chain::new(usize::MAX);
    chain.push(&records[0], Some(Position(1)));
    let last = records.last().unwrap();
    chain.push_over(last, Position(records.len() as u64), |_| Epoch(1));
    chain
}

fn holes(chain: &Chain) -> Vec<(u64, u64)> {
    chain.holes().map(|hole| (hole.first.0, hole.last.0)).collect()
}

#[test]
fn a_hole_is_filled_from_its_end_down_by_the_very_records() {
    let records = records(6);
    let mut chain = broken(&records);
    assert_eq!(holes(&chain), [(2, 5)]);
    assert_eq!((chain.whole(), chain.tail()), (Seq(1), records[5].tail()));
    assert_eq!((chain.tail_at(Seq(5)), chain.tail_at(Seq(4))), (Some(records[4].tail()), None));
    assert!(chain.link(Seq(5)).is_none(), "nothing can be said of its size or stamp");
    // Not known to be the one that was there, and another one than was there.
    assert!(!chain.fill(&records[3], Position(9)));
    assert!(!chain.fill(&other(5, records[3].hash(), 77), Position(9)));
    for record in records[1..5].iter().rev() {
        assert_eq!(chain.fit(record.header(), record.hash()), Fit::Hole);
        assert!(chain.fill(record, Position(10 + record.header().seq.0)));
        assert_eq!(chain.fit(record.header(), record.hash()), Fit::Have);
    }
    assert_eq!((holes(&chain), chain.whole()), (Vec::new(), Seq(6)));
    for (seq, record) in (1..).zip(&records) {
        let link = chain.link(Seq(seq)).unwrap();
        assert_eq!((link.hash, link.size), (record.hash(), record.bytes().len()));
        assert!(link.at.is_some());
    }
}

#[test]
fn the_log_s_own_second_copies_fill_a_hole_in_any_order() {
    // A repair that was under way when the power went leaves some of them, and a second damage takes
    // some of these.
    let records = records(6);
    let mut chain = broken(&records);
    assert!(chain.refill(&records[2], Position(12)));
    assert_eq!(holes(&chain), [(2, 2), (4, 5)]);
    assert!(!chain.refill(&other(2, Hash::ZERO, 9), Position(13)), "it does not link to the first");
    assert!(chain.refill(&records[4], Position(14)));
    assert!(chain.refill(&records[1], Position(15)));
    assert_eq!(holes(&chain), [(4, 4)]);
    assert!(chain.fill(&records[3], Position(16)));
    assert_eq!(chain.whole(), Seq(6));
}

#[test]
fn a_record_lost_while_the_node_runs_can_be_put_back_or_read_after_all() {
    let records = records(5);
    let mut chain = Chain::new(0);
    for record in &records {
        chain.push(record, Some(Position(record.header().seq.0)));
    }
    for seq in [3, 2, 4, 4] {
        chain.lose(Seq(seq));
    }
    assert_eq!((holes(&chain), chain.whole()), ([(2, 4)].to_vec(), Seq(1)));
    assert_eq!(chain.link(Seq(3)).unwrap().hash, records[2].hash());
    // Of these even the middle one is known by its hash.
    assert!(chain.fill(&records[2], Position(30)));
    assert_eq!(holes(&chain), [(2, 2), (4, 4)]);
    chain.find(&records[3]);
    assert_eq!(
        (holes(&chain), chain.link(Seq(3)).unwrap().at),
        ([(2, 2)].to_vec(), Some(Position(30)))
    );
}

#[test]
fn a_cut_through_a_hole_leaves_its_lower_part() {
    // A newer epoch begins in the middle of what was lost; its start says what stood before it.
    let records = records(6);
    let mut chain = broken(&records);
    let runs = chain.cut(Seq(3));
    assert_eq!(runs.iter().map(|run| (run.first.0, run.last.0)).collect::<Vec<_>>(), [(4, 6)]);
    chain.end_at(Epoch(1), records[2].hash());
    assert_eq!((chain.tail(), holes(&chain)), (records[2].tail(), [(2, 3)].to_vec()));
    assert!(chain.fill(&records[2], Position(9)) && chain.fill(&records[1], Position(10)));
    assert_eq!((chain.whole(), chain.tail()), (Seq(3), records[2].tail()));
    chain.lose(Seq(2));
    chain.cut(Seq(1));
    assert_eq!((holes(&chain), chain.whole()), (Vec::new(), Seq(1)));
}
