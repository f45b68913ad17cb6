//! I12: reads meet their level, held against what is committed anywhere and the true clock.

use group::{Group, ReadLevel, ReadOrder, ReadRefusal};
use model::Model;
use types::{GroupId, Hash, Seq, Stamp, Token};

use super::{Check, Truth};
use crate::{App, net::Index};

/// A read on its way.
#[derive(Clone, Debug)]
pub struct Look {
    /// The groups, and what was committed of each when it was asked for.
    groups: Vec<(GroupId, Seq)>,
    level: ReadLevel,
    tokens: Vec<Token>,
}

impl Look {
    /// The groups that it is to see.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        self.groups.iter().map(|(group, _)| *group)
    }
}

impl Check {
    /// The world's clock, before a node is looked at.
    pub fn at(&mut self, now: u64) {
        self.now = now;
    }

    /// Somebody asks to be shown groups.
    #[must_use]
    pub fn begin_look(&self, order: &ReadOrder) -> Look {
        let groups = order.groups.iter().map(|id| (*id, Seq(self.committed(*id) as u64)));
        Look { groups: groups.collect(), level: order.level, tokens: order.tokens.clone() }
    }

    /// Somebody is shown one of the groups as it stands at a node, at the world's time `now`.
    pub fn was_shown(&mut self, host: Index, now: u64, look: &Look, group: &Group<App>) {
        // Who gives up what is committed gives up what was read, too.
        if self.is_forced || self.is_excused(host) {
            return;
        }
        let (id, applied, has_good_clocks) = (group.id(), group.applied(), self.has_good_clocks);
        let committed = look.groups.iter().find(|(group, _)| *group == id).map(|(_, seq)| *seq);
        let committed = committed.unwrap_or_default();
        let truth = self.truths.entry(id).or_default();
        let fault = match look.level {
            ReadLevel::Linearizable => (applied < committed).then(|| {
                format!("{committed} was committed before it was asked for a linearizable read")
            }),
            ReadLevel::Bounded { within_us } if has_good_clocks => {
                let since = now.saturating_sub(within_us);
                let count = truth.committed_at.partition_point(|at| *at <= since);
                let count = Seq(count as u64);
                (applied < count).then(|| {
                    format!("{count} was committed {within_us} µs before, by the true clock")
                })
            }
            ReadLevel::Bounded { .. }
            | ReadLevel::Session
            | ReadLevel::Stale
            | ReadLevel::Provisional => None,
        };
        let mut own = look.tokens.iter().filter(|token| token.group == id);
        // A home may be ahead of what it has applied for good, and shows that under its own name.
        let early = group.provisional().filter(|_| look.level == ReadLevel::Provisional);
        let reach = early.map_or(applied, |(_, early)| early.max(applied));
        let unmet = own.find(|token| !truth.has(token) || reach < token.seq);
        let fault = fault.or_else(|| unmet.map(|token| format!("the reader had seen {token}")));
        let uncommitted = applied.0 > truth.committed.len() as u64;
        let fault = fault.or_else(|| uncommitted.then(|| "it is not committed".to_owned()));
        self.count(match look.level {
            ReadLevel::Bounded { .. } => "I12 bounded",
            ReadLevel::Session => "I12 session",
            ReadLevel::Linearizable => "I12",
            ReadLevel::Stale | ReadLevel::Provisional => "I12 stale",
        });
        if let Some(fault) = fault {
            let detail = format!("n{} {id} was shown at {applied}: {fault}", host + 1);
            self.fail("I12", detail);
        }
    }

    /// Somebody is not shown a group, for a reason that must be true.
    pub fn not_shown(&mut self, host: Index, look: &Look, refusal: &ReadRefusal) {
        if self.is_forced {
            return;
        }
        let fault = match refusal {
            ReadRefusal::Orphaned { token, .. } => {
                let is_committed = self.truths.entry(token.group).or_default().has(token);
                is_committed.then(|| format!("{token} is committed and called orphaned"))
            }
            // Readers of worlds make nothing up.
            ReadRefusal::Foreign { token } => Some(format!("{token} was told and is not known")),
            ReadRefusal::NoGroup { .. }
            | ReadRefusal::NotHome { .. }
            | ReadRefusal::SeveralHomes { .. }
            | ReadRefusal::NoModel { .. }
            | ReadRefusal::Differs { .. }
            | ReadRefusal::Unconfirmed { .. }
            | ReadRefusal::Unapplied { .. }
            | ReadRefusal::Unheard { .. }
            | ReadRefusal::Behind { .. }
            | ReadRefusal::TooOld { .. }
            | ReadRefusal::Busy => None,
        };
        if matches!(refusal, ReadRefusal::Orphaned { .. }) {
            self.count("I12 orphaned");
        }
        if let Some(fault) = fault {
            let asked = &look.groups;
            self.fail("I12", format!("n{} asked for {asked:?}: {fault}", host + 1));
        }
    }

    /// A group stands at a cut: all replicas stand at the same record and state there.
    pub fn cut(&mut self, host: Index, at: Stamp, group: &Group<App>) {
        if self.is_forced || self.is_excused(host) {
            return;
        }
        let id = group.id();
        let seen = (group.applied(), group.model().digest());
        let cut = self.cuts.entry((at, id));
        let is_known = matches!(cut, std::collections::btree_map::Entry::Occupied(_));
        let first = *cut.or_insert(seen);
        if is_known {
            self.count("I12 cut");
        }
        if first != seen || group.closed() > at {
            let detail = format!("n{} {id} at {at:?}: {seen:?}, another saw {first:?}", host + 1);
            self.fail("I12", detail);
        }
        self.holds_cut(at, id, group.applied());
    }

    /// All that was committed up to a cut's time was seen there, and nothing later.
    fn holds_cut(&mut self, at: Stamp, id: GroupId, applied: Seq) {
        let truth = self.truths.entry(id).or_default();
        let count = truth.stamps.partition_point(|stamp| *stamp <= at) as u64;
        if applied != Seq(count) {
            let detail = format!("{id} at {at:?} was seen at {applied}, {count} records belong");
            self.fail("I12", detail);
        }
    }

    /// The run is over: no cut has lost anything by what was committed since.
    pub fn hold_all_cuts(&mut self) {
        if self.is_forced {
            return;
        }
        let cuts: Vec<_> = self.cuts.iter().map(|((at, id), (seq, _))| (*at, *id, *seq)).collect();
        for (at, id, applied) in cuts {
            self.holds_cut(at, id, applied);
        }
    }
}

impl Truth {
    /// Whether what the token names is committed.
    fn has(&self, token: &Token) -> bool {
        let index = token.seq.0.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let Some(index) = index else { return true };
        let hash: Option<&Hash> = self.committed.get(index);
        let tail = hash.and_then(|hash| self.links.get(hash)).map(|(tail, _)| *tail);
        tail.is_some_and(|tail| token.names(tail))
    }
}
