//! Waiting for what may never end.

use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long a stop waits for the disk. A healthy one needs milliseconds, a slow one a few writes.
pub(crate) const DISK_TIME_MAX: Duration = Duration::from_secs(10);

/// Whether `work` came to its end in time, on a thread of its own; if not it is left behind. Not one
/// of the runtime's threads, for which the end of the process would wait.
pub(crate) async fn within(
    limit: Duration,
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> bool {
    let (ended, end) = oneshot::channel();
    let thread = thread::Builder::new().name(name.into()).spawn(move || {
        work();
        // Nobody waits any more if it took too long.
        let _late = ended.send(()).is_err();
    });
    // Without a thread, or after a panic of the work, its end cannot be vouched for.
    thread.is_ok() && matches!(timeout(limit, end).await, Ok(Ok(())))
}

#[cfg(test)]
mod tests;
