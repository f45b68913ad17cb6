//! Reads at one group: whether its state here may be shown to somebody who asks for this much.
//!
//! A linearizable read is answered by the home once it has heard, from members enough for a commit and
//! after the read came, that they had promised no later epoch. Any set of promises that replaces a home
//! meets any set that commits (PROTOCOL 7.4), so had another home been able to acknowledge anything
//! before the read came, one of these would have refused. What was committed when the read came is then
//! all that was acknowledged to anybody by then, and the read waits until it is applied. Nothing here
//! rests on a clock.
//!
//! An acknowledgement of a record that was appended after the read came says the same as an answer to a
//! round of its own, so a round is only asked for when nothing was appended since.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Bound;

use model::Model;
use replication::{Mutant, is_commit};
use types::{Epoch, EpochTable, Instant, NodeId, Now, RequestId, Seq, Tail, Token};
use wire::GroupMessage;

use super::{Group, Out, Role};
use crate::read::ReadRefusal;

/// Linearizable reads that wait at a home, and the rounds in which it asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    /// In the order in which they came.
    waiting: BTreeMap<RequestId, Confirm>,
    /// The epoch to which the rounds belong.
    epoch: Epoch,
    /// The last round that was asked for.
    issued: u64,
    /// When.
    sent: Instant,
    /// The last round that each member has answered.
    answered: BTreeMap<NodeId, u64>,
    /// Up to this read all were confirmed when they were last looked at. They may wait for something else,
    /// and must not hide that a later one's question was lost.
    past: RequestId,
}

impl Reads {
    /// Forgets what `node` has answered.
    pub(super) fn disregard(&mut self, node: NodeId) {
        self.answered.remove(&node);
    }
}

/// What a linearizable read waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Confirm {
    epoch: Epoch,
    at: Instant,
    /// The first round that is asked for after the read came.
    round: u64,
    /// The first record that is appended after the read came.
    above: Seq,
    /// What must be applied.
    needs: Seq,
}

/// What of a group decides whether a read can be shown it at all: while it stays, a read waits for nothing
/// but records, time and words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    table: Epoch,
    promised: Epoch,
    home: Option<Epoch>,
    is_shown: bool,
}

impl<M: Model> Group<M> {
    /// What a change of which may refuse those who wait.
    pub(crate) fn standing(&self) -> Standing {
        let (table, promised) = (self.newest_table().epoch(), self.meta.promised);
        Standing { table, promised, home: self.home_epoch(), is_shown: self.may_show().is_ok() }
    }

    /// The last record applied here: with it, whoever is shown this state has seen all of it. `None`
    /// where the record itself is lost and not known.
    #[must_use]
    pub fn seen(&self) -> Option<Tail> {
        self.chain.tail_at(self.applied)
    }

    /// The same as a token.
    #[must_use]
    pub fn token(&self) -> Option<Token> {
        self.seen().map(|seen| Token::new(self.id, seen))
    }

    /// What whoever is shown the provisional state has seen; that of the committed one where there is
    /// no other.
    #[must_use]
    pub fn provisional_token(&self) -> Option<Token> {
        let (_, applied) = self.provisional()?;
        self.chain.tail_at(applied).map(|seen| Token::new(self.id, seen))
    }

    /// Whether the state here may be shown to anybody at all.
    pub(crate) fn may_show(&self) -> Result<(), ReadRefusal> {
        let group = self.id;
        if let Err(refused) = self.query() {
            return Err(ReadRefusal::NoModel { group, ask: refused.ask });
        }
        if self.readable().is_none() || self.role == Role::Quarantined {
            return Err(ReadRefusal::Differs { group });
        }
        Ok(())
    }

    /// Whether this node is the home.
    pub(crate) fn is_at_home(&self) -> Result<(), ReadRefusal> {
        if matches!(self.role, Role::Home(_)) { Ok(()) } else { Err(self.away()) }
    }

    /// A linearizable read has come.
    pub(crate) fn begin_confirm(
        &mut self,
        now: Now,
        request: RequestId,
    ) -> Result<(), ReadRefusal> {
        let (epoch, above) = (self.meta.promised, self.chain.tail().seq.next());
        let Role::Home(home) = &self.role else { return Err(self.away()) };
        // Before the epoch's first record is committed, earlier ones may be that this home has not
        // counted yet. And what this home has answered before the commit is waited for: the reader may
        // be the one who was told.
        let told = self.ahead.as_ref().map_or(Seq(0), |ahead| ahead.applied());
        let needs = self.known.max(home.start).max(told);
        if self.reads.epoch != epoch {
            self.reads = Reads { epoch, ..Reads::default() };
        }
        let round = self.reads.issued + 1;
        let confirm = Confirm { epoch, at: now.instant, round, above, needs };
        self.reads.waiting.insert(request, confirm);
        Ok(())
    }

