//! The storage thread: one write, one fsync, one batch of completions, again.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
};

use types::Position;
use wire::log::{Frame, Kind};

use crate::{
    Completion, Failure,
    limits::HEADER_BYTES,
    queue::{Write, cut},
    segment::Segment,
    shared::{Next, Shared},
    superblocks::Superblocks,
};

/// The storage thread's own state.
pub(crate) struct Committer {
    shared: Arc<Shared>,
    superblocks: Superblocks,
    /// The segment in which the log ends.
    segment: Segment,
    /// Where the log ends. Between commits all before it is durable.
    end: Position,
    /// Frames of the segment that are not written yet; they end at `end`.
    buffer: Vec<u8>,
}

impl Committer {
    pub(crate) const fn new(
        shared: Arc<Shared>,
        superblocks: Superblocks,
        segment: Segment,
        end: Position,
    ) -> Self {
        Self { shared, superblocks, segment, end, buffer: Vec::new() }
    }

    /// Commits until storage is closed or the disk fails.
    pub(crate) fn run(mut self) {
        let mut backlog = VecDeque::new();
        let mut batch = Vec::new();
        loop {
            let done = match self.shared.take(&mut backlog) {
                Next::Write => {
                    cut(&mut backlog, &mut batch);
                    self.commit(&batch)
                }
                Next::Close => {
                    let done = self.mark();
                    self.shared.stop(None);
                    if done.is_ok() {
                        return;
                    }
                    done
                }
                Next::Fail(failure) => Err(failure),
            };
            // Stopped before it is told, so that who hears of it is refused from then on.
            if let Err(failure) = done {
                self.shared.stop(None);
                self.shared.deliver(vec![Completion::Failed(failure)]);
                return;
            }
            batch.clear();
        }
    }

    /// Makes a batch durable and reports it. What stands before the first superblock is reported as
    /// soon as the log is synced; a completion never overtakes an earlier one.
    fn commit(&mut self, batch: &[Write]) -> Result<(), Failure> {
        let before = self.segment.first;
        self.append(batch)?;
        let is_blob = |write: &Write| !matches!(write, Write::Append { .. });
        let (first, rest) = batch.split_at(batch.iter().position(is_blob).unwrap_or(batch.len()));
        self.report(first);
        if !rest.is_empty() {
            let blobs = rest.iter().filter_map(|write| match write {
                Write::Blob { group, blob, .. } => Some((*group, blob.clone())),
                Write::Append { .. } | Write::Floor { .. } => None,
            });
            let floor = rest.iter().rev().find_map(|write| match write {
                Write::Floor { floor, .. } => Some(*floor),
                Write::Append { .. } | Write::Blob { .. } => None,
            });
            let Shared { gauges, clock, .. } = &*self.shared;
            self.superblocks.advance(self.end, floor, blobs, gauges, clock)?;
            gauges.superblocks.fetch_add(1, Ordering::Relaxed);
            self.report(rest);
            if floor.is_some() {
                self.shared.drop_segments(self.superblocks.current().kept);
            }
        } else if self.segment.first != before {
            // So that a log that loses a whole segment is seen to be too short.
            self.mark()?;
        }
        Ok(())
    }

    /// Writes the records of a batch and syncs them.
    fn append(&mut self, batch: &[Write]) -> Result<(), Failure> {
        let durable = self.end;
        let mut records = 0;
        for write in batch {
            let Write::Append { kind, at, bytes, .. } = write else { continue };
            if at.0 >= self.segment.end() {
                self.roll(durable)?;
            }
            assert_eq!(*at, self.end, "places are given in order");
            records += 1;
            self.encode(Frame { kind: *kind, at: *at, durable, payload: bytes });
        }
        if records == 0 {
            return Ok(());
        }
        self.flush()?;
        self.shared.count(records, self.end.0 - durable.0);
        Ok(())
    }

    /// Ends the segment and goes over to the next, which is there: places are given only in
    /// segments that exist.
    fn roll(&mut self, durable: Position) -> Result<(), Failure> {
        self.encode(Frame { kind: Kind::Roll, at: self.end, durable, payload: &[] });
        self.flush()?;
        let first = self.segment.end();
        self.segment = self.shared.segment(first).expect("the next segment was prepared");
        self.end = Position(first + HEADER_BYTES);
        Ok(())
    }

    fn encode(&mut self, frame: Frame<'_>) {
        frame.encode(self.segment.salt, &mut self.buffer);
        self.end.0 += frame.length() as u64;
    }

    /// Writes and syncs what the buffer holds.
    fn flush(&mut self) -> Result<(), Failure> {
        let Segment { path, file, first, .. } = &self.segment;
        let offset = self.end.0 - self.buffer.len() as u64 - first;
        file.write_all_at(&self.buffer, offset).map_err(Failure::io("write", path))?;
        self.buffer.clear();
        let Shared { gauges, clock, .. } = &*self.shared;
        gauges.timed(clock, || file.sync()).map_err(Failure::io("sync", path))
    }

    /// Records in the superblock how far the log is durable.
    fn mark(&mut self) -> Result<(), Failure> {
        if self.superblocks.current().durable == self.end {
            return Ok(());
        }
        let Shared { gauges, clock, .. } = &*self.shared;
        self.superblocks.advance(self.end, None, [], gauges, clock)?;
        gauges.superblocks.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn report(&self, writes: &[Write]) {
        if writes.is_empty() {
            return;
        }
        let mut completions = Vec::with_capacity(writes.len() + 1);
        completions.extend(writes.iter().map(|write| match write {
            Write::Append { owner, id, at, .. } => {
                Completion::Written { owner: *owner, id: *id, at: Some(*at) }
            }
            Write::Blob { owner, id, .. } | Write::Floor { owner, id, .. } => {
                Completion::Written { owner: *owner, id: *id, at: None }
            }
        }));
        if self.shared.queue().done(writes) {
            completions.push(Completion::Room);
        }
        self.shared.deliver(completions);
    }
}
