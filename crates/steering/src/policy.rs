//! When a group may be moved without an operator: the cross-region trigger of PROTOCOL 6.

use alloc::vec::Vec;

use types::NodeId;

/// The knobs of automatic failover, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether groups move without an operator at all.
    pub automatic: bool,
    /// How long a home must have shown no durable progress.
    pub detect_us: u64,
    /// From how many nodes, the candidate included, that must be so.
    pub vantage_points: usize,
    /// How long a group stays where an automatic move put it.
    pub residence_us: u64,
    /// How long the next candidate in line waits for the one before it.
    pub stagger_us: u64,
}

/// What is known about one group and one candidate, this node, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Microseconds for which this node has seen no progress of the home.
    pub silent_us: u64,
    /// Other nodes that say the same.
    pub observers: Vec<NodeId>,
    /// Whether the register has a majority and a leader as far as this node knows.
    pub register: bool,
    /// Members whose promise would be needed and that cannot be reached; empty when a seal set can.
    pub unreachable: Vec<NodeId>,
    /// Members whose copies the home is missing, which is there and whose commits stand still, when a home
    /// here would miss them as well; empty otherwise.
    pub missing: Vec<NodeId>,
    /// Microseconds since the last automatic move of this group; `None` if there was none.
    pub moved_us: Option<u64>,
    /// How many live candidates come before this one.
    pub rank: u32,
    /// How far this node's clock is off the median of all, in microseconds, when that is too far for
    /// a home.
    pub skew_us: Option<u64>,
    /// Whether this node is a member of the group's configuration.
    pub member: bool,
}

/// Why a group is not moved by this node now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stay {
    /// The policy leaves it to an operator.
    NotAutomatic,
    /// The home makes progress, or has been silent for less than the limit.
    Progress {
        /// For how long it has been silent.
        silent_us: u64,
        /// The limit.
        detect_us: u64,
    },
    /// Too few nodes see the silence: the link, not the home, may be at fault.
    Vantage {
        /// How many see it, this node included.
        seen_by: usize,
        /// How many are needed.
        needed: usize,
    },
    /// The register cannot decide.
    NoRegister,
    /// No seal set can be reached; these members' promises are missing.
    NoSealSet(Vec<NodeId>),
    /// The home is there and its commits stand still; so would those of another, as these members' copies
    /// are missing.
    NoCopies(Vec<NodeId>),
    /// The group was moved automatically a short while ago.
    Residence {
        /// How long this lasts still.
        left_us: u64,
    },
    /// This node's clock is too far off for a home (PROTOCOL N6).
    Clock {
        /// How far it is off the median.
        skew_us: u64,
    },
    /// Another live candidate comes first and is given its time.
    Rank {
        /// How long it has still.
        left_us: u64,
    },
    /// This node is no member: it never was, or the group goes on without it. It does not hold what was
    /// committed meanwhile.
    NotMember,
}

/// Whether this node may begin to take the group over.
///
/// # Errors
/// All reasons at once, in the order of [`Stay`], so that an operator need not find them one by one.
pub fn judge(policy: &Policy, sight: &Sight) -> Result<(), Vec<Stay>> {
    let mut stays = Vec::new();
    if !policy.automatic {
        stays.push(Stay::NotAutomatic);
    }
    let turn_us = policy.detect_us.saturating_add(policy.stagger_us * u64::from(sight.rank));
    if sight.silent_us < policy.detect_us {
        let (silent_us, detect_us) = (sight.silent_us, policy.detect_us);
        stays.push(Stay::Progress { silent_us, detect_us });
    }
    let seen_by = sight.observers.len() + usize::from(sight.silent_us >= policy.detect_us);
    if seen_by < policy.vantage_points {
        stays.push(Stay::Vantage { seen_by, needed: policy.vantage_points });
    }
    if !sight.register {
        stays.push(Stay::NoRegister);
    }
    if !sight.unreachable.is_empty() {
        stays.push(Stay::NoSealSet(sight.unreachable.clone()));
    }
    if !sight.missing.is_empty() {
        stays.push(Stay::NoCopies(sight.missing.clone()));
    }
    if let Some(moved_us) = sight.moved_us.filter(|moved_us| *moved_us < policy.residence_us) {
        stays.push(Stay::Residence { left_us: policy.residence_us - moved_us });
    }
    if let Some(skew_us) = sight.skew_us {
        stays.push(Stay::Clock { skew_us });
    }
    if sight.silent_us >= policy.detect_us && sight.silent_us < turn_us {
        stays.push(Stay::Rank { left_us: turn_us - sight.silent_us });
    }
    if !sight.member {
        stays.push(Stay::NotMember);
    }
    if stays.is_empty() { Ok(()) } else { Err(stays) }
}

#[cfg(test)]
mod tests;
