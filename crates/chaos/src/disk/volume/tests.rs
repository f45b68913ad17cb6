//! Without these, the disk of a run would lose what was synced, and blame the nodes for it, or lose
//! nothing, and prove nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{TOP, Volume};
use crate::random::Random;

/// A volume with a file `log` of 2,000 durable bytes, all `a`; the folder goes with the first value.
fn volume() -> (tempfile::TempDir, Volume, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut volume = Volume::open(folder.path()).expect("a volume");
    let log = volume.create(TOP, Path::new("log")).expect("a file");
    volume.write(log, 0, &[b'a'; 2_000]).expect("room");
    volume.sync(log).expect("a sync");
    volume.sync_folder(TOP).expect("a sync");
    (folder, volume, log)
}

fn bytes(volume: &mut Volume, name: &str) -> Vec<u8> {
    let number = volume.look_up(TOP, Path::new(name)).expect("the file");
    volume.read(number, 0, 1 << 20).expect("its bytes")
}

#[test]
fn what_was_synced_survives_every_cut() {
    // Acknowledged payments lost by the test's own disk.
    for seed in 0..200 {
        let (_folder, mut volume, log) = volume();
        volume.write(log, 700, &[b'b'; 900]).expect("room");
        volume.write(log, 2_000, &[b'c'; 3_000]).expect("room");
        volume.sync(log).expect("a sync");
        volume.write(log, 100, &[b'd'; 50]).expect("room");
        volume.cut_power(&mut Random::new(seed, "cut")).expect("a cut");
        let after = bytes(&mut volume, "log");
        assert_eq!(after.len(), 5_000);
        assert!(after[512..700].iter().all(|byte| *byte == b'a'));
        assert!(after[700..1_600].iter().all(|byte| *byte == b'b'));
        assert!(after[2_000..].iter().all(|byte| *byte == b'c'));
    }
}

#[test]
fn what_was_not_synced_is_lost_kept_or_torn() {
    // A power cut that loses nothing, or always the same.
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let (_folder, mut volume, log) = volume();
        volume.write(log, 0, &[b'b'; 1_024]).expect("room");
        volume.write(log, 2_000, &[b'b'; 1_000]).expect("room");
        volume.cut_power(&mut Random::new(seed, "cut")).expect("a cut");
        let after = bytes(&mut volume, "log");
        assert!((2_000..=3_000).contains(&after.len()));
        assert!(after[1_024..2_000].iter().all(|byte| *byte == b'a'));
        let new = |part: &[u8]| match part.iter().filter(|byte| **byte == b'b').count() {
            0 => "lost",
            512 => "kept",
            _ => "torn",
        };
        seen.insert((new(&after[..512]), new(&after[512..1_024]), after.len() == 3_000));
    }
    for state in ["lost", "kept", "torn"] {
        assert!(seen.iter().any(|(first, _, _)| *first == state), "{state}: {seen:?}");
    }
    assert!(seen.iter().any(|(first, second, _)| first != second), "{seen:?}");
    assert!(seen.iter().any(|(_, _, whole)| *whole) && seen.iter().any(|(_, _, whole)| !whole));
}

#[test]
fn a_process_that_dies_loses_nothing() {
    // A kill that is a power cut.
    let (_folder, mut volume, log) = volume();
    volume.write(log, 0, b"new").expect("room");
    assert_eq!(&bytes(&mut volume, "log")[..4], b"newa");
}

#[test]
fn a_failed_sync_is_not_mended_by_the_next() {
    // Code that syncs again after a failure, and believes the answer.
    for seed in 0..50 {
        let (_folder, mut volume, log) = volume();
        volume.write(log, 0, &[b'b'; 512]).expect("room");
        volume.write(log, 2_048, &[b'b'; 512]).expect("room");
        volume.fail_sync(log).expect("it fails");
        volume.sync(log).expect("a sync");
        assert_eq!(bytes(&mut volume, "log")[0], b'b');
        volume.cut_power(&mut Random::new(seed, "cut")).expect("a cut");
        let after = bytes(&mut volume, "log");
        assert!(after[..512].iter().all(|byte| *byte == b'a'), "lost although it was read");
        assert!(after[2_048..].iter().all(|byte| *byte == 0), "lost although it was read");
    }
    // Written and synced again, it is durable.
    let (_folder, mut volume, log) = volume();
    volume.write(log, 0, &[b'b'; 512]).expect("room");
    volume.fail_sync(log).expect("it fails");
    volume.write(log, 0, &[b'b'; 512]).expect("room");
    volume.sync(log).expect("a sync");
    volume.cut_power(&mut Random::new(1, "cut")).expect("a cut");
    assert!(bytes(&mut volume, "log")[..512].iter().all(|byte| *byte == b'b'));
}

#[test]
fn names_come_and_go_with_the_folders_sync() {
    // A rename that is believed durable before the folder was synced.
    let mut kept = BTreeSet::new();
    for seed in 0..100 {
        let (folder, mut volume, _) = volume();
        let draft = volume.create(TOP, Path::new("draft")).expect("a file");
        volume.write(draft, 0, b"new").expect("room");
        volume.sync(draft).expect("a sync");
        volume.rename((TOP, Path::new("draft")), (TOP, Path::new("log"))).expect("a rename");
        volume.cut_power(&mut Random::new(seed, "cut")).expect("a cut");
        let after = bytes(&mut volume, "log");
        assert!(after == b"new" || after == vec![b'a'; 2_000], "{after:?}");
        kept.insert((after == b"new", folder.path().join("live/draft").exists()));
        let removed = fs::read_dir(folder.path().join("removed")).expect("the folder");
        assert_eq!(removed.count(), 0, "room that is never given back");
    }
    assert_eq!(kept, BTreeSet::from([(true, false), (false, true), (false, false)]));
    for seed in 0..20 {
        let (_folder, mut volume, _) = volume();
        volume.remove(TOP, Path::new("log")).expect("a removal");
        volume.sync_folder(TOP).expect("a sync");
        volume.cut_power(&mut Random::new(seed, "cut")).expect("a cut");
        assert!(volume.look_up(TOP, Path::new("log")).is_err());
    }
}

#[test]
fn a_call_that_comes_after_the_cut_meets_nothing() {
    // A write that was on its way when the power went, and reaches the disk of the next start.
    let (_folder, mut volume, log) = volume();
    volume.cut_power(&mut Random::new(1, "cut")).expect("a cut");
    assert!(volume.write(log, 0, b"late").is_err());
    assert!(volume.sync(log).is_err());
    let again = volume.look_up(TOP, Path::new("log")).expect("the file");
    assert_ne!(again, log);
}

#[test]
fn a_file_made_shorter_comes_back() {
    // A truncation that counts as durable at once.
    let mut lengths = BTreeSet::new();
    for seed in 0..50 {
        let (_folder, mut volume, log) = volume();
        volume.set_length(log, 0).expect("shorter");
        volume.cut_power(&mut Random::new(seed, "cut")).expect("a cut");
        lengths.insert(bytes(&mut volume, "log").len());
    }
    assert!(lengths.contains(&0) && lengths.contains(&2_000), "{lengths:?}");
}
