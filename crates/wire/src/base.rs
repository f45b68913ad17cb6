//! A place in a chain that a replica without a state can go on from.
//!
//! A witness keeps records and no state, so a snapshot is of no use to it. Where the records up to some
//! place are in snapshots of every member that has the state, the place is all that it needs of them:
//! the head of the chain, carried on and never reset (PROTOCOL 8b, S20).

use types::{ModelVersion, Stamp, Tail};

use crate::{DecodeError, Reader, Writer};

/// The record up to which every full member has the state in a snapshot that another has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base {
    /// The record.
    pub tail: Tail,
    /// Its stamp.
    pub stamp: Stamp,
    /// The model version in force after it.
    pub model: ModelVersion,
}

impl Base {
    /// Tail, stamp u64, model u16.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.tail(self.tail).u64(self.stamp.0).u16(self.model.0);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            tail: reader.tail()?,
            stamp: Stamp(reader.u64()?),
            model: ModelVersion(reader.u16()?),
        })
    }
}
