//! How far clocks are off, and whether what rests on them can be held against the true time.

use super::{Knobs, MILLI, SECOND, SKEW_US_MAX};
use crate::Rng;
use crate::clock::Clock;
use crate::fault::Fault;

impl Knobs {
    /// Clocks as far apart as they may be, or one that is further behind than any may be ahead: what the slack
    /// of bounded reads is for. Worlds whose clocks are beyond that stay, and nothing is promised in them.
    pub(super) fn draw_clocks(&mut self, rng: &mut Rng) {
        let (offset_us, slow_us) = (rng.pick(&[0, 250 * MILLI, CLOSE_US_MAX]), 3 * SECOND);
        let is_slow = rng.chance(150_000);
        if self.offset_us_max < SECOND {
            self.offset_us_max = self.offset_us_max.max(offset_us);
            self.slow_clock_us = if is_slow { slow_us } else { 0 };
        }
    }

    /// The clocks of all nodes as they start.
    pub(crate) fn clocks(&self, chance: &mut Rng) -> Vec<Clock> {
        let spread = self.offset_us_max;
        let signed = |us: u64| i64::try_from(us).unwrap_or_default();
        let clock = |_| {
            let offset_us = signed(chance.below(2 * spread + 1)) - signed(spread);
            Clock { drift_ppm: chance.below(self.drift_ppm_max + 1), offset_us }
        };
        let mut clocks: Vec<Clock> = (0..self.nodes).map(clock).collect();
        if self.slow_clock_us > 0 {
            let slow = chance.index(clocks.len());
            clocks[slow].offset_us -= signed(self.slow_clock_us);
        }
        clocks
    }

    /// Whether all clocks are as right as nodes are told: none ahead of most others by more than they may
    /// differ, the way of what tells a slow one that it is slow counted in.
    #[must_use]
    pub fn has_good_clocks(&self) -> bool {
        let strikes = |fault| self.rates.iter().any(|rate| rate.fault == fault);
        let apart_us = 2 * self.offset_us_max + self.drift_ppm_max * LASTS_S_MAX;
        let way_us = if self.slow_clock_us > 0 { self.net.delay_us_max } else { 0 };
        let is_told_late = self.slow_clock_us > 0 && strikes(Fault::Clog);
        !strikes(Fault::ClockJump) && !is_told_late && apart_us + way_us <= SKEW_US_MAX
    }
}

/// How far clocks may start on either side and stay within that.
pub(crate) const CLOSE_US_MAX: u64 = 460 * MILLI;

/// Seconds that no world outlasts, which bounds what clocks drift.
const LASTS_S_MAX: u64 = 150;
