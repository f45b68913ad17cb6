//! From one generation of members to the next, and following without a vote.
//!
//! A generation ends with the entry of its log that names the next one's members. What stands up to that
//! entry is where the next one's log begins, under ballots of its own; what a slower leader appended
//! behind it is in no history, and its proposers propose it again. So any members may follow any others:
//! the law of consensus holds within each generation, and between them everybody agrees on one prefix.
//!
//! A node with no vote follows: see `follow`.

use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use types::{Hash, Instant, NodeId, WriteId};
use wire::Writer;

use super::{Held, Register, number_of};
use crate::frame::{self, Header};
use crate::link::Link;
use crate::log::Log;
use crate::memory::Image;
use crate::record::{Record, Turn};
use crate::{Effect, Event};

impl Register {
    /// What tells the frames of this generation from those of others: it names the entry that began it, and
    /// with it all before. Two generations of one number that were begun by force at two places have
    /// different ones, whoever their members are.
    pub(super) fn stamp(&self) -> u64 {
        if self.generation == 1 {
            return self.fingerprint;
        }
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.u64(self.fingerprint).u64(self.generation).hash(self.origin);
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
        let origin = self.state.roster().origin(turn.generation);
        self.enter(turn, origin, image, out);
        // They were decided in a log that is over.
        for held in &mut self.held {
            held.decided = held.decided.min(turn.kept);
        }
        let told = mem::take(&mut self.told);
        if self.log.is_outside() && !told.is_empty() {
            self.log.follow(told);
        }
    }

    pub(super) fn enter(&mut self, turn: &Turn, origin: Hash, image: Image, out: &mut Vec<Effect>) {
        let pid = number_of(&turn.members, self.options.node);
        self.log = Log::recover(&self.options, turn.members.len(), pid, image);
        self.links = turn.members.iter().map(|_| Link::default()).collect();
        (self.generation, self.members) = (turn.generation, turn.members.clone());
        self.origin = origin;
        self.compared = None;
        let generation = turn.generation;
        out.push(Effect::Note(match pid {
            Some(_) => Event::Member { generation },
            None => Event::Outside { generation },
        }));
    }

    /// Writes a record of its own, on which nothing stands but what is applied and said then.
    pub(super) fn write(
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
