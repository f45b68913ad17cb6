//! One word for one idea: GLOSSARY.md defines each word once.
//!
//! Two definitions of one word are how a finance word and a consensus word come to share a spelling,
//! and how two people come to mean different things in one incident. This reads the list's own form;
//! whether the code keeps to it is for readers to say.

use std::collections::BTreeMap;

use super::Finding;

/// Where the words stand, relative to the root.
pub(crate) const FILE: &str = "GLOSSARY.md";

/// Every item of the list reads `- **word** – meaning`, and no word, whatever its case, stands twice.
pub(crate) fn check(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("- ")) {
        let place = format!("{FILE}:{}", index + 1);
        let item = line.strip_prefix("- **").and_then(|rest| rest.split_once("** – "));
        let Some((word, _)) = item.filter(|(_, meaning)| !meaning.trim().is_empty()) else {
            findings.push(Finding::fails(place, "is not of the form `- **word** – meaning`"));
            continue;
        };
        if let Some(first) = seen.insert(word.to_lowercase(), index + 1) {
            let says =
                format!("`{word}` has a meaning already, in line {first}: find another word");
            findings.push(Finding::fails(place, says));
        }
    }
    if seen.is_empty() {
        findings.push(Finding::fails(FILE, "defines no word"));
    }
    findings
}

#[cfg(test)]
mod tests;
