//! Nodes for tests: ephemeral ports, one authority, events in a channel.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::{sync::mpsc, time::timeout};
use transport::{
    ClusterName, DownReason, Event, Identity, Lane, Limits, Metrics, Options, Transport,
    pki::{Authority, Credential},
};
use types::NodeId;

/// Far beyond what any step takes, so that only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

static PROD: LazyLock<Authority> = LazyLock::new(|| authority("prod"));

#[expect(clippy::disallowed_methods, reason = "certificates are checked against the real clock")]
pub(crate) fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn authority(cluster: &str) -> Authority {
    Authority::create(ClusterName::new(cluster).unwrap(), now_unix_s()).unwrap()
}

pub(crate) fn credential(node: u16) -> Credential {
    PROD.issue(NodeId(node), now_unix_s(), 1).unwrap()
}

pub(crate) fn identity(node: u16) -> Identity {
    Identity::new(&credential(node)).unwrap()
}

pub(crate) fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The same port once more, as a restarted node would: tasks of the node before may still hold it,
/// and so may, for a moment, somebody's outgoing connection.
pub(crate) async fn rebind(address: SocketAddr) -> TcpListener {
    let bound = async {
        loop {
            match TcpListener::bind(address) {
                Ok(listener) => return listener,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(PATIENCE, bound).await.expect("the port comes free")
}

/// Fast enough for tests, far enough above a busy machine's pauses.
pub(crate) fn limits() -> Limits {
    Limits {
        frame_bytes_max: 1 << 20,
        keepalive: Duration::from_millis(100),
        silence_max: Duration::from_secs(1),
        redial_min: Duration::from_millis(5),
        redial_max: Duration::from_millis(50),
        ..Limits::default()
    }
}

/// A transport and what it reported.
pub(crate) struct Node {
    pub(crate) transport: Transport,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Node {
    pub(crate) fn start(
        identity: Identity,
        listener: TcpListener,
        peers: &[(u16, SocketAddr)],
        limits: Limits,
    ) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let peers: BTreeMap<_, _> =
            peers.iter().map(|(id, address)| (NodeId(*id), address.to_string())).collect();
        let seed = u64::from(listener.local_addr().unwrap().port());
        let options = Options { identity, listener, peers, limits, seed };
        let sink = Box::new(move |event| drop(sender.send(event)));
        Self { transport: Transport::start(options, sink).unwrap(), events }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a sink")
    }

    /// The first event for which `pick` gives something; those before are dropped.
    pub(crate) async fn wait<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn up(&mut self, node: u16) {
        self.wait(|event| matches!(event, Event::Up(up) if up.0 == node).then_some(())).await;
    }

    pub(crate) async fn down(&mut self, node: u16) -> DownReason {
        self.wait(|event| match event {
            Event::Down(down, reason) if down.0 == node => Some(reason),
            _ => None,
        })
        .await
    }

    pub(crate) async fn frame(&mut self, from: u16) -> (Lane, Bytes) {
        self.wait(|event| match event {
            Event::Frame { from: sender, lane, bytes, .. } if sender.0 == from => {
                Some((lane, bytes))
            }
            _ => None,
        })
        .await
    }

    /// Sends as soon as the lane is there and has room.
    pub(crate) async fn send(&self, to: u16, lane: Lane, bytes: Bytes) {
        let sent = async {
            while self.transport.send(NodeId(to), lane, bytes.clone()).is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, sent).await.expect("room in time");
    }

    /// The counters as soon as they please; events come a moment before they are counted.
    pub(crate) async fn metrics(&self, please: impl Fn(&Metrics) -> bool) -> Metrics {
        let pleasing = async {
            loop {
                let metrics = self.transport.metrics();
                if please(&metrics) {
                    return metrics;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = timeout(PATIENCE, pleasing).await;
        found.unwrap_or_else(|_| panic!("other counters in time: {:?}", self.transport.metrics()))
    }

    /// Whatever was reported and not looked at.
    pub(crate) fn rest(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }
}

/// Nodes 1 and 2, connected straight, both up.
pub(crate) async fn pair(limits: Limits) -> (Node, Node) {
    let ((one, one_at), (two, two_at)) = (listener(), listener());
    let mut one = Node::start(identity(1), one, &[(2, two_at)], limits.clone());
    let mut two = Node::start(identity(2), two, &[(1, one_at)], limits);
    one.up(2).await;
    two.up(1).await;
    (one, two)
}
