//! What storage and sessions report, on its way to the core thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};

use bytes::Bytes;
use group::{FileProgress, Input};
use storage::Completion;
use transport::Event;

use crate::driver::READERS;
use crate::handle::Job;
use crate::log::{Chain, Quota, Unreached};
use crate::{Clock, Halt};

pub(crate) fn storage<M: Send + 'static>(jobs: mpsc::Sender<Job<M>>) -> storage::Sink {
    Arc::new(move |completions: Vec<Completion>| {
        let mut inputs = Vec::with_capacity(completions.len());
        let mut loaded = Vec::new();
        let mut job = None;
        for completion in completions {
            match completion {
                Completion::Written { id, at, .. } => {
                    inputs.push(Input::Written { id, at: at.unwrap_or_default() });
                }
                Completion::Loaded { owner, id, result } if owner == READERS => {
                    loaded.push(Job::Loaded { id, result });
                }
                Completion::Loaded { id, result, .. } => {
                    if let Err(error) = &result {
                        tracing::error!(error = %Chain(error), "cannot read a record back");
                    }
                    inputs.push(Input::Loaded { id, bytes: result.ok() });
                }
                Completion::SnapshotWritten { group, seq, end, result } => {
                    if let Err(error) = &result {
                        tracing::warn!(%group, %seq, error = %Chain(error), "snapshot not written");
                    }
                    let done = match result {
                        Ok(None) => FileProgress::Part,
                        Ok(Some(sha256)) => FileProgress::Whole { sha256 },
                        Err(_) => FileProgress::Failed,
                    };
                    inputs.push(Input::SnapshotWritten { group, seq, end, done });
                }
                Completion::Room => job = Some(Job::Room),
                Completion::Failed(failure) => {
                    tracing::error!(failure = %Chain(&failure), "the disk failed");
                    job = Some(Job::Halt(Halt::Disk(Arc::new(failure))));
                }
            }
        }
        // The core thread may have ended; what is durable is found at the next start.
        let _ended = jobs.send(Job::Inputs(inputs)).is_err();
        for job in loaded.into_iter().chain(job) {
            let _ended = jobs.send(job).is_err();
        }
    })
}

pub(crate) fn transport<M: Send + 'static>(
    jobs: mpsc::Sender<Job<M>>,
    clock: Clock,
) -> transport::Sink {
    let rejected = Mutex::new(Quota::default());
    let unreached = Mutex::new(Unreached::default());
    Box::new(move |event| {
        let job = match event {
            Event::Up(node) => {
                lock(&unreached).reached(node);
                Job::Inputs(vec![Input::Peer { node, up: true }])
            }
            Event::Down(node, reason) => {
                tracing::info!(%node, reason = %Chain(&reason), "session lost");
                Job::Inputs(vec![Input::Peer { node, up: false }])
            }
            // A small frame must not keep the whole read buffer alive that it came in.
            Event::Frame { from, bytes, room, .. } => {
                Job::Frame { from, bytes: Bytes::copy_from_slice(&bytes), room }
            }
            Event::Unreachable(node, why) => {
                if lock(&unreached).is_news(node, why.label()) {
                    tracing::warn!(%node, why = %Chain(&why), "node not reached; trying on");
                }
                return;
            }
            // Strangers cause these at will; the counters of the sessions have them all.
            Event::Rejected { remote, why } => {
                if let Some(left_out) = lock(&rejected).take(clock.instant()) {
                    tracing::warn!(%remote, why = %Chain(&why), left_out, "connection turned away");
                }
                return;
            }
        };
        // As above.
        let _ended = jobs.send(job).is_err();
    })
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
