//! Ahead of the commit: what a home of an asynchronous class answers from (PROTOCOL N4).
//!
//! Such a home answers once it has a record on its own disk (W1). It then needs an outcome before the
//! commit, so it keeps a second, *provisional* state that is the committed one and all of its own
//! records above. Nothing else is driven by it: what leaves the group, what followers apply and what
//! a failover keeps stay at W2. A home that is one no more drops it; the committed state was never
//! touched. A home of class sync never makes one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use bytes::Bytes;
use channel::{At, Channels};
use model::{Model, Outcome};
use types::{Epoch, Hash, MessageId, Now, Seq, Tail, Until};
use wire::{CommandRef, Parcel, Record, RecordKind, Reply};

use super::channels::{dispatch, receive};
use super::{Group, Out, Role};
use crate::answers::Stored;
use crate::desk::Asker;

/// The provisional state of a home.
#[derive(Clone, Debug)]
pub(super) struct Ahead<M> {
    model: M,
    /// The ends of the channels that go with it. Nothing is shipped from these.
    channels: Channels,
    /// The outcomes that the committed state does not have yet.
    outcomes: BTreeMap<MessageId, (Tail, Stored)>,
    /// Applied to `model`; never below what the group has applied.
    applied: Seq,
}

impl<M> Ahead<M> {
    /// The last record in the provisional state: nobody was told of a later one.
    pub(super) const fn applied(&self) -> Seq {
        self.applied
    }
}

