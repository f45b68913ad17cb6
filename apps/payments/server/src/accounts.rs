//! `/v1/accounts`: opening accounts, and looking at them.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Request, Response, StatusCode, Uri};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use console::limits::JSON_BYTES_MAX;
use console::{Problem, Read, json, parse, position, read_body, tell_tokens};
use ledger::{Balance, State as AccountState};
use payments_message::is_misspelt_iban;
use payments_model::{
    AccountView, Command, Encoded, Kind, OpenAccount, OutOfLimits, Refusal, Reply,
};
use serde::Deserialize;
use serde_json::{Value, json as value};
use types::{Currency, GroupId, MessageId, Stamp, Token};

use crate::limits::{ACCOUNTS_MAX, NOT_AFTER_US_MAX};
use crate::router::App;
use crate::{decimal, pay};

/// An account to open.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    currency: String,
    key: String,
    name: Option<String>,
    /// In units of the currency, as in `"1000.00"`.
    funding: Option<String>,
    kind: OpeningKind,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OpeningKind {
    Customer,
    Settlement,
    House,
}

/// Which accounts to list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    currency: Option<String>,
    /// Only those in the ledgers of this group.
    group: Option<u16>,
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

/// `POST /v1/accounts`. Opening the same account again is harmless: the id of the command is a hash
/// of all it says.
pub(crate) async fn open(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    app.site.authorize(&parts.headers)?;
    let body = read_body(&parts.headers, body, JSON_BYTES_MAX).await?;
    let opening: Opening = parse(&body)?;
    let currency = currency(&opening.currency)?;
    if is_misspelt_iban(&opening.key) {
        return Err(Problem::new(422, "bad-iban", "The key is an IBAN with a mistake in it.")
            .detail(
                "its length or its check digits are wrong: no message could name the account",
            ));
    }
    let funding = opening.funding.as_deref().unwrap_or("0");
    let funding = decimal::read(funding, currency).ok_or_else(|| {
        Problem::new(400, "bad-amount", "The opening balance is not an amount of the currency.")
            .detail(format!("want digits with at most {} decimals", currency.exponent()))
    })?;
    let kind = match opening.kind {
        OpeningKind::Customer => Kind::Customer,
        OpeningKind::Settlement => Kind::Settlement,
        OpeningKind::House => Kind::House,
    };
    let command = Command::OpenAccount(OpenAccount {
        currency,
        key: &opening.key,
        name: opening.name.as_deref(),
        kind,
        funding,
    });
    let encoded = command.encode().map_err(|limit| out_of_limits(&limit))?;
    let id = MessageId::of(encoded.digest);
    let account = (currency, opening.key.as_str());
    let done = carry_out(&app, account, id, encoded, "/v1/accounts").await?;
    let Carried { group, reply, repeated, token } = done;
    let created = match reply {
        Reply::Opened => !repeated,
        Reply::Exists => false,
        Reply::ExistsDifferent(difference) => {
            let in_what = format!("{difference:?}").to_lowercase();
            return Err(Problem::new(409, "exists-different", "The account is there, but other.")
                .with("difference", in_what));
        }
        Reply::Refused(refusal) => return Err(refused(refusal)),
        Reply::Decided { .. }
        | Reply::StateSet
        | Reply::Cancelling(_)
        | Reply::CaseSettled { .. }
        | Reply::Reopened(_) => {
            return Err(pay::unreadable());
        }
    };
    let mut response = json(&value!({
        "currency": currency.code(),
        "key": opening.key,
        "group": group.0,
        "created": created,
    }));
    tell_tokens(app.site.cluster(), response.headers_mut(), token.as_slice());
    if created {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

/// What came of a command about an account.
pub(crate) struct Carried {
    /// The group that keeps it.
    pub(crate) group: GroupId,
    /// What the ledger said.
    pub(crate) reply: Reply,
    /// Whether it had said so before this request.
    pub(crate) repeated: bool,
    /// What the client has seen with it.
    pub(crate) token: Option<Token>,
}

/// Has the group that keeps an account carry out a command about it that came to `path`.
pub(crate) async fn carry_out(
    app: &App,
    (currency, key): (Currency, &str),
    id: MessageId,
    encoded: Encoded,
    path: &str,
) -> Result<Carried, Problem> {
    let now = app.handle.clock().wall();
    let command = wire::Command {
        id,
        digest: encoded.digest,
        not_after: Stamp(now.0.saturating_add(NOT_AFTER_US_MAX)),
        origin: None,
        body: Bytes::from(encoded.body),
    };
    let group = app.placement().group(currency, key);
    let reply = app.handle.command(group, command, None).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "Ask again with the same request.")
            .detail("this node stopped while it was under way")
    })?;
    let token = reply.token(group);
    let wire::Reply::Done { outcome, repeated, .. } = reply else {
        return Err(pay::not_done(app, reply, id, path));
    };
    let reply = Reply::decode(&outcome).map_err(|_| pay::unreadable())?;
    Ok(Carried { group, reply, repeated, token })
}

