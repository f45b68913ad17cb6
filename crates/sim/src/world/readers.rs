//! Readers: they look at groups at any node, under every level, with what they and others have seen; and
//! now and then plan a cut at two nodes.

use std::collections::{BTreeMap, VecDeque};

use group::{CutRefusal, Effect, Input, ReadLevel, ReadOrder, ReadRefusal};
use model::Model;
use types::{GroupId, Hash, RequestId, Seq, Stamp, Token};
use wire::Reply;

use super::{Event, GRACE_US, World};
use crate::check::Look;
use crate::clock::Clock;
use crate::knobs::{MILLI, SECOND};
use crate::net::Index;

/// What a reader was shown: of several groups, of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// How far the group was applied.
    pub applied: Seq,
    /// What the reader has seen with it.
    pub token: Option<Token>,
}

/// What was seen of a group at a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtCut {
    /// How far it was applied.
    pub applied: Seq,
    /// Digest of its state.
    pub digest: Hash,
}

/// A read under way, or a hand-written one that was answered.
#[derive(Debug)]
pub(super) struct Reading {
    look: Look,
    node: Index,
    life: u64,
    pauses: u64,
    reader: Option<usize>,
    answer: Option<Result<Shown, ReadRefusal>>,
}

/// A cut that was planned at a node.
#[derive(Debug)]
pub(super) struct Cutting {
    at: Stamp,
    seen: BTreeMap<GroupId, AtCut>,
    answer: Option<Result<(), CutRefusal>>,
}

/// One reader.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    turn: u64,
    request: Option<RequestId>,
    /// What it has seen of each group.
    session: BTreeMap<GroupId, Token>,
}

/// Reads and what they go by.
#[derive(Debug, Default)]
pub(super) struct Reads {
    readers: Vec<Reader>,
    reading: BTreeMap<RequestId, Reading>,
    cutting: BTreeMap<RequestId, Cutting>,
    /// The most groups that one step had looked at for cuts.
    looks_max: usize,
    /// Tokens that clients were given lately, orphans-to-be among them.
    told: BTreeMap<GroupId, VecDeque<Token>>,
}

impl World {
    pub(super) fn begin_readers(&mut self) {
        for reader in 0..self.knobs.readers {
            self.reads.readers.push(Reader::default());
            self.plan_in(SECOND, Event::Reader { reader, turn: 0 });
        }
    }

    /// The true time, as a clock that is never wrong would say it.
    #[must_use]
    pub fn true_wall(&self) -> Stamp {
        Clock { drift_ppm: 0, offset_us: 0 }.read(self.now).wall
    }

    /// Asks a node to be shown a group; [`World::shown`] tells the answer.
    pub fn read(
        &mut self,
        node: Index,
        group: GroupId,
        level: ReadLevel,
        tokens: &[Token],
        patience_us: u64,
    ) -> RequestId {
        self.read_all(node, vec![group], level, tokens, patience_us)
    }

    /// The same for several groups, which are shown together or not at all.
    pub fn read_all(
        &mut self,
        node: Index,
        groups: Vec<GroupId>,
        level: ReadLevel,
        tokens: &[Token],
        patience_us: u64,
    ) -> RequestId {
        let order = ReadOrder { groups, level, tokens: tokens.to_vec() };
        self.send_read(node, order, patience_us, None)
    }

    /// The answer to a hand-written read, once it is there.
    #[must_use]
    pub fn shown(&self, request: RequestId) -> Option<Result<Shown, ReadRefusal>> {
        self.reads.reading.get(&request)?.answer
    }

    /// Plans a cut at a node; [`World::cut_through`] tells what came of it.
    pub fn cut_at(&mut self, node: Index, at: Stamp, patience_us: u64) -> RequestId {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let deadline = self.hosts[node].clock.read(self.now + patience_us).instant;
        let cutting = Cutting { at, seen: BTreeMap::new(), answer: None };
        self.reads.cutting.insert(request, cutting);
        self.give(node, Input::Cut { request, at, deadline });
        request
    }

