//! Where reads wait: each at the first group that it lacks, under what it lacks there.
//!
//! A group that moves wakes those reads whose lack may be gone, and looks at no others: a node with
//! thousands of readers of what a lagging group has not reached spends nothing on them. What can refuse a
//! read besides, such as another epoch, is kept beside the group, and wakes all when it changes.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use model::Model;
use types::{GroupId, RequestId, Seq, Token};

use crate::Group;
use crate::group::Standing;

/// What a read lacks at a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// The word that this is the home, or what was committed when the read came: in the order of arrival.
    Turn,
    /// What a token names, in the committed state.
    Record(Token),
    /// The epoch that a token names, of which nobody here has heard.
    News(Token),
    /// The same in the provisional state.
    Early(Token),
    /// A state that is at most so old, in microseconds.
    Age(u64),
}

/// The reads that wait at one group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bay {
    standing: Standing,
    turn: BTreeSet<RequestId>,
    news: BTreeSet<RequestId>,
    records: BTreeSet<(Seq, RequestId)>,
    early: BTreeSet<(Seq, RequestId)>,
    ages: BTreeSet<(u64, RequestId)>,
}

/// The bays of all groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bays(BTreeMap<GroupId, Bay>);

impl Bay {
    fn is_empty(&self) -> bool {
        self.turn.is_empty()
            && self.news.is_empty()
            && self.records.is_empty()
            && self.early.is_empty()
            && self.ages.is_empty()
    }

    fn all(&self) -> impl Iterator<Item = RequestId> {
        let by_seq = self.records.iter().chain(&self.early).map(|(_, request)| *request);
        let by_age = self.ages.iter().map(|(_, request)| *request);
        self.turn.iter().chain(&self.news).copied().chain(by_seq).chain(by_age)
    }
}

impl Bays {
    /// The read waits at that group from here on. Whoever puts it there takes it away again.
    pub(super) fn put<M: Model>(&mut self, group: &Group<M>, request: RequestId, lack: Lack) {
        let bay = self.0.entry(group.id()).or_insert_with(|| Bay {
            standing: group.standing(),
            turn: BTreeSet::new(),
            news: BTreeSet::new(),
            records: BTreeSet::new(),
            early: BTreeSet::new(),
            ages: BTreeSet::new(),
        });
        match lack {
            Lack::Turn => bay.turn.insert(request),
            Lack::News(_) => bay.news.insert(request),
            Lack::Record(token) => bay.records.insert((token.seq, request)),
            Lack::Early(token) => bay.early.insert((token.seq, request)),
            Lack::Age(within_us) => bay.ages.insert((within_us, request)),
        };
    }

    /// The read waits there no more.
    pub(super) fn take(&mut self, group: GroupId, request: RequestId, lack: Lack) {
        let Some(bay) = self.0.get_mut(&group) else { return };
        match lack {
            Lack::Turn => bay.turn.remove(&request),
            Lack::News(_) => bay.news.remove(&request),
            Lack::Record(token) => bay.records.remove(&(token.seq, request)),
            Lack::Early(token) => bay.early.remove(&(token.seq, request)),
            Lack::Age(within_us) => bay.ages.remove(&(within_us, request)),
        };
        if bay.is_empty() {
            self.0.remove(&group);
        }
    }

    /// The reads at that group whose lack may be gone. `age_us` is how old its state may be.
    pub(super) fn wake<M: Model>(
        &mut self,
        group: &Group<M>,
        age_us: impl FnOnce() -> Option<u64>,
    ) -> Vec<RequestId> {
        let Some(bay) = self.0.get_mut(&group.id()) else { return Vec::new() };
        let standing = group.standing();
        if bay.standing != standing {
            bay.standing = standing;
            return bay.all().collect();
        }
        // None is answered before those that came earlier.
        let is_waiting = |request: &&RequestId| group.is_current(**request) == Ok(false);
        let turn = bay.turn.iter().take_while(|request| !is_waiting(request));
        let up_to = |seq: Seq| (Seq(0), RequestId(0))..=(seq, RequestId(u64::MAX));
        let records = bay.records.range(up_to(group.applied()));
        let early = bay.early.range(up_to(group.shown_early()));
        let age_us = if bay.ages.is_empty() { None } else { age_us() };
        let fresh = age_us.map(|age_us| bay.ages.range((age_us, RequestId(0))..));
        let by_seq = records.chain(early).map(|(_, request)| *request);
        let by_age = fresh.into_iter().flatten().map(|(_, request)| *request);
        turn.copied().chain(by_seq).chain(by_age).collect()
    }
}

#[cfg(test)]
mod tests;
