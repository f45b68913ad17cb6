//! Records that were set aside: listed over all nodes, shown, decided.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use clap::{Subcommand, ValueEnum};
use client::CallError;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Where, failure};
use super::views::{list, text};
use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::output::{self, Output, Table};

/// Digits of a head that are shown: enough to name a run.
const HEAD_DIGITS: usize = 16;

/// Arguments of `orphans`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each node sets aside what it alone held. Nothing of it is ever deleted. A run is open until somebody has
decided what becomes of it; the decision is recorded once for all regions, with who and why.")]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the runs of all nodes that answer, with what was decided about each.
    List(List),
    /// Show what is in a run: every command with its id and amounts.
    Show(Show),
    /// Decide what becomes of a run, and do it. Repeat the command if it was broken off.
    Decide(Decide),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    cluster: Where,
    /// Only those about which nothing is decided.
    #[arg(long)]
    open: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    cluster: Where,
    /// Which: as `orphans list` prints it, `g7/5be1c0de`.
    run: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Decide {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Which: as `orphans list` prints it, `g7/5be1c0de`.
    run: String,
    /// What becomes of it.
    #[arg(long = "as", value_enum)]
    disposition: Disposition,
    /// Number of the case in which people work on it; needed for `suspense`.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    case: Option<u64>,
    /// Why; it stands in the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Disposition {
    /// Keep it for the audit. Anything else may be decided later.
    Keep,
    /// Hand its commands in again under their own ids: only for what clients may have been told.
    Replay,
    /// Never carry its payments out, and post their amounts to a house account of the case.
    Suspense,
    /// Never carry its payments out: whoever asks for one of them is told that it was rejected.
    Cancel,
}

/// Runs one.
pub(crate) async fn run(args: &Args) -> Ended {
    match &args.verb {
        Verb::List(args) => all(args).await,
        Verb::Show(args) => show(args).await,
        Verb::Decide(args) => decide(args).await,
    }
}

async fn all(args: &List) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let mut runs: BTreeMap<String, (Value, Vec<String>)> = BTreeMap::new();
    let mut silent = Vec::new();
    let mut answers = 0_usize;
    for (endpoint, answer) in client.get_each("/v1/orphans").await {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                silent.push(format!("{endpoint}: {error}"));
                continue;
            }
        };
        answers += 1;
        let observer = format!("n{}", text(&answer, "observer"));
        for run in list(&answer, "runs") {
            let (_, holders) = runs.entry(name(run)).or_insert_with(|| (run.clone(), Vec::new()));
            holders.push(observer.clone());
        }
    }
    if answers == 0 {
        return Err(Failure::new(
            Exit::NoQuorum,
            anyhow!("no node answered: {}", silent.join("; ")),
        ));
    }
    let is_open = |run: &Value| run.get("is_open").and_then(Value::as_bool) == Some(true);
    runs.retain(|_, (run, _)| !args.open || is_open(run));
    if args.output == Output::Json {
        let runs: Vec<Value> = runs
            .into_iter()
            .map(|(name, (mut run, holders))| {
                run["run"] = json!(name);
                run["held_by"] = json!(holders);
                run
            })
            .collect();
        output::json(&json!({ "runs": runs, "not_answered": silent }));
        return Ok(Exit::Ok);
    }
    let mut table = Table::new([
        "run", "held by", "epoch", "seqs", "records", "commands", "amounts", "class", "reason",
        "decided",
    ]);
    let open = runs.values().filter(|(run, _)| is_open(run)).count();
    let count = runs.len();
    for (name, (run, holders)) in runs {
        table.row([
            name,
            holders.join(" "),
            text(&run, "epoch"),
            format!("{}-{}", text(&run, "first_seq"), text(&run, "last_seq")),
            text(&run, "records"),
            run.pointer("/contents/commands").map_or_else(|| "-".to_owned(), ToString::to_string),
            amounts(&run),
            text(&run, "class"),
            text(&run, "reason"),
            run.get("disposal").map_or_else(|| "-".to_owned(), |one| text(one, "disposition")),
        ]);
    }
    output::print(&table.render());
    output::line(&format!("{count} runs at {answers} nodes, {open} of them open"));
    for why in silent {
        output::line(&format!("not asked: {why}"));
    }
    Ok(Exit::Ok)
}

async fn show(args: &Show) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let path = path(&args.run)?;
    let (endpoint, mut run) = client.get_where_it_is(&path).await?;
    let mut records = list(&run, "records").to_vec();
    while let Some(after) = run.get("next_after").and_then(Value::as_u64) {
        let next = client.get_at(endpoint, &format!("{path}?after={after}")).await;
        run = next.map_err(failure)?;
        records.extend_from_slice(list(&run, "records"));
    }
    if args.output == Output::Json {
        run["records"] = Value::Array(records);
        output::json(&run);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["seq", "id", "what", "amount", "from", "to", "became"]);
    for record in &records {
        let seq = text(record, "seq");
        if let Some(why) = record.get("unreadable").and_then(Value::as_str) {
            table.row([
                seq.clone(),
                "-".into(),
                why.to_owned(),
                "-".into(),
                "-".into(),
                "-".into(),
                "-".into(),
            ]);
        }
        for command in list(record, "commands") {
            rows(&mut table, &seq, command);
        }
    }
    output::print(&table.render());
    let told = run.get("may_have_been_acknowledged").and_then(Value::as_bool) == Some(true);
    output::line(if told {
        "clients may have been told that these were done"
    } else {
        "no client was told that these were done"
    });
    output::line(&policy(&run));
    Ok(Exit::Ok)
}

