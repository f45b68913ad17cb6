//! The nodes' wall clocks against each other: whose is off, and by which time records are stamped
//! (PROTOCOL N6).
//!
//! A stamp never falls again. A home whose clock is an hour fast for a second would stamp one record
//! with it, and from then on every command of that hour would come too late for its group, at whatever
//! home. So a clock that is too far ahead of the others is not used for stamps.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use types::{Instant, NodeId, Now, Stamp};

/// What is known of wall clocks: by how much each is ahead of this node's steady clock, in microseconds.
/// Measured so, a jump of this node's own wall clock shows at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clocks {
    own: i64,
    others: BTreeMap<NodeId, i64>,
    /// The last of them of each, of which the largest had the shortest way.
    recent: BTreeMap<NodeId, VecDeque<i64>>,
}

impl Clocks {
    /// Nothing is known but this node's own.
    pub(super) fn new(now: Now) -> Self {
        Self { own: ahead(now.wall, now.instant), others: BTreeMap::new(), recent: BTreeMap::new() }
    }

    /// Takes a stamp of another node. It is older by its way, which makes this node's clock seem fast
    /// by as much.
    pub(super) fn hear(&mut self, node: NodeId, wall: Stamp, at: Instant) {
        let ahead = ahead(wall, at);
        self.others.insert(node, ahead);
        let recent = self.recent.entry(node).or_default();
        recent.push_back(ahead);
        if recent.len() > RECENT_MAX {
            recent.pop_front();
        }
    }

    /// Reads this node's clocks: the time to go by, which is the median if its own wall clock is more
    /// than `skew_us_max` ahead of that.
    pub(super) fn read(&mut self, now: Now, skew_us_max: u64) -> Now {
        self.own = ahead(now.wall, now.instant);
        // Of two clocks the slower one: a late stamp only grants time.
        let median = self.median(|count| (count - 1) / 2);
        let is_fast =
            self.own.saturating_sub(median) > i64::try_from(skew_us_max).unwrap_or(i64::MAX);
        if is_fast { Now { wall: wall(median, now.instant), ..now } } else { now }
    }

    /// What this node's own wall clock says.
    pub(super) fn own(&self, at: Instant) -> Stamp {
        wall(self.own, at)
    }

    /// How far this node's own wall clock is off the median, in microseconds.
    pub(super) fn skew_us(&self) -> u64 {
        self.median(|count| count / 2).abs_diff(self.own)
    }

    /// How far the wall clock of `node` is off the median, in microseconds; `None` if it was never heard of.
    /// Of what each said lately the one with the shortest way counts, as what is slow to come makes a
    /// clock seem slow.
    pub(super) fn off_us(&self, node: NodeId) -> Option<u64> {
        let others = || self.recent.iter().map(|(node, recent)| (*node, recent.iter().max()));
        let mut all: Vec<i64> = others().filter_map(|(_, ahead)| ahead.copied()).collect();
        all.push(self.own);
        all.sort_unstable();
        let median = *all.get(all.len() / 2)?;
        let its = others().find(|(other, _)| *other == node)?.1?;
        Some(its.abs_diff(median))
    }

    /// How many other clocks were heard of.
    pub(super) fn heard(&self) -> usize {
        self.others.len()
    }

    /// By how much this node's own wall clock is behind the median of the cluster's `nodes`, in microseconds,
    /// at least. Of what each other said lately the one with the shortest way counts, so that what is slow to
    /// come does not make a slow clock look right. Those not heard of may all be ahead.
    pub(super) fn behind_us(&self, nodes: usize) -> u64 {
        let others = self.recent.values().filter_map(|recent| recent.iter().max().copied());
        let mut all: Vec<i64> = others.chain([self.own]).collect();
        all.sort_unstable();
        let median = all.get(nodes / 2).or(all.last()).copied().unwrap_or(self.own);
        u64::try_from(median.saturating_sub(self.own)).unwrap_or(0)
    }

    fn median(&self, middle: impl Fn(usize) -> usize) -> i64 {
        let mut all: Vec<i64> = self.others.values().copied().chain([self.own]).collect();
        all.sort_unstable();
        all.get(middle(all.len())).copied().unwrap_or(self.own)
    }
}

fn ahead(wall: Stamp, at: Instant) -> i64 {
    let ahead = i128::from(wall.0) - i128::from(at.0);
    i64::try_from(ahead).unwrap_or(if ahead > 0 { i64::MAX } else { i64::MIN })
}

fn wall(ahead: i64, at: Instant) -> Stamp {
    Stamp(at.0.saturating_add_signed(ahead))
}

/// Stamps of each other node that are remembered: some seconds of pulses.
const RECENT_MAX: usize = 16;

#[cfg(test)]
mod tests;
