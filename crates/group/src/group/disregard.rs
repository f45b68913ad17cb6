//! Nodes that were given up by force: what they said before counts for nothing any more, either.

use model::Model;
use types::NodeId;

use super::{Group, Role};

impl<M: Model> Group<M> {
    /// Forgets what a node has vouched for: copies, promises, that this is the home, the snapshots that it
    /// keeps. What is counted as committed already stays so.
    pub(crate) fn disregard(&mut self, node: NodeId) {
        self.given_up.insert(node);
        self.reads.disregard(node);
        self.forget_heard_of(node);
        match &mut self.role {
            Role::Home(home) => home.disregard(node),
            Role::Candidate(candidate) => candidate.takeover.disregard(node),
            Role::Member | Role::Quarantined => {}
        }
    }
}
