//! `POST /v1/payments/{id}/cancel`: wishing back what is pending of a payment.
//!
//! Only a payment between two groups is ever pending, and whether it comes back is for the creditor's group
//! to say: it may have the credit already. So the answer is 202, and what came of it is the payment's
//! status. As with an account's state, the client names the request.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode, Uri};
use bytes::Bytes;
use console::{Problem, json, tell_tokens};
use payments_model::{Command, PaymentKey, Refusal, Reply};
use serde_json::json as value;
use types::{MessageId, Stamp};

use crate::account_state::name;
use crate::limits::NOT_AFTER_US_MAX;
use crate::pay;
use crate::router::App;
use crate::{accounts, lookup};

/// Asks the groups of the creditors to let be what is pending.
pub(crate) async fn cancel(
    State(app): State<App>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    app.site.authorize(&headers)?;
    let Path(id) = path?;
    let name = name(&headers)?.to_owned();
    let found = lookup::find(&app, id.clone()).await?;
    let key = PaymentKey::parse(&id).expect("it was found by it");
    let encoded = Command::Cancel(key).encode().map_err(|limit| accounts::out_of_limits(&limit))?;
    let digest = wire::digest(format!("cancel\n{name}\n{id}").as_bytes());
    let command = wire::Command {
        id: MessageId::of(digest),
        digest: encoded.digest,
        not_after: Stamp(app.handle.clock().wall().0.saturating_add(NOT_AFTER_US_MAX)),
        origin: None,
        body: Bytes::from(encoded.body),
    };
    let command_id = command.id;
    let reply = app.handle.command(found.group, command, None).await.map_err(|_| {
        Problem::new(504, "unknown-outcome", "Ask again with the same request.")
            .detail("this node stopped while it was under way")
    })?;
    let token = reply.token(found.group);
    let wire::Reply::Done { outcome, repeated, .. } = reply else {
        return Err(pay::not_done(&app, reply, command_id, uri.path()));
    };
    match Reply::decode(&outcome) {
        Ok(Reply::Cancelling(count)) => {
            let mut response = json(&value!({
                "group": found.group.0,
                "cancelling_count": count,
                "repeated": repeated,
                "next_step": "look at the status: the creditor's ledger decides",
            }));
            *response.status_mut() = StatusCode::ACCEPTED;
            tell_tokens(app.site.cluster(), response.headers_mut(), token.as_slice());
            Ok(response)
        }
        Ok(Reply::Refused(Refusal::NothingPending)) => {
            Err(Problem::new(409, "nothing-pending", "Nothing of the payment is pending.")
                .detail("it is final; this name's outcome stands")
                .with("repeated", repeated))
        }
        Ok(Reply::Refused(refusal)) => {
            Err(Problem::new(409, "refused", "Nothing was cancelled.").detail(refusal.to_string()))
        }
        Ok(_) | Err(_) => Err(pay::unreadable()),
    }
}
