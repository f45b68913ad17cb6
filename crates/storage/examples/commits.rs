//! How many records a second one disk makes durable, and how long each waits.
//!
//! `cargo run --release -p storage --example commits -- FOLDER [SECONDS]` keeps 1, 16, 256 and 4,096
//! records of 256 bytes outstanding, each replaced when its completion comes, and prints beside each
//! run what the same disk takes for an overwrite of 256 bytes with one fdatasync. At the end the log
//! is opened again, which gives the rate of the boot scan (from the page cache).
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "its table is its result")]

use std::{
    collections::VecDeque,
    error::Error,
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use bytes::Bytes;
use hdrhistogram::Histogram;
use storage::{Completion, Options, Owner, Request, open};
use types::{ClusterId, NodeId, WriteId};
use wire::log::{Identity, Kind};

const RECORD_BYTES: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: commits FOLDER [SECONDS]")?;
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let folder = PathBuf::from(folder).join("commits-bench");
    fs::create_dir_all(&folder)?;
    let done = run(&folder, Duration::from_secs(seconds));
    fs::remove_dir_all(&folder)?;
    done
}

fn run(folder: &Path, time: Duration) -> Result<(), Box<dyn Error>> {
    println!(
        "outstanding   records/s   p50 us   p99 us  p99.9 us   records/commit   \
         raw p50 us  raw p99 us  raw p99.9 us"
    );
    for outstanding in [1, 16, 256, 4096] {
        let raw = overwrite(&folder.join("raw"), time / 4)?;
        let (records, batches, waits) = commits(&folder.join("node"), outstanding, time)?;
        println!(
            "{outstanding:>11} {:>11.0} {:>8} {:>8} {:>9} {:>16.1} {:>12} {:>11} {:>13}",
            ratio(records, 1) / time.as_secs_f64(),
            waits.value_at_quantile(0.5),
            waits.value_at_quantile(0.99),
            waits.value_at_quantile(0.999),
            ratio(records, batches.max(1)),
            raw.value_at_quantile(0.5),
            raw.value_at_quantile(0.99),
            raw.value_at_quantile(0.999),
        );
    }
    let start = Instant::now();
    let mut bytes = 0;
    let replayed = open(options(&folder.join("node"), start))?
        .replay(&mut |read| {
            if let storage::Read::Record(record) = read {
                bytes += record.payload.len() as u64 + 32;
            }
        })?
        .settle([])?;
    let taken = start.elapsed().as_secs_f64();
    println!(
        "boot: {} records, {:.0} MB of log in {:.3} s",
        replayed.found().records,
        ratio(bytes, 1_000_000),
        taken,
    );
    Ok(())
}

/// Keeps `outstanding` records under way for `time`: records written, commits, and waits in us.
fn commits(
    folder: &Path,
    outstanding: u64,
    time: Duration,
) -> Result<(u64, u64, Histogram<u64>), Box<dyn Error>> {
    let start = Instant::now();
    let (send, receive) = mpsc::channel();
    // Nobody listens any more once the time is up.
    let sink = Arc::new(move |batch: Vec<Completion>| send.send(batch).unwrap_or(()));
    let storage = open(options(folder, start))?.replay(&mut |_| ())?.settle([])?.start(sink)?;
    let handle = storage.handle();
    let payload = Bytes::from(vec![7; RECORD_BYTES]);
    let request = |id| Request::Append {
        owner: Owner(0),
        id: WriteId(id),
        kind: Kind::Group,
        bytes: payload.clone(),
    };
    let mut waits = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let mut sent: VecDeque<Instant> = VecDeque::new();
    let mut requests: VecDeque<Request> = VecDeque::new();
    let (mut next, mut records) = (0, 0);
    while start.elapsed() < time || !sent.is_empty() {
        let open = start.elapsed() < time;
        while open && (sent.len() + requests.len()) as u64 != outstanding {
            requests.push_back(request(next));
            next += 1;
        }
        let before = requests.len();
        let now = Instant::now();
        // What is refused stays and is tried again with the next completions.
        let taken = handle.submit(&mut requests);
        sent.extend((requests.len()..before).map(|_| now));
        if taken.is_err() && sent.is_empty() {
            std::thread::yield_now();
            continue;
        }
        for completion in receive.recv()? {
            match completion {
                Completion::Written { .. } => {
                    let sent = sent.pop_front().ok_or("a completion for nothing")?;
                    let wait = sent.elapsed();
                    waits.saturating_record(u64::try_from(wait.as_micros())?);
                    records += 1;
                }
                Completion::Failed(failure) => return Err(failure.into()),
                Completion::Room
                | Completion::Loaded { .. }
                | Completion::SnapshotWritten { .. } => {}
            }
        }
    }
    let batches = handle.stats().batches;
    storage.close();
    Ok((records, batches, waits))
}

/// Overwrites records one after the other in a file that is written in full, each with a sync.
fn overwrite(path: &Path, time: Duration) -> Result<Histogram<u64>, Box<dyn Error>> {
    let size = 16 << 20;
    let file = fs::File::options().write(true).create(true).truncate(true).open(path)?;
    file.write_all_at(&vec![0; size], 0)?;
    file.sync_all()?;
    let mut waits = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    let start = Instant::now();
    let mut offset = 0;
    while start.elapsed() < time {
        let begun = Instant::now();
        file.write_all_at(&[7; RECORD_BYTES], offset)?;
        file.sync_data()?;
        waits.saturating_record(u64::try_from(begun.elapsed().as_micros())?);
        offset = (offset + RECORD_BYTES as u64) % (size as u64);
    }
    fs::remove_file(path)?;
    Ok(waits)
}

fn options(folder: &Path, start: Instant) -> Options {
    let identity = Identity { cluster: ClusterId([1; 16]), node: NodeId(1) };
    let clock = Arc::new(move || {
        types::Instant(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
    });
    Options::new(folder.into(), identity, clock)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
const fn ratio(value: u64, by: u64) -> f64 {
    value as f64 / by as f64
}
