//! Putting back records that this replica held and cannot read: fetched from a peer by seq and hash,
//! written anew at the end of the log, and only then part of the chain again.
//!
//! Nothing but the very record is taken: the record after a hole names the hash of the last one in it,
//! and so on down. That makes it safe to ask anybody, in whatever epoch either stands.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use bytes::Bytes;
use journal::Hole;
use model::Model;
use types::{Hash, Instant, NodeId, Now, Position, Seq};
use wire::{GroupMessage, Record, limits};

use super::{Group, InFlight, Out, Writing};

/// Repairs under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Repair {
    /// Who was asked last, for what, and when.
    asked: Option<(NodeId, Hole, Instant)>,
    /// Records on their way to the disk.
    writing: BTreeSet<Seq>,
    /// Whether people were told that something cannot be read.
    pub(super) is_noted: bool,
    /// Records put back since the node started.
    pub(super) done: u64,
}

impl<M: Model> Group<M> {
    /// Asks for what is missing: the lowest hole first, as the model waits for it, and one member after
    /// the other.
    pub(super) fn want(&mut self, now: Now, out: &mut Vec<Out>) {
        let Some(hole) = self.hole_to_fill().filter(|_| !self.is_disk_full) else { return };
        let resend_us = self.options.resend_us;
        let last = match self.repair.asked {
            Some((_, _, at)) if now.instant.since(at) < resend_us && self.is_asked(hole) => return,
            Some((node, ..)) => node,
            None => self.meta.home.map_or(NodeId(0), |home| NodeId(home.0.saturating_sub(1))),
        };
        let Some(to) = self.peer_after(last) else { return };
        self.repair.asked = Some((to, hole, now.instant));
        let Hole { first, last, hash } = hole;
        self.say(to, self.meta.promised, GroupMessage::Want { first, last, hash }, out);
    }

    /// The part of the lowest hole that nothing is under way for.
    fn hole_to_fill(&self) -> Option<Hole> {
        let mut hole = self.chain.holes().next()?;
        // Records on their way to the disk are put back from the end of a hole down; more is asked for
        // when they are there.
        if self.repair.writing.range(hole.first..=hole.last).next().is_some() {
            return None;
        }
        let most = limits::ENTRIES_COUNT_MAX as u64;
        hole.first = hole.first.max(Seq((hole.last.0 + 1).saturating_sub(most)));
        (hole.hash != Hash::ZERO).then_some(hole)
    }

    /// Whether records that were lost are on their way to the disk.
    pub(super) fn is_repairing(&self) -> bool {
        !self.repair.writing.is_empty()
    }

    /// Whether `node` was the last to be asked for what cannot be read here.
    pub(super) fn is_asked_for_repair(&self, node: NodeId) -> bool {
        self.repair.asked.is_some_and(|(asked, ..)| asked == node) && !self.chain.is_whole()
    }

    fn is_asked(&self, hole: Hole) -> bool {
        self.repair.asked.is_some_and(|(_, asked, _)| asked == hole)
    }

    /// The next member after `node` that there is a session to, round and round.
    fn peer_after(&self, node: NodeId) -> Option<NodeId> {
        let me = self.options.me;
        let peers = || {
            self.connected.iter().copied().filter(|peer| *peer != me && self.meta.config.has(*peer))
        };
        peers().find(|peer| *peer > node).or_else(|| peers().next())
    }

    pub(super) fn want_deadline(&self) -> Option<Instant> {
        let hole = self.hole_to_fill().filter(|_| !self.is_disk_full)?;
        self.peer_after(NodeId(0))?;
        match self.repair.asked {
            Some((_, asked, at)) if asked == hole => Some(at.after(self.options.resend_us)),
            _ => Some(Instant(0)),
        }
    }

    /// Records that were asked for: each must be what the one after it says.
    pub(super) fn on_found(
        &mut self,
        from: NodeId,
        last: Seq,
        records: &[Bytes],
        out: &mut Vec<Out>,
    ) {
        if !self.repair.asked.is_some_and(|(asked, hole, _)| asked == from && hole.last == last) {
            return;
        }
        let Some(hole) = self.chain.hole_at(last).filter(|hole| hole.last == last) else { return };
        let (mut seq, mut hash) = (hole.last, hole.hash);
        for bytes in records.iter().rev() {
            let Ok(record) = Record::decode(bytes.clone()) else { return };
            let header = *record.header();
            let is_it = header.group == self.id && header.seq == seq && record.hash() == hash;
            if !is_it || seq < hole.first {
                return;
            }
            self.write_again(&record, out);
            (seq, hash) = (seq.prev(), header.previous);
        }
    }

    /// A record that came without being asked for and stands in a hole: put back if it is known to be
    /// the one that was there.
    pub(super) fn put_back(&mut self, record: &Record, out: &mut Vec<Out>) {
        let header = record.header();
        let Some(hole) = self.chain.hole_at(header.seq) else { return };
        let known = self.chain.link(header.seq).map(|link| link.hash);
        let wanted = if header.seq == hole.last { Some(hole.hash) } else { known };
        if wanted == Some(record.hash()) {
            self.write_again(record, out);
        }
    }

    fn write_again(&mut self, record: &Record, out: &mut Vec<Out>) {
        if !self.is_disk_full && self.repair.writing.insert(record.header().seq) {
            self.in_flight.push_back(InFlight::Repaired(record.clone()));
            out.push(Out::Append(record.bytes().clone(), Writing::Again));
        }
    }

    /// A record that was lost is durable again.
    pub(super) fn repaired(&mut self, record: &Record, at: Position) {
        let seq = record.header().seq;
        self.repair.writing.remove(&seq);
        // The chain may have been cut meanwhile, or the record been found readable after all.
        if self.chain.fill(record, at) {
            self.repair.done += 1;
            self.versions.learn(record.header());
            self.unreadable.remove(&seq);
            self.loading.remove(&seq);
            self.ack_due = true;
        } else {
            self.note_place(record.header().epoch, seq, at);
        }
    }
}
