//! `/v1/channels`: the channels between ledgers, and opening a frozen one again.
//!
//! What it would take is looked at first and changes nothing: from which number both ends go on, what becomes of what
//! waits, and which payments one ledger carried out and the other lost. The order then names what was looked at
//! (`gist`), so that nobody opens a channel on other terms than those that were read. Each ledger does its half in
//! its own journal and refuses if its end has moved; a half that is missing is ordered again in the same way.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use console::limits::JSON_BYTES_MAX;
use console::{Problem, hash_hex, json, parse, read_body};
use group::{Group, NoPlan, Plan};
use payments_model::{Command, Encoded, Leg, Payments, Refusal, Reopen, Reply};
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json as value};
use types::{GroupId, MessageId, Stamp};

use crate::accounts::out_of_limits;
use crate::limits::{AHEAD_TRIES, AHEAD_WAIT, NOT_AFTER_US_MAX};
use crate::router::App;
use crate::{decimal, pay};

/// An order to open a channel again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// What the look gave.
    gist: String,
    reason: String,
    /// Under which what was lost is posted; not needed where nothing was.
    case: Option<u64>,
}

/// `GET /v1/channels`: all channels that were ever used.
pub(crate) async fn all(State(app): State<App>) -> Result<Response<Body>, Problem> {
    let channels = app.read(None, |view| {
        let mut channels: BTreeMap<(GroupId, GroupId), Value> = BTreeMap::new();
        for group in view.node.groups() {
            for (to, end) in group.channels().outboxes() {
                let channel = channels.entry((group.id(), to)).or_default();
                channel["sender"] = value!({
                    "last": end.last(),
                    "resolved": end.resolved(),
                    "pending_count": end.last() - end.resolved(),
                    "frozen": end.frozen().map(|cause| format!("{cause:?}")),
                    "is_opening": end.is_opening(),
                    "went_on_after": end.restart().map(|restart| restart.number),
                });
            }
            for (from, end) in group.channels().inboxes() {
                let channel = channels.entry((from, group.id())).or_default();
                channel["receiver"] = value!({
                    "last": end.last(),
                    "frozen": end.frozen().map(|cause| format!("{cause:?}")),
                    "is_opening": end.is_opening(),
                    "went_on_after": end.restart().map(|restart| restart.number),
                });
            }
        }
        for (from, to, since) in view.node.half_open() {
            let channel = channels.entry((from, to)).or_default();
            channel["half_open_ms"] = value!(view.now.wall.since(since) / 1_000);
        }
        let channels = channels.into_iter().map(|((from, to), mut channel)| {
            channel["from_group"] = value!(from.0);
            channel["to_group"] = value!(to.0);
            channel["state"] = value!(state(&channel));
            channel
        });
        channels.collect::<Vec<_>>()
    });
    let channels = channels.await?;
    Ok(json(&value!({ "observer": app.site.node().0, "channels": channels })))
}

/// In one word.
fn state(channel: &Value) -> &'static str {
    let is =
        |end: &str, name: &str| !matches!(channel[end][name], Value::Null | Value::Bool(false));
    if is("sender", "frozen") || is("receiver", "frozen") {
        "frozen"
    } else if !channel["half_open_ms"].is_null() {
        "half-open"
    } else {
        "open"
    }
}

/// `GET /v1/channels/{from}/{to}`: what it would take to open one again.
pub(crate) async fn one(
    State(app): State<App>,
    path: Result<Path<(u16, u16)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    // Of a frozen channel all payments are read that ever went over it.
    app.site.authorize(&headers)?;
    let Path((from, to)) = path?;
    let told = look(&app, [GroupId(from), GroupId(to)], |plan, [from, _]| describe(plan, from));
    let told = told.await?;
    let mut told = match told {
        Ok(told) => told,
        Err(NoPlan::Open) => value!({ "state": "open" }),
        Err(NoPlan::Opening) => value!({
            "state": "half-open",
            "next_step": "both ends have it: the sender opens as soon as the receiver has answered",
        }),
    };
    told["observer"] = value!(app.site.node().0);
    told["from_group"] = value!(from);
    told["to_group"] = value!(to);
    Ok(json(&told))
}

