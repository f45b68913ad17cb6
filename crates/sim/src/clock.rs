//! A node's two clocks: a monotonic one that runs nearly right, and a wall clock that lies.

use types::{Instant, Now, Stamp};

/// Wall time at the start of every world: 2026-01-01T00:00:00Z.
const DAWN_US: u64 = 1_767_225_600_000_000;

/// The clocks of one node.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// How many millionths both clocks run too fast.
    pub drift_ppm: u64,
    /// How far the wall clock is ahead, or behind if negative, besides its drift.
    pub offset_us: i64,
}

impl Clock {
    /// What the clocks say at the world's time `at`.
    #[must_use]
    pub fn read(&self, at: u64) -> Now {
        let instant = at + at * self.drift_ppm / 1_000_000;
        let wall = (DAWN_US + instant).saturating_add_signed(self.offset_us);
        Now { instant: Instant(instant), wall: Stamp(wall) }
    }

    /// The first time of the world at which the monotonic clock has reached `instant`.
    #[must_use]
    pub fn when(&self, instant: Instant) -> u64 {
        if instant.0 > u64::MAX / 2_000_000 {
            return u64::MAX;
        }
        let mut at = instant.0 * 1_000_000 / (1_000_000 + self.drift_ppm);
        while self.read(at).instant < instant {
            at += 1;
        }
        at
    }
}
