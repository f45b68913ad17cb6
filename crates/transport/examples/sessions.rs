//! What a session carries on the loopback of this machine: both nodes in one process, real TLS.
//!
//! `cargo run --release -p transport --example sessions [SECONDS]` prints one-way records of 256 B
//! and of 64 KiB, and the round trip of one record of 256 B at a time. The processor time is that of
//! both ends together, and on a busy machine the figure to compare.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};
use transport::{
    ClusterName, Event, Identity, Lane, Limits, Options, Refused, Sink, Transport, pki::Authority,
};
use types::NodeId;

/// The far end: counts what comes, and sends it back while told to.
#[derive(Default)]
struct Far {
    transport: OnceLock<Arc<Transport>>,
    echo: AtomicBool,
    frames: AtomicU64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let seconds = std::env::args().nth(1).map_or(Ok(5), |text| text.parse())?;
    let duration = Duration::from_secs(seconds);
    #[expect(clippy::disallowed_methods, reason = "an example is its own clock")]
    let now_unix_s = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let authority = Authority::create(ClusterName::new("bench")?, now_unix_s)?;
    let start = |node, listener, peer, peer_at: SocketAddr, sink: Sink| {
        let identity = Identity::new(&authority.issue(NodeId(node), now_unix_s, 1)?)?;
        let peers = BTreeMap::from([(NodeId(peer), peer_at.to_string())]);
        let limits = Limits { log_queue_bytes_max: 16 << 20, ..Limits::default() };
        let options = Options { identity, listener, peers, limits, seed: u64::from(node) };
        Ok::<_, Box<dyn std::error::Error>>(Arc::new(Transport::start(options, sink)?))
    };
    let (near_listener, far_listener) =
        (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    let (near_at, far_at) = (near_listener.local_addr()?, far_listener.local_addr()?);

    let far = Arc::new(Far::default());
    let far_sink = far.clone();
    let far_transport = start(2, far_listener, 1, near_at, Box::new(move |e| far_sink.take(e)))?;
    far.transport.set(far_transport).ok();
    let (sender, mut events) = mpsc::unbounded_channel();
    let near = start(1, near_listener, 2, far_at, Box::new(move |event| drop(sender.send(event))))?;
    while !matches!(events.recv().await, Some(Event::Up(_))) {}

    for bytes in [256, 64 * 1024] {
        let record = Bytes::from(vec![7; bytes]);
        let (before, cpu, start) = (far.frames.load(Ordering::Relaxed), cpu_ms(), Instant::now());
        let mut sent = 0;
        while start.elapsed() < duration {
            for _ in 0..1_000 {
                match near.send(NodeId(2), Lane::Log, record.clone()) {
                    Ok(()) => sent += 1,
                    Err(Refused::Full { .. }) => tokio::time::sleep(Duration::from_millis(1)).await,
                    Err(refused) => return Err(refused.into()),
                }
            }
        }
        while far.frames.load(Ordering::Relaxed) - before < sent {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let micros = u64::try_from(start.elapsed().as_micros())?;
        println!(
            "{bytes} B one way: {} records/s, {} MB/s, {} ns processor time each",
            sent * 1_000_000 / micros,
            sent * u64::try_from(bytes)? / micros,
            (cpu_ms() - cpu) * 1_000_000 / sent
        );
    }

    far.echo.store(true, Ordering::Relaxed);
    let record = Bytes::from(vec![7; 256]);
    let mut trips_us = Vec::new();
    let cpu = cpu_ms();
    let start = Instant::now();
    while start.elapsed() < duration {
        let sent = Instant::now();
        near.send(NodeId(2), Lane::Log, record.clone())?;
        while !matches!(events.recv().await, Some(Event::Frame { .. })) {}
        trips_us.push(sent.elapsed().as_micros());
    }
    trips_us.sort_unstable();
    let at = |per_mille: usize| trips_us[trips_us.len() * per_mille / 1_000];
    println!(
        "256 B round trip: p50 {} µs, p99 {} µs, p99.9 {} µs, {} µs processor time each",
        at(500),
        at(990),
        at(999),
        (cpu_ms() - cpu) * 1_000 / u64::try_from(trips_us.len())?
    );
    near.close().await;
    Ok(())
}

/// The processor time of this process so far, from ticks of 10 ms; 0 where there is no `/proc`.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}

impl Far {
    fn take(&self, event: Event) {
        if let Event::Frame { bytes, .. } = event {
            self.frames.fetch_add(1, Ordering::Relaxed);
            if self.echo.load(Ordering::Relaxed)
                && let Some(transport) = self.transport.get()
            {
                // One at a time: it cannot be full, and a lost session shows at the near end.
                transport.send(NodeId(1), Lane::Log, bytes).ok();
            }
        }
    }
}
