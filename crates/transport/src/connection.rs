//! One connection that stands: reads, writes and watches it until it ends.
//!
//! All three run in one task, so that whoever stops the task knows that nothing is delivered any
//! more, and a peer that sends is a peer that reads. The writer takes everything that waits and
//! writes it in one go; the watch asks for echoes and gives up on a peer that is silent or takes
//! nothing, because TCP alone would hold on to a stopped process for ever.

use core::{
    future::pending,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};
use std::{io, sync::Arc};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, sleep, sleep_until},
};
use types::NodeId;

use crate::{
    event::{DownReason, Event, Lane, Room, Sink},
    frame::{self, Cutter, Frame},
    handshake::Stream,
    limits::{COALESCE_BYTES, COPY_BYTES_MAX, Limits},
    metrics::LaneCounters,
    queue::{self, Queue},
};

/// What a connection works with.
#[derive(Clone, Copy)]
pub(crate) struct Connection<'a> {
    pub(crate) peer: NodeId,
    pub(crate) lane: Lane,
    pub(crate) queue: &'a Queue,
    pub(crate) inbound: &'a Arc<Semaphore>,
    pub(crate) counters: &'a LaneCounters,
    pub(crate) limits: &'a Limits,
    pub(crate) sink: &'a Sink,
}

/// What reader, writer and watch tell each other. Times are µs since the start of the connection.
struct Pulse {
    start: Instant,
    heard_us: AtomicU64,
    /// When the write under way last got somewhere; 0 when none is.
    writing_us: AtomicU64,
    /// The number of the peer's last ping, to be echoed; 0 when none waits. A ping of 0 gets no
    /// echo, and nobody sends one. Only the last is kept: a peer cannot make us owe it many.
    owed: AtomicU64,
    ping: AtomicBool,
    /// The reader waits for room: that nothing is heard meanwhile is not the peer's fault.
    holding: AtomicBool,
    stopping: AtomicBool,
}

