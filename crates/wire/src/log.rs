//! The node's log on disk: segment headers and record frames.
//!
//! A log is a run of bytes numbered from 0 and cut into segment files. Each segment opens with a
//! header block; records follow as frames, each naming its own position (`lsn`) and how much of the
//! log was known to be durable when it was written. The first lets a reader refuse a frame that lies
//! in the wrong place; the second lets a boot scan tell lost bytes that were acknowledged from a
//! torn last write (`journal::scan`). Payloads are opaque here.
//!
//! The CRC of every frame starts from its segment's *salt*, the CRC of the segment header. A frame
//! thus belongs to one cluster, node and segment: bytes that a client sends, or a file copied from
//! another node, do not pass for records.

use alloc::vec::Vec;
use core::fmt;

use crc_fast::{CrcAlgorithm, Digest};
use types::{ClusterId, NodeId, Position};

use crate::{DecodeError, Reader, Writer};

/// Version of these layouts.
const VERSION: u16 = 1;

/// "EKSEGMNT".
const SEGMENT_MAGIC: u64 = u64::from_le_bytes(*b"EKSEGMNT");

/// "EKLG". Not zero, so that zeros are never a frame.
const FRAME_MAGIC: u32 = u32::from_le_bytes(*b"EKLG");

/// Bytes that a segment header takes: a whole page, so that no later write touches its sectors.
pub const SEGMENT_HEADER_BYTES: usize = 4096;

/// Bytes of a segment header that carry something; the rest is zero.
const SEGMENT_USED_BYTES: usize = 48;

/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 32;

/// Where in its header a frame says how long its payload is.
pub const FRAME_LENGTH_AT: usize = 8;

/// Frames start at multiples of this, so that a search after damage has few places to look.
pub const FRAME_ALIGN: usize = 8;

/// The largest payload of one frame. Twice the largest message between nodes.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

const _: () = assert!(FRAME_HEADER_BYTES.is_multiple_of(FRAME_ALIGN));
const _: () = assert!(SEGMENT_HEADER_BYTES.is_multiple_of(FRAME_ALIGN));
const _: () = assert!(PAYLOAD_BYTES_MAX >= 2 * crate::limits::FRAME_BYTES_MAX);

/// Whose disk this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The installation.
    pub cluster: ClusterId,
    /// The node in it.
    pub node: NodeId,
}

/// The start of a segment.
///
/// Layout, little-endian: magic u64, version u16, node u16, cluster 16, first u64, length u64,
/// CRC32C u32 over all before it, then zeros up to [`SEGMENT_HEADER_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whose log this is part of.
    pub identity: Identity,
    /// Position of the segment's first byte, which is this header's.
    pub first: Position,
    /// Bytes of the segment, header included. The next segment starts right after.
    pub length: u64,
}

/// What every CRC in a segment starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(u32);

/// What a frame carries. Numbers never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A record of a group's chain.
    Group = 1,
    /// A record of the register.
    Register = 2,
    /// A node's sign of life: proves that its disk still takes writes.
    Pulse = 3,
    /// The segment ends here; the next frame is the first of the next segment. Written by storage.
    Roll = 4,
    /// A record of a group's chain that stood in the log before and could not be read there: written
    /// again, out of the order of its chain.
    Repair = 5,
}

/// One frame, read in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What the payload is.
    pub kind: Kind,
    /// Where the frame starts.
    pub at: Position,
    /// Everything before this was durable before the frame was written.
    pub durable: Position,
    /// The payload.
    pub payload: &'a [u8],
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFrame {
    /// The first bytes are not those of a frame.
    #[error("no frame starts here")]
    Absent,
    /// The frame goes on for longer than the bytes given; it needs this many.
    #[error("the frame needs {0} bytes")]
    Short(usize),
    /// The header names another place in the log.
    #[error("the frame belongs at {0}")]
    Misplaced(u64),
    /// The checksum does not match, or a field has no meaning.
    #[error("the frame is damaged")]
    Damaged,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of cluster {}", self.node, self.cluster)
    }
}

impl SegmentHeader {
    /// The header block and the salt for the segment's frames.
    #[must_use]
    pub fn encode(&self) -> (Vec<u8>, Salt) {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        let mut writer = Writer::new(&mut out);
        writer.raw(&SEGMENT_MAGIC.to_le_bytes()).u16(VERSION).u16(self.identity.node.0);
        writer.raw(&self.identity.cluster.0).u64(self.first.0).u64(self.length);
        let crc = crc32c(u32::MAX, &out);
        Writer::new(&mut out).u32(crc);
        debug_assert_eq!(out.len(), SEGMENT_USED_BYTES);
        out.resize(SEGMENT_HEADER_BYTES, 0);
        (out, Salt(crc))
    }

    /// Reads a header block.
    ///
    /// # Errors
    /// If it is not one, or is damaged.
    pub fn decode(block: &[u8]) -> Result<(Self, Salt), DecodeError> {
        let mut reader = Reader::new(block);
        let magic = reader.u64()?;
        if magic != SEGMENT_MAGIC {
            return Err(DecodeError::Invalid { field: "segment magic", value: magic });
        }
        let version = reader.u16()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "segment version", value: version.into() });
        }
        let node = NodeId(reader.u16()?);
        let cluster = ClusterId(reader.array()?);
        let first = Position(reader.u64()?);
        let length = reader.u64()?;
        let crc = reader.u32()?;
        let covered = block.get(..SEGMENT_USED_BYTES - 4).ok_or(DecodeError::Truncated)?;
        if crc32c(u32::MAX, covered) != crc {
            return Err(DecodeError::Invalid { field: "segment checksum", value: crc.into() });
        }
        let rest = reader.take(SEGMENT_HEADER_BYTES - SEGMENT_USED_BYTES)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Invalid { field: "segment header rest", value: 1 });
        }
        reader.end()?;
        Ok((Self { identity: Identity { cluster, node }, first, length }, Salt(crc)))
    }
}

