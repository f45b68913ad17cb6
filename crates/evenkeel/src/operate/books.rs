//! The ledgers' sums: as one node has them, or of all nodes at one time.

use std::sync::Arc;

use client::Session;
use runtime::Clock;
use serde_json::{Value, json};

use super::cluster_client::{ClusterClient, Reading, Where, nobody};
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
    /// Ask every node for its state at one time, two seconds from now, and compare.
    #[arg(long, conflicts_with = "read")]
    cut: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Shows sums. Exit code 1 if they do not balance, or if nodes differ.
pub(crate) async fn run(args: &Args) -> Ended {
    let client = Arc::new(ClusterClient::new(&args.cluster)?);
    if args.cut {
        return cut(client, args.output).await;
    }
    let books = client.read(&Session::default(), args.reading.read, "/v1/books").await?;
    if args.output == Output::Json {
        output::json(&books.value);
    } else {
        print(&books.value);
    }
    Ok(if books.value["balanced"] == true { Exit::Ok } else { Exit::Failed })
}

async fn cut(client: Arc<ClusterClient>, output: Output) -> Ended {
    let at_us = Clock::start().wall().0.saturating_add(AHEAD_US);
    let answers = client.get_all_at_once(&format!("/v1/cut?at_us={at_us}")).await;
    let (mut cuts, mut errors) = (Vec::new(), Vec::new());
    for (url, answer) in answers {
        match answer {
            Ok(cut) => cuts.push((url, cut)),
            Err(error) => errors.push(error),
        }
    }
    let Some((_, first)) = cuts.first() else { return Err(nobody(errors)) };
    let is_same = cuts.iter().all(|(_, cut)| cut["digest"] == first["digest"]);
    if output == Output::Json {
        let cuts = cuts.iter().map(|(url, cut)| json!({ "from": url, "cut": cut }));
        let silent = errors.iter().map(ToString::to_string);
        output::json(&json!({
            "at_us": at_us,
            "is_same": is_same,
            "cuts": cuts.collect::<Vec<_>>(),
            "not_answered": silent.collect::<Vec<_>>(),
        }));
    } else {
        print(first);
        for (url, cut) in &cuts {
            let digest = cut["digest"].as_str().unwrap_or_default();
            output::line(&format!("{url}  {digest}"));
        }
        for error in &errors {
            output::line(&format!("not compared: {error}"));
        }
        let at = first["at"].as_str().unwrap_or_default();
        output::line(&if is_same {
            format!("{} nodes hold the same at {at}", cuts.len())
        } else {
            format!("nodes DIFFER at {at}: see `evenkeel status`")
        });
    }
    let balances = cuts.iter().all(|(_, cut)| cut["balanced"] == true);
    Ok(match (is_same && balances, errors.is_empty()) {
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
