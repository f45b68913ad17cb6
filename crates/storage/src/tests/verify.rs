//! The offline check.

use journal::scan::Verdict;

use super::*;
use crate::{Report, Standing, verify::verify_on};

fn check(disk: &FaultyDisk) -> (Report, Vec<(Standing, Vec<u8>)>) {
    let before = disk.image();
    let mut records = Vec::new();
    let report = verify_on(disk, Path::new(FOLDER), &mut |record, standing| {
        records.push((standing, record.payload.to_vec()));
    });
    assert!(before == disk.image(), "an offline check changes nothing");
    (report.expect("readable"), records)
}

/// Without it an auditor could not tell a sound folder from a damaged one.
#[test]
fn a_report_counts_and_places_everything() {
    let (disk, places) = written(&[b"one", b"two", b"three", b"four"]);
    let (report, records) = check(&disk);
    assert!(report.sound() && report.gaps.is_empty());
    assert_eq!(report.identity, Some(identity()));
    assert_eq!(report.segments.iter().map(|one| one.group).sum::<u64>(), 4);
    assert_eq!(report.segments[0].payload_bytes, 15);
    assert!(records.iter().all(|(standing, _)| *standing == Standing::Sound));
    // Corrupt in the middle: the records past it are still shown.
    let corrupt = disk.after_kill();
    let offset = usize::try_from(places[1].0).expect("small");
    corrupt.edit(&segment_path(0), |bytes| bytes[offset + 33] ^= 1);
    let (report, records) = check(&corrupt);
    assert!(!report.sound());
    assert!(matches!(report.verdict, Verdict::Corrupt(_)));
    assert_eq!(report.gaps.len(), 1);
    let gap = &report.gaps[0];
    assert_eq!((gap.from, gap.until, gap.acknowledged), (places[1], Some(places[2]), true));
    assert_eq!(gap.place, Some((segment_path(0), places[1].0)));
    let beyond = records.iter().filter(|(standing, _)| *standing == Standing::Beyond).count();
    assert_eq!((records.len(), beyond), (3, 2));
    // Torn at the end.
    let torn = disk.after_kill();
    let offset = usize::try_from(places[3].0).expect("small");
    torn.edit(&segment_path(0), |bytes| bytes[offset + 33] ^= 1);
    let (report, _) = check(&torn);
    assert!(report.sound());
    assert_eq!(report.verdict, Verdict::Torn);
    assert_eq!((report.gaps.len(), report.gaps[0].acknowledged), (1, false));
}

/// Without it a damaged header or superblock would hide all the records that can still be saved.
#[test]
fn a_report_goes_on_past_damage() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let mut count = 0;
    while node.record(&[1; 900]).0 < 2 * SEGMENT {
        count += 1;
    }
    node.storage.close();
    disk.edit(&segment_path(1), |bytes| bytes[20] ^= 1);
    let (report, records) = check(&disk);
    assert_eq!(report.problems.len(), 1, "{:?}", report.problems);
    assert_eq!(records.len(), count + 1, "read by the header that it should have");
    disk.edit(&superblock_path(), |bytes| bytes.fill(0));
    let (report, records) = check(&disk);
    assert_eq!(report.problems.len(), 2, "{:?}", report.problems);
    assert_eq!(records.len(), count + 1);
    disk.forget(&segment_path(1));
    let (report, records) = check(&disk);
    assert!(!report.sound());
    assert!(report.gaps.iter().any(|gap| gap.acknowledged));
    assert!(!records.is_empty() && records.len() < count);
}

/// Without it the check would read a log that is being written and report it torn.
#[test]
fn a_running_node_is_not_checked() {
    let disk = FaultyDisk::default();
    let node = start(&disk);
    let refused = verify_on(&disk, Path::new(FOLDER), &mut |_, _| ());
    assert!(matches!(refused, Err(OpenError::InUse { .. })));
    drop(node);
    let real = tempfile::tempdir().expect("a folder");
    let folder = real.path().join("node");
    let opened = crate::open(Options { folder: folder.clone(), ..options() }).expect("opens");
    assert!(matches!(crate::verify(&folder, &mut |_, _| ()), Err(OpenError::InUse { .. })));
    drop(opened);
    assert!(crate::verify(&folder, &mut |_, _| ()).expect("readable").sound());
}
