//! Promises across restarts and damage.

use super::*;
use crate::CopyState;

fn blobs(disk: &FaultyDisk) -> Result<BTreeMap<u16, Vec<u8>>, OpenError> {
    let opened = open(disk)?;
    Ok(opened.blobs().iter().map(|(group, blob)| (group.0, blob.to_vec())).collect())
}

/// Damages the given copies; a copy takes 4096 bytes.
fn damage(disk: &FaultyDisk, copies: &[usize]) {
    disk.edit(&superblock_path(), |bytes| {
        for copy in copies {
            bytes[copy * 4096 + 60] ^= 1;
        }
    });
}

fn promised() -> FaultyDisk {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    for round in 0..3 {
        node.write(|id| blob(id, 1, &[round])).expect("good");
        node.write(|id| blob(id, 2, b"other")).expect("good");
    }
    disk.after_power_cut(&mut Random(1))
}

/// Without it a replica could forget a promise and acknowledge to an old home.
#[test]
fn a_promise_survives_any_three_damaged_copies() {
    let disk = promised();
    for set in 0..16_usize {
        let copies: Vec<usize> = (0..4).filter(|copy| set & (1 << copy) != 0).collect();
        let damaged = disk.after_kill();
        damage(&damaged, &copies);
        if copies.len() == 4 {
            let error = open(&damaged).expect_err("nothing is left");
            assert!(matches!(error, OpenError::SuperblockLost { .. }), "{error}");
            continue;
        }
        let opened = open(&damaged).expect("a copy is left");
        for (copy, state) in opened.copies().iter().enumerate() {
            assert_eq!(matches!(state, CopyState::Damaged(_)), copies.contains(&copy));
        }
        drop(opened);
        let expect = BTreeMap::from([(1, vec![2]), (2, b"other".to_vec())]);
        assert_eq!(blobs(&damaged).expect("opens"), expect);
        // Repaired: now another three may go.
        let repaired = damaged.after_power_cut(&mut Random(1));
        damage(&repaired, &[1, 2, 3]);
        assert_eq!(blobs(&repaired).expect("opens"), expect);
    }
}

/// Without it a crash between the two halves would lose both the old promise and the new one.
#[test]
fn a_crash_inside_a_superblock_write_leaves_the_old_or_the_new() {
    for seed in 0..200 {
        let disk = FaultyDisk::default();
        let mut node = start(&disk);
        node.write(|id| blob(id, 1, b"old")).expect("good");
        disk.cut_power_in(seed % 7 + 1);
        let told = node.write(|id| blob(id, 1, b"new")).is_ok();
        drop(node);
        let disk = disk.after_power_cut(&mut Random(seed));
        let first = blobs(&disk).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let value = first.get(&1).expect("the blob is there");
        assert!(value == b"new" || (!told && value == b"old"), "seed {seed}");
        // What a start-up has seen stays, whatever happens to three copies.
        let again = disk.after_power_cut(&mut Random(seed));
        damage(&again, &[0, 1, 3]);
        assert_eq!(blobs(&again).expect("repaired"), first, "seed {seed}");
    }
}

/// Without it one power cut could tear all copies at once.
#[test]
fn two_copies_are_never_at_risk() {
    for operations in 1..8 {
        let disk = FaultyDisk::default();
        let mut node = start(&disk);
        node.write(|id| blob(id, 1, &[1; 3000])).expect("good");
        disk.cut_power_in(operations);
        let told = node.write(|id| blob(id, 1, &[2; 3000])).is_ok();
        drop(node);
        let disk = disk.after_worst_cut();
        let opened = open(&disk).unwrap_or_else(|error| panic!("{operations}: {error}"));
        let torn = opened.copies().iter().filter(|state| matches!(state, CopyState::Damaged(_)));
        assert!(torn.count() <= 2, "after {operations}");
        let blob = opened.blobs().get(&GroupId(1)).expect("the blob is there");
        assert!(*blob == vec![2; 3000] || (!told && *blob == vec![1; 3000]));
    }
}

