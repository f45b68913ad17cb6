//! Moving homes: a switchover loses nothing, a failover says what it may lose (two verbs). And going
//! on without members that are gone, and back.
//!
//! An order is taken when the register has taken it; the switch itself follows within a few round
//! trips, and `GET /v1/status` shows it. What is refused says why and by what type.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Request};
use axum::response::Response;
use group::{Order, OrderRefusal};
use model::Model;
use register::{ForceRefusal, GroupState, Phase, Refusal, SealKind, UndecidedReason};
use runtime::NodeRole;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{GroupId, NodeId};

use crate::json::seal_kind;
use crate::limits::JSON_BYTES_MAX;
use crate::router::App;
use crate::{Problem, Site, json, nodes, parse, read_body};

/// Groups that are to move: `"all"`, or their numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Which {
    Named(String),
    Numbers(BTreeSet<u16>),
}

/// Where to: a node's number, or the name of a region.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Target {
    Node(u16),
    Region(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switchover {
    groups: Which,
    to: Target,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failover {
    groups: Which,
    to: Target,
    reason: String,
    kind: FailoverKind,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FailoverKind {
    Unplanned,
    Forced,
}

/// `POST /v1/switchover`: the old home works along; nothing is lost in any class.
pub(crate) async fn switchover<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Switchover { groups, to, reason } = parse(&body)?;
    carry_out(&app, &groups, &to, SealKind::Planned, actor, reason).await
}

/// `POST /v1/failover`: the old home is not asked. `unplanned` loses nothing that was acknowledged;
/// `forced` may, and the register records it.
pub(crate) async fn failover<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Failover { groups, to, reason, kind } = parse(&body)?;
    let kind = match kind {
        FailoverKind::Unplanned => SealKind::Unplanned,
        FailoverKind::Forced => SealKind::Forced,
    };
    carry_out(&app, &groups, &to, kind, actor, reason).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reconfigure {
    groups: Which,
    reason: String,
}

/// `POST /v1/degrade`: go on with the members that are left, with fewer copies. Nothing is lost by it;
/// what is acknowledged from then on may be lost by a further failure.
pub(crate) async fn degrade<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Reconfigure { groups, reason } = parse(&body)?;
    reconfigure(&app, &groups, SealKind::Degrade, actor, reason).await
}

/// `POST /v1/restore`: back to all members and copies.
pub(crate) async fn restore<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (actor, body) = taken(&app, request).await?;
    let Reconfigure { groups, reason } = parse(&body)?;
    reconfigure(&app, &groups, SealKind::Restore, actor, reason).await
}

async fn reconfigure<M: Model + Send + 'static>(
    app: &App<M>,
    which: &Which,
    kind: SealKind,
    actor: String,
    reason: String,
) -> Result<Response, Problem> {
    let groups: Vec<GroupId> = match which {
        Which::Numbers(groups) => groups.iter().copied().map(GroupId).collect(),
        Which::Named(all) if all == "all" => {
            // All that it concerns: those that stand still, or those that are degraded.
            let concerned = app.handle.ask(move |view| {
                let patience_us = view.node.options().group.patience_us;
                let groups = view.node.register().groups();
                let is_concerned = |group: GroupId, state: &GroupState| {
                    let here = view.node.group(group);
                    let stalled_us = here.map_or(0, |here| here.stalled_us(view.now));
                    if kind == SealKind::Restore {
                        return state.whole.is_some();
                    }
                    stalled_us >= patience_us || state.phase != Phase::Active
                };
                let groups = groups.filter(|(group, state)| is_concerned(*group, state));
                groups.map(|(group, _)| group).collect::<Vec<_>>()
            });
            concerned.await?
        }
        Which::Named(other) => vec![crate::status::group_number(other)?],
    };
    ordered(app, &groups, None, kind, actor, reason).await?;
    Ok(json(&json!({
        "ordered": groups.iter().map(|group| group.0).collect::<Vec<_>>(),
        "kind": seal_kind(kind),
    })))
}

/// Has the register take an order, if there is anything to do.
async fn ordered<M: Model + Send + 'static>(
    app: &App<M>,
    groups: &[GroupId],
    to: Option<NodeId>,
    kind: SealKind,
    actor: String,
    reason: String,
) -> Result<(), Problem> {
    if groups.is_empty() {
        return Ok(());
    }
    let order = Order { groups: groups.to_vec(), to, kind, actor, reason };
    let ordered = app.handle.order(order).await.map_err(|_| unanswered("groups"))?;
    ordered.map_err(|refusal| refused(&refusal))
}

