//! `GET /v1/cut`: the books of all ledgers at one time, the same in every region.
//!
//! Each group is looked at when it stands exactly at that time, after its last record up to it, and goes on at
//! once; see `docs/design/0014-reads.md`. So no group waits for another, and the looks are put together here. As
//! no credit stands at an earlier time than its debit, what has left one ledger and not arrived in another is
//! exactly what is in flight: there is no *lagging* pair, as there is when books are added up as they come.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response};
use console::{Problem, hash_hex, json};
use group::Group;
use ledger::Balance;
use model::Model as _;
use payments_message::date::moment;
use payments_model::{End, Payments};
use serde::Deserialize;
use serde_json::{Value, json as value};
use types::{Amount, Currency, GroupId, Hash, Seq, Stamp};
use wire::Answer;

use crate::limits::{CUT_AHEAD_MS, CUT_WAIT_US};
use crate::router::App;
use crate::{books, decimal};

/// Which time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    /// Microseconds since 1970, a little ahead of all nodes' clocks; without it, soon.
    at_us: Option<u64>,
}

/// One group at the cut.
struct Standing {
    applied: Seq,
    closed: Stamp,
    head: Hash,
    trail: Hash,
    digest: Hash,
    books: Vec<Value>,
    /// What stands on the clearing accounts.
    clearing: Vec<(Currency, End, Amount)>,
    /// What was sent and has no answer: to which group, its number in that channel, how much.
    pending: Vec<(GroupId, u64, Currency, Amount)>,
    /// What came from other groups: the last number, and which of those whose answers are kept were credited.
    received: BTreeMap<GroupId, (u64, BTreeMap<u64, bool>)>,
}

/// Plans a cut, waits for it, and adds everything up.
pub(crate) async fn cut(
    State(app): State<App>,
    query: Result<Query<When>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    // It holds groups up, and goes over all that they hold.
    app.site.authorize(&headers)?;
    let Query(When { at_us }) = query?;
    let now = app.handle.clock().wall();
    let at = Stamp(at_us.unwrap_or_else(|| now.0.saturating_add(CUT_AHEAD_MS * 1_000)));
    let patience_us = at.since(now).saturating_add(CUT_WAIT_US);
    let currencies: Vec<Currency> = Currency::all().collect();
    let looked = app.handle.cut(at, patience_us, move |view, group| {
        view.node.group(group).map(|here| Standing::of(here, &currencies))
    });
    let looked = looked.await?.map_err(|refusal| console::no_cut(&refusal))?;
    let groups: BTreeMap<GroupId, Standing> =
        looked.into_iter().filter_map(|(group, standing)| Some((group, standing?))).collect();
    Ok(json(&describe(&app, at, &groups)))
}

impl Standing {
    fn of(here: &Group<Payments>, currencies: &[Currency]) -> Self {
        let model = here.model();
        let used = currencies.iter().copied();
        let books = used.filter_map(|currency| books::sums(here, currency)).collect();
        let clearing = currencies.iter().flat_map(|currency| {
            let all = model.clearings(*currency);
            all.map(|(end, balance)| (*currency, end, stands(balance)))
        });
        let pending = model.pending().filter_map(|(transfer, one)| {
            let outbox = here.channels().outbox(one.to)?;
            let number = outbox.number(types::ChannelKey(transfer))?;
            Some((one.to, number, one.currency, one.amount))
        });
        let received = here.channels().inboxes().map(|(from, inbox)| {
            let first = inbox.last().saturating_sub(inbox.kept() as u64);
            let kept = (first + 1..=inbox.last()).filter_map(|number| {
                let answer = inbox.answer(number)?;
                Some((number, matches!(answer, Answer::Applied(_))))
            });
            (from, (inbox.last(), kept.collect()))
        });
        Self {
            applied: here.applied(),
            closed: here.closed(),
            head: here.seen().map(|seen| seen.hash).unwrap_or_default(),
            trail: here.trail(),
            digest: model.digest(),
            books,
            clearing: clearing.collect(),
            pending: pending.collect(),
            received: received.collect(),
        }
    }

    fn stands(&self, currency: Currency, end: End) -> Amount {
        let found = self.clearing.iter().find(|(of, at, _)| (*of, *at) == (currency, end));
        found.map_or(Amount::ZERO, |(_, _, amount)| *amount)
    }
}

fn describe(app: &App, at: Stamp, groups: &BTreeMap<GroupId, Standing>) -> Value {
    let books: Vec<&Value> = groups.values().flat_map(|standing| &standing.books).collect();
    let clearing: Vec<Value> = groups
        .iter()
        .flat_map(|(from, standing)| {
            let sent = standing.clearing.iter();
            let sent = sent.filter_map(|(currency, end, amount)| match end {
                End::To(to) => Some((*currency, *to, *amount)),
                End::From(_) => None,
            });
            sent.filter_map(|(currency, to, amount)| pair(groups, *from, to, currency, amount))
        })
        .collect();
    let standings: Vec<Value> = groups.iter().map(|(group, one)| standing(*group, one)).collect();
    let balanced = books.iter().all(|book| book["balanced"] == true)
        && clearing.iter().all(|pair| pair["balanced"] == true);
    // Over everything that is said and over every state: equal in every region, or something is wrong.
    let said = value!({
        "at_us": at.0,
        "balanced": balanced,
        "groups": standings,
        "books": books,
        "clearing": clearing,
    });
    let digest = wire::digest(said.to_string().as_bytes());
    let mut whole = said;
    whole["at"] = value!(moment(at));
    whole["digest"] = value!(hash_hex(digest));
    whole["observer"] = value!(app.site.node().0);
    whole
}

fn standing(group: GroupId, one: &Standing) -> Value {
    value!({
        "group": group.0,
        "applied_seq": one.applied.0,
        "closed_us": (one.closed.0 > 0).then_some(one.closed.0),
        "head": hash_hex(one.head),
        "trail": hash_hex(one.trail),
        "digest": hash_hex(one.digest),
    })
}

/// Two ledgers of a currency over which something has passed; nothing if the other is not kept here.
fn pair(
    groups: &BTreeMap<GroupId, Standing>,
    from: GroupId,
    to: GroupId,
    currency: Currency,
    sent: Amount,
) -> Option<Value> {
    let (here, there) = (groups.get(&from)?, groups.get(&to)?);
    let received = there.stands(currency, End::From(from));
    let (last, kept) = there.received.get(&from).cloned().unwrap_or_default();
    let (mut in_flight, mut pending, mut count) = (Amount::ZERO, Amount::ZERO, 0_u64);
    let own = here.pending.iter().filter(|(other, _, of, _)| (*other, *of) == (to, currency));
    for (_, number, _, amount) in own {
        count += 1;
        pending = pending.checked_add(*amount)?;
        // What was consumed and refused stays with the sender, who has not heard of it.
        let is_credited = *number <= last && kept.get(number) == Some(&true);
        if !is_credited {
            in_flight = in_flight.checked_add(*amount)?;
        }
    }
    let balanced = received.checked_add(in_flight) == Some(sent);
    let amount = |amount: Amount| decimal::write(amount, currency);
    Some(value!({
        "currency": currency.code(),
        "from_group": from.0,
        "to_group": to.0,
        "sent": amount(sent),
        "received": amount(received),
        "in_flight": amount(in_flight),
        "pending_count": count,
        "pending_amount": amount(pending),
        "balanced": balanced,
    }))
}

const fn stands(balance: Balance) -> Amount {
    match balance {
        Balance::Credit(amount) | Balance::Debit(amount) => amount,
    }
}
