//! A count that nobody can trust: green because a summary was not understood.

use super::*;

fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
    Tally { passed, failed, skipped }
}

#[test]
fn nextest_summaries() {
    // Without it a renamed or coloured summary would report zero tests, or hide those that hung.
    let check = |line: &str, expect: Option<Tally>| {
        assert_eq!(summary(Runner::Nextest, line), expect, "{line}");
    };
    check(
        "     Summary [   0.093s] 4 tests run: 3 passed, 1 failed, 0 skipped",
        Some(tally(3, 1, 0)),
    );
    check(
        "     Summary [ 120.001s] 9/12 tests run: 5 passed (2 slow, 1 flaky), 1 failed, 2 timed out, 1 exec failed, 3 skipped",
        Some(tally(5, 4, 3)),
    );
    check("     Summary [   0.000s] 0 tests run: 0 passed, 2 skipped", Some(tally(0, 0, 2)));
    check(
        "\u{1b}[32;1m     Summary\u{1b}[0m [   0.093s] \u{1b}[1m4\u{1b}[0m tests run: \u{1b}[1m4\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m",
        Some(tally(4, 0, 0)),
    );
    check("        PASS [   0.004s] (2/4) nx skips", None);
    check("    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured", None);
}

#[test]
fn libtest_summaries() {
    // Without it a machine without nextest would close with another count than one with it.
    let check = |line: &str, expect: Option<Tally>| {
        assert_eq!(summary(Runner::Libtest, line), expect, "{line}");
    };
    check(
        "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
        Some(tally(3, 0, 1)),
    );
    check(
        "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
        Some(tally(3, 2, 0)),
    );
    check("test result of mine: ok. 3 passed", None);
    check("running 4 tests", None);
}

#[test]
fn a_test_without_its_data_is_skipped_not_passed() {
    // Without it a checkout without the shared data would claim that real messages were tried.
    let shown = "\
test skips ... ok

successes:

---- skips stdout ----
skipped: no data
skipped: nor here

---- talks stdout ----
nothing was skipped: all ran

successes:
    skips

failures:

---- fails stdout ----
skipped: but then it failed
";
    assert_eq!(skipped_in_shown_output(shown), 1);
    let junit = "\
        <testcase name=\"ok\" classname=\"nx\" time=\"0.005\">
            <system-out>
running 1 test
skipped: no data
skipped: nor here
</system-out>
            <system-err></system-err>
        </testcase>
        <testcase name=\"by error stream\" classname=\"nx\" time=\"0.005\">
            <system-err>skipped: no data
</system-err>
        </testcase>
        <testcase name=\"fails\" classname=\"nx\" time=\"0.092\">
            <failure message=\"x\" type=\"test failure with exit code 101\">x</failure>
            <system-out>
skipped: but then it failed
</system-out>
        </testcase>
";
    assert_eq!(skipped_in_junit(junit), 2);
}

#[test]
fn the_sum_loses_nothing() {
    // Without it the closing line and the runners' lines above it would differ.
    let mut sum = tally(5, 1, 0);
    sum += tally(2, 0, 1);
    sum.move_skipped(3);
    assert_eq!(sum, tally(4, 1, 4));
    assert_eq!(sum.to_string(), "4 passed, 1 failed, 4 skipped");
    sum.move_skipped(9);
    assert_eq!(sum, tally(0, 1, 8));
}
