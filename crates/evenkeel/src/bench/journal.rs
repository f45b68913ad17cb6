//! `evenkeel bench journal`: commits per second of one group with three nodes on this machine, each
//! with its own folder, sessions over mutual TLS on loopback, fsync on everywhere.
//!
//! The nodes run in this process, so that nothing but the journal is measured: no HTTP, no XML. A
//! commit is one command of the given size, durable on two of three nodes and applied.

use std::net::{SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use model::{LoadError, Model, Outcome, Saving};
use runtime::{Handle, Running};
use tokio::time::Instant;
use transport::pki::Authority;
use types::{GroupId, Hash, MessageId, ModelVersion, NodeId, Stamp};
use wire::{Command, Reply};

use super::{Figures, histogram, micros};

/// Histograms that the clients of one run share.
const SHARDS: usize = 16;

/// Takes any bytes and remembers only how many there were.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Opaque {
    commands: u64,
    bytes: u64,
}

impl Model for Opaque {
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=ModelVersion::FIRST
    }

    fn apply(&mut self, _: ModelVersion, _: Stamp, command: &[u8], outcome: &mut Outcome) {
        self.commands += 1;
        self.bytes += command.len() as u64;
        outcome.reply.extend_from_slice(&self.commands.to_le_bytes());
    }

    fn digest(&self) -> Hash {
        wire::digest(&[self.commands.to_le_bytes(), self.bytes.to_le_bytes()].concat())
    }

    fn save(&self) -> Saving {
        let part = [self.commands.to_le_bytes(), self.bytes.to_le_bytes()].concat();
        Saving { aside: [part].into(), ..Saving::default() }
    }

    fn save_next(&self, saving: &mut Saving, _bytes_max: usize) -> Option<Vec<u8>> {
        saving.aside.pop_front()
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        let (commands, bytes) = part.split_first_chunk::<8>().ok_or(LoadError::Truncated)?;
        self.commands = u64::from_le_bytes(*commands);
        self.bytes = u64::from_le_bytes(bytes.try_into().map_err(|_| LoadError::Truncated)?);
        Ok(())
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        Ok(())
    }
}

/// Three nodes in this process.
pub(crate) struct Trio {
    nodes: Vec<Running<Opaque>>,
    home: usize,
}

impl Trio {
    /// Starts three nodes below `folder` and waits until group 0 serves.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let now_unix_s = runtime::Clock::start().wall().0 / 1_000_000;
        let name = transport::ClusterName::new("bench").context("a cluster's name")?;
        let authority = Authority::create(name, now_unix_s).context("make an authority")?;
        let addresses = free_addresses()?;
        let mut nodes = Vec::new();
        for id in 1..=3_u16 {
            let base = folder.join(format!("n{id}"));
            let credentials = base.join("tls");
            authority
                .issue(NodeId(id), now_unix_s, 1)
                .context("make a certificate")?
                .write(&credentials)
                .context("write a certificate")?;
            runtime::allow_first_start(&base.join("data")).context("make a node's folder")?;
            let config = runtime::parse(&config(id, &base, &credentials, &addresses))
                .context("the benchmark's own configuration")?;
            nodes.push(runtime::start(&config, &Opaque::default()).context("start a node")?);
        }
        let home = wait_for_home(&nodes).await?;
        Ok(Self { nodes, home })
    }

    /// For talking to the home of group 0.
    pub(crate) fn home(&self) -> Option<Handle<Opaque>> {
        self.nodes.get(self.home).map(Running::handle)
    }

    /// Stops all nodes.
    pub(crate) async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Runs the benchmark: for each number outstanding, `seconds` of commits of `bytes` each.
