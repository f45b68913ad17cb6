//! What a run came to, as a table for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::faults::{Injected, Kind};
use crate::judge::Judgement;
use crate::load::{History, Told, outcome};
use crate::net::Packets;
use lincheck::models::Told as Money;

/// All that a report is made of.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// The run's seed.
    pub(crate) seed: u64,
    /// How long faults were injected.
    pub(crate) seconds: u64,
    /// What was done.
    pub(crate) injected: Injected,
    /// Kinds of faults that cannot be made here.
    pub(crate) left_out: Vec<Kind>,
    /// What became of packets.
    pub(crate) packets: Packets,
    /// What clients saw.
    pub(crate) history: History,
    /// Outcomes that were open when the faults were over.
    pub(crate) resolved: usize,
    /// How nodes ended by themselves.
    pub(crate) ends: Vec<String>,
    /// Writes of nodes that found no room.
    pub(crate) refused_writes: u64,
    /// How often nodes were started.
    pub(crate) starts: u64,
    /// Runs of records that nodes have set aside.
    pub(crate) orphans: u64,
    /// What the judge said.
    pub(crate) judgement: Judgement,
    /// How many doctored copies the judge was shown.
    pub(crate) doctored: usize,
}

/// Anomalies that are shown; the rest is counted.
const SHOWN_MAX: usize = 40;

impl Facts {
    /// The report.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut put = |text: String| {
            // Writing to a String does not fail.
            let _infallible = writeln!(out, "{text}").is_err();
        };
        put(format!("\nchaos: seed {}, {} s of faults", self.seed, self.seconds));
        put("faults injected".to_owned());
        for (kind, count) in &self.injected.counts {
            put(row(&kind.to_string(), *count));
        }
        for kind in &self.left_out {
            put(format!("  {:<34} not here: no FUSE", kind.to_string()));
        }
        let Packets { passed, cut, lost, duplicated, overtaking } = self.packets;
        put("what they did".to_owned());
        for (what, count) in [
            ("packets passed", passed),
            ("  of them twice", duplicated),
            ("  of them overtaking others", overtaking),
            ("packets lost by chance", lost),
            ("packets swallowed by cuts", cut),
            ("sectors and names lost to power cuts", self.injected.lost_sectors),
            ("writes that found no room", self.refused_writes),
            ("starts of nodes", self.starts),
            ("nodes that took themselves out", self.ends.len() as u64),
            ("runs of records set aside", self.orphans),
        ] {
            put(row(what, count));
        }
        put("operations".to_owned());
        for (what, count) in self.operations() {
            put(row(what, count));
        }
        put("judged".to_owned());
        let Judgement { anomalies, searched, too_wide, operations } = &self.judgement;
        put(row("operations in histories", *operations));
        put(row("histories shown linearizable", *searched));
        put(row("  too wide: shown by their stamps", *too_wide));
        put(row("doctored copies that were found", self.doctored as u64));
        if anomalies.is_empty() {
            put("anomalies: none".to_owned());
        } else {
            put(format!("anomalies: {}", anomalies.len()));
            for anomaly in anomalies.iter().take(SHOWN_MAX) {
                put(format!("  {anomaly}"));
            }
        }
        out
    }

    fn operations(&self) -> Vec<(&'static str, u64)> {
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        for attempt in &self.history.attempts {
            let what = match &attempt.told {
                Told::Decided(answer) => match outcome(answer) {
                    Some(Money::Settled) => "settled",
                    Some(Money::Short) => "short",
                    Some(Money::Stands(_)) | None => "other",
                },
                Told::NotDone { .. } => "not done",
                Told::Unknown { .. } => "unknown",
                Told::Wrong { .. } => "wrong",
            };
            *counts.entry(what).or_default() += 1;
        }
        let count = |what: &str| counts.get(what).copied().unwrap_or_default();
        let found = self.history.looks.iter().filter(|look| look.found.is_some()).count() as u64;
        let linearizable =
            self.history.reads.iter().filter(|read| read.is_linearizable).count() as u64;
        vec![
            ("payments", self.history.payments.len() as u64),
            ("submissions: settled", count("settled")),
            ("submissions: not enough funds", count("short")),
            ("submissions: certainly not done", count("not done")),
            ("submissions: unknown", count("unknown")),
            ("  open when the faults were over", self.resolved as u64),
            ("submissions: anything else", count("other") + count("wrong")),
            ("accounts read", self.history.reads.len() as u64),
            ("  of these linearizable", linearizable),
            ("answers looked up", found),
            ("  not known there yet", self.history.looks.len() as u64 - found),
            ("reads and look-ups not answered", self.history.unanswered),
        ]
    }
}

fn row(what: &str, count: u64) -> String {
    format!("  {what:<38} {count:>8}")
}
