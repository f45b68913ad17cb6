//! One peer: its two lanes and the one task that owns its sessions.
//!
//! Of two nodes the one with the lower number dials, for both lanes. One connection then serves
//! both directions of a lane: half the handshakes, keep-alives and sockets of a pair that dials
//! each way, acknowledgements share segments with appends, and both ends agree on whether the
//! session stands. The price is that the higher node cannot open a path that the lower one cannot;
//! with TCP a path that works one way is of no use anyhow.
//!
//! The task ends everything of an old session, and waits for it, before the next `Up`. That, and
//! not a check at each frame, is why no frame of an older session can come late.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::{Instant, timeout},
};
use types::NodeId;

use crate::{
    backoff::Backoff,
    connection::Connection,
    event::{DownReason, Event, Lane},
    handshake::{self, HandshakeError, Stream},
    hello::{Hello, Refusal, SessionId},
    limits::Limits,
    metrics::LaneCounters,
    queue::Queue,
    transport::Shared,
};

/// What is known of one peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    address: String,
    log: LaneState,
    bulk: LaneState,
    /// The session whose log lane stands, or stood last.
    current: Mutex<Option<SessionId>>,
}

/// One lane of a peer.
#[derive(Debug)]
pub(crate) struct LaneState {
    pub(crate) queue: Queue,
    /// Bytes that may still come in. It outlives connections: what one of them brought is in memory
    /// until it is worked off, whether the connection stands or not.
    pub(crate) inbound: Arc<Semaphore>,
    pub(crate) counters: LaneCounters,
}

/// A connection that a peer opened: proven, agreed with, not yet answered.
pub(crate) struct Arrival {
    pub(crate) stream: Stream,
    pub(crate) hello: Hello,
}

impl Peer {
    pub(crate) fn new(id: NodeId, address: String, limits: &Limits) -> Self {
        let lane = |bytes_max| LaneState {
            queue: Queue::new(bytes_max),
            inbound: Arc::new(Semaphore::new(limits.inbound_bytes_max)),
            counters: LaneCounters::default(),
        };
        let [log, bulk] = [limits.log_queue_bytes_max, limits.bulk_queue_bytes_max].map(lane);
        Self { id, address, log, bulk, current: Mutex::default() }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) const fn lane(&self, lane: Lane) -> &LaneState {
        match lane {
            Lane::Log => &self.log,
            Lane::Bulk => &self.bulk,
        }
    }

    /// Whether a hello fits the sessions so far. A log lane must not be older than the one that
    /// stands: of two dials in a row the first may finish last.
    pub(crate) fn admits(&self, hello: &Hello) -> Result<(), Refusal> {
        let current = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match (hello.lane, current) {
            (Lane::Log, Some(current))
                if current.boot == hello.session.boot && current.number >= hello.session.number =>
            {
                Err(Refusal::Stale)
            }
            (Lane::Log, _) => Ok(()),
            (Lane::Bulk, current) if current == Some(hello.session) => Ok(()),
            (Lane::Bulk, _) => Err(Refusal::NoLogLane),
        }
    }

    fn set_current(&self, session: SessionId) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }
}

/// Keeps sessions with a peer of a higher number, until the transport stops.
pub(crate) async fn keep_dialing(shared: Arc<Shared>, peer: Arc<Peer>) {
    let mut backoff = backoff(&shared, &peer, Lane::Log);
    for number in 1.. {
        let session = SessionId { boot: shared.boot, number };
        match dial(&shared, &peer, Lane::Log, session).await {
            None => return,
            Some(Err(why)) => (shared.sink)(Event::Unreachable(peer.id, why)),
            Some(Ok(stream)) => {
                let start = Instant::now();
                if serve_dialed(&shared, &peer, session, stream).await == DownReason::Stopped {
                    return;
                }
                if start.elapsed() > shared.limits.redial_max {
                    backoff.reset();
                }
            }
        }
        if !pause(&shared, backoff.pause()).await {
            return;
        }
    }
}

/// Keeps the sessions that a peer of a lower number opens, until the transport stops.
pub(crate) async fn keep_accepting(
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    mut arrivals: mpsc::Receiver<Arrival>,
) {
    let mut next = None;
    loop {
        let arrival = match next.take() {
            Some(arrival) => arrival,
            None => tokio::select! {
                arrival = arrivals.recv() => match arrival {
                    Some(arrival) => arrival,
                    None => return,
                },
                () = shared.stopped() => return,
            },
        };
        if arrival.hello.lane == Lane::Log {
            next = serve_accepted(&shared, &peer, arrival, &mut arrivals).await;
        }
        // A bulk lane without its log lane is dropped; the peer sees its log lane end as well.
    }
}

async fn serve_dialed(
    shared: &Arc<Shared>,
    peer: &Arc<Peer>,
    session: SessionId,
    stream: Stream,
) -> DownReason {
    begin(shared, peer, session);
    let mut bulk = JoinSet::new();
    bulk.spawn(keep_bulk(shared.clone(), peer.clone(), session));
    let reason = run(shared, peer, Lane::Log, stream).await;
    end(shared, peer, bulk, reason).await;
    reason
}

