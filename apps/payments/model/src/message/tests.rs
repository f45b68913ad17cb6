//! Dates that the calendar has, and versions that are ours.

use alloc::string::ToString;

use super::*;

/// A settlement date that does not exist would stand in the records, or a real one be refused.
#[test]
fn dates_are_those_of_the_calendar() {
    let cases = [
        ((2026, 11, 20), Some("2026-11-20")),
        ((1, 1, 1), Some("0001-01-01")),
        ((9999, 12, 31), Some("9999-12-31")),
        ((2024, 2, 29), Some("2024-02-29")),
        ((2000, 2, 29), Some("2000-02-29")),
        ((1900, 2, 29), None),
        ((2026, 2, 29), None),
        ((2026, 4, 31), None),
        ((2026, 13, 1), None),
        ((2026, 0, 1), None),
        ((2026, 1, 0), None),
        ((2026, 1, 32), None),
        ((0, 1, 1), None),
        ((10_000, 1, 1), None),
    ];
    for ((year, month, day), expect) in cases {
        let date = Date::new(year, month, day);
        assert_eq!(date.map(|date| date.to_string()).as_deref(), expect);
        if let Some(date) = date {
            assert_eq!(Date::from_number(date.to_number()), Some(date));
            assert_eq!((date.year(), date.month(), date.day()), (year, month, day));
        }
    }
}

/// A message would be answered in another version than it came in.
#[test]
fn versions_are_the_four_that_are_ours() {
    let known: Vec<u8> =
        (0..=255).filter(|number| Version::from_number(*number).is_some()).collect();
    assert_eq!(known, [8, 10, 12, 13]);
    for number in known {
        assert_eq!(Version::from_number(number).map(Version::number), Some(number));
    }
}
