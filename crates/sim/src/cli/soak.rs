//! Seeds for a night: all cores, until the time is up or somebody stops it.
//!
//! A seed that fails does not end the night: it is written down with the line that plays it again, and
//! the next one is taken. A decider that panics is a seed that failed, too. The product stops its
//! process then, and so would this one; instead the thread is set aside for ever, with its world, and
//! another takes its place.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sim::{Canary, Outcome, Report};

/// What a night is told.
#[derive(Clone, Debug)]
pub(crate) struct Night {
    /// The first seed.
    pub(crate) from: u64,
    /// How many; `None` for as many as there is time for.
    pub(crate) seeds: Option<u64>,
    /// For how long; `None` until it is stopped, or until `seeds` are done.
    pub(crate) lasts: Option<Duration>,
    /// Threads; `None` for as many as there are cores.
    pub(crate) threads: Option<usize>,
    /// Where seeds that failed are written down, one line each.
    pub(crate) failures: PathBuf,
}

/// What workers share.
#[derive(Debug)]
struct Queue {
    next: AtomicU64,
    end: u64,
    until: Option<Instant>,
}

/// A seed is done.
#[derive(Debug)]
enum Done {
    /// It ran to its end.
    Run(u64, Box<Outcome>),
    /// A decider panicked.
    Panic(u64, String),
    /// There is nothing left for a worker.
    Idle,
}

thread_local! {
    static SEED: Cell<u64> = const { Cell::new(0) };
}

/// How often the night says how far it has come.
const TOLD_EVERY: Duration = Duration::from_secs(10);

pub(crate) fn soak(night: &Night) -> io::Result<bool> {
    let begun = now();
    let queue = Arc::new(Queue {
        next: AtomicU64::new(night.from),
        end: night.seeds.map_or(u64::MAX, |seeds| night.from.saturating_add(seeds)),
        until: night.lasts.map(|lasts| begun + lasts),
    });
    let (says, hears) = mpsc::channel();
    replace_those_who_panic(queue.clone(), says.clone());
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut working = night.threads.unwrap_or(cores).max(1);
    for _ in 0..working {
        begin(queue.clone(), says.clone());
    }
    let mut sum = Sum::new(commit());
    let mut told = begun;
    while working > 0 {
        match hears.recv_timeout(TOLD_EVERY) {
            Ok(Done::Run(seed, outcome)) => sum.add(seed, &outcome, night)?,
            Ok(Done::Panic(seed, said)) => sum.fail(seed, "panic", &said, night)?,
            Ok(Done::Idle) => working -= 1,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        if told.elapsed() >= TOLD_EVERY {
            told = now();
            sum.tell(begun.elapsed())?;
        }
    }
    sum.tell(begun.elapsed())?;
    let mut out = io::stdout().lock();
    write!(out, "{}", sum.report.table())?;
    if sum.failed == 0 {
        writeln!(out, "all invariants held")?;
    } else {
        writeln!(out, "seeds that failed stand in {}", night.failures.display())?;
    }
    Ok(sum.failed == 0)
}

fn begin(queue: Arc<Queue>, says: Sender<Done>) {
    std::thread::spawn(move || {
        loop {
            let seed = queue.next.fetch_add(1, Ordering::Relaxed);
            let is_late = queue.until.is_some_and(|until| now() >= until);
            if seed >= queue.end || is_late {
                // Nobody listens any more only when the night is over.
                let _unheard = says.send(Done::Idle);
                return;
            }
            SEED.set(seed);
            let outcome = sim::run(seed, Canary::None, false);
            if says.send(Done::Run(seed, Box::new(outcome))).is_err() {
                return;
            }
        }
    });
}

fn replace_those_who_panic(queue: Arc<Queue>, says: Sender<Done>) {
    std::panic::set_hook(Box::new(move |panic| {
        let _unheard = says.send(Done::Panic(SEED.get(), panic.to_string().replace('\n', " ")));
        begin(queue.clone(), says.clone());
        loop {
            std::thread::park();
        }
    }));
}

/// What the night has come to.
#[derive(Debug)]
struct Sum {
    commit: String,
    report: Report,
    runs: u64,
    failed: u64,
    newest: u64,
    written: Mutex<Option<File>>,
}

impl Sum {
    fn new(commit: String) -> Self {
        Self {
            commit,
            report: Report::default(),
            runs: 0,
            failed: 0,
            newest: 0,
            written: Mutex::new(None),
        }
    }

    fn add(&mut self, seed: u64, outcome: &Outcome, night: &Night) -> io::Result<()> {
        self.runs += 1;
        self.newest = self.newest.max(seed);
        self.report.add(&outcome.report);
        match &outcome.violation {
            Some(violation) => self.fail(seed, violation.invariant, &violation.detail, night),
            None => Ok(()),
        }
    }

    /// Writes a seed down at once: who stops the night finds it.
    fn fail(&mut self, seed: u64, what: &str, detail: &str, night: &Night) -> io::Result<()> {
        self.failed += 1;
        let mut written = self.written.lock().expect("no thread panics and lives");
        if written.is_none() {
            *written = Some(OpenOptions::new().create(true).append(true).open(&night.failures)?);
        }
        let line = format!(
            "seed {seed} at {} broke {what}: {detail}; replay: cargo run --release -p sim -- replay --seed {seed}",
            self.commit
        );
        if let Some(file) = written.as_mut() {
            writeln!(file, "{line}")?;
        }
        writeln!(io::stderr(), "{line}")
    }

    fn tell(&self, lasted: Duration) -> io::Result<()> {
        let seconds = lasted.as_secs().max(1);
        writeln!(
            io::stderr(),
            "{} seeds in {} s ({} a second), up to seed {}, at {}: {} failed",
            self.runs,
            lasted.as_secs(),
            self.runs / seconds,
            self.newest,
            self.commit,
            self.failed
        )
    }
}

/// The commit of the tree that this is started in: a seed means something only with it.
fn commit() -> String {
    let said = Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let said = said.ok().filter(|said| said.status.success());
    let text = said.map(|said| String::from_utf8_lossy(&said.stdout).trim().to_owned());
    text.unwrap_or_else(|| "an unknown commit".to_owned())
}

#[expect(clippy::disallowed_methods, reason = "a night ends by the clock; no run reads it")]
fn now() -> Instant {
    Instant::now()
}

/// Reads `90s`, `30m` or `8h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a number with s, m or h, as in 8h".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return Err(wrong()),
    };
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    number.and_then(|number| number.checked_mul(seconds)).map(Duration::from_secs).ok_or_else(wrong)
}
