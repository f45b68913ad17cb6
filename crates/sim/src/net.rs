//! Links between nodes: sessions, delays, losses, cuts.
//!
//! Each ordered pair of nodes is a link with two lanes; a lane keeps its order unless reordering
//! strikes. A session joins both directions of a pair; what is in flight when it ends is lost.

use std::collections::{BTreeMap, BTreeSet};

use group::Lane;

use crate::Rng;
use crate::knobs::NetKnobs;

/// Nodes by number from 0.
pub(crate) type Index = usize;

/// The session of an unordered pair.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Session {
    /// Rises with every session of the pair.
    pub(crate) number: u64,
    /// Whether it is open.
    pub(crate) up: bool,
}

/// All links.
#[derive(Clone, Debug)]
pub(crate) struct Net {
    /// Delays and rates.
    pub(crate) knobs: NetKnobs,
    /// Directed links that carry nothing.
    cuts: BTreeSet<(Index, Index)>,
    /// Directed links whose frames come late.
    clogs: BTreeMap<(Index, Index), u64>,
    /// When the newest frame of each lane arrives.
    newest: BTreeMap<(Index, Index, Lane), u64>,
    sessions: BTreeMap<(Index, Index), Session>,
    /// Before this time nothing that register members say to each other arrives.
    pub(crate) register_from: u64,
    /// To these nothing arrives of what register members say.
    pub(crate) deaf: BTreeSet<Index>,
}

impl Net {
    /// Nothing is cut, no session is open.
    #[must_use]
    pub(crate) const fn new(knobs: NetKnobs) -> Self {
        Self {
            knobs,
            cuts: BTreeSet::new(),
            clogs: BTreeMap::new(),
            newest: BTreeMap::new(),
            sessions: BTreeMap::new(),
            register_from: 0,
            deaf: BTreeSet::new(),
        }
    }

    /// Cuts one direction.
    pub(crate) fn cut(&mut self, from: Index, to: Index) {
        self.cuts.insert((from, to));
    }

    /// Mends one direction.
    pub(crate) fn mend(&mut self, from: Index, to: Index) {
        self.cuts.remove(&(from, to));
    }

    /// Delays everything that is sent over this direction by `delay_us`; 0 ends it.
    pub(crate) fn clog(&mut self, from: Index, to: Index, delay_us: u64) {
        self.clogs.insert((from, to), delay_us);
    }

    /// Mends everything.
    pub(crate) fn heal(&mut self) {
        self.cuts.clear();
        self.clogs.clear();
        self.register_from = 0;
        self.deaf.clear();
    }

    /// Whether a direction is cut.
    #[must_use]
    pub(crate) fn is_cut(&self, from: Index, to: Index) -> bool {
        self.cuts.contains(&(from, to))
    }

    /// Whether a pair can open a session.
    #[must_use]
    pub(crate) fn is_whole(&self, a: Index, b: Index) -> bool {
        !self.is_cut(a, b) && !self.is_cut(b, a)
    }

    /// The session of a pair.
    pub(crate) fn session(&mut self, a: Index, b: Index) -> &mut Session {
        self.sessions.entry((a.min(b), a.max(b))).or_default()
    }

    /// When copies of a frame sent at `now` arrive; none if it is lost.
    pub(crate) fn arrivals(
        &mut self,
        rng: &mut Rng,
        now: u64,
        from: Index,
        to: Index,
        lane: Lane,
    ) -> Vec<u64> {
        if self.is_cut(from, to) || rng.chance(self.knobs.loss_ppm) {
            return Vec::new();
        }
        let clog = self.clogs.get(&(from, to)).copied().unwrap_or_default();
        let delay = rng.between(self.knobs.delay_us_min, self.knobs.delay_us_max) + clog;
        let copies = 1 + usize::from(rng.chance(self.knobs.duplicate_ppm));
        let newest = self.newest.entry((from, to, lane)).or_default();
        let mut arrivals = Vec::new();
        for copy in 0..copies {
            if copy > 0 || rng.chance(self.knobs.reorder_ppm) {
                arrivals.push(now + delay + rng.below(REORDER_US_MAX));
            } else {
                *newest = (now + delay).max(*newest);
                arrivals.push(*newest);
            }
        }
        arrivals
    }
}

/// How much later than its time a frame out of order comes.
const REORDER_US_MAX: u64 = 1_500_000;