/// `POST /v1/channels/{from}/{to}`: opens it again, each ledger its end. Repeated, it does what is missing.
pub(crate) async fn reopen(
    State(app): State<App>,
    path: Result<Path<(u16, u16)>, PathRejection>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let actor = app.site.authorize(&parts.headers)?;
    let Path((from, to)) = path?;
    let body = read_body(&parts.headers, body, JSON_BYTES_MAX).await?;
    let Order { gist, reason, case } = parse(&body)?;
    let looked = look(&app, [GroupId(from), GroupId(to)], |plan, ends| {
        let version = ends.map(|group| group.version().0).into_iter().min();
        (plan.clone(), version)
    });
    let (plan, version) = looked.await?.map_err(|no_plan| {
        Problem::new(409, "not-frozen", "There is nothing to open.").detail(no_plan.to_string())
    })?;
    if version < Some(Payments::REOPENS) {
        return Err(Problem::new(409, "old-version", "The ledgers' model cannot do that yet.")
            .detail(format!(
                "order `evenkeel model upgrade --to {} --groups {from},{to}` first",
                Payments::REOPENS.0
            )));
    }
    if !hash_hex(plan.gist()).eq_ignore_ascii_case(&gist) {
        return Err(Problem::new(409, "moved", "The channel is not what was looked at.")
            .detail("look again and name the new `gist`")
            .with("gist", hash_hex(plan.gist())));
    }
    let case = case.unwrap_or(0);
    if case == 0 && !plan.is_clean() {
        return Err(Problem::new(
            400,
            "no-case",
            "What was lost is posted to suspense under a case.",
        )
        .detail("give the `case` in which people work on it: a number above 0"));
    }
    let mut ends = Vec::new();
    // The receiver first: while the sender is frozen, nothing can come that the receiver would not expect.
    for (end, group) in [("receiver", plan.to), ("sender", plan.from)] {
        let order = Reopen { case, by: actor.name(), reason: &reason, plan: &plan.encode() };
        let encoded = Command::Reopen(order).encode().map_err(|limit| out_of_limits(&limit))?;
        let count = half(&app, (&plan, end, group), &encoded, parts.uri.path()).await?;
        ends.push(value!({ "end": end, "group": group.0, "accounted_count": count }));
    }
    Ok(json(&value!({
        "from_group": from,
        "to_group": to,
        "case": (case > 0).then_some(case),
        "ends": ends,
        "is_whole": plan.is_whole,
        "next_step": if plan.is_whole {
            "the sender opens as soon as the receiver has answered: see the list of channels"
        } else {
            "more was lost than fits into one order: look again and order the rest"
        },
    })))
}

/// Has a ledger do its half; how many payments it accounted for. If its time is behind what was looked at, because the
/// other's home has a clock that leads, it is waited for: the order has done nothing then, and is given again under
/// another id.
async fn half(
    app: &App,
    (plan, end, group): (&Plan, &str, GroupId),
    encoded: &Encoded,
    path: &str,
) -> Result<u32, Problem> {
    let mut tries = 0;
    loop {
        let command = wire::Command {
            id: id(plan, end, tries),
            digest: encoded.digest,
            not_after: Stamp(app.handle.clock().wall().0.saturating_add(NOT_AFTER_US_MAX)),
            origin: None,
            body: Bytes::from(encoded.body.clone()),
        };
        let command_id = command.id;
        let reply = app.handle.command(group, command, None).await.map_err(|_| {
            Problem::new(504, "unknown-outcome", "Look again, and order what is missing.")
                .detail("this node stopped while it was under way")
        })?;
        let wire::Reply::Done { outcome, .. } = reply else {
            return Err(pay::not_done(app, reply, command_id, path));
        };
        tries += 1;
        match Reply::decode(&outcome) {
            Ok(Reply::Reopened(count)) => return Ok(count),
            Ok(Reply::Refused(Refusal::PlanAhead)) if tries < AHEAD_TRIES => {
                tokio::time::sleep(AHEAD_WAIT).await;
            }
            Ok(Reply::Refused(refusal)) => return Err(refused(refusal).with("end", end)),
            Ok(_) | Err(_) => return Err(pay::unreadable()),
        }
    }
}

