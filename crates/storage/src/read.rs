//! The reading thread: answers loads from the page cache, beside the commits and never before them.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use types::{Position, ReadId};
use wire::log::{Frame, Kind, NotAFrame};

use crate::{
    Completion, LoadError, Owner, Refused,
    limits::{LOAD_BYTES, LOADED_BYTES_MAX, LOADS_MAX},
    queue::Phase,
    segment::read_all,
    shared::Shared,
};

/// Loads that wait.
#[derive(Debug)]
pub(crate) struct Loads {
    waiting: Mutex<Waiting>,
    work: Condvar,
}

#[derive(Debug)]
struct Waiting {
    loads: VecDeque<(Owner, ReadId, Position)>,
    /// Somebody was refused and waits for `Room`.
    refused: bool,
    closed: bool,
}

impl Loads {
    pub(crate) const fn new() -> Self {
        let waiting = Waiting { loads: VecDeque::new(), refused: false, closed: false };
        Self { waiting: Mutex::new(waiting), work: Condvar::new() }
    }

    pub(crate) fn push(&self, owner: Owner, id: ReadId, at: Position) -> Result<(), Refused> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(Refused::Stopped);
        }
        if waiting.loads.len() >= LOADS_MAX {
            waiting.refused = true;
            return Err(Refused::Full);
        }
        waiting.loads.push_back((owner, id, at));
        drop(waiting);
        self.work.notify_one();
        Ok(())
    }

    /// Takes no more. What waits is answered still.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
    }

    /// All that waits; `None` after the last.
    fn take(&self) -> Option<VecDeque<(Owner, ReadId, Position)>> {
        let mut waiting = self.lock();
        while waiting.loads.is_empty() {
            if waiting.closed {
                return None;
            }
            waiting = self.work.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        Some(core::mem::take(&mut waiting.loads))
    }

    /// Whether somebody was refused and waits for room, which there is now.
    fn room(&self) -> bool {
        core::mem::take(&mut self.lock().refused)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers loads until storage ends.
pub(crate) fn run(shared: &Shared) {
    while let Some(loads) = shared.loads.take() {
        let mut loaded = Vec::new();
        let mut bytes = 0;
        for (owner, id, at) in loads {
            let stopped = shared.queue().phase == Phase::Stopped;
            let result = if stopped { Err(LoadError::Stopped) } else { load(shared, at) };
            bytes += result.as_ref().map_or(0, Bytes::len);
            loaded.push(Completion::Loaded { owner, id, result });
            if bytes > LOADED_BYTES_MAX {
                shared.deliver(core::mem::take(&mut loaded));
                bytes = 0;
            }
        }
        if shared.loads.room() {
            loaded.push(Completion::Room);
        }
        shared.deliver(loaded);
    }
}

/// Reads one record and checks it.
fn load(shared: &Shared, at: Position) -> Result<Bytes, LoadError> {
    let segment = shared.segment_of(at).ok_or(LoadError::NoRecord { at })?;
    let io = |source: io::Error| LoadError::Io { path: segment.path.clone(), source };
    let offset = at.0 - segment.first;
    let mut bytes = read_all(&*segment.file, offset, LOAD_BYTES as u64).map_err(io)?;
    if let Err(NotAFrame::Short(need)) = Frame::decode(segment.salt, at, &bytes) {
        bytes = read_all(&*segment.file, offset, need as u64).map_err(io)?;
    }
    let found = match Frame::decode(segment.salt, at, &bytes) {
        Ok(frame) if frame.kind != Kind::Roll => frame.payload.len(),
        Ok(_) | Err(NotAFrame::Absent) => return Err(LoadError::NoRecord { at }),
        Err(NotAFrame::Short(_) | NotAFrame::Misplaced(_) | NotAFrame::Damaged) => {
            return Err(LoadError::Damaged { at, path: segment.path });
        }
    };
    let start = wire::log::FRAME_HEADER_BYTES;
    // A copy of what was asked for, so that a short record does not keep a whole buffer alive.
    Ok(Bytes::copy_from_slice(bytes.get(start..start + found).unwrap_or_default()))
}
