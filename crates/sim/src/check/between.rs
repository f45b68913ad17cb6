//! Checks on what stands between groups: every move is settled or reversed, never both, and what has
//! left one group and not arrived in another is exactly what the first one's channel holds (I8, I10).

use std::collections::BTreeMap;

use group::Group;
use types::{GroupId, Seq};
use wire::{Parcel, ParcelBody};

use super::Check;
use crate::App;
use crate::app::{Between, End};
use crate::net::Index;

/// The furthest that any replica of a group has come, as far as other groups are concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Furthest {
    applied: Seq,
    /// Sent and answered, by channel: what tells whether anything has changed.
    counts: Vec<(GroupId, u64, u64)>,
    between: Between,
}

impl Check {
    /// A node has said something to another group: it rests on what is committed.
    pub(super) fn posted(&mut self, from: Index, parcels: &[Parcel]) {
        for parcel in parcels {
            let is_source_named = match &parcel.body {
                ParcelBody::Message { .. } | ParcelBody::Cancel { .. } => true,
                ParcelBody::Answer(_) | ParcelBody::Restart => parcel.source > Seq(0),
            };
            if !is_source_named || self.is_forced {
                continue;
            }
            self.count("I10");
            let committed = self.committed(parcel.from) as u64;
            if parcel.source.0 > committed {
                let detail = format!(
                    "n{} sent {} of {} on the strength of {}, and {committed} are committed",
                    from + 1,
                    parcel.number,
                    parcel.from,
                    parcel.source
                );
                self.fail("I10", detail);
            }
        }
    }

    /// A replica has applied something: if it is the first to come so far, what it holds of other groups is
    /// held against what they hold.
    pub(super) fn between(&mut self, group: &Group<App>) {
        let id = group.id();
        let known = self.furthest.entry(id).or_default();
        if self.is_forced || group.applied() <= known.applied {
            return;
        }
        known.applied = group.applied();
        let sent = group.channels().outboxes().map(|(to, end)| (to, end.last(), end.resolved()));
        let taken = group.channels().inboxes().map(|(from, end)| (from, end.last(), u64::MAX));
        let counts: Vec<_> = sent.chain(taken).collect();
        if counts == known.counts {
            return;
        }
        known.counts = counts;
        known.between = group.model().between();
        let mut fault = pending_is_in_outboxes(group, &known.between);
        let mut looks = 1;
        let mine = known.between.clone();
        for (other, theirs) in &self.furthest {
            looks += 1;
            let disagreement = disagreement(id, &mine, *other, &theirs.between)
                .or_else(|| disagreement(*other, &theirs.between, id, &mine));
            fault = fault.or(disagreement);
        }
        *self.looked.entry("I8").or_default() += looks;
        if let Some(detail) = fault {
            self.fail("I8", detail);
        }
    }

    /// A channel was frozen, which only force can bring about.
    pub(crate) fn froze(&mut self, detail: String) {
        self.count("frozen");
        if !self.is_forced {
            self.fail("I10", detail);
        }
    }

    /// After force, and after every frozen channel was opened again: both sides of every channel hold the same.
    pub(crate) fn is_even(&mut self, groups: &[(GroupId, Between)]) {
        for (from, sent) in groups {
            for (to, taken) in groups.iter().filter(|(to, _)| to != from) {
                self.count("I8 after force");
                if let Some(detail) = disagreement(*from, sent, *to, taken) {
                    self.fail("I8", format!("after force: {detail}"));
                }
            }
        }
    }

    /// At the end, when all groups serve: nothing is in flight.
    pub(crate) fn nothing_in_flight(&mut self, group: &Group<App>) {
        if self.is_forced {
            return;
        }
        self.count("I20");
        let pending = group.channels().pending();
        if pending > 0 {
            self.fail("I20", format!("{}: {pending} messages have no answer", group.id()));
        }
        if let Some((peer, _, cause)) = group.channels().cases().next() {
            self.fail("I10", format!("{}: the channel with {peer}: {cause:?}", group.id()));
        }
    }
}

/// What a model holds for pending is what its group's channels hold.
fn pending_is_in_outboxes(group: &Group<App>, between: &Between) -> Option<String> {
    let mut pending: BTreeMap<GroupId, u64> = BTreeMap::new();
    for ((to, _), sent) in &between.sent {
        *pending.entry(*to).or_default() += u64::from(sent.end == End::Pending);
    }
    let wrong = group.channels().outboxes().find(|(to, outbox)| {
        outbox.last() - outbox.resolved() != pending.remove(to).unwrap_or_default()
    });
    let left = pending.values().any(|count| *count > 0);
    (wrong.is_some() || left)
        .then(|| format!("{}: pending is not what is in the outbox", group.id()))
}

/// Where what `from` holds of its moves to `to` cannot go with what that one took.
fn disagreement(from: GroupId, sent: &Between, to: GroupId, taken: &Between) -> Option<String> {
    for ((_, key), one) in sent.sent.iter().filter(|((of, _), _)| *of == to) {
        let received = taken.received.get(&(from, *key));
        let fits = match one.end {
            End::Pending => true,
            End::Settled => received == Some(&one.amount),
            End::Reversed => received.is_none(),
        };
        if !fits {
            return Some(format!("{from} to {to}: {one:?}, and {received:?} was credited"));
        }
    }
    let mut received = taken.received.iter().filter(|((of, _), _)| *of == from);
    let stray = received.find(|((_, key), amount)| {
        sent.sent.get(&(to, *key)).map(|one| one.amount) != Some(**amount)
    });
    stray.map(|(_, amount)| format!("{from} to {to}: {amount} was credited and never debited"))
}
