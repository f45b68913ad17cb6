//! How long a client waits, and until when its payment may be carried out.

use axum::http::{HeaderMap, HeaderValue};
use console::Problem;
use payments_message::date::Date;
use runtime::Span;
use types::{Stamp, Until};

use crate::limits::NOT_AFTER_US_MAX;
use crate::pay::{NOT_AFTER, TIMEOUT, UNTIL};

/// How long the client is willing to wait, in microseconds; `None` if it does not say. Either
/// `Evenkeel-Timeout: 500ms` or `Prefer: wait=2` (seconds, RFC 7240); the shorter of both.
pub(crate) fn patience_us(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let timeout = match headers.get(TIMEOUT) {
        None => None,
        Some(value) => {
            let span: Option<Span> = value.to_str().ok().and_then(|text| text.parse().ok());
            Some(span.ok_or_else(|| bad(TIMEOUT, "want a number with a unit, as in `500ms`"))?)
        }
    };
    // Preferences that are not understood are passed over, as the RFC has it.
    let wait = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let wait = wait.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, seconds) = preference.split(';').next()?.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| seconds.trim().parse::<u64>().ok()).flatten()
    });
    let wait_us = wait.map(|seconds| seconds.saturating_mul(1_000_000));
    Ok(timeout.map(Span::micros).into_iter().chain(wait_us).min())
}

/// For what the answer is to wait: `Evenkeel-Until: class`, which is the default, or `commit`.
pub(crate) fn until(headers: &HeaderMap) -> Result<Until, Problem> {
    match headers.get(UNTIL).map(HeaderValue::as_bytes) {
        None | Some(b"class") => Ok(Until::Class),
        Some(b"commit") => Ok(Until::Commit),
        Some(_) => Err(bad(UNTIL, "want `commit` or `class`")),
    }
}

/// After which stamp the payment must not be carried out for the first time: what
/// `Evenkeel-Not-After` says, and 24 hours from now at the latest.
pub(crate) fn not_after(headers: &HeaderMap, now: Stamp) -> Result<Stamp, Problem> {
    let latest = Stamp(now.0.saturating_add(NOT_AFTER_US_MAX));
    let Some(value) = headers.get(NOT_AFTER) else { return Ok(latest) };
    let given = value.to_str().ok().and_then(moment);
    given
        .map(|given| given.min(latest))
        .ok_or_else(|| bad(NOT_AFTER, "want a UTC time, as in `2026-11-20T08:00:00Z`"))
}

/// Reads `YYYY-MM-DDThh:mm:ssZ`, with up to six decimals of a second.
fn moment(text: &str) -> Option<Stamp> {
    let text = text.trim().strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let number = |text: &str, digits: usize, max: u64| {
        let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|number| is_number && *number <= max)
    };
    let mut parts = date.splitn(3, '-');
    let year = number(parts.next()?, 4, 9_999)?;
    let month = number(parts.next()?, 2, 12)?;
    let day = number(parts.next()?, 2, 31)?;
    let (year, month, day) =
        (u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    payments_model::Date::new(year, month, day)?;
    let days = u64::try_from(Date { year, month, day }.days()).ok()?;
    let mut parts = time.splitn(3, ':');
    let hour = number(parts.next()?, 2, 23)?;
    let minute = number(parts.next()?, 2, 59)?;
    let second = number(parts.next()?, 2, 59)?;
    if !(1..=6).contains(&fraction.len()) {
        return None;
    }
    let micros = number(&format!("{fraction:0<6}"), 6, 999_999)?;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(Stamp(seconds * 1_000_000 + micros))
}

fn bad(header: &str, want: &str) -> Problem {
    Problem::new(400, "bad-header", "A header cannot be read.")
        .detail(format!("{header}: {want}"))
        .with("header", header)
}

#[cfg(test)]
mod tests;
