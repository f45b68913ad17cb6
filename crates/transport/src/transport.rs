//! The whole of one node's sessions: starts them, sends on them, stops them.

use std::{
    collections::BTreeMap,
    fmt, io, net,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bytes::Bytes;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use types::NodeId;

use crate::{
    event::{DownReason, Event, Lane, Refused, Sink},
    handshake::{self, HandshakeError},
    hello::Refusal,
    limits::{ACCEPT_PAUSE, Limits, LimitsError},
    metrics::{Counter, Metrics, read_all},
    peer::{self, Arrival, Peer},
    tls::Identity,
};

/// Connections of one peer that wait for its task. Two lanes, each perhaps dialed anew.
const ARRIVALS_MAX: usize = 4;

/// What a transport is made of. Who this node is stands in its identity.
#[derive(Debug)]
pub struct Options {
    /// Proof of who this node is, and whom it trusts.
    pub identity: Identity,
    /// Where peers of a lower number connect to, bound by the caller.
    pub listener: net::TcpListener,
    /// The other nodes, each with its `host:port`. Only those of a higher number are dialed; the
    /// name is resolved anew at every attempt.
    pub peers: BTreeMap<NodeId, String>,
    /// The bounds.
    pub limits: Limits,
    /// Spreads the pauses between attempts; should differ between nodes.
    pub seed: u64,
}

/// Why a transport did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The limits contradict each other.
    #[error("the limits do not fit each other")]
    Limits(#[from] LimitsError),
    /// A node would be its own peer.
    #[error("{0} is listed as its own peer")]
    OwnPeer(NodeId),
    /// The listener is of no use.
    #[error("the listener cannot be used")]
    Listener(#[source] io::Error),
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
}

/// Mutually authenticated sessions with every peer.
///
/// # Guarantees
/// - A frame is delivered at most once, and only within the session in which it was sent; see
///   [`Event`] for the order.
/// - A frame that `send` took may be lost, and only when the session ends: `Down` follows.
/// - A peer that is silent, or takes no bytes, for `silence_max` is `Down` then.
///
/// Dropping it ends all tasks at once, without a farewell to the peers or a last event; use
/// [`Transport::close`] to end in order.
pub struct Transport {
    shared: Arc<Shared>,
    peers: Peers,
    doors: Doors,
    local: net::SocketAddr,
    tasks: Mutex<Option<JoinSet<()>>>,
    /// Where tasks for peers that come later run.
    runtime: Handle,
}

/// The peers, each with what ends its task.
type Peers = RwLock<BTreeMap<NodeId, (Arc<Peer>, AbortHandle)>>;

/// What the tasks share.
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) limits: Limits,
    pub(crate) seed: u64,
    /// Tells the sessions of this start of the node from those of others. Drawn here, because a
    /// caller who gave the same twice would be refused as stale after a restart.
    pub(crate) boot: u64,
    pub(crate) sink: Sink,
    pub(crate) stop: watch::Sender<bool>,
    rejected: [Counter; HandshakeError::LABELS.len()],
}

impl Transport {
    /// Starts listening and dialing. Must be called inside a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// `StartError`; nothing runs then.
    pub fn start(options: Options, sink: Sink) -> Result<Self, StartError> {
        let Options { identity, listener, peers, limits, seed } = options;
        limits.check()?;
        let me = identity.node();
        if peers.contains_key(&me) {
            return Err(StartError::OwnPeer(me));
        }
        listener.set_nonblocking(true).map_err(StartError::Listener)?;
        let local = listener.local_addr().map_err(StartError::Listener)?;
        let listener = TcpListener::from_std(listener).map_err(StartError::Listener)?;

        let boot = random()?;
        let (stop, rejected) = (watch::Sender::new(false), Default::default());
        let shared = Arc::new(Shared { identity, limits, seed, boot, sink, stop, rejected });
        let mut tasks = JoinSet::new();
        let doors = Doors::default();
        tasks.spawn(keep_listening(shared.clone(), listener, doors.clone()));
        let (tasks, known) = (Mutex::new(Some(tasks)), Peers::default());
        let runtime = Handle::current();
        let transport = Self { shared, peers: known, doors, local, tasks, runtime };
        for (id, address) in peers {
            transport.add(id, address);
        }
        Ok(transport)
    }

