//! One group in the register: its state, and which transitions it allows.
//!
//! Two rules carry the protocol: an epoch is issued once, to one candidate, and only that candidate
//! may open it. There is no way back from a seal to the epoch before it: a replica that promised the new
//! epoch refuses the old home for good, so such a way would leave a group that the register calls
//! active and that cannot write. A home that was not sealed serves on regardless of the register, and
//! an abandoned seal is taken over by the next one.

use alloc::string::String;
use alloc::vec::Vec;

use types::{
    Config, ConfigId, Epoch, EpochTable, GroupId, Hash, ModelVersion, NodeId, QuorumLoss, Seq,
    Stamp, Start,
};

use crate::numbers::{self, Base};
use crate::{Activation, Disposal, Disposition, ProposalId, SealKind, Transition, disposal};

/// Whether a group has a home or is between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The last opened epoch is the newest issued.
    Active,
    /// A newer epoch was issued and is not open yet. The old home may still be serving.
    Sealing {
        /// The epoch issued.
        epoch: Epoch,
        /// Who may open it.
        candidate: NodeId,
        /// When it was issued, by the proposer's wall clock.
        since: Stamp,
        /// Why it was issued.
        kind: SealKind,
    },
}

/// Where a group stands, in short: what a refused proposer needs to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Number of changes so far; the value to compare with.
    pub version: u64,
    /// The last opened epoch; 0 before the first.
    pub epoch: Epoch,
    /// The home of that epoch.
    pub home: Option<NodeId>,
    /// Whether a seal is under way.
    pub phase: Phase,
}

/// What the register knows about a group (PROTOCOL 7.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupState {
    /// Number of changes so far, from 1; the value to compare with.
    pub version: u64,
    /// The highest epoch ever issued to the group, opened or not.
    pub issued: Epoch,
    /// The last opened epoch; 0 before the first.
    pub epoch: Epoch,
    /// The home of that epoch; `None` before the first.
    pub home: Option<NodeId>,
    /// The configuration of that epoch: whom the next candidate must seal.
    pub config: Config,
    /// While the group is degraded: the configuration that it is to return to. As long as this is
    /// there, a failure may lose what the whole configuration would have kept.
    pub whole: Option<Config>,
    /// While a seal is under way that nodes came or went before, or that other terms were ordered with: the
    /// configuration that it is to open, or
    /// that it may open where the copies cannot be had without the newcomers.
    pub next: Option<Config>,
    /// Where every opened epoch starts.
    pub history: EpochTable,
    /// Configuration numbers up to this one may have been used before the register was begun anew by
    /// force; 0 if it never was.
    pub configs: ConfigId,
    /// Whether a seal is under way.
    pub phase: Phase,
    /// When an unplanned seal last moved the group to another home, by the proposer's wall clock; 0
    /// for never.
    /// Residence times are counted from here.
    pub moved_at: Stamp,
    /// The model version that was ordered. In force is what the chain's last barrier says, which comes
    /// to this once every member can run it.
    pub model: ModelVersion,
    /// Who made the last change; empty before the first.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// In which proposal; `None` before the first.
    pub changed_by: Option<ProposalId>,
    /// What was decided about runs that were set aside, oldest first. A run that is not named here is
    /// open.
    pub disposals: Vec<Disposal>,
}

