//! The chain of one group as this replica holds it: what stands at each seq, and where its bytes are.
//!
//! A replica must say at once whether a record continues its chain, is already in it, leaves a gap
//! or contradicts it; and must be able to set a suffix aside. Recent records keep their bytes in
//! memory for peers and for the model; older ones know their place on disk. A chain may begin at a
//! *base*: the record of a snapshot, of which only epoch, seq, hash and stamp are known. What lies
//! below it is in the snapshot. The chain does no I/O and does not know who may append.

mod holes;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use bytes::Bytes;
use types::{Epoch, Hash, Position, Seq, Stamp, Tail};
use wire::{Header, Record};

pub use holes::Hole;

/// One record of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Epoch of the record.
    pub epoch: Epoch,
    /// Its chain hash.
    pub hash: Hash,
    /// Its stamp.
    pub stamp: Stamp,
    /// Its size in bytes.
    pub size: usize,
    /// Bytes of the chain up to and with this record.
    pub end: u64,
    /// Where it stands in the log; `None` until storage has said so.
    pub at: Option<Position>,
    /// Its bytes, while they are kept in memory.
    pub bytes: Option<Bytes>,
}

/// How a record relates to the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It is the next record and links to the last.
    Next,
    /// The very record is already there.
    Have,
    /// It stands where this replica cannot read what it holds, and may be that record.
    Hole,
    /// Records are missing before it.
    Gap,
    /// It contradicts what is there: another record stands at its seq or before it.
    Fork,
}

/// A run of records taken off the chain, all of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Their epoch.
    pub epoch: Epoch,
    /// Seq of the first.
    pub first: Seq,
    /// Seq of the last.
    pub last: Seq,
    /// Chain hash of the last.
    pub head: Hash,
}

/// The records of one group from a base on; without a snapshot the first is at seq 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The record before the first link, and its stamp.
    base: Tail,
    base_stamp: Stamp,
    /// Bytes of the records that were let go.
    base_end: u64,
    links: Vec<Link>,
    /// Bytes held in memory, and how many may be.
    held: usize,
    held_max: usize,
    /// Links below this index hold no bytes.
    held_from: usize,
    /// Ranges that cannot be read here, by their first seq.
    holes: BTreeMap<Seq, Hole>,
    /// Records that were put back: they stand later in the log than those after them.
    moved: BTreeSet<Seq>,
}

impl Chain {
    /// An empty chain that keeps up to about `held_max` bytes of recent records in memory. Records
    /// that storage has not placed yet are kept beyond that.
    #[must_use]
    pub const fn new(held_max: usize) -> Self {
        let start = Tail { epoch: Epoch(0), seq: Seq(0), hash: Hash::ZERO };
        Self::after(start, Stamp(0), held_max)
    }

    /// As [`Chain::new`], going on from a record of which no more is known than this.
    #[must_use]
    pub const fn after(base: Tail, stamp: Stamp, held_max: usize) -> Self {
        Self {
            base,
            base_stamp: stamp,
            base_end: 0,
            links: Vec::new(),
            held: 0,
            held_max,
            held_from: 0,
            holes: BTreeMap::new(),
            moved: BTreeSet::new(),
        }
    }

    /// The record that the chain goes on from; nothing below it is known here.
    #[must_use]
    pub const fn base(&self) -> Tail {
        self.base
    }

