//! Reads that wait at this node until the groups they look at meet their level.
//!
//! A read is let go at the end of a step, when nothing more changes, and whoever drives the node looks at
//! it before the next one. So what is decided here is what is seen, and several groups are seen at one
//! moment. A read that lacks something waits where that would come; see [`Bays`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use model::Model;
use types::{GroupId, Instant, NodeId, Now, RequestId, Token};

use super::Node;
use super::bays::{Bays, Lack};
use super::effect::Effect;
use crate::read::{ReadEnd, ReadLevel, ReadOrder, ReadRefusal, ReadTally};

/// The reads that wait here.
#[derive(Debug, Default)]
pub(super) struct Readers {
    waiting: BTreeMap<RequestId, Waiting>,
    deadlines: BTreeSet<(Instant, RequestId)>,
    bays: Bays,
    /// How many have a place there.
    placed: usize,
    /// Those that wait for what this node has not heard of, the furthest ahead last.
    unheard: BTreeSet<(Ahead, RequestId)>,
    /// Bounded reads by all of their groups: the time of these is to be closed.
    open: BTreeMap<GroupId, BTreeSet<(u64, RequestId)>>,
    /// Those that came in this step.
    new: Vec<RequestId>,
    /// Groups that something happened to in this step.
    pub(super) touched: BTreeSet<GroupId>,
    /// When the homes of groups whose time is to be closed are asked again.
    pub(super) next_hurry: Instant,
    pub(super) tally: ReadTally,
}

/// How far a token is ahead of all that is known here, in epochs and then in records.
type Ahead = (u64, u64);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    /// Its tokens are in order.
    order: ReadOrder,
    began: Instant,
    deadline: Instant,
    place: Option<Place>,
}

/// Where a read waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Index of the group among those that it is to see.
    index: usize,
    group: GroupId,
    lack: Lack,
    unheard: Option<Ahead>,
}

impl Waiting {
    /// Its tokens of one group.
    fn tokens(&self, group: GroupId) -> &[Token] {
        let tokens = &self.order.tokens;
        let from = tokens.partition_point(|token| token.group < group);
        let to = tokens.partition_point(|token| token.group <= group);
        tokens.get(from..to).unwrap_or_default()
    }
}

impl Readers {
    /// How many wait.
    pub(super) fn count(&self) -> usize {
        self.waiting.len()
    }

    /// Bounded reads that have just come.
    pub(super) fn new_bounded(&self) -> impl Iterator<Item = (&[GroupId], u64)> {
        let orders = self.new.iter().filter_map(|request| self.waiting.get(request));
        orders.filter_map(|Waiting { order, .. }| match order.level {
            ReadLevel::Bounded { within_us } => Some((order.groups.as_slice(), within_us)),
            ReadLevel::Linearizable
            | ReadLevel::Session
            | ReadLevel::Stale
            | ReadLevel::Provisional => None,
        })
    }

    /// The groups of all that wait, and the youngest state that somebody wants of each.
    pub(super) fn open(&self) -> impl Iterator<Item = (GroupId, u64)> {
        self.open.iter().filter_map(|(id, open)| Some((*id, open.first()?.0)))
    }

    fn leave_place(&mut self, request: RequestId) {
        let place = self.waiting.get_mut(&request).and_then(|waiting| waiting.place.take());
        if let Some(Place { group, lack, unheard, .. }) = place {
            self.placed -= 1;
            self.bays.take(group, request, lack);
            if let Some(ahead) = unheard {
                self.unheard.remove(&(ahead, request));
            }
        }
    }

