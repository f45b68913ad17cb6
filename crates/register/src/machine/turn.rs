//! From one generation of members to the next, and following without a vote.
//!
//! A generation ends with the entry of its log that names the next one's members. What stands up to that
//! entry is where the next one's log begins, under ballots of its own; what a slower leader appended
//! behind it is in no history, and its proposers propose it again. So any members may follow any others:
//! the law of consensus holds within each generation, and between them everybody agrees on one prefix.
//!
//! A node with no vote follows: members hail those they do not hear in their generation, whoever is
//! behind asks, and is told what was decided. That is how a newcomer gets the log, how a member that was
//! away hears that its generation is over, and how one that was given up learns of it. What is said over
//! the bounds of generations is decided already and on the disk of who says it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use types::{Hash, Instant, NodeId, WriteId};
use wire::Writer;

use super::{Held, Pending, Register, number_of};
use crate::frame::{self, Body, Header};
use crate::limits::TOLD_BYTES_MAX;
use crate::link::Link;
use crate::log::{Entry, Log};
use crate::memory::Image;
use crate::record::{Record, Turn};
use crate::{
    Effect, Event, Membership, MembershipChange, NotAProposal, Proposal, ProposalId, Results,
    codec, roster_codec,
};

impl Register {
    /// What tells the frames of this generation from those of others. Two generations that were begun by
    /// force at two places have other members, and so another stamp.
    pub(super) fn stamp(&self) -> u64 {
        if self.generation == 1 {
            return self.fingerprint;
        }
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        roster_codec::nodes(writer.u64(self.fingerprint).u64(self.generation), &self.members);
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        hash.into_iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(byte))
    }

    /// Whether what was just applied ends this generation here. Notes what is due then.
    pub(super) fn is_turned(&mut self) -> bool {
        let roster = self.state.roster();
        let generation = roster.generation();
        if generation <= self.generation {
            return false;
        }
        let is_member = roster.members().contains(&self.options.node);
        if !is_member && self.log.is_outside() {
            self.generation = generation;
            return false;
        }
        let members = if is_member { roster.members().to_vec() } else { Vec::new() };
        self.turning = Some(Turn { generation, members, kept: self.applied });
        true
    }

    /// Puts the next generation's log in place. The record of this step begins with the turn.
    pub(super) fn go_over(&mut self, turn: &Turn, out: &mut Vec<Effect>) {
        let entries = self.log.entries(0, turn.kept);
        let image = Image { decided: turn.kept, entries, ..Image::default() };
        self.enter(turn, image, out);
        // They were decided in a log that is over.
        for held in &mut self.held {
            held.decided = held.decided.min(turn.kept);
        }
        let told = mem::take(&mut self.told);
        if self.log.is_outside() && !told.is_empty() {
            self.log.follow(told);
        }
    }

    fn enter(&mut self, turn: &Turn, image: Image, out: &mut Vec<Effect>) {
        let pid = number_of(&turn.members, self.options.node);
        self.log = Log::recover(&self.options, turn.members.len(), pid, image);
        self.links = turn.members.iter().map(|_| Link::default()).collect();
        (self.generation, self.members) = (turn.generation, turn.members.clone());
        self.compared = None;
        let generation = turn.generation;
        out.push(Effect::Note(match pid {
            Some(_) => Event::Member { generation },
            None => Event::Outside { generation },
        }));
    }

    /// Begins a generation without asking anybody. All of it is one record, so that a crash leaves either
    /// generation whole.
    pub(super) fn force(
        &mut self,
        now: Instant,
        id: ProposalId,
        actor: String,
        reason: String,
        members: Vec<NodeId>,
        out: &mut Vec<Effect>,
    ) {
        let length = self.log.length();
        let entries = self.log.entries(0, length);
        let mut trial = self.state.clone();
        for entry in entries.iter().skip(self.applied) {
            trial.apply(&entry.0);
        }
        let expected_version = trial.roster().version();
        let step = Membership::Force { members: members.clone() };
        let change = MembershipChange { expected_version, step };
        let Ok(proposal) = force_proposal(id, actor, reason, change) else { return };
        let entry = Entry(Arc::new(proposal));
        let results = trial.apply(&entry.0).unwrap_or_default();
        if !matches!(results.membership, Some(Ok(_))) || !members.contains(&self.options.node) {
            let results = Results { changes: Vec::new(), membership: results.membership };
            out.push(Effect::Decided { proposal: id, results });
            return;
        }
        let turn = Turn { generation: trial.roster().generation(), members, kept: length };
        let pending = Pending { entry: entry.clone(), since: now, retry_at: now };
        self.pending.insert(id.number, pending);
        let decided = length + 1;
        let entries: Vec<Entry> = entries.into_iter().chain([entry.clone()]).collect();
        let image = Image { decided, entries, ..Image::default() };
        // What waits for its write was said in a generation that is over, but for the entries, which
        // the new write makes durable with its own.
        self.enter(&turn, image, out);
        self.standing = (self.log.ballot(), self.log.leader());
        let tail = Some((length, Vec::from([entry])));
        let record = Record { turn: Some(turn), decided: Some(decided), tail, ..Record::default() };
        self.write(now, &record, decided, None, out);
    }

    /// Writes a record of its own, on which nothing stands but what is applied and said then.
    fn write(
        &mut self,
        now: Instant,
        record: &Record,
        decided: usize,
        note: Option<Event>,
        out: &mut Vec<Effect>,
    ) {
        let id = WriteId(self.next_write);
        self.next_write += 1;
        out.push(Effect::Write { id, bytes: record.encode().into() });
        let frames = Vec::new();
        self.held.push_back(Held { id, since: now, written: false, frames, decided, note });
    }

    /// Tells a node how far things are, if there ever was a change of nodes.
    pub(super) fn hail(&mut self, to: NodeId) {
        if self.state.roster().version() > 1 && to != self.options.node {
            let (generation, decided) = (self.generation, self.applied);
            self.words.push((to, Body::Hail { generation, decided }));
        }
    }

    /// Hails every node that is not heard in this generation. A node without a vote does so too: it may
    /// be the last that knows how its generation ended.
    pub(super) fn hail_all(&mut self, now: Instant) {
        if now < self.next_hail {
            return;
        }
        let patience_us = self.options.patience_us();
        self.next_hail = now.after(patience_us);
        let heard: Vec<NodeId> = self.heard(now).collect();
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
            Body::Hail { generation, decided } => self.on_hail(now, from, generation, decided),
            Body::Ask { generation, after, digest } => self.on_ask(from, generation, after, digest),
            Body::Told { generation, after, entries } => {
                self.on_told(now, from, generation, after, entries, out);
            }
            Body::Paxos(_) | Body::Heartbeat(_) | Body::Proposal(_) | Body::Foreign => {}
        }
    }

    fn on_hail(&mut self, now: Instant, from: NodeId, generation: u64, decided: usize) {
        let is_later = generation > self.generation;
        let is_more = generation == self.generation && decided > self.applied;
        let patience_us = self.options.patience_us();
        let waits = self.asked.is_some_and(|(_, at)| now.since(at) < patience_us);
        // Within a generation consensus tells its members.
        if (is_later || is_more && self.log.is_outside()) && !waits {
            self.told.clear();
            self.ask(now, from);
        }
    }

    fn ask(&mut self, now: Instant, whom: NodeId) {
        self.asked = Some((whom, now));
        let mut known = self.log.entries(0, self.compared.unwrap_or(self.applied));
        known.extend(self.told.iter().cloned());
        let (generation, after, digest) = (self.generation, known.len(), digest(&known));
        self.words.push((whom, Body::Ask { generation, after, digest }));
    }

    fn on_ask(&mut self, from: NodeId, generation: u64, after: usize, theirs: Hash) {
        let is_prefix = after <= self.applied && digest(&self.log.entries(0, after)) == theirs;
        if !is_prefix && generation >= self.generation {
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
        if same < own.len() && (same < told.len() || told.is_empty()) {
            self.diverge(now, generation, after + same, out);
        } else if same < own.len() {
            // All that was told is here; what follows is still to be compared.
            self.compared = Some(after + same);
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
    /// what was shown of the groups may have to go back.
    fn diverge(&mut self, now: Instant, generation: u64, kept: usize, out: &mut Vec<Effect>) {
        let entries = (self.applied - kept) as u64;
        self.is_over = true;
        let turn = Some(Turn { generation: self.generation, members: Vec::new(), kept });
        let record = Record { turn, ..Record::default() };
        let note = Event::Diverged { generation, entries };
        self.write(now, &record, kept, Some(note), out);
    }

    /// Frames of all that is to be said over the bounds of generations.
    pub(super) fn spoken(&mut self) -> Vec<(NodeId, Bytes)> {
        let words = mem::take(&mut self.words);
        let header = Header {
            register: self.fingerprint,
            incarnation: self.incarnation,
            heard: 0,
            gaps: 0,
            ordered: 0,
            quorate: false,
        };
        let frame = |(to, body)| Some((to, Bytes::from(frame::encode(header, 0, &body)?)));
        words.into_iter().filter_map(frame).collect()
    }
}

fn force_proposal(
    id: ProposalId,
    actor: String,
    reason: String,
    change: MembershipChange,
) -> Result<Proposal, NotAProposal> {
    Proposal::of_membership(id, actor, reason, change)
}

fn encoded(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::proposal(&mut Writer::new(&mut bytes), &entry.0);
    bytes
}

/// Over entries in their order.
fn digest(entries: &[Entry]) -> Hash {
    let mut hash = Sha256::new();
    for entry in entries {
        let bytes = encoded(entry);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Hash(hash.finalize().into())
}
