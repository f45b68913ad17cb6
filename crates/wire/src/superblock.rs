//! The superblock: what a node must remember besides its log, kept in four copies.
//!
//! It holds the node's identity, how far its log was known durable, and one opaque blob per group
//! (promise, epoch table, orphans). A lost promise could let two homes acknowledge the same
//! position, so it is checked with SHA-256 and not with a CRC: it is written a few times an hour, at
//! most a few MiB, and the same value names it as the *parent* of the next one, which shows when
//! copies of two different histories meet.

use alloc::{collections::BTreeMap, vec::Vec};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use types::{ClusterId, GroupId, Hash, NodeId, Position};

use crate::{DecodeError, Reader, Writer, log::Identity};

/// Version of this layout. Version 1, of a log that is always read from its start, is still read.
const VERSION: u16 = 2;

/// "EKSUPER" and the number of copies.
const MAGIC: u64 = u64::from_le_bytes(*b"EKSUPER4");

/// Copies of a superblock.
pub const COPIES: usize = 4;

/// Bytes before the body: magic, version, copy, a zero, body length, checksum.
const HEAD_BYTES: usize = 8 + 2 + 1 + 1 + 4 + 32;

/// Bytes of a body without blobs: cluster, node, version, parent, durable, start, kept, count.
const BODY_BYTES: usize = 16 + 2 + 8 + 32 + 8 + 8 + 8 + 4;

/// Bytes that each blob costs besides its own: group and length.
pub const BLOB_HEAD_BYTES: usize = 2 + 4;

/// Bytes of an encoded superblock without blobs.
pub const EMPTY_BYTES: usize = HEAD_BYTES + BODY_BYTES;

/// The largest superblock that is read or written.
pub const SUPERBLOCK_BYTES_MAX: usize = 256 << 20;

/// One superblock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superblock {
    /// Whose disk this is.
    pub identity: Identity,
    /// Counts superblocks of this node up from 1.
    pub version: u64,
    /// Checksum of the superblock before this one; zero for the first.
    pub parent: Hash,
    /// The log was durable up to here when this was written. A log that ends earlier has lost bytes.
    pub durable: Position,
    /// Nothing in the log below this is needed at a start.
    pub start: Position,
    /// Nothing in the log below this is needed at all: it may be gone.
    pub kept: Position,
    /// What each group keeps outside the log.
    pub blobs: BTreeMap<GroupId, Bytes>,
}

/// An encoded superblock, to be written as any of its copies.
#[derive(Clone, Debug)]
pub struct Sealed {
    body: Vec<u8>,
    checksum: Hash,
}

impl Superblock {
    /// Encodes the body and takes its checksum.
    #[must_use]
    pub fn seal(&self) -> Sealed {
        let mut body = Vec::with_capacity(BODY_BYTES);
        let mut writer = Writer::new(&mut body);
        writer.raw(&self.identity.cluster.0).u16(self.identity.node.0);
        writer.u64(self.version).hash(self.parent).u64(self.durable.0);
        writer.u64(self.start.0).u64(self.kept.0).count(self.blobs.len());
        for (group, blob) in &self.blobs {
            writer.u16(group.0).run(blob);
        }
        let checksum = Hash(Sha256::digest(&body).into());
        Sealed { body, checksum }
    }

    /// Reads copy number `copy` from the front of `bytes`, and its checksum. What follows the copy,
    /// left by longer ones before it, is ignored.
    ///
    /// # Errors
    /// If it is damaged, or is another copy written to the wrong place.
    pub fn decode(copy: u8, bytes: &[u8]) -> Result<(Self, Hash), DecodeError> {
        let mut reader = Reader::new(bytes);
        let magic = reader.u64()?;
        if magic != MAGIC {
            return Err(DecodeError::Invalid { field: "superblock magic", value: magic });
        }
        let layout = reader.u16()?;
        if !(1..=VERSION).contains(&layout) {
            return Err(DecodeError::Invalid { field: "superblock layout", value: layout.into() });
        }
        let found = reader.u8()?;
        if found != copy {
            return Err(DecodeError::Invalid { field: "superblock copy", value: found.into() });
        }
        let rest = reader.u8()?;
        if rest != 0 {
            return Err(DecodeError::Invalid { field: "superblock rest", value: rest.into() });
        }
        let length = reader.count("superblock length", SUPERBLOCK_BYTES_MAX)?;
        let checksum = reader.hash()?;
        let body = reader.take(length)?;
        if Hash(Sha256::digest(body).into()) != checksum {
            return Err(DecodeError::Invalid { field: "superblock checksum", value: 0 });
        }
        Ok((Self::decode_body(layout, body)?, checksum))
    }

    fn decode_body(layout: u16, body: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let cluster = ClusterId(reader.array()?);
        let node = NodeId(reader.u16()?);
        let version = reader.u64()?;
        let parent = reader.hash()?;
        let durable = Position(reader.u64()?);
        let mut floor = [Position(0); 2];
        if layout > 1 {
            floor = [Position(reader.u64()?), Position(reader.u64()?)];
        }
        let [start, kept] = floor;
        let count = reader.count("superblock blobs", usize::from(u16::MAX) + 1)?;
        let mut blobs = BTreeMap::new();
        for _ in 0..count {
            let group = GroupId(reader.u16()?);
            // Rising order: one encoding per value, and no blob that silently replaces another.
            if blobs.last_key_value().is_some_and(|(last, _)| *last >= group) {
                return Err(DecodeError::Invalid { field: "blob order", value: group.0.into() });
            }
            let blob = reader.run("blob length", SUPERBLOCK_BYTES_MAX)?;
            blobs.insert(group, Bytes::copy_from_slice(blob));
        }
        reader.end()?;
        let identity = Identity { cluster, node };
        Ok(Self { identity, version, parent, durable, start, kept, blobs })
    }
}

impl Sealed {
    /// Names this superblock; the next one carries it as its parent.
    #[must_use]
    pub const fn checksum(&self) -> Hash {
        self.checksum
    }

    /// Bytes of every copy.
    #[must_use]
    pub const fn length(&self) -> usize {
        HEAD_BYTES + self.body.len()
    }

    /// The bytes of copy number `copy`.
    ///
    /// Layout, little-endian: magic u64, layout version u16, copy u8, a zero, body length u32,
    /// SHA-256 of the body, then the body: cluster 16, node u16, version u64, parent 32,
    /// durable u64, start u64, kept u64, count u32, and per blob group u16, length u32, bytes, in rising order of group.
    /// The copy number is outside the checksum, so that all copies share one name.
    #[must_use]
    pub fn copy(&self, copy: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length());
        let mut writer = Writer::new(&mut out);
        writer.raw(&MAGIC.to_le_bytes()).u16(VERSION).u8(copy).u8(0);
        writer.count(self.body.len()).hash(self.checksum).raw(&self.body);
        out
    }
}

#[cfg(test)]
mod tests;
