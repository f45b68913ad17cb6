//! Looking: status and explanations.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cluster_client::{ClusterClient, Where};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Table};

/// Groups that are named one by one in a line; of more, only how many there are is said.
const GROUPS_SPELT_OUT: usize = 8;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[command(flatten)]
    cluster: Where,
    /// Also a line for every group.
    #[arg(long)]
    groups: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    cluster: Where,
    /// Only this group.
    #[arg(long)]
    group: Option<u16>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Shows how everything stands. Exit code 1 if the node that answers is not ready.
pub(crate) async fn status(args: &Status) -> Ended {
    let answered = ClusterClient::new(&args.cluster)?.get("/v1/status").await?;
    let status = &answered.value;
    let is_ready = status.get("ready").and_then(Value::as_bool) == Some(true);
    if args.output == Output::Json {
        output::json(status);
    } else {
        output::line(&format!("As {} sees it ({}):", text(status, "region"), answered.from));
        output::print(&nodes(status));
        output::line("");
        output::print(&if args.groups { groups(status) } else { homes(status) });
        output::print(&degraded(status));
        output::print(&damaged(status));
        output::print(&learning(status));
        output::print(&not_ready(status));
        if status.pointer("/register/reachable").and_then(Value::as_bool) == Some(false) {
            output::line("the register has no majority that this node reaches: no home can change");
        }
    }
    Ok(if is_ready { Exit::Ok } else { Exit::Failed })
}

/// Why clients should go elsewhere: one line per reason, with the groups that it holds for.
fn not_ready(status: &Value) -> String {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for reason in list(status, "not_ready_because").iter().filter_map(Value::as_str) {
        let (group, why) = reason.split_once(": ").unwrap_or(("", reason));
        groups.entry(why).or_default().push(group);
    }
    let lines = groups.into_iter().map(|(why, groups)| {
        let which = if groups.len() > GROUPS_SPELT_OUT {
            format!("{} groups", groups.len())
        } else {
            groups.join(", ")
        };
        format!("not ready: {which}: {why}\n")
    });
    lines.collect()
}

fn nodes(status: &Value) -> String {
    let mut table = Table::new(["node", "region", "zone", "role", "url", "seen", "silent for"]);
    for node in list(status, "nodes") {
        let is = |name: &str| node.get(name).and_then(Value::as_bool) == Some(true);
        let seen = match (is("is_observer"), is("connected")) {
            (true, _) => "itself",
            (false, true) => "connected",
            (false, false) => "NOT CONNECTED",
        };
        let silent_us = node.get("silent_us").and_then(Value::as_u64).unwrap_or_default();
        let silent =
            if is("is_observer") { "-".into() } else { format!("{} ms", silent_us / 1_000) };
        let [number, region, zone] = ["node", "region", "zone"].map(|name| text(node, name));
        let (role, url) = (text(node, "role"), text(node, "url"));
        table.row([number, region, zone, role, url, seen.into(), silent]);
    }
    table.render()
}

/// How many groups have their home where, and how they do.
fn homes(status: &Value) -> String {
    let mut homes: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for group in list(status, "groups") {
        let phase = group.pointer("/phase/name").and_then(Value::as_str).unwrap_or("no home yet");
        let home = text(group, "home_region");
        homes.entry((home, phase.to_owned())).or_default().push(group);
    }
    let mut table =
        Table::new(["home", "phase", "groups", "uncommitted", "at risk", "stalled", "orphans"]);
    for ((home, phase), groups) in homes {
        let sum = |name: &str| -> u64 {
            groups.iter().filter_map(|group| group.get(name)?.as_u64()).sum()
        };
        let stalled = groups.iter().filter_map(|group| group.get("stalled_us")?.as_u64()).max();
        table.row([
            home,
            phase,
            groups.len().to_string(),
            sum("uncommitted_records").to_string(),
            at_risk(&groups),
            format!("{} ms", stalled.unwrap_or_default() / 1_000),
            sum("orphan_records").to_string(),
        ]);
    }
    table.render()
}

