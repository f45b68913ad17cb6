//! Were a mark read differently from how it was written, a healthy node would take itself out.

use alloc::vec;

use bytes::Bytes;

use super::*;
use crate::{FrameBuilder, Message, decode_frame, digest};

fn sample() -> Voice {
    let mark =
        |seq, state| Mark { seq: Seq(seq), head: digest(b"head"), trail: digest(b"trail"), state };
    Voice {
        lowest: ModelVersion(1),
        highest: ModelVersion(3),
        barred: vec![GroupId(7)],
        marks: vec![
            (GroupId(7), mark(42, None)),
            (GroupId(7), mark(77, Some(digest(b"state")))),
            (GroupId(8), mark(9, None)),
        ],
    }
}

fn frame() -> Bytes {
    let mut builder = FrameBuilder::default();
    builder.push(&Message::Voice(sample()));
    builder.take().unwrap()
}

#[test]
fn released_bytes_stay_readable() {
    // A node of the version before must understand what this one says during a rolling restart.
    let golden = Bytes::from_static(include_bytes!("../../golden/v1/voice.bin"));
    assert_eq!(frame(), golden);
    assert_eq!(decode_frame(&golden), Ok(vec![Message::Voice(sample())]));
}

#[test]
fn a_voice_cut_anywhere_is_refused() {
    // Half a digest would differ from every whole one.
    let frame = frame();
    for length in 2..frame.len() {
        assert!(decode_frame(&frame.slice(..length)).is_err(), "length {length}");
    }
}

#[test]
fn a_claimed_count_allocates_nothing() {
    // A peer could otherwise ask for gigabytes with eight bytes.
    for count in [0xffff_ffff_u32, u32::try_from(limits::MARKS_MAX).unwrap() + 1] {
        let mut bytes = vec![1_u8, 69, 1, 0, 1, 0, 0, 0, 0, 0];
        bytes.extend(count.to_le_bytes());
        assert!(decode_frame(&bytes.into()).is_err());
    }
}
