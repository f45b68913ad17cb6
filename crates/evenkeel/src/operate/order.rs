//! What every order about groups has in common: who gives it, how it is given, and how it is waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use runtime::Span;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::cluster_client::{Authority, ClusterClient, Where};
use crate::exit::{Exit, Failure, OrExit as _};
use crate::output::Output;

/// How often the groups are looked at while an order is carried out.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What every order takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Order {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Why; it stands in the audit.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Wait until it is carried out, as the node sees it that is asked.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait at most.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: Span,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) output: Output,
}

/// An order that the register has taken.
#[derive(Debug)]
pub(crate) struct Taken {
    client: ClusterClient,
    within: Duration,
    /// What the node said.
    pub(crate) answer: Value,
    /// The groups that it changes something for.
    pub(crate) groups: BTreeSet<u64>,
}

/// What an order comes to, and where that is seen.
pub(crate) struct Goal<'a> {
    /// The path whose answer has the groups.
    pub(crate) path: &'a str,
    /// Whether a group is where it should be; groups that are not concerned are.
    pub(crate) is_there: &'a dyn Fn(&Value) -> bool,
    /// What so many groups, of all that are ordered, did not do in time.
    pub(crate) late: &'a dyn Fn(usize, usize) -> String,
}

impl Order {
    /// Gives the order.
    ///
    /// # Errors
    /// [`Failure`] with the exit code of the refusal.
    pub(crate) async fn give(&self, path: &str, body: &Value) -> Result<Taken, Failure> {
        let token = self.authority.token()?;
        let client = ClusterClient::new(&self.cluster)?;
        let answer = client.order(path, &token, body).await?;
        let groups = answer.get("ordered").and_then(Value::as_array);
        let groups = groups.context("an answer without groups").or_exit(Exit::Failed)?;
        let groups = groups.iter().filter_map(Value::as_u64).collect();
        Ok(Taken { client, within: self.timeout.duration(), answer, groups })
    }
}

impl Taken {
    /// Waits until every group is where it should be, as the node sees it that answers.
    ///
    /// # Errors
    /// [`Failure`]: with [`Exit::TimedOut`] if that takes too long.
    pub(crate) async fn wait(&self, goal: &Goal<'_>) -> Result<(), Failure> {
        let deadline = Instant::now() + self.within;
        loop {
            let answer = self.client.get(goal.path).await?;
            let all = answer.value.get("groups").and_then(Value::as_array);
            let all = all.context("an answer without groups").or_exit(Exit::Failed)?;
            let left = all.iter().filter(|group| !(goal.is_there)(group)).count();
            if left == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let late = (goal.late)(left, self.groups.len());
                let error = anyhow!(
                    "{late} within {} ms; `evenkeel explain` says why",
                    self.within.as_millis()
                );
                return Err(Failure::new(Exit::TimedOut, error));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether the order changes something for a group.
    pub(crate) fn concerns(&self, group: &Value) -> bool {
        group.get("group").and_then(Value::as_u64).is_some_and(|it| self.groups.contains(&it))
    }
}

/// Whether a group's home serves: no change of it is under way.
pub(crate) fn is_active(group: &Value) -> bool {
    group.pointer("/phase/name").and_then(Value::as_str) == Some("active")
}
