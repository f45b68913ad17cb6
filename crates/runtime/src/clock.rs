//! The one place that reads the clocks.

use std::time::{self, Duration, SystemTime};

use types::{Instant, Now, Stamp};

/// Both clocks of this machine. Cheap to copy; all copies agree.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: time::Instant,
}

impl Clock {
    /// A clock whose monotonic side starts at one second, so that "never" (0) lies before every
    /// instant.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    pub fn start() -> Self {
        Self { start: time::Instant::now() }
    }

    /// What the clocks say.
    #[must_use]
    pub fn now(&self) -> Now {
        Now { instant: self.instant(), wall: self.wall() }
    }

    /// The monotonic clock.
    #[must_use]
    pub fn instant(&self) -> Instant {
        Instant(micros(self.start.elapsed()) + 1_000_000)
    }

    /// The wall clock. A machine set to before 1970 is at 0, and its skew keeps it from becoming a
    /// home.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    pub fn wall(&self) -> Stamp {
        Stamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, micros))
    }

    /// How long until `instant`; zero if it has passed.
    #[must_use]
    pub fn until(&self, instant: Instant) -> Duration {
        Duration::from_micros(instant.since(self.instant()))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
