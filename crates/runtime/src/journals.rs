//! Which groups keep their data how: the part of the configuration about data classes.
//!
//! What is not named here is of class `sync` with copies on all nodes and waits when copies are
//! missing. As all that shapes a group, this is its first configuration: later ones come from the
//! register, and a file that is changed after the cluster has run is wrong.

use std::collections::BTreeSet;

use serde::Deserialize;
use types::{Class, GroupId, NodeId, QuorumLoss, Terms};

use crate::{Config, NodeRole};

/// Some groups and how their data is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journals {
    /// The groups' numbers.
    pub groups: Vec<u16>,
    /// At which watermark they answer.
    #[serde(default)]
    pub class: ClassName,
    /// What they do when so many members are gone that nothing can be committed.
    #[serde(default)]
    pub on_quorum_loss: QuorumLossName,
    /// The nodes that hold them; all if absent. The others vote in the register only.
    #[serde(default)]
    pub nodes: Option<Vec<u16>>,
    /// For class `local`: the region whose nodes hold them, and no others.
    #[serde(default)]
    pub region: Option<String>,
    /// Durable copies that commit an entry; as for all groups if absent, and for class `local` as many
    /// as make a majority of the region's nodes.
    #[serde(default)]
    pub copies: Option<usize>,
}

/// A data class by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClassName {
    /// Answered once committed.
    #[default]
    Sync,
    /// Answered from the home's disk; copies follow.
    Async,
    /// As `async`, with copies in one region only.
    Local,
}

/// What to do without enough members, by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuorumLossName {
    /// Wait, then say that it is not known.
    #[default]
    Block,
    /// Go on with those that are left, and say so.
    Degrade,
}

impl Journals {
    /// Why this cannot be, in the words of a rule.
    pub(crate) fn fault(&self, config: &Config) -> Option<&'static str> {
        let is_local = self.class == ClassName::Local;
        let keeping = config.founders().filter(|node| node.role != NodeRole::Register);
        let known: BTreeSet<u16> = keeping.map(|node| node.id).collect();
        let is_full = |id: &NodeId| {
            config.founders().any(|node| node.id == id.0 && node.role == NodeRole::Full)
        };
        let members = self.members(config);
        let distinct: BTreeSet<NodeId> = members.iter().copied().collect();
        let rules = [
            (!self.groups.is_empty(), "journals.groups: names no group"),
            (
                self.groups.iter().all(|group| *group < config.groups),
                "journals.groups: names a group that there is not",
            ),
            (
                self.nodes.iter().flatten().all(|node| known.contains(node)),
                "journals.nodes: names a node that is not one of nodes that keep copies",
            ),
            (distinct.len() == members.len(), "journals.nodes: names a node twice"),
            (
                is_local == self.region.is_some(),
                "journals.region: goes with class local, and only with it",
            ),
            (
                !is_local || self.nodes.is_none(),
                "journals.nodes: the copies of class local are those of its region",
            ),
            (!members.is_empty(), "journals: no node would hold a copy"),
            (members.iter().any(is_full), "journals: none of the nodes may be home"),
            (
                (1..=members.len()).contains(&self.copies(config)),
                "journals.copies: want 1 to the number of nodes that hold a copy",
            ),
            (
                self.on_quorum_loss == QuorumLossName::Block || self.copies(config) > 1,
                "journals.on_quorum_loss: with one copy there is nothing to do without",
            ),
        ];
        rules.iter().find(|(holds, _)| !holds).map(|(_, rule)| *rule)
    }

    /// The nodes that hold a copy.
    pub(crate) fn members(&self, config: &Config) -> Vec<NodeId> {
        if let Some(nodes) = &self.nodes {
            return nodes.iter().copied().map(NodeId).collect();
        }
        let is_there =
            |node: &&crate::Peer| self.region.as_ref().is_none_or(|region| node.region == *region);
        let keeping = config.founders().filter(|node| node.role != NodeRole::Register);
        keeping.filter(is_there).map(|node| NodeId(node.id)).collect()
    }

    /// How many copies commit.
    pub(crate) fn copies(&self, config: &Config) -> usize {
        let majority = self.members(config).len() / 2 + 1;
        let usual = if self.class == ClassName::Local { majority } else { config.copies };
        self.copies.unwrap_or(usual)
    }

    /// The terms in the words of the register.
    pub(crate) const fn terms(&self) -> Terms {
        let class = match self.class {
            ClassName::Sync => Class::Sync,
            ClassName::Async => Class::Async,
            ClassName::Local => Class::Local,
        };
        let on_quorum_loss = match self.on_quorum_loss {
            QuorumLossName::Block => QuorumLoss::Block,
            QuorumLossName::Degrade => QuorumLoss::Degrade,
        };
        Terms { class, on_quorum_loss }
    }

    /// Whether it is about this group.
    pub(crate) fn has(&self, group: GroupId) -> bool {
        self.groups.contains(&group.0)
    }
}

/// Why the journals of a configuration cannot be, if they cannot.
pub(crate) fn fault(config: &Config) -> Option<&'static str> {
    let mut seen = BTreeSet::new();
    let all = config.journals.iter().flat_map(|journals| &journals.groups);
    let is_twice = all.filter(|group| !seen.insert(**group)).count() > 0;
    let twice = is_twice.then_some("journals.groups: names a group twice");
    config.journals.iter().find_map(|journals| journals.fault(config)).or(twice)
}
