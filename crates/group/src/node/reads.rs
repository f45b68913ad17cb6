//! Reads that wait at this node until the groups they look at meet their level.
//!
//! A read is let go at the end of a step, when nothing more changes, and whoever drives the node looks at
//! it before the next one. So what is decided here is what is seen, and several groups are seen at one
//! moment.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use model::Model;
use types::{GroupId, Instant, Now, RequestId, Stamp};

use super::Node;
use super::effect::Effect;
use crate::read::{ReadEnd, ReadLevel, ReadOrder, ReadRefusal, ReadTally};

/// The reads that wait here.
#[derive(Debug, Default)]
pub(super) struct Readers {
    waiting: BTreeMap<RequestId, Waiting>,
    deadlines: BTreeSet<(Instant, RequestId)>,
    /// Linearizable reads by group: none is ready before those that came earlier.
    in_turn: BTreeMap<GroupId, BTreeSet<RequestId>>,
    /// The others by group.
    by_state: BTreeMap<GroupId, BTreeSet<RequestId>>,
    /// Those that came in this step.
    new: Vec<RequestId>,
    /// Groups that something happened to in this step.
    pub(super) touched: BTreeSet<GroupId>,
    pub(super) tally: ReadTally,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    order: ReadOrder,
    began: Instant,
    deadline: Instant,
}

impl Readers {
    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.waiting.len()
    }

    fn insert(&mut self, request: RequestId, waiting: Waiting) {
        let is_in_turn = matches!(waiting.order.level, ReadLevel::Linearizable);
        let queues = if is_in_turn { &mut self.in_turn } else { &mut self.by_state };
        for group in &waiting.order.groups {
            queues.entry(*group).or_default().insert(request);
        }
        self.deadlines.insert((waiting.deadline, request));
        self.waiting.insert(request, waiting);
        self.new.push(request);
    }

    fn remove(&mut self, request: RequestId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&request)?;
        self.deadlines.remove(&(waiting.deadline, request));
        for group in &waiting.order.groups {
            for queues in [&mut self.in_turn, &mut self.by_state] {
                if let Some(queue) = queues.get_mut(group) {
                    queue.remove(&request);
                    if queue.is_empty() {
                        queues.remove(group);
                    }
                }
            }
        }
        Some(waiting)
    }
}

impl<M: Model> Node<M> {
    /// What became of reads here.
    #[must_use]
    pub fn reads(&self) -> ReadTally {
        ReadTally {
            waiting: self.readers.count() + self.cuts.count(),
            ..self.readers.tally.clone()
        }
    }

    /// How old the state of a group may be at most, in microseconds; `None` where that cannot be said.
    ///
    /// What is missing here has a stamp above that of the last record applied. Its home's clock was at
    /// most as far ahead of most clocks as a home's may be, and this node's own is known to be behind
    /// them by so much; both are added. Should stamps run ahead of the clocks all the same, the state
    /// is at least as old as the time since anything was applied.
    #[must_use]
    pub fn age_us(&self, now: Now, group: GroupId) -> Option<u64> {
        let group = self.groups.get(&group)?;
        let (closed, applied_at) = (group.closed(), group.applied_at()?);
        let slack_us = self.slack_us()?;
        let wall = now.wall.max(self.clocks.own(now.instant));
        if closed == Stamp(0) || closed.since(wall) > slack_us {
            return None;
        }
        // Signed: a stamp that is ahead within the slack makes the state younger by so much.
        let age = (wall.0.saturating_add(slack_us)).saturating_sub(closed.0);
        Some(age.max(now.instant.since(applied_at)))
    }

    /// By how much a stamp of another node may be ahead of this node's clock; `None` before enough clocks
    /// were heard of to say so.
    fn slack_us(&self) -> Option<u64> {
        let others = self.options.nodes.len() / 2;
        let is_known = self.clocks.heard() >= others;
        is_known.then(|| self.options.skew_us_max.saturating_add(self.clocks.behind_us()))
    }

