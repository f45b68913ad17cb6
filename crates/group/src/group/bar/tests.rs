//! A node that goes on with a state it should not have answers clients wrongly.

use alloc::vec;

use types::{Hash, Position};
use wire::{GroupMessage, RecordKind};

use super::*;
use crate::group::Writing;
use crate::group::fixture::{Count, at, header, member};

/// Appends a record to the member's log and lets it apply what it holds.
fn take(group: &mut Group<Count>, kind: RecordKind, model: ModelVersion) {
    let header = Header { model, ..header(group, kind) };
    let record = Record::build(header, &[]);
    assert!(group.replay(Position(header.seq.0), &record, Writing::First));
    group.known = header.seq;
    group.proceed(at(0), &mut Vec::new());
}

#[test]
fn a_node_stops_before_a_version_that_it_does_not_know() {
    // The fixture's code knows versions 1 and 2.
    let mut group = member(1, 2, 1 << 20);
    group.proceed(at(0), &mut Vec::new());
    take(&mut group, RecordKind::Upgrade, ModelVersion(2));
    assert_eq!((group.bar(), group.applied()), (None, Seq(2)));
    take(&mut group, RecordKind::Upgrade, ModelVersion(3));
    take(&mut group, RecordKind::Commands, ModelVersion(3));
    let bar = Bar::Version {
        needs: ModelVersion(3),
        at: Seq(3),
        lowest: ModelVersion(1),
        highest: ModelVersion(2),
    };
    assert_eq!((group.bar(), group.applied()), (Some(bar), Seq(2)));
    assert_eq!(group.durable(), Seq(4), "it stores on");
    assert!(!group.is_free());
    assert_eq!(group.next_deadline(), None, "and does not wake for what it cannot do");
}

#[test]
fn a_record_under_another_version_than_the_chains_is_not_taken() {
    // A home with newer code that forgot the barrier would split its followers.
    let mut group = member(1, 1, 1 << 20);
    let header = Header { model: ModelVersion(2), ..header(&group, RecordKind::Beat) };
    let record = Record::build(header, &[]).bytes().clone();
    let append = GroupMessage::Append { config: header.config, commit: Seq(0), record };
    let mut outs = Vec::new();
    group.message(at(0), NodeId(1), header.epoch, append, &mut outs);
    assert!(matches!(outs[..], [Out::Note(Event::Malformed { .. })]), "{outs:?}");
    assert_eq!(group.tail().seq, Seq(1));
}

/// Whether this says how the second application came out.
const fn is_end(out: &Out, right: bool) -> bool {
    match out {
        Out::Note(Event::Mended { .. }) => right,
        Out::Note(Event::StillOdd { .. }) => !right,
        Out::Note(_)
        | Out::Send { .. }
        | Out::Forward { .. }
        | Out::Append(..)
        | Out::Meta(_)
        | Out::Load { .. }
        | Out::Answer { .. }
        | Out::Propose { .. }
        | Out::SnapshotWrite { .. }
        | Out::SnapshotRead { .. }
        | Out::SnapshotRemove { .. }
        | Out::Kept
        | Out::Lower
        | Out::Rewind
        | Out::Post { .. } => false,
    }
}

#[test]
fn what_differs_is_applied_again_once_and_shown_to_nobody_until_it_is_right() {
    let check = |is_memory: bool| {
        let mut group = member(1, 3, 1 << 20);
        group.proceed(at(0), &mut Vec::new());
        // At boot no mark is taken at a record whose second is the first one.
        take(&mut group, RecordKind::Beat, ModelVersion::FIRST);
        let goal = Mark {
            seq: Seq(2),
            head: group.tail().hash,
            trail: if is_memory { group.trail() } else { Hash([7; 32]) },
            state: Some(if is_memory { group.model().digest() } else { Hash([7; 32]) }),
        };
        if is_memory {
            group.model.0 ^= 1 << 17;
        }
        let finding = Finding::Odd { mark: goal, nodes: vec![NodeId(1), NodeId(3)] };
        let mut outs = Vec::new();
        group.found(finding, &mut outs);
        assert_eq!(group.applied(), Seq(0));
        assert!(group.readable().is_none());
        group.proceed(at(0), &mut outs);
        let bar = (!is_memory).then(|| Bar::Differs {
            seq: Seq(2),
            nodes: vec![NodeId(1), NodeId(3)],
            is_final: true,
        });
        assert_eq!(group.bar(), bar);
        assert_eq!(group.readable().is_some(), is_memory);
        // What comes after is applied by the one and not by the other.
        take(&mut group, RecordKind::Beat, ModelVersion::FIRST);
        assert_eq!(group.applied() == Seq(3), is_memory);
        let noted: Vec<bool> = [true, false]
            .into_iter()
            .filter(|right| outs.iter().any(|o| is_end(o, *right)))
            .collect();
        assert_eq!(noted, [is_memory]);
    };
    check(true);
    check(false);
}
