//! `GET /v1/cases`: what people have to settle, or may soon have to.
//!
//! Channels between ledgers that were frozen by a contradiction, money in suspense accounts, and payments that
//! wait for another ledger, oldest first. All of it as this node has applied it. What was set aside and not
//! decided is with each node that holds it: `GET /v1/orphans`.

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use console::{Problem, json};
use ledger::Balance;
use payments_model::{Payments, Pending};
use runtime::NodeView;
use serde_json::{Value, json as value};
use types::{Currency, GroupId, MessageId};

use crate::decimal;
use crate::limits::{CURRENCIES_PER_LOOK, PENDING_LISTED_MAX};
use crate::router::App;

/// All cases.
pub(crate) async fn cases(State(app): State<App>) -> Result<Response<Body>, Problem> {
    let (frozen, pending, pending_count) = app
        .read(None, |view| {
            let groups = || view.node.groups();
            let frozen: Vec<_> = groups().flat_map(frozen).collect();
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
    let mut suspense = Vec::new();
    let currencies: Vec<Currency> = Currency::all().collect();
    let placement = app.placement();
    // As for the books: going over many accounts must not hold up what else is to be decided.
    for some in currencies.chunks(CURRENCIES_PER_LOOK) {
        let some = some.to_vec();
        let some = app.read(None, move |view| {
            let ledgers = some.iter().flat_map(|currency| {
                placement.ledgers(*currency).map(move |group| (group, *currency))
            });
            ledgers
                .flat_map(|(group, currency)| suspended(view, group, currency))
                .collect::<Vec<_>>()
        });
        suspense.extend(some.await?);
    }
    Ok(json(&value!({
        "observer": app.site.node().0,
        "frozen": frozen,
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

/// What stands in suspense in a ledger.
fn suspended(view: &NodeView<'_, Payments>, group: GroupId, currency: Currency) -> Vec<Value> {
    let Some(here) = view.node.group(group) else { return Vec::new() };
    let accounts = here.model().suspended(currency).map(|(case, balance)| {
        let (Balance::Credit(amount) | Balance::Debit(amount)) = balance;
        value!({
            "case": case,
            "currency": currency.code(),
            "group": group.0,
            "amount": decimal::write(amount, currency),
        })
    });
    accounts.collect()
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