/// Plans from what this node has applied of both groups.
async fn look<T: Send + 'static>(
    app: &App,
    [from, to]: [GroupId; 2],
    tell: impl FnOnce(&Plan, [&Group<Payments>; 2]) -> T + Send + 'static,
) -> Result<Result<T, NoPlan>, Problem> {
    let looked = app.read(None, move |view: &NodeView<'_, Payments>| {
        // A node that keeps a group's records only, or not even those, knows nothing of its channels.
        let knows = |group: &&Group<_>| group.runs_model() && group.readable().is_some();
        let state = |id| view.node.group(id).filter(knows);
        let (sender, receiver) = (state(from)?, state(to)?);
        let plan = group::reopening(sender, receiver, view.now.wall.0);
        Some(plan.map(|plan| tell(&plan, [sender, receiver])))
    });
    looked.await?.filter(|_| from != to).ok_or_else(|| {
        Problem::new(404, "no-such-channel", "This node does not have the state of both ledgers.")
    })
}

/// A plan in words.
fn describe(plan: &Plan, from: &Group<Payments>) -> Value {
    let lost = |list: &[group::Lost]| {
        let told = list.iter().map(|lost| leg(&lost.key.0, Leg::decode(&lost.detail).ok()));
        told.collect::<Vec<_>>()
    };
    let answered: BTreeMap<_, _> = plan.answered.iter().map(|(key, one)| (*key, one)).collect();
    let waits = from.channels().outbox(plan.to).into_iter().flat_map(|outbox| outbox.pending());
    let waits = waits.map(|(number, one)| {
        let (becomes, is_contested) = match answered.get(&one.key) {
            Some(wire::Answer::Applied(_)) => ("settled", false),
            Some(wire::Answer::Refused(reply)) => ("given-back", reply.is_empty()),
            Some(_) => ("given-back", false),
            None => ("sent-again", false),
        };
        let mut told = leg(&one.key.0, Leg::of_message(&one.content));
        told["number"] = value!(number);
        told["becomes"] = value!(becomes);
        told["is_contested"] = value!(is_contested);
        told
    });
    value!({
        "state": "frozen",
        "gist": hash_hex(plan.gist()),
        "goes_on_after": plan.number,
        "needs_case": !plan.is_clean(),
        "waiting": waits.collect::<Vec<_>>(),
        "lost_by_sender": lost(&plan.lost_by_sender),
        "lost_by_receiver": lost(&plan.lost_by_receiver),
        "is_whole": plan.is_whole,
    })
}

/// One payment, as far as it can be read.
fn leg(name: &[u8; 16], leg: Option<Leg>) -> Value {
    let mut told = value!({ "transfer": MessageId(*name).to_string() });
    if let Some(leg) = leg {
        told["currency"] = value!(leg.currency.code());
        told["amount"] = value!(decimal::write(leg.amount, leg.currency));
        told["creditor"] = value!(leg.creditor);
    }
    told
}

/// One per half of a plan and try.
fn id(plan: &Plan, end: &str, tries: u32) -> MessageId {
    let plan = hash_hex(plan.restart().hash);
    MessageId::of(wire::digest(format!("reopen\n{plan}\n{end}\n{tries}").as_bytes()))
}

fn refused(refusal: Refusal) -> Problem {
    let kinds = [(Refusal::ChannelMoved, "moved"), (Refusal::PlanAhead, "ahead")];
    let kind =
        kinds.into_iter().find(|(one, _)| *one == refusal).map_or("refused", |(_, kind)| kind);
    Problem::new(409, kind, "An end of the channel was not opened.")
        .detail(format!("{refusal}; look again, and order what is missing"))
}
