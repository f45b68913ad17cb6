//! Moves between accounts of different groups, with both ends kept for ever, so that the world can hold
//! every group's view of a move against the other's.

use std::collections::BTreeMap;

use model::Passed;
use types::{ChannelKey, GroupId, Stamp};

/// What a group's model holds of moves between it and others, for the checkers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Between {
    /// The moves that it sent, by the group they go to and their name.
    pub sent: BTreeMap<(GroupId, ChannelKey), Sent>,
    /// The amounts that it took, by the group they come from and their name.
    pub received: BTreeMap<(GroupId, ChannelKey), u128>,
}

/// A move as its payer's group sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// How much.
    pub amount: u128,
    /// What became of it.
    pub end: End,
}

/// One group's view of the moves that it sent and took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Across {
    sent: BTreeMap<(GroupId, u64), Debited>,
    received: BTreeMap<(GroupId, u64), u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Debited {
    pub(super) payer: u8,
    pub(super) amount: u32,
    pub(super) end: End,
}

/// The payer of a move whose debit was lost: suspense.
const NOBODY: u8 = u8::MAX;

/// What became of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nobody has said yet.
    Pending,
    /// The payee has it.
    Settled,
    /// The payer has it back.
    Reversed,
}

/// What the payer's group sends. Layout: number u64, payee u8, amount u32, stamp u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) number: u64,
    pub(super) payee: u8,
    pub(super) amount: u32,
    pub(super) stamp: Stamp,
}

impl Leg {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.number.to_le_bytes().to_vec();
        bytes.push(self.payee);
        bytes.extend(self.amount.to_le_bytes());
        bytes.extend(self.stamp.0.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (payee, rest) = rest.split_first()?;
        let (amount, stamp) = rest.split_first_chunk::<4>()?;
        let stamp = Stamp(u64::from_le_bytes(stamp.try_into().ok()?));
        let (number, amount) = (u64::from_le_bytes(*number), u32::from_le_bytes(*amount));
        Some(Self { number, payee: *payee, amount, stamp })
    }
}

impl Across {
    pub(super) fn send(&mut self, to: GroupId, number: u64, payer: u8, amount: u32) {
        self.sent.insert((to, number), Debited { payer, amount, end: End::Pending });
    }

    /// Ends a move; the move as it was. `None` if it is unknown or has ended.
    pub(super) fn end(&mut self, to: GroupId, number: u64, end: End) -> Option<Debited> {
        let sent = self.sent.get_mut(&(to, number)).filter(|sent| sent.end == End::Pending)?;
        let before = *sent;
        sent.end = end;
        Some(before)
    }

    /// Takes a move; `false` if it was taken before.
    pub(super) fn receive(&mut self, from: GroupId, number: u64, amount: u32) -> bool {
        self.received.insert((from, number), amount).is_none()
    }

    /// What was done over the channel with `peer`, by name.
    pub(super) fn passed(&self, peer: GroupId, end: model::End) -> Vec<Passed> {
        let passed = |number: u64| Passed { key: key(number), place: number };
        let of = (peer, 0)..=(peer, u64::MAX);
        match end {
            model::End::Sender => {
                let sent = self.sent.range(of).filter(|(_, sent)| sent.end == End::Settled);
                sent.map(|((_, number), _)| passed(*number)).collect()
            }
            model::End::Receiver => {
                self.received.range(of).map(|((_, number), _)| passed(*number)).collect()
            }
        }
    }

    /// How much one of them was.
    pub(super) fn amount(&self, peer: GroupId, end: model::End, number: u64) -> u32 {
        match end {
            model::End::Sender => self.sent.get(&(peer, number)).map(|sent| sent.amount),
            model::End::Receiver => self.received.get(&(peer, number)).copied(),
        }
        .unwrap_or_default()
    }

    /// Accounts for a move of which this group lost its leg; `false` if that is not lost.
    pub(super) fn account_for(
        &mut self,
        (peer, end): (GroupId, model::End),
        number: u64,
        amount: u32,
    ) -> bool {
        match end {
            model::End::Sender => {
                let sent = Debited { payer: NOBODY, amount, end: End::Settled };
                let before = self.sent.insert((peer, number), sent);
                before.is_none_or(|before| before.end == End::Reversed)
            }
            model::End::Receiver => self.received.insert((peer, number), amount).is_none(),
        }
    }

    /// Whether the debit of a move was lost and accounted for.
    pub(super) fn is_accounted(&self, to: GroupId, number: u64) -> bool {
        self.sent.get(&(to, number)).is_some_and(|sent| sent.payer == NOBODY)
    }

    /// What the accounts of this group add up to.
    pub(super) fn net(&self) -> i64 {
        let sent = self.sent.values().filter(|sent| sent.end != End::Reversed);
        let sent: i64 = sent.map(|sent| i64::from(sent.amount)).sum();
        self.received.values().map(|amount| i64::from(*amount)).sum::<i64>() - sent
    }

    /// The same for the checkers.
    pub(super) fn between(&self) -> Between {
        let sent = self.sent.iter().map(|((to, number), one)| {
            ((*to, key(*number)), Sent { amount: one.amount.into(), end: one.end })
        });
        let received = self.received.iter();
        let received =
            received.map(|((from, number), amount)| ((*from, key(*number)), (*amount).into()));
        Between { sent: sent.collect(), received: received.collect() }
    }

    /// All of it, as words.
    pub(super) fn words(&self) -> Vec<u64> {
        let mut words = vec![self.sent.len() as u64];
        for ((to, number), sent) in &self.sent {
            let end = sent.end as u64;
            words.extend([to.0.into(), *number, sent.payer.into(), sent.amount.into(), end]);
        }
        for ((from, number), amount) in &self.received {
            words.extend([from.0.into(), *number, (*amount).into()]);
        }
        words
    }

    /// Reads them back.
    pub(super) fn from_words(words: &[u64]) -> Option<Self> {
        let (count, words) = words.split_first()?;
        let sent = usize::try_from(*count).ok()?.checked_mul(5)?;
        let (sent, received) = words.split_at_checked(sent)?;
        let mut across = Self::default();
        for five in sent.chunks_exact(5) {
            let [to, number, payer, amount, end] = *five else { return None };
            let end =
                *[End::Pending, End::Settled, End::Reversed].get(usize::try_from(end).ok()?)?;
            let sent =
                Debited { payer: payer.try_into().ok()?, amount: amount.try_into().ok()?, end };
            across.sent.insert((GroupId(to.try_into().ok()?), number), sent);
        }
        for three in received.chunks_exact(3) {
            let [from, number, amount] = *three else { return None };
            let from = GroupId(from.try_into().ok()?);
            across.received.insert((from, number), amount.try_into().ok()?);
        }
        Some(across)
    }
}

/// The name under which a move is sent.
pub(super) fn key(number: u64) -> ChannelKey {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&number.to_le_bytes());
    ChannelKey(key)
}

/// The number of a move of that name.
pub(super) fn number(key: ChannelKey) -> u64 {
    let (number, _) = key.0.split_first_chunk().expect("16 bytes begin with 8");
    u64::from_le_bytes(*number)
}
