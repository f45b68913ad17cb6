//! The ledger: accounts, transfers, and the one way in which money moves.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use types::{Amount, Currency, Hash};

use crate::{
    Account, AccountId, Balance, Index, Limit, Posted, Refusal, Roll, State, Transfer, TransferId,
};

/// The accounts and transfers of one currency.
///
/// An account costs 48 bytes; a transfer 48 and 25 to 50 in the index, and both are kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    currency: Currency,
    pub(crate) accounts: Vec<Account>,
    pub(crate) transfers: Roll<Transfer>,
    /// From a transfer's id to its number in `transfers`.
    pub(crate) index: Index,
    pub(crate) totals: Totals,
}

/// What all transfers have debited and credited together. The two are equal at all times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the debits of all accounts.
    pub debits: Amount,
    /// The sum of the credits of all accounts.
    pub credits: Amount,
}

/// The ledger has 2^32 accounts and takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger has 2^32 accounts")]
pub struct Full;

/// No account has this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no account has the number {}", .0.0)]
pub struct UnknownAccount(pub AccountId);

impl Ledger {
    /// A ledger without accounts.
    #[must_use]
    pub fn new(currency: Currency) -> Self {
        Self {
            currency,
            accounts: Vec::new(),
            transfers: Roll::new(),
            index: Index::new(),
            totals: Totals::default(),
        }
    }

    /// The currency of every amount in it.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Opens an account with nothing on either side.
    ///
    /// # Errors
    /// [`Full`].
    pub fn open(&mut self, limit: Limit) -> Result<AccountId, Full> {
        let id = AccountId(u32::try_from(self.accounts.len()).map_err(|_| Full)?);
        self.accounts.push(Account {
            limit,
            state: State::Open,
            debits: Amount::ZERO,
            credits: Amount::ZERO,
        });
        Ok(id)
    }

