//! One account: what was debited, what was credited, and what it may not do.

use types::Amount;

/// An account of one ledger, by the number it got when it was opened: 0, 1, 2, …
///
/// The ledger chooses it, not the caller. An application finds an account by a name of its own (an
/// IBAN, a participant) in a map of its own anyway; with a number in that map a posting reaches the
/// account directly, and the number is the same in every region because the order of opening is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

/// Which side of an account may not outgrow the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Neither: the account may stand on either side. For accounts of the house itself.
    None,
    /// Debits never exceed credits: the holder cannot spend what is not there.
    DebitsWithinCredits,
    /// Credits never exceed debits: the mirror, for accounts that hold claims.
    CreditsWithinDebits,
}

/// Whether an account takes postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On both sides.
    Open,
    /// On neither side, for now.
    Blocked,
    /// On neither side, ever again.
    Closed,
}

/// An account's two running sums. Only [`crate::Ledger`] changes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    pub(crate) limit: Limit,
    pub(crate) state: State,
    pub(crate) debits: Amount,
    pub(crate) credits: Amount,
}

/// By how much one side of an account exceeds the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Credits exceed debits by this, or both are equal and this is zero.
    Credit(Amount),
    /// Debits exceed credits by this, which is not zero.
    Debit(Amount),
}

impl Account {
    /// Which side may not outgrow the other.
    #[must_use]
    pub const fn limit(&self) -> Limit {
        self.limit
    }

    /// Whether it takes postings.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The sum of all that was ever debited.
    #[must_use]
    pub const fn debits(&self) -> Amount {
        self.debits
    }

    /// The sum of all that was ever credited.
    #[must_use]
    pub const fn credits(&self) -> Amount {
        self.credits
    }

    /// The difference of the two sums.
    #[must_use]
    pub const fn balance(&self) -> Balance {
        match self.credits.checked_sub(self.debits) {
            Some(credit) => Balance::Credit(credit),
            None => Balance::Debit(Amount(self.debits.0.abs_diff(self.credits.0))),
        }
    }

    /// Whether the sums respect the limit.
    pub(crate) fn is_within_limit(&self) -> bool {
        match self.limit {
            Limit::None => true,
            Limit::DebitsWithinCredits => self.debits <= self.credits,
            Limit::CreditsWithinDebits => self.credits <= self.debits,
        }
    }

    /// This account with `amount` more debits; `None` past 2^128.
    pub(crate) fn debited(self, amount: Amount) -> Option<Self> {
        Some(Self { debits: self.debits.checked_add(amount)?, ..self })
    }

    /// This account with `amount` more credits; `None` past 2^128.
    pub(crate) fn credited(self, amount: Amount) -> Option<Self> {
        Some(Self { credits: self.credits.checked_add(amount)?, ..self })
    }

    /// Bytes of an account in its fixed layout.
    pub const BYTES: usize = 34;

    /// The account that these bytes stand for; `None` if a flag is unknown.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let ([limit, state], sums) = bytes.split_first_chunk::<2>()?;
        let (debits, credits) = sums.split_first_chunk::<16>()?;
        Some(Self {
            limit: match limit {
                0 => Limit::None,
                1 => Limit::DebitsWithinCredits,
                2 => Limit::CreditsWithinDebits,
                _ => return None,
            },
            state: match state {
                0 => State::Open,
                1 => State::Blocked,
                2 => State::Closed,
                _ => return None,
            },
            debits: Amount(u128::from_le_bytes(*debits)),
            credits: Amount(u128::from_le_bytes(credits.try_into().ok()?)),
        })
    }

    /// Fixed layout for digests and saved states, numbers never reused: limit, state, debits, credits.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let (flags, sums) = bytes.split_at_mut(2);
        let (debits, credits) = sums.split_at_mut(16);
        flags.copy_from_slice(&[
            match self.limit {
                Limit::None => 0,
                Limit::DebitsWithinCredits => 1,
                Limit::CreditsWithinDebits => 2,
            },
            match self.state {
                State::Open => 0,
                State::Blocked => 1,
                State::Closed => 2,
            },
        ]);
        debits.copy_from_slice(&self.debits.0.to_le_bytes());
        credits.copy_from_slice(&self.credits.0.to_le_bytes());
        bytes
    }
}
