//! Sends a load at its rate whether or not answers come, and collects what came of each message.
//!
//! The loop is open: a message is due at its time, and its latency counts from there. A loop that
//! waited for answers would send nothing while a region is dead, and then report that nothing was
//! slow.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use runtime::Clock;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use types::Stamp;

use super::files::Rounds;
use super::script::{Script, Sending};
use super::send::Sender;
use super::told::Record;

/// Messages under way at once. Beyond that the load is late, which its latencies show.
const UNDER_WAY_MAX: usize = 20_000;

/// How long a client asks again before it reports "unknown".
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);

/// How long an unknown outcome is asked for once the load is over.
pub(crate) const RESOLVE_WITHIN: Duration = Duration::from_secs(60);

/// Unknown outcomes that are asked for at once.
const RESOLVING_MAX: usize = 32;

/// Where the messages come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// The generator.
    Script(Script),
    /// A folder's files.
    Files(Rounds),
}

impl Source {
    fn next(&mut self, now: Stamp, is_settled: impl Fn(u64) -> bool) -> Arc<Sending> {
        match self {
            Self::Script(script) => script.next(now, is_settled),
            Self::Files(rounds) => rounds.next(),
        }
    }
}

/// How far the load is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Messages sent.
    pub(crate) sent: u64,
    /// Of these, those whose outcome their client knows.
    pub(crate) told: u64,
    /// Of these, those whose client gave up for now without knowing.
    pub(crate) unknown: u64,
}

/// Sends the first `count` messages one by one.
pub(crate) async fn first_round(
    source: &mut Source,
    count: usize,
    senders: &[Sender],
    clock: Clock,
) -> Vec<Record> {
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let now = clock.wall();
        let sending = source.next(now, |_| false);
        records.push(send(senders, sending, now.0, clock).await);
    }
    records
}

/// Runs the load until `stop` says so, and waits for what is under way.
pub(crate) async fn run(
    mut source: Source,
    senders: Arc<[Sender]>,
    rate: u32,
    clock: Clock,
    stop: watch::Receiver<bool>,
    progress: watch::Sender<Progress>,
) -> Vec<Record> {
    let mut records = Vec::new();
    let mut settled = BTreeSet::new();
    let mut under_way: JoinSet<Record> = JoinSet::new();
    let start = Instant::now();
    let mut count = 0_u64;
    let mut take = |record: Record, settled: &mut BTreeSet<u64>| {
        if record.told.is_settled() {
            settled.insert(record.sending.number);
        }
        progress.send_modify(|progress| {
            progress.told += 1;
            progress.unknown += u64::from(!record.told.is_final());
        });
        records.push(record);
    };
    while !*stop.borrow() {
        let due = start + Duration::from_micros(count * 1_000_000 / u64::from(rate));
        sleep_until(due).await;
        while let Some(Ok(record)) = under_way.try_join_next() {
            take(record, &mut settled);
        }
        if under_way.len() >= UNDER_WAY_MAX
            && let Some(Ok(record)) = under_way.join_next().await
        {
            take(record, &mut settled);
        }
        let late = u64::try_from(due.elapsed().as_micros()).unwrap_or_default();
        let due_us = clock.wall().0.saturating_sub(late);
        let sending = source.next(clock.wall(), |number| settled.contains(&number));
        count += 1;
        progress.send_modify(|progress| progress.sent += 1);
        let senders = Arc::clone(&senders);
        under_way.spawn(async move { send(&senders, sending, due_us, clock).await });
    }
    while let Some(joined) = under_way.join_next().await {
        if let Ok(record) = joined {
            take(record, &mut settled);
        }
    }
    records.sort_by_key(|record| record.sending.number);
    records
}

/// Sends one message and asks until its client knows, or its patience ends.
pub(crate) async fn send(
    senders: &[Sender],
    sending: Arc<Sending>,
    due_us: u64,
    clock: Clock,
) -> Record {
    let sender = senders.get(sending.region).expect("a sender for every region");
    let sent = sender.send(&sending.bytes).await;
    Record {
        sending,
        due_us,
        told_us: clock.wall().0,
        told: sent.told,
        attempts: sent.attempts,
        was_unknown: sent.was_unknown,
        is_resolved_later: false,
    }
}

/// Asks again, with the same message, for every outcome that is unknown.
pub(crate) async fn resolve(records: &mut [Record], senders: Arc<[Sender]>, clock: Clock) {
    let is_unknown = |record: &Record| !record.told.is_final();
    let mut waiting: VecDeque<usize> =
        (0..).zip(&*records).filter(|(_, record)| is_unknown(record)).map(|(at, _)| at).collect();
    let mut under_way: JoinSet<(usize, Record)> = JoinSet::new();
    loop {
        while under_way.len() < RESOLVING_MAX
            && let Some(at) = waiting.pop_front()
        {
            let Some(record) = records.get(at) else { continue };
            let (sending, due_us) = (record.sending.clone(), record.due_us);
            let senders = Arc::clone(&senders);
            under_way.spawn(async move { (at, send(&senders, sending, due_us, clock).await) });
        }
        match under_way.join_next().await {
            None => return,
            Some(Err(_)) => {}
            Some(Ok((at, found))) => {
                if let Some(record) = records.get_mut(at) {
                    record.is_resolved_later = !is_unknown(&found);
                    record.attempts += found.attempts;
                    record.was_unknown |= found.was_unknown;
                    record.told_us = found.told_us;
                    record.told = found.told;
                }
            }
        }
    }
}