/// Dials the bulk lane of one session again and again, until the transport stops.
async fn keep_bulk(shared: Arc<Shared>, peer: Arc<Peer>, session: SessionId) {
    let mut backoff = backoff(&shared, &peer, Lane::Bulk);
    loop {
        let start = Instant::now();
        match dial(&shared, &peer, Lane::Bulk, session).await {
            None => return,
            Some(Err(_)) => {}
            Some(Ok(stream)) => {
                if run_bulk(&shared, &peer, stream).await == DownReason::Stopped {
                    return;
                }
                if start.elapsed() > shared.limits.redial_max {
                    backoff.reset();
                }
            }
        }
        if !pause(&shared, backoff.pause()).await {
            return;
        }
    }
}

/// Serves one session and gives back the arrival that replaces it, if that is how it ended.
async fn serve_accepted(
    shared: &Arc<Shared>,
    peer: &Arc<Peer>,
    mut arrival: Arrival,
    arrivals: &mut mpsc::Receiver<Arrival>,
) -> Option<Arrival> {
    let session = arrival.hello.session;
    // Known before the welcome: the bulk lane is dialed as soon as that arrives.
    peer.set_current(session);
    handshake::welcome(&mut arrival.stream, &arrival.hello, &shared.limits).await.ok()?;
    begin(shared, peer, session);
    let mut bulk = JoinSet::new();
    let mut log = core::pin::pin!(run(shared, peer, Lane::Log, arrival.stream));
    let (reason, next) = loop {
        let arrival = tokio::select! {
            reason = &mut log => break (reason, None),
            Some(arrival) = arrivals.recv() => arrival,
        };
        match arrival.hello.lane {
            // Asked again: two dials may have been let in before either was served.
            Lane::Log if peer.admits(&arrival.hello).is_ok() => {
                break (DownReason::Replaced, Some(arrival));
            }
            Lane::Bulk if arrival.hello.session == session => {
                bulk.shutdown().await;
                peer.bulk.queue.close();
                bulk.spawn(serve_bulk(shared.clone(), peer.clone(), arrival));
            }
            Lane::Log | Lane::Bulk => {}
        }
    };
    if reason == DownReason::Replaced {
        peer.log.counters.ends[reason.index()].add(1);
    }
    end(shared, peer, bulk, reason).await;
    next
}

async fn serve_bulk(shared: Arc<Shared>, peer: Arc<Peer>, mut arrival: Arrival) {
    let welcome = handshake::welcome(&mut arrival.stream, &arrival.hello, &shared.limits);
    if welcome.await.is_ok() {
        run_bulk(&shared, &peer, arrival.stream).await;
    }
}

async fn run_bulk(shared: &Shared, peer: &Peer, stream: Stream) -> DownReason {
    peer.bulk.queue.open();
    let reason = run(shared, peer, Lane::Bulk, stream).await;
    peer.bulk.queue.close();
    reason
}

fn begin(shared: &Shared, peer: &Peer, session: SessionId) {
    peer.set_current(session);
    peer.log.queue.open();
    (shared.sink)(Event::Up(peer.id));
}

/// Ends both lanes; when this says `Down`, nothing of the session runs any more. The future of the
/// log lane is finished, or no longer polled, when this is called.
async fn end(shared: &Shared, peer: &Peer, mut bulk: JoinSet<()>, reason: DownReason) {
    peer.log.queue.close();
    if reason == DownReason::Stopped {
        // The bulk lane heard of the stop as well and writes what it has; it bounds itself.
        while bulk.join_next().await.is_some() {}
    }
    bulk.shutdown().await;
    peer.bulk.queue.close();
    (shared.sink)(Event::Down(peer.id, reason));
}

async fn run(shared: &Shared, peer: &Peer, lane: Lane, stream: Stream) -> DownReason {
    let LaneState { queue, inbound, counters } = peer.lane(lane);
    let (limits, sink) = (&shared.limits, &shared.sink);
    Connection { peer: peer.id, lane, queue, inbound, counters, limits, sink }
        .run(stream, shared.stop.subscribe())
        .await
}

/// One attempt; `None` when the transport stops. A failure is counted.
async fn dial(
    shared: &Shared,
    peer: &Peer,
    lane: Lane,
    session: SessionId,
) -> Option<Result<Stream, HandshakeError>> {
    let Shared { identity, limits, .. } = shared;
    let dialed = tokio::select! {
        dialed = handshake::dial(identity, limits, &peer.address, peer.id, lane, session) => dialed,
        () = shared.stopped() => return None,
    };
    Some(dialed.inspect_err(|why| peer.lane(lane).counters.failures[why.index()].add(1)))
}

fn backoff(shared: &Shared, peer: &Peer, lane: Lane) -> Backoff {
    let seed = shared.seed ^ (u64::from(peer.id.0) << 8) ^ u64::from(lane.number());
    Backoff::new(shared.limits.redial_min, shared.limits.redial_max, seed)
}

/// Waits; false when the transport stops meanwhile.
async fn pause(shared: &Shared, pause: Duration) -> bool {
    timeout(pause, shared.stopped()).await.is_err()
}
