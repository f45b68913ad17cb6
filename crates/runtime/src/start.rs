//! From a configuration to a running node: identity, disk, recovery, sessions, core thread.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use group::{GroupOptions, Input, NodeOptions, Recovery};
use model::Model;
use replication::Mutant;
use steering::Policy;
use storage::{Completion, Storage};
use tokio::sync::watch;
use transport::{Event, Identity, Transport, pki::Credential};
use types::{ConfigId, GroupId, NodeId};
use wire::log;

use crate::driver::{Driver, Halt};
use crate::handle::{Handle, Job};
use crate::{Clock, Config};

/// Why a node did not start. The chain of sources names the file or address and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A certificate or key file cannot be read.
    #[error("the node's credentials cannot be read")]
    CredentialFile(#[source] transport::pki::FileError),
    /// The certificate or key is of no use.
    #[error("the node's credentials cannot be used")]
    Credential(#[source] transport::IdentityError),
    /// The certificate is another node's.
    #[error("the certificate is {found}'s, the configuration is {expected}'s")]
    OtherNode {
        /// Whose certificate it is.
        found: NodeId,
        /// Whose configuration it is.
        expected: NodeId,
    },
    /// The folder cannot be opened.
    #[error("the node's folder cannot be used")]
    Storage(#[from] storage::OpenError),
    /// What the folder holds cannot be.
    #[error("the node cannot be recovered from its folder")]
    Recover(#[from] group::RecoverError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The sessions did not start.
    #[error("the sessions to other nodes did not start")]
    Transport(#[from] transport::StartError),
    /// The core thread did not start.
    #[error("the core thread did not start")]
    Thread(#[source] io::Error),
}

/// A running node. Dropping it stops the node as a crash would, but for what waits to be written.
#[derive(Debug)]
pub struct Running<M> {
    handle: Handle<M>,
    jobs: mpsc::Sender<Job<M>>,
    halted: watch::Receiver<Option<Halt>>,
    core: Option<JoinHandle<()>>,
    transport: Arc<Transport>,
    storage: Option<Storage>,
}

/// Starts a node. `fresh` is the application's model before the first command. Must be called inside
/// a tokio runtime; reading the log may take a while.
///
/// # Errors
/// [`StartError`]; nothing runs then.
pub fn start<M: Model + Send + 'static>(
    config: &Config,
    fresh: &M,
) -> Result<Running<M>, StartError> {
    let clock = Clock::start();
    let (identity, cluster) = identity(config)?;
    let listener = TcpListener::bind(config.listen.peers)
        .map_err(|source| StartError::Listen { address: config.listen.peers, source })?;

    let (jobs, receiver) = mpsc::channel();
    let opened = storage::open(storage_options(config, cluster, clock))?;
    let first = first_configs(config);
    let mut recovery = Recovery::new(node_options(config), &first, fresh, opened.blobs())?;
    let mut damage = None;
    let replayed = opened.replay(&mut |record| {
        if damage.is_none() {
            let bytes = Bytes::copy_from_slice(record.payload);
            damage = recovery.record(record.at, record.kind, bytes).err();
        }
    })?;
    if let Some(error) = damage {
        return Err(error.into());
    }
    let found = *replayed.found();
    let node = recovery.finish(register_options(config, &first), clock.now())?;
    tracing::info!(records = found.records, torn = ?found.torn, "log read");

    let storage = replayed.start(storage_sink(jobs.clone()))?;
    let transport = Arc::new(Transport::start(
        transport::Options {
            identity,
            listener,
            peers: config
                .nodes
                .iter()
                .filter(|node| node.id != config.node)
                .map(|node| (NodeId(node.id), node.peers.clone()))
                .collect(),
            limits: transport_limits(config),
            seed: clock.wall().0,
        },
        transport_sink(jobs.clone()),
    )?);
    let (halted_sender, halted) = watch::channel(None);
    let driver = Driver {
        node,
        clock,
        jobs: receiver,
        storage: storage.handle(),
        transport: Arc::clone(&transport),
        halted: halted_sender,
        backlog: VecDeque::new(),
        replies: BTreeMap::new(),
        ordered: BTreeMap::new(),
        requests: 0,
    };
    let core = thread::Builder::new()
        .name("core".into())
        .spawn(move || driver.run())
        .map_err(StartError::Thread)?;
    let handle = Handle::new(jobs.clone(), clock, config.answer_within.micros());
    Ok(Running { handle, jobs, halted, core: Some(core), transport, storage: Some(storage) })
}

impl<M: 'static> Running<M> {
    /// For talking to the node.
    #[must_use]
    pub fn handle(&self) -> Handle<M> {
        self.handle.clone()
    }

    /// Where the other nodes reach this one.
    #[must_use]
    pub fn peer_address(&self) -> std::net::SocketAddr {
        self.transport.local_address()
    }

    /// Waits until the node ends by itself, and says why.
    pub async fn halted(&self) -> Halt {
        let mut halted = self.halted.clone();
        match halted.wait_for(Option::is_some).await {
            Ok(halt) => halt.clone().unwrap_or(Halt::Asked),
            Err(_) => Halt::Asked,
        }
    }

    /// Stops the node in order: no more steps, what waits is written, sessions are closed.
    pub async fn stop(mut self) {
        // The core thread may have ended already.
        let _ended = self.jobs.send(Job::Halt(Halt::Asked)).is_err();
        let (core, storage) = (self.core.take(), self.storage.take());
        let stopping = tokio::task::spawn_blocking(move || {
            let panicked = core.is_some_and(|core| core.join().is_err());
            drop(storage);
            panicked
        });
        if stopping.await.unwrap_or(true) {
            tracing::error!("the core thread panicked");
        }
        self.transport.close().await;
    }
}

fn identity(config: &Config) -> Result<(Identity, log::ClusterId), StartError> {
    let credential =
        Credential::read(&config.credentials.folder).map_err(StartError::CredentialFile)?;
    let identity = Identity::new(&credential).map_err(StartError::Credential)?;
    let (found, expected) = (identity.node(), config.me());
    if found != expected {
        return Err(StartError::OtherNode { found, expected });
    }
    Ok((identity, cluster_id(&credential.authority_pem)))
}

/// An installation is told from all others by its authority's certificate: a folder or a session of
/// another cluster never passes for this one's.
fn cluster_id(authority_pem: &str) -> log::ClusterId {
    let digest = wire::digest(authority_pem.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(digest.0.split_at(16).0);
    log::ClusterId(id)
}

fn first_configs(config: &Config) -> Vec<(GroupId, types::Config)> {
    let members: Vec<NodeId> = config.nodes.iter().map(|node| NodeId(node.id)).collect();
    let first = types::Config::new(ConfigId(1), members, config.copies)
        .expect("the configuration's rules are the same");
    (0..config.groups).map(|group| (GroupId(group), first.clone())).collect()
}

fn storage_options(config: &Config, cluster: log::ClusterId, clock: Clock) -> storage::Options {
    let identity = log::Identity { cluster, node: config.me() };
    let clock: storage::Clock = Arc::new(move || clock.instant());
    let mut options = storage::Options::new(config.data.clone(), identity, clock);
    options.segment_bytes = config.storage.segment_mib << 20;
    options.reserve_bytes = options.segment_bytes / 16;
    options
}

fn transport_limits(config: &Config) -> transport::Limits {
    // A session is given up well before its region is: it may be the link.
    let silence_max =
        (config.failover.detect.duration() / 2).min(transport::Limits::default().silence_max);
    let keepalive = (silence_max / 5).min(transport::Limits::default().keepalive);
    transport::Limits { silence_max, keepalive, ..transport::Limits::default() }
}

fn register_options(config: &Config, first: &[(GroupId, types::Config)]) -> register::Options {
    let election_us = config.failover.election.micros();
    let tick_us = (election_us / ELECTION_TICKS).max(1);
    register::Options {
        node: config.me(),
        members: config.nodes.iter().map(|node| NodeId(node.id)).collect(),
        genesis: first.to_vec(),
        tick_us,
        election_ticks: ELECTION_TICKS,
        resend_ticks: (config.failover.resend.micros() / tick_us).max(1),
        retry_us: config.failover.resend.micros(),
        proposal_timeout_us: 2 * config.failover.detect.micros(),
    }
}

fn node_options(config: &Config) -> NodeOptions {
    let failover = &config.failover;
    let (detect_us, resend_us) = (failover.detect.micros(), failover.resend.micros());
    NodeOptions {
        group: GroupOptions {
            me: config.me(),
            window_records: WINDOW_RECORDS,
            held_bytes_max: HELD_BYTES_MAX,
            desk_bytes_max: DESK_BYTES_MAX,
            resend_us,
            handoff_us: detect_us / 2,
            beat_us: BEAT_US,
            patience_us: detect_us / 2,
            forwarded_wait_us: config.answer_within.micros(),
            model: 1,
            mutant: Mutant::None,
        },
        nodes: config.nodes.iter().map(|node| NodeId(node.id)).collect(),
        pulse_us: failover.pulse.micros(),
        look_us: failover.pulse.micros() / 4,
        policy: Policy {
            automatic: failover.automatic,
            detect_us,
            vantage_points: config.nodes.len().min(2),
            residence_us: failover.residence.micros(),
            stagger_us: 3 * failover.pulse.micros() + 2 * resend_us,
        },
        skew_us_max: failover.skew.micros(),
        disk_us_max: failover.disk.micros(),
        propose_us: 2 * resend_us,
    }
}

fn storage_sink<M: Send + 'static>(jobs: mpsc::Sender<Job<M>>) -> storage::Sink {
    Arc::new(move |completions: Vec<Completion>| {
        let mut inputs = Vec::with_capacity(completions.len());
        let mut job = None;
        for completion in completions {
            match completion {
                Completion::Written { id, at, .. } => {
                    inputs.push(Input::Written { id, at: at.unwrap_or_default() });
                }
                Completion::Loaded { id, result, .. } => {
                    if let Err(error) = &result {
                        tracing::error!(%error, "cannot read a record back");
                    }
                    inputs.push(Input::Loaded { id, bytes: result.ok() });
                }
                Completion::Room => job = Some(Job::Room),
                Completion::Failed(failure) => {
                    tracing::error!(%failure, "the disk failed");
                    job = Some(Job::Halt(Halt::Disk(failure.to_string())));
                }
            }
        }
        // The core thread may have ended; what is durable is found at the next start.
        let _ended = jobs.send(Job::Inputs(inputs)).is_err();
        if let Some(job) = job {
            let _ended = jobs.send(job).is_err();
        }
    })
}

fn transport_sink<M: Send + 'static>(jobs: mpsc::Sender<Job<M>>) -> transport::Sink {
    Box::new(move |event| {
        let input = match event {
            Event::Up(node) => Input::Peer { node, up: true },
            Event::Down(node, reason) => {
                tracing::info!(%node, %reason, "session lost");
                Input::Peer { node, up: false }
            }
            // A small frame must not keep the whole read buffer alive that it came in.
            Event::Frame { from, bytes, .. } => {
                Input::Frame { from, bytes: Bytes::copy_from_slice(&bytes) }
            }
            Event::Unreachable(node, why) => {
                return tracing::debug!(%node, %why, "node not reached");
            }
            Event::Rejected { remote, why } => {
                return tracing::warn!(%remote, %why, "connection turned away");
            }
        };
        let _ended = jobs.send(Job::Inputs(vec![input])).is_err();
    })
}

/// Records in flight per group: at 100 ms to the nearest copy, one record every 1.5 ms.
const WINDOW_RECORDS: u64 = 64;

/// Recent records kept in memory per group.
const HELD_BYTES_MAX: usize = 8 << 20;

/// Commands' bytes that may wait per group.
const DESK_BYTES_MAX: usize = 64 << 20;

/// An idle group closes its time this often.
const BEAT_US: u64 = 10_000_000;

/// Ticks of one election round: fine enough to spread the members' rounds.
const ELECTION_TICKS: u64 = 5;
