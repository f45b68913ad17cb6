//! For how long records have waited here for their commit, by this node's own steady clock.
//!
//! What a home may answer before the commit is bounded by the age of the oldest record that is not
//! committed. Stamps cannot say it: a home whose wall clock steps back by an hour would see an age of
//! nothing for an hour, and answer on. So the time is taken at which each record came to this node, and
//! what its stamp said of its age then: nothing for one of its own, something for one that a start found
//! in the log or that another home made. From there the steady clock counts. Such an age is never less
//! than the time that the record has been here.

use alloc::collections::VecDeque;

use model::Model;
use types::{Instant, Now, Seq};

use super::Group;

/// When the records came that are not committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uncommitted {
    /// By rising seq; each stands for all records after the one before it.
    came: VecDeque<Came>,
}

/// Some records that came at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Came {
    last: Seq,
    at: Instant,
    /// How old their oldest was then, in microseconds, by its stamp.
    aged_us: u64,
}

impl Uncommitted {
    /// How old the record at `seq` is, in microseconds; `None` if it has not been noted.
    fn age_us(&self, seq: Seq, now: Instant) -> Option<u64> {
        let came = self.came.iter().find(|came| came.last >= seq)?;
        Some(now.since(came.at).saturating_add(came.aged_us))
    }
}

impl<M: Model> Group<M> {
    /// Takes in what has come since the last time and forgets what is committed or was cut off. Does
    /// nothing in class sync, which answers for nothing of the kind.
    pub(crate) fn note_uncommitted(&mut self, now: Now) {
        if !self.answers_early() {
            self.uncommitted.came.clear();
            return;
        }
        let (known, tail) = (self.known, self.chain.tail().seq);
        let came = &mut self.uncommitted.came;
        while came.front().is_some_and(|came| came.last <= known) {
            came.pop_front();
        }
        // What takes the place of records that were cut off in the same step counts as old as those.
        let mut noted = came.back().map_or(known, |came| came.last);
        while noted > tail
            && let Some(cut) = came.pop_back()
        {
            let before = came.back().map_or(known, |came| came.last);
            if before < tail {
                came.push_back(Came { last: tail, ..cut });
            }
            noted = came.back().map_or(known, |came| came.last);
        }
        if noted < tail {
            let stamp = self.chain.link(noted.next()).map(|link| link.stamp);
            let aged_us = stamp.map_or(0, |stamp| now.wall.since(stamp));
            came.push_back(Came { last: tail, at: now.instant, aged_us });
        }
    }

    /// Age of the oldest record that is not committed, in microseconds; `None` if there is none.
    pub(super) fn uncommitted_us(&self, now: Now) -> Option<u64> {
        let seq = self.known.next();
        let link = self.chain.link(seq)?;
        // One that has come in this very step is as old as its stamp says, and is noted at its end.
        let noted = self.uncommitted.age_us(seq, now.instant);
        Some(noted.unwrap_or_else(|| now.wall.since(link.stamp)))
    }
}
