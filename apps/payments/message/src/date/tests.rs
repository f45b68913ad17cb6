//! If a date is misread, a payment settles on another day.

use types::Stamp;

use super::{Date, moment};

/// An answer with a wrong time is refused by the receiver's schema or believed by its clerks.
#[test]
fn moments_are_written_in_utc() {
    for (micros, expect) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        (1_795_161_600_000_000, "2026-11-20T08:00:00.000Z"),
        (u64::MAX, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(moment(Stamp(micros)), expect);
    }
}

/// A settlement date is judged by its distance from the day of creation.
#[test]
fn days_count_from_1970() {
    for (text, expect) in [
        ("1970-01-01", Some(0)),
        ("1969-12-31Z", Some(-1)),
        ("2000-03-01T00:00:00", Some(11_017)),
        ("2026-11-20+01:00", Some(20_777)),
        ("12026-11-20", None),
        ("-2026-11-20", None),
    ] {
        assert_eq!(Date::read(text).map(Date::days), expect, "{text}");
    }
}
