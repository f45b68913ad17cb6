//! The log across restarts: what was acknowledged comes back, what was torn does not.

use super::*;

/// Waits until a segment is there.
fn prepared(disk: &FaultyDisk, number: u64) {
    while !disk.image().contains_key(&segment_path(number)) {
        std::thread::yield_now();
    }
}

/// Without it a node would lose what it acknowledged when the power goes.
#[test]
fn what_was_acknowledged_comes_back() {
    let (disk, places) = written(&[b"one", b"", b"three"]);
    let (found, records) = replay(&disk).expect("sound");
    assert_eq!(found.torn, None);
    assert_eq!(found.records, 3);
    let expect: Vec<_> = places.iter().zip([&b"one"[..], b"", b"three"]).collect();
    let got: Vec<_> = records.iter().map(|(at, _, bytes)| (at, &bytes[..])).collect();
    assert_eq!(got, expect);
}

/// Without it a new node could not be told from one that lost its disk.
#[test]
fn only_a_new_folder_is_blank() {
    let disk = FaultyDisk::default();
    assert!(open(&disk).expect("opens").blank());
    assert!(!open(&disk).expect("opens").blank());
    disk.forget(&segment_path(0));
    let error = open(&disk).expect_err("the log is gone");
    assert!(matches!(error, OpenError::SegmentMissing { .. }), "{error}");
    let (disk, _) = written(&[b"one"]);
    disk.forget(&superblock_path());
    let error = open(&disk).expect_err("the promises are gone");
    assert!(matches!(error, OpenError::SuperblockMissing { .. }), "{error}");
}

/// Without it a crash while a node is made would leave a folder that never opens, or one that
/// passes for an old node's.
#[test]
fn making_a_node_may_crash_anywhere() {
    for operations in 1.. {
        let disk = FaultyDisk::default();
        disk.cut_power_in(operations);
        let whole = open(&disk).is_ok();
        let disk = disk.after_power_cut(&mut Random(operations));
        let opened = open(&disk).unwrap_or_else(|error| panic!("after {operations}: {error}"));
        assert!(opened.blobs().is_empty());
        drop(opened);
        assert_eq!(payloads(&disk), Vec::<Vec<u8>>::new());
        if whole {
            break;
        }
    }
}

/// Without it two processes would write one log.
#[test]
fn one_process_holds_a_folder() {
    let disk = FaultyDisk::default();
    let first = open(&disk).expect("opens");
    assert!(matches!(open(&disk), Err(OpenError::InUse { .. })));
    drop(first);
    let real = tempfile::tempdir().expect("a folder");
    let options = || Options { folder: real.path().join("node"), ..options() };
    let first = crate::open(options()).expect("opens");
    assert!(matches!(crate::open(options()), Err(OpenError::InUse { .. })));
    // And people who have an account on the machine would read every payment.
    let metadata = std::fs::metadata(real.path().join("node")).expect("made");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o700);
    drop(first);
    crate::open(options()).expect("opens again");
}

