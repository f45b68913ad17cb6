//! What a node says of its state machines: which versions it can run, where it stands back, and what
//! its state came to at fixed points.
//!
//! Two replicas that apply the same records must come to the same outcomes and the same state. All of
//! them note a [`Mark`] at the same records, chosen by nothing but the records, and tell each other.
//! A mark names the record's chain hash too: replicas that hold different records differ for another
//! reason, which is not looked for here.
//!
//! Layout, little-endian: lowest u16, highest u16; barred groups as count u32 and u16 each; marks as
//! count u32 and, each, group u16, seq u64, head 32, trail 32, flag u8 and, if it is set, state 32.

use alloc::vec::Vec;

use types::{GroupId, Hash, ModelVersion, Seq};

use crate::{DecodeError, Reader, Writer, limits};

/// Said with every sign of life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voice {
    /// The oldest model version that the sender's code can run.
    pub lowest: ModelVersion,
    /// The newest.
    pub highest: ModelVersion,
    /// Groups whose records the sender keeps and whose model it does not run, or not in public.
    pub barred: Vec<GroupId>,
    /// The marks passed since the sender last spoke, rising for each group.
    pub marks: Vec<(GroupId, Mark)>,
}

/// What the state came to after one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The record.
    pub seq: Seq,
    /// Its chain hash.
    pub head: Hash,
    /// Digest over everything applied and every outcome.
    pub trail: Hash,
    /// Digest of the model's state, at those marks where it is taken.
    pub state: Option<Hash>,
}

impl Voice {
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        writer.u16(self.lowest.0).u16(self.highest.0).count(self.barred.len());
        for group in &self.barred {
            writer.u16(group.0);
        }
        writer.count(self.marks.len());
        for (group, mark) in &self.marks {
            writer.u16(group.0).u64(mark.seq.0).hash(mark.head).hash(mark.trail);
            writer.flag(mark.state.is_some());
            if let Some(state) = mark.state {
                writer.hash(state);
            }
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (lowest, highest) = (ModelVersion(reader.u16()?), ModelVersion(reader.u16()?));
        let count = reader.count("barred groups", limits::GROUPS_MAX)?;
        let mut barred = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            barred.push(GroupId(reader.u16()?));
        }
        let count = reader.count("marks", limits::MARKS_MAX)?;
        let mut marks = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let group = GroupId(reader.u16()?);
            let mark = Mark {
                seq: Seq(reader.u64()?),
                head: reader.hash()?,
                trail: reader.hash()?,
                state: if reader.flag("state")? { Some(reader.hash()?) } else { None },
            };
            marks.push((group, mark));
        }
        Ok(Self { lowest, highest, barred, marks })
    }
}

#[cfg(test)]
mod tests;
