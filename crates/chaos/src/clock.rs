//! The one clock of a run: what all times of a history are taken from.

use std::time::Instant;

/// A clock that never goes back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that shows 0.
    pub(crate) fn start() -> Self {
        Self { start: now() }
    }

    /// Microseconds since the start.
    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(now().duration_since(self.start).as_micros()).unwrap_or(u64::MAX)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of this program that reads a clock")]
fn now() -> Instant {
    Instant::now()
}
