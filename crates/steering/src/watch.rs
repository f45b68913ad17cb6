//! Who was seen to make durable progress, by whom, and how long ago.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use types::{Instant, NodeId};

/// What this node knows of every other node's progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    peers: BTreeMap<NodeId, Seen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// The highest count of durable pulses heard of.
    durable: u64,
    /// When that count last rose, or when watching began.
    progressed: Instant,
    /// What this node said it saw of others, in microseconds of silence, at its last pulse.
    says: BTreeMap<NodeId, u64>,
}

impl Watch {
    /// Watches `peers` from `now` on: each is given the full time to show itself.
    #[must_use]
    pub fn new(peers: impl Iterator<Item = NodeId>, now: Instant) -> Self {
        let seen = Seen { durable: 0, progressed: now, says: BTreeMap::new() };
        Self { peers: peers.map(|peer| (peer, seen.clone())).collect() }
    }

    /// Watches one more node from `now` on, unless it is watched already.
    pub fn add(&mut self, peer: NodeId, now: Instant) {
        let seen = || Seen { durable: 0, progressed: now, says: BTreeMap::new() };
        self.peers.entry(peer).or_insert_with(seen);
    }

    /// Watches a node no more.
    pub fn remove(&mut self, peer: NodeId) {
        self.peers.remove(&peer);
    }

    /// Takes a pulse. A count that does not rise is no progress: a node whose disk hangs may still
    /// send. A count that falls is a restart, which is progress.
    pub fn pulse(&mut self, from: NodeId, durable: u64, says: &[(NodeId, u64)], now: Instant) {
        let Some(seen) = self.peers.get_mut(&from) else { return };
        if durable != seen.durable {
            seen.durable = durable;
            seen.progressed = now;
        }
        seen.says = says.iter().copied().collect();
    }

    /// Microseconds since this node saw `node` make progress; 0 for nodes it does not watch, itself
    /// among them.
    #[must_use]
    pub fn silence(&self, node: NodeId, now: Instant) -> u64 {
        self.peers.get(&node).map_or(0, |seen| now.since(seen.progressed))
    }

    /// What this node would say of all others.
    #[must_use]
    pub fn says(&self, now: Instant) -> Vec<(NodeId, u64)> {
        self.peers.iter().map(|(node, seen)| (*node, now.since(seen.progressed))).collect()
    }

    /// The other nodes that progress (silent for less than `limit_us`) and say that `node` has been
    /// silent for at least `silent_us`.
    pub fn observers(
        &self,
        node: NodeId,
        silent_us: u64,
        limit_us: u64,
        now: Instant,
    ) -> impl Iterator<Item = NodeId> {
        self.peers.iter().filter_map(move |(peer, seen)| {
            let alive = *peer != node && now.since(seen.progressed) < limit_us;
            let says = seen.says.get(&node).is_some_and(|silence| *silence >= silent_us);
            (alive && says).then_some(*peer)
        })
    }
}

#[cfg(test)]
mod tests;
