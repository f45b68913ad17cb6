//! The register's records a second time: what no peer can give back.
//!
//! A damaged record of a group is fetched from a peer. What this node promised and accepted as a member
//! of the register is on its own disk alone, and a member that has forgotten it must not vote. So each
//! record of the register is written again with the pulses that follow it, ever farther apart, and
//! every pulse says how many there were: a boot scan that comes upon damage then knows whether any of
//! them is gone, and takes it from a pulse. A record that is gone with all its copies keeps the node
//! from starting, unless a later one says all there is.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;
use types::Position;
use wire::{DecodeError, Reader, Writer};

/// The side that writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// Number of the next record of the register.
    count: u64,
    /// Number of the last that says all there is: none before it is needed.
    whole: u64,
    /// Those to be written again: number, bytes, and in how many pulses they could have been.
    recent: VecDeque<(u64, Bytes, u32)>,
}

impl Copies {
    /// Begins behind records that were found. Those that no pulse repeats are written again like new
    /// ones: the node ended before a pulse followed them.
    pub(super) fn after(kept: &Kept) -> Self {
        let mut copies = Self { count: kept.whole, whole: kept.whole, recent: VecDeque::new() };
        for (record, has_copy) in &kept.records {
            if *has_copy {
                copies.count += 1;
            } else {
                copies.note(record);
            }
        }
        copies
    }

    /// The next record of the register is about to be written.
    pub(super) fn note(&mut self, bytes: &Bytes) {
        if register::is_whole(bytes) {
            self.whole = self.count;
            self.recent.clear();
        }
        if bytes.len() <= COPY_BYTES_MAX {
            self.recent.push_back((self.count, bytes.clone(), 0));
        }
        self.count += 1;
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// Adds to a pulse: the number of the next record u64; then those written again, each with its
    /// number: count u32, number u64, bytes with their length; then the number u64 of the last that
    /// says all there is, which older pulses lack.
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
        writer.u64(self.whole);
    }
}

/// The side that reads: the register's records as a boot scan finds them.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Those whose numbers are certain.
    records: BTreeMap<u64, Bytes>,
    /// Number of the next; not known where the log is not read from its first record on, until a pulse
    /// says it.
    next: Option<u64>,
    /// Since the last pulse, or since the log was damaged after it: what was found and has no certain
    /// number yet.
    loose: Vec<Bytes>,
    /// How many of these stand before the last damage.
    before: usize,
    /// Where the log was first damaged since the last pulse.
    damaged_at: Option<Position>,
    copies: BTreeMap<u64, Bytes>,
    /// Number of the last record that says all there is.
    whole: u64,
    /// The last damage that took a record.
    lost_at: Option<Position>,
}

impl Found {
    /// What is read is the log from its first record on.
    pub(super) const fn begin(&mut self) {
        self.next = Some(0);
    }

    /// Takes the next record.
    pub(super) fn record(&mut self, bytes: Bytes) {
        match self.next {
            Some(next) if self.damaged_at.is_none() => {
                self.take(next, bytes);
                self.next = Some(next + 1);
            }
            _ => self.loose.push(bytes),
        }
    }

    /// The log is damaged here and may have held records of the register.
    pub(super) fn damaged(&mut self, at: Position) {
        self.damaged_at.get_or_insert(at);
        self.before = self.loose.len();
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
        if !reader.rest().is_empty() {
            self.whole = self.whole.max(reader.u64()?);
        }
        let contradicts = DecodeError::Invalid { field: "records of the register", value: count };
        let mut loose = core::mem::take(&mut self.loose);
        let before = core::mem::take(&mut self.before);
        let damaged_at = self.damaged_at.take();
        let next = self.next.replace(count);
        let at_least = next.unwrap_or_default() + loose.len() as u64;
        // Without damage none can be missing.
        if count < at_least || damaged_at.is_none() && next.is_some_and(|next| next != count) {
            return Err(contradicts);
        }
        if next.is_none() || count > at_least {
            // Of several damaged places nobody knows which took how many: what stands between them is
            // taken from copies.
            loose.drain(..before);
            self.lost_at = damaged_at.or(self.lost_at);
        }
        for (number, bytes) in (count - loose.len() as u64..).zip(loose) {
            self.take(number, bytes);
        }
        Ok(())
    }

    fn take(&mut self, number: u64, bytes: Bytes) {
        if register::is_whole(&bytes) {
            self.whole = self.whole.max(number);
        }
        self.records.insert(number, bytes);
    }

    /// All records from the last on that says all there is; or where the log was damaged if any of them is
    /// lost for good, or may be.
    pub(super) fn finish(mut self) -> Result<Kept, Position> {
        let lost_at = self.damaged_at.or(self.lost_at).unwrap_or_default();
        let Some(next) = self.next else {
            // Nothing was read, or no pulse in it that says where it belongs.
            return if self.loose.is_empty() && self.damaged_at.is_none() {
                Ok(Kept::default())
            } else {
                Err(lost_at)
            };
        };
        if self.damaged_at.is_some() {
            return Err(lost_at);
        }
        let needed = (self.whole..next).map(|number| {
            let (record, copy) = (self.records.remove(&number), self.copies.remove(&number));
            let has_copy = copy.is_some();
            record.or(copy).map(|record| (record, has_copy)).ok_or(lost_at)
        });
        Ok(Kept { whole: self.whole, records: needed.collect::<Result<_, _>>()? })
    }
}

/// The register's records that a start goes on from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// Number of the first: the last that says all there is, or the first of all.
    pub(super) whole: u64,
    /// In order, and whether a pulse repeats it.
    pub(super) records: Vec<(Bytes, bool)>,
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
