//! `evenkeel bench`: figures by command, with the disk's own latency beside them.

mod disk;
mod journal;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use hdrhistogram::Histogram;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Commits per second of one group on three nodes: no HTTP, no XML, fsync on everywhere.
    Journal(JournalArgs),
}

/// How to measure the journal.
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// Commands in flight; one run for each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 256, 4096])]
    outstanding: Vec<usize>,
    /// Bytes of one command.
    #[arg(long, default_value_t = 256)]
    bytes: usize,
    /// Seconds of each run.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Folder for the nodes' logs, on the disk to be measured. Removed afterwards.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// One run.
pub(crate) struct Figures {
    pub(crate) outstanding: usize,
    pub(crate) seconds: f64,
    pub(crate) latency: Histogram<u64>,
}

/// Runs a benchmark and prints its table.
pub(crate) async fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Journal(args) => run_journal(args).await,
    }
}

async fn run_journal(args: &JournalArgs) -> Result<()> {
    let folder = scratch(args.dir.as_deref())?;
    let disk = disk::sync_latency(folder.path()).context("measure the disk")?;
    let all =
        journal::run(folder.path(), &args.outstanding, args.bytes, args.seconds).await?;
    println!(
        "three nodes in one process, w = 2, mutual TLS on loopback, fsync on; one group, commands \
         of {} bytes",
        args.bytes
    );
    println!("disk alone, overwrite 4 KiB + fdatasync, one at a time: {}", quantiles(&disk));
    let alone = 1e6 / disk.mean();
    println!();
    println!(
        "{:>11} {:>12} {:>9} {:>9} {:>9} {:>15}",
        "outstanding", "commits/s", "p50 µs", "p99 µs", "p99.9 µs", "x disk alone"
    );
    for figures in &all {
        let rate = as_f64(figures.latency.len()) / figures.seconds;
        println!(
            "{:>11} {:>12.0} {:>9} {:>9} {:>9} {:>15.2}",
            figures.outstanding,
            rate,
            figures.latency.value_at_quantile(0.5),
            figures.latency.value_at_quantile(0.99),
            figures.latency.value_at_quantile(0.999),
            rate / alone,
        );
    }
    Ok(())
}

/// A folder that is removed when it is dropped.
pub(crate) fn scratch(parent: Option<&std::path::Path>) -> Result<tempfile::TempDir> {
    let builder = || tempfile::Builder::new().prefix("evenkeel-bench-").to_owned();
    match parent {
        Some(parent) => builder().tempdir_in(parent),
        None => builder().tempdir(),
    }
    .context("make a folder for the benchmark")
}

/// p50, p99 and p99.9 in microseconds.
pub(crate) fn quantiles(latency: &Histogram<u64>) -> String {
    format!(
        "p50 {} µs, p99 {} µs, p99.9 {} µs",
        latency.value_at_quantile(0.5),
        latency.value_at_quantile(0.99),
        latency.value_at_quantile(0.999)
    )
}

/// Microseconds up to a minute, three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("the bounds are in order")
}

/// Whole microseconds.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A count as a number to divide with.
#[expect(clippy::cast_precision_loss, reason = "a rate needs three digits")]
pub(crate) const fn as_f64(count: u64) -> f64 {
    count as f64
}