    /// The read has ended, whichever way.
    pub(crate) fn end_confirm(&mut self, request: RequestId) {
        self.reads.waiting.remove(&request);
    }

    /// Whether the state may be shown to this linearizable read.
    pub(crate) fn is_current(&self, request: RequestId) -> Result<bool, ReadRefusal> {
        let confirm =
            self.reads.waiting.get(&request).filter(|one| one.epoch == self.meta.promised);
        let Some(confirm) = confirm else { return Err(self.away()) };
        self.is_at_home()?;
        Ok(self.applied >= confirm.needs && self.has_confirmed(confirm))
    }

    /// What a linearizable read waits to be applied, if this is certainly still the home.
    pub(crate) fn confirmed_needs(&self, request: RequestId) -> Option<Seq> {
        let confirm = self.reads.waiting.get(&request)?;
        let is_confirmed = confirm.epoch == self.meta.promised && self.has_confirmed(confirm);
        is_confirmed.then_some(confirm.needs)
    }

    /// Whether the state here holds what the bearer of the token has seen. What the table leaves out is
    /// never waited for, and what it holds and is applied is in every later chain.
    pub(crate) fn has_seen(&self, token: &Token) -> Result<bool, ReadRefusal> {
        if token.seq == Seq(0) {
            return Ok(true);
        }
        if self.options.mutant == Mutant::TokenUnchecked {
            return Ok(self.applied >= token.seq);
        }
        let table = self.newest_table();
        if token.epoch > table.epoch() {
            // Nobody here has heard of that home yet.
            return Ok(false);
        }
        let begun =
            table.starts().iter().any(|start| start.epoch == token.epoch && start.seq <= token.seq);
        if !begun {
            return Err(ReadRefusal::Foreign { token: *token });
        }
        let later = table.starts().iter().filter(|start| start.epoch > token.epoch);
        if let Some(start) = later.clone().find(|start| start.seq <= token.seq) {
            let (by, start, forced) = (start.epoch, start.seq, start.forced);
            return Err(ReadRefusal::Orphaned { token: *token, by, start, forced });
        }
        let here = self.chain.tail_at(token.seq);
        if self.applied < token.seq {
            // Under one epoch one record stands at a seq, and the home has all of its own epoch.
            let is_other = here.is_some_and(|here| here.epoch == token.epoch && !token.names(here));
            let is_beyond =
                self.home_epoch() == Some(token.epoch) && token.seq > self.chain.tail().seq;
            if is_other || is_beyond {
                return Err(ReadRefusal::Foreign { token: *token });
            }
            return Ok(false);
        }
        match here {
            Some(tail) if !token.names(tail) => Err(ReadRefusal::Foreign { token: *token }),
            _ => Ok(true),
        }
    }

    /// How far a token is ahead of all that this node has heard of, in epochs and then in records; `None`
    /// if its record may be here and only waits to be applied.
    pub(crate) fn unheard(&self, token: &Token) -> Option<(u64, u64)> {
        let (table, tail) = (self.newest_table().epoch(), self.chain.tail().seq);
        let ahead = (token.epoch.0.saturating_sub(table.0), token.seq.0.saturating_sub(tail.0));
        (ahead != (0, 0)).then_some(ahead)
    }

    /// Up to where the provisional state goes, or the committed one where there is no other.
    pub(crate) fn shown_early(&self) -> Seq {
        self.ahead.as_ref().map_or(self.applied, |ahead| ahead.applied().max(self.applied))
    }

    /// Whether the provisional state holds what the bearer of a token of a chain that may still be has seen.
    pub(crate) fn has_seen_early(&self, token: &Token) -> bool {
        let is_ahead = self.provisional().is_some_and(|(_, applied)| applied >= token.seq);
        is_ahead && self.chain.tail_at(token.seq).is_some_and(|tail| token.names(tail))
    }

