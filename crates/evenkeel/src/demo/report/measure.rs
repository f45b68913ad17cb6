//! How long things took: the phases of a move, and what clients waited.

use std::collections::{BTreeMap, BTreeSet};

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use types::GroupId;

use crate::demo::fault::Fault;
use crate::demo::load::told::{Record, Told};
use crate::demo::stage::Story;
use crate::demo::timeline::{Step, Timeline};
use crate::output::thousands;

/// The longest latency that is told apart, in microseconds.
const LATENCY_US_MAX: u64 = 600_000_000;

/// How long after a move's beginning its gap is looked for.
const GAP_WINDOW_US: u64 = 10_000_000;

/// When groups went through a phase, in microseconds after the fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// Which.
    pub(crate) name: &'static str,
    /// The first group, or ledger.
    pub(crate) first_us: u64,
    /// The last.
    pub(crate) last_us: u64,
}

/// A move of groups from one home to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    /// In order.
    pub(crate) phases: Vec<Phase>,
    /// From detection to the first good client transaction on the last of the ledgers; without
    /// ledgers in use among the groups, to the last group's first committed record.
    pub(crate) after_detection_us: Option<u64>,
    /// Whether the load has payments on a ledger that moved.
    pub(crate) has_ledgers: bool,
    /// The largest gap between good answers on one of the moved ledgers, less the usual one there.
    pub(crate) gap_us: Option<u64>,
    /// The usual gap on that ledger.
    pub(crate) usual_gap_us: u64,
    /// When all moved ledgers had answered a client again, microseconds since 1970.
    pub(crate) recovered_us: Option<u64>,
}

/// The latencies of messages that were due in one span of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Latency {
    name: &'static str,
    what: &'static str,
    histogram: Histogram<u64>,
}

impl Move {
    /// The move of the story, if groups moved in it.
    pub(crate) fn of(story: &Story, timeline: &Timeline, records: &[Record]) -> Option<Self> {
        let is_planned = matches!(story.fault, Fault::Planned { .. });
        if !is_planned && !story.fault.is_failover() {
            return None;
        }
        let began_us = story.began_us;
        let mut phases = Vec::new();
        if story.detected_us > 0 {
            let detected = story.detected_us - began_us;
            let name = "detected: a region asks for the groups";
            phases.push(Phase { name, first_us: detected, last_us: detected });
        }
        for (name, step) in [
            ("decided: a promise to refuse the old home is on disk", Step::Promised),
            ("sealed, and the chain copied", Step::Sealed),
            ("active: the register has opened the epoch", Step::Opened),
            ("serving: the epoch's first record is committed", Step::Serving),
        ] {
            if let Some(reached) = timeline.reached(step, &story.affected, began_us) {
                phases.push(Phase {
                    name,
                    first_us: reached.first_us - began_us,
                    last_us: reached.last_us - began_us,
                });
            }
        }
        let good = first_good(story, timeline, records);
        let recovered_us = good.values().copied().max();
        if let (Some(first), Some(last)) = (good.values().min(), recovered_us) {
            phases.push(Phase {
                name: "first good client transaction, by ledger",
                first_us: first - began_us,
                last_us: last - began_us,
            });
        }
        let has_ledgers = !moved_ledgers(story, records).is_empty();
        let serving = timeline.reached(Step::Serving, &story.affected, began_us);
        let over_us = match recovered_us {
            None if !has_ledgers => serving.map(|reached| reached.last_us),
            over_us => over_us,
        };
        let detected_us = Some(story.detected_us).filter(|us| *us > 0);
        let after_detection_us =
            detected_us.zip(over_us).map(|(detected, over)| over.saturating_sub(detected));
        let gaps = moved_ledgers(story, records)
            .into_iter()
            .filter_map(|currency| gap(currency, began_us, records));
        let widest = gaps.max();
        Some(Self {
            phases,
            after_detection_us,
            has_ledgers,
            gap_us: widest.map(|(gap, _)| gap),
            usual_gap_us: widest.map_or(0, |(_, usual)| usual),
            recovered_us: over_us,
        })
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let phase = |phase: &Phase| {
            json!({
                "name": phase.name,
                "first_us_after_fault": phase.first_us,
                "last_us_after_fault": phase.last_us,
            })
        };
        json!({
            "phases": self.phases.iter().map(phase).collect::<Vec<_>>(),
            "after_detection_us": self.after_detection_us,
            "largest_gap_less_usual_us": self.gap_us,
            "usual_gap_us": self.usual_gap_us,
        })
    }
}

