//! Operators who give groups another class.

use group::{Input, TermsOrder};
use types::{Class, GroupId, QuorumLoss, RequestId};

use super::World;
use crate::net::Index;

impl World {
    /// Gives the node on `at` an order of other terms, if it runs.
    pub fn order_terms(
        &mut self,
        at: Index,
        groups: Vec<GroupId>,
        class: Option<Class>,
        on_quorum_loss: Option<QuorumLoss>,
    ) {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let (actor, reason) = ("operator".into(), "because the simulator says so".into());
        let order = TermsOrder { groups, class, on_quorum_loss, actor, reason };
        self.give(at, Input::Terms { request, order });
    }
}
