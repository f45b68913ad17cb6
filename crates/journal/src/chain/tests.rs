//! If the chain misjudges a record, two regions hold different histories under one seq.

use alloc::vec;

use types::{ConfigId, GroupId, ModelVersion};
use wire::RecordKind;

use super::*;

fn record(epoch: u64, seq: u64, previous: Hash) -> Record {
    let header = Header {
        kind: RecordKind::Beat,
        group: GroupId(1),
        config: ConfigId(1),
        epoch: Epoch(epoch),
        seq: Seq(seq),
        count: 0,
        stamp: Stamp(seq),
        model: ModelVersion::FIRST,
        previous,
        body: Hash::ZERO,
    };
    Record::build(header, &[])
}

fn chain(epochs: &[u64], held_max: usize) -> Chain {
    let mut chain = Chain::new(held_max);
    for (index, epoch) in epochs.iter().enumerate() {
        let record = record(*epoch, index as u64 + 1, chain.tail().hash);
        chain.push(&record, None);
    }
    chain
}

fn fit(chain: &Chain, record: &Record) -> Fit {
    chain.fit(record.header(), record.hash())
}

#[test]
fn a_record_is_next_had_gap_or_fork() {
    let chain = chain(&[1, 1, 1], usize::MAX);
    let second = record(1, 2, chain.tail_at(Seq(1)).unwrap().hash);
    assert_eq!(fit(&chain, &second), Fit::Have);
    assert_eq!(fit(&chain, &record(1, 4, chain.tail().hash)), Fit::Next);
    assert_eq!(fit(&chain, &record(1, 5, chain.tail().hash)), Fit::Gap);
    assert_eq!(fit(&chain, &record(1, 4, Hash::ZERO)), Fit::Fork);
    assert_eq!(fit(&chain, &record(2, 2, chain.tail_at(Seq(1)).unwrap().hash)), Fit::Fork);
}

#[test]
fn a_cut_names_each_run_it_takes_off() {
    let mut chain = chain(&[1, 1, 2, 2, 2], usize::MAX);
    let (second, tail) = (chain.tail_at(Seq(2)).unwrap(), chain.tail());
    let runs = chain.cut(Seq(1));
    let expected = [
        Run { epoch: Epoch(1), first: Seq(2), last: Seq(2), head: second.hash },
        Run { epoch: Epoch(2), first: Seq(3), last: Seq(5), head: tail.hash },
    ];
    assert_eq!(runs, expected);
    assert_eq!(chain.tail().seq, Seq(1));
    assert_eq!(chain.cut(Seq(7)), vec![]);
}

#[test]
fn bytes_leave_memory_only_when_the_disk_has_them() {
    let mut chain = chain(&[1, 1, 1], 0);
    let hash = |chain: &Chain, seq| chain.link(Seq(seq)).unwrap().hash;
    assert!(chain.link(Seq(1)).unwrap().bytes.is_some());
    chain.place(Seq(1), Hash::ZERO, Position(10));
    assert_eq!(chain.link(Seq(1)).unwrap().at, None);
    chain.place(Seq(1), hash(&chain, 1), Position(10));
    assert!(chain.link(Seq(1)).unwrap().bytes.is_none());
    assert!(chain.link(Seq(2)).unwrap().bytes.is_some());
}

#[test]
fn the_last_record_stays_in_memory() {
    // A home shows it to members that lack more than is in memory; without it they would never hear.
    let mut chain = chain(&[1, 1], 0);
    for seq in [1, 2] {
        let hash = chain.link(Seq(seq)).unwrap().hash;
        chain.place(Seq(seq), hash, Position(seq));
    }
    assert!(chain.link(Seq(1)).unwrap().bytes.is_none());
    assert!(chain.link(Seq(2)).unwrap().bytes.is_some());
}

#[test]
fn bytes_above_a_seq_are_those_of_the_records_above_it() {
    // The lag that an operator sees; adding it up record by record would take as long as the lag is.
    let mut chain = chain(&[1, 1, 2, 2], usize::MAX);
    let size = chain.link(Seq(1)).unwrap().size as u64;
    let above = |chain: &Chain, seq| chain.bytes_above(Seq(seq)) / size;
    assert_eq!([0, 1, 4].map(|seq| above(&chain, seq)), [4, 3, 0]);
    chain.cut(Seq(2));
    assert_eq!([0, 1, 2].map(|seq| above(&chain, seq)), [2, 1, 0]);
}