    /// What a cut showed, once it has ended.
    #[must_use]
    pub fn cut_through(
        &self,
        request: RequestId,
    ) -> Option<Result<&BTreeMap<GroupId, AtCut>, CutRefusal>> {
        let cutting = self.reads.cutting.get(&request)?;
        cutting.answer.map(|answer| answer.map(|()| &cutting.seen))
    }

    /// The most groups that one step of a node had looked at for cuts.
    #[must_use]
    pub const fn looks_in_step_max(&self) -> usize {
        self.reads.looks_max
    }

    /// What a step wants carried out.
    pub(super) fn note_looks(&mut self, effects: &[Effect]) {
        let looks = effects.iter().filter(|one| matches!(one, Effect::AtCut { .. })).count();
        self.reads.looks_max = looks.max(self.reads.looks_max);
    }

    fn send_read(
        &mut self,
        node: Index,
        order: ReadOrder,
        patience_us: u64,
        reader: Option<usize>,
    ) -> RequestId {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let host = &self.hosts[node];
        let deadline = host.clock.read(self.now + patience_us).instant;
        let look = self.check.begin_look(&order);
        let (life, pauses) = (host.life, host.pauses);
        let reading = Reading { look, node, life, pauses, reader, answer: None };
        self.reads.reading.insert(request, reading);
        let now = self.now;
        self.trace.note(&[now, 21, node as u64, request.0], &[], || {
            format!("{now:>10} read {} at n{}: {order:?}", request.0, node + 1)
        });
        self.give(node, Input::Read { request, order, deadline });
        request
    }

    /// A node lets a read look at it, or does not.
    pub(super) fn read_ended(
        &mut self,
        index: Index,
        request: RequestId,
        result: Result<(), ReadRefusal>,
    ) {
        let Some(reading) = self.reads.reading.get_mut(&request) else { return };
        let mut seen = Vec::new();
        let answer = match result {
            Ok(()) => {
                let Some(node) = &self.hosts[index].node else { return };
                for group in reading.look.groups().filter_map(|id| node.group(id)) {
                    self.check.was_shown(index, self.now, &reading.look, group);
                    seen.push(Shown { applied: group.applied(), token: group.token() });
                }
                let Some(first) = seen.first().copied() else { return };
                Ok(first)
            }
            Err(refusal) => {
                self.check.not_shown(index, &reading.look, &refusal);
                Err(refusal)
            }
        };
        self.report.read(&answer.as_ref().map(|_| ()).map_err(|refusal| *refusal));
        let Some(reader) = reading.reader else {
            reading.answer = Some(answer);
            return;
        };
        self.reads.reading.remove(&request);
        let index = reader;
        let reader = &mut self.reads.readers[index];
        if reader.request == Some(request) {
            reader.request = None;
            // At the end readers need not be many to be late.
            let pause = if self.is_busy {
                self.read_chance.pick(&[20 * MILLI, 200 * MILLI, SECOND])
            } else {
                4 * SECOND
            };
            let wait = self.read_chance.between(pause / 2, pause);
            let event = Event::Reader { reader: index, turn: reader.turn };
            self.plan_in(wait, event);
        }
        let reader = &mut self.reads.readers[index];
        for token in seen.into_iter().filter_map(|shown| shown.token) {
            reader.session.insert(token.group, token);
        }
        // Told once that what it had seen is gone, a client begins anew.
        if let Err(ReadRefusal::Orphaned { token, .. } | ReadRefusal::Foreign { token }) = answer {
            reader.session.remove(&token.group);
        }
    }

    /// A group stands at a cut.
    pub(super) fn at_cut(&mut self, index: Index, request: RequestId, id: GroupId) {
        let Some(cutting) = self.reads.cutting.get_mut(&request) else { return };
        let group = self.hosts[index].node.as_ref().and_then(|node| node.group(id));
        let Some(group) = group else { return };
        self.check.cut(index, cutting.at, group);
        let seen = AtCut { applied: group.applied(), digest: group.model().digest() };
        cutting.seen.insert(id, seen);
    }

