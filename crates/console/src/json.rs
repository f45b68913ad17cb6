//! JSON in and out, and how this house writes ids and times in it.
//!
//! Answers are put together value by value, not derived from internal types: what is sent is a
//! promise to others, and a renamed field must not break it.

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use register::{Phase, SealKind};
use serde::de::DeserializeOwned;
use serde_json::{Value, json as value};
use types::{Hash, Now, Seq, Stamp};

use crate::Problem;

/// An answer with this body.
#[must_use]
pub fn json(body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Reads a request's body.
///
/// # Errors
/// A problem (400) that names the place.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(400, "bad-json", "The request's body is not what is wanted here.")
            .detail(error.to_string())
    })
}

/// All 64 hexadecimal digits of a hash.
#[must_use]
pub fn hash_hex(hash: Hash) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut out = String::with_capacity(64);
    for byte in hash.0 {
        for digit in [byte >> 4, byte & 0xf] {
            out.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    out
}

/// How far a group was applied at the moment of an answer: the members `applied_seq`, `closed_us`
/// (the stamp of the last applied record, microseconds since 1970; `null` before the first) and
/// `age_ms` (how long ago that was by this node's clock).
#[must_use]
pub fn position(now: Now, applied: Seq, closed: Stamp) -> Value {
    let begun = closed.0 > 0;
    value!({
        "applied_seq": applied.0,
        "closed_us": begun.then_some(closed.0),
        "age_ms": begun.then(|| now.wall.since(closed) / 1_000),
    })
}

/// Whether a group has a home or is between two, as the register has it.
#[must_use]
pub fn phase(phase: &Phase) -> Value {
    match phase {
        Phase::Active => value!({ "name": "active" }),
        Phase::Sealing { epoch, candidate, since, kind } => value!({
            "name": "sealing",
            "epoch": epoch.0,
            "candidate": candidate.0,
            "since_us": since.0,
            "kind": seal_kind(*kind),
        }),
    }
}

pub(crate) const fn seal_kind(kind: SealKind) -> &'static str {
    match kind {
        SealKind::Planned => "planned",
        SealKind::Unplanned => "unplanned",
        SealKind::Forced => "forced",
        SealKind::Degrade => "degrade",
        SealKind::Restore => "restore",
        SealKind::Reconfigure => "reconfigure",
    }
}