    /// Sets whether the account takes postings, and returns whether it did before. Which changes are
    /// allowed is the caller's policy.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub fn set_state(&mut self, id: AccountId, state: State) -> Result<State, UnknownAccount> {
        let index = usize::try_from(id.0).map_err(|_| UnknownAccount(id))?;
        let account = self.accounts.get_mut(index).ok_or(UnknownAccount(id))?;
        Ok(core::mem::replace(&mut account.state, state))
    }

    /// Posts a transfer, once: with an id that stands in the ledger already nothing moves, and the
    /// answer says whether it is the same transfer.
    ///
    /// # Errors
    /// [`Refusal`], whose order is the order of precedence. Nothing has changed then.
    pub fn post(&mut self, transfer: Transfer) -> Result<Posted, Refusal> {
        self.post_if(transfer, Self::check)
    }

    /// Posts the reverse of `given`, a transfer that was posted before, under an id of its own: what was
    /// taken goes back where it came from. An account that was blocked or closed meanwhile takes it all the
    /// same: its state keeps new business away, not what is its holder's.
    ///
    /// # Errors
    /// As [`Self::post`], but for the states of the accounts.
    pub fn give_back(&mut self, id: TransferId, given: &Transfer) -> Result<Posted, Refusal> {
        let (debit, credit) = (given.credit, given.debit);
        self.post_if(Transfer { id, debit, credit, amount: given.amount }, Self::check_sums)
    }

    fn post_if(
        &mut self,
        transfer: Transfer,
        check: impl Fn(&Self, &Transfer) -> Result<(Account, Account), Refusal>,
    ) -> Result<Posted, Refusal> {
        if let Some(known) = self.transfer(transfer.id) {
            return match transfer.difference(known) {
                None => Ok(Posted::Exists),
                Some(field) => Err(Refusal::ExistsDifferent(field)),
            };
        }
        let (debit, credit) = check(self, &transfer)?;
        let totals = self.totals.grown(transfer.amount).ok_or(Refusal::Overflow)?;

        // Nothing below can fail but the push, which changes nothing when it does.
        let number = self.transfers.push(transfer).ok_or(Refusal::Overflow)?;
        let fresh = self.index.insert(transfer.id.0, number);
        assert!(fresh, "the id was looked up before");
        self.put(transfer.debit, debit);
        self.put(transfer.credit, credit);
        self.totals = totals;
        Ok(Posted::Created)
    }

    /// How many transfers it still has numbers for.
    #[must_use]
    pub fn room(&self) -> u64 {
        let posted = u64::try_from(self.transfers.len()).unwrap_or(u64::MAX);
        (1_u64 << 32).saturating_sub(posted)
    }

    /// Whether it has no number left for another account or transfer.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u32::try_from(self.accounts.len()).is_err() || u32::try_from(self.transfers.len()).is_err()
    }

    /// The account of that number.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(usize::try_from(id.0).ok()?)
    }

    /// How many accounts there are.
    #[must_use]
    pub const fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// All accounts in the order in which they were opened, which is the order of their numbers.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The transfer that was posted under that id.
    #[must_use]
    pub fn transfer(&self, id: TransferId) -> Option<&Transfer> {
        self.transfers.get(self.index.get(&id.0)?)
    }

    /// The transfer of that number, counted from 0 in the order of posting.
    #[must_use]
    pub fn transfer_at(&self, number: u32) -> Option<&Transfer> {
        self.transfers.get(number)
    }

    /// How many transfers were posted.
    #[must_use]
    pub const fn transfer_count(&self) -> usize {
        self.transfers.len()
    }

    /// All transfers in the order in which they were posted.
    pub fn transfers(&self) -> impl Iterator<Item = &Transfer> {
        self.transfers.iter()
    }

    /// What all transfers have moved.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// SHA-256 over the whole state in a fixed order: currency, totals, accounts by number, transfers
    /// by order of posting. Grows with the number of accounts, not of transfers.
    #[must_use]
    pub fn digest(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix(b"ledger/1");
        hasher.update(self.currency.number().to_le_bytes());
        hasher.update(self.totals.debits.0.to_le_bytes());
        hasher.update(self.totals.credits.0.to_le_bytes());
        hasher.update(u64::try_from(self.accounts.len()).unwrap_or(u64::MAX).to_le_bytes());
        for account in &self.accounts {
            hasher.update(account.to_bytes());
        }
        hasher.update(self.transfers.digest().0);
        Hash(hasher.finalize().into())
    }

    /// Asserts that all debits equal all credits. Cheap enough for after every command.
    ///
    /// # Panics
    /// If they do not.
    pub fn assert_invariants(&self) {
        assert_eq!(self.totals.debits, self.totals.credits, "debits equal credits");
        assert_eq!(self.index.len(), self.transfers.len(), "every transfer has its id");
    }

    /// Adds everything up again, from accounts and from transfers, and asserts that it agrees with
    /// what was kept on the way. Reads the whole ledger.
    ///
    /// # Panics
    /// If anything does not agree.
    pub fn assert_books(&self) {
        self.assert_invariants();
        self.transfers.assert_unchanged();

        let mut again = self.accounts.clone();
        for account in &mut again {
            account.debits = Amount::ZERO;
            account.credits = Amount::ZERO;
        }
        let mut replayed = Self { accounts: again, ..Self::new(self.currency) };
        for transfer in self.transfers.iter() {
            assert_eq!(self.transfer(transfer.id), Some(transfer), "ids lead to their transfers");
            let grown = replayed.grow(transfer);
            assert_eq!(grown, Some(()), "what was posted can be added up");
        }
        assert_eq!(replayed.accounts, self.accounts, "accounts are the sum of their transfers");
        assert_eq!(replayed.totals, self.totals, "totals are the sum of all transfers");

        let mut balances = (Amount::ZERO, Amount::ZERO);
        for account in &self.accounts {
            assert!(account.is_within_limit(), "no account is beyond its limit");
            let (side, amount) = match account.balance() {
                Balance::Credit(amount) => (&mut balances.0, amount),
                Balance::Debit(amount) => (&mut balances.1, amount),
            };
            *side = side.checked_add(amount).expect("balances are within the totals");
        }
        assert_eq!(balances.0, balances.1, "credit balances equal debit balances");
    }

    /// What the two accounts will be, or the first reason why not.
    fn check(&self, transfer: &Transfer) -> Result<(Account, Account), Refusal> {
        if transfer.debit != transfer.credit
            && transfer.amount > Amount::ZERO
            && let (Some(debit), Some(credit)) =
                (self.account(transfer.debit), self.account(transfer.credit))
        {
            match (debit.state, credit.state) {
                (State::Closed, _) => return Err(Refusal::DebitClosed),
                (_, State::Closed) => return Err(Refusal::CreditClosed),
                (State::Blocked, _) => return Err(Refusal::DebitBlocked),
                (_, State::Blocked) => return Err(Refusal::CreditBlocked),
                (State::Open, State::Open) => {}
            }
        }
        self.check_sums(transfer)
    }

    /// The same, whatever the states of the two accounts.
    fn check_sums(&self, transfer: &Transfer) -> Result<(Account, Account), Refusal> {
        if transfer.debit == transfer.credit {
            return Err(Refusal::SameAccount);
        }
        if transfer.amount == Amount::ZERO {
            return Err(Refusal::ZeroAmount);
        }
        let debit = *self.account(transfer.debit).ok_or(Refusal::DebitUnknown)?;
        let credit = *self.account(transfer.credit).ok_or(Refusal::CreditUnknown)?;
        let debit = debit.debited(transfer.amount).ok_or(Refusal::Overflow)?;
        let credit = credit.credited(transfer.amount).ok_or(Refusal::Overflow)?;
        if !debit.is_within_limit() {
            return Err(Refusal::DebitLimit);
        }
        if !credit.is_within_limit() {
            return Err(Refusal::CreditLimit);
        }
        Ok((debit, credit))
    }

    fn put(&mut self, id: AccountId, account: Account) {
        let slot = usize::try_from(id.0).ok().and_then(|index| self.accounts.get_mut(index));
        *slot.expect("the account was read before") = account;
    }

    /// Adds a transfer to accounts and totals without judging it; `None` where it cannot be.
    fn grow(&mut self, transfer: &Transfer) -> Option<()> {
        let debit = self.account(transfer.debit)?.debited(transfer.amount)?;
        self.put(transfer.debit, debit);
        let credit = self.account(transfer.credit)?.credited(transfer.amount)?;
        self.put(transfer.credit, credit);
        self.totals = self.totals.grown(transfer.amount)?;
        Some(())
    }
}

impl Totals {
    /// Both sides grown by one transfer; `None` past 2^128.
    pub(crate) fn grown(self, amount: Amount) -> Option<Self> {
        Some(Self {
            debits: self.debits.checked_add(amount)?,
            credits: self.credits.checked_add(amount)?,
        })
    }
}

#[cfg(test)]
mod tests;
