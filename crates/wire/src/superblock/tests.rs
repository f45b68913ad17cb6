//! If a damaged superblock passes, a node forgets what it promised.

use alloc::vec::Vec;

use super::*;

fn superblock() -> Superblock {
    let identity = Identity { cluster: ClusterId(*b"evenkeel-cluster"), node: NodeId(7) };
    let blobs = [(GroupId(1), Bytes::from_static(b"one")), (GroupId(9), Bytes::new())];
    Superblock {
        identity,
        version: 3,
        parent: Hash([5; 32]),
        durable: Position(4096),
        start: Position(512),
        kept: Position(256),
        blobs: blobs.into(),
    }
}

/// Without it a new version could not read the promises that an old one made.
#[test]
fn released_bytes_stay_readable() {
    let sealed = superblock().seal();
    let golden = include_bytes!("../../golden/v2/superblock.bin");
    assert_eq!(sealed.copy(2), golden);
    assert_eq!(Superblock::decode(2, golden), Ok((superblock(), sealed.checksum())));
    let (older, _) =
        Superblock::decode(2, include_bytes!("../../golden/v1/superblock.bin")).unwrap();
    assert_eq!(older, Superblock { start: Position(0), kept: Position(0), ..superblock() });
}

/// Without it a damaged or misplaced copy would be believed.
#[test]
fn every_bit_of_a_copy_counts() {
    let sealed = superblock().seal();
    let bytes = sealed.copy(0);
    assert_eq!(bytes.len(), sealed.length());
    let blobs: usize = superblock().blobs.values().map(|blob| BLOB_HEAD_BYTES + blob.len()).sum();
    assert_eq!(bytes.len(), EMPTY_BYTES + blobs);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Superblock::decode(0, &flipped).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Superblock::decode(0, &bytes[..length]).is_err(), "length {length}");
    }
    assert!(Superblock::decode(1, &bytes).is_err(), "a misdirected write");
}

/// Without it what a longer superblock left behind would be read into a shorter one.
#[test]
fn what_follows_a_copy_is_ignored() {
    let sealed = superblock().seal();
    let mut bytes = sealed.copy(0);
    bytes.extend([0xee; 50]);
    assert_eq!(Superblock::decode(0, &bytes), Ok((superblock(), sealed.checksum())));
}

/// Without it two blobs under one group, or two encodings of one state, would pass.
#[test]
fn groups_rise() {
    let one = superblock();
    let mut body: Vec<u8> = one.seal().body;
    let blobs = body.len() - (BLOB_HEAD_BYTES + 3) - BLOB_HEAD_BYTES;
    body[blobs] = 9;
    assert_eq!(
        Superblock::decode_body(VERSION, &body),
        Err(DecodeError::Invalid { field: "blob order", value: 9 })
    );
}
