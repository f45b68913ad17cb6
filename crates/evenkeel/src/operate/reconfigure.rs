//! Orders about how groups keep their data: going on without members that are gone and back, which is here,
//! and their class and terms.

use clap::Subcommand;
use serde_json::json;

use super::order::{Goal, Order, is_active};
use super::orders::{Groups, groups};
use super::terms::{ToClass, ToTerms};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output};

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
    /// Give groups another class: when their clients are answered.
    ///
    /// The home seals itself and goes on in an epoch of the other class; nothing is lost, and clients
    /// wait for a few round trips. What was answered early before is committed on the way.
    Class(ToClass),
    /// Have groups do something else when copies are missing.
    Terms(ToTerms),
}

/// What both take.
#[derive(Debug, clap::Args)]
struct Reconfigure {
    #[command(flatten)]
    order: Order,
    /// Which: `all` that it concerns as the asked node sees them, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
}

/// Runs one.
pub(crate) async fn run(args: &Args) -> Ended {
    let (Reconfigure { order, groups }, path, degrades) = match &args.order {
        Which::Degrade(order) => (order, "/v1/degrade", true),
        Which::Restore(order) => (order, "/v1/restore", false),
        Which::Class(order) => return order.run().await,
        Which::Terms(order) => return order.run().await,
    };
    let taken =
        order.give(path, &json!({ "groups": groups.json(), "reason": order.reason })).await?;
    if order.wait {
        let goal = Goal {
            path: "/v1/status",
            is_there: &|group| {
                let is_degraded = group.get("degraded_from").is_some_and(|whole| !whole.is_null());
                !taken.concerns(group) || is_degraded == degrades && is_active(group)
            },
            late: &|left, all| format!("{left} of {all} groups did not get there"),
        };
        taken.wait(&goal).await?;
    }
    match order.output {
        Output::Json => output::json(&taken.answer),
        Output::Table => {
            let what = if degrades { "with fewer copies" } else { "with all their copies" };
            output::line(&match (taken.groups.len(), order.wait) {
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