pub(crate) async fn run(
    folder: &Path,
    outstanding: &[usize],
    bytes: usize,
    seconds: u64,
) -> Result<Vec<Figures>> {
    let trio = Trio::start(folder).await?;
    let handle = trio.home().context("a home was found")?;
    let mut all = Vec::new();
    for outstanding in outstanding.iter().copied() {
        // A short run first, so that no case pays for another's start.
        load(&handle, outstanding, bytes, Duration::from_millis(500)).await?;
        let figures = load(&handle, outstanding, bytes, Duration::from_secs(seconds)).await?;
        all.push(figures);
    }
    trio.stop().await;
    Ok(all)
}

/// Keeps `outstanding` commands in flight for `time`.
async fn load(
    handle: &Handle<Opaque>,
    outstanding: usize,
    bytes: usize,
    time: Duration,
) -> Result<Figures> {
    let body = bytes::Bytes::from(vec![0x5a_u8; bytes]);
    let digest = wire::digest(&body);
    let failed = Arc::new(AtomicU64::new(0));
    // One histogram for many tasks: a histogram each would be most of the memory that is touched.
    let shards: Vec<_> = (0..SHARDS).map(|_| Arc::new(Mutex::new(histogram()))).collect();
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(outstanding);
    for shard in shards.iter().cycle().take(outstanding) {
        let (handle, body, failed) = (handle.clone(), body.clone(), Arc::clone(&failed));
        let shard = Arc::clone(shard);
        tasks.push(tokio::spawn(async move {
            while start.elapsed() < time {
                let id = MessageId(uuid::Uuid::now_v7().into_bytes());
                let command = Command {
                    id,
                    digest,
                    not_after: Stamp(u64::MAX),
                    origin: None,
                    body: body.clone(),
                };
                let sent = Instant::now();
                match handle.command(GroupId(0), command, None).await {
                    Ok(Reply::Done { .. }) => shard
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .saturating_record(micros(sent.elapsed())),
                    Ok(_) | Err(_) => {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }));
    }
    for task in tasks {
        task.await.context("a client task")?;
    }
    let mut latency: Histogram<u64> = histogram();
    for shard in shards {
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        latency.add(&*shard).context("merge latencies")?;
    }
    let failed = failed.load(Ordering::Relaxed);
    if failed > 0 {
        bail!("{failed} commands were not committed; the figures would mean nothing");
    }
    Ok(Figures { outstanding, seconds: start.elapsed().as_secs_f64(), latency })
}

async fn wait_for_home(nodes: &[Running<Opaque>]) -> Result<usize> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        for (index, node) in nodes.iter().enumerate() {
            let serves = |view: &runtime::NodeView<'_, Opaque>| {
                view.node
                    .group(GroupId(0))
                    .is_some_and(|group| group.home_epoch().is_some() && group.commit().0 > 0)
            };
            if node.handle().ask(serves).await? {
                return Ok(index);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("no node became the home of group 0 within 30 s")
}

/// Three free loopback ports. Taken and given back: a port that another process takes in between
/// is reported when the node starts.
fn free_addresses() -> Result<Vec<SocketAddr>> {
    let listeners: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind("127.0.0.1:0").context("find a free port"))
        .collect::<Result<_>>()?;
    listeners.iter().map(|listener| listener.local_addr().context("a port's address")).collect()
}

fn config(id: u16, base: &Path, credentials: &Path, addresses: &[SocketAddr]) -> String {
    let mut text = format!(
        "node: {id}\ndata: {}\ncredentials: {{folder: {}}}\nlisten: {{peers: '{}', http: \
         '127.0.0.1:0'}}\ngroups: 1\ncopies: 2\nfailover: {{pulse: 500ms, detect: 10s, election: \
         500ms, resend: 1s}}\nstorage: {{segment_mib: 64}}\nnodes:\n",
        base.join("data").display(),
        credentials.display(),
        addresses.get(usize::from(id) - 1).map(ToString::to_string).unwrap_or_default(),
    );
    for (index, address) in addresses.iter().enumerate() {
        let id = index + 1;
        text +=
            &format!("  - {{id: {id}, region: r{id}, peers: '{address}', http: 'http://r{id}'}}\n");
    }
    text
}