impl<M: Model> Group<M> {
    /// Applies what this home has on its disk to the provisional state, and answers those who wait
    /// for no more. Does nothing in class sync.
    pub(super) fn run_ahead(&mut self, now: Now, work_max: usize, out: &mut Vec<Out>) {
        let Role::Home(home) = &self.role else { return };
        // Before the epoch's first record is durable, its own meta may not be either.
        if !self.answers_early() || self.durable < home.start || self.bar().is_some() {
            return;
        }
        if self.ahead.is_none() {
            if self.applied < self.commit() || self.applied == self.durable {
                return;
            }
            let (model, channels) = (self.model.clone(), self.channels.clone());
            let (outcomes, applied) = (BTreeMap::new(), self.applied);
            self.ahead = Some(Ahead { model, channels, outcomes, applied });
        }
        let mut work = 0;
        while work < work_max
            && let Some(seq) = self.next_ahead()
        {
            let Some(record) = self.record_at_hand(seq) else { return self.load(seq, out) };
            work += 1 + record.header().count as usize;
            let is_told = self.is_within_budget(now);
            for command in record.commands() {
                let Some((at, reply)) = self.try_ahead(&record, &command) else { continue };
                if is_told && self.is_told_early(at.epoch) {
                    let told = self.desk.end_early(command.id, command.digest, &reply);
                    out.extend(told.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
                }
            }
            self.passed_ahead(seq);
        }
    }

    /// Whether the next record to run ahead with can be had without reading.
    pub(super) fn can_run_ahead(&self) -> bool {
        let is_begun = self.ahead.is_some();
        is_begun && self.next_ahead().is_some_and(|seq| self.record_at_hand(seq).is_some())
    }

    /// Lets the provisional state go with a record that is committed now.
    pub(super) fn commit_ahead(&mut self, record: &Record) {
        let Some(ahead) = &self.ahead else { return };
        let seq = record.header().seq;
        let is_behind = ahead.applied < seq;
        for command in record.commands() {
            if is_behind {
                self.try_ahead(record, &command);
            }
            if let Some(ahead) = &mut self.ahead
                && ahead.outcomes.get(&command.id).is_some_and(|(at, _)| at.seq <= seq)
            {
                ahead.outcomes.remove(&command.id);
            }
        }
        if is_behind {
            self.passed_ahead(seq);
        }
    }

    /// The provisional answer to a request that asks again for what was done and is not committed.
    pub(super) fn answer_ahead(
        &self,
        now: Now,
        asker: Asker,
        id: MessageId,
        digest: Hash,
        until: Until,
    ) -> Option<Out> {
        let (at, stored) = self.ahead.as_ref()?.outcomes.get(&id)?;
        let is_early = self.is_within_budget(now) && self.is_told_early(at.epoch);
        if until != Until::Class || stored.digest != digest || !is_early {
            return None;
        }
        Some(Out::Answer { to: asker, reply: provisional(*at, stored, true) })
    }

    /// The state that this home answers from before the commit, if it has one: to be shown under its
    /// own name only, as all of it above the commit may be taken back.
    #[must_use]
    pub const fn provisional(&self) -> Option<(&M, Seq)> {
        match &self.ahead {
            Some(ahead) => Some((&ahead.model, ahead.applied)),
            None => None,
        }
    }

    /// The provisional outcome of an id.
    pub(super) fn stored_ahead(&self, id: MessageId) -> Option<&Stored> {
        let (at, stored) = self.ahead.as_ref()?.outcomes.get(&id)?;
        self.is_told_early(at.epoch).then_some(stored)
    }

    /// Whether what an epoch has written is told before its commit: only if its own class said so. A group
    /// that has come from class sync may still have records of then above its commit.
    fn is_told_early(&self, epoch: Epoch) -> bool {
        let mut starts = self.meta.table.starts().iter().rev();
        starts.any(|start| start.epoch == epoch && start.class.answers_early())
    }

    /// Whether this group's class answers before the commit.
    pub(super) const fn answers_early(&self) -> bool {
        self.meta.config.terms().class.answers_early()
    }

    /// Whether so little is at risk that more may be answered before it is committed.
    pub(super) fn is_within_budget(&self, now: Now) -> bool {
        self.uncommitted_us(now).is_none_or(|age_us| age_us <= self.options.budget_us)
    }

    fn next_ahead(&self) -> Option<Seq> {
        let ahead = self.ahead.as_ref()?;
        (ahead.applied < self.durable).then(|| ahead.applied.next())
    }

    fn passed_ahead(&mut self, seq: Seq) {
        if let Some(ahead) = &mut self.ahead {
            assert!(seq == ahead.applied.next(), "records run ahead in order");
            ahead.applied = seq;
        }
    }

    /// Applies a command to the provisional state and says what it comes to if the record stays. A
    /// command that came too late is left to the commit: another home's stamp may be lower.
    fn try_ahead(&mut self, record: &Record, command: &CommandRef<'_>) -> Option<(Tail, Reply)> {
        let (header, version) = (record.header(), self.version_of(record.header()));
        let ahead = self.ahead.as_mut()?;
        let at = At { stamp: header.stamp, seq: header.seq };
        if header.kind == RecordKind::Channel {
            if let Ok(parcel) = Parcel::from_body(&record.bytes().slice_ref(command.body)) {
                receive(&mut ahead.model, &mut ahead.channels, version, &parcel, at);
            }
            return None;
        }
        if self.answers.has(command.id) || command.not_after < header.stamp {
            return None;
        }
        if let Some((at, stored)) = ahead.outcomes.get(&command.id) {
            let is_same = stored.digest == command.digest;
            return is_same.then(|| (*at, provisional(*at, stored, true)));
        }
        let mut outcome = Outcome::default();
        ahead.model.apply(version, header.stamp, command.body, &mut outcome);
        let answer = dispatch(&mut ahead.model, &mut ahead.channels, version, at, outcome);
        let stored = Stored {
            digest: command.digest,
            seq: header.seq,
            stamp: header.stamp,
            origin: command.origin,
            outcome: Bytes::from(answer),
        };
        let reply = provisional(record.tail(), &stored, false);
        ahead.outcomes.insert(command.id, (record.tail(), stored));
        Some((record.tail(), reply))
    }
}

fn provisional(at: Tail, stored: &Stored, repeated: bool) -> Reply {
    let (stamp, outcome) = (stored.stamp, stored.outcome.clone());
    Reply::Provisional { at, stamp, repeated, outcome }
}
