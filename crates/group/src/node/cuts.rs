//! Cuts: one look at every group of this node as it was at one time (PROTOCOL 7.7, "consistent cut").
//!
//! A past state cannot be had again, so a cut is planned: its time lies a little ahead. Each group comes
//! to it by itself, when the next committed record is later; it is looked at then, one group in a step, and
//! goes on. No group waits for one that has not come to it, and none for longer than the looks. As a record's stamp is above
//! that of everything it rests on, also in other groups (N6), the looks together are a state that never
//! shows an effect without its cause; and as records decide where a group is cut, every region that is
//! asked for the same time sees the same.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use model::Model;
use types::{GroupId, Instant, Now, RequestId, Stamp};

use super::Node;
use super::effect::Effect;
use crate::group::CutPlace;
use crate::read::{CutRefusal, ReadEnd, ReadKind};

/// The cuts that are planned here.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    planned: BTreeMap<RequestId, Cut>,
    /// A group stands at one of them and waits for its look.
    is_due: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cut {
    at: Stamp,
    /// Groups that have not come to it.
    left: BTreeSet<GroupId>,
    began: Instant,
    deadline: Instant,
}

impl Cuts {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.planned.len()
    }

    /// When something about them is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let late = self.planned.values().map(|cut| cut.deadline).min();
        if self.is_due { Some(Instant(0)) } else { late }
    }
}

impl<M: Model> Node<M> {
    /// Plans a cut through all groups whose model this node runs.
    pub(super) fn begin_cut(
        &mut self,
        now: Now,
        request: RequestId,
        at: Stamp,
        deadline: Instant,
        out: &mut Vec<Effect>,
    ) {
        let left: BTreeSet<GroupId> =
            self.groups.iter().filter(|(_, group)| group.runs_model()).map(|(id, _)| *id).collect();
        let ahead_us = at.since(now.wall);
        let refusal = if self.cuts.count() >= CUTS_MAX {
            Some(CutRefusal::Busy)
        } else if ahead_us > CUT_AHEAD_US_MAX {
            Some(CutRefusal::Early { ahead_us })
        } else {
            left.iter().find_map(|id| self.is_out_of_cut(*id, at))
        };
        let cut = Cut { at, left, began: now.instant, deadline };
        if let Some(refusal) = refusal {
            return self.end_cut(now, request, &cut, Err(refusal), out);
        }
        for id in &cut.left {
            if let Some(group) = self.groups.get_mut(id) {
                group.hold_at(at);
            }
        }
        self.cuts.planned.insert(request, cut);
    }

    /// Has a group looked at that has come to a cut. The step is over: whoever drives the node looks before
    /// the next, and only then does the group go on. A look goes over all that a group holds, so there is one
    /// in a step, and between two the node takes what has come in.
    pub(super) fn let_cuts_go(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut is_taken = false;
        self.cuts.is_due = false;
        for (request, mut cut) in core::mem::take(&mut self.cuts.planned) {
            let mut refused = cut.left.iter().find_map(|id| self.is_out_of_cut(*id, cut.at));
            let (at, open): (Vec<GroupId>, Vec<GroupId>) =
                cut.left.iter().partition(|id| self.is_at_cut(**id, cut.at));
            if refused.is_none()
                && let Some(id) = at.first().filter(|_| !is_taken)
            {
                is_taken = true;
                out.push(Effect::AtCut { to: request, group: *id });
                cut.left.remove(id);
                self.let_go(*id, cut.at);
            }
            // Those that have come to it have done so in time, whenever they are looked at.
            let is_late = cut.deadline <= now.instant;
            refused = refused.or_else(|| {
                let id = open.first().filter(|_| is_late)?;
                let closed = self.groups.get(id)?.closed();
                Some(CutRefusal::Open { group: *id, closed })
            });
            if refused.is_some() || cut.left.is_empty() {
                self.end_cut(now, request, &cut, refused.map_or(Ok(()), Err), out);
                continue;
            }
            self.cuts.is_due |= at.iter().any(|id| cut.left.contains(id));
            self.cuts.planned.insert(request, cut);
        }
    }

    fn is_at_cut(&self, id: GroupId, at: Stamp) -> bool {
        self.groups.get(&id).is_some_and(|group| group.cut_place(at) == CutPlace::At)
    }

    /// What was held back goes on at once.
    fn let_go(&mut self, id: GroupId, at: Stamp) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.let_go(at);
            self.deadlines.insert(id, Instant(0));
        }
    }

    /// A busy group closes its time beyond a cut by itself; an idle one is asked to, once its home's clock
    /// may be there.
    pub(super) fn hurry_cuts(&mut self, now: Now, out: &mut Vec<Effect>) {
        let ahead_us = self.options.group.ahead_us_max;
        let near = self.cuts.planned.values().filter(|cut| cut.at.since(now.wall) <= ahead_us);
        let wanted: Vec<(GroupId, Stamp)> =
            near.flat_map(|cut| cut.left.iter().map(|id| (*id, cut.at))).collect();
        for (id, at) in wanted {
            self.drive(id, out, |group, outs| group.want_beat(now, at, outs));
        }
    }

    /// Why a group can have no part in a cut any more.
    fn is_out_of_cut(&self, id: GroupId, at: Stamp) -> Option<CutRefusal> {
        let group = self.groups.get(&id)?;
        if group.may_show().is_err() {
            return Some(CutRefusal::Differs { group: id });
        }
        let is_past = group.cut_place(at) == CutPlace::Past;
        is_past.then(|| CutRefusal::Past { group: id, closed: group.closed() })
    }

    fn end_cut(
        &mut self,
        now: Now,
        request: RequestId,
        cut: &Cut,
        result: Result<(), CutRefusal>,
        out: &mut Vec<Effect>,
    ) {
        for id in &cut.left {
            self.let_go(*id, cut.at);
        }
        let end = match result {
            Ok(()) => ReadEnd::Shown,
            Err(CutRefusal::Open { .. }) => ReadEnd::Late,
            Err(_) => ReadEnd::Refused,
        };
        self.readers.tally.count(ReadKind::Cut, end, now.instant.since(cut.began));
        out.push(Effect::Cut { to: request, result });
    }
}

/// Cuts that may be planned at once.
const CUTS_MAX: usize = 8;

/// How far ahead a cut may be planned: enough to ask every region, too little to forget it.
const CUT_AHEAD_US_MAX: u64 = 60_000_000;
