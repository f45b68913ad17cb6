//! One peer as seen from here: frames in order, losses noticed by both ends.
//!
//! The consensus library assumes links that keep order and either deliver or say that they broke. A
//! message that overtakes another can make a follower cut decided entries off its log (see the design
//! note), and a lost last message is repaired by nothing. So consensus frames are numbered; a number
//! that does not rise is dropped, and a number that was skipped is a gap. Heartbeats name the last
//! number sent, so the loss of a last frame shows within a round. A gap is told to the sender in every
//! frame that follows, since it is the follower, whichever end that is, who must ask for a new start.

use types::Instant;

use crate::frame::Header;

/// The link to one peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link {
    /// The peer's newest start heard of; 0 for none.
    incarnation: u64,
    ordered_in: u64,
    beat_in: u64,
    /// Gaps found in what the peer's newest start sent.
    gaps_in: u64,
    /// Gaps the peer found in what we sent.
    gaps_out: u64,
    ordered_out: u64,
    beat_out: u64,
    heard: Option<Instant>,
    quorate: bool,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Drop it: a copy, overtaken by a later one, or of an earlier start.
    Stale,
    /// Take it.
    Fresh {
        /// Frames before it were lost, in either direction, or the peer started anew.
        lost: bool,
    },
}

/// Which order a frame must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The consensus frame numbered in the header.
    Ordered,
    /// The heartbeat of this number.
    Beat(u64),
    /// None: it may come twice and late.
    Free,
}

impl Link {
    /// Takes note of a frame that came in at `now` at the member whose start is `own`.
    pub(crate) fn arrive(
        &mut self,
        now: Instant,
        own: u64,
        header: &Header,
        lane: Lane,
    ) -> Arrival {
        if header.incarnation < self.incarnation {
            return Arrival::Stale;
        }
        let mut lost = false;
        if header.incarnation > self.incarnation {
            lost = self.incarnation != 0;
            self.incarnation = header.incarnation;
            (self.ordered_in, self.beat_in, self.gaps_in, self.gaps_out) = (0, 0, 0, 0);
        }
        let before = match lane {
            Lane::Ordered if header.ordered <= self.ordered_in => return Arrival::Stale,
            Lane::Beat(number) if number <= self.beat_in => return Arrival::Stale,
            Lane::Ordered => header.ordered - 1,
            Lane::Beat(number) => {
                self.beat_in = number;
                header.ordered
            }
            Lane::Free => self.ordered_in,
        };
        self.heard = Some(now);
        self.quorate = header.quorate;
        if before > self.ordered_in {
            self.gaps_in = self.gaps_in.saturating_add(1);
            lost = true;
        }
        self.ordered_in = match lane {
            Lane::Ordered => header.ordered,
            Lane::Beat(_) => self.ordered_in.max(header.ordered),
            Lane::Free => self.ordered_in,
        };
        if header.heard == own && header.gaps > self.gaps_out {
            self.gaps_out = header.gaps;
            lost = true;
        }
        Arrival::Fresh { lost }
    }

    /// The header of the next frame in `ordered` or another lane, and the heartbeat's number.
    pub(crate) fn depart(
        &mut self,
        register: u64,
        own: u64,
        quorate: bool,
        lane: Lane,
    ) -> (Header, u64) {
        match lane {
            Lane::Ordered => self.ordered_out += 1,
            Lane::Beat(_) => self.beat_out += 1,
            Lane::Free => {}
        }
        let header = Header {
            register,
            incarnation: own,
            heard: self.incarnation,
            gaps: self.gaps_in,
            ordered: self.ordered_out,
            quorate,
        };
        (header, self.beat_out)
    }

    /// Whether the peer was heard in the last `micros`.
    pub(crate) fn heard_within(&self, now: Instant, micros: u64) -> bool {
        self.heard.is_some_and(|heard| now.since(heard) <= micros)
    }

    /// Whether the peer said last that it leads and hears a majority.
    pub(crate) const fn quorate(&self) -> bool {
        self.quorate
    }
}

#[cfg(test)]
mod tests;
