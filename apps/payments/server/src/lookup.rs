//! `GET /v1/payments/{id}`: what became of a payment, as this region has heard, with its age.

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use console::{Problem, Read, Reading, hash_hex, json, position};
use group::Group;
use payments_message::date::moment;
use payments_model::{PaymentKey, Payments, Verdict};
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json as value};
use types::{GroupId, MessageId, Now, Stamp};

use crate::accounts::whole_path;
use crate::found::Found;
use crate::pay::{unwritable, xml};
use crate::router::App;
use crate::{answer, decimal, suspense};

/// Which group a request is about, if it says.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    pub(crate) group: Option<u16>,
}

/// Where a search over all groups was made.
struct Searched {
    now: Now,
    /// The stamp up to which every group was applied here.
    closed: Stamp,
    groups: usize,
}

/// The messages, statuses and reasons of a payment. The id is a UETR, or the sender and the message
/// id with a slash between them, written `%2F` in a path.
pub(crate) async fn status(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Where>, QueryRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let (Path(id), Query(place)) = (path?, query?);
    let reading = app.reading(&headers)?;
    let Read { value, seen } = find_at(&app, &reading, &uri, id, place).await?;
    Ok(seen.tell(match value {
        Ok(found) => json(&describe(&found)),
        Err(searched) => unknown(searched).into_response(),
    }))
}

/// The pacs.002 that answered the message, to the byte.
pub(crate) async fn report(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    query: Result<Query<Where>, QueryRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let (Path(id), Query(place)) = (path?, query?);
    let reading = app.reading(&headers)?;
    let Read { value, seen } = find_at(&app, &reading, &uri, id, place).await?;
    Ok(seen.tell(match value {
        Ok(found) => {
            let report = answer::decided(&found.message(), &found.decision());
            xml(StatusCode::OK, report.map_err(|error| unwritable(&error))?)
        }
        Err(searched) => unknown(searched).into_response(),
    }))
}

/// Finds a payment among all that this node has applied, whatever its age.
pub(crate) async fn find(app: &App, id: String) -> Result<Found, Problem> {
    check_id(&id)?;
    let outcome =
        app.read(None, move |view| search(view, &id, |group| Some(group.model()))).await?;
    outcome.map_err(unknown)
}

/// Finds a payment in a state that meets what the request asks for. Which group has it does not follow
/// from its id: the request may say, or it is known here already. Otherwise all groups must meet the level.
async fn find_at(
    app: &App,
    reading: &Reading,
    uri: &Uri,
    id: String,
    place: Where,
) -> Result<Read<Result<Found, Searched>>, Problem> {
    check_id(&id)?;
    let known = match place.group {
        Some(group) => Some(GroupId(group)),
        None => {
            let id = id.clone();
            let found = app.handle.ask(move |view| search(view, &id, latest));
            found.await?.ok().map(|found| found.group)
        }
    };
    let groups = app.groups(reading, known.map(|group| group.0), |_| true).await?;
    let (searched, is_provisional) = (groups.clone(), reading.is_provisional());
    let path = whole_path(uri);
    app.show(reading, &path, groups, move |view| {
        search(view, &id, |group| {
            let is_searched = searched.contains(&group.id());
            is_searched.then(|| if is_provisional { latest(group) } else { Some(group.model()) })?
        })
    })
    .await
}

fn check_id(id: &str) -> Result<(), Problem> {
    PaymentKey::parse(id).map(drop).ok_or_else(|| {
        Problem::new(400, "bad-id", "That is no id of a payment.")
            .detail("want a UETR, or SENDER%2FMESSAGE-ID")
    })
}

fn unknown(searched: Searched) -> Problem {
    Problem::new(404, "no-such-payment", "No such payment is known in this region.")
        .detail("it may be under way, or known elsewhere already; see the age")
        .with("searched_groups", searched.groups)
        .with("closed_us", (searched.closed.0 > 0).then_some(searched.closed.0))
        .with(
            "age_ms",
            (searched.closed.0 > 0).then(|| searched.now.wall.since(searched.closed) / 1_000),
        )
}

fn search(
    view: &NodeView<'_, Payments>,
    id: &str,
    model_of: impl for<'a> Fn(&'a Group<Payments>) -> Option<&'a Payments>,
) -> Result<Found, Searched> {
    let key = PaymentKey::parse(id).expect("the id was read before");
    let all = || view.node.groups().filter_map(|group| Some((group, model_of(group)?)));
    for (group, model) in all().filter(|(_, model)| model.message_count() > 0) {
        let recorded = match key {
            PaymentKey::Uetr(uetr) => model.payment(uetr).map(|(recorded, _)| recorded),
            PaymentKey::Message { sender, message_id } => model.message(sender, message_id),
        };
        if let Some(recorded) = recorded {
            return Ok(Found::new(group, view.now, (model, &recorded)));
        }
    }
    let closed = all().map(|(group, _)| group.closed()).min().unwrap_or_default();
    Err(Searched { now: view.now, closed, groups: all().count() })
}

/// What the home of a class that answers before the commit may have told of; elsewhere what is committed.
fn latest(group: &Group<Payments>) -> Option<&Payments> {
    Some(group.provisional().map_or_else(|| group.model(), |(model, _)| model))
}

fn describe(found: &Found) -> Value {
    let message = found.message();
    let stamp = found.stamp;
    let status = Verdict::together(&found.verdicts);
    let ends = found.verdicts.iter().zip(found.across.iter().zip(&found.suspended));
    let pairs = message.transactions.iter().zip(ends);
    let transactions = pairs.map(|(one, (verdict, (across, suspended)))| {
        let ended = across.and_then(|across| across.ended);
        let history = verdict.history(stamp, ended).into_iter().map(|step| {
            value!({
                "status": step.status.code(),
                "stamp_us": step.stamp.0,
                "at": moment(step.stamp),
            })
        });
        value!({
            "uetr": one.uetr.map(|uetr| MessageId(uetr).to_string()),
            "instruction_id": one.instruction_id,
            "end_to_end_id": one.end_to_end_id,
            "transaction_id": one.transaction_id,
            "amount": decimal::write(one.amount, message.currency),
            "currency": message.currency.code(),
            "debtor": one.debtor,
            "creditor": one.creditor,
            "debtor_agent": one.debtor_agent,
            "creditor_agent": one.creditor_agent,
            "status": verdict.status().code(),
            "reason": verdict.reason().map(|reason| {
                value!({ "code": reason.code(), "text": reason.text() })
            }),
            "history": history.collect::<Vec<_>>(),
            "creditor_group": across.map(|across| across.to.0),
            "pending_ms": (*verdict == Verdict::Pending)
                .then(|| found.now.wall.since(stamp) / 1_000),
            "suspense": suspended.as_ref().map(|(item, steps)| {
                suspense::item(found.now, found.group, item, steps.iter())
            }),
            "cancel_asked_us": across.and_then(|across| across.cancelled).map(|stamp| stamp.0),
        })
    });
    value!({
        "sender": message.sender,
        "message_id": message.message_id,
        "message": format!("pacs.008.001.{:02}", message.version.number()),
        "currency": message.currency.code(),
        "settlement_date": message.settlement_date.map(|date| date.to_string()),
        "group": found.group.0,
        "status": status,
        "stamp_us": stamp.0,
        "at": moment(stamp),
        "document_sha256": hash_hex(found.raw_sha256),
        "origin": found.origin.map(console::origin),
        "transactions": transactions.collect::<Vec<_>>(),
        "as_of": position(found.now, found.applied, found.closed),
    })
}
