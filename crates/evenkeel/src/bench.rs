//! `evenkeel bench`: figures by command, with the disk's own latency beside them.

mod disk;
mod journal;
mod payments;
mod snapshot;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use hdrhistogram::Histogram;

use crate::exit::{Ended, Exit};
use crate::output;
use payments::{Class, Spread};

/// What to measure.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Bench {
    /// Commits per second of one group on three nodes: no HTTP, no XML, fsync on everywhere.
    Journal(JournalArgs),
    /// pacs.008 messages per second over HTTP with three regions on this machine.
    Payments(PaymentsArgs),
    /// What a start costs and what a snapshot: replay, the pauses of the core thread, taking in.
    Snapshot(SnapshotArgs),
}

/// How much state to measure snapshots with.
#[derive(Clone, Debug, Args)]
pub(crate) struct SnapshotArgs {
    /// Payments of one group.
    #[arg(long, default_value_t = 200_000)]
    payments: u64,
    /// Its accounts.
    #[arg(long, default_value_t = 10_000)]
    accounts: u64,
}

/// How to measure the journal.
#[derive(Clone, Debug, Args)]
pub(crate) struct JournalArgs {
    /// Commands in flight; one run for each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 256, 4096])]
    outstanding: Vec<usize>,
    /// Bytes of one command.
    #[arg(long, default_value_t = 256)]
    bytes: usize,
    #[command(flatten)]
    common: Common,
}

/// How to measure payments.
#[derive(Clone, Debug, Args)]
pub(crate) struct PaymentsArgs {
    /// Clients, each with one connection and one message in flight; one run for each number.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
    clients: Vec<usize>,
    /// Where clients send what: to their own region, or to the home of the currency.
    #[arg(long, value_enum, default_value_t = Spread::Any)]
    spread: Spread,
    /// Of which class the ledgers are.
    #[arg(long, value_enum, default_value_t = Class::Sync)]
    class: Class,
    #[command(flatten)]
    common: Common,
}

/// What all benchmarks are told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    /// Seconds of each run.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Folder to work in, on the disk to be measured. What is made there is removed afterwards.
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
pub(crate) fn run(bench: &Bench) -> Ended {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        match bench {
            Bench::Journal(args) => {
                let what = format!(
                    "commits: three nodes in one process, w = 2, mutual TLS on loopback, fsync on; \
                     one group, commands of {} bytes",
                    args.bytes
                );
                let (disk, folder) = prepare(&args.common)?;
                let seconds = args.common.seconds;
                let all =
                    journal::run(folder.path(), &args.outstanding, args.bytes, seconds).await?;
                print(&what, "outstanding", &disk, &all);
            }
            Bench::Payments(args) => {
                let what = format!(
                    "payments: three regions as three processes, no delay between them, w = 2, \
                     fsync on; pacs.008.001.08 with one payment each over HTTP, answered {}; clients \
                     spread: {}",
                    match args.class {
                        Class::Sync => "once committed",
                        Class::Async => "from the home's disk",
                    },
                    match args.spread {
                        Spread::Any => "everywhere, two of three messages are handed over",
                        Spread::Home => "at the homes",
                    }
                );
                let (disk, folder) = prepare(&args.common)?;
                let (clients, seconds) = (&args.clients, args.common.seconds);
                let all = payments::run(folder.path(), clients, args.spread, args.class, seconds).await?;
                print(&what, "clients", &disk, &all);
            }
            Bench::Snapshot(args) => snapshot::run(args.payments, args.accounts)?,
        }
        Ok(Exit::Ok)
    })
}

/// A folder to work in and what its disk can do.
fn prepare(common: &Common) -> Result<(Histogram<u64>, tempfile::TempDir)> {
    let folder = scratch(common.dir.as_deref())?;
    let disk = disk::sync_latency(folder.path()).context("measure the disk")?;
    Ok((disk, folder))
}

fn print(what: &str, column: &str, disk: &Histogram<u64>, all: &[Figures]) {
    output::line(what);
    let alone = quantiles(disk);
    output::line(&format!("disk alone, overwrite 4 KiB + fdatasync, one at a time: {alone}\n"));
    let alone = 1e6 / disk.mean();
    output::line(&format!(
        "{column:>11} {:>12} {:>9} {:>9} {:>9} {:>15}",
        "per second", "p50 µs", "p99 µs", "p99.9 µs", "x disk alone"
    ));
    for figures in all {
        let rate = as_f64(figures.latency.len()) / figures.seconds;
        output::line(&format!(
            "{:>11} {:>12.0} {:>9} {:>9} {:>9} {:>15.2}",
            figures.outstanding,
            rate,
            figures.latency.value_at_quantile(0.5),
            figures.latency.value_at_quantile(0.99),
            figures.latency.value_at_quantile(0.999),
            rate / alone,
        ));
    }
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
