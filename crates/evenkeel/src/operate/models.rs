//! Model versions: what can run where, what is in force, and the order to raise it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use runtime::Span;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::cluster_client::{Authority, ClusterClient, Where};
use super::orders::{Groups, groups};
use super::views::{list, text};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Table};

/// How often the groups are looked at while an upgrade is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Arguments of `model`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show which model versions the nodes can run and which are in force.
    Show(Show),
    /// Raise the model version of groups, for good: no older code can apply what follows.
    Upgrade(Upgrade),
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    cluster: Where,
    /// Also a line for every group.
    #[arg(long)]
    groups: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Upgrade {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// The version that is to be in force.
    #[arg(long, value_name = "VERSION")]
    to: u16,
    /// Which: `all`, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
    /// Why; it stands in the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Wait until the version is in force at the node that is asked.
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
    match &args.command {
        Command::Show(args) => show(args).await,
        Command::Upgrade(args) => upgrade(args).await,
    }
}

async fn show(args: &Show) -> Ended {
    let answered = ClusterClient::new(&args.cluster)?.get("/v1/model").await?;
    if args.output == Output::Json {
        output::json(&answered.value);
        return Ok(Exit::Ok);
    }
    let region = text(&answered.value, "region");
    output::line(&format!("As {region} sees it ({}):", answered.from));
    let mut table = Table::new(["node", "region", "can run"]);
    for node in list(&answered.value, "nodes") {
        let lowest = text(node, "lowest_model_version");
        let can_run = match lowest.as_str() {
            "-" => "not heard".to_owned(),
            _ => format!("{lowest} to {}", text(node, "highest_model_version")),
        };
        table.row([text(node, "node"), text(node, "region"), can_run]);
    }
    output::print(&table.render());
    output::line("");
    let all = list(&answered.value, "groups");
    output::print(&if args.groups { by_group(all) } else { by_version(all) });
    Ok(Exit::Ok)
}

fn by_version(groups: &[Value]) -> String {
    let mut kinds: BTreeMap<[String; 3], u64> = BTreeMap::new();
    for group in groups {
        *kinds.entry(standing(group)).or_default() += 1;
    }
    let mut table = Table::new(["groups", "in force", "ordered", "barred here"]);
    for ([in_force, ordered, barred], count) in kinds {
        table.row([count.to_string(), in_force, ordered, barred]);
    }
    table.render()
}

fn by_group(groups: &[Value]) -> String {
    let mut table =
        Table::new(["group", "in force", "since record", "ordered", "barred here", "differing"]);
    for group in groups {
        let [in_force, ordered, barred] = standing(group);
        let differing = list(group, "differing_members").iter().map(|one| text(one, "node"));
        table.row([
            format!("g{}", text(group, "group")),
            in_force,
            text(group, "model_barrier_seq"),
            ordered,
            barred,
            differing.collect::<Vec<_>>().join(", "),
        ]);
    }
    table.render()
}

fn standing(group: &Value) -> [String; 3] {
    let barred = group.pointer("/barred/name").and_then(Value::as_str).unwrap_or("no").to_owned();
    [text(group, "model_version"), text(group, "ordered_model_version"), barred]
}

async fn upgrade(args: &Upgrade) -> Ended {
    let token = args.authority.token()?;
    let client = ClusterClient::new(&args.cluster)?;
    let body = json!({ "groups": args.groups.json(), "to": args.to, "reason": args.reason });
    let taken = client.order("/v1/model/upgrade", &token, &body).await?;
    let ordered = taken.get("ordered").and_then(Value::as_array);
    let ordered: BTreeSet<u64> =
        ordered.context("an answer without groups")?.iter().filter_map(Value::as_u64).collect();
    if args.wait {
        wait(&client, &args.groups, args.to, args.timeout.duration()).await?;
    }
    let (count, to) = (ordered.len(), args.to);
    match args.output {
        Output::Json => output::json(&taken),
        Output::Table => output::line(&match (count, args.wait) {
            (0, false) => format!("nothing to do: model version {to} was ordered before"),
            (_, true) => format!("model version {to} is in force"),
            (_, false) => {
                format!("model version {to} is ordered for {count} groups; see `model show`")
            }
        }),
    }
    Ok(Exit::Ok)
}

/// Waits until the version is in force at the node that answers.
async fn wait(
    client: &ClusterClient,
    which: &Groups,
    to: u16,
    within: Duration,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    loop {
        let shown = client.get("/v1/model").await?;
        let below = list(&shown.value, "groups").iter().filter(|group| {
            let number = group.get("group").and_then(Value::as_u64);
            let version = group.get("model_version").and_then(Value::as_u64);
            number.is_some_and(|number| which.has(number)) && version < Some(u64::from(to))
        });
        let left = below.count();
        if left == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let error = anyhow!(
                "{left} groups had not passed their barrier within {} ms; `evenkeel explain` says why",
                within.as_millis()
            );
            return Err(Failure::new(Exit::TimedOut, error));
        }
        sleep(LOOK_EVERY).await;
    }
}
