//! If a stranger can write the log, the lines that matter drown and the disk fills.

use super::*;
use crate::config::ConfigError;

/// Without it whoever reaches the port fills the node's disk with lines.
#[test]
fn a_flood_is_counted_and_not_written() {
    let mut quota = Quota::default();
    let start = Instant(LINES_SPAN_US);
    let written = (0..1_000).filter(|_| quota.take(start).is_some()).count();
    assert_eq!(written, usize::try_from(LINES_MAX).unwrap());
    let later = start.after(LINES_SPAN_US);
    assert_eq!(quota.take(later), Some(1_000 - u64::from(LINES_MAX)), "what was left out is told");
    assert_eq!(quota.take(later), Some(0), "once");
}

/// Without it an operator reads that a file cannot be read, and not that it is missing.
#[test]
fn a_line_names_the_last_cause() {
    let source = std::io::Error::other("the last cause");
    let error = ConfigError::Read { path: "node.yaml".into(), source };
    assert_eq!(Chain(&error).to_string(), "cannot read node.yaml: the last cause");
}

/// Without it a wrong address or certificate would be told to nobody, or once a second for ever.
#[test]
fn a_node_that_is_not_reached_is_told_once_for_each_reason() {
    let mut unreached = Unreached::default();
    let (two, three) = (NodeId(2), NodeId(3));
    assert!(unreached.is_news(two, "connect"));
    assert!(!unreached.is_news(two, "connect"));
    assert!(unreached.is_news(three, "connect"), "each node");
    assert!(unreached.is_news(two, "certificate"), "each reason");
    unreached.reached(two);
    assert!(unreached.is_news(two, "certificate"), "each outage");
}
