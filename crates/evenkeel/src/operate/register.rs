//! The register itself: `register recover`, when its majority is lost for good.

use anyhow::anyhow;
use clap::Subcommand;
use serde_json::{Value, json};

use super::cluster_client::{Authority, ClusterClient, Where};
use crate::exit::{Ended, Exit, Failure};
use crate::output;

/// Arguments of `register`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Begin the register anew with the nodes that are left. Two people are needed.
    ///
    /// Only when most of the nodes with a vote are lost for good: homes cannot be moved then, not even by
    /// force. The first run changes nothing. It shows what may be lost, and the node that it asks writes a
    /// code to its own log. A second person reads it there and agrees; run again with --code and
    /// --confirmed-by. What the lost nodes had decided and this one has not heard of is gone; they never
    /// vote again, and the history says for ever that it was done, by whom and why.
    ///
    /// Ask exactly one node, a survivor, and name the others with --survivors; one that another knows more
    /// than refuses, and says which. Stop all that are given up before, and say so with --stopped: two of
    /// them that ran on, cut off from the survivors, would go on acknowledging.
    #[command(after_help = "Examples:\n  \
        evenkeel register recover --endpoint http://10.3.0.5:7405 --token-file admin.token \
        --ordered-by alice --reason 'two regions burned'\n  \
        evenkeel register recover --endpoint http://10.3.0.5:7405 --token-file admin.token \
        --ordered-by alice --reason 'two regions burned' --stopped 1,2 --code 1a2b-3c4d-5e6f-7a8b-9c0d \
        --confirmed-by bob")]
    Recover(Recover),
}

#[derive(Debug, clap::Args)]
struct Recover {
    #[command(flatten)]
    cluster: Where,
    #[command(flatten)]
    authority: Authority,
    /// Who orders it; it stands in the history.
    #[arg(long, value_name = "NAME")]
    ordered_by: String,
    /// Why; it stands in the history.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Nodes that are left, with commas between; the asked node alone if absent.
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    survivors: Option<Vec<u16>>,
    /// Nodes that are given up, with commas between: you have made sure that each is stopped for good.
    /// Wanted with --code; the first run says which they are.
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    stopped: Vec<u16>,
    /// The code in the survivor's log.
    #[arg(long, requires = "confirmed_by")]
    code: Option<String>,
    /// Who read the code there and agrees; somebody else.
    #[arg(long, value_name = "NAME", requires = "code")]
    confirmed_by: Option<String>,
}

/// Runs it.
pub(crate) async fn run(args: &Args) -> Ended {
    let Verb::Recover(args) = &args.verb;
    let token = args.authority.token()?;
    let client = ClusterClient::new(&args.cluster)?;
    if client.endpoints() != 1 {
        let error = anyhow!("name exactly one node with --endpoint: the survivor that goes on");
        return Err(Failure::new(Exit::Usage, error));
    }
    let body = json!({
        "survivors": args.survivors,
        "stopped": args.stopped,
        "reason": args.reason,
        "ordered_by": args.ordered_by,
        "code": args.code,
        "confirmed_by": args.confirmed_by,
    });
    let answer = client.order_at(0, "/v1/register/recover", &token, &body).await?;
    tell(answer.get("plan").unwrap_or(&Value::Null));
    if answer.get("needs").and_then(Value::as_str) == Some("code") {
        output::line("");
        output::line(
            "Nothing is changed yet. The node has written a code to its own log: have a second person \
             read it there, and order this again with --stopped NODES --code CODE --confirmed-by NAME. \
             Make sure before that all that are given up are stopped and stay off.",
        );
    } else {
        output::line("");
        output::line("The register goes on with the survivors. Next: docs/operating/recovery.md");
    }
    Ok(Exit::Ok)
}

fn tell(plan: &Value) {
    let text = |name: &str| plan.get(name).map(Value::to_string).unwrap_or_default();
    output::line(&format!("survivors {}, given up {}", text("survivors"), text("given_up")));
    output::line(&format!(
        "generation {} of the register is followed by {}; this node has {} entries, {} of them known to \
         be decided",
        text("generation_now"),
        text("generation_then"),
        text("entries_here"),
        text("entries_known_decided_here"),
    ));
    let lost = plan.get("may_be_lost").and_then(Value::as_str).unwrap_or_default();
    output::line(&format!("may be lost: {lost}"));
    let groups = plan.get("groups_without_home").and_then(Value::as_array);
    for group in groups.into_iter().flatten() {
        let number = |name: &str| group.get(name).and_then(Value::as_u64).unwrap_or_default();
        output::line(&format!(
            "  g{}: home n{} (epoch {}) is given up; here up to seq {}, known to be committed up to {}; \
             what it acknowledged above may be lost",
            number("group"),
            number("home"),
            number("epoch"),
            number("durable_here"),
            number("committed_as_known_here"),
        ));
    }
}
