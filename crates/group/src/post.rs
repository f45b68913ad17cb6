//! A home's post: parcels of other groups on their way into the chain, and this group's parcels on their
//! way out (PROTOCOL 7.6).
//!
//! None of it is state that must last. What is lost with the role of home is found again in the channels'
//! ends, which every replica has: what waits there is shipped again, and what was consumed is answered from
//! there. So a courier may send twice, and never needs to remember that it has.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use channel::Outbox;
use types::{GroupId, Instant, Now, Stamp};
use wire::{Parcel, ParcelBody, limits};

/// The post of one group at its home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Post {
    couriers: BTreeMap<GroupId, Courier>,
    /// Parcels that wait to be appended, in the order in which they came.
    inbound: VecDeque<Parcel>,
    inbound_bytes: usize,
    /// The last number taken in, by channel: of messages from a group, and of answers from one.
    taken: BTreeMap<(GroupId, Way), u64>,
    /// Channels that a contradiction is on its way into the chain of.
    accused: BTreeSet<(GroupId, Way)>,
    /// When a parcel that is held because its stamp is ahead may be looked at again.
    held_until: Option<Instant>,
    /// What other groups are to be told, by group.
    told: BTreeMap<GroupId, Vec<Parcel>>,
}

/// Which of the two channels between two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// Messages from the other group.
    Message,
    /// Its answers to this one's messages.
    Answer,
}

/// What was shipped over one channel since the last time that all was taken to be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Courier {
    /// The last number shipped.
    shipped: u64,
    /// The numbers whose cancel was shipped.
    cancelled: BTreeSet<u64>,
    /// All up to this had their answer when that was looked at last.
    resolved: u64,
    /// When something was shipped after nothing was under way, or an answer came.
    since: Instant,
    /// How often in a row nothing came back.
    silences: u32,
}

impl Post {
    /// Whether parcels wait to be appended.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.inbound.is_empty()
    }

    /// Takes a parcel in whose number is the next of its channel, `resolved` being the last that is done
    /// with in the chain. `false` if it is not, or there is no room: it will be said again.
    pub(crate) fn take(&mut self, way: Way, done: u64, parcel: Parcel) -> bool {
        let last = self.taken.get(&(parcel.from, way)).map_or(done, |taken| done.max(*taken));
        let bytes = self.inbound_bytes + parcel.encoded_bytes();
        if parcel.number != last + 1 || bytes > INBOUND_BYTES_MAX {
            return false;
        }
        self.taken.insert((parcel.from, way), parcel.number);
        self.push(parcel);
        true
    }

    /// Takes a parcel in that shows a contradiction, unless one is on its way already.
    pub(crate) fn accuse(&mut self, way: Way, parcel: Parcel) {
        if self.accused.insert((parcel.from, way)) {
            self.push(parcel);
        }
    }

    fn push(&mut self, parcel: Parcel) {
        self.inbound_bytes += parcel.encoded_bytes();
        self.inbound.push_back(parcel);
    }

    /// Everything taken in is in the chain and applied: what the channels' ends say is all there is.
    pub(crate) fn is_applied(&mut self) {
        if self.inbound.is_empty() {
            self.taken.clear();
            self.accused.clear();
        }
    }

    /// Up to a record's worth of parcels, with the stamp that the record must exceed. A parcel whose stamp
    /// is more than `ahead_us_max` ahead waits, and with it those of its group (N6).
    pub(crate) fn batch(&mut self, now: Now, ahead_us_max: u64) -> (Vec<Parcel>, Stamp) {
        let (mut batch, mut left) = (Vec::new(), VecDeque::new());
        let (mut bytes, mut newest) = (0, Stamp(0));
        let mut held = BTreeSet::new();
        self.held_until = None;
        for parcel in core::mem::take(&mut self.inbound) {
            let early_us = parcel.stamp.since(now.wall).saturating_sub(ahead_us_max);
            if early_us > 0 {
                let until = now.instant.after(early_us);
                self.held_until = Some(self.held_until.map_or(until, |other| other.min(until)));
                held.insert(parcel.from);
            }
            let is_full =
                batch.len() >= limits::RECORD_COMMANDS_MAX || bytes >= limits::BATCH_BYTES_MAX;
            if is_full || held.contains(&parcel.from) {
                left.push_back(parcel);
                continue;
            }
            bytes += parcel.encoded_bytes();
            newest = newest.max(parcel.stamp);
            batch.push(parcel);
        }
        self.inbound = left;
        self.inbound_bytes = self.inbound.iter().map(Parcel::encoded_bytes).sum();
        (batch, newest)
    }

    /// Another group is to be told something.
    pub(crate) fn tell(&mut self, parcel: Parcel) {
        self.told.entry(parcel.to).or_default().push(parcel);
    }

    /// What other groups are to be told, in bundles of what one message may carry.
    pub(crate) fn flush(&mut self) -> Vec<(GroupId, Vec<Parcel>)> {
        let told = core::mem::take(&mut self.told).into_iter();
        told.flat_map(|(to, parcels)| bundles(to, parcels)).collect()
    }

    /// What is to be shipped over the channel to `to` now, by number. What is under way is bounded by a
    /// window. After a silence only the oldest message is asked for, less and less often, until there is
    /// an answer: a region that comes back is not met by everything at once.
    pub(crate) fn due(
        &mut self,
        now: Instant,
        resend_us: u64,
        to: GroupId,
        outbox: &Outbox,
    ) -> Vec<u64> {
        let resolved = outbox.resolved();
        let courier = self.couriers.entry(to).or_insert_with(|| Courier::new(resolved, now));
        if resolved > courier.resolved {
            courier.resolved = resolved;
            courier.since = now;
            courier.silences = 0;
            courier.shipped = courier.shipped.max(resolved);
            courier.cancelled = courier.cancelled.split_off(&(resolved + 1));
        }
        if courier.is_under_way() && now >= courier.patience(resend_us) {
            courier.forget(now);
            courier.silences = (courier.silences + 1).min(SILENCES_MAX);
        }
        let was_under_way = courier.is_under_way();
        let window = if courier.silences > 0 { 1 } else { WINDOW };
        let last = outbox.last().min(resolved + window);
        let mut due: Vec<u64> = Vec::new();
        let mut bytes = 0;
        for number in courier.shipped + 1..=last {
            bytes += outbox.waiting(number).map_or(0, |pending| pending.content.len());
            if !due.is_empty() && bytes > limits::PARCELS_BYTES_MAX {
                break;
            }
            courier.shipped = number;
            due.push(number);
        }
        // Of what was shipped just now the cancel went instead of the message.
        for number in outbox.cancelling().take_while(|number| *number <= courier.shipped) {
            if courier.cancelled.insert(number) && !due.contains(&number) {
                due.push(number);
            }
        }
        if !was_under_way {
            courier.since = now;
        }
        due
    }

    /// Whether `to` is to be asked now whether it goes on from where this group does. Less and less often, as for a
    /// message; `resolved` is the number before the next.
    pub(crate) fn asks(
        &mut self,
        now: Instant,
        resend_us: u64,
        to: GroupId,
        resolved: u64,
    ) -> bool {
        let courier = self.couriers.entry(to).or_insert_with(|| Courier::new(resolved, now));
        if courier.resolved != resolved {
            *courier = Courier::new(resolved, now);
        }
        if courier.is_under_way() {
            if now < courier.patience(resend_us) {
                return false;
            }
            courier.silences = (courier.silences + 1).min(SILENCES_MAX);
        }
        courier.since = now;
        courier.shipped = resolved.saturating_add(1);
        true
    }

    /// What is under way to `to` is taken to be lost: its home has changed.
    pub(crate) fn rewind_to(&mut self, to: GroupId, now: Instant) -> bool {
        let Some(courier) = self.couriers.get_mut(&to) else { return false };
        courier.silences = 0;
        courier.forget(now);
        true
    }

    /// Everything under way is taken to be lost: a session was.
    pub(crate) fn rewind(&mut self, now: Instant) {
        for courier in self.couriers.values_mut() {
            courier.silences = 0;
            courier.forget(now);
        }
    }

    /// Nothing is left to be shipped to `to`.
    pub(crate) fn rest(&mut self, to: GroupId) {
        self.couriers.remove(&to);
    }

    /// When something is to be said again, or a parcel was held for long enough.
    pub(crate) fn next_deadline(&self, resend_us: u64) -> Option<Instant> {
        let couriers = self.couriers.values().filter(|courier| courier.is_under_way());
        let resend = couriers.map(|courier| courier.patience(resend_us)).min();
        [resend, self.held_until].into_iter().flatten().min()
    }
}

