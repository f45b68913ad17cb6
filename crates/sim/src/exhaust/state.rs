//! The whole: members, what is under way between them, the register, and what must hold of all that.

use std::hash::{Hash as StdHash, Hasher};
use std::sync::Arc;

use register::{GroupState, Phase, SealKind, Transition};
use types::{Epoch, Hash, Stamp};
use wire::GroupMessage;

use super::broken::Broken;
use super::member::{Link, Member, Step, config};
use super::memo::{Decision, Given, Memo, join};
use super::sent::{Sent, is_ack, is_of_an_open_epoch};
use super::{Bound, Crash, Exhaust, MEMBERS};
use crate::id;

/// Where everything stands.
#[derive(Clone, Debug)]
pub struct State {
    members: [Arc<Member>; MEMBERS],
    /// What is under way, lane by lane.
    sent: Vec<Arc<Sent>>,
    /// The highest epoch that each member has sealed on the wire.
    sealed: [Epoch; MEMBERS],
    /// Every state of the group in the register, oldest first.
    decisions: Arc<Vec<Arc<Decision>>>,
    /// Every record ever known to be committed.
    committed: Arc<Vec<Hash>>,
    commands: u8,
    crashes: u8,
    breaks: u8,
    blanks: u8,
    broken: Option<Broken>,
}

impl State {
    /// The first day: empty disks, and a register that has issued nothing.
    pub(super) fn new(memo: &Memo) -> Self {
        let genesis = GroupState::genesis(config());
        let member = |at| Arc::new(Member::new(at, &genesis, memo));
        Self {
            members: [member(0), member(1), member(2)],
            sent: Vec::new(),
            sealed: [Epoch(0); MEMBERS],
            decisions: Arc::new(vec![Arc::new(Decision::new(genesis))]),
            committed: Arc::default(),
            commands: 0,
            crashes: 0,
            breaks: 0,
            blanks: 0,
            broken: None,
        }
    }

    pub(super) const fn broken(&self) -> Option<Broken> {
        self.broken
    }

    /// What comes next in each lane.
    pub(super) fn next_in_lanes(&self) -> impl Iterator<Item = Arc<Sent>> {
        let lanes = self.sent.chunk_by(|a, b| a.lane() == b.lane());
        lanes.filter_map(|lane| lane.first().cloned())
    }

    pub(super) fn is_anything_between(&self, a: usize, b: usize) -> bool {
        self.sent.iter().any(|sent| sent.is_between(a, b))
    }

    pub(super) const fn breaks(&self) -> u8 {
        self.breaks
    }

    pub(super) fn member(&self, at: usize) -> &Member {
        self.members.get(at).expect("members are numbered from 0")
    }

    pub(super) const fn commands(&self) -> u8 {
        self.commands
    }

    pub(super) const fn crashes(&self) -> u8 {
        self.crashes
    }

    pub(super) const fn blanks(&self) -> u8 {
        self.blanks
    }

    fn register(&self) -> &GroupState {
        &self.decisions.last().expect("there is a first state").state
    }

    pub(super) fn issued(&self) -> u64 {
        self.register().issued.0
    }

    /// The next decision that the member acts on. Of those that do not concern it, it may hear at any
    /// time without a difference.
    pub(super) fn news_for(&self, at: usize) -> Option<Arc<Decision>> {
        let member = self.member(at);
        let names = |decision: &GroupState| match decision.phase {
            Phase::Sealing { candidate, .. } => candidate == id(at),
            Phase::Active => false,
        };
        let newer = self.decisions.iter().filter(|known| known.state.version > member.version());
        newer.into_iter().find(|new| member.is_concerned() || names(&new.state)).cloned()
    }

    /// Whether an operator could move the home to this member by plan.
    pub(super) fn may_plan(&self, at: usize) -> bool {
        let state = self.register();
        state.phase == Phase::Active && state.home.is_some_and(|home| home != id(at))
    }

    pub(super) fn commanded(mut self) -> Self {
        self.commands += 1;
        self
    }

    /// The state after the first message of a lane has arrived.
    pub(super) fn delivered(&self, memo: &Memo, sent: &Arc<Sent>) -> Self {
        let mut next = self.clone();
        let first = next.sent.iter().position(|other| other.lane() == sent.lane());
        next.sent.remove(first.expect("a lane with a message has a first one"));
        next.hand(memo, sent.to, &Given::Message(sent.clone()));
        next
    }

