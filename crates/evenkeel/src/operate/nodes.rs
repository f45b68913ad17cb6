//! Nodes that come and go: `node replace`, `node add`, `node remove`, `node list`.
//!
//! A node's id belongs to its disk. What is lost comes back under another id, in a folder of its own that
//! this command makes from the one of the node it replaces, and is brought to all records before it
//! counts.

mod folder;
mod progress;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Subcommand, ValueEnum};
use runtime::Span;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Where};
use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::output::{self, Output, Table};
use folder::{Made, Place};

/// What may become of nodes.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give the place of a node whose disk is lost, or whose machine is renewed, to a new one.
    ///
    /// Makes a folder for the new node beside the others in DIR, with a certificate and a configuration of
    /// its own and a new id, and orders the cluster to let it in. Carry the folder to its machine and start
    /// it there. It is brought to all records and counts for nothing until it has them; then each group
    /// opens an epoch that names it, and it gets the old node's vote. The old one, if it still runs, hands
    /// over what it is home of and ends by itself.
    #[command(after_help = "Examples:\n  \
        evenkeel node replace 3 --dir prod --endpoint http://10.1.0.5:7401,http://10.2.0.5:7403 \
        --token-file prod/dublin/admin.token --reason 'disk died' --wait\n  \
        evenkeel node --config prod/virginia-n4/node.yaml    (on the new machine)")]
    Replace(Replace),
    /// Let one more node in: for another region, or before one is removed.
    ///
    /// As `replace`, without an old one. Groups of class local are joined in their own region only. How many
    /// copies make a commit stays as it is.
    Add(Add),
    /// Send a node away, with none in its place.
    ///
    /// It hands over what it is home of; then each group opens an epoch without it, it loses its vote and
    /// ends by itself. Refused where copies or votes could not be had without it: the answer says what to
    /// do first.
    Remove(Remove),
    /// Show the nodes, who comes and goes, and how far newcomers are.
    List(List),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replace {
    /// The node whose place is to be taken: `3` or `n3`.
    #[arg(value_parser = number)]
    node: u16,
    #[command(flatten)]
    new: New,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Where it stands: a region's name, known or new, and the zone if the region has several.
    #[arg(value_name = "REGION[/ZONE]")]
    place: String,
    /// What it is to the groups.
    #[arg(long, value_enum, default_value_t)]
    role: Role,
    #[command(flatten)]
    new: New,
}

/// What a node is to the groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Keeps journals and models, and may be home.
    #[default]
    Full,
    /// Keeps the ends of journals, which count as copies.
    Witness,
    /// Has a vote in the register only.
    Register,
}

/// What both take that bring a node.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    #[command(flatten)]
    order: Order,
    /// The folder that `evenkeel cluster init` made, with the authority and the nodes' folders.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Where nodes reach it, host:port. Without it, where they reached the node that it replaces.
    #[arg(long, value_name = "HOST:PORT")]
    peers: Option<String>,
    /// Where clients reach it. Without it, where they reached the node that it replaces.
    #[arg(long, value_name = "URL")]
    http: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// The node: `3` or `n3`.
    #[arg(value_parser = number)]
    node: u16,
    #[command(flatten)]
    order: Order,
}

/// What every order takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Order {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Why; it stands in the audit.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Wait until it is done, and show how far it is.
    #[arg(long)]
    wait: bool,
    /// How long to wait at most.
    #[arg(long, value_name = "TIME", default_value = "30min")]
    timeout: Span,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    cluster: Where,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

fn number(text: &str) -> Result<u16, &'static str> {
    text.strip_prefix('n').unwrap_or(text).parse().map_err(|_| "want a node's number: `3` or `n3`")
}

/// Runs one.
pub(crate) fn run(verb: &Verb) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match verb {
            Verb::Replace(args) => replace(args).await,
            Verb::Add(args) => add(args).await,
            Verb::Remove(args) => remove(args).await,
            Verb::List(args) => list(args).await,
        }
    })
}

async fn replace(args: &Replace) -> Ended {
    bring(&args.new, Some(args.node), |_| Ok(None)).await
}

