//! Ranges of a chain whose records this replica held and cannot read.
//!
//! The record after a hole names the hash of the last one in it, and that one names the one before:
//! so a hole is filled from its end down, and what fills it is exactly what was lost. A hole is
//! either found by a boot scan, and then nothing else is known of its records; or it opens while the
//! node runs, under a record of which everything but the bytes is known.

use types::{Epoch, Hash, Position, Seq, Stamp};
use wire::Record;

use super::{Chain, Fit, Link};

/// A range of records that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Its first seq.
    pub first: Seq,
    /// Its last seq.
    pub last: Seq,
    /// Chain hash of the record at `last`.
    pub hash: Hash,
}

impl Hole {
    /// Whether `seq` lies in it.
    #[must_use]
    pub fn covers(&self, seq: Seq) -> bool {
        self.first <= seq && seq <= self.last
    }
}

impl Link {
    /// A record of which only the place is known. No record has no bytes.
    const fn unknown(epoch: Epoch, end: u64) -> Self {
        Self { epoch, hash: Hash::ZERO, stamp: Stamp(0), size: 0, end, at: None, bytes: None }
    }

    pub(super) const fn is_known(&self) -> bool {
        self.size > 0
    }
}

impl Chain {
    /// The holes, by their seqs.
    pub fn holes(&self) -> impl Iterator<Item = Hole> {
        self.holes.values().copied()
    }

    /// The hole that `seq` lies in.
    #[must_use]
    pub fn hole_at(&self, seq: Seq) -> Option<Hole> {
        let (_, hole) = self.holes.range(..=seq).next_back()?;
        hole.covers(seq).then_some(*hole)
    }

