//! One movement of money, and what became of the wish to post it.

use sha2::{Digest, Sha256};
use types::Amount;

use crate::{AccountId, Digested};

/// The id under which a transfer is kept for ever, chosen by the caller and the same on a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub [u8; 16]);

/// A movement of `amount` minor units from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The account whose debits grow.
    pub debit: AccountId,
    /// The account whose credits grow.
    pub credit: AccountId,
    /// By how much both grow; never zero once posted.
    pub amount: Amount,
}

/// How a transfer came to stand in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It was posted now.
    Created,
    /// It stood there already, the same in every field; nothing was posted now.
    Exists,
}

/// A field in which two transfers of one id differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The debited account.
    Debit,
    /// The credited account.
    Credit,
    /// The amount.
    Amount,
}

/// Why a transfer was not posted. Where several hold, the first in this order is the answer, so that
/// the answer is the same everywhere.
///
/// Nothing is kept of a refused transfer: its id is free, and the same wish may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The id stands for another transfer; the first field that differs is named.
    #[error("the id stands for a transfer with a different {0:?}")]
    ExistsDifferent(Field),
    /// Debit and credit are one account.
    #[error("debit and credit are the same account")]
    SameAccount,
    /// The amount is zero.
    #[error("the amount is zero")]
    ZeroAmount,
    /// No such account was opened.
    #[error("the account to debit does not exist")]
    DebitUnknown,
    /// No such account was opened.
    #[error("the account to credit does not exist")]
    CreditUnknown,
    /// The account was closed.
    #[error("the account to debit is closed")]
    DebitClosed,
    /// The account was closed.
    #[error("the account to credit is closed")]
    CreditClosed,
    /// The account is blocked.
    #[error("the account to debit is blocked")]
    DebitBlocked,
    /// The account is blocked.
    #[error("the account to credit is blocked")]
    CreditBlocked,
    /// A sum would pass 2^128, or the ledger holds 2^32 transfers.
    #[error("the ledger cannot count that far")]
    Overflow,
    /// Debits would exceed credits on an account that forbids it.
    #[error("debits would exceed credits")]
    DebitLimit,
    /// Credits would exceed debits on an account that forbids it.
    #[error("credits would exceed debits")]
    CreditLimit,
}

impl Transfer {
    /// Bytes of a transfer in its fixed layout.
    pub const BYTES: usize = 40;

    /// Fixed layout for saved states, little-endian: id, debit, credit, amount.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (id, rest) = bytes.split_at_mut(16);
        let (debit, rest) = rest.split_at_mut(4);
        let (credit, amount) = rest.split_at_mut(4);
        id.copy_from_slice(&self.id.0);
        debit.copy_from_slice(&self.debit.0.to_le_bytes());
        credit.copy_from_slice(&self.credit.0.to_le_bytes());
        amount.copy_from_slice(&self.amount.0.to_le_bytes());
        bytes
    }

    /// The transfer that these bytes stand for. Any do; whether it can have been posted is for
    /// [`crate::Ledger::restore_transfer`] to say.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (debit, rest) = rest.split_first_chunk::<4>()?;
        let (credit, amount) = rest.split_first_chunk::<4>()?;
        Some(Self {
            id: TransferId(*id),
            debit: AccountId(u32::from_le_bytes(*debit)),
            credit: AccountId(u32::from_le_bytes(*credit)),
            amount: Amount(u128::from_le_bytes(amount.try_into().ok()?)),
        })
    }

    /// The first field in which this differs from `other`, ids aside.
    pub(crate) fn difference(&self, other: &Self) -> Option<Field> {
        if self.debit != other.debit {
            return Some(Field::Debit);
        }
        if self.credit != other.credit {
            return Some(Field::Credit);
        }
        (self.amount != other.amount).then_some(Field::Amount)
    }
}

/// Id, debit, credit, amount: 40 bytes.
impl Digested for Transfer {
    fn feed(&self, hasher: &mut Sha256) {
        hasher.update(self.id.0);
        hasher.update(self.debit.0.to_le_bytes());
        hasher.update(self.credit.0.to_le_bytes());
        hasher.update(self.amount.0.to_le_bytes());
    }
}
