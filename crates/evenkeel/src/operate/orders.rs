//! Moving homes: `switchover` loses nothing, `failover` is for a home that does not answer.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::order::{Goal, Order, is_active};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output};

/// What both orders take.
#[derive(Debug, clap::Args)]
struct Move {
    #[command(flatten)]
    order: Order,
    /// Where to: a region's name.
    #[arg(long, value_name = "REGION")]
    to: String,
}

/// Arguments of `switchover`.
#[derive(Debug, clap::Args)]
pub(crate) struct Switchover {
    #[command(flatten)]
    order: Move,
    /// Which: `all`, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
}

/// Arguments of `failover`.
#[derive(Debug, clap::Args)]
pub(crate) struct Failover {
    #[command(flatten)]
    order: Move,
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
        "reason": args.order.order.reason,
    });
    carry_out(&args.order, "/v1/switchover", &body).await
}

/// Orders a takeover without the old home.
pub(crate) async fn failover(args: &Failover) -> Ended {
    let body = json!({
        "groups": args.groups.json(),
        "to": args.order.to,
        "reason": args.order.order.reason,
        "kind": if args.forced { "forced" } else { "unplanned" },
    });
    carry_out(&args.order, "/v1/failover", &body).await
}

async fn carry_out(Move { order, to }: &Move, path: &str, body: &Value) -> Ended {
    let taken = order.give(path, body).await?;
    let node = taken.answer.get("to").and_then(Value::as_u64);
    let node = node.context("an answer without a node")?;
    if order.wait {
        let goal = Goal {
            path: "/v1/status",
            is_there: &|group| {
                let is_home = group.get("home").and_then(Value::as_u64) == Some(node);
                !taken.concerns(group) || is_home && is_active(group)
            },
            late: &|left, all| format!("{left} of {all} groups were not there"),
        };
        taken.wait(&goal).await?;
    }
    match order.output {
        Output::Json => output::json(&taken.answer),
        Output::Table => output::line(&match (taken.groups.len(), order.wait) {
            (0, _) => format!("nothing to do: all of them are in {to} already"),
            (count, true) => format!("{count} groups have their home in {to} now"),
            (count, false) => {
                format!("{count} groups are on their way to {to}; see `evenkeel status`")
            }
        }),
    }
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests;
