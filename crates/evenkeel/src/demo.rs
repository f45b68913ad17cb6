//! `evenkeel demo`: three regions, real payments, one fault, and the proof that nothing was lost.
//!
//! Every region is a process of this same binary with ports and folders of its own. All that passes
//! between regions takes its time on wires in this process, which can also be cut. While clients of
//! all regions send payments at a fixed rate, the chosen fault happens and later ends; then every
//! claim is checked against what the regions hold, and the evidence is left behind.

mod ask;
mod check;
mod fault;
mod flow;
mod folder;
mod latency;
mod load;
mod money;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod region;
mod report;
mod room;
mod say;
pub(crate) mod stage;
mod timeline;
mod wires;

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context as _, anyhow};
use runtime::Span;
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

/// Arguments of `demo`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// The regions, in order; each is home of a third of the groups.
    #[arg(long, value_delimiter = ',', default_value = "eu-west-1,eu-central-1,us-east-1")]
    regions: Vec<String>,
    /// A matrix of round trips between regions in milliseconds; without it, three are built in.
    #[arg(long, value_name = "FILE")]
    latency: Option<PathBuf>,
    /// Messages per second, over all regions.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// How long the load runs; the fault comes after a third of it, and its end after two.
    #[arg(long = "for", value_name = "TIME", default_value = "20s")]
    length: Span,
    /// Which region is killed with SIGKILL: its name, or `none`.
    #[arg(long, value_name = "REGION", conflicts_with_all = ["planned", "fault"])]
    kill: Option<String>,
    /// Instead of a fault, move all groups of the first region to the second by plan.
    #[arg(long, conflicts_with = "fault")]
    planned: bool,
    /// Another fault: `stop[:REGION]` freezes a region's process and thaws it after it was replaced;
    /// `cut:A-B` cuts the link between two regions; `isolate[:REGION]` cuts all links of one;
    /// `kill2[:A-B]` kills two regions. Without names, the first ones.
    #[arg(long, value_name = "FAULT")]
    fault: Option<String>,
    /// Send the pacs.008 files of this folder, over and over, instead of generated messages.
    #[arg(long, value_name = "DIR")]
    input: Option<PathBuf>,
    /// Where to work; it must be empty or not exist. Without it, a folder for temporary files is
    /// used, of which only the evidence is left in the end.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// First of six ports in a row for the regions; without it, free ones are found.
    #[arg(long, value_name = "PORT")]
    base_port: Option<u16>,
    /// When all is checked, leave the regions running until Ctrl-C, and print how to talk to them.
    #[arg(long)]
    keep: bool,
    /// What the generated load follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How to print the report. Progress goes to standard error either way.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Runs it.
pub(crate) fn run(args: &Args) -> Ended {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let kept = OnceLock::new();
        // Whatever ends first drops the other: children are killed and folders removed.
        let by = tokio::select! {
            ended = flow::run(args, &kept) => return ended,
            _ = interrupt.recv() => "Ctrl-C",
            _ = terminate.recv() => "SIGTERM",
            _ = hangup.recv() => "SIGHUP",
        };
        kept.get().copied().ok_or_else(|| interrupted(by))
    })
}

fn interrupted(by: &str) -> Failure {
    let error = anyhow!("{by}: the regions were stopped and their folders removed");
    Failure::new(Exit::Failed, error)
}
