//! If a promise reads back lower than it was, an old home is let in again.

use alloc::vec;

use types::{ConfigId, Start};

use super::*;

fn sample() -> Meta {
    let start = |epoch, seq, forced| Start {
        epoch: Epoch(epoch),
        seq: Seq(seq),
        hash: crate::digest(b"start"),
        config: ConfigId(1),
        forced,
        class: types::Class::Sync,
    };
    let starts = vec![start(1, 1, false), start(3, 11, false), start(4, 9, true)];
    Meta {
        promised: Epoch(5),
        table: EpochTable::from_starts(starts).unwrap(),
        home: Some(NodeId(2)),
        config: Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap(),
        orphans: vec![Orphan {
            epoch: Epoch(3),
            first: Seq(9),
            last: Seq(12),
            head: crate::digest(b"head"),
            by: Epoch(4),
            reason: OrphanReason::Forced,
        }],
        faults: Vec::new(),
    }
}

/// The same with faults.
fn faulty() -> Meta {
    let before = crate::digest(b"before");
    let faults = vec![
        Fault { first: Seq(4), last: Some(Seq(6)), before },
        Fault { first: Seq(9), last: None, before },
    ];
    Meta { faults, ..sample() }
}

#[test]
fn released_bytes_stay_readable() {
    let golden = include_bytes!("../../golden/v1/meta.bin");
    assert_eq!(sample().encode(), golden);
    assert_eq!(Meta::decode(golden), Ok(sample()));
    let golden = include_bytes!("../../golden/v2/meta.bin");
    assert_eq!(faulty().encode(), golden);
    assert_eq!(Meta::decode(golden), Ok(faulty()));
}

#[test]
fn cut_or_changed_bytes_are_refused_or_read_as_another_value() {
    for meta in [sample(), faulty()] {
        cut_or_changed(&meta);
    }
}

fn cut_or_changed(meta: &Meta) {
    let bytes = meta.encode();
    for length in 0..bytes.len() {
        assert!(Meta::decode(&bytes[..length]).is_err(), "length {length}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        // One encoding per value: no two byte strings mean the same.
        assert_ne!(Meta::decode(&flipped).as_ref(), Ok(meta), "bit {bit}");
    }
}
