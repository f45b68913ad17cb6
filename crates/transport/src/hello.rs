//! The first exchange on a connection, inside TLS: which version, who, whom, which lane.
//!
//! The dialing side sends a [`Hello`], the other answers with an [`Answer`]; both are a
//! little-endian `u32` length and that many bytes, encoded with `wire`. Nothing in a hello is
//! believed that the certificate does not say as well: the claims serve to give a clear reason when
//! a cluster is wired up wrongly.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use types::NodeId;
use wire::{DecodeError, Reader, Writer};

use crate::{event::Lane, limits::HELLO_BYTES_MAX, name::ClusterName};

/// The oldest version of the session protocol that this code speaks.
pub(crate) const VERSION_MIN: u16 = 1;
/// The newest.
pub(crate) const VERSION_MAX: u16 = 1;
const MAGIC: u32 = u32::from_le_bytes(*b"EVKL");

/// What the dialing side says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) version_min: u16,
    pub(crate) version_max: u16,
    pub(crate) cluster: ClusterName,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) lane: Lane,
    pub(crate) session: SessionId,
}

/// Names one session: both its lanes carry it. `boot` differs between two starts of the dialing
/// node; within one start `number` rises with every session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SessionId {
    pub(crate) boot: u64,
    pub(crate) number: u64,
}

/// What the other side answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Frames may flow, in this version.
    Welcome { version: u16 },
    /// The connection is closed after this.
    Refusal(Refusal),
}

/// Why a hello was refused. The numbers on the wire are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No version is spoken by both sides.
    #[error("it speaks versions {min} to {max} only")]
    Version {
        /// The oldest version of the refusing side.
        min: u16,
        /// Its newest.
        max: u16,
    },
    /// The dialing side belongs to another cluster.
    #[error("it belongs to another cluster")]
    Cluster,
    /// The dialing side claims to be a node that its certificate does not name.
    #[error("the claimed node is not the one in the certificate")]
    Claim,
    /// The dialing side wants another node than the one it reached.
    #[error("it is not the node that was called")]
    Called,
    /// The dialing side is not among the peers of the other.
    #[error("the caller is not a peer")]
    Stranger,
    /// Of two nodes the one with the lower number dials.
    #[error("the node with the lower number dials")]
    Direction,
    /// A newer session of the same start was here already.
    #[error("a newer session exists")]
    Stale,
    /// The bulk lane follows its log lane, and that is not this one.
    #[error("the session has no log lane")]
    NoLogLane,
}

/// Why no hello or answer was understood.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// The connection failed.
    #[error("the connection failed during the hello")]
    Io(#[from] io::Error),
    /// The length is beyond any hello.
    #[error("a hello of {bytes} bytes")]
    TooLong {
        /// The length it announced.
        bytes: u32,
    },
    /// The bytes are not a hello.
    #[error("the bytes are not a hello")]
    Decode(#[from] DecodeError),
}

impl Hello {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes)
            .u32(MAGIC)
            .u16(self.version_min)
            .u16(self.version_max)
            .u8(self.lane.number())
            .u16(self.from.0)
            .u16(self.to.0)
            .u64(self.session.boot)
            .u64(self.session.number)
            .run(self.cluster.as_str().as_bytes());
        bytes
    }

    /// Reads the fields that every version has in this place; later versions append.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let magic = reader.u32()?;
        if magic != MAGIC {
            return Err(invalid("magic", magic.into()));
        }
        let (version_min, version_max) = (reader.u16()?, reader.u16()?);
        let lane = reader.u8()?;
        let lane = Lane::ALL
            .into_iter()
            .find(|known| known.number() == lane)
            .ok_or_else(|| invalid("lane", lane.into()))?;
        let (from, to) = (NodeId(reader.u16()?), NodeId(reader.u16()?));
        let session = SessionId { boot: reader.u64()?, number: reader.u64()? };
        let cluster = reader.run("cluster", HELLO_BYTES_MAX)?;
        let cluster = core::str::from_utf8(cluster)
            .ok()
            .and_then(|text| ClusterName::new(text).ok())
            .ok_or_else(|| invalid("cluster", 0))?;
        if version_max <= VERSION_MAX {
            reader.end()?;
        }
        Ok(Self { version_min, version_max, cluster, from, to, lane, session })
    }

    /// The newest version that both sides speak.
    pub(crate) fn version(&self) -> Result<u16, Refusal> {
        let version = self.version_max.min(VERSION_MAX);
        if version < self.version_min.max(VERSION_MIN) {
            return Err(Refusal::Version { min: VERSION_MIN, max: VERSION_MAX });
        }
        Ok(version)
    }
}

impl Answer {
    pub(crate) fn encode(self) -> Vec<u8> {
        let (number, one, two) = match self {
            Self::Welcome { version } => (0, version, 0),
            Self::Refusal(Refusal::Version { min, max }) => (1, min, max),
            Self::Refusal(Refusal::Cluster) => (2, 0, 0),
            Self::Refusal(Refusal::Claim) => (3, 0, 0),
            Self::Refusal(Refusal::Called) => (4, 0, 0),
            Self::Refusal(Refusal::Stranger) => (5, 0, 0),
            Self::Refusal(Refusal::Direction) => (6, 0, 0),
            Self::Refusal(Refusal::Stale) => (7, 0, 0),
            Self::Refusal(Refusal::NoLogLane) => (8, 0, 0),
        };
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).u32(MAGIC).u8(number).u16(one).u16(two);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let magic = reader.u32()?;
        if magic != MAGIC {
            return Err(invalid("magic", magic.into()));
        }
        let (number, one, two) = (reader.u8()?, reader.u16()?, reader.u16()?);
        reader.end()?;
        Ok(match number {
            0 => Self::Welcome { version: one },
            1 => Self::Refusal(Refusal::Version { min: one, max: two }),
            2 => Self::Refusal(Refusal::Cluster),
            3 => Self::Refusal(Refusal::Claim),
            4 => Self::Refusal(Refusal::Called),
            5 => Self::Refusal(Refusal::Stranger),
            6 => Self::Refusal(Refusal::Direction),
            7 => Self::Refusal(Refusal::Stale),
            8 => Self::Refusal(Refusal::NoLogLane),
            _ => return Err(invalid("answer", number.into())),
        })
    }
}

/// Sends the bytes of a hello or an answer.
pub(crate) async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let mut out = Vec::new();
    Writer::new(&mut out).run(bytes);
    stream.write_all(&out).await?;
    stream.flush().await
}

/// Receives the bytes of a hello or an answer, and not one byte more.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, HelloError> {
    let length = stream.read_u32_le().await?;
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes > HELLO_BYTES_MAX {
        return Err(HelloError::TooLong { bytes: length });
    }
    let mut hello = vec![0; bytes];
    stream.read_exact(&mut hello).await?;
    Ok(hello)
}

const fn invalid(field: &'static str, value: u64) -> DecodeError {
    DecodeError::Invalid { field, value }
}

#[cfg(test)]
mod tests;
