//! Arrows only point down: the table in ARCHITECTURE.md against the manifests.
//!
//! The table is for people first: it says for each crate its layer, what it may use, and what it never
//! does. Here it is read as data and held twice. `check_table` holds the table against the principles,
//! so that a row cannot allow what the house forbids; `check_crates` holds the manifests against the
//! table, so that the picture stays true. Together they keep the world out of the deciders and the
//! real drivers and the simulated ones apart.

use std::collections::{BTreeMap, BTreeSet};

use super::{ARCHITECTURE, Finding};
use crate::workspace::Crate;

/// Column titles of the table, in order.
const HEADER: [&str; 5] = ["crate", "layer", "may use", "its tests also", "never"];

/// The lowest layer that may touch the world.
pub(crate) const WORLD: u8 = 4;

/// The layer of what people start. Nothing uses it but `BINARY`, which carries the servers.
const TOP: u8 = 5;

const BINARY: &str = "evenkeel";

/// Two worlds that one program must never contain: a run with both would decide nothing about either.
const APART: (&str, &str) = ("runtime", "sim");

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    name: String,
    layer: u8,
    may_use: BTreeSet<String>,
    tests_also: BTreeSet<String>,
    never: String,
    /// Line in the file, from 1.
    line: usize,
}

impl Row {
    fn place(&self) -> String {
        format!("{ARCHITECTURE}:{}", self.line)
    }
}

/// The table of crates and arrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Reads the one table of `text` whose titles are those of `HEADER`. Names may stand in
    /// backquotes; a dash or nothing means none.
    ///
    /// # Errors
    /// There is no such table, or a row does not read; the finding names the line.
    pub(crate) fn parse(text: &str) -> Result<Self, Finding> {
        let mut lines = text.lines().enumerate().skip_while(|(_, line)| cells(line) != HEADER);
        if lines.next().is_none() {
            let titles = HEADER.join(" | ");
            return Err(Finding::fails(ARCHITECTURE, format!("has no table `{titles}`")));
        }
        let mut rows = Vec::new();
        for (index, line) in lines.skip(1).take_while(|(_, line)| line.starts_with('|')) {
            let line_number = index + 1;
            rows.push(
                row(line, line_number).map_err(|says| {
                    Finding::fails(format!("{ARCHITECTURE}:{line_number}"), says)
                })?,
            );
        }
        Ok(Self { rows })
    }

    /// The layer of a crate; `None` if the table does not know it.
    pub(crate) fn layer(&self, name: &str) -> Option<u8> {
        self.row(name).map(|row| row.layer)
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

fn row(line: &str, line_number: usize) -> Result<Row, String> {
    let cells = cells(line);
    let [name, layer, may_use, tests_also, never] = cells.as_slice() else {
        return Err(format!("has {} cells, not {}", cells.len(), HEADER.len()));
    };
    let layer = match layer.parse() {
        Ok(layer) if layer <= TOP => layer,
        _ => return Err(format!("`{layer}` is not a layer from 0 to {TOP}")),
    };
    Ok(Row {
        name: plain(name),
        layer,
        may_use: names(may_use),
        tests_also: names(tests_also),
        never: plain(never),
        line: line_number,
    })
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map(|inner| inner.split('|').map(str::trim).collect()).unwrap_or_default()
}

fn plain(cell: &str) -> String {
    cell.trim().trim_matches('`').to_owned()
}

fn names(cell: &str) -> BTreeSet<String> {
    let all = cell.split(',').map(plain);
    all.filter(|name| !["", "-", "–"].contains(&name.as_str())).collect()
}

/// Holds the table against the principles of DESIGN section 3.
pub(crate) fn check_table(table: &Table) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for row in &table.rows {
        if !seen.insert(&row.name) {
            findings.push(Finding::fails(row.place(), format!("`{}` stands twice", row.name)));
        }
        if names(&row.never).is_empty() {
            let says = format!("`{}` does not say what it never does", row.name);
            findings.push(Finding::fails(row.place(), says));
        }
        for to in row.may_use.union(&row.tests_also) {
            let fault = match table.row(to) {
                None => Some(format!("`{to}` has no row")),
                Some(target) => refusal(row, target),
            };
            findings.extend(fault.map(|says| Finding::fails(row.place(), says)));
        }
    }
    let arrows = table.rows.iter().map(|row| {
        let all = row.may_use.union(&row.tests_also);
        (row.name.as_str(), all.map(String::as_str).collect())
    });
    findings.extend(check_apart(&arrows.collect(), |name| {
        table.row(name).map_or_else(|| ARCHITECTURE.to_owned(), Row::place)
    }));
    findings
}

