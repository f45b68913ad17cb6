//! Whether this node runs, and whether clients should be sent to it.

use axum::extract::State;
use axum::response::Response;
use group::{GroupStatus, RoleStatus};
use model::Model;
use runtime::NodeView;
use serde_json::json;
use types::GroupId;

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
    let statuses = view.node.statuses(view.now);
    let why = statuses.iter().filter_map(|(group, status)| {
        let why = reason(view, *group, status)?;
        Some(format!("{group}: {why}"))
    });
    why.collect()
}

fn reason<M: Model>(
    view: &NodeView<'_, M>,
    group: GroupId,
    status: &GroupStatus,
) -> Option<String> {
    if status.role == RoleStatus::Quarantined {
        return Some("out of service, its records contradict a peer's".to_owned());
    }
    if status.home.is_none() {
        return Some("no home is known".to_owned());
    }
    if status.home == Some(view.node.options().group.me) {
        // A home that has just started knows what it committed once its epoch's first record is.
        let state = view.node.register().group(group);
        let start = state.and_then(|state| state.history.last());
        let is_open =
            start.is_some_and(|start| start.epoch == status.epoch && start.seq <= status.applied);
        if status.role != RoleStatus::Home || !is_open {
            return Some("this node is its home and does not serve it yet".to_owned());
        }
    }
    let stalled = status.stalled_us >= view.node.options().group.patience_us;
    stalled.then(|| {
        let millis = status.stalled_us / 1_000;
        format!("nothing was committed for {millis} ms though something waits")
    })
}
