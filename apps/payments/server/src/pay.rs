//! `POST /v1/payments`: one pacs.008 in, its one outcome out.
//!
//! | status | body | when |
//! |---|---|---|
//! | 200 | pacs.002 | the ledger decided: `ACSC`, `RJCT`, or `PART` of several transactions |
//! | 202 | pacs.002 | the same, on one disk and not committed: `Evenkeel-Provisional: true` |
//! | 202 | pacs.002 | `ACSP`: it is debited, and the ledger of a creditor's account has not answered; ask again with the same message; `Retry-After` |
//! | 307 | problem `not-home` | another node must be asked, and `Location` names it |
//! | 400 | problem `not-xml`, `hostile-xml`, `not-pacs008`, `bad-header`, `broken-off` | no message was found |
//! | 408, 413, 415 | problem | too slow, over 1 MiB, not XML by its content type |
//! | 409 | problem `conflict` | the id belongs to a message with other content; `first_digest` |
//! | 410 | problem `expired` | the time that the request named had passed; the request did nothing |
//! | 422 | pacs.002, or problem `invalid` | the message breaks its schema or a rule: `RJCT` with the ISO reason; a problem if not even its id could be read |
//! | 503 | problem `busy`, `stopping` | nothing was done; `Retry-After` |
//! | 504 | problem `unknown-outcome` | nobody can say yet whether it was done; ask again with the same message |
//!
//! 202 that is provisional comes only from a group whose class is async or local. What it tells of may be
//! lost with the home; a request that says `Evenkeel-Until: commit` waits until it cannot.
//!
//! Only 202, 504, a lost connection, and an answer that never comes leave the outcome open. Asking again
//! with the same message is always safe.
//!
//! The same message always comes to the same group, that of its first debtor's account, and has one outcome
//! there. An id that is used for two *different* messages, whose first debtors are kept by two groups, meets
//! two tables. Before a command is handed on, the other groups are looked at as this node has applied
//! them; that refuses an id that was used in another ledger as far as this region has heard of it. Two
//! regions that take the same id for two messages of two ledgers at once are not told apart here; each of
//! the two keeps its outcome and is answered with it. A payment that goes from one ledger to the other is
//! held against what both have seen.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use console::{Problem, hash_hex, read_body, tell_tokens};
use payments_message::message::CreditTransfer;
use payments_message::status::NotAReport;
use payments_message::{Refusal, read};
use payments_model as model;
use types::{Currency, GroupId, Hash, MessageId, NodeId, Seq, Stamp, Token};
use wire::{Command, Doubt, Reply};

use crate::found::Decision;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::router::App;
use crate::translate::Names;
use crate::{answer, deadline};

/// Answer: whether the message had its outcome before this request.
pub const REPEATED: &str = "evenkeel-repeated";
/// Answer: the group that decided.
pub const GROUP: &str = "evenkeel-group";
/// Answer: the position in the group's chain of the record that carries the message.
pub const SEQ: &str = "evenkeel-seq";
/// Answer: whether what it tells of is not committed and may yet be lost.
pub const PROVISIONAL: &str = "evenkeel-provisional";
/// Request: `commit` to wait for the commit whatever the group's class, or `class`, which is the default,
/// to be answered as soon as that allows.
pub const UNTIL: &str = "evenkeel-until";
/// Request: how long to wait for the outcome, as in `500ms`.
pub const TIMEOUT: &str = "evenkeel-timeout";
/// Request: the UTC time after which the payment must not be carried out for the first time.
pub const NOT_AFTER: &str = "evenkeel-not-after";

/// A message of another group that bears the same id.
struct Elsewhere {
    group: GroupId,
    currency: Currency,
    document: Hash,
}

/// A valid message on its way to its group.
struct Ready {
    group: GroupId,
    id: MessageId,
    digest: Hash,
    body: Bytes,
}

