//! How far a newcomer is: groups that count it, and records it still lacks, as their homes say.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use anyhow::anyhow;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::exit::{Exit, Failure};
use crate::operate::cluster_client::ClusterClient;
use crate::output;

/// How often the nodes are asked.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is left to do, as the nodes that answered see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Far {
    /// All groups.
    groups: u64,
    /// Groups that are to come to other members.
    pub(super) pending: usize,
    /// Records that learners lack, where their homes were asked.
    behind: u64,
    /// Nodes that have no vote and are not gone, and that vote and are gone.
    votes: BTreeSet<u64>,
}

impl Far {
    /// From what some nodes answered to `/v1/nodes`.
    pub(super) fn of(answers: &[Value]) -> Self {
        let newest = answers.iter().max_by_key(|answer| {
            let number = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or_default();
            (number("generation"), number("version"))
        });
        let Some(newest) = newest else { return Self::default() };
        let all = |answer: &Value, name: &str| {
            answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        // The homes may have moved on; whoever sees least left is ahead.
        let pending =
            answers.iter().filter(|answer| answer.get("version") == newest.get("version"));
        let pending = pending.map(|answer| all(answer, "pending").len()).max().unwrap_or_default();
        let behind = answers.iter().flat_map(|answer| all(answer, "pending")).flat_map(|group| {
            let learners = group.get("learners").and_then(Value::as_array).cloned();
            learners.unwrap_or_default()
        });
        let behind =
            behind.filter_map(|one| one.get("behind_records").and_then(Value::as_u64)).sum();
        let votes = all(newest, "nodes").into_iter().filter_map(|node| {
            let votes = node.get("votes").and_then(Value::as_bool) == Some(true);
            let is_gone = node.get("gone").is_some_and(|gone| !gone.is_null());
            (votes == is_gone).then(|| node.get("node").and_then(Value::as_u64)).flatten()
        });
        // Who was given up keeps neither vote nor place to wait for.
        let groups = newest.get("groups").and_then(Value::as_u64).unwrap_or_default();
        Self { groups, pending, behind, votes: votes.collect() }
    }

    fn is_done(&self) -> bool {
        self.pending == 0 && self.votes.is_empty()
    }
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = self.groups.saturating_sub(self.pending as u64);
        write!(f, "{done} of {} groups are where they should be", self.groups)?;
        if self.behind > 0 {
            write!(f, "; learners lack {} records", self.behind)?;
        }
        if !self.votes.is_empty() {
            write!(f, "; votes are still to change")?;
        }
        Ok(())
    }
}

/// Waits until all is as it was ordered, with a line whenever something has changed.
pub(super) async fn wait(
    client: &ClusterClient,
    comes: Option<u16>,
    goes: Option<u16>,
    within: Duration,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    let (mut shown, mut calm) = (None, 0);
    loop {
        let answers = client.get_each("/v1/nodes").await;
        let answers: Vec<Value> =
            answers.into_iter().filter_map(|(_, answer)| answer.ok()).collect();
        let is_known = answers.iter().any(|answer| knows(answer, comes, goes));
        let far = Far::of(&answers);
        let is_done = is_known && far.is_done();
        // Twice in a row: the nodes were asked one after the other.
        calm = if is_done { calm + 1 } else { 0 };
        if calm == 2 {
            return Ok(());
        }
        if !is_done && is_known && shown.as_ref() != Some(&far) {
            output::line(&far.to_string());
            shown = Some(far);
        }
        if Instant::now() >= deadline {
            let error = anyhow!(
                "not done within {} s: is the new node started, and does it reach the others? \
                 `evenkeel node list` shows how far it is; it goes on by itself",
                within.as_secs()
            );
            return Err(Failure::new(Exit::TimedOut, error));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Whether a node's answer is from after the order.
fn knows(answer: &Value, comes: Option<u16>, goes: Option<u16>) -> bool {
    let nodes = answer.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
    let find = |id: u16| {
        nodes.iter().find(|node| node.get("node").and_then(Value::as_u64) == Some(u64::from(id)))
    };
    let has_come = comes.is_none_or(|id| find(id).is_some());
    let is_gone = |node: &Value| node.get("gone").is_some_and(|gone| !gone.is_null());
    has_come && goes.is_none_or(|id| find(id).is_some_and(is_gone))
}