    /// The state after the session of two members has ended and another was opened.
    pub(super) fn broken_between(&self, memo: &Memo, a: usize, b: usize) -> Self {
        let mut next = self.clone();
        next.breaks += 1;
        next.sent.retain(|sent| !sent.is_between(a, b));
        next.hand(memo, a, &Given::Session(b));
        next.hand(memo, b, &Given::Session(a));
        next
    }

    /// The state after a member has lost power and come back: its sessions are new.
    pub(super) fn crashed(&self, memo: &Memo, crash: Crash) -> Self {
        let mut next = self.clone();
        next.crashes += 1;
        next.restarted(
            memo,
            crash.at,
            crash.is_heard,
            &Given::Crash { records: crash.records, blobs: crash.blobs },
        );
        next
    }

    /// The state after a member has come back with an empty disk, and all that it promised forgotten.
    pub(super) fn blanked(&self, memo: &Memo, at: usize) -> Self {
        let mut next = self.clone();
        next.blanks += 1;
        next.restarted(memo, at, false, &Given::Blank);
        next
    }

    fn restarted(&mut self, memo: &Memo, at: usize, is_heard: bool, how: &Given) {
        self.sent.retain(|sent| sent.to != at && (is_heard || sent.from != at));
        self.hand(memo, at, how);
        for peer in (0..MEMBERS).filter(|peer| *peer != at) {
            self.hand(memo, peer, &Given::Session(at));
        }
    }

    /// The register issues the next epoch.
    pub(super) fn sealing(&self, candidate: usize, planned: bool) -> Option<Self> {
        let kind = if planned { SealKind::Planned } else { SealKind::Unplanned };
        let epoch = self.register().issued.next();
        let transition =
            Transition::BeginSeal { epoch, candidate: id(candidate), kind, at: Stamp(1) };
        let mut next = self.clone();
        next.decide(self.register().version, &transition).then_some(next)
    }

    /// The register decides, if the version is still the one that was seen. It need not wait: nothing
    /// else reads or changes it before the next decision, and members hear of it when they do.
    fn decide(&mut self, version: u64, transition: &Transition) -> bool {
        if self.register().version != version {
            return false;
        }
        let mut state = self.register().clone();
        if state.take(transition).is_err() {
            return false;
        }
        Arc::make_mut(&mut self.decisions).push(Arc::new(Decision::new(state)));
        true
    }

    /// The state after a member was handed something.
    pub(super) fn after(&self, memo: &Memo, at: usize, given: &Given) -> Option<Self> {
        let mut next = self.clone();
        next.hand(memo, at, given);
        Some(next)
    }

    /// Hands something to a member.
    fn hand(&mut self, memo: &Memo, at: usize, given: &Given) {
        if self.broken.is_some() {
            return;
        }
        let step = memo.step(self.member(at), given);
        *self.members.get_mut(at).expect("members are numbered from 0") = step.next.clone();
        self.broken = step.broken.or_else(|| self.take(at, &step));
        self.forget_stale();
    }

    /// Drops what can only be refused, now and at any later time: a promise only rises.
    fn forget_stale(&mut self) {
        let promised =
            |at: usize| self.members.get(at).map_or(Epoch(0), |member| member.promised());
        let promised = [promised(0), promised(1), promised(2)];
        let fresh = |sent: &Arc<Sent>| sent.without_stale(promised.get(sent.to).copied()?);
        self.sent = self.sent.iter().filter_map(fresh).collect();
    }

    /// Takes what came of a step and says what is wrong with it.
    fn take(&mut self, at: usize, step: &Step) -> Option<Broken> {
        let member = step.next.clone();
        for sent in &step.sent {
            for (epoch, body) in &sent.messages {
                if let Some(broken) = self.judge(sent.from, *epoch, body) {
                    return Some(broken);
                }
                if matches!(body, GroupMessage::SealAck { .. })
                    && let Some(sealed) = self.sealed.get_mut(sent.from)
                {
                    *sealed = (*epoch).max(*sealed);
                }
            }
            let place = self.sent.partition_point(|known| known.lane() <= sent.lane());
            self.sent.insert(place, sent.clone());
        }
        if let Some(epoch) = member.home_epoch()
            && self.home_of(epoch) != Some(at)
        {
            return Some(Broken::I1);
        }
        if self.has_rival(at, &member.chain) {
            return Some(Broken::I2);
        }
        if let Some(broken) = self.commit(&member) {
            return Some(broken);
        }
        if step.told.iter().any(|seq| seq.0 > self.committed.len() as u64) {
            return Some(Broken::I3);
        }
        for (version, transition) in &step.proposed {
            let is_taken = self.decide(*version, transition);
            if is_taken && !self.starts_with_all(&member) {
                return Some(Broken::I5);
            }
        }
        None
    }

