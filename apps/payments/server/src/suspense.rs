//! Cases with money in suspense: what was opened, what is left, and what became of the rest.

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::Response;
use console::{Problem, json};
use group::Group;
use payments_message::date::moment;
use payments_model::{Item, Payments, Settlement, Source, Way};
use runtime::NodeView;
use serde::Deserialize;
use serde_json::{Value, json as value};
use types::{Amount, Currency, GroupId, MessageId, Now};

use crate::decimal;
use crate::limits::ITEMS_LISTED_MAX;
use crate::router::App;

/// Which of a case's payments.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    #[serde(default)]
    offset: usize,
}

/// `GET /v1/cases/{case}`: the payments that stand, or stood, in suspense under a case, in all ledgers.
pub(crate) async fn one(
    State(app): State<App>,
    path: Result<Path<u64>, PathRejection>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response<Body>, Problem> {
    let (Path(case), Query(Page { offset })) = (path?, page?);
    let (accounts, items, count) = app
        .read(None, move |view| {
            let mut accounts = Vec::new();
            let (mut items, mut count) = (Vec::new(), 0);
            for group in view.node.groups() {
                accounts.extend(all(view, group).filter(|one| one["case"] == case));
                let model = group.model();
                let found = model.cases().filter(|((_, number), _)| *number == case);
                for item in found.flat_map(|(_, items)| items) {
                    if (offset..offset.saturating_add(ITEMS_LISTED_MAX)).contains(&count) {
                        items.push(payment(view.now, group, item));
                    }
                    count += 1;
                }
            }
            (accounts, items, count)
        })
        .await?;
    if accounts.is_empty() {
        return Err(Problem::new(404, "no-such-case", "Nothing ever stood under this case here.")
            .detail("this node may not have heard of it yet"));
    }
    let next = offset.saturating_add(items.len());
    Ok(json(&value!({
        "observer": app.site.node().0,
        "case": case,
        "suspense": accounts,
        "items": items,
        "items_count": count,
        "next_offset": (next < count).then_some(next),
    })))
}

/// The cases of one group, each with its sums.
pub(crate) fn all<'a>(
    view: &NodeView<'a, Payments>,
    group: &'a Group<Payments>,
) -> impl Iterator<Item = Value> + 'a {
    let now = view.now;
    group.model().cases().map(move |((currency, case), items)| {
        let (mut opened, mut collected, mut settled, mut left, mut owed) = (0, 0, 0, 0, 0);
        let (mut count, mut open_count, mut since) = (0_usize, 0_usize, None);
        for item in items {
            count += 1;
            opened += item.amount.0;
            collected += item.collected.0;
            settled += item.settled.0;
            *(if item.is_owed() { &mut owed } else { &mut left }) += item.left().0;
            if item.left() > Amount::ZERO {
                open_count += 1;
                since = since.min(Some(item.opened)).or(Some(item.opened));
            }
        }
        let amount = |sum: u128| decimal::write(Amount(sum), currency);
        value!({
            "case": case,
            "currency": currency.code(),
            "group": group.id().0,
            "amount": amount(left),
            "opened": amount(opened),
            "collected": amount(collected),
            "settled": amount(settled),
            "owed": amount(owed),
            "is_open": left > 0 || owed > 0,
            "items_count": count,
            "open_items_count": open_count,
            "age_ms": since.map(|since| now.wall.since(since) / 1_000),
        })
    })
}

/// A payment in suspense with the message that it came in.
fn payment(now: Now, group: &Group<Payments>, one: &Item) -> Value {
    let model = group.model();
    let mut told = item(now, group.id(), one, model.settlements(one));
    if let Some(accounted) = model.accounted(one) {
        told["transfer"] = value!(MessageId(accounted.transfer).to_string());
        told["creditor"] = value!(accounted.leg.creditor);
        told["by"] = value!(accounted.by);
        told["reason"] = value!(accounted.reason);
    } else if let Some((recorded, index)) = model.message_of_item(one) {
        let message = &recorded.message;
        told["sender"] = value!(message.sender);
        told["message_id"] = value!(message.message_id);
        if let Some(payment) = message.transactions.get(index) {
            told["uetr"] = value!(payment.uetr.map(|uetr| MessageId(uetr).to_string()));
            told["end_to_end_id"] = value!(payment.end_to_end_id);
            told["debtor"] = value!(payment.debtor);
            told["creditor"] = value!(payment.creditor);
        }
    }
    told
}

/// A payment in suspense, and what became of it.
pub(crate) fn item<'a>(
    now: Now,
    group: GroupId,
    item: &Item,
    steps: impl Iterator<Item = &'a Settlement>,
) -> Value {
    let currency = item.currency;
    let amount = |amount: Amount| decimal::write(amount, currency);
    let is_open = item.left() > Amount::ZERO;
    let steps = steps.map(|step| self::step(step, currency));
    value!({
        "item": MessageId(item.id).to_string(),
        "case": item.case,
        "why": match item.source {
            Source::Withdrawn => "withdrawn",
            Source::Owed(_) => "debit-lost",
            Source::Held(_) => "credit-lost",
        },
        "other_group": match item.source {
            Source::Withdrawn => None,
            Source::Owed(peer) | Source::Held(peer) => Some(peer.0),
        },
        "group": group.0,
        "currency": currency.code(),
        "amount": amount(item.amount),
        "collected": amount(item.collected),
        "settled": amount(item.settled),
        "left": amount(item.left()),
        "is_open": is_open,
        "opened_us": item.opened.0,
        "opened_at": moment(item.opened),
        "age_ms": is_open.then(|| now.wall.since(item.opened) / 1_000),
        "steps": steps.collect::<Vec<_>>(),
    })
}

fn step(step: &Settlement, currency: Currency) -> Value {
    value!({
        "way": way(step.way),
        "amount": decimal::write(step.amount, currency),
        "account": step.account,
        "by": step.by,
        "reason": step.reason,
        "stamp_us": step.stamp.0,
        "at": moment(step.stamp),
    })
}

/// How a way is called.
pub(crate) const fn way(way: Way) -> &'static str {
    match way {
        Way::Pay => "pay",
        Way::Return => "return",
        Way::WriteBack => "write-back",
        Way::Collect => "collect",
    }
}
