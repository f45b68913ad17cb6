//! I12: reads meet their level, held against what is committed anywhere and the true clock.

use group::{Group, ReadLevel, ReadOrder, ReadRefusal};
use model::Model;
use types::{GroupId, Hash, Seq, Stamp, Token};

use super::{Check, Truth};
use crate::{App, net::Index};

/// A read on its way.
#[derive(Clone, Debug)]
pub struct Look {
    /// The group.
    pub group: GroupId,
    level: ReadLevel,
    tokens: Vec<Token>,
    /// What was committed when it was asked for.
    committed: Seq,
}

impl Check {
    /// The world's clock, before a node is looked at.
    pub fn at(&mut self, now: u64) {
        self.now = now;
    }

    /// Somebody asks to be shown a group.
    #[must_use]
    pub fn begin_look(&self, order: &ReadOrder) -> Look {
        let group = order.groups.first().copied().unwrap_or_default();
        let committed = Seq(self.committed(group) as u64);
        Look { group, level: order.level, tokens: order.tokens.clone(), committed }
    }

    /// Somebody is shown a group as it stands at a node, at the world's time `now`.
    pub fn was_shown(&mut self, host: Index, now: u64, look: &Look, group: &Group<App>) {
        // Who gives up what is committed gives up what was read, too.
        if self.is_forced || self.is_excused(host) {
            return;
        }
        let (applied, has_good_clocks) = (group.applied(), self.has_good_clocks);
        let truth = self.truths.entry(look.group).or_default();
        let fault = match look.level {
            ReadLevel::Linearizable => (applied < look.committed).then(|| {
                format!(
                    "{} was committed before it was asked for a linearizable read",
                    look.committed
                )
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
        let unmet = look.tokens.iter().find(|token| !truth.has(token) || applied < token.seq);
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
            let detail = format!("n{} {} was shown at {applied}: {fault}", host + 1, look.group);
            self.fail("I12", detail);
        }
    }

    /// Somebody is not shown a group, for a reason that must be true.
    pub fn not_shown(&mut self, host: Index, look: &Look, refusal: &ReadRefusal) {
        if self.is_forced {
            return;
        }
        let truth = self.truths.entry(look.group).or_default();
        let fault = match refusal {
            ReadRefusal::Orphaned { token, .. } => {
                truth.has(token).then(|| format!("{token} is committed and called orphaned"))
            }
            // Readers of worlds make nothing up.
            ReadRefusal::Foreign { token } => Some(format!("{token} was told and is not known")),
            ReadRefusal::NoGroup { .. }
            | ReadRefusal::NotHome { .. }
            | ReadRefusal::NoModel { .. }
            | ReadRefusal::Differs { .. }
            | ReadRefusal::Unconfirmed { .. }
            | ReadRefusal::Behind { .. }
            | ReadRefusal::TooOld { .. }
            | ReadRefusal::Busy => None,
        };
        if matches!(refusal, ReadRefusal::Orphaned { .. }) {
            self.count("I12 orphaned");
        }
        if let Some(fault) = fault {
            self.fail("I12", format!("n{} {}: {fault}", host + 1, look.group));
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
