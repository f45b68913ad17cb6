//! Records that were durable once and are damaged.

use super::*;

fn flipped(disk: &FaultyDisk, bit: usize) -> FaultyDisk {
    let flipped = disk.after_kill();
    flipped.edit(&segment_path(0), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
    flipped
}

fn index(at: Position) -> usize {
    usize::try_from(at.0).expect("small")
}

/// Without it damage to acknowledged records would be cut off in silence, or keep the node from
/// starting.
#[test]
fn a_flipped_bit_below_a_later_record_is_damage_and_all_others_are_read() {
    let (disk, places) = written(&[b"first", b"second", b"third"]);
    for bit in index(places[1]) * 8..index(places[2]) * 8 {
        let flipped = flipped(&disk, bit);
        let before = flipped.bytes(&segment_path(0));
        let (found, records, damage) = replay_all(&flipped).expect("repaired by its peers");
        let read: Vec<&[u8]> = records.iter().map(|(.., bytes)| &bytes[..]).collect();
        assert_eq!(read, [&b"first"[..], b"third"], "bit {bit}");
        assert_eq!((found.records, found.torn), (2, None));
        let [one] = damage[..] else { panic!("bit {bit}: {damage:?}") };
        assert_eq!((one.from, one.until), (places[1], Some(places[2])), "bit {bit}");
        assert!(before == flipped.bytes(&segment_path(0)), "what is damaged is left alone");
        // What it was is known unless its header is what was hit.
        let is_payload = bit / 8 >= index(places[1]) + 32;
        assert!(one.groups || !is_payload, "bit {bit}");
        assert!(!one.register || !is_payload, "bit {bit}");
    }
}

/// Without it the log would go on in the middle of damage, or a later start would take it for torn.
#[test]
fn the_log_goes_on_behind_damage_at_its_end() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    node.record(b"first");
    let at = node.record(b"last");
    node.storage.close();
    let offset = index(at) + 33;
    disk.edit(&segment_path(0), |bytes| bytes[offset] ^= 1);
    let (found, records, damage) = replay_all(&disk).expect("the rest is there");
    assert_eq!((records.len(), damage.len()), (1, 1));
    assert_eq!((damage[0].from, damage[0].until, damage[0].register), (at, None, false));
    assert!(found.end > at);
    let mut node = start(&disk);
    assert_eq!(node.record(b"new"), found.end);
    let (_, records, damage) = replay_all(&disk.after_power_cut(&mut Random(1))).expect("sound");
    assert_eq!(records.len(), 2);
    assert_eq!((damage.len(), damage[0].until), (1, Some(found.end)));
}

/// Without it a record that was acknowledged just before a stop, and damaged since, would pass for one
/// that never was: the superblock knows nothing of it, and no record follows (S8).
#[test]
fn a_last_record_that_is_all_there_was_not_torn() {
    let (disk, places) = written(&[b"first", b"the last record, which is not torn"]);
    let at = index(places[1]);
    for bit in at * 8..(at + 32 + 34) * 8 {
        let (_, records, damage) = replay_all(&flipped(&disk, bit)).expect("the rest is there");
        assert_eq!((records.len(), damage.len()), (1, 1), "bit {bit}");
        assert_eq!((damage[0].from, damage[0].until), (places[1], None), "bit {bit}");
    }
}

/// Without it what a start-up found out would be lost if the node crashed right after.
#[test]
fn what_damage_means_is_durable_before_the_log_is_touched() {
    let (disk, places) = written(&[b"first", b"second", b"third"]);
    let flipped = flipped(&disk, index(places[1]) * 8 + 300);
    let scanned = open(&flipped).expect("opens").replay(&mut |_| ()).expect("replays");
    let before = flipped.bytes(&segment_path(0));
    flipped.cut_power_in(5);
    let meta = Bytes::from_static(b"the second is missing");
    drop(scanned.settle([(GroupId(3), meta.clone())]));
    let after = flipped.after_power_cut(&mut Random(2));
    let opened = open(&after).expect("opens");
    let is_noted = opened.blobs().get(&GroupId(3)) == Some(&meta);
    assert!(is_noted || before == after.bytes(&segment_path(0)));
    // And without a crash it is there.
    drop(opened);
    let scanned = open(&after).expect("opens").replay(&mut |_| ()).expect("replays");
    drop(scanned.settle([(GroupId(3), meta.clone())]).expect("settles"));
    assert_eq!(open(&after).expect("opens").blobs().get(&GroupId(3)), Some(&meta));
    let large = Bytes::from(vec![1; 5000]);
    let scanned = open(&after).expect("opens").replay(&mut |_| ()).expect("replays");
    let error = scanned.settle([(GroupId(3), large)]).expect_err("there is no room for it");
    assert!(matches!(error, OpenError::SuperblockFull { .. }), "{error}");
}

/// Without it a torn batch behind damage would come back, or the damage be cut off with it.
#[test]
fn a_tear_behind_damage_is_cut_and_the_damage_is_kept() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let places: Vec<Position> = (0..4).map(|_| node.record(&[7; 600])).collect();
    let torn = disk.after_kill();
    drop(node);
    torn.edit(&segment_path(0), |bytes| {
        bytes[index(places[1]) + 100] ^= 1;
        // The sector that the last record begins in the middle of.
        let sector = (index(places[3]) + 100).next_multiple_of(512);
        bytes[sector..sector + 512].fill(0);
    });
    let (found, records, damage) = replay_all(&torn).expect("torn");
    assert_eq!(records.len(), 2);
    assert_eq!(found.torn, Some(Torn { at: places[3], records: 0 }));
    assert_eq!((damage.len(), damage[0].from), (1, places[1]));
    let mut node = start(&torn);
    assert_eq!(node.record(b"new"), places[3]);
}

/// Without it one sector that a disk refuses to read would keep a node from starting with all the rest.
#[test]
fn a_sector_that_cannot_be_read_is_damage() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let places: Vec<Position> = (0..20).map(|_| node.record(&[7; 600])).collect();
    let read = disk.after_power_cut(&mut Random(1));
    drop(node);
    let bad = index(places[9]) + 100;
    read.spoil(&segment_path(0), bad..bad + 1);
    let page = bad / 4096 * 4096;
    let in_page = |at: &Position| index(*at) + 632 > page && index(*at) < page + 4096;
    let (_, records, damage) = replay_all(&read).expect("the rest is read");
    let lost = places.iter().filter(|at| in_page(at)).count();
    assert_eq!((records.len(), damage.len()), (20 - lost, 1));
    assert!(damage[0].groups, "nobody can say what stood there");
}
