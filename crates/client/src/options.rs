//! The knobs of a client.

use core::time::Duration;

use types::Until;

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long a payment is asked for in all, over all tries.
    pub deadline: Duration,
    /// How long one try may take, connecting included. Longer than a node waits for a commit (5 s by
    /// default), or a slow answer is taken for none.
    pub try_wait: Duration,
    /// How long connecting may take within that.
    pub connect_wait: Duration,
    /// The pause after every endpoint was tried once; doubles with every round.
    pub pause_first: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// Connections to one endpoint; requests beyond wait for one.
    pub connections_max: usize,
    /// Bytes of an answer.
    pub answer_bytes_max: usize,
    /// For what answers are to wait.
    pub until: Until,
    /// Where the spread of pauses begins; clients with different seeds do not ask in step.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            try_wait: Duration::from_secs(6),
            connect_wait: Duration::from_secs(2),
            pause_first: Duration::from_millis(20),
            pause_max: Duration::from_millis(500),
            connections_max: 256,
            answer_bytes_max: 8 << 20,
            until: Until::Commit,
            seed: 1,
        }
    }
}
