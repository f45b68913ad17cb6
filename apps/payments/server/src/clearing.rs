//! What stands between the ledgers of a currency, as one node has applied them.
//!
//! A node applies each group at its own pace, so a credit can be here before the debit that it rests on. Such
//! a pair is *lagging*, which says nothing about money; any other pair must differ by exactly what is in
//! flight.

use ledger::{Balance, TransferId};
use payments_model::{End, Payments};
use runtime::NodeView;
use serde_json::{Value, json as value};
use types::{Amount, Currency, GroupId, Stamp};

use crate::decimal;

/// All pairs of a currency over which something has passed.
pub(crate) fn pairs(
    view: &NodeView<'_, Payments>,
    currency: Currency,
    ledgers: impl Iterator<Item = GroupId>,
) -> Vec<Value> {
    let ledgers = ledgers.filter_map(|group| view.node.group(group));
    ledgers
        .flat_map(|from| {
            let clearings = from.model().clearings(currency);
            clearings.filter_map(move |(end, balance)| match end {
                End::To(to) => pair(view, currency, from, to, stands(balance)),
                End::From(_) => None,
            })
        })
        .collect()
}

fn pair(
    view: &NodeView<'_, Payments>,
    currency: Currency,
    from: &group::Group<Payments>,
    to: GroupId,
    sent: Amount,
) -> Option<Value> {
    let there = view.node.group(to)?;
    let mut mirrors = there.model().clearings(currency);
    let mirror = mirrors.find(|(end, _)| *end == End::From(from.id()));
    let received = mirror.map_or(Amount::ZERO, |(_, balance)| stands(balance));
    let (mut pending, mut in_flight, mut count) = (Amount::ZERO, Amount::ZERO, 0_u64);
    let mut oldest = None;
    for (transfer, one) in from.model().pending() {
        if (one.to, one.currency) != (to, currency) {
            continue;
        }
        count += 1;
        oldest = Some(oldest.map_or(one.stamp, |oldest: Stamp| oldest.min(one.stamp)));
        pending = pending.checked_add(one.amount)?;
        if !there.model().has_posted(currency, TransferId(transfer)) {
            in_flight = in_flight.checked_add(one.amount)?;
        }
    }
    let outbox = from.channels().outbox(to);
    let inbox = there.channels().inbox(from.id());
    let sent_last = outbox.map_or(0, |outbox| outbox.last());
    let is_lagging = inbox.is_some_and(|inbox| inbox.last() > sent_last);
    let is_right = received.checked_add(in_flight) == Some(sent);
    let state = match (is_lagging, is_right) {
        (true, _) => "lagging",
        (false, true) => "balanced",
        (false, false) => "differs",
    };
    let frozen = outbox.and_then(|outbox| outbox.frozen());
    let frozen = frozen.or_else(|| inbox.and_then(|inbox| inbox.frozen()));
    let amount = |amount: Amount| decimal::write(amount, currency);
    Some(value!({
        "currency": currency.code(),
        "from_group": from.id().0,
        "to_group": to.0,
        "sent": amount(sent),
        "received": amount(received),
        "in_flight": amount(in_flight),
        "pending_count": count,
        "pending_amount": amount(pending),
        "oldest_pending_ms": oldest.map(|oldest| view.now.wall.since(oldest) / 1_000),
        "state": state,
        "frozen": frozen.map(|cause| format!("{cause:?}")),
    }))
}

const fn stands(balance: Balance) -> Amount {
    match balance {
        Balance::Credit(amount) | Balance::Debit(amount) => amount,
    }
}
