//! How long to wait before dialing again: doubling, bounded, and spread by a seeded generator.

use core::time::Duration;

/// SplitMix64 (Steele, Lea and Flood 2014): enough to spread moments, of no use for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Spread(u64);

impl Spread {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `max`, both included.
    pub(crate) fn up_to(&mut self, max: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        max.checked_add(1).map_or(z, |count| z % count)
    }
}

/// The pauses of one lane. Each is between half of a bound and the bound, which doubles from `min`
/// to `max`: nodes that lost the same peer do not come back to it in step.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    min: Duration,
    max: Duration,
    bound: Duration,
    spread: Spread,
}

impl Backoff {
    pub(crate) const fn new(min: Duration, max: Duration, seed: u64) -> Self {
        Self { min, max, bound: min, spread: Spread::new(seed) }
    }

    /// The next pause.
    pub(crate) fn pause(&mut self) -> Duration {
        let half = self.bound / 2;
        let half_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
        self.bound = (self.bound * 2).min(self.max);
        half + Duration::from_micros(self.spread.up_to(half_us))
    }

    /// Starts over: a connection stood for a while.
    pub(crate) const fn reset(&mut self) {
        self.bound = self.min;
    }
}

#[cfg(test)]
mod tests;