/// `GET /v1/accounts`: in order of currency, of ledger and of opening, the house's own included.
pub(crate) async fn all(
    State(app): State<App>,
    page: Result<Query<Page>, QueryRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let Query(Page { currency: code, group: only, offset, limit }) = page?;
    let reading = app.reading_of_several(&headers)?;
    let limit = limit.unwrap_or(ACCOUNTS_MAX).min(ACCOUNTS_MAX);
    let currencies = match code.as_deref() {
        Some(code) => vec![currency(code)?],
        None => Currency::all().collect(),
    };
    let placement = app.placement();
    let asked: BTreeSet<GroupId> =
        currencies.iter().flat_map(|currency| placement.ledgers(*currency)).collect();
    let groups = app.groups(&reading, only, move |group| asked.contains(&group)).await?;
    let path = whole_path(&uri);
    let rows = app.show(&reading, &path, groups, move |view| {
        let mut pass = offset;
        let ledgers = currencies
            .into_iter()
            .flat_map(|currency| placement.ledgers(currency).map(move |group| (currency, group)));
        let ledgers = ledgers.filter(|(_, group)| only.is_none_or(|only| only == group.0));
        let all = ledgers.filter_map(|(currency, group)| {
            let model = view.node.group(group)?.model();
            let count = model.account_count(currency);
            // A book that holds only its own funding account is not in use.
            if count <= 1 {
                return None;
            }
            let from = pass;
            pass = pass.saturating_sub(count);
            let accounts = model.accounts_from(currency, from);
            Some(accounts.map(move |account| row(currency, group, &account)))
        });
        all.flatten().take(limit + 1).collect::<Vec<_>>()
    });
    let Read { value: mut rows, seen } = rows.await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = offset.saturating_add(rows.len());
    Ok(seen.tell(json(&value!({
        "observer": app.site.node().0,
        "accounts": rows,
        "next_offset": more.then_some(next),
    }))))
}

/// `GET /v1/accounts/{currency}/{key}`.
pub(crate) async fn one(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let Path((code, key)) = path?;
    let currency = currency(&code)?;
    let reading = app.reading(&headers)?;
    let placement = app.placement();
    let placed = placement.group(currency, &key);
    // An account of the house's, such as one for suspense, may stand in any ledger of its currency.
    let groups: Vec<GroupId> = if key.starts_with("HOUSE:") {
        placement.ledgers(currency).collect()
    } else {
        vec![placed]
    };
    let (searched, is_provisional) = (groups.clone(), reading.is_provisional());
    let path = whole_path(&uri);
    let found = app.show(&reading, &path, groups, move |view| {
        let has_it = |group: &GroupId| {
            let here = view.node.group(*group);
            here.is_some_and(|here| here.model().account(currency, &key).is_some())
        };
        let group = searched.into_iter().find(has_it).unwrap_or(placed);
        let here = view.node.group(group)?;
        let status = here.status(view.now);
        let as_of = position(view.now, status.applied, status.closed);
        let early = here.provisional().filter(|_| is_provisional);
        let model = early.map_or_else(|| here.model(), |(model, _)| model);
        let account = model.account(currency, &key).map(|account| row(currency, group, &account));
        Some((account, as_of))
    });
    let Read { value, seen } = found.await?;
    let Some((account, as_of)) = value else { return Err(Problem::not_found()) };
    match account {
        Some(mut account) => {
            account["as_of"] = as_of;
            if is_provisional {
                account["provisional"] = value!(true);
            }
            Ok(seen.tell(json(&account)))
        }
        None => {
            let problem = Problem::new(404, "no-such-account", "No such account is known here.");
            Ok(seen.tell(problem.with("as_of", as_of).into_response()))
        }
    }
}

/// Path and query of a request, for one that is sent elsewhere.
pub(crate) fn whole_path(uri: &Uri) -> String {
    uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()
}

fn row(currency: Currency, group: GroupId, account: &AccountView<'_>) -> Value {
    let kind = match account.kind {
        Kind::Customer => "customer",
        Kind::Settlement => "settlement",
        Kind::House => "house",
    };
    let balance = match account.balance {
        Balance::Credit(amount) => decimal::write(amount, currency),
        Balance::Debit(amount) => format!("-{}", decimal::write(amount, currency)),
    };
    value!({
        "currency": currency.code(),
        "group": group.0,
        "key": account.key,
        "name": account.name,
        "kind": kind,
        "state": state_name(account.state),
        "funding": decimal::write(account.funding, currency),
        "debits": decimal::write(account.debits, currency),
        "credits": decimal::write(account.credits, currency),
        "balance": balance,
    })
}

pub(crate) const fn state_name(state: AccountState) -> &'static str {
    match state {
        AccountState::Open => "open",
        AccountState::Blocked => "blocked",
        AccountState::Closed => "closed",
    }
}

pub(crate) fn out_of_limits(limit: &OutOfLimits) -> Problem {
    Problem::new(400, "out-of-limits", "A part of the request is beyond what the ledger takes.")
        .detail(limit.to_string())
}

pub(crate) fn currency(code: &str) -> Result<Currency, Problem> {
    Currency::from_code(code).ok_or_else(|| {
        Problem::new(400, "bad-currency", "That is no active currency.")
            .detail("want a code of ISO 4217 in capital letters, as in `EUR`")
    })
}

fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::KeyReserved | Refusal::FundingTooLarge => 422,
        Refusal::Full => 507,
        Refusal::Malformed
        | Refusal::MessageIdUsed
        | Refusal::CurrencyNotCarried
        | Refusal::AccountUnknown
        | Refusal::AccountClosed
        | Refusal::BalanceNotZero
        | Refusal::PaymentsPending
        | Refusal::PaymentUnknown
        | Refusal::NothingPending
        | Refusal::CaseUnknown
        | Refusal::CaseOverdrawn
        | Refusal::AmountZero
        | Refusal::AccountBlocked
        | Refusal::FundsMissing
        | Refusal::AccountForbidden
        | Refusal::PlanUnreadable
        | Refusal::ChannelElsewhere
        | Refusal::ReopenedBefore
        | Refusal::ChannelMoved
        | Refusal::PlanAhead
        | Refusal::Unaccountable => 409,
    };
    Problem::new(status, "refused", "The account was not opened.").detail(refusal.to_string())
}
