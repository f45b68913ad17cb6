//! A candidate's side: from the register's `Sealing` to its `Active` (F2 to F6).

use alloc::boxed::Box;
use alloc::vec::Vec;

use model::Model;
use register::{Activation, GroupState, SealKind, Transition};
use replication::{Stage, Takeover};
use types::{Epoch, EpochTable, Instant, NodeId, Now, QuorumLoss, Seq, Tail};
use wire::{Fault, GroupMessage};

use super::{Group, Out, Role};
use crate::{Event, GroupOptions};

/// What a candidate keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) takeover: Takeover,
    /// When it began.
    since: Instant,
    /// Before this instant only the old home is waited for.
    seal_from: Instant,
    /// From this instant on an operator's force counts; before, whoever can be reached is heard.
    force_from: Option<Instant>,
    /// From this instant on, members that have not been heard are not waited for if the group may do
    /// without them.
    settle_from: Option<Instant>,
    /// Or as soon as all those with a session have answered: somebody has looked already.
    is_looked: bool,
    /// In doubt: from this instant on, those without a session are not waited for, and from the other on,
    /// nobody is.
    hear_until: (Instant, Instant),
    /// When members were last asked for what the stage needs.
    asked: Option<Instant>,
}

impl Candidate {
    /// Everything that was asked for is asked for again.
    pub(super) const fn again(&mut self) {
        self.asked = None;
    }

    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    pub(super) fn next_deadline(&self, options: &GroupOptions) -> Instant {
        let asked = self.asked.map_or(self.seal_from, |asked| asked.after(options.resend_us));
        let settle = self.settle_from.filter(|_| !self.takeover.settles);
        settle.map_or(asked, |from| from.min(asked))
    }

    /// Notes whether all have been heard who can be. `session` says of a node whether there is one to it;
    /// nothing of one that need not be heard.
    fn hear_out(&mut self, now: Instant, session: impl Fn(NodeId) -> Option<bool>) {
        let takeover = &self.takeover;
        let (reached, all) = self.hear_until;
        let until = |is_reached: bool| match is_reached {
            // People have said that they take what there is then.
            true if self.force_from.is_none() => all,
            true | false => reached,
        };
        let unheard = takeover.nodes().filter(|node| !takeover.has_promise(*node));
        let waits = unheard.filter_map(session).map(until).max();
        self.takeover.has_heard_out = waits.is_none_or(|until| now >= until);
    }

    /// Whether it is time to ask, and if so notes that it was done.
    fn is_due(&mut self, now: Instant, resend_us: u64) -> bool {
        let due = self.asked.is_none_or(|asked| now.since(asked) >= resend_us);
        if due {
            self.asked = Some(now);
        }
        due
    }
}

impl<M: Model> Group<M> {
    /// The register has named this node candidate. It promises first of all, unless the old home is
    /// to hand over: then this node follows it to the end of its chain, and promises once the old home
    /// has sealed itself or its time is up.
    pub(super) fn begin_takeover(
        &mut self,
        now: Now,
        epoch: Epoch,
        kind: SealKind,
        state: &GroupState,
        out: &mut Vec<Out>,
    ) {
        if epoch <= self.meta.promised {
            return;
        }
        // A home that was replaced and hears of it only now gives back what it had taken in.
        self.demote(out);
        if self.bar().is_some() {
            // It could not serve; the look-out of this node sees to it that another is asked.
            return;
        }
        let planned = kind == SealKind::Planned && state.home != Some(self.options.me);
        let wait_us = if planned { self.options.handoff_us } else { 0 };
        let takeover = self.takeover(epoch, kind, state);
        let is_to_change = matches!(kind, SealKind::Restore | SealKind::Reconfigure);
        let settles = takeover.degrades || is_to_change || state.next.is_some();
        if !planned {
            self.promise(epoch, self.options.me, out);
        }
        self.role = Role::Candidate(Box::new(Candidate {
            takeover,
            since: now.instant,
            seal_from: now.instant.after(wait_us),
            force_from: (kind == SealKind::Forced)
                .then(|| now.instant.after(self.options.handoff_us)),
            settle_from: settles.then(|| now.instant.after(self.options.handoff_us)),
            is_looked: kind == SealKind::Degrade,
            hear_until: (
                now.instant.after(wait_us.saturating_add(self.options.handoff_us)),
                now.instant.after(self.options.handoff_us.saturating_mul(HEAR_HANDOFFS)),
            ),
            asked: None,
        }));
    }

