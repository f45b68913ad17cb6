//! `GET /v1/outcomes/{id}`: what became of an id, for those who were told *unknown* and do not have
//! the request any more.
//!
//! It says what this node knows, and never guesses: that it does not know an id does not mean that
//! nothing was or will be done. Whoever has the request sends it again instead, which ends the doubt.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use group::{Known, Stage};
use model::Model;
use serde_json::{Value, json};
use types::{GroupId, MessageId};
use wire::Origin;

use crate::router::App;
use crate::status::looks;
use crate::{Problem, Words, hash_hex, json as write, position};

/// What became of an id.
pub(crate) async fn outcome<M: Model + Send + 'static>(
    State(app): State<App<M>>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(text) = path?;
    let id: MessageId = read_id(&text).ok_or_else(|| {
        Problem::new(400, "bad-id", "That is no id of a request.")
            .detail("want the 32 hexadecimal digits that `unknown-outcome` named, hyphens or not")
    })?;
    let mut oldest = None;
    for some in looks(0..app.site.groups()) {
        let words = app.words;
        let looked = app.handle.ask(move |view| {
            let here = |group: u16| view.node.group(GroupId(group));
            let known = some.clone().filter_map(here).find_map(|group| {
                let known = group.known(id)?;
                let status = group.status(view.now);
                let at = position(view.now, status.applied, status.closed);
                Some(told(group.id(), &known, at, &words))
            });
            let closed = some.filter_map(here).map(|group| group.status(view.now).closed).min();
            (known, closed.filter(|closed| closed.0 > 0), view.now)
        });
        let (known, closed, now) = looked.await?;
        if let Some(mut known) = known {
            known["id"] = json!(id.to_string());
            known["observer"] = json!(app.site.node().0);
            return Ok(write(&known));
        }
        let age_ms = closed.map(|closed| now.wall.since(closed) / 1_000);
        oldest = oldest.max(age_ms);
    }
    Ok(write(&json!({
        "id": id.to_string(),
        "observer": app.site.node().0,
        "state": "unknown",
        "next_step": "send the same request again, here or to another node; that it is unknown here \
                      does not mean that it was not done",
        "age_ms": oldest,
    })))
}

/// What became of an id, with the group and the position of the node that says so.
fn told(group: GroupId, known: &Known, at: Value, words: &Words) -> Value {
    let mut told = became(known, words);
    told["group"] = json!(group.0);
    told["as_of"] = at;
    told
}

/// What became of an id.
pub(crate) fn became(known: &Known, words: &Words) -> Value {
    let state = match known.stage {
        Stage::Accepted => "accepted",
        Stage::Provisional => "provisional",
        Stage::Final => "final",
    };
    json!({
        "state": state,
        "seq": known.seq.map(|seq| seq.0),
        "stamp_us": known.stamp.map(|stamp| stamp.0),
        "outcome": known.outcome.as_deref().map(|outcome| (words.outcome)(outcome).word),
        "origin": known.origin.map(origin),
        "digest": hash_hex(known.digest),
    })
}

/// The record that was set aside and out of which a command was handed in again.
#[must_use]
pub fn origin(origin: Origin) -> Value {
    json!({
        "epoch": origin.epoch.0,
        "seq": origin.seq.0,
        "head": hash_hex(origin.head),
    })
}

/// Reads an id: 16 bytes in hexadecimal, with or without hyphens. `None` for anything else.
#[must_use]
pub fn read_id(text: &str) -> Option<MessageId> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    if digits.len() != 32 || text.len() > 36 {
        return None;
    }
    let mut id = [0; 16];
    for (slot, pair) in id.iter_mut().zip(digits.chunks(2)) {
        let [high, low] = pair else { return None };
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *slot = digit(*high)? << 4 | digit(*low)?;
    }
    Some(MessageId(id))
}

#[cfg(test)]
mod tests;