    /// A client's wish to look at groups.
    pub(super) fn begin_read(
        &mut self,
        now: Now,
        request: RequestId,
        order: ReadOrder,
        deadline: Instant,
        out: &mut Vec<Effect>,
    ) {
        let mut begun = Ok(());
        if self.readers.count() >= READS_MAX {
            begun = Err(ReadRefusal::Busy);
        }
        for id in &order.groups {
            let Some(group) = self.groups.get_mut(id) else {
                begun = begun.and(Err(ReadRefusal::NoGroup { group: *id }));
                continue;
            };
            begun = begun.and_then(|()| group.may_show());
            if order.level == ReadLevel::Linearizable {
                begun = begun.and_then(|()| group.begin_confirm(now, request));
                self.touched.insert(*id);
            }
        }
        let waiting = Waiting { order, began: now.instant, deadline };
        match begun {
            Ok(()) => self.readers.insert(request, waiting),
            Err(refusal) => self.end_read(now, request, &waiting, Err(refusal), out),
        }
    }

    /// Lets those reads go whose level is met, or cannot be met in time. The step is over: nothing
    /// changes between here and the look.
    pub(super) fn let_reads_go(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.readers.waiting.is_empty() {
            self.readers.touched.clear();
            self.readers.new.clear();
            return;
        }
        let mut ready: Vec<(RequestId, Result<(), ReadRefusal>)> = Vec::new();
        for id in core::mem::take(&mut self.readers.touched) {
            for request in self.readers.in_turn.get(&id).into_iter().flatten() {
                let group = self.groups.get(&id);
                if group.is_some_and(|group| group.is_current(*request) == Ok(false)) {
                    break;
                }
                self.judge_read(now, *request, &mut ready);
            }
            for request in self.readers.by_state.get(&id).into_iter().flatten() {
                self.judge_read(now, *request, &mut ready);
            }
        }
        for request in core::mem::take(&mut self.readers.new) {
            self.judge_read(now, request, &mut ready);
        }
        let late = self.readers.deadlines.iter().take_while(|(at, _)| *at <= now.instant);
        let late: Vec<RequestId> = late.map(|(_, request)| *request).collect();
        for (request, result) in ready {
            self.finish_read(now, request, result, out);
        }
        for request in late {
            let Some(waiting) = self.readers.waiting.get(&request) else { continue };
            let refusal = self.too_late(now, request, waiting);
            self.finish_read(now, request, refusal.map_or(Ok(()), Err), out);
        }
    }

    /// When the next read must be answered.
    pub(super) fn next_read_deadline(&self) -> Option<Instant> {
        self.readers.deadlines.first().map(|(at, _)| *at)
    }

    /// Whether the read's level is met at all its groups.
    fn judge_read(
        &self,
        now: Now,
        request: RequestId,
        ready: &mut Vec<(RequestId, Result<(), ReadRefusal>)>,
    ) {
        let Some(waiting) = self.readers.waiting.get(&request) else { return };
        let mut is_met = true;
        for group in &waiting.order.groups {
            match self.meets_at(now, request, *group) {
                Ok(met) => is_met &= met,
                Err(refusal) => return ready.push((request, Err(refusal))),
            }
        }
        if is_met {
            ready.push((request, Ok(())));
        }
    }

    fn meets_at(&self, now: Now, request: RequestId, id: GroupId) -> Result<bool, ReadRefusal> {
        let refusal = ReadRefusal::NoGroup { group: id };
        let waiting = self.readers.waiting.get(&request).ok_or(refusal)?;
        let group = self.groups.get(&id).ok_or(refusal)?;
        group.may_show()?;
        // What is in no chain is said first, under whatever level: no other state makes up for it.
        let mut has_seen = true;
        for token in waiting.order.tokens.iter().filter(|token| token.group == id) {
            has_seen &= group.has_seen(token)?;
        }
        Ok(match waiting.order.level {
            ReadLevel::Linearizable => group.is_current(request)? && has_seen,
            ReadLevel::Bounded { within_us } => {
                has_seen && self.age_us(now, id).is_some_and(|age_us| age_us <= within_us)
            }
            ReadLevel::Session | ReadLevel::Stale => has_seen,
            ReadLevel::Provisional => {
                group.is_at_home()?;
                let mut own = waiting.order.tokens.iter().filter(|token| token.group == id);
                has_seen || own.all(|token| group.has_seen_early(token))
            }
        })
    }

