//! A segment header and the frame behind it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use types::Position;
use wire::log::{Frame, SEGMENT_HEADER_BYTES, SegmentHeader};

fuzz_target!(|data: &[u8]| {
    let Some((block, rest)) = data.split_at_checked(SEGMENT_HEADER_BYTES) else { return };
    if let Ok((header, salt)) = SegmentHeader::decode(block) {
        let at = Position(header.first.0 + SEGMENT_HEADER_BYTES as u64);
        let _read = Frame::decode(salt, at, rest);
    }
});
