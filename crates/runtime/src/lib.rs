//! Drives a node: clock, threads, sockets and disk around the machine that decides.
//!
//! One thread owns the [`Node`](group::Node) and feeds it everything that has come in since the last
//! step, as one step; what the node wants done goes to the storage thread and to the sessions. The
//! rest of the process talks to that thread through a [`Handle`]. Nothing here decides: a driver
//! that came to its own conclusions would do so outside the simulator.

mod clock;
mod config;
mod driver;
mod handle;
mod journals;
mod limits;
mod log;
mod newcomers;
mod options;
mod sinks;
mod span;
mod start;
mod stop;

pub use clock::Clock;
pub use config::{
    Config, ConfigError, Credentials, Failover, Listen, NodeRole, Peer, Retention, Snapshots,
    StorageConfig, load, parse,
};
pub use driver::Halt;
pub use handle::{Gone, Handle, NodeView};
pub use journals::{ClassName, Journals, QuorumLossName};
pub use newcomers::Newcomers;
pub use span::{NotASpan, Span};
pub use start::{Running, StartError, allow_first_start, start};
pub use storage::LoadError;
