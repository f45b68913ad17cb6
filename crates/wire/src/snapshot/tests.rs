//! If a snapshot reads back as another state, a restarted node holds other money than it acknowledged.

use alloc::vec;

use types::{ConfigId, Epoch, Start};

use super::*;

fn parts() -> Vec<SnapshotPart> {
    let tail = Tail { epoch: Epoch(2), seq: Seq(7), hash: crate::digest(b"tail") };
    let hash = crate::digest(b"start");
    let start = Start {
        epoch: Epoch(2),
        seq: Seq(5),
        hash,
        config: ConfigId(1),
        forced: false,
        class: types::Class::Sync,
    };
    let head = SnapshotHead {
        group: GroupId(18),
        barriers: vec![(Seq(4), ModelVersion(2))],
        tail,
        stamp: Stamp(99),
        work: 1_000,
        trail: crate::digest(b"trail"),
        digest: crate::digest(b"state"),
        table: EpochTable::from_starts(vec![start]).unwrap(),
    };
    let answer = |n: u8| SnapshotAnswer {
        id: MessageId([n; 16]),
        digest: crate::digest(&[n]),
        seq: Seq(n.into()),
        stamp: Stamp(n.into()),
        outcome: Bytes::from(vec![n; n.into()]),
    };
    vec![
        SnapshotPart::Head(head),
        SnapshotPart::Channels(Bytes::from_static(b"channels")),
        SnapshotPart::Answers(vec![answer(1), answer(2)]),
        SnapshotPart::Model(Bytes::from_static(b"model")),
        SnapshotPart::Model(Bytes::new()),
        SnapshotPart::End { answers: 2, parts: 2 },
    ]
}

fn file() -> Vec<u8> {
    let mut file = Vec::new();
    parts().iter().for_each(|part| part.encode(&mut file));
    file
}

#[test]
fn released_bytes_stay_readable() {
    // Without this an upgraded node could not start from the snapshot it has.
    assert_eq!(file(), include_bytes!("../../golden/v1/snapshot.bin"));
}

#[test]
fn pieces_of_any_size_give_the_same_parts() {
    // Without this what comes over a net or from a disk in other pieces would be another state.
    let file = file();
    for size in 1..file.len() {
        let mut reader = SnapshotReader::default();
        let mut read = Vec::new();
        for piece in file.chunks(size) {
            reader.feed(piece);
            while let Some(part) = reader.part().unwrap() {
                read.push(part);
            }
        }
        assert!(reader.is_empty());
        assert_eq!(read, parts(), "pieces of {size}");
    }
}

#[test]
fn hostile_bytes_are_refused() {
    // Without this a damaged file could make a node reserve what it claims, or panic.
    let file = file();
    for at in 0..file.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = file.clone();
            bytes[at] ^= flip;
            let mut reader = SnapshotReader::default();
            reader.feed(&bytes);
            while let Ok(Some(_)) = reader.part() {}
        }
    }
    let mut reader = SnapshotReader::default();
    reader.feed(&u32::MAX.to_le_bytes());
    assert!(reader.part().is_err());
}