/// What may become of a run, or what did.
fn policy(run: &Value) -> String {
    let decided = run.get("disposal").filter(|disposal| !disposal.is_null());
    if let Some(disposal) = decided {
        let case = disposal.get("case").and_then(Value::as_u64);
        let case = case.map_or_else(String::new, |case| format!(", case {case}"));
        return format!("decided: {}{case}", text(disposal, "disposition"));
    }
    let allowed = list(run, "allowed").iter().filter_map(Value::as_str);
    let allowed: Vec<&str> = allowed.collect();
    let (class, reason) = (text(run, "class"), text(run, "reason"));
    let advised = text(run, "advised");
    format!("class {class}, {reason}: {} are allowed, {advised} is usual", allowed.join(", "))
}

/// `12.34 EUR, 7 JPY`.
fn amounts(run: &Value) -> String {
    let totals = run.pointer("/contents/totals").and_then(Value::as_object);
    let amounts = totals.into_iter().flatten();
    let amounts = amounts.map(|(code, sum)| format!("{} {code}", sum.as_str().unwrap_or_default()));
    let amounts: Vec<String> = amounts.collect();
    if amounts.is_empty() { "-".to_owned() } else { amounts.join(", ") }
}

/// A line per transaction, or one for a command without any.
fn rows(table: &mut Table, seq: &str, command: &Value) {
    let id = text(command, "id");
    let what = command.get("command").cloned().unwrap_or_default();
    let (kind, currency) = (text(&what, "kind"), text(&what, "currency"));
    let transactions = list(&what, "transactions");
    if transactions.is_empty() {
        let amount = match what.get("funding") {
            Some(_) => format!("{} {currency}", text(&what, "funding")),
            None => "-".to_owned(),
        };
        let key = text(&what, "key");
        table.row([seq.to_owned(), id, kind, amount, "-".into(), key, became(command)]);
        return;
    }
    for one in transactions {
        let what = format!("{kind} {}/{}", text(&what, "sender"), text(&what, "message_id"));
        let amount = format!("{} {currency}", text(one, "amount"));
        let (from, to) = (text(one, "debtor"), text(one, "creditor"));
        table.row([seq.to_owned(), id.clone(), what, amount, from, to, became(command)]);
    }
}

/// What the id of a command came to since, and whether out of this run.
fn became(command: &Value) -> String {
    let Some(became) = command.get("became") else { return "-".to_owned() };
    let is_ours = became.get("out_of_this_run").and_then(Value::as_bool) == Some(true);
    let whose = if is_ours { "out of this run" } else { "not out of this run" };
    format!("{}, {whose}", text(became, "outcome"))
}

async fn decide(args: &Decide) -> Ended {
    let token = args.authority.token()?;
    let client = ClusterClient::new(&args.cluster)?;
    let path = path(&args.run)?;
    let (endpoint, _) = client.get_where_it_is(&path).await?;
    let name = match args.disposition {
        Disposition::Keep => "keep",
        Disposition::Replay => "replay",
        Disposition::Suspense => "suspense",
        Disposition::Cancel => "cancel",
    };
    let mut body = json!({ "disposition": name, "reason": args.reason });
    if let Some(case) = args.case {
        body["case"] = json!(case);
    }
    let done = client.order_at(endpoint, &path, &token, &body).await?;
    let is_complete = done.get("complete").and_then(Value::as_bool) == Some(true);
    if args.output == Output::Json {
        output::json(&done);
    } else {
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for command in list(&done, "commands") {
            *outcomes.entry(text(command, "outcome")).or_default() += 1;
        }
        let outcomes: Vec<String> =
            outcomes.into_iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        let outcomes =
            if outcomes.is_empty() { String::new() } else { format!(": {}", outcomes.join(", ")) };
        output::line(&format!("{}: {name}{outcomes}", args.run));
        if !is_complete {
            output::line(
                "not all outcomes are known: repeat the same command, nothing is done twice",
            );
        }
    }
    Ok(if is_complete { Exit::Ok } else { Exit::TimedOut })
}

/// How a run is called: `g7/5be1c0de00000000`.
fn name(run: &Value) -> String {
    let head = text(run, "head");
    format!("g{}/{}", text(run, "group"), head.get(..HEAD_DIGITS).unwrap_or(&head))
}

fn path(run: &str) -> Result<String, Failure> {
    let parts = run.split_once('/').filter(|(group, head)| {
        let number = group.strip_prefix('g').unwrap_or(group);
        number.parse::<u16>().is_ok() && head.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let (group, head) = parts
        .with_context(|| format!("`{run}`: want a run as `orphans list` prints it"))
        .or_exit(Exit::Usage)?;
    Ok(format!("/v1/orphans/{group}/{head}"))
}

/// Whether a node said that it has set aside no such run, or has not both ends of a channel, so that another may have.
pub(super) fn is_not_here(error: &CallError) -> bool {
    let kinds = ["no-such-run", "no-such-channel"];
    matches!(error, CallError::Refused { problem, .. } if kinds.contains(&problem.kind.as_str()))
}
