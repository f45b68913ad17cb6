//! What storage tells about itself: fsync times, volume, queue, and whether an fsync hangs.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use hdrhistogram::Histogram;
use types::Instant;

/// Fsyncs that take longer are counted as this long: ten minutes.
const FSYNC_US_MAX: u64 = 600_000_000;

/// Reads the node's monotonic clock. Given by the caller; used for figures only.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How much room the disk has for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Space {
    /// The next segment is there, or being prepared.
    Ample = 0,
    /// The next segment could not be allocated: the running one is the last. Raise the alarm.
    Low = 1,
    /// Little more than the reserve is left: no commands may be taken, and at the reserve itself records
    /// of groups are refused.
    Full = 2,
}

/// A snapshot.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Times of all fsyncs, microseconds.
    pub fsync_us: Histogram<u64>,
    /// When the last fsync returned; `None` before the first.
    pub fsync_last: Option<Instant>,
    /// Since when an fsync is under way.
    pub fsync_since: Option<Instant>,
    /// Commits.
    pub batches: u64,
    /// Records written.
    pub records: u64,
    /// Bytes of log written, frames included.
    pub bytes: u64,
    /// Superblocks written.
    pub superblocks: u64,
    /// Writes that wait or are under way.
    pub queue_count: usize,
    /// Their bytes.
    pub queue_bytes: usize,
    /// Room on the disk.
    pub space: Space,
}

/// The live figures.
#[derive(Debug)]
pub(crate) struct Gauges {
    fsync_us: Mutex<Histogram<u64>>,
    /// Instants plus one, so that zero is "none".
    fsync_last: AtomicU64,
    fsync_since: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) superblocks: AtomicU64,
    space: AtomicU8,
}

impl Gauges {
    pub(crate) fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, FSYNC_US_MAX, 3)
            .expect("bounds and digits are within the library's range");
        Self {
            fsync_us: Mutex::new(histogram),
            fsync_last: AtomicU64::new(0),
            fsync_since: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            superblocks: AtomicU64::new(0),
            space: AtomicU8::new(Space::Ample as u8),
        }
    }

    /// Runs an fsync under the clock.
    pub(crate) fn timed<T>(&self, clock: &Clock, fsync: impl FnOnce() -> T) -> T {
        let start = clock();
        self.fsync_since.store(start.0.saturating_add(1), Ordering::Release);
        let done = fsync();
        let end = clock();
        self.fsync_last.store(end.0.saturating_add(1), Ordering::Release);
        self.fsync_since.store(0, Ordering::Release);
        let mut histogram = self.fsync_us.lock().unwrap_or_else(PoisonError::into_inner);
        histogram.saturating_record(end.since(start));
        done
    }

    pub(crate) fn space(&self) -> Space {
        match self.space.load(Ordering::Acquire) {
            0 => Space::Ample,
            1 => Space::Low,
            _ => Space::Full,
        }
    }

    pub(crate) fn set_space(&self, space: Space) {
        self.space.store(space as u8, Ordering::Release);
    }

    /// Since when an fsync is under way; lock-free, for a watchdog.
    pub(crate) fn fsync_since(&self) -> Option<Instant> {
        self.fsync_since.load(Ordering::Acquire).checked_sub(1).map(Instant)
    }

    pub(crate) fn snapshot(&self, queue_count: usize, queue_bytes: usize) -> Stats {
        Stats {
            fsync_us: self.fsync_us.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            fsync_last: self.fsync_last.load(Ordering::Acquire).checked_sub(1).map(Instant),
            fsync_since: self.fsync_since(),
            batches: self.batches.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            superblocks: self.superblocks.load(Ordering::Relaxed),
            queue_count,
            queue_bytes,
            space: self.space(),
        }
    }
}

#[cfg(test)]
mod tests;
