//! Model versions: what can run where, what is in force, and the order to raise it.

use std::collections::BTreeMap;

use clap::Subcommand;
use serde_json::{Value, json};

use super::cluster_client::{ClusterClient, Where};
use super::order::{Goal, Order};
use super::orders::{Groups, groups};
use super::views::{list, text};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Table};

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
    order: Order,
    /// The version that is to be in force.
    #[arg(long, value_name = "VERSION")]
    to: u16,
    /// Which: `all`, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
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
    let Upgrade { order, to, groups } = args;
    let body = json!({ "groups": groups.json(), "to": to, "reason": order.reason });
    let taken = order.give("/v1/model/upgrade", &body).await?;
    if order.wait {
        let goal = Goal {
            path: "/v1/model",
            is_there: &|group| {
                let number = group.get("group").and_then(Value::as_u64);
                let version = group.get("model_version").and_then(Value::as_u64);
                // Also those for which it was ordered before.
                !number.is_some_and(|number| groups.has(number)) || version >= Some(u64::from(*to))
            },
            late: &|left, _| format!("{left} groups had not passed their barrier"),
        };
        taken.wait(&goal).await?;
    }
    match order.output {
        Output::Json => output::json(&taken.answer),
        Output::Table => output::line(&match (taken.groups.len(), order.wait) {
            (0, false) => format!("nothing to do: model version {to} was ordered before"),
            (_, true) => format!("model version {to} is in force"),
            (count, false) => {
                format!("model version {to} is ordered for {count} groups; see `model show`")
            }
        }),
    }
    Ok(Exit::Ok)
}
