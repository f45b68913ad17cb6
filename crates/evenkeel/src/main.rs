//! The `evenkeel` command: runs nodes, asks them, moves homes, checks folders, shows all of it.
//!
//! Every subcommand is a module of its own with its arguments and one `run`. What they share: how a
//! command ends ([`exit`]) and how it prints ([`output`]). Nothing here decides about groups or
//! money; that is done by the nodes, and this binary carries them.

mod bench;
mod cli;
mod cluster;
mod demo;
mod exit;
mod journal;
mod node;
mod node_file;
mod operate;
mod output;
mod validate;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

/// Payments allocate many short-lived buffers on several threads; the system's allocator is the
/// slower one for that by a measurable part.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let ended = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Operate(operate) => operate::run(&operate),
        Command::Cluster(args) => cluster::run(&args),
        Command::Node(args) => node::run(&args),
        Command::Journal(args) => journal::run(&args),
        Command::Payments(args) => validate::run(&args),
        Command::Bench(bench) => bench::run(&bench),
    };
    exit::code(ended)
}