/// What was answered and is not committed: what the loss of the home would take with it now.
fn at_risk(groups: &[&Value]) -> String {
    let figure = |group: &&Value, name: &str| group.pointer(name).and_then(Value::as_u64);
    let sum = |name: &str| -> u64 { groups.iter().filter_map(|group| figure(group, name)).sum() };
    let records = sum("/rpo_at_risk/records");
    if records == 0 {
        return "0".to_owned();
    }
    let ages = groups.iter().filter_map(|group| figure(group, "/rpo_at_risk/oldest_us"));
    let (bytes, oldest_us) = (sum("/rpo_at_risk/bytes"), ages.max().unwrap_or_default());
    format!("{records} ({bytes} bytes, {} ms)", oldest_us / 1_000)
}

/// The alarm of groups that go on with fewer copies than they are to have.
fn degraded(status: &Value) -> String {
    let is = |group: &&Value| group.get("degraded_from").is_some_and(|whole| !whole.is_null());
    let groups: Vec<&Value> = list(status, "groups").iter().filter(is).collect();
    if groups.is_empty() {
        return String::new();
    }
    let loses = |group: &&&Value| group.get("home_loss_loses") == Some(&Value::Bool(true));
    let last = groups.iter().filter(loses).count();
    format!(
        "DEGRADED: {} groups go on with fewer copies than they are to have; for {last} of them the \
         loss of a region loses what was acknowledged (RPO > 0). Next: bring the missing members \
         back, then `evenkeel groups restore`.\n",
        groups.len()
    )
}

/// What the answering node held, or may have held, and cannot read.
fn damaged(status: &Value) -> String {
    let ranges = |group: &Value| list(group, "faults").len();
    let groups = list(status, "groups").iter().filter(|group| ranges(group) > 0).count();
    if groups == 0 {
        return String::new();
    }
    let ranges: usize = list(status, "groups").iter().map(ranges).sum();
    format!(
        "DAMAGED: this node cannot read {ranges} ranges of records in {groups} groups; it fetches them \
         from the others. Next: look at its disk; `evenkeel explain` says what is missing.\n"
    )
}

/// Nodes that come, as the homes see them that are at the asked node.
fn learning(status: &Value) -> String {
    let peers = list(status, "groups").iter().flat_map(|group| list(group, "peers"));
    let learners = peers.filter(|peer| peer.get("counts") == Some(&Value::Bool(false)));
    let learners = learners.count();
    if learners == 0 {
        return String::new();
    }
    format!(
        "{learners} groups with their home here bring a node up that does not count yet: see `evenkeel node \
         list`\n"
    )
}

fn groups(status: &Value) -> String {
    let mut table = Table::new([
        "group", "home", "phase", "epoch", "role", "appended", "W1", "W2", "applied", "age",
        "orphans",
    ]);
    for group in list(status, "groups") {
        let phase = group.pointer("/phase/name").and_then(Value::as_str).unwrap_or("-");
        table.row([
            format!("g{}", text(group, "group")),
            text(group, "home_region"),
            phase.to_owned(),
            text(group, "epoch"),
            text(group, "role"),
            text(group, "appended_seq"),
            text(group, "w1_seq"),
            text(group, "w2_seq"),
            text(group, "applied_seq"),
            format!("{} ms", text(group, "age_ms")),
            text(group, "orphan_records"),
        ]);
    }
    table.render()
}

/// Says why.
pub(crate) async fn explain(args: &Explain) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let path = match args.group {
        Some(group) => format!("/v1/explain?group={group}"),
        None => "/v1/explain".to_owned(),
    };
    let answered = client.get(&path).await?;
    if args.output == Output::Json {
        output::json(&answered.value);
        return Ok(Exit::Ok);
    }
    output::line(&format!("As {} sees it ({}):", text(&answered.value, "region"), answered.from));
    for explanation in list(&answered.value, "explanations") {
        output::line(explanation.get("text").and_then(Value::as_str).unwrap_or_default());
    }
    Ok(Exit::Ok)
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A member as it is shown: texts without quotes, nothing for null.
pub(super) fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
