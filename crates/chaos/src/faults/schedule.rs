//! Which faults a run has and when: a pure function of its seed and length.
//!
//! Kinds are dealt from a shuffled pack of all of them, so that a run of a minute has each at least
//! once, and a longer one all orders and overlaps. The nodes are real processes: the same schedule
//! does not make the same run, but it makes one that is as likely to fail.

use super::{Fault, Kind};
use crate::random::Random;

/// A fault with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// When it begins, from the beginning of the run.
    pub(crate) at_ms: u64,
    /// How long it lasts.
    pub(crate) length_ms: u64,
    /// What it is.
    pub(crate) fault: Fault,
}

/// What a run can do on this machine, and is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// How many nodes there are, more than one.
    pub(crate) nodes: usize,
    /// Whether disks are of this program's own.
    pub(crate) own_disks: bool,
    /// Only these kinds; all if there are none.
    pub(crate) only: Vec<Kind>,
}

/// Milliseconds before the first fault: the load has begun.
const FIRST_MS: u64 = 2_000;

/// Milliseconds from one fault's beginning to the next one's, least and most.
const GAP_MS: (u64, u64) = (1_500, 5_000);

/// The faults of a run of `seconds`, in the order of their beginnings; all are over when it is.
pub(crate) fn plan(seed: u64, seconds: u64, abilities: &Abilities) -> Vec<Planned> {
    let Abilities { nodes, own_disks, only } = abilities;
    let is_possible = |kind: &Kind| {
        (*own_disks || !kind.needs_own_disk()) && (only.is_empty() || only.contains(kind))
    };
    let pack: Vec<Kind> = Kind::ALL.into_iter().filter(is_possible).collect();
    let mut random = Random::new(seed, "schedule");
    let (mut plan, mut dealt) = (Vec::new(), Vec::new());
    let mut at_ms = FIRST_MS;
    let end_ms = seconds * 1_000;
    loop {
        if dealt.is_empty() {
            dealt.clone_from(&pack);
            random.shuffle(&mut dealt);
        }
        let Some(kind) = dealt.pop() else { return plan };
        let (shortest, longest) = length_ms(kind);
        let length_ms = random.within(shortest, longest);
        if at_ms + length_ms > end_ms {
            return plan;
        }
        let node = random.index(*nodes);
        let other = (node + 1 + random.index(nodes - 1)) % nodes;
        let amount = amount(kind, &mut random);
        plan.push(Planned { at_ms, length_ms, fault: Fault { kind, node, other, amount } });
        at_ms += random.within(GAP_MS.0, GAP_MS.1);
    }
}

/// The shortest and the longest time of a fault. A home is replaced after two seconds, so most last
/// from less than that to well above.
const fn length_ms(kind: Kind) -> (u64, u64) {
    match kind {
        Kind::DiskFull => (9_000, 16_000),
        Kind::DiskStall => (1_000, 9_000),
        Kind::SyncFails | Kind::Switch => (100, 500),
        Kind::PowerCutAll => (100, 1_500),
        Kind::Kill
        | Kind::Pause
        | Kind::Cut
        | Kind::CutOneWay
        | Kind::Isolate
        | Kind::Deaf
        | Kind::Mute
        | Kind::AnswersLost
        | Kind::Loss
        | Kind::Delay
        | Kind::Disorder
        | Kind::DiskSlow
        | Kind::PowerCut => (800, 7_000),
    }
}

fn amount(kind: Kind, random: &mut Random) -> u64 {
    match kind {
        Kind::Loss => random.within(10_000, 200_000),
        Kind::Delay => random.within(10_000, 80_000),
        Kind::Disorder => random.within(5_000, 60_000),
        Kind::DiskSlow => random.within(20, 400),
        Kind::Kill
        | Kind::Pause
        | Kind::Cut
        | Kind::CutOneWay
        | Kind::Isolate
        | Kind::Deaf
        | Kind::Mute
        | Kind::AnswersLost
        | Kind::Switch
        | Kind::DiskFull
        | Kind::DiskStall
        | Kind::SyncFails
        | Kind::PowerCut
        | Kind::PowerCutAll => 0,
    }
}

#[cfg(test)]
mod tests;
