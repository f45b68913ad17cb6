//! Following without a vote, and hearing of what was decided elsewhere.
//!
//! Members hail those they do not hear in their generation, and everybody while nobody leads; whoever is
//! behind asks, and is told what was decided. That is how a newcomer gets the log, how a member that was
//! away hears that its generation is over, and how one that was given up learns of it. What is told
//! is decided already and on the disk of who tells it.
//!
//! A history that was begun anew by force goes before one that was not, whatever their generations: those
//! that were given up are the ones who end. Two that were both begun anew, neither knowing of the
//! other, never take anything from each other; they say so, loudly, and people end one of them.

use alloc::vec::Vec;
use core::mem;

use sha2::{Digest, Sha256};
use types::{Hash, Instant, NodeId};
use wire::Writer;

use super::Register;
use crate::frame::Body;
use crate::limits::TOLD_BYTES_MAX;
use crate::log::Entry;
use crate::reach::Kin;
use crate::record::{Record, Turn};
use crate::{Effect, Event, Membership, Reach, codec};

impl Register {
    /// Digest over the first entries of the log, which must be applied.
    pub(super) fn digest_at(&self, length: usize) -> Hash {
        self.digests.get(length).copied().expect("what is applied has its digest")
    }

    /// Tells a node how far this one is.
    pub(super) fn hail(&mut self, to: NodeId) {
        if to != self.options.node {
            self.words.push((to, Body::Hail(self.reach())));
        }
    }

    /// Tells a node to which a session was opened, if it may have missed something.
    pub(super) fn hail_new(&mut self, now: Instant, to: NodeId) {
        let votes = !self.log.is_outside();
        if self.state.roster().version() > 1 || votes && !self.reachable(now) {
            self.hail(to);
        }
    }

    /// Hails every node that is not heard in this generation, and all while nobody leads. A node without a
    /// vote does so too: it may be the last that knows how its generation ended.
    pub(super) fn hail_all(&mut self, now: Instant) {
        if now < self.next_hail {
            return;
        }
        let patience_us = self.options.patience_us();
        self.next_hail = now.after(patience_us);
        // Who follows is led by whoever leads the others, and has nothing to say before it is known.
        let is_led = self.reachable(now) || self.log.is_outside();
        if is_led && self.state.roster().version() == 1 {
            return;
        }
        let heard: Vec<NodeId> = if is_led { self.heard(now).collect() } else { Vec::new() };
        let unheard = self.state.roster().known().filter(|node| !heard.contains(node));
        for node in unheard.collect::<Vec<_>>() {
            self.hail(node);
        }
    }

    /// Takes what was said over the bounds of generations.
    pub(super) fn hear_word(
        &mut self,
        now: Instant,
        from: NodeId,
        body: Body,
        out: &mut Vec<Effect>,
    ) {
        self.counters.taken += 1;
        match body {
            Body::Hail(reach) => self.on_hail(now, from, reach, out),
            Body::Ask { generation, forces, after, digest } => {
                self.on_ask(from, (forces, generation), after, digest);
            }
            Body::Told { generation, after, entries } => {
                self.on_told(now, from, generation, after, entries, out);
            }
            Body::Paxos(_) | Body::Heartbeat(_) | Body::Proposal(_) | Body::Foreign => {}
        }
    }

    fn on_hail(&mut self, now: Instant, from: NodeId, theirs: Reach, out: &mut Vec<Effect>) {
        let own = self.reach();
        let (generation, decided) = (theirs.generation, theirs.decided);
        let known = self.applied + self.told.len();
        let before = self.reaches.insert(from, (now, theirs));
        let Some((_, theirs)) = self.reaches.get(&from) else { return };
        let wants = match own.kin(theirs) {
            Kin::Behind => true,
            // Within a generation consensus tells its members, unless there is no majority for it. What one
            // that follows has heard is needed then by people who go on without one.
            Kin::Same => {
                generation > self.generation
                    || generation == self.generation
                        && decided > known
                        && (self.log.is_outside() || !theirs.votes && !self.reachable(now))
            }
            Kin::Ahead => false,
            Kin::Split => {
                // Once for each time that it changes.
                if before.is_none_or(|(_, before)| own.kin(&before) != Kin::Split) {
                    out.push(Effect::Note(Event::Split { peer: from, generation }));
                }
                false
            }
        };
        let patience_us = self.options.patience_us();
        let waits = self.asked.is_some_and(|(_, at)| now.since(at) < patience_us);
        if wants && !waits {
            self.told.clear();
            self.ask(now, from);
        }
    }

