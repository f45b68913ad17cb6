//! The report of a demo: what was sent, what came of it, how long it took, and every claim with its
//! verdict.

mod claims;
mod measure;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::check::{Held, Recomputed, acknowledged, duplicates};
use super::fault::Fault;
use super::load::cast::Opening;
use super::load::script::Kind;
use super::load::told::{Record, Told};
use super::region::Region;
use super::stage::Story;
use super::timeline::Timeline;
use crate::output::{Table, thousands};
use claims::Claim;
use measure::{Latency, Move};

/// All that a report is made from.
pub(crate) struct Facts<'a> {
    pub(crate) regions: &'a [Region],
    pub(crate) fault: Fault,
    pub(crate) story: &'a Story,
    pub(crate) records: &'a [Record],
    pub(crate) openings: &'a [Opening],
    pub(crate) held: &'a Held,
    /// The verdict on each region's folder; `None` if the nodes still run.
    pub(crate) journals: Option<&'a [(String, Result<String, String>)]>,
    pub(crate) timeline: &'a Timeline,
    /// The longest round trip between two regions.
    pub(crate) round_trip_us: u32,
    pub(crate) seed: u64,
    pub(crate) rate: u32,
    /// Files of the input folder that were not sent.
    pub(crate) skipped: usize,
}

/// The finished report.
#[derive(Debug)]
pub(crate) struct Report {
    /// For programs.
    pub(crate) document: Value,
    title: String,
    counts: Vec<(String, String)>,
    moved: Option<Move>,
    latencies: Vec<Latency>,
    claims: Vec<Claim>,
}

/// How many messages came to what.
#[derive(Debug, Default)]
struct Counts {
    /// By kind, of what the load sent.
    kinds: BTreeMap<Kind, usize>,
    /// Refused before any ledger was asked, by reason.
    refused: BTreeMap<String, usize>,
    acknowledged: usize,
    resolved: usize,
    open: usize,
    attempts: u64,
}

impl Counts {
    fn new(records: &[Record]) -> Self {
        let mut counts = Self { acknowledged: acknowledged(records).len(), ..Self::default() };
        for record in records {
            *counts.kinds.entry(record.sending.kind).or_default() += 1;
            counts.attempts += u64::from(record.attempts);
            counts.open += usize::from(!record.told.is_final());
            let is_late = record.was_unknown || record.is_resolved_later;
            counts.resolved += usize::from(record.told.is_final() && is_late);
            if let Told::Refused { reasons, .. } = &record.told {
                let reason = reasons.first().cloned().unwrap_or_default();
                *counts.refused.entry(reason).or_default() += 1;
            }
        }
        counts
    }
}

impl Report {
    /// Works everything out.
    pub(crate) fn make(facts: Facts<'_>) -> Self {
        let names: Vec<String> = facts.regions.iter().map(|region| region.name.clone()).collect();
        let recomputed = Recomputed::new(facts.openings, facts.records);
        let counts = Counts::new(facts.records);
        let moved = Move::of(facts.story, facts.timeline, facts.records);
        let latencies = measure::latencies(facts.story, moved.as_ref(), facts.records);
        let claims = claims::all(&facts, &recomputed, moved.as_ref());
        let list = lines(&facts, &counts, &recomputed);
        let document = json!({
            "fault": facts.fault.text(&names),
            "regions": names,
            "seed": facts.seed,
            "rate_per_s": facts.rate,
            "holds": claims.iter().all(|claim| claim.holds),
            "claims": claims.iter().map(Claim::json).collect::<Vec<_>>(),
            "counts": list.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
            "settled_payments": recomputed.settled,
            "rejected_payments_by_reason": recomputed.rejected,
            "refused_messages_by_reason": counts.refused,
            "sent_by_kind": by_kind(&counts),
            "move": moved.as_ref().map(Move::json),
            "latency": latencies.iter().map(Latency::json).collect::<Vec<_>>(),
            "orphans": facts.held.orphans,
            "books": facts.held.books,
            "times_us": {
                "fault_began": facts.story.began_us,
                "fault_ended": facts.story.ended_us,
                "caught_up": facts.story.back_us,
            },
        });
        let title = format!("Three regions: {}", facts.fault.text(&names));
        Self { document, title, counts: list, moved, latencies, claims }
    }

    /// Whether every claim holds.
    pub(crate) fn holds(&self) -> bool {
        self.claims.iter().all(|claim| claim.holds)
    }

