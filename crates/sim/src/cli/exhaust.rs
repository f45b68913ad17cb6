//! The exhaustive model on the command line: what was tried out, how much that was, what did not hold.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use replication::Mutant;
use sim::exhaust::{Bound, Exhaust};
use stateright::{Checker, HasDiscoveries, Model};

/// How often it says how far it has come.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// How states are gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    /// Threads; `None` for as many as there are cores.
    pub(crate) threads: Option<usize>,
    /// Each path to its end before the next: takes a fraction of the memory, and finds longer
    /// counterexamples.
    pub(crate) is_deep: bool,
}

pub(crate) fn exhaust(bound: Bound, mutant: Mutant, search: Search) -> io::Result<bool> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let builder = Exhaust::new(bound, mutant).checker();
    let builder = builder.threads(search.threads.unwrap_or(cores).max(1));
    // With a rule broken, the first counterexample of all is enough.
    let is_whole = mutant == Mutant::None && bound.blanks == 0;
    let until = if is_whole { HasDiscoveries::All } else { HasDiscoveries::AnyFailures };
    let builder = builder.finish_when(until);
    writeln!(io::stdout(), "bound: {bound:?}, broken on purpose: {mutant:?}")?;
    if search.is_deep { tell(builder.spawn_dfs()) } else { tell(builder.spawn_bfs()) }
}

/// Breaks on purpose what the model can see, and says what it finds. Whether it finds all.
pub(crate) fn canaries(out: &mut impl Write) -> io::Result<bool> {
    let bound = Bound { epochs: 2, commands: 1, crashes: 0, ..Bound::QUICK };
    let broken = [
        ("seal-too-few", Mutant::SealTooFew, bound),
        ("commit-old-epoch", Mutant::CommitOldEpoch, bound),
        ("reuse-replica-id", Mutant::None, Bound { blanks: 1, ..bound }),
    ];
    let mut all = true;
    for (name, mutant, bound) in broken {
        let until = HasDiscoveries::AnyFailures;
        let checker = Exhaust::new(bound, mutant).checker().finish_when(until).spawn_bfs().join();
        let found = checker.discoveries();
        let properties = checker.model().properties().into_iter();
        let property = properties.filter(|one| one.expectation.discovery_is_failure());
        let property = property.map(|one| one.name).find(|name| found.contains_key(name));
        let states = checker.unique_state_count();
        match property.and_then(|name| Some((name, found.get(name)?.clone().into_actions().len())))
        {
            Some((property, steps)) => writeln!(
                out,
                "{name:<24} caught exhaustively in {states} states, by {steps} steps: {property}"
            )?,
            None => {
                all = false;
                writeln!(out, "{name:<24} NOT caught exhaustively in {states} states")?;
            }
        }
    }
    Ok(all)
}

/// Waits for the end of it, and tells.
fn tell(checker: impl Checker<Exhaust>) -> io::Result<bool> {
    let begun = now();
    let mut told = begun;
    while !checker.is_done() {
        std::thread::sleep(Duration::from_millis(20));
        if told.elapsed() >= TOLD_EVERY {
            told = now();
            let (states, depth) = (checker.unique_state_count(), checker.max_depth());
            writeln!(io::stderr(), "{states} states, {depth} steps deep")?;
        }
    }
    let checker = checker.join();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} unique states, reached in {} ways, up to {} steps deep, in {:.1} s; {} steps of single members",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64(),
        checker.model().steps()
    )?;
    let discoveries = checker.discoveries();
    let mut holds = true;
    for property in checker.model().properties() {
        let found = discoveries.get(property.name);
        let is_well = found.is_some() != property.expectation.discovery_is_failure();
        holds &= is_well;
        let word = match (is_well, found.is_some()) {
            (true, false) => "held",
            (true, true) => "reached",
            (false, true) => "BROKEN",
            (false, false) => "NOT REACHED",
        };
        writeln!(out, "  {word:<12}{}", property.name)?;
        if let Some(path) = found.filter(|_| !is_well) {
            for action in path.clone().into_actions() {
                writeln!(out, "      {action:?}")?;
            }
        }
    }
    Ok(holds)
}

#[expect(clippy::disallowed_methods, reason = "how long it took is told, not decided by")]
fn now() -> Instant {
    Instant::now()
}
