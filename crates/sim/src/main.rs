//! The command line of the simulator: many seeds, one seed twice, one seed told aloud, all canaries.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sim::Canary;

/// Plays a cluster under faults and checks what must hold.
#[derive(Debug, Parser)]
#[command(name = "sim")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run many seeds; stop at the first that fails.
    Run {
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// A rule to break on purpose.
        #[arg(long, value_parser = canary)]
        canary: Option<Canary>,
    },
    /// Run a seed twice and compare the traces event by event.
    Twice {
        /// Which.
        #[arg(long)]
        seed: u64,
    },
    /// Run a seed and print the end of its trace.
    Replay {
        /// Which.
        #[arg(long)]
        seed: u64,
        /// A rule to break on purpose.
        #[arg(long, value_parser = canary)]
        canary: Option<Canary>,
        /// Print all of it.
        #[arg(long)]
        verbose: bool,
    },
    /// Break each rule on purpose and see that it is noticed.
    Canaries,
}

fn canary(name: &str) -> Result<Canary, String> {
    Canary::named(name).ok_or_else(|| {
        let names: Vec<&str> = Canary::ALL.iter().map(|canary| canary.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Run { seeds, from, canary } => cli::run(from, seeds, canary.unwrap_or_default()),
        Verb::Twice { seed } => cli::twice(seed),
        Verb::Replay { seed, canary, verbose } => {
            cli::replay(seed, canary.unwrap_or_default(), verbose)
        }
        Verb::Canaries => cli::canaries(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing can be said if even this cannot be written.
            let _unheard = writeln!(std::io::stderr(), "sim: cannot write: {error}");
            ExitCode::FAILURE
        }
    }
}
