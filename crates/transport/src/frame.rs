//! Frames: how messages are cut out of a stream of bytes.
//!
//! A frame is a little-endian `u32` and then its bytes. The low 30 bits are the length; the top two
//! are the kind: 0 a message, 1 a ping, 2 a pong (both carry the 8 bytes that the pinging side
//! chose), 3 is not in use. Numbers are never reused.

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::{FRAME_BYTES_CEILING, READ_BYTES};

pub(crate) const HEADER_BYTES: usize = 4;
const LENGTH_BITS: u32 = 30;
const PULSE_BYTES: usize = 8;
const KIND_PING: u32 = 1;
const KIND_PONG: u32 = 2;

/// What a peer's framing did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A frame beyond the limit.
    #[error("a frame of {bytes} bytes")]
    TooLong {
        /// The length it announced.
        bytes: usize,
    },
    /// A message of no bytes; no message of ours is empty.
    #[error("an empty frame")]
    Empty,
    /// A kind that this version does not know, or a ping of another length than 8.
    #[error("a frame of an unknown kind")]
    Kind,
}

/// One frame off the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Message(Bytes),
    Ping(u64),
    Pong(u64),
}

/// The header of a message.
pub(crate) fn message_header(bytes: usize) -> [u8; HEADER_BYTES] {
    assert!(bytes <= FRAME_BYTES_CEILING, "send checks the length");
    u32::try_from(bytes).expect("below 2^30").to_le_bytes()
}

/// A whole ping.
pub(crate) fn ping(number: u64) -> [u8; HEADER_BYTES + PULSE_BYTES] {
    pulse(KIND_PING, number)
}

/// A whole pong.
pub(crate) fn pong(number: u64) -> [u8; HEADER_BYTES + PULSE_BYTES] {
    pulse(KIND_PONG, number)
}

fn pulse(kind: u32, number: u64) -> [u8; HEADER_BYTES + PULSE_BYTES] {
    let header = (kind << LENGTH_BITS) | 8;
    let mut bytes = [0; HEADER_BYTES + PULSE_BYTES];
    bytes[..HEADER_BYTES].copy_from_slice(&header.to_le_bytes());
    bytes[HEADER_BYTES..].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// Cuts frames off the bytes that arrive.
#[derive(Debug)]
pub(crate) struct Cutter {
    buffer: BytesMut,
    frame_bytes_max: usize,
    /// What the frame at the front still needs; 1 when not even its header is whole.
    missing: usize,
}

impl Cutter {
    pub(crate) fn new(frame_bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), frame_bytes_max, missing: 1 }
    }

    /// Where the next bytes go. There is room for the frame at the front, or for a whole read.
    pub(crate) fn room(&mut self) -> &mut BytesMut {
        // A small rest is not worth a call, and a new buffer is free when nobody holds the old.
        if self.buffer.capacity() - self.buffer.len() < self.missing.max(READ_BYTES / 4) {
            self.buffer.reserve(self.missing.max(READ_BYTES));
        }
        &mut self.buffer
    }

    /// The next whole frame; `None` when more bytes are needed.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(header) = self.buffer.first_chunk::<HEADER_BYTES>() else {
            self.missing = HEADER_BYTES - self.buffer.len();
            return Ok(None);
        };
        let header = u32::from_le_bytes(*header);
        let kind = header >> LENGTH_BITS;
        let length = usize::try_from(header & ((1 << LENGTH_BITS) - 1)).expect("below 2^30");
        match kind {
            0 if length == 0 => return Err(FrameError::Empty),
            0 if length > self.frame_bytes_max => {
                return Err(FrameError::TooLong { bytes: length });
            }
            0 => {}
            KIND_PING | KIND_PONG if length == PULSE_BYTES => {}
            _ => return Err(FrameError::Kind),
        }
        let present = self.buffer.len() - HEADER_BYTES;
        if present < length {
            self.missing = length - present;
            return Ok(None);
        }
        self.missing = 1;
        self.buffer.advance(HEADER_BYTES);
        Ok(Some(match kind {
            KIND_PING => Frame::Ping(self.buffer.get_u64_le()),
            KIND_PONG => Frame::Pong(self.buffer.get_u64_le()),
            _ => Frame::Message(self.buffer.split_to(length).freeze()),
        }))
    }
}

#[cfg(test)]
mod tests;
