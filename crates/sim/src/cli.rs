//! What the verbs of the command line do. Each says whether all is well.

pub(crate) mod exhaust;
pub(crate) mod soak;

use std::cell::Cell;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sim::{Canary, Outcome, Report};

/// Lines of a trace that are printed when not all are asked for.
const LINES_SHOWN: usize = 120;

/// What many seeds came to.
#[derive(Debug, Default)]
struct Sum {
    report: Report,
    runs: u64,
    lasted_us: u64,
    /// The lowest seed that failed, and how.
    failed: Option<(u64, Outcome)>,
}

thread_local! {
    static SEED: Cell<u64> = const { Cell::new(0) };
}

pub(crate) fn run(from: u64, seeds: u64, canary: Canary) -> io::Result<bool> {
    let sum = run_many(from, seeds, canary)?;
    let mut out = io::stdout().lock();
    writeln!(out, "{} runs, {} h of simulated time", sum.runs, sum.lasted_us / 3_600_000_000)?;
    write!(out, "{}", sum.report.table())?;
    match &sum.failed {
        Some((seed, outcome)) => {
            tell(&mut out, *seed, canary, outcome)?;
            Ok(false)
        }
        None => {
            writeln!(out, "all invariants held")?;
            Ok(true)
        }
    }
}

/// Runs seeds on all cores, one thread each, until one fails.
fn run_many(from: u64, seeds: u64, canary: Canary) -> io::Result<Sum> {
    announce_panics();
    let next = AtomicU64::new(from);
    let stop_at = AtomicU64::new(from + seeds);
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= stop_at.load(Ordering::Relaxed) {
                        return;
                    }
                    SEED.set(seed);
                    let outcome = sim::run(seed, canary, false);
                    if outcome.violation.is_some() {
                        stop_at.fetch_min(seed, Ordering::Relaxed);
                    }
                    add(&mut sum.lock().expect("no thread panics and lives"), seed, outcome);
                }
            });
        }
    });
    let sum = sum.into_inner().expect("no thread panics and lives");
    writeln!(io::stderr())?;
    Ok(sum)
}

fn add(sum: &mut Sum, seed: u64, outcome: Outcome) {
    sum.runs += 1;
    sum.lasted_us += outcome.lasted_us;
    sum.report.add(&outcome.report);
    if sum.runs.is_multiple_of(20) {
        // Progress that cannot be shown is no reason to stop.
        let _unseen = write!(io::stderr(), "\r{} runs", sum.runs);
    }
    let is_first = sum.failed.as_ref().is_none_or(|(first, _)| seed < *first);
    if outcome.violation.is_some() && is_first {
        sum.failed = Some((seed, outcome));
    }
}

/// A panic ends the process at once; say first which seed it was.
fn announce_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let seed = SEED.get();
        let _unheard = writeln!(
            io::stderr(),
            "\nseed {seed} panicked; replay: cargo run --release -p sim -- replay --seed {seed}"
        );
        usual(panic);
    }));
}

fn tell(out: &mut impl Write, seed: u64, canary: Canary, outcome: &Outcome) -> io::Result<()> {
    let Some(violation) = &outcome.violation else { return Ok(()) };
    writeln!(out, "seed {seed} broke {}: {}", violation.invariant, violation.detail)?;
    let canary =
        if canary == Canary::None { String::new() } else { format!(" --canary {}", canary.name()) };
    writeln!(out, "replay: cargo run --release -p sim -- replay --seed {seed}{canary}")
}

pub(crate) fn twice(seed: u64) -> io::Result<bool> {
    let (first, second) =
        (sim::run(seed, Canary::None, false), sim::run(seed, Canary::None, false));
    let (a, b) = (first.trace.marks(), second.trace.marks());
    let mut out = io::stdout().lock();
    if a == b {
        let (hash, count) = (first.trace.hash(), a.len());
        writeln!(out, "seed {seed}: twice the same {count} events, trace {hash:016x}")?;
        return Ok(true);
    }
    let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    writeln!(out, "seed {seed}: the traces part after event {at} of {}", a.len())?;
    Ok(false)
}

pub(crate) fn replay(seed: u64, canary: Canary, verbose: bool) -> io::Result<bool> {
    SEED.set(seed);
    announce_panics();
    let outcome = sim::run(seed, canary, true);
    let mut out = io::stdout().lock();
    let lines = outcome.trace.lines();
    let skipped = if verbose { 0 } else { lines.len().saturating_sub(LINES_SHOWN) };
    for line in lines.iter().skip(skipped) {
        writeln!(out, "{line}")?;
    }
    tell(&mut out, seed, canary, &outcome)?;
    Ok(outcome.violation.is_none())
}

pub(crate) fn canaries() -> io::Result<bool> {
    let mut all = true;
    for canary in Canary::ALL {
        let sum = run_many(1, canary.seeds_max(), canary)?;
        let mut out = io::stdout().lock();
        let name = canary.name();
        match sum.failed.as_ref().and_then(|(seed, run)| Some((seed, run.violation.as_ref()?))) {
            Some((seed, violation)) => writeln!(
                out,
                "{name:<24} caught by {} at seed {seed} of at most {}: {}",
                violation.invariant,
                canary.seeds_max(),
                violation.detail
            )?,
            None => {
                all = false;
                writeln!(out, "{name:<24} NOT caught in {} seeds", canary.seeds_max())?;
            }
        }
    }
    all &= exhaust::canaries(&mut io::stdout().lock())?;
    Ok(all)
}

pub(crate) fn print(text: &str) -> io::Result<bool> {
    write!(io::stdout(), "{text}")?;
    Ok(true)
}
