//! The two counting rules that meet in at least one member: commit and seal (PROTOCOL 7.4).

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use types::{Config, NodeId, Seq};

use crate::Mutant;

/// The largest seq that is durable at `w` members, `home` included, given what the home itself has
/// made durable and what each other member has acknowledged (N3, before the epoch is looked at).
#[must_use]
pub fn committed(
    config: &Config,
    home: NodeId,
    durable: Seq,
    acked: &BTreeMap<NodeId, Seq>,
) -> Seq {
    let others = config.copies() - 1;
    if others == 0 {
        return durable;
    }
    let mut seqs: Vec<Seq> = acked
        .iter()
        .filter(|(node, _)| **node != home && config.has(**node))
        .map(|(_, seq)| *seq)
        .collect();
    seqs.sort_unstable_by(|a, b| b.cmp(a));
    seqs.get(others - 1).map_or(Seq(0), |seq| (*seq).min(durable))
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
        Mutant::None | Mutant::CommitOldEpoch => config.seal_others(),
    };
    others >= needed
}

#[cfg(test)]
mod tests;
