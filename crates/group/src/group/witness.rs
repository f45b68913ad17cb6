//! What a group is at a node that runs no model: a witness, or no member at all.
//!
//! A witness takes, keeps, acknowledges, seals and serves records as every member does, by the same
//! code. It differs in three things: it applies nothing and answers no queries, which is here, and what it
//! gives up is bounded by what those hold that have the model, which is in `keep/base`.

use model::Model;
use types::{MemberRole, NodeId, Seq};

use super::Group;

/// This node runs no model for the group, so it can say nothing about its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this node runs no model here{}", ask.map(|node| alloc::format!("; ask {node}")).unwrap_or_default())]
pub struct NoModel {
    /// A member that does: the home if there is one, else one with a session to here, else any.
    pub ask: Option<NodeId>,
}

impl<M: Model> Group<M> {
    /// What this node does in the group: under the configuration it follows or, where that leaves it
    /// out until the group is whole again, on the cluster's first day, or under the one that the group
    /// is to come to. `None` if it is no member.
    #[must_use]
    pub fn member_role(&self) -> Option<MemberRole> {
        let me = self.options.me;
        let to_be = || self.target.as_ref().and_then(|target| target.role(me));
        self.meta.config.role(me).or(self.first_role).or_else(to_be)
    }

    /// Whether this node keeps the end of the journal and its promise, and no model.
    #[must_use]
    pub fn is_witness(&self) -> bool {
        self.member_role() == Some(MemberRole::Witness)
    }

    /// Whether this node runs the model.
    #[must_use]
    pub fn runs_model(&self) -> bool {
        self.member_role().is_some_and(MemberRole::runs_model)
    }

    /// The model after everything applied here, to answer a query from.
    ///
    /// # Errors
    /// [`NoModel`]: whoever asks is to ask there.
    pub fn query(&self) -> Result<&M, NoModel> {
        if self.runs_model() {
            return Ok(&self.model);
        }
        let config = match &self.register {
            Some(state) if state.config.id() > self.meta.config.id() => &state.config,
            _ => &self.meta.config,
        };
        let home = self.home().0.filter(|home| config.may_lead(*home));
        let connected = || config.leaders().find(|node| self.connected.contains(node));
        Err(NoModel { ask: home.or_else(connected).or_else(|| config.leaders().next()) })
    }

    /// What may be cut from the chain here by force only: what was applied, or, where nothing is
    /// applied, what is known to be committed.
    pub(super) fn settled(&self) -> Seq {
        if self.runs_model() { self.applied } else { self.commit() }
    }
}

#[cfg(test)]
mod tests;
