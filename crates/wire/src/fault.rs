//! Ranges of a chain that a replica held, or may have held, and cannot read (PROTOCOL 7.5).
//!
//! A replica with a fault says so wherever it says how far its chain goes: what it cannot read is
//! neither a copy nor something that it never had.

use alloc::vec::Vec;

use types::{Hash, Seq};

use crate::{DecodeError, Reader, Writer, limits};

/// A range of seqs that cannot be read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its first seq.
    pub first: Seq,
    /// Its last; `None` if the replica does not know how far it once went.
    pub last: Option<Seq>,
    /// Chain hash of the record before `first`, should the chain have to end there.
    pub before: Hash,
}

impl Fault {
    /// Whether `seq` lies in the range.
    #[must_use]
    pub fn covers(&self, seq: Seq) -> bool {
        self.first <= seq && self.last.is_none_or(|last| seq <= last)
    }
}

impl Writer<'_> {
    /// Faults: count u32, then per fault first u64, whether it ends u8, last u64 (0 if it does not
    /// end), hash before 32.
    pub fn faults(&mut self, faults: &[Fault]) -> &mut Self {
        self.count(faults.len());
        for fault in faults {
            self.u64(fault.first.0).flag(fault.last.is_some());
            self.u64(fault.last.unwrap_or_default().0).hash(fault.before);
        }
        self
    }
}

impl Reader<'_> {
    /// Faults whose seqs rise, with no end at most in the last.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn faults(&mut self) -> Result<Vec<Fault>, DecodeError> {
        let count = self.count("faults", limits::FAULTS_MAX)?;
        let mut faults: Vec<Fault> = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            let first = Seq(self.u64()?);
            let ends = self.flag("whether a fault ends")?;
            let last = Seq(self.u64()?);
            let before = self.hash()?;
            let follows = match faults.last() {
                Some(before) => before.last.is_some_and(|last| last < first),
                None => first > Seq(0),
            };
            if !follows || (ends && last < first) || (!ends && last != Seq(0)) {
                return Err(DecodeError::Invalid { field: "fault", value: first.0 });
            }
            faults.push(Fault { first, last: ends.then_some(last), before });
        }
        Ok(faults)
    }

    /// At least one fault: what has none is encoded as it was before there were any.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn some_faults(&mut self) -> Result<Vec<Fault>, DecodeError> {
        let faults = self.faults()?;
        if faults.is_empty() {
            return Err(DecodeError::Invalid { field: "number of faults", value: 0 });
        }
        Ok(faults)
    }
}

#[cfg(test)]
mod tests;