    /// Keeps sessions with one more peer from now on, and with no other at its address: who stood there
    /// before is gone. Does nothing for a peer that is known under this address, for this node itself, and
    /// when the transport has stopped.
    pub fn add(&self, id: NodeId, address: String) {
        let me = self.node();
        let is_known = |peer: &Peer| peer.address() == address;
        let known: Vec<(NodeId, bool)> = read(&self.peers)
            .iter()
            .filter(|(other, (peer, _))| **other == id || is_known(peer))
            .map(|(other, (peer, _))| (*other, is_known(peer)))
            .collect();
        if id == me || known == [(id, true)] {
            return;
        }
        for (other, _) in known {
            self.remove(other);
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(tasks) = tasks.as_mut() else { return };
        let peer = Arc::new(Peer::new(id, address, &self.shared.limits));
        let task = if me < id {
            let dialing = peer::keep_dialing(self.shared.clone(), peer.clone());
            tasks.spawn_on(dialing, &self.runtime)
        } else {
            let (door, arrivals) = mpsc::channel(ARRIVALS_MAX);
            write(&self.doors).insert(id, (peer.clone(), door));
            let accepting = peer::keep_accepting(self.shared.clone(), peer.clone(), arrivals);
            tasks.spawn_on(accepting, &self.runtime)
        };
        write(&self.peers).insert(id, (peer, task));
    }

    /// Ends what there is with a peer, and opens nothing with it any more. `Down` is reported, whether it
    /// was up or not.
    pub fn remove(&self, id: NodeId) {
        let Some((_, task)) = write(&self.peers).remove(&id) else { return };
        write(&self.doors).remove(&id);
        task.abort();
        (self.shared.sink)(Event::Down(id, DownReason::Removed));
    }

    /// Who this node is.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.shared.identity.node()
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_address(&self) -> net::SocketAddr {
        self.local
    }

    /// Queues a frame for a peer; never waits. It goes out after those queued before on this lane.
    ///
    /// # Errors
    /// `Refused`; nothing was queued. See there for what each case asks for.
    pub fn send(&self, to: NodeId, lane: Lane, bytes: Bytes) -> Result<(), Refused> {
        let peers = read(&self.peers);
        let (peer, _) = peers.get(&to).ok_or(Refused::Unknown(to))?;
        if bytes.is_empty() || bytes.len() > self.shared.limits.frame_bytes_max {
            return Err(Refused::Length { bytes: bytes.len() });
        }
        peer.lane(lane).queue.push(bytes)
    }

    /// What waits for a peer on a lane, in bytes with 36 per frame beside its own; 0 for strangers.
    #[must_use]
    pub fn queued_bytes(&self, to: NodeId, lane: Lane) -> usize {
        read(&self.peers).get(&to).map_or(0, |(peer, _)| peer.lane(lane).queue.depth().bytes)
    }

    /// All counters.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let peers = read(&self.peers);
        let lanes = peers.values().flat_map(|(peer, _)| {
            Lane::ALL.map(|name| {
                let lane = peer.lane(name);
                lane.counters.read(peer.id, name, lane.queue.depth())
            })
        });
        Metrics { lanes: lanes.collect(), rejected: read_all(&self.shared.rejected) }
    }

    /// Stops listening and dialing, writes what is queued for up to `close_max`, tells the peers,
    /// and reports `Down` for those that were up. When it returns, nothing runs any more and no
    /// event follows. A second call returns at once.
    pub async fn close(&self) {
        self.shared.stop.send_replace(true);
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut tasks) = tasks {
            while tasks.join_next().await.is_some() {}
        }
    }
}

impl Shared {
    /// Returns when the transport stops.
    pub(crate) async fn stopped(&self) {
        // The sender lives in `self`, so this ends only by the value.
        drop(self.stop.subscribe().wait_for(|stop| *stop).await);
    }

    fn reject(&self, remote: net::SocketAddr, why: HandshakeError) {
        self.rejected[why.index()].add(1);
        (self.sink)(Event::Rejected { remote, why });
    }
}

/// For each peer that dials this node: its record, and the way to its task.
type Doors = Arc<RwLock<BTreeMap<NodeId, (Arc<Peer>, mpsc::Sender<Arrival>)>>>;

/// Whoever held the lock before only put in or took out one entry.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn random() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    let source = rustls::crypto::ring::default_provider().secure_random;
    source.fill(&mut bytes).map_err(|_| StartError::Randomness)?;
    Ok(u64::from_le_bytes(bytes))
}

async fn keep_listening(shared: Arc<Shared>, listener: TcpListener, doors: Doors) {
    // Dropped with this task: handshakes under way end with it.
    let mut handshakes = JoinSet::new();
    let mut places = Places::new(shared.limits.handshakes_max);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = handshakes.join_next() => {
                // An error is a panic, which ends a released process.
                if let Ok(address) = ended {
                    places.give_back(address);
                }
                continue;
            }
            () = shared.stopped() => return,
        };
        let Ok((tcp, remote)) = accepted else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if !places.take(remote.ip()) {
            shared.reject(remote, HandshakeError::Crowded);
            continue;
        }
        let (shared, doors) = (shared.clone(), doors.clone());
        handshakes.spawn(async move {
            let let_in = let_in(&shared, &doors, tcp);
            let outcome = timeout(shared.limits.handshake_max, let_in).await;
            if let Err(why) = outcome.unwrap_or(Err(HandshakeError::Timeout)) {
                shared.reject(remote, why);
            }
            remote.ip()
        });
    }
}

/// Who is in the handshake now. One address has a quarter of the places at most: somebody who connects
/// again and again and says nothing must not keep the peers out.
struct Places {
    taken: BTreeMap<IpAddr, usize>,
    count: usize,
    count_max: usize,
}

impl Places {
    const fn new(count_max: usize) -> Self {
        Self { taken: BTreeMap::new(), count: 0, count_max }
    }

    fn take(&mut self, address: IpAddr) -> bool {
        let share = self.count_max.div_ceil(4);
        let taken = self.taken.get(&address).copied().unwrap_or(0);
        if self.count == self.count_max || taken >= share {
            return false;
        }
        self.count += 1;
        self.taken.insert(address, taken + 1);
        true
    }

    fn give_back(&mut self, address: IpAddr) {
        self.count -= 1;
        match self.taken.get_mut(&address) {
            Some(taken) if *taken > 1 => *taken -= 1,
            Some(_) | None => drop(self.taken.remove(&address)),
        }
    }
}

/// From a connection to the task of the peer that it turns out to be from.
async fn let_in(shared: &Shared, doors: &Doors, tcp: TcpStream) -> Result<(), HandshakeError> {
    let (stream, hello) = handshake::accept(&shared.identity, tcp).await?;
    let door = read(doors).get(&hello.from).cloned();
    let Some((peer, door)) = door else {
        return Err(handshake::refuse(stream, Refusal::Stranger).await);
    };
    if let Err(refusal) = peer.admits(&hello) {
        return Err(handshake::refuse(stream, refusal).await);
    }
    // It fails only when the task is gone, which is when all stops.
    drop(door.send(Arrival { stream, hello }).await);
    Ok(())
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("node", &self.node()).finish_non_exhaustive()
    }
}
