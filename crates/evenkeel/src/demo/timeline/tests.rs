//! Unit tests.

use types::{GroupId, NodeId};

use super::{Mark, Step, mark, micros};

#[test]
fn a_log_line_becomes_a_mark() {
    // Without this, recovery times in the report would be read from the wrong lines or not at all.
    let line = r#"{"timestamp":"2026-11-20T08:00:00.250001Z","level":"INFO","message":"serving","group":"g18","epoch":"e3","target":"runtime::log"}"#;
    let at_us = 1_795_161_600_250_001;
    let expected =
        Mark { at_us, node: NodeId(2), step: Step::Serving, group: GroupId(18), epoch: 3 };
    assert_eq!(mark(NodeId(2), line), Some(expected));
    assert_eq!(mark(NodeId(2), &line.replace("serving", "log read")), None);
    for cut in 0..line.len() {
        assert_eq!(mark(NodeId(2), &line[..cut]), None, "half a line");
    }
}

#[test]
fn moments_are_read_to_the_microsecond() {
    // Without this, phases shorter than a second would all be nought.
    assert_eq!(micros("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(micros("1970-01-02T00:00:01.5Z"), Some(86_401_500_000));
    assert_eq!(micros("2000-02-29T23:59:59.999999Z"), Some(951_868_799_999_999));
    for wrong in ["", "2000-02-29", "2000-02-29T1:2:3", "x-02-29T00:00:00Z"] {
        assert_eq!(micros(wrong), None, "{wrong}");
    }
}
