//! A superblock: as it comes, and with a checksum that holds, so that what lies behind it is reached too.
#![no_main]

use std::collections::BTreeMap;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use types::{ClusterId, GroupId, Hash, NodeId, Position};
use wire::log::Identity;
use wire::superblock::Superblock;

/// Where the checksum of the body stands, and the body.
const CHECKSUM_AT: usize = 8 + 2 + 1 + 1 + 4;
const BODY_AT: usize = CHECKSUM_AT + 32;

fuzz_target!(|data: &[u8]| {
    for copy in 0..4 {
        let _read = Superblock::decode(copy, data);
    }
    let superblock = Superblock {
        identity: Identity { cluster: ClusterId([7; 16]), node: NodeId(1) },
        version: 3,
        parent: Hash([5; 32]),
        durable: Position(9),
        start: Position(8),
        kept: Position(7),
        blobs: BTreeMap::from([
            (GroupId(0), Bytes::from_static(b"first")),
            (GroupId(9), Bytes::from_static(b"second")),
        ]),
    };
    let mut bytes = superblock.seal().copy(0);
    bytes.iter_mut().skip(BODY_AT).zip(data).for_each(|(byte, flips)| *byte ^= flips);
    let checksum = Sha256::digest(&bytes[BODY_AT..]);
    bytes[CHECKSUM_AT..BODY_AT].copy_from_slice(&checksum);
    if let Ok((read, _)) = Superblock::decode(0, &bytes) {
        assert_eq!(read.seal().copy(0), bytes, "a superblock has one encoding");
    }
});