    fn ask(&mut self, now: Instant, whom: NodeId) {
        self.asked = Some((whom, now));
        let known = self.compared.unwrap_or(self.applied);
        let digest = self.told.iter().fold(self.digest_at(known), digest_after);
        let forces = self.state.roster().lineage().count() as u64;
        let (generation, after) = (self.generation, known + self.told.len());
        self.words.push((whom, Body::Ask { generation, forces, after, digest }));
    }

    fn on_ask(&mut self, from: NodeId, theirs: (u64, u64), after: usize, digest: Hash) {
        let is_prefix = after <= self.applied && self.digest_at(after) == digest;
        let forces = self.state.roster().lineage().count() as u64;
        if !is_prefix && theirs >= (forces, self.generation) {
            // It knows more than this node does.
            return;
        }
        let after = if is_prefix { after } else { 0 };
        let mut bytes = 0;
        let mut entries = self.log.entries(after, self.applied);
        let fits = entries.iter().take_while(|entry| {
            let is_first = bytes == 0;
            bytes += encoded(entry).len();
            is_first || bytes <= TOLD_BYTES_MAX
        });
        let fits = fits.count();
        entries.truncate(fits);
        if !entries.is_empty() || !is_prefix {
            let generation = self.generation;
            self.words.push((from, Body::Told { generation, after, entries }));
        }
    }

    fn on_told(
        &mut self,
        now: Instant,
        from: NodeId,
        generation: u64,
        after: usize,
        told: Vec<Entry>,
        out: &mut Vec<Effect>,
    ) {
        let is_asked = self.asked.is_some_and(|(whom, _)| whom == from);
        let is_written = !self.log.is_outside() || self.applied == self.log.length();
        let known = self.applied + self.told.len();
        // One answer at a time: what is on its way to the disk is not compared with anything.
        if !is_asked || !is_written || after > known {
            return;
        }
        let mut own = self.log.entries(after.min(self.applied), self.applied);
        own.extend(self.told.iter().skip(after.saturating_sub(self.applied)).cloned());
        let same = own.iter().zip(&told).take_while(|(own, told)| own == told).count();
        let is_other = same < own.len() && (same < told.len() || told.is_empty());
        if is_other && after + same < self.applied {
            self.diverge(now, from, generation, after + same, out);
        } else if same < own.len() {
            // All that was told is here, or is not what was told before; what follows is still to be
            // compared.
            self.compared = Some(self.applied.min(after + same));
            self.told.clear();
            self.ask(now, from);
        } else {
            self.asked = None;
            self.compared = None;
            self.told.extend(told.into_iter().skip(same));
            self.take_told(now, from);
        }
    }

    /// Takes over what was told. A member keeps its vote until it holds how its generation ended: should
    /// whoever told it fall silent before, the vote may be needed to decide the same once more.
    fn take_told(&mut self, now: Instant, from: NodeId) {
        if self.log.is_outside() {
            let told = mem::take(&mut self.told);
            if !told.is_empty() {
                self.log.follow(told);
                // More may follow, and is asked for when this is on disk and the next hail comes.
            }
            return;
        }
        let mut trial = self.state.clone();
        for entry in &self.told {
            trial.apply(&entry.0);
        }
        if trial.roster().generation() > self.generation {
            let (generation, members) = (self.generation, Vec::new());
            self.turning = Some(Turn { generation, members, kept: self.applied });
        } else if !self.told.is_empty() {
            self.ask(now, from);
        }
    }

    /// Here was decided what the members' history knows nothing of. It is set aside, and this start ends:
    /// what was shown of the groups may have to go back. What people have begun anew here is never set
    /// aside for anybody's word.
    fn diverge(
        &mut self,
        now: Instant,
        from: NodeId,
        generation: u64,
        kept: usize,
        out: &mut Vec<Effect>,
    ) {
        let aside = self.log.entries(kept, self.applied);
        let steps = aside.iter().filter_map(|entry| entry.0.membership());
        let mut forces = steps.filter(|one| matches!(one.step, Membership::Force { .. }));
        if forces.next().is_some() {
            self.asked = None;
            return out.push(Effect::Note(Event::Split { peer: from, generation }));
        }
        let entries = (self.applied - kept) as u64;
        self.is_over = true;
        let turn = Some(Turn { generation: self.generation, members: Vec::new(), kept });
        let record = Record { turn, ..Record::default() };
        let note = Event::Diverged { generation, entries };
        self.write(now, &record, kept, Some(note), out);
    }
}

fn encoded(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::proposal(&mut Writer::new(&mut bytes), &entry.0);
    bytes
}

/// Digest over entries in their order, one more than `before` covers.
pub(super) fn digest_after(before: Hash, entry: &Entry) -> Hash {
    Hash(Sha256::new_with_prefix(before.0).chain_update(encoded(entry)).finalize().into())
}