    /// Asks the members whether this is still the home, if a read came after everything that was
    /// appended, and again when nobody answers.
    pub(super) fn proceed_with_reads(&mut self, now: Now, out: &mut Vec<Out>) {
        while let Some((request, _)) = self.first_open().filter(|(_, one)| self.has_confirmed(one))
        {
            self.reads.past = request;
        }
        let (Some((_, first)), Some((_, last))) =
            (self.first_open(), self.reads.waiting.last_key_value())
        else {
            return;
        };
        let Role::Home(home) = &self.role else { return };
        if first.epoch != self.meta.promised {
            return;
        }
        let is_new = last.round > self.reads.issued && last.above > self.chain.tail().seq;
        let has_room = self.reads.issued - self.confirmed_round() < ROUNDS_MAX;
        let resend_us = self.options.resend_us;
        let is_late = |at: Instant| now.instant.since(at) >= resend_us;
        let is_lost = is_late(first.at) && is_late(self.reads.sent);
        if !(is_new && has_room || is_lost) {
            return;
        }
        let (epoch, round) = (self.meta.promised, self.reads.issued + 1);
        let members = home
            .peers()
            .map(|(node, _)| node)
            .filter(|node| self.meta.config.counts(*node) && self.connected.contains(node));
        let body = GroupMessage::Confirm { round };
        out.extend(members.map(|to| Out::Send { to, epoch, body: body.clone() }));
        self.reads.issued = round;
        self.reads.sent = now.instant;
    }

    /// The first read that was not confirmed when it was last looked at. Who comes later is never confirmed
    /// earlier.
    fn first_open(&self) -> Option<(RequestId, &Confirm)> {
        let above = (Bound::Excluded(self.reads.past), Bound::Unbounded);
        self.reads.waiting.range(above).next().map(|(request, confirm)| (*request, confirm))
    }

    /// When to ask again.
    pub(super) fn reads_deadline(&self) -> Option<Instant> {
        let (_, first) = self.first_open()?;
        if !matches!(self.role, Role::Home(_)) || self.has_confirmed(first) {
            return None;
        }
        Some(first.at.max(self.reads.sent).after(self.options.resend_us))
    }

    /// The home asks whether this member has promised anybody else. The answer is about now, so it
    /// rests on no disk: had it sealed a later epoch, that promise would be known here.
    pub(super) fn on_confirm(&self, from: NodeId, epoch: Epoch, round: u64, out: &mut Vec<Out>) {
        if self.follows(from, epoch) {
            self.say(from, epoch, GroupMessage::ConfirmAck { round }, out);
        }
    }

    /// A member had promised nobody else when it was asked.
    pub(super) fn on_confirm_ack(&mut self, from: NodeId, epoch: Epoch, round: u64) {
        let is_asked = epoch == self.reads.epoch && round <= self.reads.issued;
        if epoch == self.meta.promised && is_asked {
            let answered = self.reads.answered.entry(from).or_default();
            *answered = round.max(*answered);
        }
    }

    fn has_confirmed(&self, confirm: &Confirm) -> bool {
        let Role::Home(home) = &self.role else { return false };
        if self.options.mutant == Mutant::ReadUnconfirmed {
            return true;
        }
        let me = self.options.me;
        let answers = |node| self.reads.answered.get(&node).is_some_and(|it| *it >= confirm.round);
        let holds = |node| home.has_acked(node, confirm.above);
        is_commit(&self.meta.config, |node| node == me || answers(node) || holds(node))
    }

    /// The last round that members enough have answered.
    fn confirmed_round(&self) -> u64 {
        let (me, answered) = (self.options.me, &self.reads.answered);
        let has = |node, round| node == me || answered.get(&node).is_some_and(|it| *it >= round);
        let rounds = answered.values().copied();
        let rounds = rounds.filter(|round| is_commit(&self.meta.config, |node| has(node, *round)));
        rounds.max().unwrap_or_default()
    }

    /// What the register says of this group's epochs, if that is newer than what is recorded here.
    fn newest_table(&self) -> &EpochTable {
        match &self.register {
            Some(state) if state.history.epoch() > self.meta.table.epoch() => &state.history,
            _ => &self.meta.table,
        }
    }

    fn away(&self) -> ReadRefusal {
        let (home, epoch) = self.home();
        let home = home.filter(|home| *home != self.options.me);
        ReadRefusal::NotHome { group: self.id, home, epoch }
    }
}

/// Rounds that may be under way at once: a read that finds so many waits an eighth of a round trip for
/// the next, and a home that is asked at every step does not ask at every step.
const ROUNDS_MAX: u64 = 8;

#[cfg(test)]
mod tests;
