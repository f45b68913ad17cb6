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
    /// The last seq below this epoch.
    sealed: Seq,
}

impl Progress {
    /// A member of which nothing is known but that the chain below `start` was sealed.
    #[must_use]
    pub const fn new(start: Seq, now: Instant) -> Self {
        let sealed = start.prev();
        Self { joined: false, acked: Seq(0), sent: sealed, told: Seq(0), moved: now, sealed }
    }

    /// Takes an acknowledgement up to `seq`. Late and repeated ones change nothing.
    pub fn ack(&mut self, seq: Seq, now: Instant) {
        if seq > self.acked {
            self.acked = seq;
            self.moved = now;
        }
        self.sent = self.sent.max(seq);
    }

    /// Forgets what the member has said: its word counts for nothing any more.
    pub const fn disregard(&mut self) {
        self.joined = false;
        self.acked = Seq(0);
    }

    /// Forgets what was sent beyond the acknowledged: it is taken to be lost.
    pub fn rewind(&mut self, now: Instant) {
        self.sent = self.base();
        self.moved = now;
    }

    /// The next seq to send, if the member is not `window` records behind what was sent and the
    /// chain goes on to `last`.
    #[must_use]
    pub fn next(&self, last: Seq, window: u64) -> Option<Seq> {
        let open = self.sent.0.saturating_sub(self.base().0) < window;
        (self.sent < last && open).then(|| self.sent.next())
    }

    /// From where records are sent: a member that has not said what it holds most likely holds all
    /// that was sealed, and so need not be asked before it gets the epoch's first record. If it does
    /// not, it says so when it joins.
    fn base(&self) -> Seq {
        if self.joined { self.acked } else { self.acked.max(self.sealed) }
    }
}

#[cfg(test)]
mod tests;