/// Takes a payment message.
pub(crate) async fn pay(
    State(app): State<App>,
    request: Request<Body>,
) -> Result<Response<Body>, Problem> {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    check_content_type(&headers)?;
    let patience_us = deadline::patience_us(&headers)?;
    let until = deadline::until(&headers)?;
    let clock = app.handle.clock();
    let deadline = clock.instant().after(app.handle.patience_us(patience_us));
    let not_after = deadline::not_after(&headers, clock.wall())?;
    let raw = read_body(&headers, body, MESSAGE_BYTES_MAX).await?;

    let transfer = match read(&raw) {
        Ok(transfer) => transfer,
        Err(refusal) => return refuse(&refusal, &raw, clock.wall()),
    };
    let names = Names::of(&transfer);
    let ready = match ready(&app, &transfer, &names, &raw) {
        Ok(ready) => ready,
        Err(limit) => {
            let number = number(&raw);
            let report = answer::beyond_limits(transfer.original(), &limit, number, clock.wall());
            return rejected(report);
        }
    };
    drop(raw);
    let elsewhere = elsewhere(&app, &ready, &names, &transfer).await?;

    let Ready { group, id, digest, body } = ready;
    let command = match &elsewhere {
        None => Command { id, digest, not_after, origin: None, body },
        // It is not carried out any more. Whether it was before its id was used elsewhere only its
        // group can say: it is asked by a command whose time has passed, which nobody ever applies.
        Some(_) => Command { id, digest, not_after: Stamp(0), origin: None, body: Bytes::new() },
    };
    let reply = app.handle.command_until(group, command, until, patience_us).await;
    let reply = reply.map_err(|_| {
        unknown(id).with("reason", "stopping").detail("this node stopped while it was under way")
    })?;
    let mut token = reply.token(group);
    match (reply, elsewhere) {
        (Reply::Done { seq, repeated, outcome, .. }, _) => {
            let mut decision = decision(&outcome)?;
            if decision.is_open() {
                let patience = Duration::from_micros(deadline.since(clock.instant()));
                let settled = app.settling.settled(&app.handle, group, id, patience).await;
                if let Some(settled) = settled {
                    decision = settled.decision();
                    token = settled.token.or(token);
                }
            }
            let told = done(&names.message(&transfer), group, seq, repeated, &decision)?;
            Ok(with_token(&app, told, token))
        }
        (Reply::Provisional { at, repeated, outcome, .. }, _) => {
            let decision = decision(&outcome)?;
            let told = done(&names.message(&transfer), group, at.seq, repeated, &decision)?;
            Ok(with_token(&app, provisional(told), token))
        }
        (Reply::Expired, Some(elsewhere)) => Err(elsewhere.conflict()),
        (reply, _) => Err(not_done(&app, reply, id, "/v1/payments")),
    }
}

impl Elsewhere {
    fn conflict(&self) -> Problem {
        Problem::new(409, "conflict", "The id belongs to a message in another ledger.")
            .detail("nothing was done; a different payment needs a message id of its own")
            .with("first_currency", self.currency.code())
            .with("first_group", self.group.0)
            .with("first_document_sha256", hash_hex(self.document))
    }
}

/// What the ledger decided about a message.
fn decision(outcome: &[u8]) -> Result<Decision, Problem> {
    match model::Reply::decode(outcome) {
        Ok(model::Reply::Decided { stamp, verdicts }) => Ok(Decision::first(stamp, verdicts)),
        Ok(model::Reply::Refused(model::Refusal::MessageIdUsed)) => {
            Err(Problem::new(409, "conflict", "The message id was used before."))
        }
        Ok(model::Reply::Refused(refusal)) => {
            Err(Problem::new(503, "refused", "The ledger takes no message now.")
                .detail(refusal.to_string())
                .retry_after_ms(60_000))
        }
        Ok(_) | Err(_) => Err(unreadable()),
    }
}

