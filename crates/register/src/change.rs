//! What is asked of the register: batches of compare-and-set changes, each with who and why.

use alloc::string::String;
use alloc::vec::Vec;

use types::{Config, Epoch, GroupId, Hash, ModelVersion, NodeId, Seq, Stamp, Start, Terms};

use crate::limits::{
    ACTOR_BYTES_MAX, CHANGES_MAX, CONFIG_MEMBERS_MAX, CONTACT_BYTES_MAX, KNOWN_STARTS_MAX,
    REASON_BYTES_MAX,
};
use crate::{Disposal, Membership, MembershipChange, Refusal, RosterRefusal};

/// The name of a proposal: who proposed it, and its number there. Applied at most once.
///
/// Numbers are never used twice by a node, over restarts too: [`Register::proposal_id`] makes them.
///
/// [`Register::proposal_id`]: crate::Register::proposal_id
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProposalId {
    /// The proposing node.
    pub node: NodeId,
    /// Its number.
    pub number: u64,
}

/// Why a seal was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealKind {
    /// The home works along; nothing is lost.
    Planned,
    /// The home is not heard; a seal set decides what was committed.
    Unplanned,
    /// Operators gave up what a seal set would have shown. May lose committed entries.
    Forced,
    /// Copies are missing: go on with the members that are left, under a smaller configuration. Loses
    /// nothing now; what is acknowledged under it has fewer copies.
    Degrade,
    /// The members that were missing are back: return to the whole configuration.
    Restore,
    /// Nodes came or went, or other terms were ordered: go on under the configuration that follows from
    /// that. The home works along; nothing is lost.
    Reconfigure,
}

/// The opening of an epoch (PROTOCOL F6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// The epoch under which the group was sealed.
    pub epoch: Epoch,
    /// The new home: the candidate that sealed.
    pub home: NodeId,
    /// The configuration from here on.
    pub config: Config,
    /// Seq of the first record of the epoch.
    pub start_seq: Seq,
    /// Chain hash of the record before it.
    pub start_hash: Hash,
    /// Epochs that were opened before the register was begun anew by force and of which it did not know:
    /// members have records of them, which stay. Rising; empty in all other cases.
    pub known: Vec<Start>,
    /// Whether committed entries may have been lost. Only after a forced seal.
    pub forced: bool,
    /// When, by the proposer's wall clock. Recorded; decides nothing here.
    pub at: Stamp,
}

/// One step of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Issues the next epoch to a candidate, which may now seal (PROTOCOL F1). Allowed while another
    /// seal is under way: an abandoned seal is taken over under an epoch of its own.
    BeginSeal {
        /// The epoch after the highest ever issued to the group.
        epoch: Epoch,
        /// Who may seal and become home.
        candidate: NodeId,
        /// Why.
        kind: SealKind,
        /// When, by the proposer's wall clock. Recorded; decides nothing here.
        at: Stamp,
    },
    /// Opens the epoch.
    Activate(Activation),
    /// Decides what becomes of a run that was set aside. Moves nothing.
    Dispose(Disposal),
    /// Orders a higher model version. The home appends the barrier once every member says that its
    /// code can run it; only that record changes what is in force.
    Upgrade {
        /// The version.
        to: ModelVersion,
    },
    /// Issues the next epoch to the home, to be opened with the same members under other terms.
    Retune {
        /// The epoch after the highest ever issued to the group.
        epoch: Epoch,
        /// The home.
        candidate: NodeId,
        /// The terms from there on.
        terms: Terms,
        /// When, by the proposer's wall clock. Recorded; decides nothing here.
        at: Stamp,
    },
}

/// A step of one group, taken only if the group is at `expected_version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The group.
    pub group: GroupId,
    /// The version the proposer saw.
    pub expected_version: u64,
    /// The step.
    pub transition: Transition,
}

impl Change {
    /// Epochs that it makes known to the register.
    #[must_use]
    pub const fn known_starts(&self) -> usize {
        match &self.transition {
            Transition::Activate(activation) => activation.known.len(),
            Transition::BeginSeal { .. }
            | Transition::Dispose(_)
            | Transition::Upgrade { .. }
            | Transition::Retune { .. } => 0,
        }
    }
}