/// Without it a disk that was plugged into the wrong node would be written over.
#[test]
fn a_folder_belongs_to_one_node() {
    let (disk, _) = written(&[b"one"]);
    let mut other = options();
    other.identity.node = NodeId(2);
    let error = open_on(other, Arc::new(disk)).expect_err("another node");
    assert!(matches!(error, OpenError::Identity { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("belongs to n1 of cluster 6576656e6b65656c"), "{text}");
}

/// Without it a power cut in the middle of a write would stop the node, or bring back half a record.
#[test]
fn a_torn_last_record_is_cut_at_every_byte() {
    let (disk, places) = written(&[b"first", b"the record that is torn"]);
    let (at, length) = (places[1], frame_bytes(23));
    let offset = usize::try_from(at.0).expect("small");
    // A disk tears between sectors: a record without its last few bytes only was not torn.
    for kept in 0..length - 16 {
        let torn = disk.after_kill();
        torn.edit(&segment_path(0), |bytes| bytes[offset + kept..offset + length].fill(0));
        let (found, records) = replay(&torn).expect("a torn tail is no damage");
        if records.len() == 2 {
            // Only zeros were cut off: the padding of the last frame.
            assert!(torn.bytes(&segment_path(0)) == disk.bytes(&segment_path(0)));
            continue;
        }
        assert_eq!(records.len(), 1, "kept {kept}");
        assert_eq!(found.end, at);
        assert_eq!(found.torn.is_some(), kept > 0, "kept {kept}");
        let rest = torn.bytes(&segment_path(0)).split_off(offset);
        assert!(rest.iter().all(|byte| *byte == 0), "stale bytes could come back");
    }
}

/// Without it a batch of which only the later part reached the disk would look like lost records.
#[test]
fn a_hole_inside_the_last_batch_is_torn() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    node.record(b"acknowledged");
    // One commit: submitted together while nothing else runs.
    node.submit((2..6).map(|id| append(id, &[7; 600]))).expect("fits");
    let places: Vec<Position> = (2..6)
        .map(|_| match node.completion() {
            Completion::Written { at, .. } => at.expect("a record"),
            other => panic!("{other:?}"),
        })
        .collect();
    let torn = disk.after_kill();
    let hole = usize::try_from(places[0].0).expect("small");
    torn.edit(&segment_path(0), |bytes| bytes[hole..hole + 512].fill(0));
    let (found, records) = replay(&torn).expect("torn");
    assert_eq!(records.len(), 1);
    assert_eq!(found.torn, Some(Torn { at: places[0], records: 3 }));
    // The records past the hole may not come back under new ones.
    let mut node = start(&torn);
    assert_eq!(node.record(b"new"), places[0]);
    assert_eq!(payloads(&torn.after_power_cut(&mut Random(1))), [&b"acknowledged"[..], b"new"]);
}

/// Without it a log would end with its first segment.
#[test]
fn the_log_rolls_over_segments() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let mut places = Vec::new();
    for number in 0..60_u32 {
        places.push(node.record(&number.to_le_bytes().repeat(200)));
    }
    assert!(places.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(places.last().is_some_and(|last| last.0 > 3 * SEGMENT), "several segments");
    let (found, records) = replay(&disk.after_power_cut(&mut Random(3))).expect("sound");
    assert_eq!(found.torn, None);
    assert_eq!(records.iter().map(|(at, ..)| *at).collect::<Vec<_>>(), places);
    for (number, (_, _, bytes)) in (0_u32..).zip(&records) {
        assert_eq!(bytes, &number.to_le_bytes().repeat(200));
    }
    node.storage.close();
    let missing = disk.after_kill();
    missing.forget(&segment_path(1));
    let error = replay(&missing).expect_err("a segment is gone");
    assert!(
        matches!(&error, OpenError::SegmentMissing { path } if *path == segment_path(1)),
        "{error}"
    );
    let damaged = disk.after_kill();
    damaged.edit(&segment_path(1), |bytes| bytes[20] ^= 1);
    let error = replay(&damaged).expect_err("a header is damaged");
    assert!(matches!(error, OpenError::SegmentHeader { .. }), "{error}");
}

/// Without it records of a torn batch would come back from the segment after the one that was cut.
#[test]
fn a_torn_batch_over_two_segments_leaves_nothing_behind() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    while node.record(&[1; 900]).0 < SEGMENT - 4000 {}
    let count = node.next;
    prepared(&disk, 1);
    // One commit over the end of the first segment, as if the disk had lost its first record.
    node.submit((100..108).map(|id| append(id, &[2; 900]))).expect("fits");
    let places: Vec<Position> = (100..108)
        .map(|_| match node.completion() {
            Completion::Written { at, .. } => at.expect("a record"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(places[0].0 < SEGMENT && places[7].0 > SEGMENT);
    let torn = disk.after_kill();
    // The superblock was advanced at the roll; a crash before that leaves the one before.
    let fresh = FaultyDisk::default();
    drop(open(&fresh).expect("made"));
    let young = fresh.bytes(&superblock_path());
    torn.edit(&superblock_path(), |bytes| bytes.copy_from_slice(&young));
    let hole = usize::try_from(places[0].0).expect("small");
    torn.edit(&segment_path(0), |bytes| bytes[hole..hole + 512].fill(0));
    let (found, records) = replay(&torn).expect("torn");
    assert_eq!((records.len() as u64, found.end), (count, places[0]));
    assert!(!torn.image().contains_key(&segment_path(1)), "its records are gone");
    let mut node = start(&torn);
    while node.record(&[3; 900]).0 < SEGMENT {}
    let stale = payloads(&torn.after_power_cut(&mut Random(1)));
    assert!(stale.iter().all(|bytes| bytes[0] != 2), "stale records came back");
}

/// Without it the loss of the newest segments would look like a shorter log.
#[test]
fn losing_the_last_segments_is_noticed() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    while node.record(&[1; 900]).0 < 2 * SEGMENT {}
    // The superblock is advanced after the roll's records are reported; the next write waits for it.
    node.record(b"later");
    let cut = disk.after_power_cut(&mut Random(1));
    // Not missing but empty, as after a restore from an old copy.
    let empty = cut.after_kill();
    for number in [1, 2] {
        empty.edit(&segment_path(number), |bytes| bytes[4096..].fill(0));
    }
    let (_, _, damage) = replay_all(&empty).expect("what is left is used");
    assert!(damage.iter().any(|one| one.until.is_none() && one.register), "{damage:?}");
    for number in 1.. {
        if !cut.image().contains_key(&segment_path(number)) {
            break;
        }
        cut.forget(&segment_path(number));
    }
    assert!(replay_all(&cut).is_err());
}

/// Without it a failed fsync, retried, would report success for data that is gone.
#[test]
fn a_failed_fsync_stops_storage_for_good() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    node.record(b"safe");
    // Else the sync that fails may be one of the thread that prepares the next segment.
    prepared(&disk, 1);
    disk.fail_sync_in(0);
    let failure = node.write(|id| append(id, b"lost")).expect_err("the fsync failed");
    assert!(matches!(failure, Failure::Io { action: "sync", .. }), "{failure}");
    assert_eq!(node.submit([append(9, b"more")]), Err(Refused::Stopped));
    node.storage.close();
    assert_eq!(disk.touched_after_failure(), Some(0), "no write and no sync after it");
    // The page cache still shows the record. Started again without a power cut, storage makes it
    // durable before it hands it over: whatever a start-up shows survives the next power cut.
    let restarted = disk.after_kill();
    let shown = payloads(&restarted);
    assert_eq!(shown, [b"safe", b"lost"]);
    assert_eq!(payloads(&restarted.after_power_cut(&mut Random(1))), shown);
}

/// Without it whoever waits for a write that came before a closing would never hear of it.
#[test]
fn closing_writes_what_waits() {
    let disk = FaultyDisk::default();
    let node = start(&disk);
    node.submit((1..9).map(|id| append(id, b"waits"))).expect("fits");
    node.storage.close();
    let written: usize = node.completions.try_iter().map(|batch| batch.len()).sum();
    assert_eq!(written, 8);
    assert_eq!(payloads(&disk).len(), 8);
}

/// Without it a length beyond what a segment takes would stop the storage thread.
#[test]
fn what_does_not_fit_is_refused_at_the_door() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let most = options().record_bytes_max();
    let error = node.submit([append(1, &vec![0; most + 1])]).expect_err("too large");
    assert_eq!(error, Refused::TooLarge { bytes: most + 1, bytes_max: most });
    for _ in 0..20 {
        node.record(&vec![3; most]);
    }
    assert_eq!(payloads(&disk.after_power_cut(&mut Random(1))).len(), 20);
}

/// Without it damage in the header block of the segment in use would go unseen until it spreads.
#[test]
fn the_first_record_leaves_the_header_page_alone() {
    let (_, places) = written(&[b"one"]);
    assert_eq!(places, [Position(HEADER_BYTES)]);
}
