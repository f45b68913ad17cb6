//! What a start takes from the log, in its order.

use alloc::vec::Vec;

use model::Model;
use register::GroupState;
use types::{Position, Seq};
use wire::Record;

use super::{Group, Writing};

impl<M: Model> Group<M> {
    /// Takes a record found in the log at boot, in the order of the log. Orphans are passed over:
    /// the meta itemises them. `false` if the record cannot follow what came before it, which only
    /// a damaged log can cause.
    #[must_use]
    pub(crate) fn replay(&mut self, at: Position, record: &Record, writing: Writing) -> bool {
        let header = record.header();
        if !self.meta.table.holds(header.epoch, header.seq) {
            self.find_aside(header, at);
            // Itemised or not: it is the only copy of something, and stays where it is.
            self.pin(at);
            return true;
        }
        if header.seq <= self.chain.base().seq {
            return true;
        }
        match self.chain.fit(header, record.hash()) {
            journal::Fit::Next if self.may_lack_barriers() || self.versions.fits(header) => {
                self.chain.push(record, Some(at));
                self.versions.push_over(header);
                self.may_lack_end &= writing == Writing::Again;
            }
            journal::Fit::Gap if self.is_damaged || self.is_partial => {
                let table = &self.meta.table;
                self.chain.push_over(record, at, |seq| table.epoch_at(seq));
                self.versions.push_over(header);
                self.may_lack_end &= writing == Writing::Again;
            }
            // The later copy is the one that was written when the earlier could not be read.
            journal::Fit::Have => self.chain.place(header.seq, record.hash(), at),
            journal::Fit::Hole if self.chain.refill(record, at) => self.versions.learn(header),
            journal::Fit::Next | journal::Fit::Gap | journal::Fit::Fork | journal::Fit::Hole => {
                return false;
            }
        }
        self.durable = self.chain.tail().seq;
        true
    }

    /// Whether the barriers before the next record of the log may not all be known.
    fn may_lack_barriers(&self) -> bool {
        self.is_damaged || !self.chain.is_whole()
    }

    /// The log is read from a place behind its first record. What was damaged before that place, and
    /// repaired behind it, is missing until the repairs come.
    pub(crate) const fn begins_later(&mut self) {
        self.is_partial = true;
    }

    /// The first record that the log lacks with nothing to say why, when all of it was taken.
    pub(crate) fn unexplained_gap(&self) -> Option<Seq> {
        let first = self.chain.holes().next().map(|hole| hole.first);
        first.filter(|_| !self.is_damaged)
    }

    /// Takes a commit watermark found in the log at boot and applies what it allows. Watermarks of
    /// before a forced switch say nothing about what came after it.
    pub fn replay_commit(&mut self, commit: Seq) {
        let forced = self.meta.table.starts().iter().filter(|start| start.forced);
        let limit = forced.map(|start| start.seq.prev()).min().unwrap_or(commit);
        self.known = self.known.max(commit.min(limit));
        self.apply_at_hand(usize::MAX, &mut Vec::new());
    }

    /// Takes what the register knew when the node stopped. Acted on when the register next says so:
    /// a restarted candidate or home asks for a new epoch first.
    pub(crate) fn recovered(&mut self, state: &GroupState) {
        self.register = Some(state.clone());
    }
}
