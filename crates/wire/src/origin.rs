//! Where a command comes from that no client has just sent (PROTOCOL 6): a record that was set aside.
//!
//! Layout, little-endian: epoch u64, seq u64, head 32, together [`Origin::BYTES`]. It says nothing about what the
//! command is: its id and its digest are those that the client gave, so that the two have one outcome.

use types::{Epoch, Hash, Seq};

use crate::{DecodeError, Reader, Writer};

/// The record from which a command was handed in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The epoch under which the record was written, which ended without it.
    pub epoch: Epoch,
    /// Where it stood in that epoch's chain.
    pub seq: Seq,
    /// The hash of the last record of the run that was set aside, by which the run is known.
    pub head: Hash,
}

impl Origin {
    /// Bytes of the encoding.
    pub const BYTES: usize = 8 + 8 + 32;

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.u64(self.epoch.0).u64(self.seq.0).hash(self.head);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { epoch: Epoch(reader.u64()?), seq: Seq(reader.u64()?), head: reader.hash()? })
    }
}
