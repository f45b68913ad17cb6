//! The rules that meet in at least one member: what commits, what seals, and what a new epoch must rest
//! on (PROTOCOL 7.4, I19).

use alloc::vec::Vec;

use types::{Config, NodeId, Seq};

use crate::Mutant;

/// Whether durable copies at these members, the home among them, are a commit: at least `w` of those
/// that count, in at least as many regions as the configuration wants.
///
/// A set with more members than one that is a commit is one too, which is what the other rules of this
/// file rest on.
#[must_use]
pub fn is_commit(config: &Config, holds: impl Fn(NodeId) -> bool) -> bool {
    let (copies, regions) = config.extent(holds);
    copies >= config.copies() && regions >= config.spread()
}

/// The largest seq that is durable at the members that a commit takes, `home` included, given what
/// the home itself has made durable and what each other member has acknowledged (N3, before the
/// epoch is looked at).
///
/// Asked at every step of every home, so it counts in place: members are few.
#[must_use]
pub fn committed(
    config: &Config,
    home: NodeId,
    durable: Seq,
    acked: impl Iterator<Item = (NodeId, Seq)> + Clone,
) -> Seq {
    let others = config.copies() - 1;
    if others == 0 {
        return durable;
    }
    let acked = acked.filter(|(node, _)| *node != home && config.counts(*node));
    let held = |seq| {
        let holds = |(_, other): &(NodeId, Seq)| *other >= seq;
        if acked.clone().filter(holds).count() < others {
            return false;
        }
        let has =
            |node| node == home || acked.clone().filter(holds).any(|(holder, _)| holder == node);
        config.spread() == 1 || is_commit(config, has)
    };
    let seqs = acked.clone().map(|(_, seq)| seq);
    seqs.filter(|seq| held(*seq)).max().unwrap_or_default().min(durable)
}

/// Whether the promises of `promised` keep every lower epoch of this configuration from committing:
/// the home's own promise does, and so do those of others when what is left without them is no
/// commit. Without regions that is `n-w+1` others.
#[must_use]
pub fn sealed(
    config: &Config,
    home: Option<NodeId>,
    promised: impl Iterator<Item = NodeId>,
    mutant: Mutant,
) -> bool {
    let promised: Vec<NodeId> = promised.filter(|node| config.counts(*node)).collect();
    if home.is_some_and(|home| promised.contains(&home)) {
        return true;
    }
    let (copies, regions) = config.extent(|node| !promised.contains(&node));
    let needed = match mutant {
        Mutant::SealTooFew => config.copies() + 1,
        Mutant::None
        | Mutant::CommitOldEpoch
        | Mutant::PostAtW1
        | Mutant::IgnoreBarrier
        | Mutant::ShipAtW1
        | Mutant::ReadUnconfirmed
        | Mutant::BoundedWithoutSlack
        | Mutant::TokenUnchecked
        | Mutant::CutLate
        | Mutant::CountGivenUp => config.copies(),
    };
    copies < needed || regions < config.spread()
}

/// Whether a home of a new configuration may rest on the copies of `holders` (F5): they are a commit
/// of that configuration, so that every later seal of it meets one of them, and with it everything
/// that was committed before (I19).
#[must_use]
pub fn carried(config: &Config, home: NodeId, holds: impl Fn(NodeId) -> bool) -> bool {
    holds(home) && is_commit(config, holds)
}

#[cfg(test)]
mod tests;
