//! Closing time: up to which stamp all that a group will ever write is applied here, and what is due for
//! that to move on (PROTOCOL N6, 7.7).
//!
//! Stamps only rise along a chain, so whoever has applied a record has everything below its stamp. A group
//! at rest closes its time by a beat, now and then. Who waits for more, because its answer may not be so
//! old or because a cut through all groups is planned, asks the home for one, and the home appends it once
//! its own clock is past what was asked for.
//!
//! A cut at a time is the state after the last record up to it: the next record is held back until the
//! driver has looked, which is one step of the node.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use model::Model;
use replication::Mutant;
use types::{Instant, NodeId, Now, Seq, Stamp};
use wire::GroupMessage;

use super::{Group, Out, Role};

/// What is known of the time up to which a group is closed, and who wants it to move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Closing {
    /// What was applied when this was last looked at, and when it was seen to move since the start.
    applied: Option<Seq>,
    moved: Option<Instant>,
    /// At the home: a record above this is wanted, once this instant has come.
    wanted: Option<(Stamp, Instant)>,
    /// Elsewhere: when the home was last asked for one.
    asked: Option<Instant>,
    /// Cuts through this group that are not over here, and how many are at one time.
    holds: BTreeMap<Stamp, usize>,
}

/// Where a group stands as to a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CutPlace {
    /// What comes next is not known to be later.
    Before,
    /// All up to the cut is applied, and nothing later.
    At,
    /// Something later is applied.
    Past,
}

impl<M: Model> Group<M> {
    /// Stamp of the last record applied here: of what is stamped up to there, nothing is missing.
    #[must_use]
    pub const fn closed(&self) -> Stamp {
        self.stamp
    }

    /// When a record was last applied here since the node started; `None` if none was.
    pub(crate) const fn applied_at(&self) -> Option<Instant> {
        self.closing.moved
    }

    /// Somebody here waits for a record with a stamp above this one.
    pub(crate) fn want_beat(&mut self, now: Now, above: Stamp, out: &mut Vec<Out>) {
        if self.stamp > above {
            return;
        }
        if matches!(self.role, Role::Home(_)) {
            return self.plan_beat(now, above);
        }
        let is_asked = self
            .closing
            .asked
            .is_some_and(|asked| now.instant.since(asked) < self.options.resend_us / 4);
        if let Some((home, epoch)) = self.followed().filter(|_| !is_asked) {
            self.closing.asked = Some(now.instant);
            self.say(home, epoch, GroupMessage::AskBeat { above }, out);
        }
    }

    /// Somebody elsewhere waits for one.
    pub(super) fn on_ask_beat(&mut self, now: Now, from: NodeId, above: Stamp) {
        if self.meta.config.has(from) {
            self.plan_beat(now, above);
        }
    }

    /// A time that lies further ahead than clocks may differ is not planned for: who wants it asks again.
    fn plan_beat(&mut self, now: Now, above: Stamp) {
        let ahead_us = above.since(now.wall);
        if ahead_us > self.options.ahead_us_max {
            return;
        }
        let is_planned =
            |wanted: Stamp| wanted > above && wanted.since(now.wall) <= self.options.ahead_us_max;
        if !self.closing.wanted.is_some_and(|(wanted, _)| is_planned(wanted)) {
            // Readers cannot make a home write without end.
            let appended =
                if let Role::Home(home) = &self.role { home.appended() } else { now.instant };
            let earliest = appended.after(self.options.resend_us / 4);
            let wait_us = if ahead_us > 0 { ahead_us.saturating_add(1) } else { 0 };
            let due = now.instant.after(wait_us).max(earliest);
            self.closing.wanted = Some((above, due));
        }
    }

    /// Whether a beat is due because somebody waits for it. What was asked for and has come is forgotten.
    pub(super) fn is_beat_wanted(&mut self, now: Now) -> bool {
        let last = self.chain.stamp_at(self.chain.tail().seq).unwrap_or_default();
        self.closing.wanted = self.closing.wanted.filter(|(above, _)| last <= *above);
        let Some((above, due)) = &mut self.closing.wanted else { return false };
        if now.wall <= *above && *due <= now.instant {
            // The wall clock went back meanwhile.
            *due = now.instant.after(above.since(now.wall).saturating_add(1));
        }
        now.wall > *above && now.instant >= *due
    }

    /// When a beat that is wanted can be appended, at an idle home.
    pub(super) fn beat_deadline(&self) -> Option<Instant> {
        let tail = self.chain.tail().seq;
        let is_idle = self.durable == tail && self.known == tail && !self.is_disk_full;
        let is_home = matches!(self.role, Role::Home(_));
        self.closing.wanted.filter(|_| is_home && is_idle).map(|(_, due)| due)
    }

    /// Notes that the time of this group has moved on.
    pub(super) fn note_closing(&mut self, now: Now) {
        if self.closing.applied.is_some_and(|before| before != self.applied) {
            self.closing.moved = Some(now.instant);
        }
        self.closing.applied = Some(self.applied);
    }

    /// A cut is planned: nothing later is applied before it was looked at.
    pub(crate) fn hold_at(&mut self, cut: Stamp) {
        *self.closing.holds.entry(cut).or_default() += 1;
    }

    /// One cut at that time was looked at, or given up. Others at the same time hold on.
    pub(crate) fn let_go(&mut self, cut: Stamp) {
        if let Some(count) = self.closing.holds.get_mut(&cut) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.closing.holds.remove(&cut);
            }
        }
    }

    /// Whether the next record waits for a cut to be looked at.
    pub(super) fn is_held(&self) -> bool {
        let Some((first, _)) = self.closing.holds.first_key_value() else { return false };
        if self.options.mutant == Mutant::CutLate {
            return self.stamp > *first;
        }
        self.chain.link(self.applied.next()).is_some_and(|link| link.stamp > *first)
    }

    /// Where this group stands as to a cut.
    pub(crate) fn cut_place(&self, cut: Stamp) -> CutPlace {
        if self.options.mutant == Mutant::CutLate {
            return if self.stamp > cut { CutPlace::At } else { CutPlace::Before };
        }
        let next = self.applied.next();
        let is_next_later = || self.chain.link(next).is_some_and(|link| link.stamp > cut);
        if self.stamp > cut {
            CutPlace::Past
        } else if self.stamp == cut || next <= self.commit() && is_next_later() {
            CutPlace::At
        } else {
            CutPlace::Before
        }
    }
}
