//! What a session tells its owner, and what it answers to a send.

use core::net::SocketAddr;
use std::io;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use types::NodeId;

use crate::{frame::FrameError, handshake::HandshakeError};

/// One of the two connections to a peer. Each has its own TCP connection, task, queue and limits, so
/// that nothing on one waits for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Control, appends and acknowledgements: what a client waits for. A node is up when this is.
    Log,
    /// Catch-up and snapshots: what may take its time.
    Bulk,
}

impl Lane {
    /// Both lanes, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Log, Self::Bulk];

    /// The number in a hello; never reused.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Log => 0,
            Self::Bulk => 1,
        }
    }
}

/// What happened. For one peer the events come as `Up`, `Frame`s, `Down`, `Up`, and so on: no frame
/// comes before its `Up`, after its `Down`, or from an older session than the last `Up`. Frames of
/// one lane come in the order they were sent, without gaps while the session lasts; between lanes
/// there is no order.
#[derive(Debug)]
pub enum Event {
    /// The log lane of this peer stands; sends are accepted. The bulk lane follows by itself.
    Up(NodeId),
    /// The session is over and both lanes are closed; what was queued or on its way may be lost.
    Down(NodeId, DownReason),
    /// A peer's bytes.
    Frame {
        /// Who sent them, by the verified certificate.
        from: NodeId,
        /// Which lane carried them.
        lane: Lane,
        /// The bytes as handed to `send`. They share a read buffer of 256 KiB or more with their
        /// neighbours: whoever keeps a small frame for long should copy it.
        bytes: Bytes,
        /// The frame's part of what this lane may bring before it is worked off.
        room: Room,
    },
    /// An attempt to reach a peer that this node dials failed; the next follows after a pause.
    Unreachable(NodeId, HandshakeError),
    /// Somebody connected and was turned away. Strangers cause these at will: whoever logs them
    /// should bound how often.
    Rejected {
        /// The address the connection came from.
        remote: SocketAddr,
        /// Why; names the step it failed at.
        why: HandshakeError,
    },
}

/// What one frame takes of `Limits::inbound_bytes_max`, given back when dropped. Keep it with the frame
/// for as long as that waits: a lane whose room is used up is not read until some comes back, and the
/// peer has to wait.
#[derive(Debug)]
pub struct Room {
    _permit: OwnedSemaphorePermit,
}

impl Room {
    pub(crate) const fn new(permit: OwnedSemaphorePermit) -> Self {
        Self { _permit: permit }
    }
}

/// Takes events. Called from I/O tasks, possibly from several at once for different peers and
/// lanes: it must not block, and should only hand the event on.
pub type Sink = Box<dyn Fn(Event) + Send + Sync>;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownReason {
    /// The peer closed it in good order: it is stopping.
    #[error("the peer closed the session")]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Lost(io::ErrorKind),
    /// Nothing was heard for the allowed silence although echoes were asked for.
    #[error("the peer fell silent")]
    Silent,
    /// Not one byte could be written for the allowed silence.
    #[error("the peer takes no bytes")]
    Stalled,
    /// The peer broke the framing.
    #[error("the peer broke the framing")]
    Protocol(#[source] FrameError),
    /// The peer opened a newer session.
    #[error("a newer session took its place")]
    Replaced,
    /// This node is stopping.
    #[error("this node is stopping")]
    Stopped,
    /// The peer is none any more.
    #[error("the peer was removed")]
    Removed,
}

impl DownReason {
    /// The labels that [`Self::label`] gives, for whoever counts by cause.
    pub const LABELS: [&'static str; 8] =
        ["closed", "lost", "silent", "stalled", "protocol", "replaced", "stopped", "removed"];

    /// A fixed word for metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        Self::LABELS[self.index()]
    }

    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Closed => 0,
            Self::Lost(_) => 1,
            Self::Silent => 2,
            Self::Stalled => 3,
            Self::Protocol(_) => 4,
            Self::Replaced => 5,
            Self::Stopped => 6,
            Self::Removed => 7,
        }
    }
}

/// Why a frame was not taken. Nothing was queued; the protocol above sends again when it still
/// wants to. Both lanes refuse the newest frame when full: an accepted frame is never dropped to
/// make room, because gaps in a live session would break its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such peer is configured.
    #[error("{0} is not a peer")]
    Unknown(NodeId),
    /// The lane has no connection now.
    #[error("the lane is down")]
    Down,
    /// The queue holds too much already: the peer or the link is slower than the sender.
    #[error("the queue is full with {queued_bytes} bytes")]
    Full {
        /// What waits, overhead of frames included.
        queued_bytes: usize,
    },
    /// A frame must have 1 to `frame_bytes_max` bytes.
    #[error("a frame of {bytes} bytes cannot be sent")]
    Length {
        /// Its length.
        bytes: usize,
    },
}