/// What a change came to: the group's new version, or why it was refused.
pub type ChangeResult = Result<u64, Refusal>;

/// A batch of changes, decided in one consensus round and each on its own merits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    id: ProposalId,
    actor: String,
    reason: String,
    changes: Vec<Change>,
    membership: Option<MembershipChange>,
}

/// What a change of the roster came to: its new version, or why it was refused.
pub type MembershipResult = Result<u64, RosterRefusal>;

/// What became of a proposal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// Of each change, in the order of the proposal.
    pub changes: Vec<(GroupId, ChangeResult)>,
    /// Of the step of the roster, if the proposal had one.
    pub membership: Option<MembershipResult>,
}

/// Why a proposal cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAProposal {
    /// The actor's name is empty or too long.
    #[error("actor of {bytes} bytes, want 1 to {ACTOR_BYTES_MAX}")]
    Actor {
        /// Its length.
        bytes: usize,
    },
    /// The reason is empty or too long.
    #[error("reason of {bytes} bytes, want 1 to {REASON_BYTES_MAX}")]
    Reason {
        /// Its length.
        bytes: usize,
    },
    /// A text of a newcomer's contact is too long.
    #[error("a text of the contact is longer than {CONTACT_BYTES_MAX} bytes")]
    Contact,
    /// There are no changes or too many.
    #[error("{count} changes, want 1 to {CHANGES_MAX}")]
    Changes {
        /// How many.
        count: usize,
    },
    /// The changes make known too many epochs that the register had not heard of.
    #[error("{count} epochs made known, at most {KNOWN_STARTS_MAX} are allowed")]
    Known {
        /// How many.
        count: usize,
    },
    /// A configuration has too many members.
    #[error("configuration of {members} members, at most {CONFIG_MEMBERS_MAX} are allowed")]
    Config {
        /// How many.
        members: usize,
    },
}

impl Proposal {
    /// A proposal within the limits.
    ///
    /// # Errors
    /// See [`NotAProposal`]. Every change names an actor and a reason, so neither may be empty.
    pub fn new(
        id: ProposalId,
        actor: String,
        reason: String,
        changes: Vec<Change>,
    ) -> Result<Self, NotAProposal> {
        check_words(&actor, &reason)?;
        if changes.is_empty() || changes.len() > CHANGES_MAX {
            return Err(NotAProposal::Changes { count: changes.len() });
        }
        let count = changes.iter().map(Change::known_starts).sum();
        if count > KNOWN_STARTS_MAX {
            return Err(NotAProposal::Known { count });
        }
        for change in &changes {
            if let Transition::Activate(activation) = &change.transition {
                let members = activation.config.members().len();
                if members > CONFIG_MEMBERS_MAX {
                    return Err(NotAProposal::Config { members });
                }
            }
        }
        Ok(Self { id, actor, reason, changes, membership: None })
    }

    /// A proposal of one step of the roster.
    ///
    /// # Errors
    /// See [`NotAProposal`].
    pub fn of_membership(
        id: ProposalId,
        actor: String,
        reason: String,
        change: MembershipChange,
    ) -> Result<Self, NotAProposal> {
        check_words(&actor, &reason)?;
        if let Membership::Admit(newcomer) = &change.step
            && !newcomer.fits()
        {
            return Err(NotAProposal::Contact);
        }
        Ok(Self { id, actor, reason, changes: Vec::new(), membership: Some(change) })
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> ProposalId {
        self.id
    }

    /// Who asks: a certificate's name, or the automatism's.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The changes, in the order in which they are decided.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The step of the roster, if it is a proposal of one.
    #[must_use]
    pub const fn membership(&self) -> Option<&MembershipChange> {
        self.membership.as_ref()
    }
}

fn check_words(actor: &str, reason: &str) -> Result<(), NotAProposal> {
    if actor.is_empty() || actor.len() > ACTOR_BYTES_MAX {
        return Err(NotAProposal::Actor { bytes: actor.len() });
    }
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(NotAProposal::Reason { bytes: reason.len() });
    }
    Ok(())
}
