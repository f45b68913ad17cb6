//! Moving homes: `switchover` loses nothing, `failover` is for a home that does not answer.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use runtime::Span;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::cluster_client::{Authority, ClusterClient, Where};
use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::output::{self, Output};

/// How often the groups are looked at while an order is carried out.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What both orders take.
#[derive(Debug, clap::Args)]
pub(crate) struct Order {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Where to: a region's name.
    #[arg(long, value_name = "REGION")]
    to: String,
    /// Why; it stands in the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Wait until the groups are there.
    #[arg(long)]
    wait: bool,
    /// How long to wait at most.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: Span,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Arguments of `switchover`.
#[derive(Debug, clap::Args)]
pub(crate) struct Switchover {
    #[command(flatten)]
    order: Order,
    /// Which: `all`, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
}

/// Arguments of `failover`.
#[derive(Debug, clap::Args)]
pub(crate) struct Failover {
    #[command(flatten)]
    order: Order,
    /// Which: `all`, or numbers with commas between.
    #[arg(long, value_parser = groups, default_value = "all")]
    groups: Groups,
    /// Go on without the members that would show what was committed. Payments that were acknowledged
    /// may be lost; the register records that it was forced, and the old home lists what was lost
    /// when it returns.
    #[arg(long)]
    forced: bool,
}

/// A choice of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    All,
    These(BTreeSet<u16>),
}

/// Reads a choice of groups.
pub(crate) fn groups(text: &str) -> Result<Groups, &'static str> {
    if text == "all" {
        return Ok(Groups::All);
    }
    let numbers = text.split(',').map(|one| {
        let one = one.trim();
        one.strip_prefix('g').unwrap_or(one).parse()
    });
    let numbers = numbers.collect::<Result<BTreeSet<u16>, _>>();
    numbers.map(Groups::These).map_err(|_| "want `all`, or numbers with commas between")
}

impl Groups {
    /// Whether a group is among them.
    pub(crate) fn has(&self, group: u64) -> bool {
        match self {
            Self::All => true,
            Self::These(numbers) => {
                u16::try_from(group).is_ok_and(|group| numbers.contains(&group))
            }
        }
    }

    /// As the nodes take it.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::All => json!("all"),
            Self::These(numbers) => json!(numbers),
        }
    }
}

/// Orders a planned switch.
pub(crate) async fn switchover(args: &Switchover) -> Ended {
    let body = json!({
        "groups": args.groups.json(),
        "to": args.order.to,
        "reason": args.order.reason,
    });
    carry_out(&args.order, "/v1/switchover", &body).await
}

/// Orders a takeover without the old home.
pub(crate) async fn failover(args: &Failover) -> Ended {
    let body = json!({
        "groups": args.groups.json(),
        "to": args.order.to,
        "reason": args.order.reason,
        "kind": if args.forced { "forced" } else { "unplanned" },
    });
    carry_out(&args.order, "/v1/failover", &body).await
}

async fn carry_out(order: &Order, path: &str, body: &Value) -> Ended {
    let token = order.authority.token()?;
    let client = ClusterClient::new(&order.cluster)?;
    let taken = client.order(path, &token, body).await?;
    let ordered = taken.get("ordered").and_then(Value::as_array);
    let ordered: BTreeSet<u64> =
        ordered.context("an answer without groups")?.iter().filter_map(Value::as_u64).collect();
    let to = taken.get("to").and_then(Value::as_u64).context("an answer without a node")?;
    if order.wait {
        wait(&client, &ordered, to, order.timeout.duration()).await?;
    }
    match order.output {
        Output::Json => output::json(&taken),
        Output::Table => output::line(&match (ordered.len(), order.wait) {
            (0, _) => format!("nothing to do: all of them are in {} already", order.to),
            (count, true) => format!("{count} groups have their home in {} now", order.to),
            (count, false) => {
                format!("{count} groups are on their way to {}; see `evenkeel status`", order.to)
            }
        }),
    }
    Ok(Exit::Ok)
}

/// Waits until the groups have their home at node `to`.
async fn wait(
    client: &ClusterClient,
    groups: &BTreeSet<u64>,
    to: u64,
    within: Duration,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    loop {
        let status = client.get("/v1/status").await?;
        let all = status.value.get("groups").and_then(Value::as_array);
        let all = all.context("a status without groups").or_exit(Exit::Failed)?;
        let left = all.iter().filter(|group| {
            let number = group.get("group").and_then(Value::as_u64);
            let is_there = group.get("home").and_then(Value::as_u64) == Some(to)
                && group.pointer("/phase/name").and_then(Value::as_str) == Some("active");
            number.is_some_and(|number| groups.contains(&number)) && !is_there
        });
        let left = left.count();
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let error = anyhow!(
                "{left} of {} groups were not there within {} ms; `evenkeel explain` says why",
                groups.len(),
                within.as_millis()
            );
            return Err(Failure::new(Exit::TimedOut, error));
        }
        sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests;
