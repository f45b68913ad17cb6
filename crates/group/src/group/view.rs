//! What others may see of a group: no state changes here.

use journal::Chain;
use model::Model;
use replication::Lack;
use types::{Config, Epoch, EpochTable, GroupId, Hash, NodeId, Seq, Tail};
use wire::Orphan;

use super::{Group, Role};

impl<M: Model> Group<M> {
    /// Whether this node could begin to take the group over.
    #[must_use]
    pub fn is_free(&self) -> bool {
        matches!(self.role, Role::Member) && self.bar().is_none()
    }

    /// Whether this node is home, whatever the register now plans, and could be of a new epoch too.
    #[must_use]
    pub fn is_unmoved_home(&self) -> bool {
        matches!(self.role, Role::Home(_)) && self.bar().is_none()
    }

    /// Whether this node is a candidate that lacks copies of what it is to begin with.
    #[must_use]
    pub fn waits_for_copies(&self) -> bool {
        let Role::Candidate(candidate) = &self.role else { return false };
        matches!(candidate.takeover.lacks(), Some(Lack::Copies(_)))
    }

    /// The group's id.
    #[must_use]
    pub const fn id(&self) -> GroupId {
        self.id
    }

    /// The model after everything applied here. For those who ask about the application there is
    /// [`Group::readable`].
    #[must_use]
    pub const fn model(&self) -> &M {
        &self.model
    }

    /// Whether this node is the group's home, and of which epoch.
    #[must_use]
    pub const fn home_epoch(&self) -> Option<Epoch> {
        match &self.role {
            Role::Home(_) => Some(self.meta.promised),
            Role::Member | Role::Candidate(_) | Role::Quarantined => None,
        }
    }

    /// The epoch below which this node refuses.
    #[must_use]
    pub const fn promised(&self) -> Epoch {
        self.meta.promised
    }

    /// The durable commit watermark here: nothing above is applied.
    #[must_use]
    pub fn commit(&self) -> Seq {
        self.known.min(self.durable)
    }

    /// Where the chain here ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.chain.tail()
    }

    /// Everything up to here is durable on this node.
    #[must_use]
    pub const fn durable(&self) -> Seq {
        self.durable
    }

    /// Everything up to here is applied to the model here.
    #[must_use]
    pub const fn applied(&self) -> Seq {
        self.applied
    }

    /// Digest over everything applied here and every outcome: equal wherever the same is applied.
    #[must_use]
    pub const fn trail(&self) -> Hash {
        self.trail
    }

    /// The epochs that this node knows to have been active.
    #[must_use]
    pub const fn table(&self) -> &EpochTable {
        &self.meta.table
    }

    /// The configuration of the newest epoch recorded here.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.meta.config
    }

    /// The chain here.
    #[must_use]
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// What was set aside here.
    #[must_use]
    pub fn orphans(&self) -> &[Orphan] {
        &self.meta.orphans
    }

    /// Whether the epoch that is promised is also recorded as active here.
    pub(super) fn is_joined(&self) -> bool {
        !self.meta.table.starts().is_empty() && self.meta.table.epoch() == self.meta.promised
    }

    /// The home this node would send a client to, with its epoch: the newer of what it follows and
    /// what the register says.
    #[must_use]
    pub fn home(&self) -> (Option<NodeId>, Epoch) {
        let followed = (self.meta.home, self.meta.table.epoch());
        match &self.register {
            Some(state) if state.epoch > followed.1 => (state.home, state.epoch),
            _ => followed,
        }
    }
}
