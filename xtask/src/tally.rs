//! Counts tests from what the runners print.
//!
//! Two runners, two dialects, one count. A test that could not run for want of outside data prints a
//! line that starts with `skipped:` and passes as far as its runner knows; it is moved from `passed`
//! to `skipped`, since a reader of the count would otherwise believe that it had checked something.

use std::fmt;
use std::ops::AddAssign;

/// Tests by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Ran and held.
    pub(crate) passed: u64,
    /// Ran and did not hold, or did not end.
    pub(crate) failed: u64,
    /// Did not run, by the runner's word or by the test's own.
    pub(crate) skipped: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Tally {
    /// Moves `count` tests that said they were skipped out of those that passed.
    pub(crate) fn move_skipped(&mut self, count: u64) {
        let moved = count.min(self.passed);
        self.passed -= moved;
        self.skipped += moved;
    }
}

/// Which program ran the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// `cargo nextest run`: one summary for all.
    Nextest,
    /// `cargo test`: one summary for each test program.
    Libtest,
}

/// The count in one line of a runner's output; `None` if the line is no summary.
pub(crate) fn summary(runner: Runner, line: &str) -> Option<Tally> {
    let line = without_colours(line);
    let counts = match runner {
        // `     Summary [   0.010s] 3 tests run: 2 passed (1 slow), 1 failed, 0 skipped`
        Runner::Nextest => {
            line.trim_start().strip_prefix("Summary [")?.split_once("run:")?.1.to_owned()
        }
        // `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; ...`
        Runner::Libtest => line.strip_prefix("test result: ")?.split_once(". ")?.1.to_owned(),
    };
    let mut tally = Tally::default();
    for (count, word) in counted_words(&counts) {
        match word {
            "passed" => tally.passed += count,
            "failed" | "exec" | "timed" => tally.failed += count,
            "skipped" | "ignored" => tally.skipped += count,
            _ => {}
        }
    }
    Some(tally)
}

/// `2 passed (1 slow), 1 timed out` gives (2, passed) and (1, timed): what stands in brackets is
/// already counted before them.
fn counted_words(text: &str) -> impl Iterator<Item = (u64, &str)> {
    text.split([',', ';', '(']).filter_map(|part| {
        let mut words = part.split_whitespace();
        let count = words.next()?.parse().ok()?;
        Some((count, words.next()?.trim_end_matches(')')))
    })
}

/// How many passing tests say in `output`, what `cargo test -- --show-output` prints, that they were
/// skipped. A test that says it twice counts once.
pub(crate) fn skipped_in_shown_output(output: &str) -> u64 {
    let (mut count, mut passing, mut counted) = (0, false, true);
    for line in output.lines() {
        match line {
            "successes:" => passing = true,
            "failures:" => passing = false,
            _ if line.starts_with("---- ") && line.ends_with(" ----") => counted = false,
            _ if passing && !counted && line.starts_with("skipped:") => {
                counted = true;
                count += 1;
            }
            _ => {}
        }
    }
    count
}

/// The same in the JUnit report that nextest writes.
pub(crate) fn skipped_in_junit(report: &str) -> u64 {
    let (mut count, mut counted) = (0, true);
    for line in report.lines() {
        let line = line.trim_start();
        if line.starts_with("<testcase ") {
            counted = false;
        } else if line.starts_with("<failure") || line.starts_with("<error") {
            counted = true;
        }
        let said = ["<system-out>", "<system-err>"].iter().find_map(|tag| line.strip_prefix(tag));
        if !counted && said.unwrap_or(line).starts_with("skipped:") {
            counted = true;
            count += 1;
        }
    }
    count
}

/// The line without terminal colour sequences, which `CARGO_TERM_COLOR=always` puts into a pipe.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut inside = false;
    for character in line.chars() {
        if character == '\u{1b}' {
            inside = true;
        } else if !inside {
            plain.push(character);
        } else if character.is_ascii_alphabetic() {
            inside = false;
        }
    }
    plain
}

#[cfg(test)]
mod tests;