/// Why a change was not made. The group is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such group.
    #[error("no group {group}")]
    UnknownGroup {
        /// The group named.
        group: GroupId,
    },
    /// The group changed since the proposer looked. Look again, and propose again if it still fits.
    #[error("the group is at version {}", standing.version)]
    Version {
        /// Where it stands.
        standing: Standing,
    },
    /// The epoch is not the one that this step needs.
    #[error("epoch {given} given, {expected} expected")]
    WrongEpoch {
        /// What this step needs.
        expected: Epoch,
        /// What was given.
        given: Epoch,
    },
    /// There is no seal to complete.
    #[error("the group is not being sealed")]
    NotSealing,
    /// The seal belongs to another node.
    #[error("{candidate} holds the seal")]
    NotCandidate {
        /// Who holds it.
        candidate: NodeId,
    },
    /// The node is not in the configuration.
    #[error("{node} is not a member")]
    NotMember {
        /// The node.
        node: NodeId,
    },
    /// Another configuration already has this number or a later one: configurations never change.
    #[error("configuration {} is in force, a new one needs a higher number", current.0)]
    ConfigNumber {
        /// The number of the configuration in force.
        current: ConfigId,
    },
    /// The start does not continue the history, and the switch is not forced.
    #[error("start at {given} does not continue the history, which started last at {last}")]
    Start {
        /// Start of the last opened epoch; 1 before the first.
        last: Seq,
        /// What was given.
        given: Seq,
    },
    /// The activation says forced, the seal did not.
    #[error("the seal was not forced")]
    NotForced,
    /// So many later proposals of this node were decided that it can no longer be told whether this
    /// one was. It changed nothing now.
    #[error("the proposal is older than what is remembered")]
    Expired,
    /// The run has another disposition, and what was done about it cannot be undone.
    #[error("the run was disposed of already: {decided:?}")]
    Disposed {
        /// How.
        decided: Disposition,
    },
    /// The group is changing its home; decide or order when that is over.
    #[error("the group is changing its home")]
    Sealing,
    /// As many runs of this group are decided as the register holds.
    #[error("{count} runs of this group are decided, and no more are held")]
    Disposals {
        /// How many.
        count: usize,
    },
    /// That model version or a later one was ordered before. Versions only rise: a chain may hold
    /// records that no older one can apply.
    #[error("model version {given} is not above {ordered}, which was ordered before")]
    NotHigher {
        /// What was ordered last.
        ordered: ModelVersion,
        /// What was given.
        given: ModelVersion,
    },
    /// The configuration is smaller than the one in force, and neither the group's terms nor the seal
    /// allow that.
    #[error("a smaller configuration is allowed neither by the group's terms nor by the seal")]
    NotDegrading,
    /// There is nothing to restore.
    #[error("the group is not degraded")]
    NotDegraded,
    /// The group has the members that it is to have.
    #[error("the group has the members that it is to have")]
    NothingToChange,
    /// The configuration is neither the one in force nor the one that the seal was begun for.
    #[error("the seal was begun for another configuration")]
    OtherTarget,
    /// All epochs that may be issued before the register is begun anew once more were issued.
    #[error("no more epochs can be issued")]
    Spent,
    /// An epoch that is made known does not fit between what the register knows and what it has issued.
    #[error("{epoch} does not fit into the history")]
    Known {
        /// The epoch.
        epoch: Epoch,
    },
    /// The node is a member that may not become home: a witness, or a learner.
    #[error("{node} is a member that may not become home")]
    MayNotLead {
        /// The node.
        node: NodeId,
    },
    /// The group has these terms.
    #[error("the group has these terms")]
    SameTerms,
    /// The group goes on with fewer members or copies than it is to have, under the terms of those: restore
    /// it first.
    #[error("the group is degraded: restore it first")]
    Degraded,
    /// The copies of class local are in one region, and the group's nodes are in several.
    #[error(
        "class local is for groups whose nodes are all in one region; those of this one are in {regions}"
    )]
    AcrossRegions {
        /// In how many.
        regions: usize,
    },
    /// With one copy there is nothing to do without.
    #[error("the group has one copy, and nothing to do without")]
    OneCopy,
    /// Only the home may bring its group to other terms: another would leave behind what it has answered.
    #[error("{node} is not the group's home")]
    NotHome {
        /// The node.
        node: NodeId,
    },
}

impl GroupState {
    /// The state before the first epoch. Every member derives it from its options.
    #[must_use]
    pub const fn genesis(config: Config) -> Self {
        Self {
            version: 1,
            issued: Epoch(0),
            epoch: Epoch(0),
            home: None,
            config,
            whole: None,
            next: None,
            history: EpochTable::new(),
            configs: ConfigId(0),
            phase: Phase::Active,
            moved_at: Stamp(0),
            model: ModelVersion::FIRST,
            actor: String::new(),
            reason: String::new(),
            changed_by: None,
            disposals: Vec::new(),
        }
    }

    /// The configuration that the group is to have while no nodes come or go: the one in force, or what
    /// a degraded one is to return to.
    #[must_use]
    pub fn to_be(&self) -> &Config {
        self.whole.as_ref().unwrap_or(&self.config)
    }

    /// The number of the next configuration.
    #[must_use]
    pub fn next_config(&self) -> ConfigId {
        numbers::config_after(self.configs.max(self.config.id()))
    }