/// The ledgers of the load whose groups the fault hit.
fn moved_ledgers(story: &Story, records: &[Record]) -> BTreeSet<GroupId> {
    let ledgers = records.iter().filter_map(|record| record.sending.ledger);
    ledgers.filter(|ledger| story.affected.contains(ledger)).collect()
}

/// For each moved ledger, when a client first had a decision from its new home.
fn first_good(story: &Story, timeline: &Timeline, records: &[Record]) -> BTreeMap<GroupId, u64> {
    let mut first = BTreeMap::new();
    for ledger in moved_ledgers(story, records) {
        let Some(serving_us) = timeline.serving(ledger, story.began_us) else {
            continue;
        };
        // A duplicate may be answered by any region that has heard of the first: it shows nothing.
        let good = records.iter().filter(|record| {
            record.sending.ledger == Some(ledger)
                && record.sending.of.is_none()
                && matches!(record.told, Told::Decided(_))
                && record.told_us >= serving_us
        });
        if let Some(at_us) = good.map(|record| record.told_us).min() {
            first.insert(ledger, at_us);
        }
    }
    first
}

/// The largest gap between good answers on a ledger after `began_us` less the usual one before, and
/// the usual one.
fn gap(ledger: GroupId, began_us: u64, records: &[Record]) -> Option<(u64, u64)> {
    let good = records.iter().filter(|record| {
        record.sending.ledger == Some(ledger) && matches!(record.told, Told::Decided(_))
    });
    let mut times: Vec<u64> = good.map(|record| record.told_us).collect();
    times.sort_unstable();
    let gaps: Vec<(u64, u64)> = times
        .windows(2)
        .filter_map(|pair| match pair {
            [one, other] => Some((*other, other - one)),
            _ => None,
        })
        .collect();
    let mut before: Vec<u64> =
        gaps.iter().filter(|(end, _)| *end < began_us).map(|(_, gap)| *gap).collect();
    before.sort_unstable();
    let usual = before.get(before.len() / 2).copied()?;
    let window = began_us..began_us + GAP_WINDOW_US;
    let largest = gaps.iter().filter(|(end, _)| window.contains(end)).map(|(_, gap)| *gap).max()?;
    Some((largest.saturating_sub(usual), usual))
}

/// Latencies before, during and after what the story tells.
pub(crate) fn latencies(story: &Story, moved: Option<&Move>, records: &[Record]) -> Vec<Latency> {
    let over_us = moved.and_then(|moved| moved.recovered_us).unwrap_or(story.ended_us);
    let spans = if story.fault == Fault::None {
        vec![("  throughout", "no fault", 0..u64::MAX)]
    } else {
        vec![
            ("  before", "due before the fault", 0..story.began_us),
            ("  during", "due until clients were served again", story.began_us..over_us),
            ("  after", "due after that", over_us..u64::MAX),
        ]
    };
    let latency = |(name, what, span): (&'static str, &'static str, std::ops::Range<u64>)| {
        let mut histogram =
            Histogram::new_with_max(LATENCY_US_MAX, 3).expect("the bounds are constants");
        for record in records.iter().filter(|record| span.contains(&record.due_us)) {
            if record.told.is_final() {
                histogram.saturating_record(record.told_us.saturating_sub(record.due_us));
            }
        }
        Latency { name, what, histogram }
    };
    spans.into_iter().map(latency).collect()
}

impl Latency {
    /// For people.
    pub(crate) fn row(&self) -> [String; 7] {
        let at = |quantile| ms(self.histogram.value_at_quantile(quantile));
        let (messages, longest) = (thousands(self.histogram.len()), ms(self.histogram.max()));
        let (name, what) = (self.name.to_owned(), self.what.to_owned());
        [name, messages, at(0.5), at(0.99), at(0.999), longest, what]
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "span": self.name.trim(),
            "messages": self.histogram.len(),
            "p50_us": self.histogram.value_at_quantile(0.5),
            "p99_us": self.histogram.value_at_quantile(0.99),
            "p999_us": self.histogram.value_at_quantile(0.999),
            "max_us": self.histogram.max(),
        })
    }
}

/// Microseconds as milliseconds with one decimal.
pub(crate) fn ms(us: u64) -> String {
    format!("{}.{} ms", thousands(us / 1_000), us % 1_000 / 100)
}
