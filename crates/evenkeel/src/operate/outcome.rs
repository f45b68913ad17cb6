//! What became of an id that a node called unknown.

use serde_json::Value;

use super::cluster_client::{Answered, ClusterClient, Where, failure, nobody};
use crate::exit::{Ended, Exit};
use crate::output::{self, Output};

/// Arguments of `outcome`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: Where,
    /// The id, as the answer `unknown-outcome` named it.
    id: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Asks every endpoint until one knows the end of it. Exit code 6 if none does.
pub(crate) async fn run(args: &Args) -> Ended {
    let client = ClusterClient::new(&args.cluster)?;
    let (mut all, mut last) = (Vec::new(), None);
    for (from, answer) in client.get_each(&format!("/v1/outcomes/{}", args.id)).await {
        match answer {
            Ok(value) => all.push(Answered { value, from }),
            Err(error) => last = Some(error),
        }
    }
    let rank = |value: &Value| match value.get("state").and_then(Value::as_str) {
        Some("final") => 3,
        Some("provisional") => 2,
        Some("accepted") => 1,
        _ => 0,
    };
    let best = all.iter().max_by_key(|answered| rank(&answered.value));
    let Some(best) = best else {
        return Err(last.map_or_else(|| nobody(Vec::new()), failure));
    };
    let state = best.value.get("state").and_then(Value::as_str).unwrap_or("unknown");
    if args.output == Output::Json {
        output::json(&best.value);
    } else {
        output::line(&match state {
            "final" => format!("final, as {} has it: it has its one outcome", best.from),
            "provisional" => format!(
                "on the disk of its home ({}) and not committed: it may yet be lost",
                best.from
            ),
            "accepted" => format!("taken in at {}; not known yet", best.from),
            _ => {
                "unknown to every node that answers: send the same request again, which is always \
                  safe"
                    .to_owned()
            }
        });
        for name in ["outcome", "group", "seq", "origin", "digest"] {
            if let Some(value) = best.value.get(name).filter(|value| !value.is_null()) {
                output::line(&format!("  {name}: {}", value.to_string().trim_matches('"')));
            }
        }
    }
    Ok(if state == "final" { Exit::Ok } else { Exit::TimedOut })
}
