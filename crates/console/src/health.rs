//! Whether this node runs, and whether clients should be sent to it.

use axum::extract::State;
use axum::response::Response;
use group::{Bar, Group, GroupStatus, RoleStatus};
use model::Model;
use runtime::NodeView;
use serde_json::json;
use steering::Stay;
use types::{GroupId, NodeId};

use crate::router::App;
use crate::{Problem, json};

/// `GET /healthz`: the core thread answers. A node that fenced itself off does not.
pub(crate) async fn live<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    app.handle.ask(|_| ()).await?;
    Ok(json(&json!({ "live": true, "node": app.site.node().0, "region": app.site.region() })))
}

/// `GET /readyz`: every group here knows a home that makes progress, and none stands still. 503 with
/// the reasons if not.
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
    if view.node.groups().next().is_some() && !view.node.groups().any(Group::runs_model) {
        // It forwards what it is asked to do, and can answer no question about it.
        return vec!["this node runs no model, as a witness or a vote in the register".to_owned()];
    }
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
    match &status.bar {
        Some(Bar::Version { needs, .. }) => {
            return Some(format!("this node's code cannot run model version {needs}"));
        }
        Some(Bar::Differs { is_final: false, .. }) => {
            return Some("its state here differed from most others' and is built again".to_owned());
        }
        Some(Bar::Differs { is_final: true, .. }) => {
            return Some("its state here differs from most others'".to_owned());
        }
        None => {}
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
    if let Some(home) = status.home
        && let Some(why) = silent(view, group, home)
    {
        return Some(why);
    }
    let stalled = status.stalled_us >= view.node.options().group.patience_us;
    stalled.then(|| {
        let millis = status.stalled_us / 1_000;
        format!("nothing was committed for {millis} ms though something waits")
    })
}

/// Says so if the home shows no durable progress, and what keeps the group there although it should
/// have moved. Seconds are whole, so that groups with one home are told of in the same words.
fn silent<M: Model>(view: &NodeView<'_, M>, group: GroupId, home: NodeId) -> Option<String> {
    let options = view.node.options();
    if home == options.group.me {
        return None;
    }
    let silent_us = view.node.watch().silence(home, view.now.instant);
    if silent_us < options.policy.detect_us {
        return None;
    }
    let seconds = |micros: u64| micros / 1_000_000;
    let mut why =
        format!("its home {home} has shown no durable progress for {} s", seconds(silent_us));
    let stays = view.node.explain(view.now, group).map(|explanation| explanation.stays);
    for stay in stays.unwrap_or_default() {
        match stay {
            Stay::Residence { left_us } => why.push_str(&format!(
                "; it was moved there a short while ago and does not move by itself for another \
                 {} s: order `failover` to move it now",
                seconds(left_us)
            )),
            Stay::NotAutomatic => why.push_str("; homes move by order alone: order `failover`"),
            Stay::NoRegister => why.push_str("; no majority of the register is reached"),
            Stay::NoSealSet(_) => {
                why.push_str(
                    "; too few members are left to prove what was committed: see `explain`",
                );
            }
            Stay::Progress { .. }
            | Stay::Vantage { .. }
            | Stay::Clock { .. }
            | Stay::NotMember
            | Stay::NoCopies(_)
            | Stay::Rank { .. } => {}
        }
    }
    Some(why)
}
