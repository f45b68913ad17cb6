//! Reading records back while the node runs.

use types::ReadId;

use super::*;
use crate::LoadError;

fn load(node: &mut Node, at: Position) -> Result<Bytes, LoadError> {
    let id = ReadId(7);
    node.submit([Request::Load { owner: Owner(3), id, at }]).expect("taken");
    match node.completion() {
        Completion::Loaded { owner: Owner(3), id: ReadId(7), result } => result,
        other => panic!("{other:?}"),
    }
}

/// Without it a follower that lags behind memory could not catch up.
#[test]
fn a_record_reads_back_whole() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let sizes = [0, 1, 500, 3000, 4000];
    let places: Vec<(Position, usize)> = (0..30)
        .map(|turn| sizes[turn % 5])
        .map(|size| (node.record(&vec![9; size]), size))
        .collect();
    for (at, size) in &places {
        assert_eq!(load(&mut node, *at).expect("reads"), vec![9; *size]);
    }
    let none = load(&mut node, Position(places[1].0.0 + 8));
    assert!(matches!(none, Err(LoadError::NoRecord { .. })), "{none:?}");
    let none = load(&mut node, Position(1 << 40));
    assert!(matches!(none, Err(LoadError::NoRecord { .. })), "{none:?}");
}

/// Without it a record that rots while the node runs would be shipped to a peer.
#[test]
fn a_record_that_rots_is_not_handed_out() {
    let disk = FaultyDisk::default();
    let mut node = start(&disk);
    let at = node.record(b"good today");
    disk.edit(&segment_path(0), |bytes| bytes[usize::try_from(at.0).expect("small") + 33] ^= 4);
    let damaged = load(&mut node, at);
    assert!(matches!(damaged, Err(LoadError::Damaged { .. })), "{damaged:?}");
}
