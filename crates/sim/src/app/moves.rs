//! Moves of money between a few accounts. Each carries a number of its own, so that the state notices
//! an effect that is done twice, and time that goes back. Some go to an account of another group, over a
//! channel.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use bytes::Bytes;
use model::{
    LoadError, Missed, Model, Outcome, Outward, Passed, Rebase, Receipt, Resolution, Saving,
};
use sha2::{Digest, Sha256};
use types::{ChannelKey, GroupId, Hash, ModelVersion, Stamp};

use super::across::{Leg, key, number};
use super::{Across, Between, Content, End, Place};
use crate::Rng;

/// The version that answers with the sum of all balances too, and refuses moves to oneself.
const SECOND_VERSION: ModelVersion = ModelVersion(2);

/// The newest version.
const NEWEST: ModelVersion = SECOND_VERSION;

/// Accounts of one group.
const ACCOUNTS: usize = 8;

/// Version of the saved state.
const VERSION: u8 = 3;

/// The reply to an order that opened an end of a channel again.
pub const REOPENED: &[u8] = b"reopened";

/// Numbers in one part of it, few enough that a save takes several parts.
const NUMBERS_MAX: usize = 64;

/// The accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    balances: [i64; ACCOUNTS],
    /// What stands for moves of which one leg was lost, until people have settled it.
    suspense: i64,
    numbers: BTreeSet<u64>,
    newest: Stamp,
    across: Across,
    /// What went wrong, and which rule that breaks.
    broken: Option<(&'static str, &'static str)>,
}

/// A command's body: number u64, tag u8, then by tag.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    /// Within the group. Tag 0: payer u8, payee u8, amount u32.
    Move { accounts: (u8, u8), amount: u32 },
    /// To another group. Tag 1: as tag 0, then the group u16.
    Across { accounts: (u8, u8), amount: u32, to: GroupId },
    /// Wishes one back. Tag 2: its number u64, the group it went to u16.
    Cancel { of: u64, to: GroupId },
    /// Opens one end of a channel again. Tag 3: the plan.
    Reopen { plan: Vec<u8> },
}

/// One move in three goes to another group, where there is one; now and then one is wished back.
pub(super) fn content(rng: &mut Rng, place: Place, number: u64, amount: u32) -> Content {
    let accounts = (rng.below(ACCOUNTS as u64), rng.below(ACCOUNTS as u64));
    let narrow = |account: u64| u8::try_from(account).expect("there are few accounts");
    let accounts = (narrow(accounts.0), narrow(accounts.1));
    let others = u64::from(place.groups) - 1;
    let order = if others == 0 || rng.below(3) > 0 {
        Order::Move { accounts, amount }
    } else {
        let step = 1 + u16::try_from(rng.below(others)).expect("groups are numbered in 16 bits");
        let to = GroupId((place.group.0 + step) % place.groups);
        match rng.below(8) {
            0 => Order::Cancel { of: number.saturating_sub(rng.below(20)), to },
            _ => Order::Across { accounts, amount, to },
        }
    };
    order.content(number)
}

/// A move to another group.
pub(super) fn across(number: u64, to: GroupId, amount: u32) -> Content {
    Order::Across { accounts: (1, 2), amount, to }.content(number)
}

/// The wish to have a move back.
pub(super) fn cancel(number: u64, of: u64, to: GroupId) -> Content {
    Order::Cancel { of, to }.content(number)
}

/// The order to open one end of a channel again.
pub(super) fn reopen(number: u64, plan: Vec<u8>) -> Content {
    Order::Reopen { plan }.content(number)
}

impl Order {
    fn content(&self, number: u64) -> Content {
        let body = self.encode(number);
        let digest = Hash(Sha256::digest(&body).into());
        Content { body, digest }
    }

    fn encode(&self, number: u64) -> Bytes {
        let mut bytes = number.to_le_bytes().to_vec();
        match self {
            Self::Move { accounts, amount } => {
                bytes.extend([0, accounts.0, accounts.1]);
                bytes.extend(amount.to_le_bytes());
            }
            Self::Across { accounts, amount, to } => {
                bytes.extend([1, accounts.0, accounts.1]);
                bytes.extend(amount.to_le_bytes());
                bytes.extend(to.0.to_le_bytes());
            }
            Self::Cancel { of, to } => {
                bytes.push(2);
                bytes.extend(of.to_le_bytes());
                bytes.extend(to.0.to_le_bytes());
            }
            Self::Reopen { plan } => {
                bytes.push(3);
                bytes.extend(plan);
            }
        }
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Option<(u64, Self)> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let number = u64::from_le_bytes(*number);
        let (tag, rest) = rest.split_first()?;
        let group = |bytes: &[u8]| Some(GroupId(u16::from_le_bytes(bytes.try_into().ok()?)));
        if *tag == 3 {
            return Some((number, Self::Reopen { plan: rest.to_vec() }));
        }
        if *tag == 2 {
            let (of, to) = rest.split_first_chunk::<8>()?;
            return Some((number, Self::Cancel { of: u64::from_le_bytes(*of), to: group(to)? }));
        }
        let ([payer, payee], rest) = rest.split_first_chunk::<2>()?;
        let (amount, rest) = rest.split_first_chunk::<4>()?;
        let (accounts, amount) = ((*payer, *payee), u32::from_le_bytes(*amount));
        match (tag, rest) {
            (0, []) => Some((number, Self::Move { accounts, amount })),
            (1, to) => Some((number, Self::Across { accounts, amount, to: group(to)? })),
            _ => None,
        }
    }
}