/// Bytes that a frame with `payload_bytes` takes, header and padding included.
#[must_use]
pub const fn frame_bytes(payload_bytes: usize) -> usize {
    (FRAME_HEADER_BYTES + payload_bytes).next_multiple_of(FRAME_ALIGN)
}

impl<'a> Frame<'a> {
    /// Appends the frame to `out`; the length of `out` grows by [`frame_bytes`].
    ///
    /// Layout, little-endian: magic u32, CRC32C u32 over all that follows and starting from the
    /// salt, payload length u32, kind u8, three zeros, lsn u64, durable u64, the payload, and zeros
    /// up to a multiple of [`FRAME_ALIGN`].
    ///
    /// # Panics
    /// If the payload is longer than [`PAYLOAD_BYTES_MAX`].
    pub fn encode(&self, salt: Salt, out: &mut Vec<u8>) {
        assert!(self.payload.len() <= PAYLOAD_BYTES_MAX, "payloads are limited when they come in");
        let start = out.len();
        let mut writer = Writer::new(out);
        writer.u32(FRAME_MAGIC).u32(0).count(self.payload.len());
        writer.u8(self.kind as u8).raw(&[0; 3]).u64(self.at.0).u64(self.durable.0);
        writer.raw(self.payload);
        out.resize(start + frame_bytes(self.payload.len()), 0);
        let crc = crc32c(salt.0, out.get(start + 8..).unwrap_or_default());
        if let Some(field) = out.get_mut(start + 4..start + 8) {
            field.copy_from_slice(&crc.to_le_bytes());
        }
    }

    /// Reads the frame at `at` from the front of `bytes`, which may go on past its end.
    ///
    /// The cheap checks come first, so that a search through damaged bytes costs a checksum only
    /// where a frame very likely starts.
    ///
    /// # Errors
    /// [`NotAFrame`]. `Short` tells how many bytes are needed to know more; it is given only for a
    /// header that is plausible in every field.
    pub fn decode(salt: Salt, at: Position, bytes: &'a [u8]) -> Result<Self, NotAFrame> {
        let mut reader = Reader::new(bytes);
        match reader.u32() {
            Ok(FRAME_MAGIC) => {}
            Ok(_) => return Err(NotAFrame::Absent),
            Err(_) => return Err(NotAFrame::Short(FRAME_HEADER_BYTES)),
        }
        let short = |_| NotAFrame::Short(FRAME_HEADER_BYTES);
        let crc = reader.u32().map_err(short)?;
        let length = usize::try_from(reader.u32().map_err(short)?).unwrap_or(usize::MAX);
        let kind = reader.u8().map_err(short)?;
        let rest = reader.array::<3>().map_err(short)?;
        let lsn = reader.u64().map_err(short)?;
        let durable = Position(reader.u64().map_err(short)?);
        if lsn != at.0 {
            return Err(NotAFrame::Misplaced(lsn));
        }
        let kind = Kind::from_number(kind).ok_or(NotAFrame::Damaged)?;
        if rest != [0; 3] || durable > at || length > PAYLOAD_BYTES_MAX {
            return Err(NotAFrame::Damaged);
        }
        let total = frame_bytes(length);
        let Some(covered) = bytes.get(8..total) else { return Err(NotAFrame::Short(total)) };
        if crc32c(salt.0, covered) != crc {
            return Err(NotAFrame::Damaged);
        }
        let payload = reader.take(length).map_err(|_| NotAFrame::Short(total))?;
        let padding = bytes.get(FRAME_HEADER_BYTES + length..total).unwrap_or_default();
        if padding.iter().any(|byte| *byte != 0) {
            return Err(NotAFrame::Damaged);
        }
        Ok(Self { kind, at, durable, payload })
    }

    /// Bytes that the frame takes.
    #[must_use]
    pub const fn length(&self) -> usize {
        frame_bytes(self.payload.len())
    }
}

/// What a damaged frame's header still says, taken for true if most of it agrees with where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// What the frame was and the length of its payload, if these can be read.
    pub frame: Option<(Kind, usize)>,
}

impl Hint {
    /// Reads the header at the front of `bytes`, which stand at `at`. `None` if there is no frame's
    /// header, or too little is left of it. Nothing may rest on it but a guess: no checksum holds.
    #[must_use]
    pub fn read(at: Position, bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let magic = reader.u32().ok()?;
        let _crc = reader.u32().ok()?;
        let length = usize::try_from(reader.u32().ok()?).unwrap_or(usize::MAX);
        let kind = Kind::from_number(reader.u8().ok()?);
        let rest = reader.array::<3>().ok()?;
        let lsn = reader.u64().ok()?;
        let frame = kind
            .filter(|_| rest == [0; 3] && length <= PAYLOAD_BYTES_MAX)
            .map(|kind| (kind, length));
        let agreeing = [magic == FRAME_MAGIC, lsn == at.0, frame.is_some()];
        (agreeing.into_iter().filter(|agrees| *agrees).count() >= 2).then_some(Self { frame })
    }
}

impl Kind {
    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Group),
            2 => Some(Self::Register),
            3 => Some(Self::Pulse),
            4 => Some(Self::Roll),
            5 => Some(Self::Repair),
            _ => None,
        }
    }
}

/// CRC32C over `bytes`, started from `state`.
fn crc32c(state: u32, bytes: &[u8]) -> u32 {
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, state.into());
    digest.update(bytes);
    u32::try_from(digest.finalize()).expect("a CRC of 32 bits")
}

#[cfg(test)]
mod tests;
