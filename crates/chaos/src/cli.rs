//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::faults::Kind;

/// Runs real nodes under faults and judges what their clients saw.
///
/// Three `evenkeel` processes in network namespaces; every packet and every write passes through this
/// program, which loses, delays, reorders and cuts, fills disks, slows them and cuts the power. In the
/// end a table says which faults were injected, what clients were told, and what does not hold.
#[derive(Debug, Parser)]
#[command(name = "chaos", after_help = CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The last lines of `--help`.
const CODES: &str = "\
Exit codes:
  0   nothing was found
  1   anomalies, or the run could not be carried out
  2   called wrongly
  77  skipped: this machine does not permit what a run needs; the reason is printed";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a cluster under faults and judge it.
    Run(Run),
    /// Print which faults a run would have, and when.
    Plan(Faults),
    /// Run with disks that lie about their fsyncs; succeeds if the judge finds it.
    Canary(Place),
    /// What the program starts itself with, in its enclosure.
    #[command(hide = true)]
    Inside(Inside),
}

/// A run.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) faults: Faults,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Which faults.
#[derive(Clone, Debug, Args)]
pub(crate) struct Faults {
    /// Where faults and load begin; by chance if not given.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// How long faults are injected. From 100 on, every kind comes at least once.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(5..=86_400))]
    pub(crate) seconds: u64,
    /// Only these kinds of faults.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Kind>,
}

/// Where things are.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The program under test; the one beside this one if not given.
    #[arg(long)]
    pub(crate) evenkeel: Option<PathBuf>,
    /// Keep the nodes' logs when nothing was found, too.
    #[arg(long)]
    pub(crate) keep: bool,
}

/// A run in its enclosure.
#[derive(Clone, Debug, Args)]
pub(crate) struct Inside {
    #[command(flatten)]
    pub(crate) faults: Faults,
    #[arg(long)]
    pub(crate) evenkeel: PathBuf,
    #[arg(long)]
    pub(crate) folder: PathBuf,
    #[arg(long)]
    pub(crate) lying_disks: bool,
}
