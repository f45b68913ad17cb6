//! If a promise reads back lower than it was, an old home is let in again.

use alloc::vec;

use types::{ConfigId, Stamp, Start, Tail};

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
        pinned: Some(Position(4_096)),
        snapshots: vec![snapshot(5), snapshot(8)],
        trimmed: Seq(4),
        base: None,
        contradiction: None,
    }
}

/// The same in a group with a witness.
fn based() -> Meta {
    let tail = Tail { epoch: Epoch(1), seq: Seq(3), hash: crate::digest(b"base") };
    let base = Base { tail, stamp: Stamp(7), model: types::ModelVersion(2) };
    Meta { base: Some(base), ..faulty() }
}

/// The same out of service, with and without a witness.
fn contradicted() -> [Meta; 2] {
    let contradiction = Some(Contradiction { seq: Seq(11), peer: NodeId(3) });
    [Meta { contradiction, ..faulty() }, Meta { contradiction, ..based() }]
}

fn snapshot(seq: u64) -> Snapshot {
    Snapshot {
        tail: Tail { epoch: Epoch(1), seq: Seq(seq), hash: crate::digest(b"tail") },
        stamp: Stamp(seq),
        digest: crate::digest(b"state"),
        bytes: 1_000,
        sha256: crate::digest(b"file"),
        own: seq == 8,
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
    // Without this an upgraded node could not start on its own disk.
    let golden = include_bytes!("../../golden/v3/meta.bin");
    assert_eq!(faulty().encode(), golden);
    assert_eq!(Meta::decode(golden), Ok(faulty()));
    let older =
        |meta| Meta { pinned: Some(Position(0)), snapshots: Vec::new(), trimmed: Seq(0), ..meta };
    let (first, second) =
        (include_bytes!("../../golden/v1/meta.bin"), include_bytes!("../../golden/v2/meta.bin"));
    assert_eq!(Meta::decode(first), Ok(older(sample())));
    assert_eq!(Meta::decode(second), Ok(older(faulty())));
    let fourth = include_bytes!("../../golden/v4/meta.bin");
    assert_eq!(based().encode(), fourth);
    assert_eq!(Meta::decode(fourth), Ok(based()));
    let fifth = [
        &include_bytes!("../../golden/v5/meta.bin")[..],
        include_bytes!("../../golden/v5/meta_based.bin"),
    ];
    for (meta, golden) in contradicted().into_iter().zip(fifth) {
        assert_eq!(meta.encode(), golden);
        assert_eq!(Meta::decode(golden), Ok(meta));
    }
}

#[test]
fn a_chain_begins_at_the_lower_of_base_and_oldest_snapshot() {
    // Begun at the base alone, a node whose newest file has rotted would lack what lies between; begun at
    // its snapshot alone, it could not give a witness what that is owed.
    let begins = |meta: &Meta| meta.chain_base().map(|(tail, _)| tail.seq);
    assert_eq!(begins(&based()), Some(Seq(3)));
    assert_eq!(begins(&Meta { snapshots: Vec::new(), ..based() }), Some(Seq(3)));
    assert_eq!(begins(&sample()), Some(Seq(5)));
    assert_eq!(begins(&Meta { snapshots: Vec::new(), ..sample() }), None);
}

#[test]
fn snapshots_out_of_order_are_refused() {
    // Without this a node could take an older snapshot for its newest.
    let mut bytes = sample().encode();
    // Each of the two takes as many bytes, and the seq trimmed comes after them.
    let (one, two) = (bytes.len() - 8 - 2 * Snapshot::BYTES, bytes.len() - 8 - Snapshot::BYTES);
    for offset in 0..Snapshot::BYTES {
        bytes.swap(one + offset, two + offset);
    }
    let order = DecodeError::Invalid { field: "order of snapshots", value: 0 };
    assert_eq!(Meta::decode(&bytes), Err(order));
}

#[test]
fn cut_or_changed_bytes_are_refused_or_read_as_another_value() {
    for meta in [sample(), faulty(), based()].into_iter().chain(contradicted()) {
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
