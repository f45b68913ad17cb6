//! If lengths are misread, one bad peer takes the memory of a node.

use super::*;

fn cut(bytes: &[u8], step: usize) -> (Vec<Frame>, Option<FrameError>) {
    let mut cutter = Cutter::new(100);
    let mut frames = Vec::new();
    for part in bytes.chunks(step) {
        cutter.room().extend_from_slice(part);
        loop {
            match cutter.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

#[test]
fn frames_come_out_whole_however_the_stream_is_cut() {
    // TCP cuts where it likes; a frame that depends on where would corrupt the log.
    let mut bytes = Vec::new();
    for length in [1_u8, 100, 3] {
        bytes.extend(message_header(length.into()));
        bytes.extend(vec![length; length.into()]);
        bytes.extend(ping(7));
        bytes.extend(pong(u64::MAX));
    }
    for step in 1..=bytes.len() {
        let (frames, error) = cut(&bytes, step);
        assert_eq!(error, None);
        assert_eq!(frames.len(), 9);
        assert_eq!(frames[3], Frame::Message(Bytes::from(vec![100; 100])));
        assert_eq!(frames[4], Frame::Ping(7));
        assert_eq!(frames[5], Frame::Pong(u64::MAX));
    }
}

#[test]
fn hostile_headers_are_refused_before_memory_is_taken() {
    // A peer gone wrong must not make this node allocate a gigabyte or loop on nothing.
    let check = |header: u32, expect| {
        let (frames, error) = cut(&header.to_le_bytes(), 4);
        assert!(frames.is_empty());
        assert_eq!(error, expect);
    };
    check(0, Some(FrameError::Empty));
    check(100, None);
    check(101, Some(FrameError::TooLong { bytes: 101 }));
    check((1 << 30) - 1, Some(FrameError::TooLong { bytes: (1 << 30) - 1 }));
    check((1 << 30) | 8, None);
    check((1 << 30) | 7, Some(FrameError::Kind));
    check((2 << 30) | 9, Some(FrameError::Kind));
    check(3 << 30, Some(FrameError::Kind));
}
