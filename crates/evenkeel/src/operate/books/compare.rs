//! Whether nodes hold the same at one time, as far as they hold the same ledgers.
//!
//! A journal may be kept in one region only, and a witness keeps none, so nodes are held against each other group
//! by group: where the record at which it stands, its state and its books are, at every node that keeps it. That a
//! node keeps others is no difference; that nobody else keeps what it has is said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    /// Nodes that were held against another.
    pub(super) nodes: usize,
    /// Groups that are at two of them or more.
    pub(super) groups: Vec<u64>,
    /// Those of them that do not stand the same everywhere.
    pub(super) differing: Vec<u64>,
    /// Whether nodes with the same groups have put them together to different reports.
    pub(super) differ_in_sum: bool,
    /// Nodes that were held against none, and why.
    pub(super) left_out: Vec<(String, String)>,
}

/// The groups of a cut.
pub(super) fn groups(cut: &Value) -> impl Iterator<Item = (u64, &Value)> {
    let all = cut["groups"].as_array().into_iter().flatten();
    all.filter_map(|group| Some((group["group"].as_u64()?, group)))
}

/// Compares cuts at one time, each with the node that it is of.
pub(super) fn compare(cuts: &[(String, Value)]) -> Compared {
    let mut standings: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    let mut sums: BTreeMap<BTreeSet<u64>, BTreeSet<&str>> = BTreeMap::new();
    for (_, cut) in cuts {
        let books = || cut["books"].as_array().into_iter().flatten();
        for (id, group) in groups(cut) {
            let own: Vec<&Value> = books().filter(|book| book["group"] == id).collect();
            standings.entry(id).or_default().push(json!([group, own]));
        }
        let kept: BTreeSet<u64> = groups(cut).map(|(id, _)| id).collect();
        sums.entry(kept).or_default().insert(cut["digest"].as_str().unwrap_or_default());
    }
    standings.retain(|_, seen| seen.len() > 1);
    let is_other = |seen: &[Value]| seen.windows(2).any(|pair| pair[0] != pair[1]);
    let differing =
        standings.iter().filter(|(_, seen)| is_other(seen)).map(|(id, _)| *id).collect();
    let mut compared = Compared {
        nodes: 0,
        groups: standings.keys().copied().collect(),
        differing,
        differ_in_sum: sums.values().any(|digests| digests.len() > 1),
        left_out: Vec::new(),
    };
    for (url, cut) in cuts {
        if groups(cut).any(|(id, _)| standings.contains_key(&id)) {
            compared.nodes += 1;
            continue;
        }
        let own: Vec<String> = groups(cut).map(|(id, _)| id.to_string()).collect();
        let why = if own.is_empty() {
            "it keeps no ledger's state".to_owned()
        } else {
            format!("no other node that answered keeps its groups: {}", own.join(", "))
        };
        compared.left_out.push((url.clone(), why));
    }
    compared
}

impl Compared {
    /// Whether nothing was found to differ.
    pub(super) fn is_same(&self) -> bool {
        self.differing.is_empty() && !self.differ_in_sum
    }

    /// In a sentence.
    pub(super) fn verdict(&self, at: &str) -> String {
        let (nodes, groups) = (self.nodes, self.groups.len());
        if !self.differing.is_empty() {
            let differing: Vec<String> = self.differing.iter().map(ToString::to_string).collect();
            let differing = differing.join(", ");
            return format!("nodes DIFFER in groups {differing} at {at}: see `evenkeel status`");
        }
        if self.differ_in_sum {
            return format!(
                "nodes DIFFER in what is between ledgers at {at}: see `evenkeel cases`"
            );
        }
        if nodes == 0 {
            return format!("no group is at two nodes that answered: nothing was compared at {at}");
        }
        format!("{nodes} nodes hold the same at {at}, in {groups} groups")
    }
}

#[cfg(test)]
mod tests;
