//! Accounts: listed as one node has them, opened through any.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Subcommand, ValueEnum};
use client::Session;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Reading, Where};
use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::output::{self, Output, Table};

/// Arguments of `accounts`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List accounts with their balances.
    List(List),
    /// Open and fund one account, or those of a file. Opening the same again is harmless.
    Open(Open),
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    reading: Reading,
    /// Only those in this currency.
    #[arg(long)]
    currency: Option<String>,
    /// Only those in the ledgers of this group.
    #[arg(long)]
    group: Option<u16>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Open {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// The currency, as in `EUR`.
    #[arg(long, required_unless_present = "file")]
    currency: Option<String>,
    /// How messages call it: an IBAN, another number, or `BIC:` and an agent's BIC.
    #[arg(long, required_unless_present = "file")]
    key: Option<String>,
    /// Whose it is.
    #[arg(long)]
    name: Option<String>,
    /// What it begins with, in units of the currency, as in `1000.00`.
    #[arg(long, default_value = "0")]
    funding: String,
    /// What it is for.
    #[arg(long, value_enum, default_value_t)]
    kind: Kind,
    /// A file with an account per line: currency, key, funding, kind, name, with commas between;
    /// lines that begin with # are passed over.
    #[arg(long, conflicts_with_all = ["currency", "key", "name", "funding", "kind"])]
    file: Option<PathBuf>,
}

/// What an account is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A customer's.
    #[default]
    Customer,
    /// An agent's own.
    Settlement,
    /// The house's; it may go below zero and takes no payments.
    House,
}

/// Runs it.
pub(crate) async fn run(args: &Args) -> Ended {
    match &args.verb {
        Verb::List(args) => list(args).await,
        Verb::Open(args) => open(args).await,
    }
}

async fn list(args: &List) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let filter = args.currency.as_ref().map(|code| format!("&currency={code}"));
    let group = args.group.map(|group| format!("&group={group}")).unwrap_or_default();
    let filter = filter.unwrap_or_default() + &group;
    // No page is older than those before, whoever answers.
    let session = Session::default();
    let (mut rows, mut offset) = (Vec::new(), 0);
    loop {
        let path = format!("/v1/accounts?offset={offset}{filter}");
        let page = client.read(&session, args.reading.read, &path).await?.value;
        let accounts = page.get("accounts").and_then(Value::as_array);
        rows.extend(accounts.context("a page without accounts")?.iter().cloned());
        match page.get("next_offset").and_then(Value::as_u64) {
            Some(next) => offset = next,
            None => break,
        }
    }
    if args.output == Output::Json {
        output::json(&Value::Array(rows));
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["currency", "key", "name", "kind", "state", "balance"]);
    for row in &rows {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let cells = ["currency", "key", "name", "kind", "state", "balance"].map(text);
        table.row(cells);
    }
    output::print(&table.render());
    Ok(Exit::Ok)
}

async fn open(args: &Open) -> Ended {
    let accounts = match &args.file {
        Some(path) => read(path)?,
        None => {
            let kind = args.kind.to_possible_value().map(|value| value.get_name().to_owned());
            vec![json!({
                "currency": args.currency,
                "key": args.key,
                "name": args.name,
                "funding": args.funding,
                "kind": kind,
            })]
        }
    };
    let token = args.authority.token()?;
    let client = ClusterClient::new(&args.cluster)?;
    let mut created = 0;
    for account in &accounts {
        let opened = client.order("/v1/accounts", &token, account).await?;
        created += usize::from(opened.get("created").and_then(Value::as_bool) == Some(true));
    }
    let known = accounts.len() - created;
    output::line(&format!("{created} opened, {known} were there already"));
    Ok(Exit::Ok)
}

/// Reads a file of accounts.
fn read(path: &Path) -> Result<Vec<Value>, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .or_exit(Exit::Usage)?;
    let mut accounts = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        // A name may hold commas, so it is the last.
        let cells: Vec<&str> = line.splitn(5, ',').map(str::trim).collect();
        let [currency, key, funding, kind, name] = cells.as_slice() else {
            let place = format!("{}:{}", path.display(), index + 1);
            let error = anyhow!("{place}: want currency, key, funding, kind, name");
            return Err(Failure::new(Exit::Usage, error));
        };
        let name = Some(name).filter(|name| !name.is_empty());
        accounts.push(json!({
            "currency": currency,
            "key": key,
            "funding": funding,
            "kind": kind,
            "name": name,
        }));
    }
    Ok(accounts)
}