/// The token is looked at before the body is read.
pub(crate) async fn taken<M>(
    app: &App<M>,
    request: Request<Body>,
) -> Result<(String, axum::body::Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let headers: &HeaderMap = &parts.headers;
    let actor = app.site.authorize(headers)?;
    Ok((actor.name().to_owned(), read_body(headers, body, JSON_BYTES_MAX).await?))
}

async fn carry_out<M: Model + Send + 'static>(
    app: &App<M>,
    which: &Which,
    target: &Target,
    kind: SealKind,
    actor: String,
    reason: String,
) -> Result<Response, Problem> {
    let to = node(&app.site, target)?;
    let groups: Vec<GroupId> = match which {
        Which::Numbers(groups) => groups.iter().copied().map(GroupId).collect(),
        Which::Named(all) if all == "all" => {
            // Those that are there already stay: "all" means that all shall be there. That is no
            // answer to somebody who does not know that the node is gone.
            let settled = app.handle.ask(move |view| {
                let silent_us = view.node.watch().silence(to, view.now.instant);
                let is_silent = silent_us >= view.node.options().policy.detect_us;
                if kind == SealKind::Planned && is_silent && to != view.node.options().group.me {
                    return Err(OrderRefusal::TargetSilent { node: to, silent_us });
                }
                let groups = view.node.register().groups();
                let elsewhere = groups.filter(|(_, state)| state.home != Some(to));
                Ok(elsewhere.map(|(group, _)| group).collect::<Vec<_>>())
            });
            settled.await?.map_err(|refusal| refused(&refusal))?
        }
        Which::Named(other) => vec![crate::status::group_number(other)?],
    };
    ordered(app, &groups, Some(to), kind, actor, reason).await?;
    Ok(json(&json!({
        "ordered": groups.iter().map(|group| group.0).collect::<Vec<_>>(),
        "to": to.0,
        "to_region": app.site.region_of(to),
        "kind": seal_kind(kind),
    })))
}

/// A region with several nodes means the first of them in the configuration that may be home; a zone is
/// written `REGION/ZONE`.
fn node(site: &Site, target: &Target) -> Result<NodeId, Problem> {
    let named = site.nodes().filter(|node| match target {
        Target::Node(number) => node.id.0 == *number,
        Target::Region(name) => {
            node.region == *name || node.place() == *name || node.id.to_string() == *name
        }
    });
    // The first of those with the lowest key: a witness only if nothing else is meant, to be refused.
    let found = named.min_by_key(|node| node.role != NodeRole::Full);
    found.map(|node| node.id).ok_or_else(|| {
        let known: Vec<Value> =
            site.nodes().map(|node| json!({ "node": node.id.0, "region": node.region })).collect();
        let regions: Vec<&str> = site.nodes().map(|node| node.region.as_str()).collect();
        Problem::new(404, "no-such-target", "There is no such node or region.")
            .detail(format!("the regions are {}", regions.join(", ")))
            .with("known", known)
    })
}

/// An order was given and this node ended before it answered; `what` is to be looked at.
pub(crate) fn unanswered(what: &str) -> Problem {
    Problem::new(504, "unknown-outcome", "It is not known whether the order was taken.")
        .detail(format!("this node is stopping; look at the {what} before ordering again"))
}

