//! The two counting rules that meet in at least one member: commit and seal (PROTOCOL 7.4).

use types::{Config, NodeId, Seq};

use crate::Mutant;

/// The largest seq that is durable at `w` members, `home` included, given what the home itself has
/// made durable and what each other member has acknowledged (N3, before the epoch is looked at).
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
    let acked = acked.filter(|(node, _)| *node != home && config.has(*node)).map(|(_, seq)| seq);
    let held = |seq| acked.clone().filter(|other| *other >= seq).count() >= others;
    acked.clone().filter(|seq| held(*seq)).max().unwrap_or_default().min(durable)
}

/// Whether the promises of `promised` keep every lower epoch of this configuration from committing:
/// the home's own promise, or those of `n-w+1` others.
#[must_use]
pub fn sealed(
    config: &Config,
    home: Option<NodeId>,
    promised: impl Iterator<Item = NodeId>,
    mutant: Mutant,
) -> bool {
    let mut others = 0;
    for node in promised.filter(|node| config.has(*node)) {
        if Some(node) == home {
            return true;
        }
        others += 1;
    }
    let needed = match mutant {
        Mutant::SealTooFew => config.seal_others() - 1,
        Mutant::None
        | Mutant::CommitOldEpoch
        | Mutant::PostAtW1
        | Mutant::IgnoreBarrier
        | Mutant::ShipAtW1 => config.seal_others(),
    };
    others >= needed
}

#[cfg(test)]
mod tests;
