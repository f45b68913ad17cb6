//! Pauses between rounds: doubling, bounded, and spread so that clients do not come back in step.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use crate::Options;

/// The source of spread, shared by all submissions of a client.
#[derive(Debug)]
pub(crate) struct Spread(AtomicU64);

impl Spread {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The pause after `round` rounds, from half of it to all of it.
    pub(crate) fn pause(&self, options: &Options, round: u32) -> Duration {
        let factor = 1_u32.checked_shl(round).unwrap_or(u32::MAX);
        let whole = options.pause_first.saturating_mul(factor).min(options.pause_max);
        let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
        let half = micros / 2;
        Duration::from_micros(half + self.next() % (half + 1))
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests;
