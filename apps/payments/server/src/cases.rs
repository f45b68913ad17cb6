//! `GET /v1/cases`: what people have to settle, or may soon have to.
//!
//! Channels between ledgers that were frozen by a contradiction, or opened again at one end alone, cases with money in suspense ([`suspense`]), and
//! payments that wait for another ledger, oldest first. All of it as this node has applied it. What was set aside and not
//! decided is with each node that holds it: `GET /v1/orphans`.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Response;
use console::{Problem, json};
use payments_model::{Payments, Pending};
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json as value};
use types::MessageId;

use crate::limits::PENDING_LISTED_MAX;
use crate::router::App;
use crate::{decimal, suspense};

/// Which of them.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Also cases in suspense that are settled.
    #[serde(default)]
    settled: bool,
}

/// All cases.
pub(crate) async fn cases(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response<Body>, Problem> {
    let Query(Which { settled }) = which?;
    let ((frozen, half_open), pending, pending_count) = app
        .read(None, |view| {
            let groups = || view.node.groups();
            let frozen: Vec<_> = groups().flat_map(frozen).collect();
            let half_open = view.node.half_open().map(|(from, to, since)| {
                let age_ms = view.now.wall.since(since) / 1_000;
                value!({ "from_group": from.0, "to_group": to.0, "half_open_ms": age_ms })
            });
            let frozen = (frozen, half_open.collect::<Vec<_>>());
            let mut pending: Vec<_> = groups()
                .flat_map(|group| group.model().pending().map(move |(_, one)| (group, one)))
                .collect();
            let count = pending.len();
            pending.sort_unstable_by_key(|(_, one)| one.stamp);
            pending.truncate(PENDING_LISTED_MAX);
            let pending = pending.into_iter();
            let pending = pending.filter_map(|(group, one)| waiting(view, group, one));
            (frozen, pending.collect::<Vec<_>>(), count)
        })
        .await?;
    let suspense = app
        .read(None, move |view| {
            let all = view.node.groups().flat_map(|group| suspense::all(view, group));
            all.filter(|case| settled || case["is_open"] == true).collect::<Vec<_>>()
        })
        .await?;
    Ok(json(&value!({
        "observer": app.site.node().0,
        "frozen": frozen,
        "half_open": half_open,
        "suspense": suspense,
        "pending": pending,
        "pending_count": pending_count,
    })))
}

/// The ends of frozen channels that are in a group.
fn frozen(group: &group::Group<Payments>) -> impl Iterator<Item = Value> {
    let own = group.id();
    group.channels().cases().map(move |(other, is_sender, cause)| {
        let (from, to) = if is_sender { (own, other) } else { (other, own) };
        value!({
            "from_group": from.0,
            "to_group": to.0,
            "frozen_at": if is_sender { "sender" } else { "receiver" },
            "cause": format!("{cause:?}"),
        })
    })
}

/// A payment that waits for another ledger.
fn waiting(
    view: &NodeView<'_, Payments>,
    group: &group::Group<Payments>,
    one: &Pending,
) -> Option<Value> {
    let (recorded, index) = group.model().message_of(one)?;
    let message = &recorded.message;
    let uetr = message.transactions.get(index).and_then(|transaction| transaction.uetr);
    Some(value!({
        "sender": message.sender,
        "message_id": message.message_id,
        "uetr": uetr.map(|uetr| MessageId(uetr).to_string()),
        "amount": decimal::write(one.amount, one.currency),
        "currency": one.currency.code(),
        "from_group": group.id().0,
        "to_group": one.to.0,
        "pending_ms": view.now.wall.since(one.stamp) / 1_000,
        "cancel_asked_us": one.cancelled.map(|stamp| stamp.0),
    }))
}