/// Why `from` may not use `to` whatever the table says; `None` if the table may allow it.
fn refusal(from: &Row, to: &Row) -> Option<String> {
    let arrow =
        format!("`{}` (layer {}) to `{}` (layer {})", from.name, from.layer, to.name, to.layer);
    if to.layer > from.layer {
        return Some(format!("the arrow from {arrow} points up; arrows only point down"));
    }
    if to.layer < from.layer {
        return None;
    }
    match from.layer {
        WORLD if from.name != to.name => None,
        TOP if from.name == BINARY && to.name != BINARY => None,
        TOP => Some(format!("the arrow from {arrow}: only `{BINARY}` may use layer {TOP}")),
        2 => Some(format!(
            "the arrow from {arrow}: layer-2 crates never use each other; `group` composes them"
        )),
        _ => Some(format!("the arrow from {arrow}: crates of this layer never use each other")),
    }
}

/// Holds the manifests against the table: every crate has a row, every row a crate, and every arrow
/// between our crates stands in its row, for tests at least in the tests' column.
pub(crate) fn check_crates(table: &Table, crates: &[Crate]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in crates {
        let place = format!("{}/Cargo.toml", package.folder);
        let Some(row) = table.row(&package.name) else {
            let says = format!("`{}` has no row in the table of {ARCHITECTURE}", package.name);
            findings.push(Finding::fails(place, says));
            continue;
        };
        for arrow in package.arrows.iter().filter(|arrow| arrow.ours) {
            let listed = row.may_use.contains(&arrow.to)
                || (arrow.only_tests && row.tests_also.contains(&arrow.to));
            if !listed {
                let kind = if arrow.only_tests { "in its tests " } else { "" };
                let known = table.row(&arrow.to).and_then(|target| refusal(row, target));
                let why = known.unwrap_or_else(|| {
                    format!("{} does not list it: do without, or change the table and write a design note", row.place())
                });
                let says = format!("`{}` uses `{}` {kind}but {why}", package.name, arrow.to);
                findings.push(Finding::fails(place.clone(), says));
            }
        }
    }
    for row in &table.rows {
        if !crates.iter().any(|package| package.name == row.name) {
            let says = format!("`{}` is no crate of this workspace", row.name);
            findings.push(Finding::fails(row.place(), says));
        }
    }
    let arrows = crates.iter().map(|package| {
        let ours = package.arrows.iter().filter(|arrow| arrow.ours);
        (package.name.as_str(), ours.map(|arrow| arrow.to.as_str()).collect())
    });
    findings.extend(check_apart(&arrows.collect(), |name| {
        let package = crates.iter().find(|package| package.name == name);
        package.map_or_else(
            || "Cargo.toml".to_owned(),
            |package| format!("{}/Cargo.toml", package.folder),
        )
    }));
    findings
}

/// Finds every crate from which both worlds can be reached, itself included, through any arrows.
fn check_apart(
    arrows: &BTreeMap<&str, BTreeSet<&str>>,
    place: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in arrows.keys() {
        let reached = reach(arrows, name);
        if reached.contains(APART.0) && reached.contains(APART.1) {
            let says = format!(
                "from `{name}` both `{}` and `{}` are reached; they never meet",
                APART.0, APART.1
            );
            findings.push(Finding::fails(place(name), says));
        }
    }
    findings
}

fn reach<'a>(arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        for to in arrows.get(name).into_iter().flatten() {
            if reached.insert(to) {
                open.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests;
