//! From where a start reads the log, and below what nothing is kept.
//!
//! The log is one for all groups and the register, so both places are the lowest that any of them needs.
//! A group needs what follows its oldest snapshot. The register and the watermarks in the pulses have
//! no snapshots: before the floor moves they are written again in full, at the end of the log. So a
//! move is a round: the register's whole record and a pulse with all watermarks become durable, and then
//! the floor is the lowest of those and of what the groups need.

use alloc::vec::Vec;

use model::Model;
use types::{Now, Position, WriteId};

use super::effect::Effect;
use super::{Node, Owner};

/// Where the floor is, and how far its next move has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Floor {
    /// Whether a group has a new snapshot since the last look.
    pub(super) is_due: bool,
    /// Whether this start had to read more of the log than the recorded floor says.
    pub(super) is_lost: bool,
    start: Position,
    /// Nothing below this is needed, or there any more.
    keep: Position,
    round: Option<Round>,
}

impl Floor {
    /// As a start found it: the log is read from `start` on, and nothing is left below `keep`.
    pub(super) fn new(is_lost: bool, start: Position, keep: Position) -> Self {
        Self { is_lost, start, keep, ..Self::default() }
    }
}

/// A move of the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Round {
    /// The register's write.
    register: WriteId,
    /// Where it stands, once it is durable.
    register_at: Option<Position>,
    /// Where the pulse with all watermarks stands.
    pulse_at: Option<Position>,
}

impl<M: Model> Node<M> {
    /// A pulse is durable at `at`. Begins a round if the floor would move by enough, or ends one.
    pub(super) fn move_floor(&mut self, now: Now, at: Position, out: &mut Vec<Effect>) {
        match self.floor.round {
            Some(Round { register_at: Some(register_at), pulse_at: None, .. }) => {
                self.floor.round = None;
                self.set_floor(register_at.min(at), out);
            }
            Some(mut round) => {
                round.pulse_at.get_or_insert(at);
                self.floor.round = Some(round);
            }
            None => self.begin_round(now, at, out),
        }
    }

    fn begin_round(&mut self, now: Now, end: Position, out: &mut Vec<Effect>) {
        if self.lacks_records() || !core::mem::take(&mut self.floor.is_due) && !self.options.trim {
            return;
        }
        let reads = self.groups.values().filter_map(crate::Group::reads_from).min();
        let stays = self.groups.values().filter_map(crate::Group::stays_from).min();
        let step = |to: Option<Position>, from: Position| {
            to.unwrap_or(end).0.saturating_sub(from.0) >= self.options.floor_step_bytes
        };
        let trims =
            self.options.trim && step(stays.min(reads).or(stays).or(reads), self.floor.keep);
        if !step(reads, self.floor.start) && !trims {
            return;
        }
        let mut effects = Vec::new();
        let Some(register) = self.register.restate(now, &mut effects) else { return };
        self.carry_register(now, effects, out);
        // The next pulse has the watermarks of all groups.
        self.logged.clear();
        self.floor.round = Some(Round { register, register_at: None, pulse_at: None });
    }

    /// A write of the register is durable.
    pub(super) fn restated(&mut self, id: WriteId, at: Position, out: &mut Vec<Effect>) {
        let Some(round) = self.floor.round.as_mut().filter(|round| round.register == id) else {
            return;
        };
        round.register_at = Some(at);
        if let Some(pulse_at) = round.pulse_at {
            self.floor.round = None;
            self.set_floor(pulse_at.min(at), out);
        }
    }

    /// Whether a group cannot read some of what it holds. Where that stood is where the next start must
    /// see the damage, so the floor stays until it is repaired.
    fn lacks_records(&self) -> bool {
        self.groups.values().any(|group| !group.chain().is_whole())
    }

    /// Moves the floor as far as the groups allow, up to `limit`.
    fn set_floor(&mut self, limit: Position, out: &mut Vec<Effect>) {
        if self.lacks_records() {
            return;
        }
        let lowest = |of: fn(&crate::Group<M>) -> Option<Position>| {
            self.groups.values().filter_map(of).fold(limit, Position::min)
        };
        // What is gone does not come back, and cannot be read.
        let gone = self.floor.keep;
        let start = lowest(crate::Group::reads_from).max(gone);
        let mut keep = gone;
        if self.options.trim {
            keep = lowest(crate::Group::stays_from).min(start).max(gone);
            // What may go is in the metas before it goes: they are written before the floor.
            for id in self.groups.keys().copied().collect::<Vec<_>>() {
                self.drive(id, out, |group, outs| group.trim(outs));
            }
        }
        (self.floor.start, self.floor.keep) = (start, keep);
        let id = self.write(Owner::Floor(None));
        out.push(Effect::Floor { id, start, keep });
    }

    /// A group has lost snapshots that the floor rests on: until it moves again, a start reads all that
    /// is left of the log. Goes before the meta that no longer names the snapshots.
    pub(super) fn lower_floor(&mut self, out: &mut Vec<Effect>) {
        self.floor.round = None;
        let keep = self.floor.keep;
        self.floor.start = keep;
        let id = self.write(Owner::Floor(None));
        out.push(Effect::Floor { id, start: keep, keep });
    }

    /// Lets the next group that waits for it write its state: one at a time, so that the disk and the
    /// memory bear one.
    pub(super) fn save_next(&mut self, out: &mut Vec<Effect>) {
        let is_busy = |id| self.groups.get(&id).is_some_and(crate::Group::is_saving);
        if self.saver.is_some_and(is_busy) {
            return;
        }
        self.saver = None;
        while let Some(id) = self.saves.pop_first() {
            if self.groups.get(&id).is_some_and(crate::Group::has_save) {
                self.saver = Some(id);
                return self.drive(id, out, |group, outs| group.save_on(outs));
            }
        }
    }
}