/// Writes the answer to a message that has its outcome, or a part of it.
fn done(
    message: &model::Message<'_>,
    group: GroupId,
    seq: Seq,
    repeated: bool,
    decision: &Decision,
) -> Result<Response<Body>, Problem> {
    let report = answer::decided(message, decision).map_err(|error| unwritable(&error))?;
    let status = if decision.is_open() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let mut response = xml(status, report);
    let headers = response.headers_mut();
    if decision.is_open() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    let repeated = HeaderValue::from_static(if repeated { "true" } else { "false" });
    headers.insert(HeaderName::from_static(REPEATED), repeated);
    headers.insert(HeaderName::from_static(GROUP), HeaderValue::from(group.0));
    headers.insert(HeaderName::from_static(SEQ), HeaderValue::from(seq.0));
    Ok(response)
}

/// The same answer, and what the client has seen with it.
fn with_token(app: &App, mut response: Response<Body>, token: Option<Token>) -> Response<Body> {
    tell_tokens(app.site.cluster(), response.headers_mut(), token.as_slice());
    response
}

/// The same answer, and that it is not committed.
fn provisional(mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = StatusCode::ACCEPTED;
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(PROVISIONAL), HeaderValue::from_static("true"));
    response
}

/// What a client is told whose request, made to `path`, has no outcome here.
pub(crate) fn not_done(app: &App, reply: Reply, id: MessageId, path: &str) -> Problem {
    match reply {
        Reply::Conflict { first } => {
            Problem::new(409, "conflict", "The id belongs to a request with other content.")
                .detail("nothing was done; a different request needs an id of its own")
                .with("first_digest", hash_hex(first))
        }
        Reply::NotHome { home, epoch } => not_home(app, home, path).with("epoch", epoch.0),
        Reply::Busy { retry_after_ms } => {
            Problem::new(503, "busy", "Too much waits here, or there is no home to hand it to.")
                .detail("nothing was done; ask again later with the same request")
                .retry_after_ms(retry_after_ms.into())
        }
        Reply::Expired => Problem::new(410, "expired", "The request came after the time it named.")
            .detail(
                "this request did nothing; sent again with a later time or with none, the message \
                 may still be carried out",
            ),
        Reply::Unknown(doubt) => {
            let (word, detail) = match doubt {
                Doubt::NoQuorum => ("no-quorum", "not enough copies were acknowledged in time"),
                Doubt::HomeSilent => ("home-silent", "the group's home did not answer in time"),
                Doubt::Switching => ("switching", "the group is changing its home"),
            };
            unknown(id).with("reason", word).detail(detail)
        }
        Reply::Done { .. } | Reply::Provisional { .. } => unreadable(),
    }
}

/// The one problem after which the payment may have been made.
fn unknown(id: MessageId) -> Problem {
    Problem::new(504, "unknown-outcome", "Ask again with the same request.")
        .with("id", id.to_string())
        .with("look", format!("/v1/outcomes/{id}"))
        .with("next_step", "send the same bytes again, here or to another node, until it is known")
        .retry_after_ms(1_000)
}

fn not_home(app: &App, home: Option<NodeId>, path: &str) -> Problem {
    let Some(node) = home.and_then(|home| app.site.find(home)) else {
        return Problem::new(503, "busy", "There is no home to hand it to.").retry_after_ms(200);
    };
    let problem = Problem::new(307, "not-home", "Ask the home of the ledger.")
        .with("home", node.id.0)
        .with("home_region", node.region.clone());
    match HeaderValue::from_str(&format!("{}{path}", node.url)) {
        Ok(location) => problem.header(header::LOCATION, location),
        Err(_) => problem,
    }
}

/// The command for a message.
fn ready(
    app: &App,
    transfer: &CreditTransfer,
    names: &Names,
    raw: &[u8],
) -> Result<Ready, model::OutOfLimits> {
    let message = names.message(transfer);
    let accounts = message.transactions.iter().map(|one| (one.debtor, one.creditor));
    let (group, routes) = app.placement().routes(message.currency, accounts);
    let id = message.id();
    let command = if routes.is_empty() {
        model::Command::Pay { message, raw }
    } else {
        model::Command::PayAcross { message, routes, raw }
    };
    let body = Bytes::from(command.body()?);
    // Everything that the document says counts, also what the ledger does not look at: who changes a
    // reference under an old id has made another message.
    Ok(Ready { group, id, digest: transfer.content, body })
}