    /// What a seal of this kind is to come to. A group that is made whole again, and one that is led
    /// by force by a node that was left out, go back to the whole configuration; one whose nodes come and
    /// go, to what the register has noted with the seal; so does one whose copies cannot be had otherwise.
    fn takeover(&self, epoch: Epoch, kind: SealKind, state: &GroupState) -> Takeover {
        let (history, config) = (state.history.clone(), state.config.clone());
        let is_outside = !config.has(self.options.me);
        let next = state.whole.clone().filter(|_| kind == SealKind::Restore || is_outside);
        let next = next.map(|whole| whole.numbered(state.next_config()));
        let (is_ordered, target) = (kind == SealKind::Reconfigure, state.next.clone());
        let next = if is_ordered { target.clone() } else { next };
        let by_terms = config.terms().on_quorum_loss == QuorumLoss::Degrade;
        let takeover = Takeover::new(epoch, history, config, state.home, self.options.mutant)
            .degraded_from(state.whole.clone());
        let takeover = match next {
            Some(next) => takeover.towards(next),
            None => takeover,
        };
        let mut takeover = match target.filter(|_| !is_ordered) {
            Some(target) => takeover.or_else(target),
            None => takeover,
        };
        takeover = takeover.heard_by(state.whole.as_ref()).heard_by(self.target.as_ref());
        takeover.next_id = state.next_config();
        takeover.is_in_doubt = state.is_in_doubt();
        takeover.degrades = kind == SealKind::Degrade || kind == SealKind::Unplanned && by_terms;
        takeover
    }

    /// The register has named another candidate.
    pub(super) fn yield_to(&mut self, candidate: NodeId, epoch: Epoch, kind: SealKind) {
        match &self.role {
            Role::Candidate(own) if own.takeover.epoch < epoch => self.stand_down(),
            Role::Home(_) if kind == SealKind::Planned && epoch > self.meta.promised => {
                self.begin_handoff(candidate, epoch);
            }
            Role::Candidate(_) | Role::Home(_) | Role::Member | Role::Quarantined => {}
        }
    }

    /// The register says that an epoch is active.
    pub(super) fn see_active(&mut self, now: Now, state: &GroupState, out: &mut Vec<Out>) {
        match &self.role {
            Role::Candidate(own) => {
                let won = state.home == Some(self.options.me)
                    && state.epoch == own.takeover.epoch
                    && matches!(own.takeover.stage(), Stage::Activating(_));
                if won {
                    self.become_home(now, state, out);
                } else if state.epoch >= own.takeover.epoch {
                    self.stand_down();
                }
            }
            Role::Home(_) if state.epoch > self.meta.table.epoch() => self.demote(out),
            Role::Home(_) | Role::Member | Role::Quarantined => {}
        }
    }

