//! Mutually authenticated sessions between nodes.
//!
//! A [`Transport`] keeps one session with every peer: two TLS 1.3 connections, one for what a
//! client waits for and one for bulk ([`Lane`]). Both sides show a certificate of the cluster's own
//! authority ([`pki`]); who a peer is follows from that alone. Messages are queued within bounds,
//! written in large batches, and lost only when a session ends, which both sides learn within a
//! stated time. A receiver that falls behind holds its peers up instead of filling its memory. Frames are opaque here: what they mean, and sending them again, is the matter of
//! the protocol above. [`link`] is a wire with the delays and faults of a long one, for
//! demonstrations and tests.
//!
//! Not offered: retries, and priorities within a lane.

mod backoff;
mod connection;
mod event;
mod frame;
mod handshake;
mod hello;
mod limits;
pub mod link;
mod metrics;
mod name;
mod peer;
pub mod pki;
mod queue;
mod tls;
mod transport;

pub use self::{
    event::{DownReason, Event, Lane, Refused, Room, Sink},
    frame::FrameError,
    handshake::HandshakeError,
    hello::{HelloError, Refusal},
    limits::{Limits, LimitsError},
    metrics::{LaneMetrics, Metrics},
    name::{ClusterName, NotAClusterName},
    tls::{Identity, IdentityError, NameError},
    transport::{Options, StartError, Transport},
};
