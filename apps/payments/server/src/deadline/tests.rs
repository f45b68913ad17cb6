//! If a limit in time is misread, a payment is made that its sender had given up.

use axum::http::{HeaderName, HeaderValue};

use super::*;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn the_shorter_wait_holds() {
    let patience = |pairs: &[(&'static str, &'static str)]| patience_us(&headers(pairs)).unwrap();
    assert_eq!(patience(&[]), None);
    assert_eq!(patience(&[("evenkeel-timeout", "500ms")]), Some(500_000));
    assert_eq!(patience(&[("prefer", "respond-async, wait=2")]), Some(2_000_000));
    assert_eq!(patience(&[("prefer", "wait=2"), ("evenkeel-timeout", "3s")]), Some(2_000_000));
    assert_eq!(patience(&[("prefer", "wait=soon")]), None);
    assert!(patience_us(&headers(&[("evenkeel-timeout", "soon")])).is_err());
}

#[test]
fn not_after_is_a_moment_and_a_day_at_most() {
    let now = Stamp(1_795_161_600_000_000);
    assert_eq!(moment("2026-11-20T08:00:00Z"), Some(now));
    assert_eq!(moment("2026-11-20T08:00:00.25Z"), Some(Stamp(now.0 + 250_000)));
    for wrong in [
        "",
        "2026-11-20",
        "2026-11-20T08:00:00",
        "2026-02-30T08:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T08:00:00+01:00",
        "2026-11-20T8:00:00Z",
        "2026-11-20T08:00:00.Z",
    ] {
        assert_eq!(moment(wrong), None, "{wrong}");
    }
    let day = Stamp(now.0 + NOT_AFTER_US_MAX);
    assert_eq!(not_after(&headers(&[]), now).unwrap(), day);
    let later = headers(&[("evenkeel-not-after", "2027-11-20T08:00:00Z")]);
    assert_eq!(not_after(&later, now).unwrap(), day);
    let earlier = headers(&[("evenkeel-not-after", "2026-11-20T07:00:00Z")]);
    assert_eq!(not_after(&earlier, now).unwrap(), Stamp(now.0 - 3_600_000_000));
}
