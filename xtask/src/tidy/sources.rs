//! How a source file opens, how long it is, and what never stands in it.
//!
//! Each rule guards a reader: the opening tells what the file is for, the length that it is one thing,
//! and a banned word is a promise that nobody kept or a test that nobody runs. Deciders begin with
//! `#![no_std]`, so that the compiler itself refuses clocks, sockets, files and threads.

use super::Finding;
use super::layers::{Table, WORLD};
use super::prose::{code_only, is_word};
use crate::workspace::{Crate, Source};

/// Above this a file has a seam; below it nobody is asked to look.
const LINES_WARN: usize = 500;

/// Above this a file is two things, whatever it says.
const LINES_MAX: usize = 900;

/// What never stands in code, and why.
const BANNED: [(&str, &str); 6] = [
    ("todo!", "finish it, or leave out what calls it"),
    ("unimplemented!", "finish it, or leave out what calls it"),
    ("dbg!", "left behind from a search; say it with a note or a trace"),
    ("#[ignore", "a test runs or it goes; one that lacks its data prints `skipped:` and passes"),
    ("#[should_panic", "assert on the outcome; a panic for another reason would pass too"),
    ("#![allow(", "silence one lint in one place: #[expect(.., reason = \"..\")]"),
];

/// Every file opens with `//!`.
pub(crate) fn check_openings(sources: &[Source]) -> Vec<Finding> {
    let silent = sources.iter().filter(|source| !source.text.starts_with("//!"));
    let says = "does not open with `//!`: what it is, or for tests what would break without them";
    silent.map(|source| Finding::fails(format!("{}:1", source.path), says)).collect()
}

/// Files stay short. Tests are spared, and tables whose opening says `Generated` and from what.
pub(crate) fn check_lengths(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test() && !is_generated(source)) {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            let says = format!("has {lines} lines, more than {LINES_MAX}: cut it at its seam");
            findings.push(Finding::fails(source.path.clone(), says));
        } else if lines > LINES_WARN {
            let says = format!("has {lines} lines, more than {LINES_WARN}: look for the seam");
            findings.push(Finding::warns(source.path.clone(), says));
        }
    }
    findings
}

fn is_generated(source: &Source) -> bool {
    let mut opening = source.text.lines().take_while(|line| line.starts_with("//!"));
    opening.any(|line| line.starts_with("//! Generated"))
}

/// None of the banned words stands in code; comments and strings may name them.
pub(crate) fn check_banned(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        for (index, line) in code_only(&source.text).lines().enumerate() {
            let found = BANNED.iter().filter(|(word, _)| contains(line, word));
            for (word, why) in found {
                let place = format!("{}:{}", source.path, index + 1);
                findings.push(Finding::fails(place, format!("`{word}`: {why}")));
            }
        }
    }
    findings
}

/// Tests of deciders never sleep: time is an argument there, and a sleep is a race with the machine.
pub(crate) fn check_no_sleep(table: &Table, crates: &[Crate], sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_test()) {
        if !owner(crates, source).is_some_and(|package| decides(table, package)) {
            continue;
        }
        for (index, line) in code_only(&source.text).lines().enumerate() {
            if contains(line, "sleep(") {
                let place = format!("{}:{}", source.path, index + 1);
                findings.push(Finding::fails(place, "sleeps: move the time that is passed in"));
            }
        }
    }
    findings
}

/// The library of every crate below the world carries `#![no_std]` without a condition, before any
/// code.
pub(crate) fn check_no_std(table: &Table, crates: &[Crate], sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in crates.iter().filter(|package| decides(table, package)) {
        let path = format!("{}/src/lib.rs", package.folder);
        let Some(library) = sources.iter().find(|source| source.path == path) else {
            findings.push(Finding::fails(path, "is absent: a decider is a library"));
            continue;
        };
        let code = code_only(&library.text);
        let mut lines = code.lines().map(str::trim).filter(|line| !line.is_empty());
        if !lines
            .by_ref()
            .take_while(|line| line.starts_with("#!["))
            .any(|line| line == "#![no_std]")
        {
            let says = format!("does not begin with #![no_std]: `{}` decides", package.name);
            findings.push(Finding::fails(path, says));
        }
    }
    findings
}

/// Rules broken on purpose are chosen by the simulator and by deciders' own tests; what is shipped
/// names no mutant but `None`.
pub(crate) fn check_no_mutants(
    table: &Table,
    crates: &[Crate],
    sources: &[Source],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let Some(package) = owner(crates, source) else { continue };
        if package.name == "sim" || decides(table, package) {
            continue;
        }
        for (index, line) in code_only(&source.text).lines().enumerate() {
            let mut named = line.split("Mutant::").skip(1);
            if named.any(|rest| rest.split(|it| !is_word(it)).next() != Some("None")) {
                let place = format!("{}:{}", source.path, index + 1);
                findings.push(Finding::fails(place, "names a mutant: only `sim` may break a rule"));
            }
        }
    }
    findings
}

fn decides(table: &Table, package: &Crate) -> bool {
    table.layer(&package.name).is_some_and(|layer| layer < WORLD)
}

/// The crate whose folder holds the file.
fn owner<'a>(crates: &'a [Crate], source: &Source) -> Option<&'a Crate> {
    crates.iter().find(|package| {
        source.path.strip_prefix(&package.folder).is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Whether `word` stands in `line` by itself: `my_todo!` is another macro.
fn contains(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(is_word) || !word.starts_with(is_word)
    })
}

#[cfg(test)]
mod tests;
