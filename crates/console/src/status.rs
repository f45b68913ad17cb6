//! The standing of this node, of its groups, and of what it set aside.

use core::ops::Range;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use model::Model;
use runtime::NodeView;
use serde_json::{Value, json};
use types::GroupId;

use crate::limits::GROUPS_PER_LOOK;
use crate::router::App;
use crate::site::role;
use crate::{Problem, Site, group_view, hash_hex, health, json, nodes, orphans};

/// `GET /v1/status`.
pub(crate) async fn whole<M: Model + Send + 'static>(
    State(app): State<App<M>>,
) -> Result<Response, Problem> {
    let site = app.site.clone();
    let mut value = app.handle.ask(move |view| node(&site, view)).await?;
    let mut groups = Vec::with_capacity(usize::from(app.site.groups()));
    for some in looks(0..app.site.groups()) {
        let site = app.site.clone();
        let some = app.handle.ask(move |view| {
            let some = some.filter_map(|group| group_view::group(&site, view, GroupId(group)));
            some.collect::<Vec<_>>()
        });
        groups.extend(some.await?);
    }
    value["groups"] = Value::Array(groups);
    Ok(json(&value))
}

/// Groups, in runs of as many as one look may take: a node of 4,096 groups must not stand still while
/// it is looked at, and a look waits for its turn, so there should be few.
pub(crate) fn looks(groups: Range<u16>) -> impl Iterator<Item = Range<u16>> {
    let end = groups.end;
    let starts = groups.step_by(usize::from(GROUPS_PER_LOOK));
    starts.map(move |start| start..start.saturating_add(GROUPS_PER_LOOK).min(end))
}

/// `GET /v1/groups/{group}`.
pub(crate) async fn one<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(group) = path?;
    let group = group_number(&group)?;
    let site = app.site.clone();
    let found = app.handle.ask(move |view| {
        let mut value = group_view::group(&site, view, group)?;
        let orphans = view.node.group(group).map_or(&[][..], |here| here.orphans());
        let decided = orphans::disposals(view, group);
        let orphans = orphans.iter().map(|one| group_view::orphan(group, one, decided));
        let orphans: Vec<_> = orphans.collect();
        value["observer"] = json!(site.node().0);
        value["orphans"] = Value::Array(orphans);
        value["register"] =
            view.node.register().group(group).map_or(Value::Null, group_view::history);
        Some(value)
    });
    found.await?.map(|value| json(&value)).ok_or_else(|| unknown_group(group, &app.site))
}

/// Reads a group's number, written `7` or `g7`.
pub(crate) fn group_number(text: &str) -> Result<GroupId, Problem> {
    let number = text.strip_prefix('g').unwrap_or(text);
    number.parse().map(GroupId).map_err(|_| {
        Problem::new(400, "bad-group", "That is no group's number.").detail("want `7` or `g7`")
    })
}

pub(crate) fn unknown_group(group: GroupId, site: &Site) -> Problem {
    Problem::new(404, "no-such-group", "There is no such group.")
        .detail(format!("{group}: groups are numbered 0 to {}", site.groups().saturating_sub(1)))
}

fn node<M: Model>(site: &Site, view: &NodeView<'_, M>) -> Value {
    let reasons = health::reasons(view);
    json!({
        "observer": site.node().0,
        "region": site.region(),
        "observed_us": view.now.wall.0,
        "ready": reasons.is_empty(),
        "not_ready_because": reasons,
        "register": register(view),
        "storage": storage(view),
        "nodes": nodes(site, view),
        "transport": transport(site, view),
    })
}

fn register<M: Model>(view: &NodeView<'_, M>) -> Value {
    let register = view.node.register();
    let (audit, counters) = (register.state().audit(), register.counters());
    json!({
        "reachable": register.reachable(view.now.instant),
        "leader": register.leader().map(|node| node.0),
        "generation": register.generation().0,
        "votes": register.generation().1,
        "generations": nodes::generations(register.state().roster()),
        "heard": register.heard(view.now.instant).map(|node| node.0).collect::<Vec<_>>(),
        "applied_entries": register.applied(),
        "pending_proposals": register.pending(),
        "audit_entries": audit.count(),
        "audit_head": hash_hex(audit.head()),
        "digest": hash_hex(register.digest()),
        "frames": {
            "taken": counters.taken,
            "stale": counters.stale,
            "refused": counters.refused,
            "lost": counters.lost,
        },
    })
}

fn storage<M: Model>(view: &NodeView<'_, M>) -> Value {
    let stats = view.storage.stats();
    let running_us = stats.fsync_since.map(|since| view.now.instant.since(since));
    let last_us = stats.fsync_last.map(|last| view.now.instant.since(last));
    json!({
        "fsync_count": stats.fsync_us.len(),
        "fsync_p50_us": stats.fsync_us.value_at_quantile(0.5),
        "fsync_p99_us": stats.fsync_us.value_at_quantile(0.99),
        "fsync_max_us": stats.fsync_us.max(),
        "fsync_running_us": running_us,
        "fsync_last_ago_us": last_us,
        "commits": stats.batches,
        "records": stats.records,
        "written_bytes": stats.bytes,
        "superblocks": stats.superblocks,
        "queue_count": stats.queue_count,
        "queue_bytes": stats.queue_bytes,
        "space": word(&stats.space),
    })
}

fn nodes<M: Model>(site: &Site, view: &NodeView<'_, M>) -> Value {
    let connected: Vec<_> = view.node.connected().collect();
    let roster = view.node.register().state().roster();
    let nodes = site.nodes().map(|node| {
        let is_self = node.id == site.node();
        json!({
            "node": node.id.0,
            "region": node.region,
            "zone": (!node.zone.is_empty()).then_some(node.zone.as_str()),
            "role": role(node.role),
            "url": node.url,
            "is_observer": is_self,
            "is_gone": roster.gone(node.id).map(|gone| nodes::gone(&gone)),
            "votes": roster.members().contains(&node.id),
            "connected": is_self || connected.contains(&node.id),
            "silent_us": view.node.watch().silence(node.id, view.now.instant),
        })
    });
    nodes.collect()
}

fn transport<M: Model>(site: &Site, view: &NodeView<'_, M>) -> Value {
    let metrics = view.transport.metrics();
    let lanes = metrics.lanes.iter().map(|lane| {
        json!({
            "node": lane.peer.0,
            "region": site.region_of(lane.peer),
            "lane": word(&lane.lane),
            "up": lane.up,
            "rtt_us": lane.rtt_us,
            "frames_in": lane.frames_in,
            "bytes_in": lane.bytes_in,
            "frames_out": lane.frames_out,
            "bytes_out": lane.bytes_out,
            "queued_bytes": lane.queued_bytes,
            "refused_frames": lane.refused,
            "dropped_frames": lane.dropped,
            "connections": lane.connections,
            "ended_connections": lane.ends.iter().sum::<u64>(),
            "failed_attempts": lane.failures.iter().sum::<u64>(),
        })
    });
    json!({
        "rejected_connections": metrics.rejected.iter().sum::<u64>(),
        "lanes": lanes.collect::<Vec<_>>(),
    })
}

/// The name of a field-less variant, in lower case.
pub(crate) fn word(variant: &impl core::fmt::Debug) -> String {
    format!("{variant:?}").to_lowercase()
}
