//! Whether this node runs, and whether clients should be sent to it.

use axum::extract::State;
use axum::response::Response;
use group::RoleStatus;
use model::Model;
use runtime::NodeView;
use serde_json::json;

use crate::router::App;
use crate::{Problem, json};

/// `GET /healthz`: the core thread answers. A node that fenced itself off does not.
pub(crate) async fn live<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    app.handle.ask(|_| ()).await?;
    Ok(json(&json!({ "live": true, "node": app.site.node().0, "region": app.site.region() })))
}

/// `GET /readyz`: every group here knows a home and none stands still. 503 with the reasons if not.
///
/// The register is not asked for: without it homes do not change, and all that serves goes on.
pub(crate) async fn ready<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    let reasons = app.handle.ask(|view| reasons(view)).await?;
    let (node, region) = (app.site.node().0, app.site.region());
    if reasons.is_empty() {
        return Ok(json(&json!({ "ready": true, "node": node, "region": region })));
    }
    Err(Problem::new(503, "not-ready", "Clients should ask another node.")
        .with("ready", false)
        .with("node", node)
        .with("region", region)
        .with("reasons", reasons)
        .retry_after_ms(1_000))
}

/// Why clients should go elsewhere; empty if they need not.
pub(crate) fn reasons<M: Model>(view: &NodeView<'_, M>) -> Vec<String> {
    let patience_us = view.node.options().group.patience_us;
    let mut reasons = Vec::new();
    for (group, status) in view.node.statuses(view.now) {
        if status.role == RoleStatus::Quarantined {
            reasons.push(format!("{group}: out of service, its records contradict a peer's"));
        } else if status.home.is_none() {
            reasons.push(format!("{group}: no home is known"));
        } else if status.stalled_us >= patience_us {
            reasons.push(format!(
                "{group}: nothing was committed for {} ms though something waits",
                status.stalled_us / 1_000
            ));
        }
    }
    reasons
}
