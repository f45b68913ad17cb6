//! Two groups, one channel from A to B, and a net that loses, repeats and reorders.

use std::collections::BTreeMap;

use channel::{At, Channels, Taken};
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
    made: u8,
    /// What B consumed, in order.
    pub(crate) consumed: Vec<(u64, ChannelKey, Answer)>,
    /// What A holds for the end of each message.
    resolved: BTreeMap<ChannelKey, Answer>,
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
            names: BTreeMap::new(),
        }
    }

    fn at(&mut self) -> At {
        self.clock += 1;
        At { stamp: Stamp(self.clock), seq: Seq(self.clock) }
    }

    pub(crate) fn send(&mut self, content: u8) {
        let key = ChannelKey([self.made; 16]);
        self.made = self.made.wrapping_add(1);
        let at = self.at();
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
        let key = self.names.get(&parcel.hash).copied().expect("it was sent once");
        match self.b.take(parcel, at) {
            Taken::Message { from, content } => {
                assert_eq!(from, A);
                let reply = content.clone();
                let is_odd = content[0] % 2 == 1;
                let answer = if is_odd { Answer::Applied(reply) } else { Answer::Refused(reply) };
                self.b.consume(parcel, answer.clone(), at);
                self.consumed.push((parcel.number, key, answer));
            }
            Taken::Cancelled => self.consumed.push((parcel.number, key, Answer::Cancelled)),
            Taken::Froze { .. } | Taken::Ignored => {}
            Taken::Resolved { .. } => panic!("B has sent nothing"),
        }
        self.net.extend(self.b.reply(parcel));
    }

    fn take_a(&mut self, parcel: &Parcel) {
        let at = self.at();
        match self.a.take(parcel, at) {
            Taken::Resolved { by, pending, answer } => {
                assert_eq!(by, B);
                let earlier = self.resolved.insert(pending.key, answer);
                assert_eq!(earlier, None, "a message ends once");
            }
            Taken::Froze { .. } | Taken::Ignored => {}
            Taken::Message { .. } | Taken::Cancelled => panic!("nothing was sent to A"),
        }
    }

    fn pending(&self) -> impl Iterator<Item = (u64, ChannelKey)> {
        let outbox = self.a.outbox(B).into_iter();
        outbox.flat_map(|outbox| outbox.pending().map(|(number, one)| (number, one.key)))
    }

    /// One end is again what it was before: what it did since is lost.
    pub(crate) fn force(&mut self, kept: &Self, sender: bool) {
        if sender {
            self.a = kept.a.clone();
            self.resolved = kept.resolved.clone();
        } else {
            self.b = kept.b.clone();
            self.consumed = kept.consumed.clone();
        }
    }

    /// A net that delivers: both ends say what they have to say until nothing changes.
    pub(crate) fn finish(&mut self) {
        loop {
            let before = (self.a.clone(), self.b.clone());
            let numbers: Vec<_> = self.pending().map(|(number, _)| number).collect();
            for number in numbers {
                let Some(parcel) = self.a.parcel(B, number) else { continue };
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

    pub(crate) fn ends(&self) -> String {
        format!("{:?} and {:?}", self.resolved, self.consumed)
    }

    pub(crate) fn assert_sound(&self) {
        self.a.assert_invariants();
        self.b.assert_invariants();
        for (index, (number, ..)) in (1..).zip(&self.consumed) {
            assert_eq!(index, *number, "numbers are consumed in order, each once");
        }
    }
}
