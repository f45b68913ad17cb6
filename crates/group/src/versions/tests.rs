//! Two replicas that disagree about where a version begins apply the same command differently.

use types::{ConfigId, Epoch, GroupId, Hash, Stamp};

use super::*;

fn header(kind: RecordKind, seq: u64, model: u16) -> Header {
    Header {
        kind,
        group: GroupId(0),
        config: ConfigId(1),
        epoch: Epoch(1),
        seq: Seq(seq),
        count: 0,
        stamp: Stamp(seq),
        model: ModelVersion(model),
        previous: Hash::ZERO,
        body: Hash::ZERO,
    }
}

#[test]
fn a_version_holds_from_its_barrier_to_the_next() {
    // Off by one, the first command after an upgrade is applied under the old rules at one node.
    let mut versions = Versions::default();
    for (kind, seq, model) in [
        (RecordKind::EpochStart, 1, 1),
        (RecordKind::Upgrade, 2, 2),
        (RecordKind::Commands, 3, 2),
        (RecordKind::Upgrade, 4, 5),
        (RecordKind::Beat, 5, 5),
    ] {
        versions.push(&header(kind, seq, model));
    }
    let at: Vec<u16> = (0..=6).map(|seq| versions.at(Seq(seq)).0).collect();
    assert_eq!(at, [1, 1, 2, 2, 5, 5, 5]);
    let barriers: Vec<_> = (0..=5).map(|seq| versions.barrier(Seq(seq))).collect();
    let expected = [None, None, Some(2), Some(2), Some(4), Some(4)];
    assert_eq!(barriers, expected.map(|seq| seq.map(Seq)));
    versions.cut(Seq(3));
    assert_eq!(versions.at(Seq(9)), ModelVersion(2));
    versions.cut(Seq(1));
    assert_eq!(versions.at(Seq(9)), ModelVersion::FIRST);
}

#[test]
fn a_version_changes_at_a_barrier_alone() {
    // A home whose code is newer could otherwise raise the version by appending anything.
    let mut versions = Versions::default();
    versions.push(&header(RecordKind::Upgrade, 1, 3));
    let check = |kind, model, expect: bool| {
        assert_eq!(versions.fits(&header(kind, 2, model)), expect, "{kind:?} {model}");
    };
    for kind in
        [RecordKind::Commands, RecordKind::EpochStart, RecordKind::Beat, RecordKind::Handoff]
    {
        check(kind, 2, false);
        check(kind, 3, true);
        check(kind, 4, false);
    }
    check(RecordKind::Upgrade, 3, false);
    check(RecordKind::Upgrade, 2, false);
    check(RecordKind::Upgrade, 4, true);
}

#[test]
fn a_barrier_that_cannot_be_read_is_found_where_it_is_once_it_can() {
    // A home appended under the version before a lost barrier, or a member refused what came after it.
    let mut versions = Versions::default();
    versions.push(&header(RecordKind::EpochStart, 1, 1));
    versions.push_over(&header(RecordKind::Commands, 9, 3));
    assert_eq!((versions.at(Seq(8)).0, versions.at(Seq(9)).0), (1, 3));
    versions.push(&header(RecordKind::Beat, 10, 3));
    versions.learn(&header(RecordKind::Beat, 8, 3));
    versions.learn(&header(RecordKind::Upgrade, 7, 3));
    versions.learn(&header(RecordKind::Upgrade, 4, 2));
    let at: Vec<u16> = [3, 4, 6, 7, 10].map(|seq| versions.at(Seq(seq)).0).to_vec();
    assert_eq!(at, [1, 2, 2, 3, 3]);
    assert_eq!(versions.barrier(Seq(10)), Some(Seq(7)));
}