    /// A cut has ended.
    pub(super) fn cut_ended(&mut self, request: RequestId, result: Result<(), CutRefusal>) {
        self.report.cut(result.is_ok());
        if let Some(cutting) = self.reads.cutting.get_mut(&request) {
            cutting.answer = Some(result);
        }
    }

    /// A client was told something that comes with a token.
    pub(super) fn token_told(&mut self, group: GroupId, reply: &Reply) {
        let Some(token) = reply.token(group) else { return };
        let told = self.reads.told.entry(group).or_default();
        told.push_back(token);
        if told.len() > TOLD_MAX {
            told.pop_front();
        }
    }

    /// A reader acts.
    pub(super) fn reader(&mut self, index: usize, turn: u64) {
        if self.reads.readers[index].turn != turn {
            return;
        }
        self.reads.readers[index].turn += 1;
        if let Some(request) = self.reads.readers[index].request.take() {
            self.unshown(request);
        }
        let turn = self.reads.readers[index].turn;
        let node = self.read_chance.index(self.count());
        if self.hosts[node].node.is_none() {
            return self.plan_in(50 * MILLI, Event::Reader { reader: index, turn });
        }
        if self.read_chance.below(60) == 0 {
            self.cut_somewhere(node);
        }
        // At times two at one moment, or twice the same.
        let count = if self.read_chance.chance(150_000) { 2 } else { 1 };
        let groups = (0..count).map(|_| {
            let group = self.read_chance.below(u64::from(self.knobs.groups));
            GroupId(u16::try_from(group).expect("groups are numbered in 16 bits"))
        });
        let groups = groups.collect();
        let order = self.draw_read(index, groups);
        let patience = self.read_chance.between(50 * MILLI, 2 * SECOND);
        let request = self.send_read(node, order, patience, Some(index));
        self.reads.readers[index].request = Some(request);
        self.plan_in(patience + GRACE_US, Event::Reader { reader: index, turn });
    }

    /// A node owes an answer at the deadline, unless it lost power or stood still meanwhile.
    fn unshown(&mut self, request: RequestId) {
        let Some(reading) = self.reads.reading.remove(&request) else { return };
        let host = &self.hosts[reading.node];
        if host.life == reading.life && host.pauses == reading.pauses && !host.is_paused {
            let detail = format!("n{} did not answer read {}", reading.node + 1, request.0);
            self.check.fail("silence", detail);
        }
    }

    fn draw_read(&mut self, index: usize, groups: Vec<GroupId>) -> ReadOrder {
        let mut tokens: Vec<Token> = Vec::new();
        for group in &groups {
            tokens.extend(self.reads.readers[index].session.get(group));
            // Its own, and at times what somebody else was told and passed on.
            let told = self.reads.told.get(group).map_or(0, VecDeque::len);
            let other = self.read_chance.index(told.max(1));
            let other = self.reads.told.get(group).and_then(|told| told.get(other).copied());
            let passed = self.read_chance.chance(600_000);
            tokens.extend(other.filter(|_| passed));
        }
        let level = match self.read_chance.below(10) {
            0..4 => ReadLevel::Linearizable,
            4..7 => ReadLevel::Session,
            7..9 => {
                let within_us = self.read_chance.pick(&[1_500 * MILLI, 3 * SECOND, 10 * SECOND]);
                ReadLevel::Bounded { within_us }
            }
            _ => ReadLevel::Stale,
        };
        let keeps = level == ReadLevel::Session || self.read_chance.chance(300_000);
        ReadOrder { groups, level, tokens: if keeps { tokens } else { Vec::new() } }
    }

    /// The same cut at two nodes, a little ahead by the true clock.
    fn cut_somewhere(&mut self, node: Index) {
        let other = self.read_chance.index(self.count());
        let ahead = self.read_chance.between(100 * MILLI, 2 * SECOND);
        let at = Stamp(self.true_wall().0 + ahead);
        for node in [node, other] {
            if self.hosts[node].node.is_some() {
                self.cut_at(node, at, ahead + 3 * SECOND);
            }
        }
    }
}

/// Tokens of a group that are remembered for others to show.
const TOLD_MAX: usize = 8;
