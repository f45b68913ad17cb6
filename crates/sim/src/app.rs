//! The application that the worlds run: accounts that move money between them and notice when a
//! command reaches them twice.

use std::collections::BTreeSet;

use bytes::Bytes;
use model::{Model, Outcome};
use sha2::{Digest, Sha256};
use types::{Hash, Stamp};

/// Accounts of one group.
const ACCOUNTS: usize = 8;

/// Moves of money. Each carries a number of its own: a number seen twice is an effect done twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct App {
    balances: [i64; ACCOUNTS],
    numbers: BTreeSet<u64>,
    newest: Stamp,
    applied: u64,
    broken: Option<&'static str>,
}

/// A command's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its number, unique in the world.
    pub number: u64,
    /// Payer, payee.
    pub accounts: (u8, u8),
    /// Minor units.
    pub amount: u32,
}

impl Move {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
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

impl App {
    /// What is wrong with this state, if anything: a number done twice, time gone back, or books
    /// that do not balance.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let total: i64 = self.balances.iter().sum();
        self.broken.or((total != 0).then_some("books do not balance"))
    }

    /// Commands applied.
    #[must_use]
    pub const fn applied(&self) -> u64 {
        self.applied
    }
}

impl Model for App {
    fn apply(&mut self, stamp: Stamp, command: &[u8], outcome: &mut Outcome) {
        if stamp < self.newest {
            self.broken = Some("time went back");
        }
        self.newest = stamp;
        self.applied += 1;
        let Some(order) = Move::decode(command) else {
            outcome.reply = b"malformed".to_vec();
            return;
        };
        if !self.numbers.insert(order.number) {
            self.broken = Some("a command was applied twice");
        }
        let (payer, payee) = (usize::from(order.accounts.0), usize::from(order.accounts.1));
        for (account, sign) in [(payer, -1), (payee, 1)] {
            if let Some(balance) = self.balances.get_mut(account % ACCOUNTS) {
                *balance += sign * i64::from(order.amount);
            }
        }
        let left = self.balances.get(payer % ACCOUNTS).copied().unwrap_or_default();
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
        digest.update(self.applied.to_le_bytes());
        Hash(digest.finalize().into())
    }
}
