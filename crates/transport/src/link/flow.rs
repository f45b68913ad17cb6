//! One direction of one connection: read, stamp, hold, write.

use core::time::Duration;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::tcp::{ReadHalf, WriteHalf},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::Instant,
};

use super::{Direction, Passage, Wire, timer::Timer};
use crate::backoff::Spread;

/// The most that is read at once, and so travels as one.
const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// What may be under way on one direction of one connection; at 150 ms it bounds a connection to
/// about 100 MB/s, as the window of a TCP connection would.
const FLIGHT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a chunk counts at least, since a flood of single bytes needs memory as well.
const CHUNK_COST_BYTES_MIN: usize = 512;

/// What all connections share in one direction.
#[derive(Debug)]
pub(super) struct Pipe {
    wire: Wire,
    spread: Spread,
    /// When the last byte has left the sender's end; bandwidth makes the next wait for it.
    free_at: Option<Instant>,
    taken_bytes: u64,
}

impl Pipe {
    pub(super) const fn new(wire: Wire, seed: u64) -> Self {
        Self { wire, spread: Spread::new(seed), free_at: None, taken_bytes: 0 }
    }

    pub(super) const fn set_wire(&mut self, wire: Wire) {
        self.wire = wire;
        self.free_at = None;
    }

    pub(super) const fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    /// When bytes that came in now come out.
    pub(super) fn due(&mut self, now: Instant, bytes: usize) -> Instant {
        let bytes = u64::try_from(bytes).expect("a length fits");
        self.taken_bytes += bytes;
        let left_at = self.wire.bytes_per_s.map_or(now, |bytes_per_s| {
            let sending_ns = bytes.saturating_mul(1_000_000_000).div_ceil(bytes_per_s.get());
            self.free_at.map_or(now, |free| free.max(now)) + Duration::from_nanos(sending_ns)
        });
        self.free_at = Some(left_at);
        let jitter_us = self.spread.up_to(self.wire.jitter_us_max.into());
        left_at + Duration::from_micros(u64::from(self.wire.delay_us) + jitter_us)
    }
}

pub(super) fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What travels.
enum Cargo {
    /// With the room that they take, until they are dropped.
    Bytes(Bytes, OwnedSemaphorePermit),
    /// The sender closed its way.
    End,
    /// The sender's connection broke.
    Break,
}

/// Carries one way until its end has come out at the other side.
///
/// # Errors
/// When either side broke; the whole connection is to be reset.
pub(super) async fn carry(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    direction: Direction,
    passage: watch::Receiver<Passage>,
    pipe: &Mutex<Pipe>,
    timer: &Timer,
) -> io::Result<()> {
    let (sender, cargo) = mpsc::unbounded_channel();
    let load = async {
        load(from, sender, pipe).await;
        Ok(())
    };
    tokio::try_join!(load, unload(to, cargo, direction, passage, timer)).map(|_| ())
}

async fn load(
    mut from: ReadHalf<'_>,
    cargo: mpsc::UnboundedSender<(Instant, Cargo)>,
    pipe: &Mutex<Pipe>,
) {
    let room = Arc::new(Semaphore::new(FLIGHT_BYTES_MAX));
    let mut buffer = BytesMut::new();
    let mut last_due = Instant::now();
    loop {
        buffer.reserve(CHUNK_BYTES_MAX);
        let read = from.read_buf(&mut buffer).await;
        let now = Instant::now();
        let bytes = buffer.split().freeze();
        last_due = lock(pipe).due(now, bytes.len()).max(last_due);
        let item = match read {
            Ok(0) => Cargo::End,
            Err(_) => Cargo::Break,
            Ok(_) => {
                let cost = u32::try_from(bytes.len().clamp(CHUNK_COST_BYTES_MIN, FLIGHT_BYTES_MAX))
                    .expect("below 2^32");
                let Ok(place) = room.clone().acquire_many_owned(cost).await else { return };
                Cargo::Bytes(bytes, place)
            }
        };
        let last = !matches!(item, Cargo::Bytes(..));
        if cargo.send((last_due, item)).is_err() || last {
            return;
        }
    }
}

async fn unload(
    mut to: WriteHalf<'_>,
    mut cargo: mpsc::UnboundedReceiver<(Instant, Cargo)>,
    direction: Direction,
    mut passage: watch::Receiver<Passage>,
    timer: &Timer,
) -> io::Result<()> {
    let alarm = timer.alarm();
    while let Some((due, item)) = cargo.recv().await {
        alarm.wait_until(due).await;
        if passage.wait_for(|passage| passage.passes(direction)).await.is_err() {
            break;
        }
        match item {
            Cargo::Bytes(bytes, _place) => to.write_all(&bytes).await?,
            Cargo::End => return to.shutdown().await,
            Cargo::Break => break,
        }
    }
    Err(io::ErrorKind::BrokenPipe.into())
}
