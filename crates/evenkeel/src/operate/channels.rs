//! Channels between ledgers: listed, and opened again when they are frozen.

use clap::Subcommand;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Where};
use super::views::{list, text};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Table};

/// Arguments of `channels`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Only a forced switch, damage or a bug can freeze a channel. Read docs/operating/channels.md before you open one, and before
you decide about orphans whose payments went over it. Opening takes model version 2 of both ledgers (`evenkeel model
upgrade`).

States: open; frozen, nothing passes until it is opened; half-open, one end was opened again and the other not.")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the channels with both their ends, as one node has them.
    List(List),
    /// Open a frozen channel again: shows first what that does, and with --dry-run nothing else. Takes the
    /// administrators' token for both.
    Reopen(Reopen),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    cluster: Where,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Reopen {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// The number of the sending group.
    from: u16,
    /// The number of the receiving group.
    to: u16,
    /// Only show what it would do.
    #[arg(long)]
    dry_run: bool,
    /// The case to which what was lost is posted; needed if anything was.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    case: Option<u64>,
    /// Why; it is kept with what was accounted for.
    #[arg(long, value_name = "TEXT", required_unless_present = "dry_run")]
    reason: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs it.
pub(crate) async fn run(args: &Args) -> Ended {
    match &args.verb {
        Verb::List(args) => all(args).await,
        Verb::Reopen(args) => reopen(args).await,
    }
}

async fn all(args: &List) -> Ended {
    let channels = ClusterClient::new(&args.cluster)?.get("/v1/channels").await?.value;
    if args.output == Output::Json {
        output::json(&channels);
        return Ok(Exit::Ok);
    }
    let mut table =
        Table::new(["channel", "state", "sent", "answered", "consumed", "frozen at", "cause"]);
    for one in list(&channels, "channels") {
        let end = |end: &str, name: &str| {
            one.get(end).map_or_else(|| "-".to_owned(), |end| text(end, name))
        };
        let frozen = ["sender", "receiver"].into_iter().filter(|at| end(at, "frozen") != "-");
        let frozen: Vec<&str> = frozen.collect();
        let cause = frozen.first().map_or_else(|| "-".to_owned(), |at| end(at, "frozen"));
        table.row([
            format!("g{} > g{}", text(one, "from_group"), text(one, "to_group")),
            text(one, "state"),
            end("sender", "last"),
            end("sender", "resolved"),
            end("receiver", "last"),
            if frozen.is_empty() { "-".to_owned() } else { frozen.join(", ") },
            cause,
        ]);
    }
    output::print(&table.render());
    Ok(Exit::Ok)
}

async fn reopen(args: &Reopen) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let path = format!("/v1/channels/{}/{}", args.from, args.to);
    let token = args.authority.token()?;
    let (endpoint, look) = client.get_where_it_is_as(&path, Some(&token)).await?;
    let is_frozen = text(&look, "state") == "frozen";
    if args.output == Output::Table {
        show(args, &look);
    }
    if args.dry_run || !is_frozen {
        if args.output == Output::Json {
            output::json(&look);
        }
        return Ok(Exit::Ok);
    }
    let mut body = json!({ "gist": look.get("gist"), "reason": args.reason });
    if let Some(case) = args.case {
        body["case"] = json!(case);
    }
    let done = client.order_at(endpoint, &path, &token, &body).await?;
    if args.output == Output::Json {
        output::json(&json!({ "look": look, "done": done }));
    } else {
        for end in list(&done, "ends") {
            output::line(&format!(
                "g{}, the {}: {} payments accounted for",
                text(end, "group"),
                text(end, "end"),
                text(end, "accounted_count"),
            ));
        }
        output::line(&text(&done, "next_step"));
    }
    Ok(Exit::Ok)
}

/// What it would take, for people.
fn show(args: &Reopen, look: &Value) {
    let state = text(look, "state");
    if state != "frozen" {
        output::line(&format!("g{} > g{} is {state}", args.from, args.to));
        return;
    }
    let mut table = Table::new(["what", "payment", "amount", "creditor"]);
    let amount = |one: &Value| format!("{} {}", text(one, "amount"), text(one, "currency"));
    for one in list(look, "waiting") {
        let is_contested = one.get("is_contested").and_then(Value::as_bool) == Some(true);
        let because = if is_contested { ": another of its name was carried out" } else { "" };
        let what = format!("waits, will be {}{because}", text(one, "becomes"));
        table.row([what, text(one, "transfer"), amount(one), text(one, "creditor")]);
    }
    for (name, what) in [
        ("lost_by_sender", format!("credited by g{}, debit lost by g{}", args.to, args.from)),
        ("lost_by_receiver", format!("settled by g{}, credit lost by g{}", args.from, args.to)),
    ] {
        for one in list(look, name) {
            table.row([what.clone(), text(one, "transfer"), amount(one), text(one, "creditor")]);
        }
    }
    output::print(&table.render());
    output::line(&format!("both ends go on after number {}", text(look, "goes_on_after")));
    if look.get("needs_case").and_then(Value::as_bool) == Some(true) {
        output::line("what was lost is posted to the case, in the ledger that lost it");
    }
}
