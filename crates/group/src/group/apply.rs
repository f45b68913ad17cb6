//! From committed records to outcomes: the only place where the model is driven.

use alloc::vec::Vec;

use bytes::Bytes;
use channel::At;
use model::{Model, Outcome};
use sha2::{Digest, Sha256};
use types::{Hash, Seq};
use wire::{CommandRef, Record, RecordKind};

use super::channels::dispatch;
use super::{Group, Out};
use crate::Event;
use crate::answers::Stored;

impl<M: Model> Group<M> {
    /// Applies committed records in order until `work_max` is done (a record is as much work as its
    /// commands and one), answers whoever waits for them, and reads what is no longer in memory.
    pub(super) fn apply_ready(&mut self, work_max: usize, out: &mut Vec<Out>) {
        self.apply_at_hand(work_max, out);
        if self.may_apply() && !self.is_next_at_hand() {
            self.read_ahead(out);
        }
    }

    /// Applies committed records in order until `work_max` is done, as long as they are in memory. At
    /// boot nobody reads for a group yet; what is not in memory then is read once the node runs.
    pub(super) fn apply_at_hand(&mut self, work_max: usize, out: &mut Vec<Out>) {
        let mut work = 0;
        while work < work_max && self.may_apply() {
            let Some(record) = self.take_next() else { return };
            self.apply(&record, out);
            work += 1 + record.header().count as usize;
        }
    }

    /// Whether the next record to apply is in memory.
    pub(super) fn is_next_at_hand(&self) -> bool {
        let next = self.applied.next();
        self.loaded.contains_key(&next)
            || self.chain.link(next).is_some_and(|link| link.bytes.is_some())
    }

    /// The record at `seq`, if it is in memory.
    pub(super) fn record_at_hand(&self, seq: Seq) -> Option<Record> {
        let link = self.chain.link(seq)?;
        if let Some(bytes) = &link.bytes {
            return Record::reread(bytes.clone(), link.hash).ok();
        }
        self.loaded.get(&seq).filter(|record| record.hash() == link.hash).cloned()
    }

    fn take_next(&mut self) -> Option<Record> {
        let next = self.applied.next();
        let link = self.chain.link(next)?;
        if let Some(bytes) = &link.bytes {
            return Record::reread(bytes.clone(), link.hash).ok();
        }
        self.loaded.remove(&next).filter(|record| record.hash() == link.hash)
    }

    /// Reads the next records to apply. How far ahead depends on nothing but how much that is: should
    /// one be unreadable, those after it do not pile up in memory.
    fn read_ahead(&mut self, out: &mut Vec<Out>) {
        let mut seq = self.applied.next();
        let end = Seq(self.applied.0 + READ_AHEAD_RECORDS).min(self.commit());
        let mut bytes = 0;
        while seq <= end && bytes < READ_AHEAD_BYTES {
            let Some(link) = self.chain.link(seq) else { return };
            bytes += link.size;
            if link.bytes.is_none() && !self.loaded.contains_key(&seq) {
                self.load(seq, out);
            }
            seq = seq.next();
        }
    }

    fn apply(&mut self, record: &Record, out: &mut Vec<Out>) {
        let header = record.header();
        assert!(header.seq == self.applied.next(), "records are applied in order");
        let seen = Some(record.tail());
        let mut trail = Sha256::new();
        trail.update(self.trail.0);
        trail.update(record.hash().0);
        for command in record.commands() {
            if header.kind == RecordKind::Channel {
                trail.update(self.apply_parcel(record, command.body, out));
                continue;
            }
            let first = self.apply_command(record, &command);
            trail.update(first.as_ref().map_or(&[][..], |stored| &stored.outcome));
            if self.odd.is_some() {
                // What is come to here is told to nobody.
                continue;
            }
            let told = match (&first, self.answers.stored(command.id)) {
                (Some(first), _) => {
                    self.desk.end(command.id, |digest, _| first.reply(digest, false, seen))
                }
                (None, Some(earlier)) => {
                    self.desk.end(command.id, |digest, _| earlier.reply(digest, true, seen))
                }
                (None, None) => self.desk.end_expired(&command),
            };
            out.extend(told.into_iter().map(|(to, reply)| Out::Answer { to, reply }));
        }
        self.trail = Hash(trail.finalize().into());
        self.applied = header.seq;
        self.commit_ahead(record);
        if header.kind == RecordKind::Upgrade {
            let (group, seq, version) = (self.id, header.seq, header.model);
            out.push(Out::Note(Event::Upgraded { group, seq, version }));
        }
        self.pass_mark(record, out);
        let before = (self.stamp, self.work);
        self.stamp = header.stamp;
        self.work = self.work.saturating_add(1 + u64::from(header.count));
        if self.is_save_point(before) {
            self.reach_save_point();
        }
    }

    /// Applies a command unless its id has an outcome or its time has passed. Returns the outcome
    /// if it is a new one.
    fn apply_command(&mut self, record: &Record, command: &CommandRef<'_>) -> Option<Stored> {
        let (stamp, version) = (record.header().stamp, self.version_of(record.header()));
        if self.answers.has(command.id) || command.not_after < stamp {
            return None;
        }
        let mut outcome = Outcome::default();
        let at = At { stamp, seq: record.header().seq };
        self.model.apply(version, stamp, command.body, &mut outcome);
        let reply = dispatch(&mut self.model, &mut self.channels, version, at, outcome);
        let stored = Stored {
            digest: command.digest,
            seq: record.header().seq,
            stamp,
            origin: command.origin,
            outcome: Bytes::from(reply),
        };
        self.answers.keep(command.id, stored.clone());
        Some(stored)
    }
}

/// Records read from disk ahead of the model, at most.
const READ_AHEAD_RECORDS: u64 = 64;

/// Bytes of records after which no more are read ahead of the model.
const READ_AHEAD_BYTES: usize = 4 << 20;

#[cfg(test)]
mod tests;
