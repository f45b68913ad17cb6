//! A frame of another node: whatever it holds, it decodes or is refused, and what decodes encodes to
//! a frame that decodes to the same.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(messages) = wire::decode_frame(&Bytes::copy_from_slice(data)) else { return };
    let mut builder = wire::FrameBuilder::default();
    for message in &messages {
        builder.push(message);
    }
    if let Some(frame) = builder.take() {
        assert_eq!(wire::decode_frame(&frame).as_ref(), Ok(&messages));
        assert_eq!(&frame[..], data, "a frame has one encoding");
    }
});
