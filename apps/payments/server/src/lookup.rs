//! `GET /v1/payments/{id}`: what became of a payment, as this region has heard, with its age.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Response, StatusCode};
use console::{Problem, hash_hex, json, position};
use payments_message::date::moment;
use payments_model::{PaymentKey, Payments, Verdict};
use runtime::NodeView;
use serde_json::{Value, json as value};
use types::{MessageId, Now, Stamp};

use crate::found::Found;
use crate::pay::{unwritable, xml};
use crate::router::App;
use crate::{answer, decimal};

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
) -> Result<Response<Body>, Problem> {
    let Path(id) = path?;
    let found = find(&app, id).await?;
    Ok(json(&describe(&found)))
}

/// The pacs.002 that answered the message, to the byte.
pub(crate) async fn report(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response<Body>, Problem> {
    let Path(id) = path?;
    let found = find(&app, id).await?;
    let report = answer::decided(&found.message(), &found.decision());
    Ok(xml(StatusCode::OK, report.map_err(|error| unwritable(&error))?))
}

pub(crate) async fn find(app: &App, id: String) -> Result<Found, Problem> {
    if PaymentKey::parse(&id).is_none() {
        return Err(Problem::new(400, "bad-id", "That is no id of a payment.")
            .detail("want a UETR, or SENDER%2FMESSAGE-ID"));
    }
    let outcome = app.read(None, move |view| search(view, &id)).await?;
    outcome.map_err(|searched| {
        Problem::new(404, "no-such-payment", "No such payment is known in this region.")
            .detail("it may be under way, or known elsewhere already; see the age")
            .with("searched_groups", searched.groups)
            .with("closed_us", (searched.closed.0 > 0).then_some(searched.closed.0))
            .with(
                "age_ms",
                (searched.closed.0 > 0).then(|| searched.now.wall.since(searched.closed) / 1_000),
            )
    })
}

fn search(view: &NodeView<'_, Payments>, id: &str) -> Result<Found, Searched> {
    let key = PaymentKey::parse(id).expect("the id was read before");
    for group in view.node.groups().filter(|group| group.model().message_count() > 0) {
        let recorded = match key {
            PaymentKey::Uetr(uetr) => group.model().payment(uetr).map(|(recorded, _)| recorded),
            PaymentKey::Message { sender, message_id } => group.model().message(sender, message_id),
        };
        if let Some(recorded) = recorded {
            let status = group.status(view.now);
            let at = (status.applied, status.closed);
            return Ok(Found::new(group.id(), view.now, at, &recorded));
        }
    }
    let closed = view.node.groups().map(|group| group.status(view.now).closed);
    let closed = closed.min().unwrap_or_default();
    Err(Searched { now: view.now, closed, groups: view.node.groups().count() })
}

fn describe(found: &Found) -> Value {
    let message = found.message();
    let stamp = found.stamp;
    let status = Verdict::together(&found.verdicts);
    let pairs = message.transactions.iter().zip(found.verdicts.iter().zip(&found.across));
    let transactions = pairs.map(|(one, (verdict, across))| {
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
        "transactions": transactions.collect::<Vec<_>>(),
        "as_of": position(found.now, found.applied, found.closed),
    })
}