async fn add(args: &Add) -> Ended {
    let (region, zone) = args.place.split_once('/').unwrap_or((&args.place, ""));
    let role = match args.role {
        Role::Full => "full",
        Role::Witness => "witness",
        Role::Register => "register",
    };
    bring(&args.new, None, |new| {
        let (Some(peers), Some(http)) = (&new.peers, &new.http) else {
            let error = anyhow!("say with --peers and --http where the new node is reached");
            return Err(Failure::new(Exit::Usage, error));
        };
        Ok(Some(Place {
            region: region.to_owned(),
            zone: zone.to_owned(),
            role: role.to_owned(),
            peers: peers.clone(),
            http: http.clone(),
        }))
    })
    .await
}

/// Makes a node's folder, has the cluster let it in, and says how to go on.
async fn bring(
    new: &New,
    replaces: Option<u16>,
    place: impl Fn(&New) -> Result<Option<Place>, Failure>,
) -> Ended {
    let token = new.order.authority.token()?;
    let client = ClusterClient::new(&new.order.cluster)?;
    let nodes = client.get("/v1/nodes").await?.value;
    let id = nodes.get("next_id").and_then(Value::as_u64).and_then(|id| u16::try_from(id).ok());
    let id = id.context("a list of nodes without the next id").or_exit(Exit::Failed)?;
    let place = place(new)?;
    let made = Made::make(&new.dir, id, replaces, place, (&new.peers, &new.http), &nodes)?;
    let Place { region, zone, role, peers, http } = &made.place;
    let body = json!({
        "node": id,
        "replaces": replaces,
        "region": region,
        "zone": zone,
        "role": role,
        "peers": peers,
        "http": http,
        "reason": new.order.reason,
    });
    client.order("/v1/nodes", &token, &body).await?;
    let place = replaces.map_or_else(String::new, |old| format!(" in the place of n{old}"));
    output::line(&format!("n{id} is let in{place}. Its folder is {}.", made.folder.display()));
    output::line(&format!(
        "Carry it to its machine, look through its node.yaml, and start it there:\n  evenkeel node \
         --config {}",
        made.folder.join("node.yaml").display()
    ));
    if new.order.wait {
        progress::wait(&client, Some(id), replaces, new.order.timeout.duration()).await?;
        output::line(&format!("n{id} holds what it should and counts; the cluster is whole."));
    } else {
        output::line("`evenkeel node list` shows how far it is.");
    }
    Ok(Exit::Ok)
}

async fn remove(args: &Remove) -> Ended {
    let token = args.order.authority.token()?;
    let client = ClusterClient::new(&args.order.cluster)?;
    let body = json!({ "reason": args.order.reason });
    client.order(&format!("/v1/nodes/{}/remove", args.node), &token, &body).await?;
    output::line(&format!("n{} is to go; it ends by itself when nothing needs it.", args.node));
    if args.order.wait {
        progress::wait(&client, None, Some(args.node), args.order.timeout.duration()).await?;
        output::line(&format!("n{} is gone: no group names it, and it has no vote.", args.node));
    }
    Ok(Exit::Ok)
}

async fn list(args: &List) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let answered = client.get("/v1/nodes").await?;
    if args.output == Output::Json {
        output::json(&answered.value);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(["node", "place", "role", "vote", "session", "standing"]);
    let nodes = answered.value.get("nodes").and_then(Value::as_array);
    for node in nodes.into_iter().flatten() {
        let text =
            |name: &str| node.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let is = |name: &str| node.get(name).and_then(Value::as_bool) == Some(true);
        let zone =
            if text("zone").is_empty() { String::new() } else { format!("/{}", text("zone")) };
        table.row([
            format!("n{}", node.get("node").and_then(Value::as_u64).unwrap_or_default()),
            format!("{}{zone}", text("region")),
            text("role"),
            if is("votes") { "yes" } else { "no" }.to_owned(),
            if is("connected") { "open" } else { "none" }.to_owned(),
            standing(node),
        ]);
    }
    output::print(&table.render());
    let far = progress::Far::of(std::slice::from_ref(&answered.value));
    if far.pending > 0 {
        output::line(&format!("{far}"));
    }
    Ok(Exit::Ok)
}

fn standing(node: &Value) -> String {
    let number = |path: &str| node.pointer(path).and_then(Value::as_u64);
    match node.pointer("/gone/how").and_then(Value::as_str) {
        Some("replaced") => {
            format!("gone, n{} has its place", number("/gone/by").unwrap_or_default())
        }
        Some("given-up") => "given up when the register was recovered: replace it".to_owned(),
        Some(_) => "removed".to_owned(),
        None => number("/replaces").map_or_else(String::new, |old| format!("came for n{old}")),
    }
}
