//! What waits to be written on one lane: bounded in bytes, open only while a connection stands.
//!
//! Senders append under a short lock; the connection takes everything at once, so that under load
//! the batch grows and the cost per frame falls. Bytes count as queued until they were handed to
//! the socket. There is one consumer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{event::Refused, limits::FRAME_COST_BYTES};

#[derive(Debug)]
pub(crate) struct Queue {
    bytes_max: usize,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    open: bool,
    frames: Vec<Bytes>,
    bytes: usize,
    refused: u64,
    dropped: u64,
}

/// A look at the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    pub(crate) open: bool,
    pub(crate) bytes: usize,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
}

impl Queue {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, state: Mutex::default(), wake: Notify::new() }
    }

    /// Appends a frame, or refuses it and counts that.
    pub(crate) fn push(&self, frame: Bytes) -> Result<(), Refused> {
        let cost = cost(&frame);
        let mut state = self.lock();
        if !state.open {
            return Err(Refused::Down);
        }
        if state.bytes + cost > self.bytes_max {
            state.refused += 1;
            return Err(Refused::Full { queued_bytes: state.bytes });
        }
        state.bytes += cost;
        let first = state.frames.is_empty();
        state.frames.push(frame);
        drop(state);
        if first {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Lets frames in: a connection stands.
    pub(crate) fn open(&self) {
        let mut state = self.lock();
        assert!(!state.open, "one connection per lane at a time");
        assert!(state.frames.is_empty(), "close leaves nothing behind");
        state.open = true;
        state.bytes = 0;
    }

    /// Refuses frames from now on and drops those that wait, which are counted. Harmless when the
    /// queue is closed.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        let left = u64::try_from(state.frames.len()).expect("a count fits");
        state.open = false;
        state.bytes = 0;
        state.dropped += left;
        let frames = core::mem::take(&mut state.frames);
        drop(state);
        drop(frames);
    }

    /// Swaps everything that waits into `batch`, which must be empty.
    pub(crate) fn take(&self, batch: &mut Vec<Bytes>) {
        assert!(batch.is_empty(), "a batch is written before the next is taken");
        core::mem::swap(&mut self.lock().frames, batch);
    }

    /// Gives back the room of frames that were written.
    pub(crate) fn release(&self, bytes: usize) {
        let mut state = self.lock();
        assert!(bytes <= state.bytes, "only what was queued is released");
        state.bytes -= bytes;
    }

    /// Waits until a frame is pushed or `poke` is called; a past one counts once.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Wakes the connection for a reason other than a frame.
    pub(crate) fn poke(&self) {
        self.wake.notify_one();
    }

    pub(crate) fn depth(&self) -> Depth {
        let state = self.lock();
        Depth {
            open: state.open,
            bytes: state.bytes,
            refused: state.refused,
            dropped: state.dropped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a frame takes of the queue's room.
pub(crate) const fn cost(frame: &Bytes) -> usize {
    frame.len() + FRAME_COST_BYTES
}

#[cfg(test)]
mod tests;