impl Connection<'_> {
    /// Runs until the connection ends. When `stop` becomes true, what is queued is still written,
    /// within `close_max`. Dropping the future ends the connection at once.
    pub(crate) async fn run(self, stream: Stream, mut stop: watch::Receiver<bool>) -> DownReason {
        let (mut read_half, mut write_half) = tokio::io::split(stream);
        let pulse = Pulse::new();
        self.counters.connections.add(1);
        let stopped = async {
            // The sender gone is the owner gone, which is a stop as well.
            drop(stop.wait_for(|stop| *stop).await);
            pulse.stopping.store(true, Ordering::Relaxed);
            self.queue.poke();
            sleep(self.limits.close_max).await;
            DownReason::Stopped
        };
        let reason = tokio::select! {
            reason = self.read(&mut read_half, &pulse) => reason,
            reason = self.write(&mut write_half, &pulse) => reason,
            reason = self.watch(&pulse) => reason,
            reason = stopped => reason,
        };
        // Whatever ended it while stopping: the stop was the cause.
        let stopping = pulse.stopping.load(Ordering::Relaxed);
        let reason = if stopping { DownReason::Stopped } else { reason };
        self.counters.ends[reason.index()].add(1);
        reason
    }

    async fn read(self, half: &mut ReadHalf<Stream>, pulse: &Pulse) -> DownReason {
        let mut cutter = Cutter::new(self.limits.frame_bytes_max);
        loop {
            match half.read_buf(cutter.room()).await {
                Ok(0) => return DownReason::Closed,
                Ok(_) => {}
                Err(error) => return DownReason::Lost(error.kind()),
            }
            pulse.heard_us.store(pulse.now_us(), Ordering::Relaxed);
            if let Err(error) = self.deliver(&mut cutter, pulse).await {
                return DownReason::Protocol(error);
            }
        }
    }

    /// Hands on every whole frame, each when there is room for it.
    async fn deliver(self, cutter: &mut Cutter, pulse: &Pulse) -> Result<(), frame::FrameError> {
        let (mut frames, mut length) = (0, 0);
        while let Some(frame) = cutter.next()? {
            match frame {
                Frame::Message(bytes) => {
                    frames += 1;
                    length += to_u64(bytes.len());
                    let room = Room::new(self.room(queue::cost(&bytes), pulse).await);
                    (self.sink)(Event::Frame { from: self.peer, lane: self.lane, bytes, room });
                }
                Frame::Ping(number) => {
                    pulse.owed.store(number, Ordering::Relaxed);
                    self.queue.poke();
                }
                Frame::Pong(number) => {
                    self.counters.measured(pulse.now_us().saturating_sub(number));
                }
            }
        }
        if frames > 0 {
            self.counters.frames_in.add(frames);
            self.counters.bytes_in.add(length);
        }
        Ok(())
    }

    /// Waits until the receiver has worked off enough to take so many bytes more.
    async fn room(self, bytes: usize, pulse: &Pulse) -> OwnedSemaphorePermit {
        let count = u32::try_from(bytes).expect("the longest frame is below 2^30");
        if let Ok(room) = self.inbound.clone().try_acquire_many_owned(count) {
            return room;
        }
        pulse.holding.store(true, Ordering::Relaxed);
        let room = self.inbound.clone().acquire_many_owned(count).await;
        pulse.heard_us.store(pulse.now_us(), Ordering::Relaxed);
        pulse.holding.store(false, Ordering::Relaxed);
        room.expect("nobody closes it")
    }

    async fn write(self, half: &mut WriteHalf<Stream>, pulse: &Pulse) -> DownReason {
        let mut batch = Vec::new();
        let mut buffer = BytesMut::with_capacity(COALESCE_BYTES + COPY_BYTES_MAX + 64);
        loop {
            pulse.append_due(&mut buffer);
            self.queue.take(&mut batch);
            if batch.is_empty() && buffer.is_empty() {
                if pulse.stopping.load(Ordering::Relaxed) {
                    // Whether the farewell arrives changes nothing here. The peer answers it by
                    // closing, which ends the reader; to close with bytes unread would make the
                    // kernel reset the connection, and the peer might lose what it has not read.
                    drop(half.shutdown().await);
                    return pending().await;
                }
                self.queue.woken().await;
                continue;
            }
            pulse.progress();
            let written = match self.write_batch(half, pulse, &mut batch, &mut buffer).await {
                Ok(()) => half.flush().await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                // What the peer sent before it closed, its farewell above all, is still to be
                // read; the reader ends by itself, and soon.
                sleep(self.limits.close_max).await;
                return DownReason::Lost(error.kind());
            }
            pulse.writing_us.store(0, Ordering::Relaxed);
        }
    }

    /// Writes what is in `buffer` and then the batch; both are empty afterwards.
    async fn write_batch(
        self,
        half: &mut WriteHalf<Stream>,
        pulse: &Pulse,
        batch: &mut Vec<Bytes>,
        buffer: &mut BytesMut,
    ) -> io::Result<()> {
        let (mut frames, mut length, mut room) = (0, 0, 0);
        for message in batch.drain(..) {
            frames += 1;
            length += to_u64(message.len());
            room += queue::cost(&message);
            buffer.put_slice(&frame::message_header(message.len()));
            if message.len() <= COPY_BYTES_MAX {
                buffer.put_slice(&message);
                if buffer.len() < COALESCE_BYTES {
                    continue;
                }
            }
            write_all(half, pulse, buffer).await?;
            if message.len() > COPY_BYTES_MAX {
                write_all(half, pulse, &message).await?;
            }
            self.written(core::mem::take(&mut frames), core::mem::take(&mut length));
            self.queue.release(core::mem::take(&mut room));
            buffer.clear();
            // A long batch must not keep the peer waiting for an echo.
            pulse.append_due(buffer);
        }
        write_all(half, pulse, buffer).await?;
        buffer.clear();
        self.written(frames, length);
        self.queue.release(room);
        Ok(())
    }

    fn written(self, frames: u64, length: u64) {
        self.counters.frames_out.add(frames);
        self.counters.bytes_out.add(length);
    }

    /// Asks for echoes and returns when the peer has been silent or stuck for too long.
    async fn watch(self, pulse: &Pulse) -> DownReason {
        let silence_us_max = micros(self.limits.silence_max);
        let keepalive_us = micros(self.limits.keepalive);
        let mut ping_us = 0;
        loop {
            let now_us = pulse.now_us();
            if now_us >= ping_us {
                ping_us = now_us + keepalive_us;
                pulse.ping.store(true, Ordering::Relaxed);
                self.queue.poke();
            }
            if pulse.holding.load(Ordering::Relaxed) {
                pulse.heard_us.store(now_us, Ordering::Relaxed);
            }
            let heard_us = pulse.heard_us.load(Ordering::Relaxed);
            let writing_us = match pulse.writing_us.load(Ordering::Relaxed) {
                0 => u64::MAX,
                since => since,
            };
            let end_us = heard_us.min(writing_us).saturating_add(silence_us_max);
            if now_us >= end_us {
                return if heard_us <= writing_us {
                    DownReason::Silent
                } else {
                    DownReason::Stalled
                };
            }
            let next_us = end_us.min(ping_us);
            sleep_until(pulse.start + Duration::from_micros(next_us)).await;
            // A late wake says that this process stood still, not that the peer did: what it sent
            // meanwhile is still to be read.
            if pulse.now_us() > next_us + keepalive_us {
                pulse.heard_us.store(pulse.now_us(), Ordering::Relaxed);
            }
        }
    }
}

impl Pulse {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            heard_us: AtomicU64::new(0),
            writing_us: AtomicU64::new(0),
            owed: AtomicU64::new(0),
            ping: AtomicBool::new(false),
            holding: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        }
    }

    /// Never 0.
    fn now_us(&self) -> u64 {
        micros(self.start.elapsed()).max(1)
    }

    fn progress(&self) {
        self.writing_us.store(self.now_us(), Ordering::Relaxed);
    }

    /// Appends the ping and the pong that are due.
    fn append_due(&self, buffer: &mut BytesMut) {
        match self.owed.swap(0, Ordering::Relaxed) {
            0 => {}
            number => buffer.put_slice(&frame::pong(number)),
        }
        if self.ping.swap(false, Ordering::Relaxed) {
            buffer.put_slice(&frame::ping(self.now_us()));
        }
    }
}

/// Writes all, noting every step forward.
async fn write_all(
    half: &mut WriteHalf<Stream>,
    pulse: &Pulse,
    mut bytes: &[u8],
) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = half.write(bytes).await?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[count..];
        pulse.progress();
    }
    Ok(())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits")
}
