//! Which host has which id. A newcomer's id is what the register says is the next, which after a beginning by
//! force is far above all before.

use std::collections::BTreeMap;

use types::NodeId;

use crate::net::Index;

/// The ids of a world's hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Of those that do not have the number of their host, from 1.
    odd: BTreeMap<Index, NodeId>,
}

impl Names {
    /// The id of a host's node.
    pub(crate) fn id(&self, host: Index) -> NodeId {
        self.odd.get(&host).copied().unwrap_or_else(|| id(host))
    }

    /// The host of a node.
    pub(crate) fn host(&self, node: NodeId) -> Index {
        let odd = self.odd.iter().find(|(_, id)| **id == node);
        odd.map_or_else(|| host(node), |(host, _)| *host)
    }

    /// A host's node has this id.
    pub(crate) fn name(&mut self, host: Index, node: NodeId) {
        if node != id(host) {
            self.odd.insert(host, node);
        }
    }
}

/// The id of a node of the first day, and of newcomers before any beginning by force.
#[must_use]
pub fn id(host: Index) -> NodeId {
    NodeId(u16::try_from(host + 1).expect("nodes are numbered in 16 bits"))
}

/// Its host.
pub(crate) fn host(node: NodeId) -> Index {
    usize::from(node.0) - 1
}
