//! The command line as a whole: which subcommands there are, and what `--help` teaches.

use clap::{Parser, Subcommand};

use crate::exit::CODES;
use crate::operate::Operate;
use crate::{bench, cluster, demo, journal, node, validate};

/// Keeps payments running when a whole region is lost.
///
/// Three regions hold every record; two of them must have it on disk before anybody is told that it
/// is done. When a region dies, the others take over what it was home of, lose nothing and pay
/// nothing twice. Start with `evenkeel demo`.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, after_help = CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show three regions, one fault under load, and that nothing was lost.
    Demo(demo::Args),
    /// Make a new cluster: its authority, and a folder for each node.
    Cluster(cluster::Args),
    /// Run a node; or replace, add or remove one.
    Node(node::Args),
    #[command(flatten)]
    Operate(Operate),
    /// Check the folder of a node that is not running.
    Journal(journal::Args),
    /// Check payment messages without sending them.
    Payments(validate::Args),
    /// Measure, with the disk's own latency beside the figures.
    #[command(subcommand)]
    Bench(bench::Bench),
}
