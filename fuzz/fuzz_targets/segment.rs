//! A segment header and the frame behind it: as they come, and with checksums that hold, so that what
//! lies behind the checksums is reached too.
#![no_main]

use crc_fast::{CrcAlgorithm, Digest};
use libfuzzer_sys::fuzz_target;
use types::{ClusterId, NodeId, Position};
use wire::log::{
    FRAME_LENGTH_AT, Frame, Identity, Kind, SEGMENT_HEADER_BYTES, SegmentHeader, frame_bytes,
};

/// Bytes of a segment header before its checksum.
const HEADER_COVERED: usize = 8 + 2 + 2 + 16 + 8 + 8;

fuzz_target!(|data: &[u8]| {
    if let Some((block, rest)) = data.split_at_checked(SEGMENT_HEADER_BYTES)
        && let Ok((header, salt)) = SegmentHeader::decode(block)
    {
        let at = Position(header.first.0 + SEGMENT_HEADER_BYTES as u64);
        let _read = Frame::decode(salt, at, rest);
    }
    let identity = Identity { cluster: ClusterId([7; 16]), node: NodeId(1) };
    let header = SegmentHeader { identity, first: Position(8192), length: 1 << 20 };
    let (mut block, salt) = header.encode();
    // The checksum of the header is what those of the frames begin with.
    let start = crc32c(u32::MAX, &block[..HEADER_COVERED]);
    mix(&mut block[8..HEADER_COVERED], data);
    let crc = crc32c(u32::MAX, &block[..HEADER_COVERED]);
    block[HEADER_COVERED..HEADER_COVERED + 4].copy_from_slice(&crc.to_le_bytes());
    if let Ok((header, salt)) = SegmentHeader::decode(&block) {
        assert_eq!(header.encode(), (block, salt), "a segment header has one encoding");
    }

    let at = Position(12_288);
    let frame = Frame { kind: Kind::Group, at, durable: Position(8192), payload: &[0; 40] };
    let mut bytes = Vec::new();
    frame.encode(salt, &mut bytes);
    mix(&mut bytes[FRAME_LENGTH_AT..], data);
    let length = u32::from_le_bytes(bytes[FRAME_LENGTH_AT..][..4].try_into().expect("it has four"));
    let total = frame_bytes(usize::try_from(length & 0xff).expect("a byte"));
    if let Some(covered) = bytes.get(FRAME_LENGTH_AT..total) {
        let crc = crc32c(start, covered);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    }
    if let Ok(read) = Frame::decode(salt, at, &bytes) {
        let mut again = Vec::new();
        read.encode(salt, &mut again);
        assert_eq!(bytes.get(..read.length()), Some(&again[..]), "a frame has one encoding");
    }
});

/// Flips the bits of `bytes` that `data` has.
fn mix(bytes: &mut [u8], data: &[u8]) {
    bytes.iter_mut().zip(data).for_each(|(byte, flips)| *byte ^= flips);
}

fn crc32c(state: u32, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, state.into());
    digest.update(bytes);
    u32::try_from(digest.finalize()).expect("it has 32 bits")
}