    /// What a read is told whose time is up: the first group that does not meet its level, and by what
    /// it fails. `None` if all do.
    fn too_late(&self, now: Now, request: RequestId, waiting: &Waiting) -> Option<ReadRefusal> {
        let waited_us = now.instant.since(waiting.began);
        waiting.order.groups.iter().find_map(|id| {
            let group = self.groups.get(id)?;
            match self.meets_at(now, request, *id) {
                Ok(true) => return None,
                Ok(false) => {}
                Err(refusal) => return Some(refusal),
            }
            let own = waiting.order.tokens.iter().filter(|token| token.group == *id);
            let mut unseen = own.filter(|token| group.has_seen(token) != Ok(true));
            if let Some(token) = unseen.next() {
                return Some(ReadRefusal::Behind { token: *token, applied: group.applied() });
            }
            Some(match waiting.order.level {
                ReadLevel::Bounded { within_us } => {
                    let age_us = self.age_us(now, *id);
                    ReadRefusal::TooOld { group: *id, age_us, within_us }
                }
                ReadLevel::Linearizable
                | ReadLevel::Session
                | ReadLevel::Stale
                | ReadLevel::Provisional => ReadRefusal::Unconfirmed { group: *id, waited_us },
            })
        })
    }

    fn finish_read(
        &mut self,
        now: Now,
        request: RequestId,
        result: Result<(), ReadRefusal>,
        out: &mut Vec<Effect>,
    ) {
        let Some(waiting) = self.readers.remove(request) else { return };
        self.end_read(now, request, &waiting, result, out);
    }

    fn end_read(
        &mut self,
        now: Now,
        request: RequestId,
        waiting: &Waiting,
        result: Result<(), ReadRefusal>,
        out: &mut Vec<Effect>,
    ) {
        for id in &waiting.order.groups {
            if let Some(group) = self.groups.get_mut(id) {
                group.end_confirm(request);
            }
        }
        let end = result.as_ref().map_or_else(ReadRefusal::end, |()| ReadEnd::Shown);
        let waited_us = now.instant.since(waiting.began);
        self.readers.tally.count(waiting.order.level.kind(), end, waited_us);
        out.push(Effect::Read { to: request, result });
    }

    /// Asks for beats where reads wait for time to be closed: for half as old a state as they may see, so
    /// that a reader who comes soon after need not ask again.
    pub(super) fn hurry_reads(&mut self, now: Now, out: &mut Vec<Effect>) {
        let slack_us = self.slack_us().unwrap_or_default();
        let mut wanted: Vec<(GroupId, Stamp)> = Vec::new();
        for (id, requests) in &self.readers.by_state {
            let waiting = requests.iter().filter_map(|request| self.readers.waiting.get(request));
            let within = waiting.filter_map(|waiting| match waiting.order.level {
                ReadLevel::Bounded { within_us } => Some(within_us),
                ReadLevel::Linearizable
                | ReadLevel::Session
                | ReadLevel::Stale
                | ReadLevel::Provisional => None,
            });
            if let Some(within_us) = within.min() {
                let room_us = within_us.saturating_sub(slack_us);
                wanted.push((*id, Stamp(now.wall.0.saturating_sub(room_us / 2))));
            }
        }
        for (id, above) in wanted {
            self.drive(id, out, |group, outs| group.want_beat(now, above, outs));
        }
    }
}

/// Reads that may wait at a node; further ones are told to come back. Each is some hundred bytes.
const READS_MAX: usize = 16_384;
