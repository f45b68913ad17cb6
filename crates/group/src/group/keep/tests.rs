//! Save points, digests, and what follows from them. The way of a snapshot from disk to disk is told by the
//! simulator's stories.

use alloc::vec::Vec;

use types::Stamp;

use super::super::fixture::{Count, at, member, registered};
use super::super::{Out, Writing};
use super::*;

/// A member with a save point at every fourth record or so, after `records` records of one command.
fn marked(records: u64) -> Group<Count> {
    let mut group = member(records, 1, usize::MAX);
    group.options.snapshot_work = 8;
    group.apply_at_hand(usize::MAX, &mut Vec::new());
    group
}

#[test]
fn all_members_pass_the_same_save_points() {
    // Without this no two members would ever have a digest of the same state to compare.
    let (one, two) = (marked(20), marked(23));
    assert_eq!(one.keep.points, two.keep.points);
    assert_eq!(one.keep.points.keys().map(|seq| seq.0).collect::<Vec<_>>(), [8, 12, 16, 20]);
}

#[test]
fn time_alone_makes_a_save_point_too() {
    // Without this a group that does little would keep its first records for ever.
    let mut group = member(20, 1, usize::MAX);
    group.options.snapshot_us = 10;
    group.apply_at_hand(usize::MAX, &mut Vec::new());
    assert_eq!(group.keep.points.keys().map(|seq| seq.0).collect::<Vec<_>>(), [10, 20]);
    assert_eq!(group.stamp, Stamp(20));
}

#[test]
fn a_snapshot_counts_once_another_member_has_come_to_its_digest() {
    // Without this one bad memory could replace the records.
    let mut group = marked(20);
    let (head, digest) = group.keep.points[&Seq(20)];
    let mut out = Vec::new();
    group.save_on(&mut out);
    loop {
        let Some(Out::SnapshotWrite { seq, offset, bytes, is_last }) = out.pop() else { break };
        let end = offset + bytes.len() as u64;
        let done = if is_last {
            crate::FileProgress::Whole { sha256: Hash([3; 32]) }
        } else {
            crate::FileProgress::Part
        };
        group.snapshot_written(seq, end, done, &mut out);
    }
    group.on_digest(NodeId(1), Seq(20), (head, digest), Seq(0));
    assert_eq!(group.kept(), Seq(0), "the meta that names it is not durable");
    group.written(Position(0), &mut out);
    assert_eq!(group.kept(), Seq(20));
    assert_eq!(group.trimmable(), Seq(0), "one disk of two");
    group.on_digest(NodeId(3), Seq(20), (head, digest), Seq(20));
    assert_eq!(group.trimmable(), Seq(0), "it may be going on with fewer copies");
    group.register = Some(registered(&group, NodeId(1), group.table().clone()));
    assert_eq!(group.trimmable(), Seq(20));
    if let Some(state) = &mut group.register {
        state.whole = Some(state.config.clone());
    }
    assert_eq!(group.trimmable(), Seq(0), "it is going on with fewer copies");
    assert_eq!(group.reads_from(), None, "nothing follows it");
    group.proceed_with_snapshots(at(1), &mut out);
    let told = |node| move |one: &Out| matches!(one, Out::Send { to, body: wire::GroupMessage::Digest { kept: Seq(20), .. }, .. } if *to == node);
    assert!(out.iter().any(told(NodeId(1))));
    assert!(out.iter().any(told(NodeId(3))));
}

#[test]
fn repairs_stand_in_for_records_of_before_the_place_where_a_start_reads_from() {
    // Found by the simulator: repairs are written from the last record of a hole down, and what was
    // damaged is no longer read, so the node would not start.
    let source = member(4, 1, usize::MAX);
    let mut group = member(0, 1, usize::MAX);
    group.begins_later();
    let replay = |group: &mut Group<Count>, at, seq, writing| {
        group.replay(Position(at), &source.record_at_hand(Seq(seq)).unwrap(), writing)
    };
    assert!(replay(&mut group, 7, 3, Writing::Again));
    assert_eq!(group.unexplained_gap(), Some(Seq(1)), "were that all, the node must not start");
    assert!(replay(&mut group, 8, 2, Writing::Again));
    assert!(replay(&mut group, 9, 4, Writing::First));
    assert!(replay(&mut group, 10, 1, Writing::Again));
    assert_eq!((group.unexplained_gap(), group.tail()), (None, source.tail()));
}
