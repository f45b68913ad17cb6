//! Two groups, one channel from A to B, and a net that loses, repeats and reorders.

use std::collections::{BTreeMap, BTreeSet};

use channel::{At, Channels, NoPlan, Pending, Plan, Side, Taken, Unrebased};
use types::{ChannelKey, GroupId, Hash, Seq, Stamp};
use wire::{Answer, Parcel, ParcelBody};

pub(crate) const A: GroupId = GroupId(1);
pub(crate) const B: GroupId = GroupId(2);

/// Both groups with what a reader can check by eye.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) a: Channels,
    pub(crate) b: Channels,
    /// Everything on its way; a delivery leaves it there, to come again.
    net: Vec<Parcel>,
    /// Records so far.
    clock: u64,
    /// Messages ever made, so that each has a name of its own.
    made: u16,
    /// What B consumed, in order.
    pub(crate) consumed: Vec<(u64, ChannelKey, Answer)>,
    /// What A holds for the end of each message.
    resolved: BTreeMap<ChannelKey, Answer>,
    /// What was done, as the books of A and of B say, each in order: what passed over the channel, and what it said.
    passed: [Vec<(ChannelKey, u8)>; 2],
    /// What was done at B and is accounted for at A by hand; and the other way round.
    by_hand: [Vec<(ChannelKey, u8)>; 2],
    /// The names that A and B have met and take no second time, as models do.
    claims: [BTreeSet<ChannelKey>; 2],
    /// The name of what was sent, by the channel's hash after it: a cancel does not carry it.
    names: BTreeMap<Hash, ChannelKey>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self {
            a: Channels::new(A),
            b: Channels::new(B),
            net: Vec::new(),
            clock: 0,
            made: 0,
            consumed: Vec::new(),
            resolved: BTreeMap::new(),
            passed: [Vec::new(), Vec::new()],
            by_hand: [Vec::new(), Vec::new()],
            claims: [BTreeSet::new(), BTreeSet::new()],
            names: BTreeMap::new(),
        }
    }

    fn at(&mut self) -> At {
        self.clock += 1;
        At { stamp: Stamp(self.clock), seq: Seq(self.clock) }
    }

    /// Sends a message of a name that was never used.
    pub(crate) fn send(&mut self, content: u8) {
        self.made = self.made.wrapping_add(1);
        self.send_as(self.made.wrapping_sub(1), content);
    }

    /// Sends a message of a name that was used before, of the last few: who does not hear of a payment sends it again,
    /// and who errs sends another under its name.
    pub(crate) fn send_again(&mut self, which: u8, content: u8) {
        if let Some(back) = u16::from(which).checked_rem(self.made.min(8)) {
            self.send_as(self.made - 1 - back, content);
        }
    }

    fn send_as(&mut self, name: u16, content: u8) {
        let [low, high] = name.to_le_bytes();
        let mut key = [low; 16];
        key[15] ^= high;
        let key = ChannelKey(key);
        let at = self.at();
        if !self.claims[0].insert(key) {
            return;
        }
        if self.a.send(B, key, vec![content].into(), at).is_ok() {
            self.names.insert(self.a.outbox(B).expect("it was sent").head(), key);
        }
    }

    /// Wishes one of the messages back that wait.
    pub(crate) fn cancel(&mut self, which: usize) {
        let at = self.at();
        let keys: Vec<_> = self.pending().map(|(_, key)| key).collect();
        if let Some(key) = keys.get(which % keys.len().max(1)) {
            assert!(self.a.cancel(B, *key, at));
        }
    }

    /// Puts what A now says of one of the messages that wait on its way.
    pub(crate) fn ship(&mut self, which: usize) {
        let numbers: Vec<_> = self.pending().map(|(number, _)| number).collect();
        if let Some(number) = numbers.get(which % numbers.len().max(1)) {
            self.net.extend(self.a.parcel(B, *number));
        }
    }

    /// Delivers one of the parcels on their way.
    pub(crate) fn deliver(&mut self, which: usize) {
        let Some(parcel) = self.net.get(which % self.net.len().max(1)).cloned() else { return };
        if parcel.to == B { self.take_b(&parcel) } else { self.take_a(&parcel) }
    }

    /// Loses one of the parcels on their way.
    pub(crate) fn lose(&mut self, which: usize) {
        if !self.net.is_empty() {
            self.net.remove(which % self.net.len());
        }
    }

    /// Hands B what A says of a number, past the net.
    pub(crate) fn take_at_b(&mut self, number: u64) {
        let parcel = self.a.parcel(B, number).expect("it waits");
        self.take_b(&parcel);
    }

    /// What B says when it is asked about a number.
    pub(crate) fn reply_body(&self, number: u64) -> Option<ParcelBody> {
        Some(self.b.reply(&self.a.parcel(B, number)?)?.body)
    }

    fn take_b(&mut self, parcel: &Parcel) {
        let at = self.at();
        if parcel.body == ParcelBody::Restart {
            self.net.extend(self.b.reply(parcel));
            return;
        }
        let key = self.names.get(&parcel.hash).copied().expect("it was sent once");
        match self.b.take(parcel, at) {
            Taken::Message { from, content } => {
                assert_eq!(from, A);
                let reply = content.clone();
                let is_done = self.claims[1].insert(key) && content[0] % 2 == 1;
                let answer = if is_done { Answer::Applied(reply) } else { Answer::Refused(reply) };
                if is_done {
                    self.passed[1].push((key, content[0]));
                }
                self.b.consume(parcel, answer.clone(), at);
                self.consumed.push((parcel.number, key, answer));
            }
            Taken::Cancelled => self.consumed.push((parcel.number, key, Answer::Cancelled)),
            Taken::Froze { .. } | Taken::Ignored => {}
            Taken::Resolved { .. } | Taken::Opened { .. } => panic!("B has sent nothing"),
        }
        self.net.extend(self.b.reply(parcel));
    }

    fn take_a(&mut self, parcel: &Parcel) {
        let at = self.at();
        match self.a.take(parcel, at) {
            Taken::Resolved { by, pending, answer } => {
                assert_eq!(by, B);
                self.resolve(&pending, answer);
            }
            Taken::Froze { .. } | Taken::Opened { .. } | Taken::Ignored => {}
            Taken::Message { .. } | Taken::Cancelled => panic!("nothing was sent to A"),
        }
    }

    fn resolve(&mut self, pending: &Pending, answer: Answer) {
        if matches!(answer, Answer::Applied(_)) {
            self.passed[0].push((pending.key, pending.content[0]));
        }
        let earlier = self.resolved.insert(pending.key, answer);
        assert_eq!(earlier, None, "a message ends once");
    }

    fn pending(&self) -> impl Iterator<Item = (u64, ChannelKey)> {
        let outbox = self.a.outbox(B).into_iter();
        outbox.flat_map(|outbox| outbox.pending().map(|(number, one)| (number, one.key)))
    }

    /// One end is again what it was before: what it did since is lost.
    pub(crate) fn force(&mut self, kept: &Self, sender: bool) {
        let side = usize::from(!sender);
        self.passed[side] = kept.passed[side].clone();
        self.by_hand[side] = kept.by_hand[side].clone();
        self.claims[side] = kept.claims[side].clone();
        if sender {
            self.a = kept.a.clone();
            self.resolved = kept.resolved.clone();
        } else {
            self.b = kept.b.clone();
            self.consumed = kept.consumed.clone();
        }
    }

    /// A takes every name anew, as models do that forget names.
    pub(crate) fn forget_claims(&mut self) {
        self.claims[0].clear();
    }

    /// All that is still on its way is lost.
    pub(crate) fn quiet(&mut self) {
        self.net.clear();
    }

    /// A net that delivers: both ends say what they have to say until nothing changes.
    pub(crate) fn finish(&mut self) {
        loop {
            let before = (self.a.clone(), self.b.clone());
            let numbers: Vec<_> = self.pending().map(|(number, _)| number).collect();
            let question = self.a.question(B);
            let told = numbers.into_iter().map(|number| self.a.parcel(B, number));
            let told: Vec<_> = [question].into_iter().chain(told).flatten().collect();
            for parcel in told {
                self.take_b(&parcel);
                if let Some(answer) = self.b.reply(&parcel) {
                    self.take_a(&answer);
                }
            }
            if before == (self.a.clone(), self.b.clone()) {
                return;
            }
        }
    }

    /// Whether both groups hold the same for the end of every message that A has one for.
    pub(crate) fn agrees(&self) -> bool {
        let consumed: BTreeMap<_, _> =
            self.consumed.iter().map(|(_, key, answer)| (*key, answer)).collect();
        let ended = self.resolved.iter().all(|(key, answer)| consumed.get(key) == Some(&answer));
        let waits = |key: &ChannelKey| self.pending().any(|(_, other)| other == *key);
        ended && consumed.keys().all(|key| self.resolved.contains_key(key) || waits(key))
    }

    /// What A's books say was done at B, and what B's say, each with what it said.
    pub(crate) fn done(&self) -> [Vec<(ChannelKey, u8)>; 2] {
        [0, 1].map(|side| [&self.passed[side][..], &self.by_hand[side]].concat())
    }

    /// What would open the channel again.
    pub(crate) fn plan(&self) -> Result<Plan, NoPlan> {
        let done = &self.done();
        let keys = [0, 1].map(|side| done[side].iter().map(|(key, _)| *key).collect::<Vec<_>>());
        let detail = |side: usize| move |index: usize| vec![done[side][index].1];
        let (sent, taken) = (detail(0), detail(1));
        let sent = Side { done: &keys[0], detail: &sent };
        let taken = Side { done: &keys[1], detail: &taken };
        let plan = Plan::new(
            [A, B],
            (self.clock, Stamp(self.clock)),
            (self.a.outbox(B), sent, &|content| content.to_vec()),
            (self.b.inbox(A), taken),
        );
        if let Ok(plan) = &plan {
            assert_eq!(Plan::decode(&plan.encode().into()).as_ref(), Ok(plan));
        }
        plan
    }

    /// Since when it is half open.
    pub(crate) fn half_open(&self) -> Option<Stamp> {
        channel::half_open(self.a.outbox(B), self.b.inbox(A))
    }

    /// Has one end do its half.
    pub(crate) fn rebase(&mut self, plan: &Plan, sender: bool) -> Result<(), Unrebased> {
        let at = self.at();
        let end = if sender { &mut self.a } else { &mut self.b };
        let before = end.clone();
        let done = end.rebase(plan, at).inspect_err(|_| assert_eq!(*end, before))?;
        for (pending, answer) in done.answered {
            self.resolve(&pending, answer);
        }
        let side = usize::from(!sender);
        for lost in done.lost {
            self.by_hand[side].push((lost.key, lost.detail[0]));
            self.claims[side].insert(lost.key);
        }
        if sender {
            let pending = self.a.outbox(B).into_iter().flat_map(channel::Outbox::pending);
            self.names.extend(pending.map(|(_, one)| (one.hash, one.key)));
        }
        self.assert_sound();
        Ok(())
    }

    /// Whether every message that does not wait was done by both, and said the same, or by neither.
    pub(crate) fn is_even(&self) -> bool {
        let done = self.done();
        let [here, there] = done.clone().map(BTreeMap::from_iter);
        assert_eq!([here.len(), there.len()], done.map(|side| side.len()), "each is done once");
        let waits: BTreeSet<_> = self.pending().map(|(_, key)| key).collect();
        here.iter().all(|(key, content)| there.get(key) == Some(content))
            && there.keys().all(|key| here.contains_key(key) || waits.contains(key))
    }

    pub(crate) fn ends(&self) -> String {
        format!("{:?} and {:?}", self.resolved, self.consumed)
    }

    pub(crate) fn assert_sound(&self) {
        self.a.assert_invariants();
        self.b.assert_invariants();
        let numbers: Vec<_> = self.consumed.iter().map(|(number, ..)| *number).collect();
        assert!(
            numbers.is_sorted_by(|one, next| one < next),
            "numbers are consumed in order, each once"
        );
        let is_restarted = self.b.inbox(A).is_some_and(|inbox| inbox.restart().is_some());
        let is_dense = numbers.last().is_none_or(|last| *last == numbers.len() as u64);
        assert!(is_dense || is_restarted, "none is left out");
    }
}
