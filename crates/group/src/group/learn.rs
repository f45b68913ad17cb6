//! Nodes that the group is to have and does not have yet: the home brings them its records, and they
//! count for nothing until an epoch's configuration names them (PROTOCOL 7.5, reconfiguration).
//!
//! Which configuration a group is to come to follows from the register's roster, and every node hears of
//! it. The home ships to whom it names as to any member. Whoever it names keeps what the group keeps, so
//! that it can serve as soon as it counts.

use alloc::vec::Vec;

use model::Model;
use types::{Config, NodeId, Now, Seq};

use super::{Group, Role};

impl<M: Model> Group<M> {
    /// Takes note of the configuration that the group is to come to; `None` while it has it.
    pub(crate) fn aim(&mut self, now: Now, target: Option<Config>) {
        if self.target == target {
            return;
        }
        self.target = target;
        self.look_at_base();
        let (me, target) = (self.options.me, &self.target);
        if let Role::Home(home) = &mut self.role {
            let members = target.iter().flat_map(Config::members);
            for node in members.filter(|node| **node != me) {
                home.begin_with(*node, now.instant);
            }
        }
    }

    /// The configuration that the group is to come to, if that is another than it has.
    #[must_use]
    pub const fn target(&self) -> Option<&Config> {
        self.target.as_ref()
    }

    /// The members of the configuration that the group is to come to which this home still has to bring
    /// to its records; all that are new where this node is not the home.
    #[must_use]
    pub fn learners(&self, target: &Config) -> Vec<NodeId> {
        let new = target.counted().filter(|node| !self.meta.config.counts(*node));
        let Role::Home(home) = &self.role else { return new.collect() };
        // What is on its way under load is no lag.
        let known = Seq(self.known.0.saturating_sub(self.options.window_records));
        new.filter(|node| !home.has_caught_up(*node, known)).collect()
    }
}
