//! Model versions: what the nodes can run, what is in force where, and orders to raise it.
//!
//! An order is taken when the register has taken it. The barrier follows as soon as the home sees that
//! every member can run the version; `GET /v1/model` shows it.

use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use group::{Bar, GroupStatus, UpgradeOrder};
use model::Model;
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{GroupId, ModelVersion, NodeId, Seq};

use crate::orders::{Which, refused, taken, unanswered};
use crate::router::App;
use crate::status::looks;
use crate::{Problem, Site, json, parse};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upgrade {
    groups: Which,
    to: u16,
    reason: String,
}

/// `GET /v1/model`.
pub(crate) async fn show<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    let site = app.site.clone();
    let mut value = app.handle.ask(move |view| nodes(&site, view)).await?;
    let mut groups = Vec::with_capacity(usize::from(app.site.groups()));
    for some in looks(0..app.site.groups()) {
        let some = app.handle.ask(move |view| {
            let some = some.filter_map(|number| {
                let id = GroupId(number);
                let here = view.node.group(id)?;
                let ordered = view.node.register().group(id).map(|state| state.model);
                let mut value = standing(&here.status(view.now));
                value["group"] = json!(number);
                value["ordered_model_version"] = json!(ordered.map(|version| version.0));
                Some(value)
            });
            some.collect::<Vec<_>>()
        });
        groups.extend(some.await?);
    }
    value["groups"] = Value::Array(groups);
    Ok(json(&value))
}

/// `POST /v1/model/upgrade`: raises the model version of groups. There is no way back: records of the
/// new version may follow at once.
pub(crate) async fn upgrade<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Upgrade { groups, to, reason } = parse(&body)?;
    let version = ModelVersion(to);
    let groups = match &groups {
        Which::Numbers(groups) => groups.iter().copied().map(GroupId).collect(),
        // "All" means that all shall have it: those that were ordered to before stay.
        Which::Named(all) if all == "all" => {
            let below = app.handle.ask(move |view| {
                let groups = view.node.register().groups();
                let below = groups.filter(|(_, state)| state.model < version);
                below.map(|(group, _)| group).collect::<Vec<_>>()
            });
            below.await?
        }
        Which::Named(other) => vec![crate::status::group_number(other)?],
    };
    if !groups.is_empty() {
        let order = UpgradeOrder { groups: groups.clone(), to: version, actor, reason };
        let ordered = app.handle.upgrade(order).await.map_err(|_| unanswered("groups"))?;
        ordered.map_err(|refusal| refused(&refusal))?;
    }
    Ok(json(&json!({
        "ordered": groups.iter().map(|group| group.0).collect::<Vec<_>>(),
        "to": to,
    })))
}

/// Which version is in force for a group at this node, what keeps the node from running it, and who
/// came to another state.
pub(crate) fn standing(status: &GroupStatus) -> Value {
    let (version, barrier) = status.version;
    let differing = status.differing.iter();
    let differing: Vec<Value> =
        differing.map(|(node, seq)| json!({ "node": node.0, "since_seq": seq.0 })).collect();
    json!({
        "model_version": version.0,
        "model_barrier_seq": barrier.map(|seq| seq.0),
        "barred": status.bar.as_ref().map(bar),
        "differing_members": differing,
    })
}

/// Why a node does not run a group's model, or not in public.
fn bar(bar: &Bar) -> Value {
    match bar {
        Bar::Version { needs, at, lowest, highest } => json!({
            "name": "model-version",
            "needs_model_version": needs.0,
            "at_seq": at.0,
            "lowest_model_version": lowest.0,
            "highest_model_version": highest.0,
        }),
        Bar::Differs { seq, nodes, is_final } => json!({
            "name": "state-differs",
            "at_seq": seq.0,
            "agreeing_nodes": nodes.iter().map(|node| node.0).collect::<Vec<_>>(),
            "applied_again": is_final,
        }),
    }
}

/// A bar in words: what is the matter, and what to do about it.
pub(crate) fn words(site: &Site, bar: &Bar) -> (String, String) {
    match bar {
        Bar::Version { needs, at, lowest, highest } => (
            format!(
                "this node's code runs model versions {lowest} to {highest}, and version {needs} is \
                 in force from record {at} on: it stores on and applies no further"
            ),
            format!("start this node with code that runs version {needs}"),
        ),
        Bar::Differs { seq, nodes, is_final: false } => (
            format!(
                "at record {seq} this node had come to another state than {}: it keeps it to itself \
                 and applies all records again",
                named(site, nodes)
            ),
            "wait; and have the memory of this machine tested".to_owned(),
        ),
        Bar::Differs { seq, nodes, is_final: true } => (
            format!(
                "at record {seq} this node has come to another state than {}, twice",
                named(site, nodes)
            ),
            "compare its version with the others'; start it with the same code, on another machine \
             if it has the same already"
                .to_owned(),
        ),
    }
}

/// Members that differ from this node, in words.
pub(crate) fn differing(site: &Site, differing: &[(NodeId, Seq)]) -> Option<String> {
    let (_, seq) = differing.iter().min_by_key(|(_, seq)| *seq)?;
    let nodes: Vec<NodeId> = differing.iter().map(|(node, _)| *node).collect();
    let nodes = named(site, &nodes);
    Some(format!("{nodes} came to another state than this node by the same records, at {seq}"))
}

fn named(site: &Site, nodes: &[NodeId]) -> String {
    let named = nodes.iter().map(|node| format!("{node} ({})", site.region_of(*node)));
    named.collect::<Vec<_>>().join(", ")
}

fn nodes<M: Model>(site: &Site, view: &NodeView<'_, M>) -> Value {
    let said = view.node.versions_said();
    let nodes = site.nodes().map(|node| {
        let versions = said.get(&node.id);
        json!({
            "node": node.id.0,
            "region": node.region,
            "lowest_model_version": versions.map(|versions| versions.start().0),
            "highest_model_version": versions.map(|versions| versions.end().0),
        })
    });
    json!({
        "observer": site.node().0,
        "region": site.region(),
        "nodes": nodes.collect::<Vec<_>>(),
    })
}
