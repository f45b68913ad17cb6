//! If a frame passes for another, a torn or foreign record comes back as what was acknowledged.

use alloc::{vec, vec::Vec};

use types::{NodeId, Position};

use super::*;

const AT: Position = Position(8192);

fn header() -> SegmentHeader {
    let identity = Identity { cluster: ClusterId(*b"evenkeel-cluster"), node: NodeId(7) };
    SegmentHeader { identity, first: Position(4096), length: 1 << 20 }
}

fn frame(payload: &[u8]) -> Frame<'_> {
    Frame { kind: Kind::Group, at: AT, durable: Position(8000), payload }
}

fn encoded(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    frame(payload).encode(header().encode().1, &mut out);
    out
}

/// Without it a new version could not read the disks that an old one wrote.
#[test]
fn released_bytes_stay_readable() {
    let (block, salt) = header().encode();
    let used = block.get(..SEGMENT_USED_BYTES).expect("a header is longer");
    assert_eq!(used, include_bytes!("../../golden/v1/log-segment.bin"));
    let golden = include_bytes!("../../golden/v1/log-frame.bin");
    assert_eq!(encoded(b"two words"), golden);
    assert_eq!(Frame::decode(salt, AT, golden), Ok(frame(b"two words")));
}

/// Without it a segment of some other node, place or version would be read as ours.
#[test]
fn every_bit_of_a_segment_header_counts() {
    let (block, salt) = header().encode();
    assert_eq!(SegmentHeader::decode(&block), Ok((header(), salt)));
    for bit in (0..SEGMENT_USED_BYTES * 8).chain([SEGMENT_HEADER_BYTES * 8 - 1]) {
        let mut flipped = block.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
    }
    for length in 0..block.len() {
        assert!(SegmentHeader::decode(&block[..length]).is_err(), "length {length}");
    }
}

/// Without it a torn or flipped record would be handed to a group as what it acknowledged.
#[test]
fn every_bit_of_a_frame_counts() {
    let (_, salt) = header().encode();
    for payload in [&b""[..], b"1234567", b"12345678", &[0xff; 100]] {
        let bytes = encoded(payload);
        assert_eq!(bytes.len(), frame_bytes(payload.len()));
        assert_eq!(Frame::decode(salt, AT, &bytes), Ok(frame(payload)));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Frame::decode(salt, AT, &flipped).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            let got = Frame::decode(salt, AT, &bytes[..length]);
            assert!(matches!(got, Err(NotAFrame::Short(need)) if need > length), "at {length}");
        }
    }
}

/// Without it bytes left from another place, node or segment would come back as records.
#[test]
fn a_frame_belongs_to_one_place() {
    let (_, salt) = header().encode();
    let bytes = encoded(b"payload");
    let elsewhere = Frame::decode(salt, Position(8200), &bytes);
    assert_eq!(elsewhere, Err(NotAFrame::Misplaced(8192)));
    let mut other = header();
    other.identity.node = NodeId(8);
    assert_eq!(Frame::decode(other.encode().1, AT, &bytes), Err(NotAFrame::Damaged));
    assert_eq!(Frame::decode(salt, AT, &[0; 64]), Err(NotAFrame::Absent));
}

/// Without it a forged length would make the scan read or allocate without bound.
#[test]
fn a_hostile_length_is_damage() {
    let (_, salt) = header().encode();
    let mut bytes = encoded(b"payload");
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Frame::decode(salt, AT, &bytes), Err(NotAFrame::Damaged));
    let most = vec![1; PAYLOAD_BYTES_MAX];
    assert_eq!(Frame::decode(salt, AT, &encoded(&most)), Ok(frame(&most)));
}
