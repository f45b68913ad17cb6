//! What comes from elsewhere while a snapshot is taken in.

use types::{Hash, Position, Stamp};
use wire::{Record, RecordKind, SnapshotHead};

use super::super::super::InFlight;
use super::super::super::fixture::{Count, header, member};
use super::*;
use crate::answers::Answers;

#[test]
fn records_on_their_way_to_the_disk_do_not_outlast_the_snapshot_that_overtakes_them() {
    // Found by the simulator: the record behind the snapshot became durable "out of order".
    let mut group = member(6, 1, usize::MAX);
    let mut tails = vec![group.tail()];
    for _ in 0..3 {
        let record = Record::build(header(&group, RecordKind::Commands), &[]);
        group.chain.push(&record, None);
        let (epoch, seq, hash) = (Epoch(1), record.header().seq, record.hash());
        group.in_flight.push_back(InFlight::Record { epoch, seq, hash });
        tails.push(group.tail());
    }
    let at = tails[2];
    let snapshot = Snapshot {
        tail: at,
        stamp: Stamp(8),
        digest: Hash::ZERO,
        bytes: 1,
        sha256: Hash::ZERO,
        own: false,
    };
    let head = SnapshotHead {
        group: group.id(),
        barriers: Vec::new(),
        tail: at,
        stamp: Stamp(8),
        work: 8,
        trail: Hash::ZERO,
        digest: Hash::ZERO,
        table: group.table().clone(),
    };
    let state = State {
        head,
        channels: group.channels().clone(),
        answers: Answers::default(),
        model: Count::default(),
    };
    let (from, moved) = (NodeId(1), Instant(0));
    let stage = Stage::Recording(Box::new(state));
    group.keep.install = Some(Install { from, snapshot, stage, moved });
    let mut out = Vec::new();
    group.installed(at, &mut out);
    assert_eq!(group.durable(), Seq(8));
    for place in 7..10 {
        group.written(Position(place), &mut out);
    }
    assert_eq!((group.durable(), group.tail()), (Seq(9), tails[3]));
}
