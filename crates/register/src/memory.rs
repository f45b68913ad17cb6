//! The storage that the consensus library writes to: memory, with a mark of what it touched.
//!
//! The library owns its storage, calls it in the middle of a step, and gives nobody a way to it. So
//! storage here is memory that cannot fail; after each step [`Log`](crate::log::Log) reads what
//! changed through the library's own accessors and makes one record of it. Two things the library
//! does not show are left in [`Marks`]: the ballot of the last accepted round, and how far the log
//! was cut back. They are atomics because that is what a shared cell without a lock can be when the
//! whole must stay free to move to another thread; nothing here runs in parallel.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::error::Error;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::storage::{NoSnapshot, StopSign, Storage, StorageOp, StorageResult};

use crate::log::Entry;
use crate::paxos::CONFIGURATION;

/// What consensus keeps on disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    /// `None` until a promise was made.
    pub(crate) promise: Option<Ballot>,
    /// `None` until something was accepted.
    pub(crate) round: Option<Ballot>,
    pub(crate) decided: usize,
    pub(crate) entries: Vec<Entry>,
}

/// What the last step touched, as far as the library does not show it.
#[derive(Debug)]
pub(crate) struct Marks {
    /// The shortest length the log had; `usize::MAX` when it was not touched.
    kept: AtomicUsize,
    /// Number and node of the accepted round: `n << 8 | pid`, 0 for none.
    round: AtomicU64,
}

impl Marks {
    pub(crate) fn new(round: Option<Ballot>) -> Self {
        Self { kept: AtomicUsize::new(usize::MAX), round: AtomicU64::new(pack(round)) }
    }

    /// How much of the log was left alone since the last call; `None` if all of it.
    pub(crate) fn take_kept(&self) -> Option<usize> {
        let kept = self.kept.swap(usize::MAX, Ordering::Relaxed);
        (kept != usize::MAX).then_some(kept)
    }

    pub(crate) fn round(&self) -> Option<Ballot> {
        unpack(self.round.load(Ordering::Relaxed))
    }
}

fn pack(ballot: Option<Ballot>) -> u64 {
    ballot.map_or(0, |ballot| {
        assert!(ballot.pid < 256, "members are numbered from 1 to a handful");
        (u64::from(ballot.n) << 8) | ballot.pid
    })
}

fn unpack(value: u64) -> Option<Ballot> {
    let n = u32::try_from(value >> 8).expect("40 bits were packed");
    (value != 0).then(|| Ballot::with(CONFIGURATION, n, 0, value & 0xff))
}

/// A call that the register never causes: it uses no snapshots and does not change its members.
#[derive(Debug, thiserror::Error)]
#[error("the register does not use this part of the log")]
struct Unused;

/// A write past the end of the log, which the frames' checks exclude.
#[derive(Debug, thiserror::Error)]
#[error("the log of {length} entries cannot be continued at {from}")]
struct Hole {
    length: usize,
    from: usize,
}

/// The library's storage.
#[derive(Debug)]
pub(crate) struct Memory {
    image: Image,
    marks: Arc<Marks>,
}

impl Memory {
    pub(crate) const fn new(image: Image, marks: Arc<Marks>) -> Self {
        Self { image, marks }
    }

    fn put(&mut self, from: usize, entries: Vec<Entry>) -> StorageResult<()> {
        let length = self.image.entries.len();
        if from > length {
            return Err(Box::new(Hole { length, from }));
        }
        self.image.entries.truncate(from);
        self.image.entries.extend(entries);
        self.marks.kept.fetch_min(from, Ordering::Relaxed);
        Ok(())
    }

    fn unused<T>() -> StorageResult<T> {
        let error: Box<dyn Error> = Box::new(Unused);
        Err(error)
    }
}

impl Storage<Entry> for Memory {
    fn write_atomically(&mut self, ops: Vec<StorageOp<Entry>>) -> StorageResult<()> {
        for op in ops {
            match op {
                StorageOp::AppendEntry(entry) => self.append_entry(entry)?,
                StorageOp::AppendEntries(entries) => self.append_entries(entries)?,
                StorageOp::AppendOnPrefix(from, entries) => self.append_on_prefix(from, entries)?,
                StorageOp::SetPromise(ballot) => self.set_promise(ballot)?,
                StorageOp::SetDecidedIndex(index) => self.set_decided_idx(index)?,
                StorageOp::SetAcceptedRound(ballot) => self.set_accepted_round(ballot)?,
                StorageOp::SetCompactedIdx(index) => self.set_compacted_idx(index)?,
                StorageOp::Trim(index) => self.trim(index)?,
                StorageOp::SetStopsign(sign) => self.set_stopsign(sign)?,
                StorageOp::SetSnapshot(snapshot) => self.set_snapshot(snapshot)?,
            }
        }
        Ok(())
    }

    fn append_entry(&mut self, entry: Entry) -> StorageResult<()> {
        self.put(self.image.entries.len(), Vec::from([entry]))
    }

    fn append_entries(&mut self, entries: Vec<Entry>) -> StorageResult<()> {
        if entries.is_empty() {
            return Ok(());
        }
        self.put(self.image.entries.len(), entries)
    }

    fn append_on_prefix(&mut self, from_idx: usize, entries: Vec<Entry>) -> StorageResult<()> {
        if from_idx == self.image.entries.len() && entries.is_empty() {
            return Ok(());
        }
        self.put(from_idx, entries)
    }

    fn set_promise(&mut self, n_prom: Ballot) -> StorageResult<()> {
        self.image.promise = Some(n_prom);
        Ok(())
    }

    fn set_decided_idx(&mut self, ld: usize) -> StorageResult<()> {
        self.image.decided = ld;
        Ok(())
    }

    fn get_decided_idx(&self) -> StorageResult<usize> {
        Ok(self.image.decided)
    }

    fn set_accepted_round(&mut self, na: Ballot) -> StorageResult<()> {
        self.image.round = Some(na);
        self.marks.round.store(pack(Some(na)), Ordering::Relaxed);
        Ok(())
    }

    fn get_accepted_round(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.image.round)
    }

    fn get_entries(&self, from: usize, to: usize) -> StorageResult<Vec<Entry>> {
        Ok(self.image.entries.get(from..to).map(<[Entry]>::to_vec).unwrap_or_default())
    }

    fn get_log_len(&self) -> StorageResult<usize> {
        Ok(self.image.entries.len())
    }

    fn get_suffix(&self, from: usize) -> StorageResult<Vec<Entry>> {
        Ok(self.image.entries.get(from..).map(<[Entry]>::to_vec).unwrap_or_default())
    }

    fn get_promise(&self) -> StorageResult<Option<Ballot>> {
        Ok(self.image.promise)
    }

    fn set_stopsign(&mut self, s: Option<StopSign>) -> StorageResult<()> {
        if s.is_some() { Self::unused() } else { Ok(()) }
    }

    fn get_stopsign(&self) -> StorageResult<Option<StopSign>> {
        Ok(None)
    }

    fn trim(&mut self, _idx: usize) -> StorageResult<()> {
        Self::unused()
    }

    fn set_compacted_idx(&mut self, _idx: usize) -> StorageResult<()> {
        Self::unused()
    }

    fn get_compacted_idx(&self) -> StorageResult<usize> {
        Ok(0)
    }

    fn set_snapshot(&mut self, _snapshot: Option<NoSnapshot>) -> StorageResult<()> {
        Self::unused()
    }

    fn get_snapshot(&self) -> StorageResult<Option<NoSnapshot>> {
        Ok(None)
    }
}
