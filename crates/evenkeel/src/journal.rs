//! `evenkeel journal verify`: is a folder whole, and where does each group's chain end?
//!
//! Reads only. What storage can tell (checksums, superblock copies, torn or corrupt places) comes
//! from [`storage::verify`]; this adds what storage never looks at: that every record can be read
//! and continues its group's chain ([`chains`]).

mod chains;

use std::fs;
use std::path::{Path, PathBuf};

use ::journal::scan::Verdict;
use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use storage::{CopyState, Report};
use types::GroupId;
use wire::Fault;
use wire::log::Kind;

use crate::exit::{Ended, Exit, Failure, OrExit as _};
use crate::output::{self, Output, Table, thousands};
use chains::{Chains, Finding, Group};

/// Arguments of `journal`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Check a data folder, offline and without changing it.
    ///
    /// Walks every segment, checks every record's checksum and that each continues the hash chain of
    /// its group, and prints where each chain ends: two nodes with the same head have the same
    /// history. Where old records were trimmed, a chain goes on from the record of a snapshot; the files
    /// of all snapshots are checked too. A torn last write is no damage: nobody was told of it. Records
    /// that are damaged are fetched from the other nodes when the node starts; they and what the
    /// superblock knows to be missing are shown. Exit code 1 if anything is damaged or missing.
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct Verify {
    /// The folder that `data` names in the node's configuration.
    dir: PathBuf,
    /// Only what is wrong and the totals, not a line per group.
    #[arg(long)]
    brief: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Ended {
    match &args.verb {
        Verb::Verify(args) => verify(args),
    }
}

/// What a check found.
#[derive(Debug)]
struct Checked {
    report: Report,
    chains: Chains,
    findings: Vec<Finding>,
}

impl Checked {
    /// Whether a node would start from the folder with all that it acknowledged.
    fn holds(&self) -> bool {
        let mut groups = self.chains.groups();
        self.report.sound()
            && self.findings.is_empty()
            && groups.all(|(_, group)| group.missing() == 0 && group.faults().is_empty())
    }
}

/// The verdict on a folder in a line.
#[derive(Debug)]
pub(crate) struct Summary {
    /// Whether it is sound.
    pub(crate) holds: bool,
    /// What was found, in a line.
    pub(crate) summary: String,
}

fn verify(args: &Verify) -> Ended {
    if !args.dir.is_dir() {
        let error = anyhow!("{} is not a folder", args.dir.display());
        return Err(Failure::new(Exit::Usage, error));
    }
    let progress = progress(&args.dir);
    let checked = walk(&args.dir, &progress);
    progress.finish_and_clear();
    let checked = checked.or_exit(Exit::Usage)?;
    match args.output {
        Output::Json => output::json(&document(&checked)),
        Output::Table => output::print(&text(&checked, args.brief)),
    }
    Ok(if checked.holds() { Exit::Ok } else { Exit::Failed })
}

/// Checks a folder and says in a line what was found.
pub(crate) fn check(dir: &Path) -> anyhow::Result<Summary> {
    let checked = walk(dir, &ProgressBar::hidden())?;
    let records: u64 = checked.chains.groups().map(|(_, group)| group.seq()).sum();
    let problems = checked.report.problems.iter().map(ToString::to_string);
    let findings = checked.findings.iter().map(ToString::to_string);
    let mut parts = vec![format!("{} records in chains", thousands(records))];
    parts.push(verdict(&checked.report));
    parts.extend(problems.chain(findings));
    Ok(Summary { holds: checked.holds(), summary: parts.join("; ") })
}

fn walk(dir: &Path, progress: &ProgressBar) -> anyhow::Result<Checked> {
    let digest = |group, seq| storage::snapshot_digest(dir, group, seq);
    let mut chains = Chains::new(chains::metas(dir), digest);
    let report = storage::verify(dir, &mut |record, standing| {
        if matches!(record.kind, Kind::Group | Kind::Repair) {
            chains.record(record.at, record.payload, standing);
        }
        progress.set_position(record.at.0);
    });
    let report = report.with_context(|| format!("cannot check {}", dir.display()))?;
    let findings = chains.finish();
    Ok(Checked { report, chains, findings })
}

/// A bar over the bytes of all segments; hidden when nobody watches.
fn progress(dir: &Path) -> ProgressBar {
    let files = fs::read_dir(dir.join("wal")).into_iter().flatten().flatten();
    let bytes = files.filter_map(|file| Some(file.metadata().ok()?.len())).sum();
    let bar = ProgressBar::new(bytes);
    let style = "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is a constant"));
    bar
}

fn verdict(report: &Report) -> String {
    match report.verdict {
        Verdict::Clean => "clean".into(),
        Verdict::Torn => "torn: the last write was cut short, and nobody was told of it".into(),
        Verdict::Corrupt(_) => {
            "CORRUPT: acknowledged records are damaged or missing; a start fetches them from the others"
                .into()
        }
    }
}

