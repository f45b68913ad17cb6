//! The command line of the simulator: many seeds, one seed twice, one seed told aloud, all canaries.

mod cli;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use replication::Mutant;
use sim::Canary;
use sim::exhaust::Bound;

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
    /// Run seeds on all cores until the time is up or this is stopped; failures do not end it.
    Soak {
        /// The first.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// How many at most.
        #[arg(long)]
        seeds: Option<u64>,
        /// For how long at most: 90s, 30m, 8h.
        #[arg(long = "for", value_parser = cli::soak::duration)]
        lasts: Option<Duration>,
        /// Threads, instead of one per core.
        #[arg(long)]
        threads: Option<usize>,
        /// Where seeds that failed are written down, with the command that plays them again.
        #[arg(long, default_value = "sim-failures.txt")]
        failures: PathBuf,
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
    /// Try out every order of everything within a bound, and print how many states there are.
    Exhaust {
        /// Epochs that the register issues.
        #[arg(long, default_value_t = Bound::QUICK.epochs)]
        epochs: u64,
        /// Commands that clients bring.
        #[arg(long, default_value_t = Bound::QUICK.commands)]
        commands: u8,
        /// Losses of power.
        #[arg(long, default_value_t = Bound::QUICK.crashes)]
        crashes: u8,
        /// Sessions that break.
        #[arg(long, default_value_t = Bound::QUICK.breaks)]
        breaks: u8,
        /// Disks that come back empty under their old number, which the rules forbid.
        #[arg(long, default_value_t = 0)]
        blanks: u8,
        /// Homes move by plan, too.
        #[arg(long)]
        planned: bool,
        /// Writes are durable in a step of their own.
        #[arg(long)]
        slow_disks: bool,
        /// A rule to break on purpose.
        #[arg(long, value_parser = mutant)]
        mutant: Option<Mutant>,
        /// Threads, instead of one per core.
        #[arg(long)]
        threads: Option<usize>,
        /// Follow each path to its end before the next, which takes less memory.
        #[arg(long)]
        deep: bool,
    },
    /// Break each rule on purpose and see that it is noticed.
    Canaries,
    /// List the invariants of the protocol and where each is checked.
    Invariants,
    /// List the scenarios of the protocol, the stories that tell them, and what is missing.
    Stories,
}

fn canary(name: &str) -> Result<Canary, String> {
    Canary::named(name).ok_or_else(|| {
        let names: Vec<&str> = Canary::ALL.iter().map(|canary| canary.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

fn mutant(name: &str) -> Result<Mutant, String> {
    let known =
        [("seal-too-few", Mutant::SealTooFew), ("commit-old-epoch", Mutant::CommitOldEpoch)];
    let found = known.into_iter().find(|(known, _)| *known == name).map(|(_, mutant)| mutant);
    found.ok_or_else(|| "one of seal-too-few, commit-old-epoch".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.verb {
        Verb::Run { seeds, from, canary } => cli::run(from, seeds, canary.unwrap_or_default()),
        Verb::Soak { from, seeds, lasts, threads, failures } => {
            cli::soak::soak(&cli::soak::Night { from, seeds, lasts, threads, failures })
        }
        Verb::Twice { seed } => cli::twice(seed),
        Verb::Replay { seed, canary, verbose } => {
            cli::replay(seed, canary.unwrap_or_default(), verbose)
        }
        Verb::Exhaust {
            epochs,
            commands,
            crashes,
            breaks,
            blanks,
            planned,
            slow_disks,
            mutant,
            threads,
            deep,
        } => {
            let bound = Bound { epochs, commands, crashes, breaks, blanks, planned, slow_disks };
            let search = cli::exhaust::Search { threads, is_deep: deep };
            cli::exhaust::exhaust(bound, mutant.unwrap_or_default(), search)
        }
        Verb::Canaries => cli::canaries(),
        Verb::Invariants => cli::print(&sim::catalog::invariants()),
        Verb::Stories => cli::print(&sim::catalog::scenarios()),
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
