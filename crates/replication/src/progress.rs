//! How far one member has come, as its home sees it, and what to send it next.

use types::{Instant, Seq};

/// One member's standing at the home of the current epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Whether the member has recorded this epoch.
    pub joined: bool,
    /// Everything up to here is durable there and the same as here.
    pub acked: Seq,
    /// Everything up to here has been sent since the last rewind.
    pub sent: Seq,
    /// The commit watermark last sent.
    pub told: Seq,
    /// When `acked` last moved, or sending last began anew.
    pub moved: Instant,
}

impl Progress {
    /// A member of which nothing is known but that the chain below `start` was sealed.
    #[must_use]
    pub const fn new(start: Seq, now: Instant) -> Self {
        Self { joined: false, acked: Seq(0), sent: start.prev(), told: Seq(0), moved: now }
    }

    /// Takes an acknowledgement up to `seq`. Late and repeated ones change nothing.
    pub fn ack(&mut self, seq: Seq, now: Instant) {
        if seq > self.acked {
            self.acked = seq;
            self.moved = now;
        }
        self.sent = self.sent.max(seq);
    }

    /// Forgets what was sent beyond the acknowledged: it is taken to be lost.
    pub fn rewind(&mut self, now: Instant) {
        self.sent = self.acked;
        self.moved = now;
    }

    /// The next seq to send, if the member is not `window` records behind what was sent and the
    /// chain goes on to `last`.
    #[must_use]
    pub fn next(&self, last: Seq, window: u64) -> Option<Seq> {
        let open = self.sent.0.saturating_sub(self.acked.0) < window;
        (self.sent < last && open).then(|| self.sent.next())
    }
}