    fn remove(&mut self, request: RequestId) -> Option<Waiting> {
        self.leave_place(request);
        let waiting = self.waiting.remove(&request)?;
        self.deadlines.remove(&(waiting.deadline, request));
        if let ReadLevel::Bounded { within_us } = waiting.order.level {
            for group in &waiting.order.groups {
                if let Some(open) = self.open.get_mut(group) {
                    open.remove(&(within_us, request));
                    if open.is_empty() {
                        self.open.remove(group);
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

    /// A client's wish to look at groups.
    pub(super) fn begin_read(
        &mut self,
        now: Now,
        request: RequestId,
        mut order: ReadOrder,
        deadline: Instant,
        out: &mut Vec<Effect>,
    ) {
        order.tokens.sort_unstable();
        let mut begun = Ok(());
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
        let waiting = Waiting { order, began: now.instant, deadline, place: None };
        if let Err(refusal) = begun {
            return self.end_read(now, request, &waiting, Err(refusal), out);
        }
        self.readers.deadlines.insert((deadline, request));
        self.readers.waiting.insert(request, waiting);
        self.readers.new.push(request);
    }

    /// Lets those reads go whose level is met, or cannot be met in time. The step is over: nothing
    /// changes between here and the look.
    pub(super) fn let_reads_go(&mut self, now: Now, out: &mut Vec<Effect>) {
        let touched = core::mem::take(&mut self.readers.touched);
        if self.readers.waiting.is_empty() {
            return;
        }
        for id in touched {
            let Some(group) = self.groups.get(&id) else { continue };
            let mut bays = core::mem::take(&mut self.readers.bays);
            let awake = bays.wake(group, || self.age_us(now, id));
            self.readers.bays = bays;
            for request in awake {
                self.try_read(now, request, out);
            }
        }
        for request in core::mem::take(&mut self.readers.new) {
            self.try_read(now, request, out);
        }
        while let Some((_, request)) =
            self.readers.deadlines.first().copied().filter(|(at, _)| *at <= now.instant)
        {
            let refusal = self.too_late(now, request);
            self.finish_read(now, request, refusal.map_or(Ok(()), Err), out);
        }
    }

    /// When the next read must be answered, or something asked for it.
    pub(super) fn next_read_deadline(&self) -> Option<Instant> {
        let late = self.readers.deadlines.first().map(|(at, _)| *at);
        let is_open = !self.readers.open.is_empty() || self.cuts.count() > 0;
        late.into_iter().chain(is_open.then_some(self.readers.next_hurry)).min()
    }

    /// Ends the read if its level is met at all its groups, or cannot be; else it waits at the first that
    /// lacks something, from where it waited on.
    fn try_read(&mut self, now: Now, request: RequestId, out: &mut Vec<Effect>) {
        let Some(waiting) = self.readers.waiting.get(&request) else { return };
        let groups = &waiting.order.groups;
        let from = waiting.place.map_or(0, |place| place.index);
        let is_new = waiting.place.is_none();
        let mut first = None;
        for index in (from..groups.len()).chain(0..from) {
            let Some(id) = groups.get(index).copied() else { continue };
            match self.lacks(now, request, waiting, id) {
                Ok(None) => {}
                Ok(Some(lack)) => first = first.or(Some((index, id, lack))),
                Err(refusal) => return self.finish_read(now, request, Err(refusal), out),
            }
            // One that has just come is refused for whatever group it can be.
            if first.is_some() && !is_new {
                break;
            }
        }
        let Some((index, group, lack)) = first else {
            return self.finish_read(now, request, Ok(()), out);
        };
        if is_new && self.readers.placed >= READS_MAX {
            return self.finish_read(now, request, Err(ReadRefusal::Busy), out);
        }
        self.wait_at(request, index, group, lack);
        if self.readers.unheard.len() > UNHEARD_MAX
            && let Some((_, furthest)) = self.readers.unheard.last().copied()
        {
            self.send_away(now, furthest, out);
        }
    }

    fn wait_at(&mut self, request: RequestId, index: usize, id: GroupId, lack: Lack) {
        self.readers.leave_place(request);
        let Some(group) = self.groups.get(&id) else { return };
        let Some(waiting) = self.readers.waiting.get_mut(&request) else { return };
        let unheard = match lack {
            Lack::Record(token) | Lack::News(token) | Lack::Early(token) => group.unheard(&token),
            Lack::Turn | Lack::Age(_) => None,
        };
        waiting.place = Some(Place { index, group: id, lack, unheard });
        if let ReadLevel::Bounded { within_us } = waiting.order.level {
            for group in &waiting.order.groups {
                self.readers.open.entry(*group).or_default().insert((within_us, request));
            }
        }
        self.readers.placed += 1;
        self.readers.bays.put(group, request, lack);
        if let Some(ahead) = unheard {
            self.readers.unheard.insert((ahead, request));
        }
    }

    /// Too many wait for what nobody here has heard of.
    fn send_away(&mut self, now: Now, request: RequestId, out: &mut Vec<Effect>) {
        let place = self.readers.waiting.get(&request).and_then(|waiting| waiting.place);
        let Some(Place { group, lack, .. }) = place else { return };
        let (Lack::Record(token) | Lack::News(token) | Lack::Early(token)) = lack else { return };
        let known = self.groups.get(&group).map(|group| group.tail().seq).unwrap_or_default();
        self.finish_read(now, request, Err(ReadRefusal::Unheard { token, known }), out);
    }

    /// What the read lacks at a group; `None` if its level is met there.
    fn lacks(
        &self,
        now: Now,
        request: RequestId,
        waiting: &Waiting,
        id: GroupId,
    ) -> Result<Option<Lack>, ReadRefusal> {
        let group = self.groups.get(&id).ok_or(ReadRefusal::NoGroup { group: id })?;
        group.may_show()?;
        // What is in no chain is said first, under whatever level: no other state makes up for it.
        let is_early = waiting.order.level == ReadLevel::Provisional;
        let mut unseen = None;
        for token in waiting.tokens(id) {
            let has_seen = group.has_seen(token)?;
            if !(has_seen || is_early && group.has_seen_early(token)) {
                unseen = Some(*token);
            }
        }
        let unseen = unseen.map(|token| match group.unheard(&token) {
            Some((1.., _)) => Lack::News(token),
            _ if is_early => Lack::Early(token),
            _ => Lack::Record(token),
        });
        let is_met = match waiting.order.level {
            ReadLevel::Linearizable => group.is_current(request)?,
            ReadLevel::Bounded { within_us } => {
                self.age_us(now, id).is_some_and(|age_us| age_us <= within_us)
            }
            ReadLevel::Session | ReadLevel::Stale => true,
            ReadLevel::Provisional => group.is_at_home().map(|()| true)?,
        };
        Ok(unseen.or(match waiting.order.level {
            _ if is_met => None,
            ReadLevel::Bounded { within_us } => Some(Lack::Age(within_us)),
            ReadLevel::Linearizable
            | ReadLevel::Session
            | ReadLevel::Stale
            | ReadLevel::Provisional => Some(Lack::Turn),
        }))
    }

    /// What a read is told whose time is up: the first group that does not meet its level, and by what
    /// it fails. `None` if all do.
    fn too_late(&self, now: Now, request: RequestId) -> Option<ReadRefusal> {
        let waiting = self.readers.waiting.get(&request)?;
        let mut first = None;
        for id in &waiting.order.groups {
            match self.lacks(now, request, waiting, *id) {
                Ok(lack) => first = first.or(lack.map(|lack| (*id, lack))),
                Err(refusal) => return Some(refusal),
            }
        }
        let (id, lack) = first?;
        let group = self.groups.get(&id)?;
        let (applied, waited_us) = (group.applied(), now.instant.since(waiting.began));
        Some(match lack {
            Lack::Record(token) | Lack::News(token) | Lack::Early(token) => {
                ReadRefusal::Behind { token, applied }
            }
            Lack::Age(within_us) => {
                ReadRefusal::TooOld { group: id, age_us: self.age_us(now, id), within_us }
            }
            Lack::Turn => match group.confirmed_needs(request) {
                Some(needs) => ReadRefusal::Unapplied { group: id, needs, applied, waited_us },
                None => ReadRefusal::Unconfirmed { group: id, waited_us },
            },
        })
    }

    /// What is said of several groups one of which is at home elsewhere: where all of them are, if that is
    /// one node. To be sent from home to home would never end.
    fn several(&self, groups: &[GroupId], refusal: ReadRefusal) -> ReadRefusal {
        let ReadRefusal::NotHome { group, home, epoch } = refusal else { return refusal };
        let me = self.options.group.me;
        let homes = groups.iter().filter_map(|id| self.groups.get(id)).map(|group| {
            let is_here = group.home_epoch().is_some();
            if is_here { Some(me) } else { group.home().0.filter(|home| *home != me) }
        });
        let homes: BTreeSet<Option<NodeId>> = homes.collect();
        if homes.contains(&None) {
            return ReadRefusal::NotHome { group, home: None, epoch };
        }
        if homes.len() > 1 { ReadRefusal::SeveralHomes { group, home } } else { refusal }
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
        let result = result.map_err(|refusal| self.several(&waiting.order.groups, refusal));
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
}

/// Reads that may wait at a node; further ones that would have to are told to come back. Each is some
/// hundred bytes.
const READS_MAX: usize = 16_384;

/// How many of them may wait for what nobody here has heard of. Whoever was told of a record is at most a
/// message ahead of this node or asks a region that is cut off; whoever makes a token up asks for anything.
/// Of more than these the furthest ahead are sent away, so that others keep their places.
const UNHEARD_MAX: usize = 1_024;

const _: () = assert!(UNHEARD_MAX < READS_MAX / 8, "tokens that are made up leave room for others");