fn text(checked: &Checked, brief: bool) -> String {
    let Checked { report, chains, findings } = checked;
    let mut out = String::new();
    if !brief {
        let mut table = Table::new([
            "group", "epoch", "promised", "from", "to", "commands", "snapshot", "head", "orphans",
        ]);
        for (id, group) in chains.groups() {
            table.row([
                id.to_string(),
                group.epoch().to_string(),
                group.promised().to_string(),
                group.base().next().to_string(),
                group.seq().to_string(),
                thousands(group.commands),
                group.snapshot().to_string(),
                format!("{}@{}", group.head(), group.seq()),
                group.orphaned.to_string(),
            ]);
        }
        out.push_str(&table.render());
        out.push('\n');
    }
    let mut line = |what: &str, is: String| out.push_str(&format!("{what:<12}{is}\n"));
    if let Some(identity) = report.identity {
        line("node", identity.node.to_string());
    }
    let (segments, bytes) = (report.segments.len(), report.end.0);
    line("log", format!("{segments} segments, {} bytes in use", thousands(bytes)));
    if let Some(first) = report.segments.first().filter(|one| one.first.0 > 0) {
        let from = thousands(first.first.0);
        line("trimmed", format!("the log begins at byte {from}; before that, snapshots stand in"));
    }
    let sum = |of: fn(&storage::SegmentReport) -> u64| report.segments.iter().map(of).sum::<u64>();
    line(
        "records",
        format!(
            "{} of groups, {} of the register, {} pulses",
            thousands(sum(|s| s.group)),
            thousands(sum(|s| s.register)),
            thousands(sum(|s| s.pulse))
        ),
    );
    match &report.superblock {
        None => line("superblock", "NOT READABLE".into()),
        Some((superblock, copies)) => {
            let good = copies.iter().filter(|copy| **copy == CopyState::Current).count();
            line(
                "superblock",
                format!("version {}, {good} of 4 copies current", superblock.version),
            );
        }
    }
    line("end", verdict(report));
    for gap in &report.gaps {
        line(if gap.acknowledged { "CORRUPT" } else { "torn" }, place(gap));
    }
    for problem in &report.problems {
        line("PROBLEM", problem.to_string());
    }
    for finding in findings {
        line("CHAIN", finding.to_string());
    }
    for (id, group) in chains.groups() {
        for fault in group.faults() {
            line("FAULT", format!("{id}: {}", range(fault)));
        }
    }
    let records: u64 = chains.unexplained();
    if records > 0 {
        line(
            "note",
            format!("{records} records of no epoch in the table, not itemised as orphans"),
        );
    }
    line("verdict", if checked.holds() { "sound" } else { "NOT SOUND" }.into());
    out
}

/// What the superblock says that the node cannot read.
fn range(fault: &Fault) -> String {
    match fault.last {
        Some(last) => format!("records {} to {last} cannot be read", fault.first),
        None => format!("records from {} on may have been held and are gone", fault.first),
    }
}

fn place(gap: &storage::Gap) -> String {
    let from = match &gap.place {
        Some((path, offset)) => format!("{} at byte {offset}", path.display()),
        None => format!("byte {} of the log", gap.from.0),
    };
    match gap.until {
        Some(until) => format!("{from}, {} bytes; records follow", until.0 - gap.from.0),
        None => format!("{from}; no record follows"),
    }
}

fn document(checked: &Checked) -> Value {
    let Checked { report, chains, findings } = checked;
    let group = |(id, group): (GroupId, &Group)| {
        json!({
            "group": id.0,
            "epoch": group.epoch().0,
            "promised": group.promised().0,
            "trimmed_seq": group.base().0,
            "snapshot_seq": group.snapshot().0,
            "seq": group.seq(),
            "commands": group.commands,
            "head": hex(&group.head().0),
            "orphans": group.orphaned,
            "unexplained": group.unexplained,
            "missing": group.missing(),
            "faults": group.faults().iter().map(range).collect::<Vec<_>>(),
        })
    };
    let gap = |gap: &storage::Gap| {
        json!({
            "from": gap.from.0,
            "until": gap.until.map(|until| until.0),
            "place": place(gap),
            "acknowledged": gap.acknowledged,
        })
    };
    json!({
        "node": report.identity.map(|identity| identity.node.0),
        "sound": checked.holds(),
        "end": { "position": report.end.0, "verdict": verdict(report) },
        "segments": report.segments.len(),
        "superblock": report.superblock.as_ref().map(|(superblock, copies)| json!({
            "version": superblock.version,
            "current_copies": copies.iter().filter(|copy| **copy == CopyState::Current).count(),
        })),
        "gaps": report.gaps.iter().map(gap).collect::<Vec<_>>(),
        "problems": report.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "chain_findings": findings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "groups": chains.groups().map(group).collect::<Vec<_>>(),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
