//! What people have to settle, and wishing a payment back.

mod suspense;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Where};
use super::views::{list, text};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Table};

/// Arguments of `cases`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Runs of records that were set aside are with `evenkeel orphans`, frozen channels with `evenkeel channels`."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Option<suspense::Verb>,
    #[command(flatten)]
    all: All,
}

/// Arguments of `cases` without more.
#[derive(Debug, clap::Args)]
struct All {
    #[command(flatten)]
    cluster: Where,
    /// Also cases in suspense of which nothing is left.
    #[arg(long)]
    settled: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Which payment: its UETR, or SENDER/MESSAGE-ID for all of a message.
    payment: String,
    /// The name of this wish: the same again is harmless, whatever became of it.
    #[arg(long, default_value = "cli")]
    name: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs it.
pub(crate) async fn cases(args: &Args) -> Ended {
    match &args.verb {
        Some(verb) => suspense::run(verb).await,
        None => all(&args.all).await,
    }
}

/// Shows them as one node has applied them.
async fn all(args: &All) -> Ended {
    let path = if args.settled { "/v1/cases?settled=true" } else { "/v1/cases" };
    let cases = ClusterClient::new(&args.cluster)?.get(path).await?.value;
    if args.output == Output::Json {
        output::json(&cases);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["what", "where", "amount", "since", "more"]);
    let mut frozen = BTreeSet::new();
    for one in list(&cases, "frozen") {
        let place = way(one);
        table.row([
            "frozen channel".to_owned(),
            place.clone(),
            "-".to_owned(),
            "-".to_owned(),
            format!("{} at the {}", text(one, "cause"), text(one, "frozen_at")),
        ]);
        frozen.insert(place);
    }
    let half_open = list(&cases, "half_open");
    for one in half_open {
        let seconds = one.get("half_open_ms").and_then(Value::as_u64).unwrap_or_default() / 1_000;
        table.row([
            "half-open channel".to_owned(),
            way(one),
            "-".to_owned(),
            format!("{seconds} s"),
            "one end was opened again, the other not".to_owned(),
        ]);
    }
    for one in list(&cases, "suspense") {
        table.row([
            format!("case {}", text(one, "case")),
            format!("g{}", text(one, "group")),
            format!("{} {}", text(one, "amount"), text(one, "currency")),
            suspense::age(one),
            suspense::sums(one),
        ]);
    }
    for one in list(&cases, "pending") {
        let seconds = one.get("pending_ms").and_then(Value::as_u64).unwrap_or_default() / 1_000;
        let id = match one.get("uetr").and_then(Value::as_str) {
            Some(uetr) => uetr.to_owned(),
            None => format!("{}/{}", text(one, "sender"), text(one, "message_id")),
        };
        let is_cancelled = one.get("cancel_asked_us").is_some_and(|asked| !asked.is_null());
        table.row([
            "pending payment".to_owned(),
            way(one),
            format!("{} {}", text(one, "amount"), text(one, "currency")),
            format!("{seconds} s"),
            format!("{id}{}", if is_cancelled { ", wished back" } else { "" }),
        ]);
    }
    output::print(&table.render());
    output::line(&format!(
        "{} frozen and {} half-open channels, {} cases in suspense, {} pending payments, as node {} has them",
        frozen.len(),
        half_open.len(),
        list(&cases, "suspense").len(),
        text(&cases, "pending_count"),
        text(&cases, "observer"),
    ));
    Ok(Exit::Ok)
}

/// Wishes back what is pending of a payment.
pub(crate) async fn cancel(args: &Cancel) -> Ended {
    let token = args.authority.token()?;
    let client = ClusterClient::new(&args.cluster)?;
    let path = format!("/v1/payments/{}/cancel", segment(&args.payment));
    let asked = client.order_named(&path, &token, &args.name, &json!({})).await?;
    if args.output == Output::Json {
        output::json(&asked);
    } else {
        output::line(&format!(
            "{} transactions were pending and are wished back; the creditor's ledger decides: look at \
             GET /v1/payments/{}",
            text(&asked, "cancelling_count"),
            segment(&args.payment),
        ));
    }
    Ok(Exit::Ok)
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b':' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn way(one: &Value) -> String {
    format!("g{} > g{}", text(one, "from_group"), text(one, "to_group"))
}
