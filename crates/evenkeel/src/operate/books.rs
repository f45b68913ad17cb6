//! The ledgers' sums: as one node has them, or of all nodes at one time.

mod compare;

use std::sync::Arc;

use client::{CallError, Session};
use runtime::Clock;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Reading, Where, nobody};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output, Table};

/// How far ahead of this machine's clock a cut is planned: every node must hear of it before.
const AHEAD_US: u64 = 2_000_000;

/// Arguments of `books`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    reading: Reading,
    /// Only the ledgers of this group, and no pairs.
    #[arg(long)]
    group: Option<u16>,
    /// Ask every node for its state at one time, two seconds from now, and compare what is kept at several.
    /// Takes the administrators' token.
    #[arg(long, conflicts_with_all = ["read", "group"])]
    cut: bool,
    #[command(flatten)]
    authority: Authority,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Shows sums. Exit code 1 if they do not balance, or if nodes differ.
pub(crate) async fn run(args: &Args) -> Ended {
    let client = Arc::new(ClusterClient::new(&args.cluster)?);
    if args.cut {
        return cut(client, &args.authority.token()?, args.output).await;
    }
    let only = args.group.map(|group| format!("?group={group}")).unwrap_or_default();
    let path = format!("/v1/books{only}");
    let books = client.read(&Session::default(), args.reading.read, &path).await?;
    if args.output == Output::Json {
        output::json(&books.value);
    } else {
        print(&books.value);
    }
    Ok(if books.value["balanced"] == true { Exit::Ok } else { Exit::Failed })
}

async fn cut(client: Arc<ClusterClient>, token: &str, output: Output) -> Ended {
    let at_us = Clock::start().wall().0.saturating_add(AHEAD_US);
    let answers = client.get_all_at_once(&format!("/v1/cut?at_us={at_us}"), token).await;
    let (mut cuts, mut left_out, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (url, answer) in answers {
        match answer {
            Ok(cut) => cuts.push((url, cut)),
            Err(CallError::Refused { problem, .. }) if problem.kind == "no-model" => {
                left_out.push((url, "it keeps no ledger's state".to_owned()));
            }
            Err(error) => errors.push(error),
        }
    }
    let compared = compare::compare(&cuts);
    left_out.extend(compared.left_out.iter().cloned());
    let Some((_, fullest)) = cuts.iter().max_by_key(|(_, cut)| compare::groups(cut).count()) else {
        return Err(nobody(errors));
    };
    if output == Output::Json {
        let silent = errors.iter().map(ToString::to_string);
        let left_out = left_out.iter().map(|(url, why)| json!({ "from": url, "why": why }));
        output::json(&json!({
            "at_us": at_us,
            "is_same": compared.is_same(),
            "compared_groups": compared.groups,
            "differing_groups": compared.differing,
            "cuts": cuts.iter().map(|(url, cut)| json!({ "from": url, "cut": cut })).collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(),
            "not_answered": silent.collect::<Vec<_>>(),
        }));
    } else {
        print(fullest);
        for (url, cut) in &cuts {
            let digest = cut["digest"].as_str().unwrap_or_default();
            output::line(&format!("{url}  {digest}"));
        }
        for (url, why) in &left_out {
            output::line(&format!("left out: {url}: {why}"));
        }
        for error in &errors {
            output::line(&format!("not compared: {error}"));
        }
        output::line(&compared.verdict(fullest["at"].as_str().unwrap_or_default()));
    }
    let balances = cuts.iter().all(|(_, cut)| cut["balanced"] == true);
    let is_alone = compared.nodes < 2 && left_out.len() + cuts.len() + errors.len() > 1;
    Ok(match (compared.is_same() && balances, errors.is_empty() && !is_alone) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Ok,
        (true, false) => Exit::NoQuorum,
    })
}

fn print(books: &Value) {
    let columns = ["currency", "group", "accounts_count", "debits", "credits", "balanced"];
    let mut table = Table::new(columns);
    for book in books["books"].as_array().into_iter().flatten() {
        table.row(columns.map(|name| book[name].to_string().trim_matches('"').to_owned()));
    }
    output::print(&table.render());
    let pairs = books["clearing"].as_array().map_or(0, Vec::len);
    let balanced = if books["balanced"] == true { "balanced" } else { "NOT balanced" };
    output::line(&format!("{balanced}; {pairs} pairs of ledgers"));
}
