//! The handle that callers hold, and what the three threads share.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
};

use types::{Instant, Position};
use wire::log::Kind;

use crate::{
    Clock, Completion, Disk, Failure, OpenError, Refused, Replayed, Request, Sink, Space, Stats,
    commit::Committer,
    files::{self, Files, Job},
    prepare,
    queue::{Bounds, Phase, Place, Queue, Write},
    read::{self, Loads},
    segment::Segment,
    stats::Gauges,
    superblocks::Floor,
};

/// Running storage. Closing it, or dropping it, writes what waits and ends the threads.
pub struct Storage {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    /// Kept to the end, so that nobody opens the folder while a thread may still write.
    _lock: Box<dyn Send + Sync>,
}

/// Takes requests; cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// What the threads share.
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) sink: Sink,
    pub(crate) clock: Clock,
    pub(crate) gauges: Gauges,
    queue: Mutex<Queue>,
    /// The storage thread sleeps here.
    work: Condvar,
    /// The preparing thread sleeps here.
    pub(crate) wanted: Condvar,
    pub(crate) loads: Loads,
    pub(crate) files: Files,
    segments: Mutex<BTreeMap<u64, Segment>>,
}

/// What the storage thread does next.
pub(crate) enum Next {
    Write,
    Close,
    Fail(Failure),
}

impl Storage {
    pub(crate) fn start(replayed: Replayed, sink: Sink) -> Result<Self, OpenError> {
        let sizes = replayed.blob_bytes();
        let end = replayed.found().end;
        let Replayed { options, disk, lock, gauges, superblocks, segments, tail, .. } = replayed;
        let current = segments.get(tail).expect("the log ends in one of its segments").clone();
        let place = Place {
            at: end.0,
            end: current.end(),
            next: segments.get(tail + 1).map(|next| next.length),
        };
        let bounds = Bounds {
            record_bytes_max: options.record_bytes_max(),
            queue_bytes_max: options.queue_bytes_max,
            superblock_bytes_max: usize::try_from(superblocks.slot_bytes()).unwrap_or(usize::MAX),
            reserve_bytes: options.reserve_bytes,
        };
        let shared = Arc::new(Shared {
            disk,
            sink,
            clock: Arc::clone(&options.clock),
            gauges,
            queue: Mutex::new(Queue::new(place, bounds, sizes)),
            work: Condvar::new(),
            wanted: Condvar::new(),
            loads: Loads::new(),
            files: Files::new(),
            segments: Mutex::new(segments.into_iter().map(|one| (one.first, one)).collect()),
        });
        let committer = Committer::new(Arc::clone(&shared), superblocks, current, end);
        let mut storage = Self { shared: Arc::clone(&shared), threads: Vec::new(), _lock: lock };
        let reader = Arc::clone(&shared);
        storage.spawn("storage-read", move || read::run(&reader))?;
        let (filer, folder) = (Arc::clone(&shared), options.folder.clone());
        storage.spawn("storage-files", move || files::run(&filer, &folder))?;
        storage.spawn("storage-prepare", move || prepare::run(&shared, &options))?;
        storage.spawn("storage", move || committer.run())?;
        Ok(storage)
    }

    fn spawn(
        &mut self,
        name: &'static str,
        run: impl FnOnce() + Send + 'static,
    ) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.into()).spawn(run);
        self.threads.push(thread.map_err(OpenError::io("start the thread", name))?);
        Ok(())
    }

    /// A handle for requests.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared) }
    }

    /// Writes what waits, records in the superblock how far the log goes, and ends the threads.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.shared.close();
        for thread in self.threads.drain(..) {
            // A panic of the thread was printed where it happened, and stops a released binary.
            if thread.join().is_err() {
                self.shared.stop(None);
            }
        }
    }
}

impl Handle {
    /// Hands over requests in order, as many as are taken; the rest stays in `requests`.
    ///
    /// # Errors
    /// [`Refused`], about the request that is now first.
    ///
    /// # Panics
    /// If asked to append a `Kind::Roll`, which is storage's own.
    pub fn submit(&self, requests: &mut VecDeque<Request>) -> Result<(), Refused> {
        let mut queue = self.shared.queue();
        let result = self.submit_all(&mut queue, requests);
        let wake = queue.idle && !queue.writes.is_empty();
        queue.idle &= !wake;
        let want = queue.place.next.is_none();
        drop(queue);
        if wake {
            self.shared.work.notify_one();
        }
        if want {
            self.shared.wanted.notify_one();
        }
        result
    }