    /// Whether the register was begun anew by force since the last epoch was opened: that may not have been
    /// the last one, and what was acknowledged since may be lost.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.epoch < numbers::range_of(self.issued)
    }

    /// Whether an epoch was issued since the register was last begun anew by force; not if it never was.
    #[must_use]
    pub fn is_since_force(&self, epoch: Epoch) -> bool {
        let begun = numbers::range_of(self.issued);
        begun > Epoch(0) && epoch > begun
    }

    /// The register was begun anew by force. What follows has numbers that nobody else has; a seal that was
    /// under way goes on under one of them, as its own may have been another's in the end.
    pub(crate) fn begin_anew(&mut self, base: Base) {
        self.version += 1;
        self.issued = base.epoch;
        self.configs = base.config;
        if let Phase::Sealing { epoch, .. } = &mut self.phase {
            self.issued = base.epoch.next();
            *epoch = self.issued;
        }
        let number = self.next_config();
        self.next = self.next.take().map(|next| next.numbered(number));
    }

    /// Where it stands, in short.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        Standing { version: self.version, epoch: self.epoch, home: self.home, phase: self.phase }
    }

    /// Takes one step of a group whose members stay, or says why not and stays as it is. Gives the new
    /// version.
    ///
    /// # Errors
    /// [`Refusal`]: the step is not allowed from here.
    pub fn take(&mut self, transition: &Transition) -> Result<u64, Refusal> {
        self.take_towards(transition, None)
    }

    /// The same, where `target` is the configuration that the roster wants for the group, if that is
    /// another.
    ///
    /// # Errors
    /// [`Refusal`]: the step is not allowed from here.
    pub fn take_towards(
        &mut self,
        transition: &Transition,
        target: Option<Config>,
    ) -> Result<u64, Refusal> {
        match transition {
            Transition::BeginSeal { epoch, candidate, kind, at } => {
                self.begin_seal(*epoch, *candidate, *kind, *at, target)?;
            }
            Transition::Activate(activation) => self.activate(activation)?,
            Transition::Dispose(decided) => {
                // A candidate would find that the version it seals under is gone.
                if self.phase != Phase::Active {
                    return Err(Refusal::Sealing);
                }
                disposal::decide(&mut self.disposals, decided)?;
            }
            Transition::Upgrade { to } => self.upgrade(*to)?,
            Transition::Retune { epoch, candidate, terms, at } => {
                self.begin_terms(*epoch, *candidate, *terms, *at)?;
            }
        }
        self.version += 1;
        Ok(self.version)
    }

    fn begin_seal(
        &mut self,
        epoch: Epoch,
        candidate: NodeId,
        kind: SealKind,
        since: Stamp,
        target: Option<Config>,
    ) -> Result<(), Refusal> {
        let expected = numbers::epoch_after(self.issued).ok_or(Refusal::Spent)?;
        if epoch != expected {
            return Err(Refusal::WrongEpoch { expected, given: epoch });
        }
        self.check_candidate(candidate, kind)?;
        let next = match kind {
            SealKind::Reconfigure => {
                let next = target.ok_or(Refusal::NothingToChange)?;
                check_lead(&next, candidate)?;
                Some(next)
            }
            // The home's disk may be the one that is lost, and with all copies wanted nobody else could
            // open an epoch.
            SealKind::Unplanned => target.filter(|next| check_lead(next, candidate).is_ok()),
            SealKind::Planned | SealKind::Forced | SealKind::Degrade | SealKind::Restore => None,
        };
        if kind == SealKind::Restore && self.whole.is_none() {
            return Err(Refusal::NotDegraded);
        }
        self.next = next.map(|next| next.numbered(self.next_config()));
        self.issued = epoch;
        self.phase = Phase::Sealing { epoch, candidate, since, kind };
        Ok(())
    }

    fn upgrade(&mut self, to: ModelVersion) -> Result<(), Refusal> {
        // A candidate would find that the version it seals under is gone.
        if self.phase != Phase::Active {
            return Err(Refusal::Sealing);
        }
        if to <= self.model {
            return Err(Refusal::NotHigher { ordered: self.model, given: to });
        }
        self.model = to;
        Ok(())
    }

    /// Whether a node may become home by a seal of this kind. Only full members may: those that were
    /// left out of a degraded configuration do not hold what it acknowledged, and lead it only when
    /// operators have given that up (the last replica standing).
    #[must_use]
    pub fn may_lead(&self, node: NodeId, kind: SealKind) -> bool {
        self.check_candidate(node, kind).is_ok()
    }

    fn check_candidate(&self, node: NodeId, kind: SealKind) -> Result<(), Refusal> {
        match &self.whole {
            Some(whole) if kind == SealKind::Forced => check_lead(whole, node),
            _ => check_lead(&self.config, node),
        }
    }

    fn activate(&mut self, activation: &Activation) -> Result<(), Refusal> {
        let Phase::Sealing { epoch, candidate, since: _, kind } = self.phase else {
            return Err(Refusal::NotSealing);
        };
        if activation.epoch != epoch {
            return Err(Refusal::WrongEpoch { expected: epoch, given: activation.epoch });
        }
        if activation.home != candidate {
            return Err(Refusal::NotCandidate { candidate });
        }
        check_lead(&activation.config, candidate)?;
        let config = &activation.config;
        let current = self.configs.max(self.config.id());
        let is_next_number = config.id() > current && numbers::is_one_range(config.id(), current);
        if *config != self.config && !is_next_number {
            return Err(Refusal::ConfigNumber { current });
        }
        let by_terms = kind == SealKind::Unplanned
            && self.config.terms().on_quorum_loss == QuorumLoss::Degrade;
        let is_next = self.next.as_ref() == Some(config);
        if kind == SealKind::Reconfigure && !is_next && *config != self.config {
            return Err(Refusal::OtherTarget);
        }
        if config.is_less_than(&self.config) && kind != SealKind::Degrade && !by_terms && !is_next {
            return Err(Refusal::NotDegrading);
        }
        if activation.forced && kind != SealKind::Forced {
            return Err(Refusal::NotForced);
        }
        self.check_known(activation)?;
        self.check_start(activation)?;

        assert!(epoch > self.epoch, "an epoch opens once and in order");
        // Of what the lost members decided last, nothing is known but what can be seen here.
        let is_in_doubt = self.is_in_doubt();
        for start in &activation.known {
            self.history.push(*start);
        }
        self.history.push(Start {
            epoch,
            seq: activation.start_seq,
            hash: activation.start_hash,
            config: config.id(),
            forced: activation.forced || is_in_doubt,
            class: config.terms().class,
        });
        // A first home, and a home that starts anew where it was, are not moves: a residence time
        // counted from them would hold up the failover that is needed next.
        let moved = self.home.is_some_and(|home| home != candidate);
        if moved && kind == SealKind::Unplanned {
            self.moved_at = activation.at;
        }
        self.epoch = epoch;
        self.home = Some(candidate);
        if *config != self.config {
            let whole = self.whole.take().unwrap_or_else(|| self.config.clone());
            // What follows from the roster is the whole from here on.
            self.whole = (!is_next && config.is_less_than(&whole)).then_some(whole);
        }
        self.next = None;
        self.config = config.clone();
        self.phase = Phase::Active;
        Ok(())
    }

    /// Epochs are made known only where the register may have forgotten some, and in their order.
    fn check_known(&self, activation: &Activation) -> Result<(), Refusal> {
        let mut last = self.history.epoch();
        for start in &activation.known {
            let epoch = start.epoch;
            if !self.is_in_doubt() || epoch <= last || epoch > numbers::range_of(self.issued) {
                return Err(Refusal::Known { epoch });
            }
            last = epoch;
        }
        Ok(())
    }

    /// A start may not lie before the last one: what an opened epoch wrote below its own start was
    /// committed when it opened. At the very same seq the record before it is the same record.
    fn check_start(&self, activation: &Activation) -> Result<(), Refusal> {
        let (seq, hash) = (activation.start_seq, activation.start_hash);
        let (last, fits) = match activation.known.last().or_else(|| self.history.last()) {
            None => (Seq(1), seq == Seq(1) && hash == Hash::ZERO),
            Some(start) => {
                let above = seq > start.seq;
                let same = seq == start.seq && hash == start.hash;
                (start.seq, above || same || (activation.forced && seq >= Seq(1)))
            }
        };
        if fits { Ok(()) } else { Err(Refusal::Start { last, given: seq }) }
    }
}

/// Whether a node may become home under this configuration.
fn check_lead(config: &Config, node: NodeId) -> Result<(), Refusal> {
    match config.role(node) {
        Some(role) if role.may_lead() => Ok(()),
        Some(_) => Err(Refusal::MayNotLead { node }),
        None => Err(Refusal::NotMember { node }),
    }
}

#[cfg(test)]
mod tests;
