//! How far a member's log is, as it says of itself: what people need to know who have to choose among
//! survivors, and what tells two histories from each other.
//!
//! Of two members of one generation the one that accepted its log under the later ballot knows all that
//! was decided before that ballot, however long the other's log is; under the same ballot the longer log
//! has the shorter one as its beginning.

use alloc::vec::Vec;

use types::Hash;
use wire::{DecodeError, Reader, Writer};

use crate::numbers::FORCES_MAX;
use crate::paxos;

/// What a member says of its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The generation whose log it has.
    pub generation: u64,
    /// Whether it is one of that generation's members.
    pub votes: bool,
    /// Names of the entries by which generations were begun by force, oldest first.
    pub lineage: Vec<Hash>,
    /// The ballot under which it accepted its log, and the place among the members of who had it; zeros
    /// in a log that begins with its generation.
    pub round: (u64, u64),
    /// Entries accepted, decided or not.
    pub accepted: usize,
    /// Entries known to be decided.
    pub decided: usize,
}

/// How one history stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    /// Begun by force equally often, or never.
    Same,
    /// The other was begun anew since.
    Behind,
    /// This one was begun anew since.
    Ahead,
    /// Both were, by people who did not know of each other. Neither may ever take from the other.
    Split,
}

impl Reach {
    /// Whether somebody who must go on from one of the two loses less by going on from this one.
    #[must_use]
    pub fn is_better_than(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }

    fn rank(&self) -> (usize, u64, (u64, u64), usize) {
        (self.lineage.len(), self.generation, self.round, self.accepted)
    }

    /// How this history stands to the other.
    pub(crate) fn kin(&self, other: &Self) -> Kin {
        let is_shared = self.lineage.iter().zip(&other.lineage).all(|(one, two)| one == two);
        match self.lineage.len().cmp(&other.lineage.len()) {
            _ if !is_shared => Kin::Split,
            core::cmp::Ordering::Less => Kin::Behind,
            core::cmp::Ordering::Equal => Kin::Same,
            core::cmp::Ordering::Greater => Kin::Ahead,
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let Self { generation, votes, lineage, round, accepted, decided } = self;
        writer.u64(*generation).flag(*votes).count(lineage.len());
        for origin in lineage {
            writer.hash(*origin);
        }
        writer.u64(round.0).u64(round.1);
        paxos::index(writer, *accepted);
        paxos::index(writer, *decided);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (generation, votes) = (reader.u64()?, reader.flag("votes")?);
        let count = reader.count("beginnings by force", FORCES_MAX)?;
        let lineage = (0..count).map(|_| reader.hash()).collect::<Result<_, _>>()?;
        let round = (reader.u64()?, reader.u64()?);
        let (accepted, decided) = (paxos::read_index(reader)?, paxos::read_index(reader)?);
        Ok(Self { generation, votes, lineage, round, accepted, decided })
    }
}

#[cfg(test)]
mod tests;
