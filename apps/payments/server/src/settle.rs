//! `POST /v1/cases/{case}`: settling a case, in whole or in part.
//!
//! The order is a command of the journal like any other: whoever names it again in `Idempotency-Key` gets the
//! outcome that it had, and the same name with another order is a conflict. Where the money goes follows from
//! the payment; that no more goes than is there is for the ledger to say.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Request, Response};
use bytes::Bytes;
use console::limits::JSON_BYTES_MAX;
use console::{Problem, json, parse, read_body, tell_tokens};
use payments_model::{Command, Refusal, Reply, Settle, Way};
use serde::Deserialize;
use serde_json::json as value;
use types::{Currency, GroupId, MessageId, Stamp};

use crate::account_state::name;
use crate::accounts::out_of_limits;
use crate::limits::NOT_AFTER_US_MAX;
use crate::router::App;
use crate::suspense::way;
use crate::{decimal, pay};

/// What is to be done.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    /// As the case names it.
    item: String,
    way: Name,
    /// In units of the currency.
    amount: String,
    reason: String,
    /// From which account what another ledger is owed is collected.
    account: Option<String>,
    /// The ledger, if more than one has that payment under the case.
    group: Option<u16>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Pay,
    Return,
    WriteBack,
    Collect,
}

/// Carries out one step.
pub(crate) async fn settle(
    State(app): State<App>,
    path: Result<Path<u64>, PathRejection>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let actor = app.site.authorize(&parts.headers)?;
    let Path(case) = path?;
    let name = name(&parts.headers)?.to_owned();
    let body = read_body(&parts.headers, body, JSON_BYTES_MAX).await?;
    let order: Order = parse(&body)?;
    let item = console::read_id(&order.item).ok_or_else(|| {
        Problem::new(400, "bad-item", "That names no payment of a case.")
            .detail("want the `item` that GET /v1/cases/{case} gives: a UUID's digits")
    })?;
    let (group, currency) = find(&app, case, item, order.group.map(GroupId)).await?;
    let amount = decimal::read(&order.amount, currency).ok_or_else(|| {
        Problem::new(400, "bad-amount", "That is not an amount of the currency.")
            .detail(format!("want digits with at most {} decimals", currency.exponent()))
    })?;
    let wanted = match order.way {
        Name::Pay => Way::Pay,
        Name::Return => Way::Return,
        Name::WriteBack => Way::WriteBack,
        Name::Collect => Way::Collect,
    };
    let (by, reason) = (actor.name(), order.reason.as_str());
    let account = order.account.as_deref();
    let item_id = item.0;
    let settle = Settle { currency, case, item: item_id, way: wanted, amount, by, reason, account };
    let encoded = Command::Settle(settle).encode().map_err(|limit| out_of_limits(&limit))?;
    let command = wire::Command {
        id: id(case, &name),
        digest: encoded.digest,
        not_after: Stamp(app.handle.clock().wall().0.saturating_add(NOT_AFTER_US_MAX)),
        origin: None,
        body: Bytes::from(encoded.body),
    };
    let command_id = command.id;
    let reply = app.handle.command(group, command, None).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "Ask again with the same request.")
            .detail("this node stopped while it was under way")
    })?;
    let token = reply.token(group);
    let wire::Reply::Done { outcome, repeated, .. } = reply else {
        return Err(pay::not_done(&app, reply, command_id, parts.uri.path()));
    };
    match Reply::decode(&outcome) {
        Ok(Reply::CaseSettled { stamp, item_left, case_left }) => {
            let mut response = json(&value!({
                "case": case,
                "item": item.to_string(),
                "group": group.0,
                "currency": currency.code(),
                "way": way(wanted),
                "amount": decimal::write(amount, currency),
                "item_left": decimal::write(item_left, currency),
                "case_left": decimal::write(case_left, currency),
                "is_open": case_left > types::Amount::ZERO,
                "stamp_us": stamp.0,
                "repeated": repeated,
            }));
            tell_tokens(app.site.cluster(), response.headers_mut(), token.as_slice());
            Ok(response)
        }
        Ok(Reply::Refused(refusal)) => Err(refused(refusal).with("repeated", repeated)),
        Ok(_) | Err(_) => Err(pay::unreadable()),
    }
}

/// Which ledger has that payment under the case, and in which currency.
async fn find(
    app: &App,
    case: u64,
    item: MessageId,
    group: Option<GroupId>,
) -> Result<(GroupId, Currency), Problem> {
    let mut found = app
        .read(None, move |view| {
            let asked = view.node.groups().filter(|one| group.is_none_or(|id| id == one.id()));
            let has_it = |one: &group::Group<payments_model::Payments>| {
                let item = one.model().item_of_id(item.0).filter(|item| item.case == case)?;
                Some((one.id(), item.currency))
            };
            asked.filter_map(has_it).collect::<Vec<_>>()
        })
        .await?;
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => {
            Err(Problem::new(409, "which-group", "More than one ledger has it under this case.")
                .detail("name the ledger as `group`"))
        }
        (None, _) => {
            Err(Problem::new(404, "no-such-case", "No such payment is known here under this case.")
                .detail("this node may not have heard of it yet"))
        }
    }
}

/// A name counts per case.
fn id(case: u64, name: &str) -> MessageId {
    let digest = wire::digest(format!("settle-case\n{case}\n{name}").as_bytes());
    MessageId::of(digest)
}

fn refused(refusal: Refusal) -> Problem {
    let (status, kind) = match refusal {
        Refusal::CaseUnknown => (404, "no-such-case"),
        Refusal::CaseOverdrawn => (409, "overdrawn"),
        Refusal::AmountZero => (422, "refused"),
        Refusal::Malformed
        | Refusal::MessageIdUsed
        | Refusal::CurrencyNotCarried
        | Refusal::KeyReserved
        | Refusal::FundingTooLarge
        | Refusal::AccountUnknown
        | Refusal::AccountClosed
        | Refusal::BalanceNotZero
        | Refusal::Full
        | Refusal::PaymentsPending
        | Refusal::PaymentUnknown
        | Refusal::NothingPending
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
    Problem::new(status, kind, "The case is as it was.")
        .detail(format!("{refusal}; this name's outcome stands, ask again under another"))
}