impl Moves {
    /// A bit of the state flips.
    pub(super) const fn flip(&mut self) {
        self.balances[0] ^= 1 << 20;
    }

    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let total = self.balances.iter().sum::<i64>() + self.suspense;
        let unbalanced = (total != self.across.net()).then_some(("I8", "books do not balance"));
        self.broken.or(unbalanced)
    }

    pub(super) fn between(&self) -> Between {
        self.across.between()
    }

    fn post(&mut self, account: u8, amount: i64) {
        if let Some(balance) = self.balances.get_mut(usize::from(account)) {
            *balance += amount;
        }
    }

    fn sees(&mut self, stamp: Stamp) {
        if stamp < self.newest {
            self.broken = Some(("N6", "time went back"));
        }
        self.newest = stamp;
    }
}

impl Model for Moves {
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=NEWEST
    }

    fn apply(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        command: &[u8],
        outcome: &mut Outcome,
    ) {
        self.sees(stamp);
        let Some((number, order)) = Order::decode(command) else {
            outcome.reply = b"malformed".to_vec();
            return;
        };
        if !self.numbers.insert(number) {
            self.broken = Some(("I7", "a command was applied twice"));
        }
        let is_second = version >= SECOND_VERSION;
        let payer = match order {
            Order::Move { accounts: (payer, payee), .. } if is_second && payer == payee => {
                outcome.reply = b"nobody else is paid".to_vec();
                return;
            }
            Order::Move { accounts: (payer, payee), amount } => {
                self.post(payer, -i64::from(amount));
                self.post(payee, amount.into());
                payer
            }
            // It was done, and its debit lost and accounted for by hand.
            Order::Across { to, .. } if self.across.is_accounted(to, number) => {
                outcome.reply = b"known".to_vec();
                return;
            }
            Order::Across { accounts: (payer, payee), amount, to } => {
                self.post(payer, -i64::from(amount));
                self.across.send(to, number, payer, amount);
                let message = Leg { number, payee, amount, stamp }.encode();
                outcome.outward.push(Outward::Send { to, key: key(number), message });
                payer
            }
            Order::Cancel { of, to } => {
                outcome.outward.push(Outward::Cancel { to, key: key(of) });
                0
            }
            Order::Reopen { plan } => {
                outcome.outward.push(Outward::Rebase { plan, note: Vec::new() });
                return;
            }
        };
        let left = self.balances.get(usize::from(payer)).copied().unwrap_or_default();
        outcome.reply = [number.to_le_bytes(), left.to_le_bytes()].concat();
        if is_second {
            let sum: i64 = self.balances.iter().sum();
            outcome.reply.extend(sum.to_le_bytes());
        }
    }

    /// One amount in seven is refused. The reply is the stamp.
    fn receive(
        &mut self,
        _: ModelVersion,
        stamp: Stamp,
        from: GroupId,
        message: &[u8],
        outcome: &mut Outcome,
    ) -> Receipt {
        self.sees(stamp);
        outcome.reply = stamp.0.to_le_bytes().to_vec();
        let Some(leg) = Leg::decode(message) else {
            self.broken = Some(("I10", "a message of another group cannot be read"));
            return Receipt::Refused;
        };
        if stamp <= leg.stamp {
            self.broken = Some(("N6", "a credit is not later than its debit"));
        }
        if leg.amount % 7 == 0 {
            return Receipt::Refused;
        }
        if !self.across.receive(from, leg.number, leg.amount) {
            self.broken = Some(("I7", "a move between groups was credited twice"));
        }
        self.post(leg.payee, leg.amount.into());
        Receipt::Applied
    }

    fn resolve(
        &mut self,
        _: ModelVersion,
        stamp: Stamp,
        to: GroupId,
        key: ChannelKey,
        resolution: Resolution<'_>,
        _: &mut Outcome,
    ) {
        self.sees(stamp);
        let (end, reply) = match resolution {
            Resolution::Applied(reply) => (End::Settled, Some(reply)),
            Resolution::Refused(reply) => (End::Reversed, Some(reply)),
            Resolution::Cancelled | Resolution::Unsent => (End::Reversed, None),
        };
        let credited = reply.and_then(|reply| reply.try_into().ok()).map(u64::from_le_bytes);
        if credited.is_some_and(|credited| stamp.0 <= credited) {
            self.broken = Some(("N6", "an answer is not later than what it answers"));
        }
        match self.across.end(to, number(key), end) {
            Some(sent) if end == End::Reversed => self.post(sent.payer, sent.amount.into()),
            Some(_) => {}
            None => self.broken = Some(("I7", "a move between groups ended twice")),
        }
    }

    fn passed(&self, peer: GroupId, end: model::End) -> Vec<Passed> {
        self.across.passed(peer, end)
    }

    fn passed_detail(&self, peer: GroupId, end: model::End, place: u64) -> Vec<u8> {
        self.across.amount(peer, end, place).to_le_bytes().to_vec()
    }

    fn message_detail(&self, message: &[u8]) -> Vec<u8> {
        Leg::decode(message).map(|leg| leg.amount.to_le_bytes().to_vec()).unwrap_or_default()
    }

    fn may_rebase(&self, _: (GroupId, model::End), missed: &[Missed<'_>], _: &[u8]) -> bool {
        missed.iter().all(|one| <[u8; 4]>::try_from(one.detail).is_ok())
    }

    /// What was lost is posted against suspense. The reply is a word.
    fn rebased(
        &mut self,
        _: ModelVersion,
        stamp: Stamp,
        (peer, end): (GroupId, model::End),
        rebase: Rebase<'_>,
        _: &[u8],
        outcome: &mut Outcome,
    ) {
        self.sees(stamp);
        let missed = match rebase {
            Rebase::Done(missed) => missed,
            Rebase::Refused(refusal) => {
                outcome.reply = refusal.to_string().into_bytes();
                return;
            }
        };
        outcome.reply = REOPENED.to_vec();
        for one in missed {
            let Ok(amount) = <[u8; 4]>::try_from(one.detail).map(u32::from_le_bytes) else {
                continue;
            };
            let sign = match end {
                model::End::Sender => -1,
                model::End::Receiver => 1,
            };
            self.suspense += sign * i64::from(amount);
            if !self.across.account_for((peer, end), number(one.key), amount) {
                self.broken = Some(("I8", "a lost leg was accounted for twice"));
            }
        }
    }

    fn digest(&self) -> Hash {
        let mut digest = Sha256::new();
        digest.update(self.suspense.to_le_bytes());
        for balance in self.balances {
            digest.update(balance.to_le_bytes());
        }
        for number in &self.numbers {
            digest.update(number.to_le_bytes());
        }
        for word in self.across.words() {
            digest.update(word.to_le_bytes());
        }
        Hash(digest.finalize().into())
    }

    /// Version, newest stamp, balances; then what is between groups; then numbers, a few to a part. All of it is set aside at once:
    /// there is little, and numbers do not come in order.
    fn save(&self) -> Saving {
        let mut head = vec![VERSION];
        head.extend(self.newest.0.max(1).to_le_bytes());
        head.extend(self.balances.iter().flat_map(|balance| balance.to_le_bytes()));
        head.extend(self.suspense.to_le_bytes());
        let mut saving = Saving::default();
        saving.aside.push_back(head);
        let across = self.across.words().into_iter().flat_map(u64::to_le_bytes);
        saving.aside.push_back([VERSION].into_iter().chain(across).collect());
        let numbers: Vec<u64> = self.numbers.iter().copied().collect();
        let parts = numbers.chunks(NUMBERS_MAX);
        saving.aside.extend(parts.map(|some| some.iter().flat_map(|n| n.to_le_bytes()).collect()));
        saving
    }

    fn save_next(&self, saving: &mut Saving, _: usize) -> Option<Vec<u8>> {
        saving.aside.pop_front()
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        if part.len() % 8 == 1 {
            let (version, rest) = part.split_first().ok_or(LoadError::Truncated)?;
            if *version != VERSION {
                return Err(LoadError::Version(*version));
            }
            let words = words(rest)?;
            if self.newest > Stamp(0) {
                self.across = Across::from_words(&words).ok_or(LoadError::Truncated)?;
                return Ok(());
            }
            let mut values = words.into_iter();
            // A state without any record is saved as 1, so that the head is told from what follows.
            self.newest = Stamp(values.next().ok_or(LoadError::Truncated)?);
            let accounts = self.balances.iter_mut().chain([&mut self.suspense]);
            for (balance, value) in accounts.zip(values) {
                *balance = i64::from_le_bytes(value.to_le_bytes());
            }
        } else {
            self.numbers.extend(words(part)?);
        }
        Ok(())
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        Ok(())
    }
}

fn words(bytes: &[u8]) -> Result<Vec<u64>, LoadError> {
    let (words, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(LoadError::Trailing(rest.len()));
    }
    Ok(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
}
