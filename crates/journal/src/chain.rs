//! The chain of one group as this replica holds it: what stands at each seq, and where its bytes are.
//!
//! A replica must say at once whether a record continues its chain, is already in it, leaves a gap
//! or contradicts it; and must be able to set a suffix aside. Recent records keep their bytes in
//! memory for peers and for the model; older ones know their place on disk. The chain does no I/O and
//! does not know who may append.

mod holes;

use alloc::collections::BTreeMap;
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

/// All records of one group, the first at seq 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    links: Vec<Link>,
    /// Bytes held in memory, and how many may be.
    held: usize,
    held_max: usize,
    /// Links below this index hold no bytes.
    held_from: usize,
    /// Ranges that cannot be read here, by their first seq.
    holes: BTreeMap<Seq, Hole>,
}

impl Chain {
    /// An empty chain that keeps up to about `held_max` bytes of recent records in memory. Records
    /// that storage has not placed yet are kept beyond that.
    #[must_use]
    pub const fn new(held_max: usize) -> Self {
        Self { links: Vec::new(), held: 0, held_max, held_from: 0, holes: BTreeMap::new() }
    }

    /// Where the chain ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail_at(Seq(self.links.len() as u64)).unwrap_or_default()
    }

    /// Where the chain would end if it ended at `seq`; `None` if it does not reach so far, or if what
    /// stands there is not known.
    #[must_use]
    pub fn tail_at(&self, seq: Seq) -> Option<Tail> {
        if seq == Seq(0) {
            return Some(Tail::default());
        }
        let known = self.link(seq).or_else(|| self.end_of_hole(seq));
        known.map(|link| Tail { epoch: link.epoch, seq, hash: link.hash })
    }

    /// What stands at `seq`; `None` past the end, and where nothing is known of what stood there.
    #[must_use]
    pub fn link(&self, seq: Seq) -> Option<&Link> {
        self.links.get(index(seq)?).filter(|link| link.is_known())
    }

    /// Bytes of the records above `seq`.
    #[must_use]
    pub fn bytes_above(&self, seq: Seq) -> u64 {
        let end = self.links.last().map_or(0, |link| link.end);
        end - self.link(seq).map_or(0, |link| link.end).min(end)
    }

    /// Whether the chain passes through `tail`.
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
        let end = self.links.last().map_or(0, |link| link.end) + size as u64;
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
        let link = index(seq).and_then(|index| self.links.get_mut(index));
        if let Some(link) = link.filter(|link| link.hash == hash) {
            link.at = Some(at);
        }
        self.shed();
    }

    /// Takes everything above `seq` off the chain and says what it was, oldest run first.
    pub fn cut(&mut self, seq: Seq) -> Vec<Run> {
        let keep = usize::try_from(seq.0).unwrap_or(usize::MAX).min(self.links.len());
        let mut runs: Vec<Run> = Vec::new();
        for (offset, link) in self.links.drain(keep..).enumerate() {
            let seq = Seq((keep + offset) as u64 + 1);
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
}

fn index(seq: Seq) -> Option<usize> {
    usize::try_from(seq.0.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests;