    pub(super) fn stand_down(&mut self) {
        self.role = Role::Member;
        self.fetching = None;
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one message")]
    pub(super) fn on_seal_ack(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        tail: Tail,
        known: &EpochTable,
        commit: Seq,
        faults: Vec<Fault>,
        out: &mut Vec<Out>,
    ) {
        if let Role::Candidate(candidate) = &mut self.role
            && candidate.takeover.epoch == epoch
        {
            candidate.takeover.promise(from, tail, known, commit, faults);
            // Where the old home's own seal has fixed the target already, others promise later. One that
            // lacks the target is not left waiting for the time at which members are asked again.
            if let Stage::Copying(target) = candidate.takeover.stage()
                && !candidate.takeover.is_holder(from)
            {
                let table = candidate.takeover.base.clone();
                let body = GroupMessage::Adopt { table, target };
                out.push(Out::Send { to: from, epoch, body });
            }
        }
    }

    /// Counts this node's own promise, which is durable, and what it vouches for now.
    pub(super) fn promise_oneself(&mut self) {
        let (tail, commit, faults) = (self.durable_tail(), self.commit(), self.faults());
        if let Role::Candidate(candidate) = &mut self.role {
            let me = self.options.me;
            candidate.takeover.promise(me, tail, &self.meta.table, commit, faults);
        }
    }

    pub(super) fn on_adopted(&mut self, from: NodeId, epoch: Epoch, tail: Tail) {
        if let Role::Candidate(candidate) = &mut self.role
            && candidate.takeover.epoch == epoch
        {
            candidate.takeover.holds(from, tail);
        }
    }

    /// Takes every step of the takeover that can be taken now.
    pub(super) fn proceed_as_candidate(&mut self, now: Now, out: &mut Vec<Out>) {
        self.acknowledge(out);
        self.promise_own(now, out);
        self.close_seal(now, out);
        self.copy(out);
        self.activate(now, out);
        self.ask_members(now, out);
        self.ask_again(now, out);
    }

    /// In a planned switch, promises once the old home has, or does not in its time.
    fn promise_own(&mut self, now: Now, out: &mut Vec<Out>) {
        let Role::Candidate(candidate) = &self.role else { return };
        let epoch = candidate.takeover.epoch;
        let home = candidate.takeover.home;
        let handed_over = home.is_some_and(|home| candidate.takeover.has_promise(home));
        if epoch > self.meta.promised && (handed_over || now.instant >= candidate.seal_from) {
            let role = core::mem::replace(&mut self.role, Role::Member);
            self.promise(epoch, self.options.me, out);
            self.role = role;
        }
    }

    /// Once enough have promised, fixes the target, cuts this node's own chain to the registered
    /// history, and fetches what it lacks.
    fn close_seal(&mut self, now: Now, out: &mut Vec<Out>) {
        let me = self.options.me;
        let Role::Candidate(candidate) = &mut self.role else { return };
        if !candidate.takeover.has_promise(me) {
            return;
        }
        let is_mended = candidate.takeover.is_faulty(me);
        if is_mended && candidate.takeover.stage() == Stage::Sealing {
            self.promise_oneself();
        }
        let Role::Candidate(candidate) = &mut self.role else { return };
        // A seal set that can be had after all makes force needless, and loses nothing.
        candidate.takeover.forced = candidate.force_from.is_some_and(|from| now.instant >= from);
        let (connected, given_up) = (&self.connected, &self.given_up);
        candidate.hear_out(now.instant, |node| {
            (node != me && !given_up.contains(&node)).then(|| connected.contains(&node))
        });
        let Some(source) = candidate.takeover.close(me) else { return };
        candidate.asked = None;
        let (base, stage) = (candidate.takeover.base.clone(), candidate.takeover.stage());
        let Stage::Copying(target) = stage else { return };
        out.push(Out::Note(Event::Sealed { group: self.id, epoch: self.meta.promised, target }));
        self.cut_to(&base, me, out);
        if source != me && self.role != Role::Quarantined {
            self.fetch(now, source, target.seq, out);
        }
    }

    fn cut_to(&mut self, base: &EpochTable, me: NodeId, out: &mut Vec<Out>) {
        if self.take_table(base, me, out) {
            self.write_meta(super::Then::Nothing, out);
        }
    }

    /// Counts this node among the holders once it is one.
    fn copy(&mut self, out: &mut Vec<Out>) {
        let me = self.options.me;
        let (vouched, writing) = (self.vouched(), self.is_writing_meta());
        let Role::Candidate(candidate) = &mut self.role else { return };
        let Stage::Copying(target) = candidate.takeover.stage() else { return };
        if vouched < target.seq || writing {
            return;
        }
        if self.chain.passes(target) {
            return candidate.takeover.holds(me, target);
        }
        let base = candidate.takeover.base.clone();
        if !self.is_of_another_history(&base) {
            self.quarantine(target.seq, me, out);
        }
    }

    /// Asks the register to activate once enough members hold the target, and again until it is
    /// decided.
    fn activate(&mut self, now: Now, out: &mut Vec<Out>) {
        let (me, resend_us) = (self.options.me, self.options.resend_us);
        let connected: Vec<NodeId> = self.connected.difference(&self.given_up).copied().collect();
        let Role::Candidate(candidate) = &mut self.role else { return };
        let takeover = &candidate.takeover;
        let mut unheard = takeover
            .nodes()
            .filter(|node| *node != me && connected.contains(node) && !takeover.has_promise(*node));
        let is_heard = candidate.is_looked && unheard.next().is_none();
        drop(unheard);
        let is_time = candidate.settle_from.is_some_and(|from| now.instant >= from);
        candidate.takeover.settles = is_heard || is_time;
        if candidate.takeover.is_copied(me, |node| connected.contains(&node)) {
            candidate.asked = None;
        }
        let Stage::Activating(target) = candidate.takeover.stage() else { return };
        if !candidate.is_due(now.instant, resend_us) {
            return;
        }
        let takeover = &candidate.takeover;
        let transition = Transition::Activate(Activation {
            epoch: takeover.epoch,
            home: me,
            config: takeover.next().clone(),
            start_seq: target.seq.next(),
            start_hash: target.hash,
            known: takeover.forgotten().to_vec(),
            forced: takeover.gave_up(),
            at: now.wall,
        });
        let version = self.register.as_ref().map_or(0, |state| state.version);
        out.push(Out::Propose { version, transition });
    }

    /// Asks those members for promises and copies that have not given them.
    fn ask_members(&mut self, now: Now, out: &mut Vec<Out>) {
        let (me, resend_us, epoch) = (self.options.me, self.options.resend_us, self.meta.promised);
        let Role::Candidate(candidate) = &mut self.role else { return };
        if matches!(candidate.takeover.stage(), Stage::Activating(_))
            || now.instant < candidate.seal_from
                && matches!(candidate.takeover.stage(), Stage::Sealing)
            || !candidate.is_due(now.instant, resend_us)
        {
            return;
        }
        let takeover = &candidate.takeover;
        for node in takeover.nodes().filter(|node| *node != me) {
            let body = match takeover.stage() {
                _ if !takeover.has_promise(node) => GroupMessage::Seal,
                // It may have repaired meanwhile what keeps this takeover waiting.
                Stage::Sealing if takeover.is_faulty(node) => GroupMessage::Seal,
                Stage::Copying(target) if !takeover.is_holder(node) => {
                    GroupMessage::Adopt { table: takeover.base.clone(), target }
                }
                Stage::Sealing | Stage::Copying(_) | Stage::Activating(_) => continue,
            };
            out.push(Out::Send { to: node, epoch, body });
        }
    }
}

/// In doubt, who has a session and does not answer is waited for so many times as long as who has none: its
/// disk may be slow, and it may know more.
const HEAR_HANDOFFS: u64 = 4;
