//! A disk that stalls again and again: its node's groups are handed to others by plan (PROTOCOL 7.10).
//!
//! A stall that lasts ends with the node fencing itself off, and its groups are taken over. One that ends
//! before is worse if it comes back: every time all clients wait, and nobody is ever found dead. So stalls
//! are counted, and a home whose disk has had too many asks for another in its place. A planned switch loses
//! nothing, whatever the class; it respects the residence, so that two bad disks do not pass a group
//! to and fro.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use model::Model;
use register::{GroupState, Phase};
use types::{GroupId, Instant, Now};

use super::Node;
use super::effect::{Effect, NodeEvent};
use super::pulse::AWAY_PULSES;

/// When the last stalls ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stalls {
    ended: VecDeque<Instant>,
}

impl Stalls {
    /// Takes in a stall during which a write was waited for that was `asked` for then. Writes that wait
    /// together wait for one stall. `false` if it was noted already.
    fn note(&mut self, asked: Instant, now: Instant) -> bool {
        if self.ended.back().is_some_and(|ended| asked < *ended) {
            return false;
        }
        self.ended.push_back(now);
        if self.ended.len() > STALLS {
            self.ended.pop_front();
        }
        true
    }

    /// Whether there were too many lately.
    fn are_many(&self, now: Instant, window_us: u64) -> bool {
        let first = self.ended.front().filter(|_| self.ended.len() >= STALLS);
        first.is_some_and(|first| now.since(*first) < window_us)
    }
}

impl<M: Model> Node<M> {
    /// A write that was `asked` for then is done. One that waited while this node stood still says nothing
    /// of the disk.
    pub(super) fn note_write(&mut self, now: Now, asked: Instant, out: &mut Vec<Effect>) {
        let suspect_us = self.options.disk_us_max / 5 * SUSPECT_FIFTHS;
        let was_away = now.instant.since(self.stepped) > AWAY_PULSES * self.options.pulse_us;
        if now.instant.since(asked) < suspect_us || was_away {
            return;
        }
        if self.stalls.note(asked, now.instant) && self.has_slow_disk(now) {
            let within_us = self.slow_window_us();
            out.push(Effect::Note(NodeEvent::SlowDisk { stalls: STALLS, within_us }));
        }
    }

    /// Whether the disk has stalled too often lately.
    pub(super) fn has_slow_disk(&self, now: Now) -> bool {
        self.stalls.are_many(now.instant, self.slow_window_us())
    }

    /// Why a group should leave this home for its disk, if it has been here for long enough.
    pub(super) fn leaves_slow_disk(
        &self,
        now: Now,
        id: GroupId,
        state: &GroupState,
    ) -> Option<String> {
        let is_home = state.phase == Phase::Active && state.home == Some(self.options.group.me);
        let residence_us = self.options.policy.residence_us;
        // What moved it last may have been a plan, which the register does not date.
        let stayed = self.seen_us(now, id) >= residence_us;
        (is_home && stayed && self.has_slow_disk(now)).then(|| {
            let (me, within_s) = (self.options.group.me, self.slow_window_us() / 1_000_000);
            format!("the disk of {me} has stalled {STALLS} times within {within_s} s")
        })
    }

    const fn slow_window_us(&self) -> u64 {
        self.options.policy.residence_us.saturating_mul(WINDOW_RESIDENCES)
    }
}

/// So many stalls are too many,
const STALLS: usize = 3;

/// within so many times the residence: an hour with the defaults.
const WINDOW_RESIDENCES: u64 = 6;

/// A write is stalled after so many fifths of the time after which the node fences itself off: 2 s of 5 s.
const SUSPECT_FIFTHS: u64 = 2;
