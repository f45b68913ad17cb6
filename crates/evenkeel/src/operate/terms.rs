//! Another class, or other terms, for groups: `groups class` and `groups terms`.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::order::{Goal, Order, is_active};
use super::orders::{Groups, groups};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output};

/// Arguments of `groups class`.
#[derive(Debug, clap::Args)]
pub(crate) struct ToClass {
    /// When clients are answered: once `copies` disks have it (sync), or the home's disk alone (async, and
    /// local, which is for groups whose nodes are all in one region).
    #[arg(value_enum)]
    class: Class,
    #[command(flatten)]
    order: Order,
    /// Which: `all` that are of another class, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
}

/// Arguments of `groups terms`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct ToTerms {
    #[command(flatten)]
    order: Order,
    /// Which: `all` that have other terms, or numbers with commas between.
    #[arg(long, value_parser = groups)]
    groups: Groups,
    /// What to do when copies are missing: wait (block), or go on with fewer (degrade).
    #[arg(long, value_enum, required_unless_present = "class")]
    on_quorum_loss: Option<OnQuorumLoss>,
    /// The class as well; as it is if left out.
    #[arg(long, value_enum)]
    class: Option<Class>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Class {
    Sync,
    Async,
    Local,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnQuorumLoss {
    Block,
    Degrade,
}

impl ToClass {
    pub(crate) async fn run(&self) -> Ended {
        retune(&self.order, &self.groups, Some(self.class), None).await
    }
}

impl ToTerms {
    pub(crate) async fn run(&self) -> Ended {
        retune(&self.order, &self.groups, self.class, self.on_quorum_loss).await
    }
}

async fn retune(
    order: &Order,
    groups: &Groups,
    class: Option<Class>,
    on_quorum_loss: Option<OnQuorumLoss>,
) -> Ended {
    let class = class.map(|class| match class {
        Class::Sync => "sync",
        Class::Async => "async",
        Class::Local => "local",
    });
    let on_quorum_loss = on_quorum_loss.map(|on_quorum_loss| match on_quorum_loss {
        OnQuorumLoss::Block => "block",
        OnQuorumLoss::Degrade => "degrade",
    });
    let wanted = [("class", class), ("on_quorum_loss", on_quorum_loss)];
    let wanted: Vec<(&str, &str)> =
        wanted.into_iter().filter_map(|(name, word)| Some((name, word?))).collect();
    let mut body = json!({ "groups": groups.json(), "reason": order.reason });
    for (name, word) in &wanted {
        body[*name] = json!(word);
    }
    let taken = order.give("/v1/terms", &body).await?;
    if order.wait {
        let has = |group: &Value| {
            wanted.iter().all(|(name, word)| group.get(name).and_then(Value::as_str) == Some(word))
        };
        let goal = Goal {
            path: "/v1/status",
            is_there: &|group| !taken.concerns(group) || has(group) && is_active(group),
            late: &|left, all| format!("{left} of {all} groups did not come to their terms"),
        };
        taken.wait(&goal).await?;
    }
    match order.output {
        Output::Json => output::json(&taken.answer),
        Output::Table => {
            let words: Vec<&str> = wanted.iter().map(|(_, word)| *word).collect();
            let words = words.join(", ");
            output::line(&match (taken.groups.len(), order.wait) {
                (0, _) => format!("nothing to do: all groups are {words}"),
                (count, true) => format!("{count} groups are {words}"),
                (count, false) => {
                    format!("{count} groups are about to be {words}; see `evenkeel status`")
                }
            });
        }
    }
    Ok(Exit::Ok)
}