    /// Whether all of it can be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.holes.is_empty()
    }

    /// The last seq below which, itself included, there is no hole.
    #[must_use]
    pub fn whole(&self) -> Seq {
        self.holes.keys().next().map_or(self.tail().seq, |first| first.prev())
    }

    /// Adds a record that leaves a gap: what lies between was in this log and cannot be read.
    /// `epoch_of` says which epoch a seq of this chain belongs to.
    ///
    /// # Panics
    /// If the record leaves no [`Fit::Gap`].
    pub fn push_over(&mut self, record: &Record, at: Position, epoch_of: impl Fn(Seq) -> Epoch) {
        let header = record.header();
        assert!(self.fit(header, record.hash()) == Fit::Gap, "a hole lies before the record");
        let (first, last) = (self.tail().seq.next(), header.seq.prev());
        let end = self.end();
        let mut seq = first;
        while seq <= last {
            self.links.push(Link::unknown(epoch_of(seq), end));
            seq = seq.next();
        }
        self.open(Hole { first, last, hash: header.previous });
        self.push(record, Some(at));
    }

    /// Notes that the record at `seq` cannot be read, although all else about it is known.
    pub fn lose(&mut self, seq: Seq) {
        if let Some(link) = self.link(seq)
            && self.hole_at(seq).is_none()
        {
            let hash = link.hash;
            self.open(Hole { first: seq, last: seq, hash });
        }
    }

    /// Notes that a record which was lost can be read where it stands after all.
    pub fn find(&mut self, record: &Record) {
        let seq = record.header().seq;
        if self.link(seq).is_some_and(|link| link.hash == record.hash()) {
            self.close(seq, record.header().previous);
        }
    }

    /// Puts a record back that now stands at `at` again. `false`, and nothing changes, if there is no
    /// hole at its seq or if it is not known to be the record that was there.
    ///
    /// # Panics
    /// If it does not link to the record before the hole, which holds for the very record.
    pub fn fill(&mut self, record: &Record, at: Position) -> bool {
        let header = record.header();
        let (seq, hash) = (header.seq, record.hash());
        let Some(hole) = self.hole_at(seq) else { return false };
        let known = self.link(seq).map(|link| link.hash);
        let wanted = if seq == hole.last { Some(hole.hash) } else { known };
        if wanted != Some(hash) {
            return false;
        }
        self.restore(record, at);
        true
    }

    /// As [`fill`](Self::fill) for a record that this replica's own log holds a second time: it is
    /// taken at any place of a hole if it agrees with what is known around it.
    pub fn refill(&mut self, record: &Record, at: Position) -> bool {
        let header = record.header();
        let (seq, hash) = (header.seq, record.hash());
        let Some(hole) = self.hole_at(seq) else { return false };
        let agrees = self.link(seq).is_none_or(|link| link.hash == hash)
            && (seq != hole.last || hole.hash == hash)
            && (seq != hole.first || self.hash_before(seq) == Some(header.previous));
        if agrees {
            self.restore(record, at);
        }
        agrees
    }

    fn restore(&mut self, record: &Record, at: Position) {
        let header = record.header();
        let before = self.hash_before(header.seq);
        assert!(before.is_none_or(|before| before == header.previous), "one hash, one chain");
        let index = self.index(header.seq);
        let Some(link) = index.and_then(|index| self.links.get_mut(index)) else {
            return;
        };
        link.epoch = header.epoch;
        link.hash = record.hash();
        link.stamp = header.stamp;
        link.size = record.bytes().len();
        link.at = Some(at);
        self.moved.insert(header.seq);
        self.close(header.seq, header.previous);
    }

    /// The hash of the record before `seq`, where it is known.
    fn hash_before(&self, seq: Seq) -> Option<Hash> {
        self.tail_at(seq.prev()).map(|tail| tail.hash)
    }

    /// Opens a hole, as one with those that it touches.
    fn open(&mut self, mut hole: Hole) {
        if let Some(before) = self.hole_at(hole.first.prev()) {
            self.holes.remove(&before.first);
            hole.first = before.first;
        }
        if let Some(after) = self.holes.remove(&hole.last.next()) {
            hole.last = after.last;
            hole.hash = after.hash;
        }
        // So that the chain can be said to end there.
        let index = self.index(hole.last);
        if let Some(link) = index.and_then(|index| self.links.get_mut(index)) {
            link.hash = hole.hash;
        }
        self.holes.insert(hole.first, hole);
    }

    /// Takes `seq` out of its hole. What is left below ends in a record with the hash `before`.
    fn close(&mut self, seq: Seq, before: Hash) {
        let Some(hole) = self.hole_at(seq) else { return };
        self.holes.remove(&hole.first);
        if hole.first < seq {
            self.open(Hole { last: seq.prev(), hash: before, ..hole });
        }
        if seq < hole.last {
            self.open(Hole { first: seq.next(), ..hole });
        }
    }

    /// What is known of the last record of a hole: its hash and epoch.
    pub(super) fn end_of_hole(&self, seq: Seq) -> Option<&Link> {
        self.hole_at(seq).filter(|hole| hole.last == seq)?;
        self.links.get(self.index(seq)?)
    }

    /// Takes off what lies above `seq`. Of a hole that the cut goes through, the new end is known by
    /// [`end_at`](Self::end_at) alone.
    pub(super) fn cut_holes(&mut self, seq: Seq) {
        self.holes.retain(|first, _| *first <= seq);
        let hash = self.index(seq).and_then(|index| self.links.get(index)).map(|link| link.hash);
        if let Some(hole) = self.holes.values_mut().next_back()
            && hole.last > seq
        {
            hole.last = seq;
            hole.hash = hash.unwrap_or_default();
        }
    }

    /// Lets go of what of the holes lies up to `seq`.
    pub(super) fn forget_holes(&mut self, seq: Seq) {
        let above = self.holes.values().filter(|hole| hole.last > seq);
        let above = above.map(|hole| Hole { first: hole.first.max(seq.next()), ..*hole });
        self.holes = above.map(|hole| (hole.first, hole)).collect();
    }

    /// Says with which record the chain ends, if it was cut in the middle of a hole: whoever cuts
    /// knows it from the start of the epoch that follows.
    pub fn end_at(&mut self, epoch: Epoch, hash: Hash) {
        let last = self.tail().seq;
        if self.hole_at(last).is_some_and(|hole| hole.hash == Hash::ZERO)
            && let Some(link) = self.links.last_mut()
            && !link.is_known()
        {
            (link.epoch, link.hash) = (epoch, hash);
            if let Some(hole) = self.holes.values_mut().next_back() {
                hole.hash = hash;
            }
        }
    }
}

#[cfg(test)]
mod tests;
