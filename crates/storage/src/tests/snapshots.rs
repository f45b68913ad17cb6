//! Snapshots beside the log, and the part of the log that goes.

use types::{Hash, ReadId, Seq};

use super::*;
use crate::Disk as _;

const NAME: (GroupId, Seq) = (GroupId(3), Seq(70));

fn piece(offset: u64, bytes: &'static [u8], is_last: bool) -> Request {
    let (group, seq) = NAME;
    Request::SnapshotWrite { group, seq, offset, bytes: Bytes::from_static(bytes), is_last }
}

fn floor(id: u64, start: Position, keep: Position) -> Request {
    Request::Floor { owner: Owner(1), id: WriteId(id), start, keep }
}

/// Writes pieces and gives what is reported of each: where it ended, and the hash after the last.
fn write(
    node: &mut Node,
    pieces: impl IntoIterator<Item = Request>,
) -> Vec<(u64, Option<Option<Hash>>)> {
    let pieces: Vec<Request> = pieces.into_iter().collect();
    let count = pieces.len();
    node.submit(pieces).expect("there is room");
    let reports = (0..count).map(|_| match node.completion() {
        Completion::SnapshotWritten { group, seq, end, result } => {
            assert_eq!((group, seq), NAME);
            (end, result.ok())
        }
        other => panic!("unexpected {other:?}"),
    });
    reports.collect()
}

/// Positions that a start hands over.
fn found(opened: Opened) -> Vec<Position> {
    let mut found = Vec::new();
    let scanned = opened.replay(&mut |read| match read {
        Read::Record(record) => found.push(record.at),
        Read::Damage(damage) => panic!("unexpected {damage:?}"),
    });
    scanned.expect("the folder is sound");
    found
}

#[test]
fn a_snapshot_is_whole_under_its_name_or_not_there() {
    // Without this a crash in the middle of a snapshot would leave one that looks like a state.
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let reports = write(&mut node, [piece(0, b"one", false), piece(3, b"two", false)]);
    assert_eq!(reports, [(3, Some(None)), (6, Some(None))]);
    let cut = open(&disk.after_worst_cut()).expect("opens");
    assert_eq!(cut.snapshots().expect("listed"), []);
    let reports = write(&mut node, [piece(6, b"three", true)]);
    assert_eq!(reports, [(11, Some(Some(wire::digest(b"onetwothree"))))]);
    let cut = open(&disk.after_worst_cut()).expect("opens");
    assert_eq!(cut.snapshots().expect("listed"), [NAME]);
    let pieces: Vec<_> = cut.snapshot(NAME.0, NAME.1).collect();
    assert_eq!(pieces, [Some(Bytes::from_static(b"onetwothree"))]);
    assert_eq!(cut.snapshot(GroupId(9), Seq(1)).collect::<Vec<_>>(), [None]);
}

#[test]
fn pieces_are_read_and_files_removed() {
    // Without this a member that is behind would get nothing, or a disk would fill with old states.
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    write(&mut node, [piece(0, b"onetwothree", true)]);
    let (group, seq) = NAME;
    let owner = Owner(1);
    let read = |id, offset| Request::SnapshotRead {
        owner,
        id: ReadId(id),
        group,
        seq,
        offset,
        bytes_max: 4,
    };
    node.submit([read(1, 3), read(2, 9), Request::SnapshotRemove { group, seq }, read(3, 0)])
        .expect("there is room");
    let found: Vec<_> = (0..3)
        .map(|_| match node.completion() {
            Completion::Loaded { id, result, .. } => (id.0, result.ok()),
            other => panic!("unexpected {other:?}"),
        })
        .collect();
    let some = |bytes| Some(Bytes::from_static(bytes));
    assert_eq!(found, [(1, some(b"twot")), (2, some(b"ee")), (3, None)]);
}

#[test]
fn a_piece_that_does_not_follow_is_refused_and_the_file_begins_anew() {
    // Without this two attempts at one snapshot could be mixed.
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let pieces = [piece(0, b"one", false), piece(5, b"gap", true), piece(0, b"new", true)];
    let reports = write(&mut node, pieces);
    let hash = wire::digest(b"new");
    assert_eq!(reports, [(3, Some(None)), (8, None), (3, Some(Some(hash)))]);
}

#[test]
fn a_start_reads_from_the_floor_and_whole_segments_below_it_go() {
    // Without this the log would grow for ever, or a start would miss what it needs.
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let places: Vec<Position> = (0..40).map(|_| node.record(&[7; 1_000])).collect();
    let (from, keep) = (places[35], places[30]);
    assert!(keep.0 > 2 * SEGMENT, "whole segments lie below");
    node.write(|id| floor(id, from, keep)).expect("the disk is good");
    drop(node);
    let opened = open(&disk.after_kill()).expect("opens");
    assert_eq!(found(opened), places[35..]);
    let mut opened = open(&disk.after_kill()).expect("opens");
    opened.read_all();
    let all = found(opened);
    assert!(all.len() > 5, "all that is left can be asked for");
    assert_eq!(all, places[40 - all.len()..]);
    // The records go on behind those that are left.
    let mut node = start(&disk.after_kill());
    assert!(node.record(b"more") > places[39]);
}

#[test]
fn a_floor_that_is_lowered_stays_above_what_is_gone() {
    // Without this a start would take the first record that is left for the first there ever was.
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let places: Vec<Position> = (0..40).map(|_| node.record(&[7; 1_000])).collect();
    node.write(|id| floor(id, places[35], places[30])).expect("the disk is good");
    node.write(|id| floor(id, Position(0), Position(0))).expect("the disk is good");
    let opened = open(&disk.after_kill()).expect("opens");
    assert_eq!((opened.start(), opened.kept()), (places[30], places[30]));
    assert_eq!(found(opened), places[30..]);
}

#[test]
fn a_floor_keeps_what_is_at_it_through_any_crash() {
    // Without this a crash between the superblock and the deletion would leave a log with a hole, which
    // no start would take.
    for seed in 0..40 {
        let disk = FaultyDisk::default();
        let mut node = start(&disk);
        let places: Vec<Position> = (0..60).map(|_| node.record(&[7; 1_000])).collect();
        let mut random = Random(seed);
        let keep = places[random.below(60)];
        node.write(|id| floor(id, places[59].max(keep), keep)).expect("the disk is good");
        let mut opened = open(&disk.after_power_cut(&mut random)).expect("opens");
        opened.read_all();
        let all = found(opened);
        assert!(all.first().is_some_and(|first| *first <= keep), "seed {seed}");
        assert_eq!(all, places[60 - all.len()..], "seed {seed}");
    }
}

#[test]
fn a_folder_that_lost_more_than_its_floor_allows_is_not_opened() {
    // Without this a segment that somebody has deleted by hand would pass for one that was trimmed.
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    for _ in 0..40 {
        node.record(&[7; 1_000]);
    }
    drop(node);
    let disk = disk.after_kill();
    disk.remove(&segment_path(0)).expect("is there");
    assert!(matches!(open(&disk), Err(OpenError::SegmentMissing { .. })));
}
