//! If a boot scan misjudges the end of a log, acknowledged records are cut or a healthy node refuses to start.

use super::*;

fn check(marked: u64, beyond: Option<(u64, u64)>, residue: bool, expect: Verdict) {
    let beyond =
        beyond.map(|(at, durable)| Beyond { at: Position(at), durable: Position(durable) });
    let found = Findings { end: Position(100), marked: Position(marked), beyond, residue };
    assert_eq!(judge(&found), expect, "{found:?}");
}

/// Without it a torn write would stop a healthy node.
#[test]
fn what_nobody_was_told_of_may_be_cut() {
    check(0, None, false, Verdict::Clean);
    check(100, None, false, Verdict::Clean);
    check(100, None, true, Verdict::Torn);
    // A later record of the same batch: written together, durable before it only up to 100.
    check(100, Some((132, 100)), true, Verdict::Torn);
    check(0, Some((132, 40)), true, Verdict::Torn);
}

/// Without it acknowledged records would be cut off in silence.
#[test]
fn what_was_durable_is_never_cut() {
    let evidence = Beyond { at: Position(300), durable: Position(101) };
    check(0, Some((300, 101)), true, Verdict::Corrupt(Evidence::Record(evidence)));
    let marked = Evidence::Superblock { marked: Position(101) };
    check(101, None, false, Verdict::Corrupt(marked));
    check(101, Some((132, 100)), true, Verdict::Corrupt(marked));
}
