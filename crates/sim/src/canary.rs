//! Rules broken on purpose: a check that was never seen to fail proves nothing.

use replication::Mutant;
use types::Class;

use crate::Lie;
use crate::app::Kind;
use crate::fault::{Fault, Rate};
use crate::knobs::{CLOSE_US_MAX, Knobs, SECOND};

/// A rule that is broken on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Canary {
    /// None.
    #[default]
    None,
    /// Disks report writes as durable that are not yet.
    AckBeforeFsync,
    /// Disks drop promises that they report as durable.
    PromiseNotPersisted,
    /// A takeover counts one promise less than meets every commit.
    SealTooFew,
    /// A home commits records of older epochs by counting copies.
    CommitOldEpoch,
    /// A home sends other groups what only its own disk holds.
    PostAtW1,
    /// Disks report writes as durable when they have them in their cache.
    SkipFsync,
    /// Members that lose power come back with empty disks, under their old ids.
    ReuseReplicaId,
    /// Nodes behave as the newest model version that their code knows, whatever is in force.
    IgnoreBarrier,
    /// A home tells its followers that what it has on its own disk is committed.
    ShipAtW1,
    /// A start ends the log at the first record that cannot be read.
    TruncateOnDamage,
    /// A home answers linearizable reads without asking whether it is still the home.
    ReadUnconfirmed,
    /// A node says how old its state is as if all clocks were equal.
    BoundedWithoutSlack,
    /// A node takes what a token names for applied whenever it has come so far.
    TokenUnchecked,
    /// A group is looked at for a cut one record late.
    CutLate,
    /// What nodes say that were given up by force counts as before.
    CountGivenUp,
}

impl Canary {
    /// All but `None`.
    pub const ALL: [Self; 15] = [
        Self::AckBeforeFsync,
        Self::PromiseNotPersisted,
        Self::SealTooFew,
        Self::CommitOldEpoch,
        Self::PostAtW1,
        Self::SkipFsync,
        Self::ReuseReplicaId,
        Self::IgnoreBarrier,
        Self::ShipAtW1,
        Self::TruncateOnDamage,
        Self::ReadUnconfirmed,
        Self::BoundedWithoutSlack,
        Self::TokenUnchecked,
        Self::CutLate,
        Self::CountGivenUp,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AckBeforeFsync => "ack-before-fsync",
            Self::PromiseNotPersisted => "promise-not-persisted",
            Self::SealTooFew => "seal-too-few",
            Self::CommitOldEpoch => "commit-old-epoch",
            Self::PostAtW1 => "post-at-w1",
            Self::SkipFsync => "skip-fsync",
            Self::ReuseReplicaId => "reuse-replica-id",
            Self::IgnoreBarrier => "ignore-barrier",
            Self::ShipAtW1 => "ship-at-w1",
            Self::TruncateOnDamage => "truncate-on-damage",
            Self::ReadUnconfirmed => "read-unconfirmed",
            Self::BoundedWithoutSlack => "bounded-without-slack",
            Self::TokenUnchecked => "token-unchecked",
            Self::CutLate => "cut-late",
            Self::CountGivenUp => "count-given-up",
        }
    }

    /// The canary of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|canary| canary.name() == name)
    }

    /// Within how many seeds it must be caught.
    #[must_use]
    pub const fn seeds_max(self) -> u64 {
        match self {
            Self::None => 0,
            Self::AckBeforeFsync
            | Self::PromiseNotPersisted
            | Self::PostAtW1
            | Self::SkipFsync
            | Self::ReuseReplicaId
            | Self::IgnoreBarrier
            | Self::ShipAtW1
            | Self::TruncateOnDamage
            | Self::TokenUnchecked
            | Self::CutLate
            | Self::CountGivenUp => 20,
            Self::CommitOldEpoch | Self::ReadUnconfirmed | Self::BoundedWithoutSlack => 60,
            Self::SealTooFew => 100,
        }
    }

    /// Breaks the rule.
    pub(crate) fn sing(self, knobs: &mut Knobs) {
        match self {
            Self::None => {}
            Self::AckBeforeFsync => knobs.lie = Lie::Early,
            Self::SkipFsync => knobs.lie = Lie::Cached,
            Self::ReuseReplicaId => knobs.replaces_disks = true,
            Self::PromiseNotPersisted => knobs.lie = Lie::NoPromise,
            Self::SealTooFew => knobs.mutant = Mutant::SealTooFew,
            Self::CommitOldEpoch => knobs.mutant = Mutant::CommitOldEpoch,
            Self::PostAtW1 => {
                knobs.mutant = Mutant::PostAtW1;
                knobs.groups = knobs.groups.max(2);
            }
            Self::IgnoreBarrier => {
                knobs.mutant = Mutant::IgnoreBarrier;
                // Only this application has a second version.
                knobs.app = Kind::Moves;
            }
            Self::ShipAtW1 => knobs.mutant = Mutant::ShipAtW1,
            Self::TruncateOnDamage => knobs.lie = Lie::Truncate,
            Self::ReadUnconfirmed => {
                knobs.mutant = Mutant::ReadUnconfirmed;
                knobs.readers = knobs.readers.max(6);
            }
            Self::BoundedWithoutSlack => {
                knobs.mutant = Mutant::BoundedWithoutSlack;
                knobs.readers = knobs.readers.max(8);
                knobs.clients = knobs.clients.max(6);
                // Only where clocks differ as they may is anything promised, and the slack needed.
                (knobs.offset_us_max, knobs.slow_clock_us) = (CLOSE_US_MAX, 0);
                knobs.drift_ppm_max = 0;
                knobs.rates.retain(|rate| rate.fault != Fault::ClockJump);
            }
            Self::TokenUnchecked => {
                knobs.mutant = Mutant::TokenUnchecked;
                knobs.readers = knobs.readers.max(6);
                // What is told before its commit is what may be lost.
                (knobs.terms.class, knobs.early_percent) = (Class::Async, 100);
            }
            Self::CutLate => {
                knobs.mutant = Mutant::CutLate;
                knobs.readers = knobs.readers.max(6);
            }
            Self::CountGivenUp => {
                knobs.mutant = Mutant::CountGivenUp;
                knobs.be_plain();
            }
        }
        if matches!(self, Self::BoundedWithoutSlack | Self::TokenUnchecked | Self::CutLate) {
            // Where an operator may take back what was committed, reads promise less.
            knobs.rates.retain(|rate| !matches!(rate.fault, Fault::Forced | Fault::Recall));
        }
        let needs = match self {
            Self::None => return,
            Self::AckBeforeFsync
            | Self::PromiseNotPersisted
            | Self::SkipFsync
            | Self::ReuseReplicaId => Fault::Crash,
            Self::SealTooFew | Self::CommitOldEpoch | Self::PostAtW1 | Self::ShipAtW1 => {
                Fault::Unplanned
            }
            Self::IgnoreBarrier => Fault::Roll,
            Self::TruncateOnDamage => Fault::BitFlip,
            Self::ReadUnconfirmed | Self::TokenUnchecked => Fault::Isolate,
            Self::BoundedWithoutSlack => Fault::Clog,
            Self::CutLate => Fault::Planned,
            Self::CountGivenUp => Fault::Burn,
        };
        // The fault without which the broken rule does no harm.
        if !knobs.rates.iter().any(|rate| rate.fault == needs) {
            knobs.rates.push(Rate { fault: needs, every_us: 3 * SECOND });
        }
    }
}
