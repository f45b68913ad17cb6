//! Code that is replaced, versions that are raised, and memory that fails.

use group::{Input, UpgradeOrder};
use types::{GroupId, ModelVersion, RequestId};

use super::World;
use crate::{Code, net::Index};

impl World {
    /// A node will run this code. It must not run now.
    pub fn install(&mut self, node: Index, code: Code) {
        assert!(self.hosts[node].node.is_none(), "code is replaced while the power is off");
        self.hosts[node].code = code;
        if code.strays {
            self.check.excuse(node);
        }
    }

    /// A bit flips in the memory of a node, in the state to which the next command is applied there.
    pub fn flip(&mut self, node: Index) {
        self.hosts[node].ray.aim();
        self.check.excuse(node);
    }

    /// What a node comes to from here on is right again.
    pub fn mended(&mut self, node: Index) {
        self.check.mended(node);
    }

    /// Every node gets the newest code, and those that ran older code are started anew.
    pub fn install_newest(&mut self) {
        for node in 0..self.count() {
            if self.hosts[node].code != self.knobs.newest_code() {
                self.kill(node);
                self.install(node, self.knobs.newest_code());
            }
        }
    }

    /// Gives the node on `at` an order to raise the model version, if it runs.
    pub fn order_upgrade(&mut self, at: Index, groups: Vec<GroupId>, to: u16) {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let order = UpgradeOrder {
            groups,
            to: ModelVersion(to),
            actor: "operator".into(),
            reason: "because the simulator says so".into(),
        };
        self.give(at, Input::Upgrade { request, order });
    }
}
