//! The register's records a second time: what no peer can give back.
//!
//! A damaged record of a group is fetched from a peer. What this node promised and accepted as a member
//! of the register is on its own disk alone, and a member that has forgotten it must not vote. So each
//! record of the register is written again with the pulses that follow it, ever farther apart, and
//! every pulse says how many there were: a boot scan that comes upon damage then knows whether any of
//! them is gone, and takes it from a pulse. A record that is gone with all its copies keeps the node
//! from starting.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;
use types::Position;
use wire::{DecodeError, Reader, Writer, limits};

/// The side that writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// Records of the register in the log.
    count: u64,
    /// Those to be written again: number, bytes, and in how many pulses they could have been.
    recent: VecDeque<(u64, Bytes, u32)>,
}

impl Copies {
    /// Begins behind so many records.
    pub(super) const fn after(count: u64) -> Self {
        Self { count, recent: VecDeque::new() }
    }

    /// The next record of the register is about to be written.
    pub(super) fn note(&mut self, bytes: &Bytes) {
        if bytes.len() <= COPY_BYTES_MAX {
            self.recent.push_back((self.count, bytes.clone(), 0));
        }
        self.count += 1;
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// Adds to a pulse: the number of records u64, then those written again, each with its number u64:
    /// count u32, number u64, bytes with their length.
    pub(super) fn write(&mut self, writer: &mut Writer<'_>) {
        let mut due: Vec<(u64, Bytes)> = Vec::new();
        let mut bytes = 0;
        for (number, record, age) in &mut self.recent {
            *age += 1;
            if age.is_power_of_two() && bytes + record.len() <= COPIES_BYTES_MAX {
                bytes += record.len();
                due.push((*number, record.clone()));
            }
        }
        self.recent.retain(|(.., age)| *age < AGE_MAX);
        writer.u64(self.count).count(due.len());
        for (number, record) in due {
            writer.u64(number).run(&record);
        }
    }
}

/// The side that reads: the register's records as a boot scan finds them.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// By number, as far as numbers are certain; `None` is one that is lost.
    records: Vec<Option<Bytes>>,
    /// Since the log was damaged at the first of these places: what was found, whose numbers are not
    /// certain. The flag says whether there were several places.
    loose: Option<(Position, Vec<Bytes>, bool)>,
    copies: BTreeMap<u64, Bytes>,
    /// The last damage that took a record.
    lost_at: Option<Position>,
}

impl Found {
    /// Takes the next record.
    pub(super) fn record(&mut self, bytes: Bytes) {
        match &mut self.loose {
            Some((_, loose, _)) => loose.push(bytes),
            None => self.records.push(Some(bytes)),
        }
    }

    /// The log is damaged here and may have held records of the register.
    pub(super) fn damaged(&mut self, at: Position) {
        match &mut self.loose {
            Some((.., several)) => *several = true,
            None => self.loose = Some((at, Vec::new(), false)),
        }
    }

    /// Takes what a pulse says.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub(super) fn pulse(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let count = reader.u64()?;
        for _ in 0..reader.count("copies in a pulse", RECENT_MAX)? {
            let number = reader.u64()?;
            let bytes = reader.run("copy", COPY_BYTES_MAX)?;
            self.copies.insert(number, Bytes::copy_from_slice(bytes));
        }
        let Some((at, loose, several)) = self.loose.take() else { return Ok(()) };
        let known = (self.records.len() + loose.len()) as u64;
        let Some(missing) = count.checked_sub(known) else {
            return Err(DecodeError::Invalid { field: "records of the register", value: count });
        };
        if missing > limits::REGISTER_RECORDS_LOST_MAX {
            return Err(DecodeError::Invalid { field: "records of the register", value: count });
        }
        // Of several places nobody knows which of them took the record: all since is taken from copies.
        let lost = if several && missing > 0 { missing + loose.len() as u64 } else { missing };
        if lost > 0 {
            self.lost_at = Some(at);
        }
        self.records.extend((0..lost).map(|_| None));
        if lost == missing {
            self.records.extend(loose.into_iter().map(Some));
        }
        Ok(())
    }

    /// All records, in order; or where the log was damaged if any is lost for good, or may be.
    pub(super) fn finish(self) -> Result<Vec<Bytes>, Position> {
        if let Some((at, ..)) = self.loose {
            return Err(at);
        }
        let at = self.lost_at.unwrap_or_default();
        (0..)
            .zip(self.records)
            .map(|(number, record)| record.or_else(|| self.copies.get(&number).cloned()).ok_or(at))
            .collect()
    }
}

/// A record that is larger is not written again: it is what a member that was away had to catch up, and
/// rare.
const COPY_BYTES_MAX: usize = 256 << 10;

/// Bytes of copies in one pulse; what is left out has later chances.
const COPIES_BYTES_MAX: usize = 1 << 20;

/// Records that are still to be written again, at most.
const RECENT_MAX: usize = 1_024;

/// The last pulse that may contain a copy.
const AGE_MAX: u32 = 1_024;

const _: () = assert!(COPIES_BYTES_MAX + (64 << 10) < wire::log::PAYLOAD_BYTES_MAX / 4);

#[cfg(test)]
mod tests;
