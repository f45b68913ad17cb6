//! A group's class and terms, changed by order: `POST /v1/terms`.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use group::TermsOrder;
use model::Model;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{Class, GroupId, QuorumLoss};

use crate::orders::{Which, refused, taken, unanswered};
use crate::router::App;
use crate::{Problem, group_view, json, parse};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retune {
    groups: Which,
    class: Option<ClassName>,
    on_quorum_loss: Option<QuorumLossName>,
    reason: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClassName {
    Sync,
    Async,
    Local,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum QuorumLossName {
    Block,
    Degrade,
}

/// Gives groups another class, or has them do something else when copies are missing. Their homes stay, and
/// nothing is lost in any class; clients wait for a few round trips.
pub(crate) async fn retune<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Retune { groups, class, on_quorum_loss, reason } = parse(&body)?;
    let class = class.map(|class| match class {
        ClassName::Sync => Class::Sync,
        ClassName::Async => Class::Async,
        ClassName::Local => Class::Local,
    });
    let on_quorum_loss = on_quorum_loss.map(|on_quorum_loss| match on_quorum_loss {
        QuorumLossName::Block => QuorumLoss::Block,
        QuorumLossName::Degrade => QuorumLoss::Degrade,
    });
    if class.is_none() && on_quorum_loss.is_none() {
        let title = "The order says neither a class nor what to do when copies are missing.";
        return Err(Problem::new(400, "bad-order", title));
    }
    let order = TermsOrder { groups: Vec::new(), class, on_quorum_loss, actor, reason };
    let groups = match &groups {
        Which::Numbers(groups) => groups.iter().copied().map(GroupId).collect(),
        // "All" means that all shall have them: those that do already stay.
        Which::Named(all) if all == "all" => {
            let order = order.clone();
            let other = app.handle.ask(move |view| {
                let groups = view.node.register().groups();
                let others = groups.filter(|(_, state)| {
                    let terms = state.config.terms();
                    order.of(terms) != terms
                });
                others.map(|(group, _)| group).collect::<Vec<_>>()
            });
            other.await?
        }
        Which::Named(other) => vec![crate::status::group_number(other)?],
    };
    if !groups.is_empty() {
        let order = TermsOrder { groups: groups.clone(), ..order };
        let ordered = app.handle.retune(order).await.map_err(|_| unanswered("groups"))?;
        ordered.map_err(|refusal| refused(&refusal))?;
    }
    Ok(json(&json!({
        "ordered": groups.iter().map(|group| group.0).collect::<Vec<_>>(),
        "class": class.map(group_view::class),
        "on_quorum_loss": on_quorum_loss.map(group_view::on_quorum_loss),
    })))
}

/// What the order takes besides groups and reason, for the API's description.
pub(crate) fn schema() -> Value {
    json!({
        "class": {
            "enum": ["sync", "async", "local"],
            "description": "when clients are answered; `local` only where all nodes of a group are in one \
                            region. Absent: as it is",
        },
        "on_quorum_loss": {
            "enum": ["block", "degrade"],
            "description": "what a group does when copies are missing. Absent: as it is",
        },
    })
}
