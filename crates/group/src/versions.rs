//! Which model version is in force at which record: the barriers of one chain.
//!
//! Every record names the version under which it was appended. It rises at an `Upgrade` record, the
//! barrier, and nowhere else; that is checked before a record is taken. The list follows the chain,
//! appended or committed, and is cut with it.

use alloc::vec::Vec;

use types::{ModelVersion, Seq};
use wire::{Header, RecordKind};

/// The barriers of a chain, rising in seq and version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Versions {
    barriers: Vec<(Seq, ModelVersion)>,
}

impl Versions {
    /// Those of a chain that goes on from a snapshot.
    pub(crate) const fn known(barriers: Vec<(Seq, ModelVersion)>) -> Self {
        Self { barriers }
    }

    /// The barriers up to `seq`.
    pub(crate) fn until(&self, seq: Seq) -> Vec<(Seq, ModelVersion)> {
        self.barriers.iter().copied().take_while(|(barrier, _)| *barrier <= seq).collect()
    }

    /// The version under which the record at `seq` is applied.
    pub(crate) fn at(&self, seq: Seq) -> ModelVersion {
        let passed = self.barriers.iter().rev().find(|(barrier, _)| *barrier <= seq);
        passed.map_or(ModelVersion::FIRST, |(_, version)| *version)
    }

    /// The last barrier at or below `seq`.
    pub(crate) fn barrier(&self, seq: Seq) -> Option<Seq> {
        self.barriers.iter().rev().map(|(barrier, _)| *barrier).find(|barrier| *barrier <= seq)
    }

    /// Whether the next record of the chain may carry this header's version.
    pub(crate) fn fits(&self, header: &Header) -> bool {
        let before = self.at(header.seq.prev());
        match header.kind {
            RecordKind::Upgrade => header.model > before,
            RecordKind::Commands
            | RecordKind::EpochStart
            | RecordKind::Beat
            | RecordKind::Channel
            | RecordKind::Handoff => header.model == before,
        }
    }

    /// Takes the next record of the chain.
    ///
    /// # Panics
    /// If it does not fit.
    pub(crate) fn push(&mut self, header: &Header) {
        assert!(self.fits(header), "a version rises at a barrier alone");
        if header.kind == RecordKind::Upgrade {
            self.barriers.push((header.seq, header.model));
        }
    }

    /// Takes a record that is not known to be the next: what the chain cannot read before it may hold
    /// barriers. One that must be there is taken to be this record until it is [learned](Self::learn).
    pub(crate) fn push_over(&mut self, header: &Header) {
        if header.kind == RecordKind::Upgrade || header.model != self.at(header.seq.prev()) {
            self.barriers.push((header.seq, header.model));
        }
    }

    /// Takes a record that was missing and is read now.
    pub(crate) fn learn(&mut self, header: &Header) {
        if header.kind != RecordKind::Upgrade {
            return;
        }
        let (seq, version) = (header.seq, header.model);
        self.barriers.retain(|(barrier, of)| *barrier < seq || *of != version);
        let place = self.barriers.partition_point(|(barrier, _)| *barrier < seq);
        self.barriers.insert(place, (seq, version));
    }

    /// Takes all barriers up to `seq`, from a snapshot.
    pub(crate) fn learn_until(&mut self, seq: Seq, known: &[(Seq, ModelVersion)]) {
        let before = known.last().map_or(ModelVersion::FIRST, |(_, version)| *version);
        self.barriers.retain(|(barrier, version)| *barrier > seq && *version > before);
        self.barriers.splice(..0, known.iter().copied());
    }

    /// The chain was cut: barriers above `seq` are gone.
    pub(crate) fn cut(&mut self, seq: Seq) {
        self.barriers.retain(|(barrier, _)| *barrier <= seq);
    }
}

#[cfg(test)]
mod tests;
