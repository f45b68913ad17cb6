//! `POST /v1/accounts/{currency}/{key}/state`: blocking an account, opening it again, closing it.
//!
//! To block, open and block again are three requests of which two say the same, so what is asked for
//! cannot be its own id, as it is when an account is opened. The client names each request in
//! `Idempotency-Key`; the same name with the same wish has one outcome, a refusal included.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Request, Response};
use console::limits::JSON_BYTES_MAX;
use console::{Problem, json, parse, read_body, tell_tokens};
use ledger::State as AccountState;
use payments_model::{Command, Refusal, Reply, SetAccountState};
use serde::Deserialize;
use serde_json::json as value;
use types::MessageId;

use crate::accounts::{Carried, carry_out, currency, out_of_limits, state_name};
use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::pay;
use crate::router::App;

/// Request: the name of the request, chosen by the client.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the account is to become.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    state: Wanted,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wanted {
    Open,
    Blocked,
    Closed,
}

/// Sets whether an account takes postings.
pub(crate) async fn set(
    State(app): State<App>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    app.site.authorize(&parts.headers)?;
    let Path((code, key)) = path?;
    let name = name(&parts.headers)?;
    let body = read_body(&parts.headers, body, JSON_BYTES_MAX).await?;
    let Wish { state: wanted } = parse(&body)?;
    let currency = currency(&code)?;
    let state = match wanted {
        Wanted::Open => AccountState::Open,
        Wanted::Blocked => AccountState::Blocked,
        Wanted::Closed => AccountState::Closed,
    };
    let command = Command::SetAccountState(SetAccountState { currency, key: &key, state });
    let encoded = command.encode().map_err(|limit| out_of_limits(&limit))?;
    let id = id(&code, &key, name);
    let asked = parts.uri.path();
    let account = (currency, key.as_str());
    let done = carry_out(&app, account, id, encoded, asked).await?;
    let Carried { group, reply, repeated, token } = done;
    match reply {
        Reply::StateSet => {
            let mut response = json(&value!({
                "currency": currency.code(),
                "key": key,
                "state": state_name(state),
                "group": group.0,
                "repeated": repeated,
            }));
            tell_tokens(app.site.cluster(), response.headers_mut(), token.as_slice());
            Ok(response)
        }
        Reply::Refused(refusal) => Err(refused(refusal).with("repeated", repeated)),
        Reply::Decided { .. }
        | Reply::Opened
        | Reply::Exists
        | Reply::ExistsDifferent(_)
        | Reply::Cancelling(_)
        | Reply::CaseSettled { .. }
        | Reply::Reopened(_) => Err(pay::unreadable()),
    }
}

/// The name that a client gives its request.
pub(crate) fn name(headers: &HeaderMap) -> Result<&str, Problem> {
    let name = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).map(str::trim);
    name.filter(|name| (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&name.len())).ok_or_else(|| {
        Problem::new(400, "bad-header", "The request needs a name of its own.")
            .detail(format!(
                "Idempotency-Key: want 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible characters, the \
                 same for a retry and others for any other request"
            ))
            .with("header", IDEMPOTENCY_KEY)
    })
}

/// A name counts per account. The parts have no line feed in them but the key may, so it comes last.
fn id(code: &str, key: &str, name: &str) -> MessageId {
    let digest = wire::digest(format!("account-state\n{code}\n{name}\n{key}").as_bytes());
    MessageId::of(digest)
}

fn refused(refusal: Refusal) -> Problem {
    let (status, kind) = match refusal {
        Refusal::AccountUnknown => (404, "no-such-account"),
        Refusal::KeyReserved => (422, "refused"),
        Refusal::Malformed
        | Refusal::MessageIdUsed
        | Refusal::CurrencyNotCarried
        | Refusal::FundingTooLarge
        | Refusal::AccountClosed
        | Refusal::BalanceNotZero
        | Refusal::Full
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
        | Refusal::Unaccountable => (409, "refused"),
    };
    Problem::new(status, kind, "The account's state is as it was.")
        .detail(format!("{refusal}; this name's outcome stands, ask again under another"))
}
