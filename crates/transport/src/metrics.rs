//! Counters. Written with relaxed order by the tasks, read whole by whoever shows them.

use core::sync::atomic::{AtomicU64, Ordering};

use types::NodeId;

use crate::{
    event::{DownReason, Lane},
    handshake::HandshakeError,
    queue::Depth,
};

/// What one lane to one peer has done since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneMetrics {
    /// The peer.
    pub peer: NodeId,
    /// The lane.
    pub lane: Lane,
    /// Whether a connection stands now.
    pub up: bool,
    /// Messages received.
    pub frames_in: u64,
    /// Their bytes, without headers and TLS.
    pub bytes_in: u64,
    /// Messages handed to the socket.
    pub frames_out: u64,
    /// Their bytes, without headers and TLS.
    pub bytes_out: u64,
    /// What waits to be written now, with 36 bytes per message beside its own.
    pub queued_bytes: usize,
    /// Messages refused because the queue was full.
    pub refused: u64,
    /// Messages accepted and dropped unwritten because the connection ended.
    pub dropped: u64,
    /// The last measured time from a ping to its echo; `None` before the first.
    pub rtt_us: Option<u64>,
    /// Connections that stood.
    pub connections: u64,
    /// Connections that ended, by [`DownReason::LABELS`].
    pub ends: [u64; DownReason::LABELS.len()],
    /// Attempts of this node that failed, by [`HandshakeError::LABELS`].
    pub failures: [u64; HandshakeError::LABELS.len()],
}

/// What the whole transport has done since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// One for each lane of each peer, in order.
    pub lanes: Vec<LaneMetrics>,
    /// Incoming connections turned away, by [`HandshakeError::LABELS`].
    pub rejected: [u64; HandshakeError::LABELS.len()],
}

/// The running counters of one lane.
#[derive(Debug, Default)]
pub(crate) struct LaneCounters {
    pub(crate) frames_in: Counter,
    pub(crate) bytes_in: Counter,
    pub(crate) frames_out: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) connections: Counter,
    pub(crate) ends: [Counter; DownReason::LABELS.len()],
    pub(crate) failures: [Counter; HandshakeError::LABELS.len()],
    /// One more than the time, so that 0 can mean none.
    rtt_us: AtomicU64,
}

impl LaneCounters {
    pub(crate) fn measured(&self, rtt_us: u64) {
        self.rtt_us.store(rtt_us.saturating_add(1), Ordering::Relaxed);
    }

    pub(crate) fn read(&self, peer: NodeId, lane: Lane, depth: Depth) -> LaneMetrics {
        LaneMetrics {
            peer,
            lane,
            up: depth.open,
            frames_in: self.frames_in.get(),
            bytes_in: self.bytes_in.get(),
            frames_out: self.frames_out.get(),
            bytes_out: self.bytes_out.get(),
            queued_bytes: depth.bytes,
            refused: depth.refused,
            dropped: depth.dropped,
            rtt_us: self.rtt_us.load(Ordering::Relaxed).checked_sub(1),
            connections: self.connections.get(),
            ends: read_all(&self.ends),
            failures: read_all(&self.failures),
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The values of a row of counters.
pub(crate) fn read_all<const N: usize>(counters: &[Counter; N]) -> [u64; N] {
    counters.each_ref().map(Counter::get)
}
