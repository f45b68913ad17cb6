//! What is promised in writing names the tests that show it, and those exist.
//!
//! A table of promises is believed by people who will not read the tests. A test that was renamed or
//! taken out would leave its promise standing with nothing under it.

use std::collections::BTreeSet;

use super::Finding;
use super::prose::{code_only, is_word};
use crate::workspace::Source;

/// Where the promises stand, relative to the root.
pub(crate) const FILE: &str = "docs/operating/promises.md";

/// Cells of a row: promise, faults, beyond them, tests.
const CELLS: usize = 4;

/// Every row of every table has four cells that say something, the last one naming tests in
/// backticks, each of which is a test function somewhere in the workspace.
pub(crate) fn check(text: &str, sources: &[Source]) -> Vec<Finding> {
    let tests = tests(sources);
    let mut findings = Vec::new();
    let mut promises = 0;
    for (index, line) in text.lines().enumerate() {
        let Some(row) = line.strip_prefix('|') else { continue };
        let place = format!("{FILE}:{}", index + 1);
        let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split('|').collect();
        let cells: Vec<&str> = cells.into_iter().map(str::trim).collect();
        if cells.iter().all(|cell| cell.chars().all(|character| "-:".contains(character)))
            || cells.first() == Some(&"promise")
        {
            continue;
        }
        promises += 1;
        let [_, _, _, shown] = cells.as_slice() else {
            let says = format!("has {} cells, not {CELLS}", cells.len());
            findings.push(Finding::fails(place, says));
            continue;
        };
        if cells.iter().any(|cell| cell.is_empty()) {
            findings
                .push(Finding::fails(&*place, "leaves a cell empty: `–` means nothing is meant"));
        }
        let named: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            findings.push(Finding::fails(&*place, "names no test that shows it"));
        }
        for name in named.into_iter().filter(|name| !tests.contains(*name)) {
            findings.push(Finding::fails(&*place, format!("there is no test `{name}`")));
        }
    }
    if promises == 0 {
        findings.push(Finding::fails(FILE, "promises nothing"));
    }
    findings
}

/// The names of all functions under an attribute that ends in `test`.
fn tests(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        let code = code_only(&source.text);
        let mut is_test = false;
        for line in code.lines().map(str::trim) {
            if let Some(attribute) = line.strip_prefix("#[") {
                let path: String =
                    attribute.chars().take_while(|it| is_word(*it) || *it == ':').collect();
                is_test |= path == "test" || path.ends_with("::test");
            } else if let Some(name) = function(line) {
                if is_test {
                    names.insert(name.to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let rest = line.strip_prefix("fn ")?;
    let end = rest.find(|character| !is_word(character))?;
    rest.get(..end)
}

#[cfg(test)]
mod tests;
