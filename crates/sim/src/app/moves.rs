//! Moves of money between a few accounts. Each carries a number of its own, so that the state notices
//! an effect that is done twice, and time that goes back.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::{LoadError, Model, Outcome, Saving};
use sha2::{Digest, Sha256};
use types::{Hash, Stamp};

use super::Content;
use crate::Rng;

/// Accounts of one group.
const ACCOUNTS: usize = 8;

/// Version of the saved state.
const VERSION: u8 = 1;

/// Numbers in one part of it, few enough that a save takes several parts.
const NUMBERS_MAX: usize = 64;

/// The accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    balances: [i64; ACCOUNTS],
    numbers: BTreeSet<u64>,
    newest: Stamp,
    /// What went wrong, and which rule that breaks.
    broken: Option<(&'static str, &'static str)>,
}

/// A command's body: number u64, payer u8, payee u8, amount u32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Move {
    number: u64,
    accounts: (u8, u8),
    amount: u32,
}

pub(super) fn content(rng: &mut Rng, number: u64, amount: u32) -> Content {
    let accounts = (rng.below(ACCOUNTS as u64), rng.below(ACCOUNTS as u64));
    let narrow = |account: u64| u8::try_from(account).expect("there are few accounts");
    let accounts = (narrow(accounts.0), narrow(accounts.1));
    let body = Move { number, accounts, amount }.encode();
    let digest = Hash(Sha256::digest(&body).into());
    Content { body, digest }
}

impl Move {
    fn encode(&self) -> Bytes {
        let mut bytes = self.number.to_le_bytes().to_vec();
        bytes.extend([self.accounts.0, self.accounts.1]);
        bytes.extend(self.amount.to_le_bytes());
        bytes.into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let ([payer, payee], rest) = rest.split_first_chunk::<2>()?;
        let amount = u32::from_le_bytes(rest.try_into().ok()?);
        Some(Self { number: u64::from_le_bytes(*number), accounts: (*payer, *payee), amount })
    }
}

impl Moves {
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let total: i64 = self.balances.iter().sum();
        let unbalanced = (total != 0).then_some(("I8", "books do not balance"));
        self.broken.or(unbalanced)
    }
}

impl Model for Moves {
    fn apply(&mut self, stamp: Stamp, command: &[u8], outcome: &mut Outcome) {
        if stamp < self.newest {
            self.broken = Some(("N6", "time went back"));
        }
        self.newest = stamp;
        let Some(order) = Move::decode(command) else {
            outcome.reply = b"malformed".to_vec();
            return;
        };
        if !self.numbers.insert(order.number) {
            self.broken = Some(("I7", "a command was applied twice"));
        }
        let (payer, payee) = (usize::from(order.accounts.0), usize::from(order.accounts.1));
        for (account, sign) in [(payer, -1), (payee, 1)] {
            if let Some(balance) = self.balances.get_mut(account) {
                *balance += sign * i64::from(order.amount);
            }
        }
        let left = self.balances.get(payer).copied().unwrap_or_default();
        outcome.reply = [order.number.to_le_bytes(), left.to_le_bytes()].concat();
    }

    fn digest(&self) -> Hash {
        let mut digest = Sha256::new();
        for balance in self.balances {
            digest.update(balance.to_le_bytes());
        }
        for number in &self.numbers {
            digest.update(number.to_le_bytes());
        }
        Hash(digest.finalize().into())
    }

    /// Version, newest stamp, balances; then numbers, a few to a part. All of it is set aside at once:
    /// there is little, and numbers do not come in order.
    fn save(&self) -> Saving {
        let mut head = vec![VERSION];
        head.extend(self.newest.0.to_le_bytes());
        head.extend(self.balances.iter().flat_map(|balance| balance.to_le_bytes()));
        let mut saving = Saving::default();
        saving.aside.push_back(head);
        let numbers: Vec<u64> = self.numbers.iter().copied().collect();
        let parts = numbers.chunks(NUMBERS_MAX);
        saving.aside.extend(parts.map(|some| some.iter().flat_map(|n| n.to_le_bytes()).collect()));
        saving
    }

    fn save_next(&self, saving: &mut Saving, _: usize) -> Option<Vec<u8>> {
        saving.aside.pop_front()
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        if part.len() == 1 + 8 + 8 * ACCOUNTS {
            let (version, rest) = part.split_first().ok_or(LoadError::Truncated)?;
            if *version != VERSION {
                return Err(LoadError::Version(*version));
            }
            let mut values = words(rest)?.into_iter();
            self.newest = Stamp(values.next().ok_or(LoadError::Truncated)?);
            for (balance, value) in self.balances.iter_mut().zip(values) {
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
