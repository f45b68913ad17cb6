//! Going on without members that are gone, and back: `groups degrade` and `groups restore`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use runtime::Span;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::cluster_client::{Authority, ClusterClient, Where};
use super::orders::{Groups, groups};
use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::output::{self, Output};

/// How often the groups are looked at while an order is carried out.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Arguments of `groups`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    order: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Let groups that lack members go on with those that are left.
    ///
    /// Nothing is lost by it: the register takes the smaller configuration before anything is
    /// acknowledged under it. From then on there are fewer copies, and with one left, its loss loses
    /// what it acknowledged. `evenkeel status` shows it until the groups are restored.
    Degrade(Reconfigure),
    /// Take back the members that degraded groups have left out, once they have caught up.
    Restore(Reconfigure),
}

/// What both take.
#[derive(Debug, clap::Args)]
struct Reconfigure {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Which: `all` that it concerns as the asked node sees them, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
    /// Why; it stands in the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Wait until it is done.
    #[arg(long)]
    wait: bool,
    /// How long to wait at most.
    #[arg(long, value_name = "TIME", default_value = "30s")]
    timeout: Span,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs one.
pub(crate) async fn run(args: &Args) -> Ended {
    let (order, path, degrades) = match &args.order {
        Which::Degrade(order) => (order, "/v1/degrade", true),
        Which::Restore(order) => (order, "/v1/restore", false),
    };
    let token = order.authority.token()?;
    let client = ClusterClient::new(&order.cluster)?;
    let body = json!({ "groups": order.groups.json(), "reason": order.reason });
    let taken = client.order(path, &token, &body).await?;
    let ordered = taken.get("ordered").and_then(Value::as_array);
    let ordered: BTreeSet<u64> =
        ordered.context("an answer without groups")?.iter().filter_map(Value::as_u64).collect();
    if order.wait {
        wait(&client, &ordered, degrades, order.timeout.duration()).await?;
    }
    match order.output {
        Output::Json => output::json(&taken),
        Output::Table => {
            let what = if degrades { "with fewer copies" } else { "with all their copies" };
            output::line(&match (ordered.len(), order.wait) {
                (0, _) => "nothing to do: no group is concerned".to_owned(),
                (count, true) => format!("{count} groups go on {what}"),
                (count, false) => {
                    format!("{count} groups are about to go on {what}; see `evenkeel status`")
                }
            });
        }
    }
    Ok(Exit::Ok)
}

/// Waits until the groups stand as ordered, by the node that answers.
async fn wait(
    client: &ClusterClient,
    groups: &BTreeSet<u64>,
    degrades: bool,
    within: Duration,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    loop {
        let status = client.get("/v1/status").await?;
        let all = status.value.get("groups").and_then(Value::as_array);
        let all = all.context("a status without groups").or_exit(Exit::Failed)?;
        let left = all.iter().filter(|group| {
            let number = group.get("group").and_then(Value::as_u64);
            let is_degraded = group.get("degraded_from").is_some_and(|whole| !whole.is_null());
            let is_active = group.pointer("/phase/name").and_then(Value::as_str) == Some("active");
            number.is_some_and(|number| groups.contains(&number))
                && !(is_degraded == degrades && is_active)
        });
        let left = left.count();
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let error = anyhow!(
                "{left} of {} groups did not get there within {} ms; `evenkeel explain` says why",
                groups.len(),
                within.as_millis()
            );
            return Err(Failure::new(Exit::TimedOut, error));
        }
        sleep(LOOK_EVERY).await;
    }
}