impl Courier {
    const fn new(resolved: u64, now: Instant) -> Self {
        let cancelled = BTreeSet::new();
        Self { shipped: resolved, cancelled, resolved, since: now, silences: 0 }
    }

    fn is_under_way(&self) -> bool {
        self.shipped > self.resolved
    }

    const fn patience(&self, resend_us: u64) -> Instant {
        self.since.after(resend_us << self.silences)
    }

    fn forget(&mut self, now: Instant) {
        self.shipped = self.resolved;
        self.cancelled.clear();
        self.since = now;
    }
}

/// Splits parcels for one group into what one message may carry.
pub(crate) fn bundles(to: GroupId, parcels: Vec<Parcel>) -> Vec<(GroupId, Vec<Parcel>)> {
    let mut bundles: Vec<(GroupId, Vec<Parcel>)> = Vec::new();
    let mut bytes = 0;
    for parcel in parcels {
        bytes += parcel.encoded_bytes();
        match bundles.last_mut() {
            Some((_, bundle))
                if bundle.len() < limits::PARCELS_MAX && bytes <= limits::PARCELS_BYTES_MAX =>
            {
                bundle.push(parcel);
            }
            Some(_) | None => {
                bytes = parcel.encoded_bytes();
                bundles.push((to, alloc::vec![parcel]));
            }
        }
    }
    bundles
}

/// Which way a parcel goes.
pub(crate) const fn way(parcel: &Parcel) -> Way {
    match &parcel.body {
        ParcelBody::Answer(_) => Way::Answer,
        ParcelBody::Message { .. } | ParcelBody::Cancel { .. } | ParcelBody::Restart => {
            Way::Message
        }
    }
}

/// Messages under way over one channel: two commits and three one-way trips of half a second in all take
/// in 2,000 a second.
const WINDOW: u64 = 1_024;

/// After this many silences the wait does not double any more.
const SILENCES_MAX: u32 = 4;

/// Bytes of parcels that may wait to be appended.
const INBOUND_BYTES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests;
