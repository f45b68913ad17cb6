//! What the nodes say they did, and when, read from their logs.
//!
//! All regions of a demo share one machine and so one clock; their log lines carry it to the
//! microsecond. That tells the phases of a move apart far better than asking the nodes again and
//! again could.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;
use types::{GroupId, NodeId};

/// A step of a move that a node logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// A node has made its promise durable: the register has decided that the group moves.
    Promised,
    /// The candidate holds the chain to its target, and enough others do.
    Sealed,
    /// The register has opened the epoch.
    Opened,
    /// The epoch's first record is committed: commands are answered.
    Serving,
    /// The old home has stood down.
    Demoted,
    /// Records were set aside.
    Orphaned,
}

/// One such line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Microseconds since 1970.
    pub(crate) at_us: u64,
    /// The node.
    pub(crate) node: NodeId,
    /// What it did.
    pub(crate) step: Step,
    /// In which group.
    pub(crate) group: GroupId,
    /// For which epoch.
    pub(crate) epoch: u64,
}

/// All marks of all nodes, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Timeline(Vec<Mark>);

/// When the groups of a move went through a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The first of them.
    pub(crate) first_us: u64,
    /// The last of them.
    pub(crate) last_us: u64,
    /// How many of them.
    pub(crate) groups: usize,
}

impl Timeline {
    /// Reads the log of each node.
    pub(crate) fn read<'a>(
        logs: impl IntoIterator<Item = (NodeId, &'a Path)>,
    ) -> anyhow::Result<Self> {
        let mut marks = Vec::new();
        for (node, path) in logs {
            let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            // A killed node may have left half a line.
            let text = String::from_utf8_lossy(&text);
            marks.extend(text.lines().filter_map(|line| mark(node, line)));
        }
        marks.sort();
        Ok(Self(marks))
    }

    /// When those of `groups` that went through `step` after `after_us` first did so.
    pub(crate) fn reached(
        &self,
        step: Step,
        groups: &BTreeSet<GroupId>,
        after_us: u64,
    ) -> Option<Reached> {
        let mut first: BTreeMap<GroupId, u64> = BTreeMap::new();
        for mark in self.after(after_us).filter(|mark| mark.step == step) {
            if groups.contains(&mark.group) {
                first.entry(mark.group).or_insert(mark.at_us);
            }
        }
        Some(Reached {
            first_us: *first.values().min()?,
            last_us: *first.values().max()?,
            groups: first.len(),
        })
    }

    /// When a group first answered commands after `after_us`.
    pub(crate) fn serving(&self, group: GroupId, after_us: u64) -> Option<u64> {
        let mut marks = self.after(after_us);
        let found = marks.find(|mark| mark.step == Step::Serving && mark.group == group);
        found.map(|mark| mark.at_us)
    }

    /// How often groups were opened from `after_us` on.
    pub(crate) fn opened(&self, after_us: u64) -> BTreeMap<GroupId, usize> {
        let mut counts = BTreeMap::new();
        for mark in self.after(after_us).filter(|mark| mark.step == Step::Opened) {
            *counts.entry(mark.group).or_default() += 1;
        }
        counts
    }

    fn after(&self, after_us: u64) -> impl Iterator<Item = &Mark> {
        self.0.iter().filter(move |mark| mark.at_us >= after_us)
    }
}

fn mark(node: NodeId, line: &str) -> Option<Mark> {
    let value: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| value.get(name)?.as_str();
    let step = match text("message")? {
        "promised" => Step::Promised,
        "sealed" => Step::Sealed,
        "home here" => Step::Opened,
        "serving" => Step::Serving,
        "no longer home" => Step::Demoted,
        "records set aside" => Step::Orphaned,
        _ => return None,
    };
    let group = GroupId(text("group")?.strip_prefix('g')?.parse().ok()?);
    let epoch = text("epoch")?.strip_prefix('e')?.parse().ok()?;
    Some(Mark { at_us: micros(text("timestamp")?)?, node, step, group, epoch })
}

/// Reads `2026-11-20T08:00:00.000001Z` as microseconds since 1970.
fn micros(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<u16>);
    let mut next = || date.next()?.ok();
    let (year, month, day) = (next()?, next()?, next()?);
    let date = payments_message::date::Date {
        year,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
    };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut seconds = 0;
    for part in whole.splitn(3, ':') {
        seconds = seconds * 60 + part.parse::<u64>().ok()?;
    }
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<u64>().ok()?;
    let days = u64::try_from(date.days()).ok()?;
    Some((days * 86_400 + seconds) * 1_000_000 + micros)
}

#[cfg(test)]
mod tests;