    /// What may not be said.
    fn judge(&self, from: usize, epoch: Epoch, body: &GroupMessage) -> Option<Broken> {
        let sealed = self.sealed.get(from).copied().unwrap_or_default();
        if is_ack(body) && sealed > epoch {
            return Some(Broken::I4);
        }
        (is_of_an_open_epoch(body) && self.home_of(epoch).is_none()).then_some(Broken::I6)
    }

    /// Who was made the home of an epoch.
    fn home_of(&self, epoch: Epoch) -> Option<usize> {
        let decision = self.decisions.iter().find(|decision| decision.state.epoch == epoch)?;
        decision.state.home.map(crate::names::host)
    }

    /// Whether another member holds another record of the same epoch at the same seq.
    fn has_rival(&self, at: usize, chain: &[Link]) -> bool {
        let others = self.members.iter().enumerate().filter(|(other, _)| *other != at);
        others.into_iter().any(|(_, other)| {
            let both = chain.iter().zip(&other.chain);
            both.into_iter().any(|(a, b)| a.epoch == b.epoch && a.hash != b.hash)
        })
    }

    /// Takes what a member holds for committed.
    fn commit(&mut self, member: &Member) -> Option<Broken> {
        let known = member.chain.iter().take(member.commit).map(|link| link.hash);
        for (at, hash) in known.enumerate() {
            match self.committed.get(at) {
                Some(first) if *first == hash => {}
                Some(_) => return Some(Broken::I3),
                None => {
                    let own = member.chain.get(at).map(|link| link.epoch);
                    // The first to commit a record is the home of an epoch; it counts its own only.
                    let is_last = at + 1 == member.commit;
                    if is_last && member.is_home() && own < member.home_epoch() {
                        return Some(Broken::N3);
                    }
                    Arc::make_mut(&mut self.committed).push(hash);
                }
            }
        }
        None
    }

    /// Whether the epoch just opened starts with everything committed. The candidate holds it all.
    fn starts_with_all(&self, candidate: &Member) -> bool {
        let Some(start) = self.register().history.last() else { return true };
        let below = usize::try_from(start.seq.prev().0).unwrap_or(usize::MAX);
        let chain: Vec<Hash> = candidate.chain.iter().take(below).map(|link| link.hash).collect();
        let ends = chain.last().copied().unwrap_or(Hash::ZERO) == start.hash;
        ends && chain.len() == below && chain.starts_with(&self.committed)
    }

    /// Whether the newest epoch serves, if nothing is under way and nobody has lost anything.
    pub(super) fn is_serving_if_at_rest(_: &Exhaust, state: &Self) -> bool {
        let is_busy = (0..MEMBERS).any(|at| {
            let member = state.member(at);
            member.waiting() != (0, 0)
                || member.is_waiting_for_the_old_home()
                || state.news_for(at).is_some()
        });
        let losses = state.crashes + state.blanks;
        if is_busy || !state.sent.is_empty() || losses > 0 || state.issued() == 0 {
            return true;
        }
        let home = state.register().home.map(crate::names::host).map(|home| state.member(home));
        state.register().phase == Phase::Active
            && home.is_some_and(|home| home.is_home() && home.commit == home.chain.len())
    }

    /// Whether every epoch is open and every command is committed.
    pub(super) fn is_everything_committed(model: &Exhaust, state: &Self) -> bool {
        let Bound { epochs, commands, .. } = model.bound();
        let is_open = state.register().epoch == Epoch(epochs);
        is_open
            && state.commands == commands
            && state.committed.len() as u64 >= epochs + u64::from(commands)
    }

    fn marks(&self) -> (u64, u64, u64, u64, [u8; 4], [Epoch; MEMBERS], Option<u8>) {
        (
            join(self.members.iter().map(|member| member.mark())),
            join(self.sent.iter().map(|sent| sent.mark())),
            join(self.decisions.iter().map(|decision| decision.mark)),
            join(self.committed.iter().map(head)),
            [self.commands, self.crashes, self.breaks, self.blanks],
            self.sealed,
            self.broken.map(|broken| broken as u8),
        )
    }
}

/// Enough of a hash to tell it from the few others.
fn head(hash: &Hash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = hash.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.marks() == other.marks()
    }
}

impl StdHash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.marks().hash(hasher);
    }
}
