//! `/v1/books` and `/v1/digests`: that no money was made or lost, also not between ledgers, and that all
//! regions hold the same.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Response, Uri};
use console::{Problem, Read, hash_hex, json, position};
use group::Group;
use model::Model;
use payments_model::Payments;
use runtime::NodeView;
use serde_json::{Map, Value, json as value};
use types::{Amount, Currency, GroupId};

use crate::accounts::whole_path;
use crate::limits::{CURRENCIES_PER_LOOK, DIGESTS_PER_LOOK};
use crate::lookup::Where;
use crate::router::App;
use crate::{clearing, decimal};

/// `GET /v1/books`: every ledger in use, each added up from its accounts anew, and every pair of ledgers
/// with what is in flight between them. With a group only its ledgers, and no pairs.
pub(crate) async fn books(
    State(app): State<App>,
    place: Result<Query<Where>, QueryRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let Query(Where { group: only }) = place?;
    let reading = app.reading_of_several(&headers)?;
    let (path, here) = (whole_path(&uri), app.groups(&reading, only, |_| true).await?);
    let mut last = None;
    let (mut books, mut clearing) = (Vec::new(), Vec::new());
    let currencies: Vec<Currency> = Currency::all().collect();
    let placement = app.placement();
    // A look waits for its turn, so there should be few; and adding up many accounts must not hold
    // up what else is to be decided, so there should not be only one.
    for some in currencies.chunks(CURRENCIES_PER_LOOK) {
        let some = some.to_vec();
        let some = app.show(&reading, &path, here.clone(), move |view| {
            let ledgers = some.iter().flat_map(|currency| {
                placement.ledgers(*currency).map(move |group| (group, *currency))
            });
            let ledgers = ledgers.filter(|(group, _)| only.is_none_or(|only| only == group.0));
            let books = ledgers.filter_map(|(group, currency)| book(view, group, currency));
            let pairs = some.iter().filter(|_| only.is_none()).flat_map(|currency| {
                clearing::pairs(view, *currency, placement.ledgers(*currency))
            });
            (books.collect::<Vec<_>>(), pairs.collect::<Vec<_>>())
        });
        let Read { value: (more_books, more_pairs), seen } = some.await?;
        last = Some(seen);
        books.extend(more_books);
        clearing.extend(more_pairs);
    }
    let balanced = books.iter().all(|book| book["balanced"] == true)
        && clearing.iter().all(|pair| pair["state"] != "differs");
    let pending: u64 = clearing.iter().filter_map(|pair| pair["pending_count"].as_u64()).sum();
    let response = json(&value!({
        "observer": app.site.node().0,
        "balanced": balanced,
        "books": books,
        "clearing": clearing,
        "pending_count": pending,
    }));
    Ok(match last {
        Some(seen) => seen.tell(response),
        None => response,
    })
}

/// `GET /v1/digests`: equal `applied_seq` must come with equal `trail` and `digest` in every region.
pub(crate) async fn digests(State(app): State<App>) -> Result<Response<Body>, Problem> {
    let mut groups = Vec::new();
    for start in (0..app.site.groups()).step_by(usize::from(DIGESTS_PER_LOOK)) {
        let some = app.handle.ask(move |view| {
            let some = (start..start.saturating_add(DIGESTS_PER_LOOK)).map(GroupId);
            some.filter_map(|group| digest(view, group)).collect::<Vec<_>>()
        });
        groups.extend(some.await?);
    }
    Ok(json(&value!({ "observer": app.site.node().0, "groups": groups })))
}

fn digest(view: &NodeView<'_, Payments>, group: GroupId) -> Option<Value> {
    let here = view.node.group(group)?;
    let status = here.status(view.now);
    let mut value = position(view.now, status.applied, status.closed);
    value["group"] = value!(group.0);
    value["epoch"] = value!(status.epoch.0);
    value["head"] = value!(hash_hex(status.head));
    value["trail"] = value!(hash_hex(status.trail));
    value["digest"] = value!(hash_hex(here.model().digest()));
    value["outcomes_count"] = value!(status.answers);
    Some(value)
}

fn book(view: &NodeView<'_, Payments>, group: GroupId, currency: Currency) -> Option<Value> {
    let here = view.node.group(group)?;
    let mut book = sums(here, currency)?;
    book["as_of"] = position(view.now, here.applied(), here.closed());
    Some(book)
}

/// One ledger, added up from its accounts; nothing if it is not in use.
pub(crate) fn sums(here: &Group<Payments>, currency: Currency) -> Option<Value> {
    let model = here.model();
    let counts = model.counts().get(&currency);
    let accounts = model.account_count(currency);
    if accounts <= 1 && counts.is_none() {
        return None;
    }
    let sums = model.sums(currency)?;
    let totals = model.totals(currency)?;
    let balanced = sums.debits == sums.credits
        && sums.debit_balances == sums.credit_balances
        && (sums.debits, sums.credits) == (totals.debits, totals.credits);
    let amount = |amount: Amount| decimal::write(amount, currency);
    let mut rejected = Map::new();
    let mut rejected_count = 0_u64;
    for (reason, count) in counts.into_iter().flat_map(|counts| &counts.rejected) {
        // Several reasons share a code.
        let sum = rejected.get(reason.code()).and_then(Value::as_u64).unwrap_or_default() + count;
        rejected.insert(reason.code().to_owned(), value!(sum));
        rejected_count += count;
    }
    Some(value!({
        "currency": currency.code(),
        "group": here.id().0,
        "accounts_count": accounts,
        "debits": amount(sums.debits),
        "credits": amount(sums.credits),
        "debit_balances": amount(sums.debit_balances),
        "credit_balances": amount(sums.credit_balances),
        "balanced": balanced,
        "settled_count": counts.map_or(0, |counts| counts.settled),
        "settled_amount": amount(counts.map_or(Amount::ZERO, |counts| counts.settled_amount)),
        "pending_count": counts.map_or(0, |counts| counts.pending),
        "pending_amount": amount(counts.map_or(Amount::ZERO, |counts| counts.pending_amount)),
        "received_count": counts.map_or(0, |counts| counts.received),
        "received_amount": amount(counts.map_or(Amount::ZERO, |counts| counts.received_amount)),
        "rejected_count": rejected_count,
        "rejected_by_reason": rejected,
    }))
}