/// The message of another group that bears the same id, as far as this node has heard.
async fn elsewhere(
    app: &App,
    ready: &Ready,
    names: &Names,
    transfer: &CreditTransfer,
) -> Result<Option<Elsewhere>, Problem> {
    let (sender, message_id) = (names.sender().to_owned(), transfer.message_id.clone());
    let own = ready.group;
    let found = app.read(None, move |view| {
        let others = view.node.groups().filter(|group| group.id() != own);
        // Most groups of most installations carry nothing, which costs nothing to see.
        let mut used = others.filter(|group| group.model().message_count() > 0);
        used.find_map(|group| {
            let recorded = group.model().message(&sender, &message_id)?;
            let (currency, document) = (recorded.message.currency, recorded.raw_sha256);
            Some(Elsewhere { group: group.id(), currency, document })
        })
    });
    found.await
}

/// Answers what is no message, or a wrong one, without asking the ledger.
fn refuse(refusal: &Refusal, raw: &[u8], now: Stamp) -> Result<Response<Body>, Problem> {
    if let Some(report) = answer::refused(refusal, number(raw), now) {
        return rejected(report);
    }
    let (status, kind, title) = match refusal {
        Refusal::NotXml(_) => (400, "not-xml", "The body is not well-formed XML."),
        Refusal::Attack(_) => (400, "hostile-xml", "The body is XML that is never taken."),
        Refusal::NotPacs008(_) => (400, "not-pacs008", "The body is not one pacs.008."),
        Refusal::Schema { .. } | Refusal::Rule(_) => (422, "invalid", "The message is invalid."),
    };
    let mut detail = refusal.to_string();
    let mut source = core::error::Error::source(refusal);
    while let Some(error) = source {
        detail = format!("{detail}: {error}");
        source = error.source();
    }
    Err(Problem::new(status, kind, title).detail(detail))
}

fn rejected(report: Result<Vec<u8>, NotAReport>) -> Result<Response<Body>, Problem> {
    match report {
        Ok(report) => Ok(xml(StatusCode::UNPROCESSABLE_ENTITY, report)),
        // What the sender wrote where an id belongs cannot be repeated in a valid answer.
        Err(error) => Err(Problem::new(422, "invalid", "The message is invalid.")
            .detail(format!("and cannot be answered with a pacs.002: {error}"))),
    }
}

fn number(raw: &[u8]) -> MessageId {
    MessageId::of(wire::digest(raw))
}

/// XML by name (RFC 7303), or no name at all.
fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let essence = essence.trim_ascii();
    let is_xml = essence.eq_ignore_ascii_case(b"application/xml")
        || essence.eq_ignore_ascii_case(b"text/xml")
        || essence.len() > 4 && essence.split_at(essence.len() - 4).1.eq_ignore_ascii_case(b"+xml");
    if is_xml {
        return Ok(());
    }
    Err(Problem::new(415, "not-xml-type", "The body is not XML by its content type.")
        .detail("send it with `Content-Type: application/xml`"))
}

/// An answer with that document.
pub(crate) fn xml(status: StatusCode, document: Vec<u8>) -> Response<Body> {
    let mut response = Body::from(document).into_response();
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// The outcome is there and says something this version does not know.
pub(crate) fn unreadable() -> Problem {
    Problem::new(500, "unreadable-outcome", "The stored outcome cannot be read.")
        .detail("the outcome stands; this node is older than the one that wrote it, or has a bug")
}

/// The outcome is there and cannot be put into words.
pub(crate) fn unwritable(error: &NotAReport) -> Problem {
    Problem::new(500, "unwritable-answer", "The outcome cannot be written as a pacs.002.")
        .detail(format!("the outcome stands, see GET /v1/payments: {error}"))
}