    fn submit_all(
        &self,
        queue: &mut Queue,
        requests: &mut VecDeque<Request>,
    ) -> Result<(), Refused> {
        while let Some(request) = requests.front() {
            if queue.phase != Phase::Open {
                return Err(Refused::Stopped);
            }
            match request {
                Request::Append { owner, id, kind, bytes } => {
                    assert!(*kind != Kind::Roll, "storage alone ends a segment");
                    let done = queue.append(*owner, *id, *kind, bytes.clone());
                    if done == Err(Refused::DiskFull) || queue.is_full() {
                        self.shared.gauges.set_space(Space::Full);
                    }
                    done?;
                }
                Request::Superblock { owner, id, group, blob } => {
                    queue.blob(*owner, *id, *group, blob.clone())?;
                }
                Request::Floor { owner, id, start, keep } => {
                    assert!(keep <= start, "what a start reads is kept");
                    queue.floor(*owner, *id, Floor { start: *start, keep: *keep })?;
                }
                Request::SnapshotWrite { group, seq, offset, bytes, is_last } => {
                    let (name, offset, is_last) = ((*group, *seq), *offset, *is_last);
                    let bytes = bytes.clone();
                    self.shared.files.push(Job::Write { name, offset, bytes, is_last })?;
                }
                Request::SnapshotRead { owner, id, group, seq, offset, bytes_max } => {
                    let (owner, id, name) = (*owner, *id, (*group, *seq));
                    let (offset, bytes_max) = (*offset, *bytes_max);
                    self.shared.files.push(Job::Read { owner, id, name, offset, bytes_max })?;
                }
                Request::SnapshotRemove { group, seq } => {
                    self.shared.files.push(Job::Remove((*group, *seq)))?;
                }
                Request::Load { owner, id, at } => self.shared.loads.push(*owner, *id, *at)?,
            }
            requests.pop_front();
        }
        Ok(())
    }

    /// Figures for metrics.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let (count, bytes) = self.shared.queue().depth();
        self.shared.gauges.snapshot(count, bytes)
    }

    /// Since when an fsync is under way, if one is. Takes no lock: for the watchdog that fences a
    /// node whose disk stalls (PROTOCOL N2).
    #[must_use]
    pub fn fsync_since(&self) -> Option<Instant> {
        self.shared.gauges.fsync_since()
    }

    /// Room on the disk. Takes no lock.
    #[must_use]
    pub fn space(&self) -> Space {
        self.shared.gauges.space()
    }
}

impl Shared {
    /// The queue. A thread that panicked left it whole: no change is made in two steps.
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves all that waits into `backlog`; sleeps while there is nothing at all to do.
    pub(crate) fn take(&self, backlog: &mut VecDeque<Write>) -> Next {
        let mut queue = self.queue();
        loop {
            if let Some(failure) = queue.failed.take() {
                return Next::Fail(failure);
            }
            backlog.append(&mut queue.writes);
            if !backlog.is_empty() {
                return Next::Write;
            }
            if queue.phase != Phase::Open {
                return Next::Close;
            }
            queue.idle = true;
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.idle = false;
        }
    }

    /// The segment that starts at `first`.
    pub(crate) fn segment(&self, first: u64) -> Option<Segment> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner).get(&first).cloned()
    }

    /// The segment that holds `at`.
    pub(crate) fn segment_of(&self, at: Position) -> Option<Segment> {
        let segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, segment) = segments.range(..=at.0).next_back()?;
        (at.0 < segment.end()).then(|| segment.clone())
    }

    /// Takes the segments out of use that lie wholly below `keep`, and has their files deleted, the
    /// lowest first: what is left always hangs together.
    pub(crate) fn drop_segments(&self, keep: Position) {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = Vec::new();
        while let Some(entry) = segments.first_entry().filter(|entry| entry.get().end() <= keep.0) {
            gone.push(entry.remove().path);
        }
        drop(segments);
        if !gone.is_empty() {
            // Refused only when storage ends; the next floor takes them.
            let _ends = self.files.push(Job::Delete(gone)).is_err();
        }
    }

    pub(crate) fn add_segment(&self, segment: Segment) {
        let mut segments = self.segments.lock().unwrap_or_else(PoisonError::into_inner);
        segments.insert(segment.first, segment);
    }

    /// Hands completions to the caller.
    pub(crate) fn deliver(&self, completions: Vec<Completion>) {
        if !completions.is_empty() {
            (self.sink)(completions);
        }
    }

    /// Notes what a commit wrote.
    pub(crate) fn count(&self, records: u64, bytes: u64) {
        self.gauges.batches.fetch_add(1, Ordering::Relaxed);
        self.gauges.records.fetch_add(records, Ordering::Relaxed);
        self.gauges.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes no more; what waits is still written.
    fn close(&self) {
        let mut queue = self.queue();
        if queue.phase == Phase::Open {
            queue.phase = Phase::Closing;
        }
        drop(queue);
        self.loads.close();
        self.files.close();
        self.work.notify_all();
        self.wanted.notify_all();
    }

    /// Ends all threads at once; what waits is dropped. With a failure from another thread, leaves
    /// it for the storage thread to report.
    pub(crate) fn stop(&self, failure: Option<Failure>) {
        let mut queue = self.queue();
        queue.phase = Phase::Stopped;
        queue.writes.clear();
        if queue.failed.is_none() {
            queue.failed = failure;
        }
        drop(queue);
        self.loads.close();
        self.files.close();
        self.work.notify_all();
        self.wanted.notify_all();
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