    /// For people.
    pub(crate) fn text(&self, evidence: &Path) -> String {
        let mut out = format!("\n{}\n\n", self.title);
        for (name, value) in &self.counts {
            out.push_str(&format!("  {name:<36}{value}\n"));
        }
        if let Some(moved) = &self.moved {
            out.push_str(&format!("\n  {:<52}{:>12}{:>12}\n", "after the fault", "first", "last"));
            for phase in &moved.phases {
                let (first, last) = (measure::ms(phase.first_us), measure::ms(phase.last_us));
                out.push_str(&format!("  {:<52}{first:>12}{last:>12}\n", phase.name));
            }
        }
        let mut table =
            Table::new(["  latency", "messages", "p50", "p99", "p99.9", "longest", "of what"]);
        for latency in &self.latencies {
            table.row(latency.row());
        }
        out.push('\n');
        out.push_str(&table.render());
        out.push('\n');
        for claim in &self.claims {
            let verdict = if claim.holds { "pass" } else { "FAIL" };
            out.push_str(&format!("  {verdict}  {}: {}\n", claim.name, claim.because));
        }
        let failed = self.claims.iter().filter(|claim| !claim.holds).count();
        let all = self.claims.len();
        out.push_str(&match failed {
            0 => format!("\nAll {all} claims hold."),
            _ => format!("\n{failed} of {all} claims DO NOT HOLD."),
        });
        out.push_str(&format!(" The evidence is in {}\n", evidence.display()));
        out
    }
}

fn by_kind(counts: &Counts) -> BTreeMap<&'static str, usize> {
    counts.kinds.iter().map(|(kind, count)| (kind.name(), *count)).collect()
}

fn lines(facts: &Facts<'_>, counts: &Counts, recomputed: &Recomputed) -> Vec<(String, String)> {
    let number = |count: usize| thousands(count as u64);
    let listed = |map: &BTreeMap<String, u64>| {
        let parts = map.iter().map(|(reason, count)| format!("{reason} {}", thousands(*count)));
        parts.collect::<Vec<_>>().join(", ")
    };
    let refused: BTreeMap<String, u64> =
        counts.refused.iter().map(|(reason, count)| (reason.clone(), *count as u64)).collect();
    let kinds: Vec<String> =
        by_kind(counts).into_iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let (repeats, other) = duplicates(facts.records);
    let conflicts = counts.kinds.get(&Kind::Conflict).copied().unwrap_or_default();
    let rejected: u64 = recomputed.rejected.values().sum();
    let orphans: u64 =
        facts.held.orphans.iter().filter_map(|one| one.get("records")?.as_u64()).sum();
    let mut lines = vec![
        ("messages sent", format!("{} ({})", number(facts.records.len()), kinds.join(", "))),
        ("requests made for them", thousands(counts.attempts)),
        ("messages acknowledged", format!("{} different ones", number(counts.acknowledged))),
        ("payments settled", thousands(recomputed.settled)),
        (
            "payments rejected",
            format!("{} ({})", thousands(rejected), listed(&recomputed.rejected)),
        ),
        ("messages refused before a ledger", listed(&refused)),
        ("duplicates answered as at first", format!("{} of {repeats}", repeats - other.len())),
        ("contradictions sent", number(conflicts)),
        ("unknown for a while, then resolved", number(counts.resolved)),
        ("unknown in the end", number(counts.open)),
        ("acknowledged and lost", number(facts.held.missing.len())),
        ("records set aside (orphans)", thousands(orphans)),
    ];
    if facts.skipped > 0 {
        lines.push(("files skipped", number(facts.skipped)));
    }
    lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Writes the report, a line for every message, and the configurations into the evidence folder.
pub(crate) fn leave(
    evidence: &Path,
    report: &Report,
    records: &[Record],
    regions: &[Region],
) -> anyhow::Result<()> {
    let write = |name: &str, text: &[u8]| {
        let path = evidence.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("report.json", format!("{:#}\n", report.document).as_bytes())?;
    let mut lines = Vec::new();
    for record in records {
        let sending = &record.sending;
        let line = json!({
            "number": sending.number,
            "kind": sending.kind.name(),
            "repeats": sending.of,
            "region": regions.get(sending.region).map(|region| region.name.as_str()),
            "message": sending.name,
            "file": sending.file,
            "due_us": record.due_us,
            "told_us": record.told_us,
            "attempts": record.attempts,
            "was_unknown": record.was_unknown,
            "resolved_after_load": record.is_resolved_later,
            "told": record.told.summary(),
        });
        writeln!(lines, "{line}").context("memory takes all text")?;
    }
    write("requests.jsonl", &lines)?;
    for region in regions {
        let config = fs::read(region.folder.join("node.yaml"));
        write(&format!("{}.yaml", region.name), &config.context("a region's configuration")?)?;
    }
    Ok(())
}