/// Without it a repair that crashes would lose what it repairs from.
#[test]
fn a_repair_may_crash_anywhere() {
    for damaged in [&[0, 1, 2][..], &[1, 2, 3], &[0, 3]] {
        for operations in 1..12 {
            let disk = promised();
            damage(&disk, damaged);
            disk.cut_power_in(operations);
            drop(open(&disk));
            let disk = disk.after_power_cut(&mut Random(operations));
            let blobs = blobs(&disk).unwrap_or_else(|error| panic!("{operations}: {error}"));
            assert_eq!(blobs.get(&1), Some(&vec![2]));
        }
    }
}

/// Without it copies from two different lives of a node would pass for one.
#[test]
fn copies_of_two_histories_are_refused() {
    let (one, other) = (promised(), FaultyDisk::default());
    let mut node = start(&other);
    for round in 0..6 {
        node.write(|id| blob(id, 1, &[round, 9])).expect("good");
    }
    let foreign = other.bytes(&superblock_path());
    one.edit(&superblock_path(), |bytes| bytes[3 * 4096..].copy_from_slice(&foreign[3 * 4096..]));
    let error = open(&one).expect_err("two histories");
    assert!(matches!(error, OpenError::SuperblockFork { newer: 0, older: 3, .. }), "{error}");
}

/// Without it one group's growth would stop the storage thread for all.
#[test]
fn blobs_beyond_the_slot_are_refused_at_the_door() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    node.write(|id| blob(id, 1, &[1; 3000])).expect("fits");
    let refused = node.submit([blob(2, 2, &[2; 1500])]).expect_err("together too large");
    assert!(matches!(refused, Refused::SuperblockFull { bytes_max: 4096, .. }), "{refused}");
    node.next = 2;
    node.write(|id| blob(id, 1, &[1; 1000])).expect("smaller");
    node.write(|id| blob(id, 2, &[2; 1500])).expect("fits now");
    drop(node);
    // With larger slots the file is written anew.
    let larger = Options { superblock_copy_bytes: 8192, ..options() };
    let mut node = start_with(&disk, larger);
    node.write(|id| blob(id, 3, &[3; 3000])).expect("fits the larger slot");
    let disk = disk.after_power_cut(&mut Random(1));
    assert_eq!(blobs(&disk).expect("opens").len(), 3);
}

/// Without it a node that stopped because its superblock was full would stop again at every start.
#[test]
fn a_start_with_a_full_slot_makes_room() {
    let mut disk = FaultyDisk::default();
    let mut bytes = 3000;
    for expect in [8192, 16_384, 32_768] {
        let mut node = start(&disk);
        node.write(|id| blob(id, 1, &vec![1; bytes])).expect("fits");
        let refused = node.submit([blob(2, 2, &vec![2; bytes])]).expect_err("together too large");
        assert!(matches!(refused, Refused::SuperblockFull { .. }), "{refused}");
        drop(node);
        disk = disk.after_power_cut(&mut Random(bytes as u64));
        drop(open(&disk).expect("opens"));
        assert_eq!(disk.bytes(&superblock_path()).len(), 4 * expect);
        assert_eq!(blobs(&disk).expect("opens").get(&1), Some(&vec![1; bytes]));
        bytes *= 2;
    }
}

/// Without it the record of an epoch could survive a crash that the epoch itself did not.
#[test]
fn a_record_never_outlives_the_superblock_before_it() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let disk = FaultyDisk::default();
        let node = start(&disk);
        disk.cut_power_in(seed % 9 + 1);
        let requests = [append(1, b"before"), blob(2, 1, b"epoch"), append(3, b"under the epoch")];
        // Refused if the thread that prepares segments met the power cut first.
        let taken = node.submit(requests);
        assert!(matches!(taken, Ok(()) | Err(Refused::Stopped)), "{taken:?}");
        drop(node);
        let disk = disk.after_power_cut(&mut Random(seed));
        let known = !blobs(&disk).expect("opens").is_empty();
        let records = payloads(&disk);
        assert!(records.len() < 2 || known, "seed {seed}");
        assert!(!known || !records.is_empty(), "seed {seed}");
        outcomes.insert((records.len(), known));
    }
    assert!(outcomes.contains(&(1, false)) && outcomes.contains(&(2, true)), "{outcomes:?}");
}