pub(crate) fn refused(refusal: &OrderRefusal) -> Problem {
    let text = chain(refusal);
    match refusal {
        OrderRefusal::NoRegister => {
            Problem::new(503, "no-quorum", "No majority can decide; nothing was changed.")
                .retry_after_ms(1_000)
                .detail(format!("{text}; serving goes on without it"))
        }
        OrderRefusal::Undecided(
            UndecidedReason::Busy | UndecidedReason::NotOurs | UndecidedReason::Over,
        ) => Problem::new(503, "busy", "Too many orders wait; nothing was changed.")
            .retry_after_ms(1_000)
            .detail(text),
        OrderRefusal::Undecided(UndecidedReason::NoQuorum { .. }) => {
            Problem::new(504, "unknown-outcome", "It is not known whether the order was taken.")
                .detail(format!("{text}; look at the groups before ordering again"))
        }
        OrderRefusal::UnknownGroup(group) => {
            Problem::new(404, "no-such-group", "There is no such group.")
                .detail(text)
                .with("group", group.0)
        }
        OrderRefusal::NotAProposal(_) | OrderRefusal::NoTarget { .. } => {
            Problem::new(400, "bad-order", "The order cannot be recorded.").detail(text)
        }
        OrderRefusal::Refused { group, why: Refusal::Version { standing } } => stale(*group, text)
            .with("version", standing.version)
            .with("epoch", standing.epoch.0)
            .with("home", standing.home.map(|home| home.0)),
        OrderRefusal::Refused { group, why: Refusal::WrongEpoch { expected, .. } } => {
            stale(*group, text).with("epoch", expected.0)
        }
        OrderRefusal::Refused { group, .. }
        | OrderRefusal::Sealing { group }
        | OrderRefusal::NotShort { group }
        | OrderRefusal::Short { group }
        | OrderRefusal::NoHome { group }
        | OrderRefusal::NotDegraded { group }
        | OrderRefusal::Behind { group, .. }
        | OrderRefusal::NotMember { group, .. }
        | OrderRefusal::MayNotLead { group, .. }
        | OrderRefusal::AlreadyHome { group, .. } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(text)
                .with("group", group.0)
        }
        OrderRefusal::TargetBarred { group, node } | OrderRefusal::NotSaid { group, node } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(text)
                .with("group", group.0)
                .with("node", node.0)
        }
        OrderRefusal::CannotRun { group, node, lowest, highest } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(format!("{text}: start it with newer code first"))
                .with("group", group.0)
                .with("node", node.0)
                .with("lowest_model_version", lowest.0)
                .with("highest_model_version", highest.0)
        }
        OrderRefusal::Roster(why) => nodes::roster_refused(why, text),
        OrderRefusal::LastToHold { group, node, gone, heir } => Problem::new(
            409,
            "refused",
            "The order is refused; nothing was changed.",
        )
        .detail(format!(
            "{text}. Wait until `evenkeel node list` shows no groups that {heir} lacks, and order \
                     again; if {gone} can start with its disk, start it"
        ))
        .with("group", group.0)
        .with("node", node.0)
        .with("heir", heir.0),
        OrderRefusal::HasMajority => Problem::new(
            409,
            "refused",
            "The order is refused; nothing was changed.",
        )
        .detail(format!(
            "{text}: there is nothing to recover. Replace lost nodes with `evenkeel node replace`"
        )),
        OrderRefusal::IsThere { node } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(format!(
                    "{text}: stop it and see that it stays off, or name it among the survivors"
                ))
                .with("node", node.0)
        }
        OrderRefusal::NotStopped { node } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(text)
                .with("node", node.0)
        }
        OrderRefusal::PlanChanged => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(format!("{text}: look at it again, and order it with the new code"))
        }
        OrderRefusal::NotForced(why) => not_forced(why, text),
        OrderRefusal::ClockOff { group, node, skew_us, skew_us_max } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(format!(
                    "{text}: mend its time synchronisation, or name another node; `failover.skew` is the bound"
                ))
                .with("group", group.0)
                .with("node", node.0)
                .with("skew_us", *skew_us)
                .with("skew_us_max", *skew_us_max)
        }
        OrderRefusal::TargetSilent { node, silent_us } => {
            Problem::new(409, "refused", "The order is refused; nothing was changed.")
                .detail(text)
                .with("node", node.0)
                .with("silent_us", *silent_us)
        }
    }
}

/// Why the register was not begun anew, with what to do.
fn not_forced(why: &ForceRefusal, text: String) -> Problem {
    let problem = |detail: String| {
        Problem::new(409, "refused", "The order is refused; nothing was changed.").detail(detail)
    };
    match why {
        ForceRefusal::NoVote { node } => {
            problem(format!("{text}: give the order to a survivor that has one, and name it"))
                .with("node", node.0)
        }
        ForceRefusal::Unheard { node } => problem(format!(
            "{text}: see that it runs and is reached from here, or give it up and stop it"
        ))
        .with("node", node.0),
        ForceRefusal::Behind { node }
        | ForceRefusal::Further { node }
        | ForceRefusal::Split { node } => problem(text).with("node", node.0),
        ForceRefusal::HasMajority
        | ForceRefusal::Busy
        | ForceRefusal::Roster(_)
        | ForceRefusal::NotAProposal(_) => problem(text),
    }
}

fn stale(group: GroupId, text: String) -> Problem {
    Problem::new(409, "stale-epoch", "The group changed while the order was given.")
        .detail(format!("{text}; look again, and order again if it still fits"))
        .with("group", group.0)
}

/// An error with its sources, in one line.
fn chain(error: &dyn core::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