    /// Where the chain ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        let seq = Seq(self.base.seq.0 + self.links.len() as u64);
        self.tail_at(seq).unwrap_or(self.base)
    }

    /// Stamp of the record at `seq`; 0 before the first, `None` where nothing is known.
    #[must_use]
    pub fn stamp_at(&self, seq: Seq) -> Option<Stamp> {
        if seq == self.base.seq {
            return Some(self.base_stamp);
        }
        self.link(seq).map(|link| link.stamp)
    }

    /// Where the earliest in the log stands of the records above `seq` that storage has placed.
    #[must_use]
    pub fn first_placed_above(&self, seq: Seq) -> Option<Position> {
        let from = self.index(seq.next()).unwrap_or(0);
        let above = self.links.get(from..)?.iter().zip(from..);
        let mut in_order = above.filter(|(_, index)| !self.moved.contains(&self.seq_of(*index)));
        let first = in_order.find_map(|(link, _)| link.at);
        let moved = self.moved.range(seq.next()..).filter_map(|seq| self.link(*seq)?.at);
        moved.chain(first).min()
    }

    /// Where the latest in the log stands of the placed records up to `seq`.
    #[must_use]
    pub fn last_placed(&self, seq: Seq) -> Option<Position> {
        let until = self.index(seq.next()).unwrap_or(0).min(self.links.len());
        let upto = self.links.get(..until)?.iter().enumerate().rev();
        let mut in_order = upto.filter(|(index, _)| !self.moved.contains(&self.seq_of(*index)));
        let last = in_order.find_map(|(_, link)| link.at);
        let moved = self.moved.range(..=seq).filter_map(|seq| self.link(*seq)?.at);
        moved.chain(last).max()
    }

    /// Lets go of everything up to the record `base`, which becomes the base. Nothing happens where the
    /// chain does not reach so far, or begins later.
    ///
    /// # Panics
    /// If another record is known to stand at its seq.
    pub fn forget(&mut self, base: Tail, stamp: Stamp) {
        if base.seq <= self.base.seq || self.tail().seq < base.seq {
            return;
        }
        let known = self.tail_at(base.seq);
        assert!(known.is_none_or(|known| known.hash == base.hash), "one record at one seq");
        let count = self.index(base.seq.next()).unwrap_or(0);
        if let Some(last) = self.links.get(..count).and_then(<[Link]>::last) {
            self.base_end = last.end;
        }
        let gone = self.links.drain(..count);
        self.held -= gone.filter_map(|link| link.bytes).map(|bytes| bytes.len()).sum::<usize>();
        self.held_from = self.held_from.saturating_sub(count);
        self.forget_holes(base.seq);
        self.moved = self.moved.split_off(&base.seq.next());
        (self.base, self.base_stamp) = (base, stamp);
    }

    /// Where the chain would end if it ended at `seq`; `None` if it does not reach so far, or if what
    /// stands there is not known.
    #[must_use]
    pub fn tail_at(&self, seq: Seq) -> Option<Tail> {
        if seq == self.base.seq {
            return Some(self.base);
        }
        let known = self.link(seq).or_else(|| self.end_of_hole(seq));
        known.map(|link| Tail { epoch: link.epoch, seq, hash: link.hash })
    }

    /// What stands at `seq`; `None` past the end, and where nothing is known of what stood there.
    #[must_use]
    pub fn link(&self, seq: Seq) -> Option<&Link> {
        self.links.get(self.index(seq)?).filter(|link| link.is_known())
    }

    /// Bytes of the records above `seq`.
    #[must_use]
    pub fn bytes_above(&self, seq: Seq) -> u64 {
        let end = self.end();
        end - self.link(seq).map_or(self.base_end, |link| link.end).min(end)
    }

    /// Bytes of the chain, as far as it was ever known here.
    fn end(&self) -> u64 {
        self.links.last().map_or(self.base_end, |link| link.end)
    }

    /// Whether the chain passes through `tail`, as far as it is known here: never below the base.
    #[must_use]
    pub fn passes(&self, tail: Tail) -> bool {
        self.tail_at(tail.seq) == Some(tail)
    }

    /// How a record with this header and hash relates to the chain.
    #[must_use]
    pub fn fit(&self, header: &Header, hash: Hash) -> Fit {
        let tail = self.tail();
        if header.seq > tail.seq.next() {
            return Fit::Gap;
        }
        if header.seq == tail.seq.next() {
            return if header.previous == tail.hash { Fit::Next } else { Fit::Fork };
        }
        if header.seq <= self.base.seq {
            // What lies below the base was committed, and the base's hash stands for all of it.
            let is_other = header.seq == self.base.seq && hash != self.base.hash;
            return if is_other { Fit::Fork } else { Fit::Have };
        }
        let is_hole = self.hole_at(header.seq).is_some();
        match self.link(header.seq) {
            Some(link) if link.hash == hash => {
                if is_hole {
                    Fit::Hole
                } else {
                    Fit::Have
                }
            }
            None if is_hole => Fit::Hole,
            _ => Fit::Fork,
        }
    }

    /// Adds the next record.
    ///
    /// # Panics
    /// If it does not [`Fit::Next`].
    pub fn push(&mut self, record: &Record, at: Option<Position>) {
        let header = record.header();
        assert!(self.fit(header, record.hash()) == Fit::Next, "a chain grows link by link");
        let size = record.bytes().len();
        let end = self.end() + size as u64;
        self.held += size;
        self.links.push(Link {
            epoch: header.epoch,
            hash: record.hash(),
            stamp: header.stamp,
            size,
            end,
            at,
            bytes: Some(record.bytes().clone()),
        });
        self.shed();
    }

    /// Notes where storage has put the record at `seq`, if that is still the record with `hash`.
    pub fn place(&mut self, seq: Seq, hash: Hash, at: Position) {
        let link = self.index(seq).and_then(|index| self.links.get_mut(index));
        if let Some(link) = link.filter(|link| link.hash == hash) {
            link.at = Some(at);
        }
        self.shed();
    }

    /// Takes everything above `seq` off the chain and says what it was, oldest run first.
    ///
    /// # Panics
    /// If `seq` is below the base: what lies there is not known here.
    pub fn cut(&mut self, seq: Seq) -> Vec<Run> {
        assert!(seq >= self.base.seq, "a chain is cut above its base");
        let keep = seq.0 - self.base.seq.0;
        let keep = usize::try_from(keep).unwrap_or(usize::MAX).min(self.links.len());
        let first = self.base.seq;
        let mut runs: Vec<Run> = Vec::new();
        for (offset, link) in self.links.drain(keep..).enumerate() {
            let seq = Seq(first.0 + (keep + offset) as u64 + 1);
            self.held -= link.bytes.as_ref().map_or(0, Bytes::len);
            match runs.last_mut() {
                Some(run) if run.epoch == link.epoch => {
                    run.last = seq;
                    run.head = link.hash;
                }
                _ => runs.push(Run { epoch: link.epoch, first: seq, last: seq, head: link.hash }),
            }
        }
        self.held_from = self.held_from.min(keep);
        self.cut_holes(seq);
        self.moved.split_off(&seq.next());
        runs
    }

    /// Lets go of the oldest bytes in memory that storage holds too, but never of the last record's:
    /// a home shows it to members that lack more than is in memory.
    fn shed(&mut self) {
        while self.held > self.held_max && self.held_from + 1 < self.links.len() {
            let Some(link) = self.links.get_mut(self.held_from) else { return };
            if link.at.is_none() && link.bytes.is_some() {
                return;
            }
            self.held -= link.bytes.take().map_or(0, |bytes| bytes.len());
            self.held_from += 1;
        }
    }

    /// The seq of the link that stands at `index`.
    const fn seq_of(&self, index: usize) -> Seq {
        Seq(self.base.seq.0 + index as u64 + 1)
    }

    /// Where the link of `seq` stands, if the chain reached it; `None` up to the base.
    fn index(&self, seq: Seq) -> Option<usize> {
        usize::try_from(seq.0.checked_sub(self.base.seq.0)?.checked_sub(1)?).ok()
    }
}

#[cfg(test)]
mod tests;
