//! Channels between ledgers: listed, and opened again when they are frozen.

use clap::Subcommand;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Where};
use super::views::{list, text};
use crate::exit::{Ended, Exit, Failure};
use crate::output::{self, Output, Table};

/// Arguments of `channels`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Only a forced switch, damage or a bug can freeze a channel. Read docs/operating/channels.md before you open one, and before
you decide about orphans whose payments went over it. Opening takes model version 2 of both ledgers (`evenkeel model
upgrade`).

Opening takes two steps: `reopen FROM TO --dry-run` shows what it would do and prints the order, which names by --gist what was
shown. If the channel is not that any more, nothing is done.

States: open; frozen, nothing passes until it is opened; half-open, one end was opened again and the other not.")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the channels with both their ends, as one node has them.
    List(List),
    /// Open a frozen channel again: look with --dry-run first, then order what it showed with --gist. Takes
    /// the administrators' token for both.
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
    /// Only show what it would do, and the order that does it.
    #[arg(long, conflicts_with = "gist")]
    dry_run: bool,
    /// What is ordered, as --dry-run showed it; needed to open anything.
    #[arg(long)]
    gist: Option<String>,
    /// The case to which what was lost is posted; needed if anything was.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    case: Option<u64>,
    /// Why; it is kept with what was accounted for. Needed to open anything.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// An order that leaves out what it needs.
#[derive(Debug, thiserror::Error)]
enum Incomplete {
    #[error(
        "look first: `evenkeel channels reopen {from} {to} --dry-run` shows what opening does and prints the order, \
         with the --gist of what it has shown"
    )]
    Gist { from: u16, to: u16 },
    #[error(
        "say with --reason why g{from} > g{to} is opened: it is kept with what was accounted for"
    )]
    Reason { from: u16, to: u16 },
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
    let order = order(args)?;
    let client = ClusterClient::new(&args.cluster)?;
    let path = format!("/v1/channels/{}/{}", args.from, args.to);
    let token = args.authority.token()?;
    let (endpoint, look) = client.get_where_it_is_as(&path, Some(&token)).await?;
    // What is not frozen needs no order. What is, but not as it was looked at, the node refuses.
    let order = order.filter(|_| text(&look, "state") == "frozen");
    let Some(order) = order else {
        match args.output {
            Output::Table => show(args, &look),
            Output::Json => output::json(&look),
        }
        return Ok(Exit::Ok);
    };
    let done = client.order_at(endpoint, &path, &token, &order).await?;
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

/// The order, which names what was read; `None` to look only.
fn order(args: &Reopen) -> Result<Option<Value>, Failure> {
    if args.dry_run {
        return Ok(None);
    }
    let &Reopen { from, to, .. } = args;
    let usage = |error: Incomplete| Failure::new(Exit::Usage, error);
    let gist = args.gist.as_deref().ok_or_else(|| usage(Incomplete::Gist { from, to }))?;
    let reason = args.reason.as_deref().ok_or_else(|| usage(Incomplete::Reason { from, to }))?;
    let mut order = json!({ "gist": gist, "reason": reason });
    if let Some(case) = args.case {
        order["case"] = json!(case);
    }
    Ok(Some(order))
}

/// The command that orders what was shown; what people have to put in is in capitals.
fn next_command(args: &Reopen, look: &Value) -> String {
    let (from, to, gist) = (args.from, args.to, text(look, "gist"));
    let needs_case = look.get("needs_case").and_then(Value::as_bool) == Some(true);
    let case = match args.case {
        Some(case) => format!(" --case {case}"),
        None if needs_case => " --case NUMBER".to_owned(),
        None => String::new(),
    };
    let reason = args.reason.as_deref().unwrap_or("TEXT");
    let token = args.authority.file();
    let token = token.map(|file| format!(" --token-file {}", file.display())).unwrap_or_default();
    let endpoint = args.cluster.named();
    format!(
        "evenkeel channels reopen {from} {to} --gist {gist}{case} --reason {reason:?} --endpoint {endpoint}{token}"
    )
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
    output::line("nothing is changed yet; to open it as shown:");
    output::line(&format!("  {}", next_command(args, look)));
}
