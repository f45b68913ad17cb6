//! A ledger put together again from what was saved of it: accounts with their sums, then transfers.
//!
//! Nothing is posted here. Accounts come as they were, transfers only into the roll and the index;
//! [`Ledger::is_whole`] then says whether the two add up. What comes from a disk or another node may be
//! anything, so nothing here can panic on it.

use types::Amount;

use crate::{Account, AccountId, Full, Ledger, Transfer};

impl Ledger {
    /// Adds an account as it was saved, under the next number.
    ///
    /// # Errors
    /// [`Full`].
    pub fn restore_account(&mut self, account: Account) -> Result<AccountId, Full> {
        let id = AccountId(u32::try_from(self.accounts.len()).map_err(|_| Full)?);
        self.accounts.push(account);
        Ok(id)
    }

    /// Adds a transfer as it was saved, after those before it. Moves nothing: the accounts' sums
    /// have it. `false`, and nothing changed, if no ledger can have it here.
    #[must_use]
    pub fn restore_transfer(&mut self, transfer: Transfer) -> bool {
        let known = |id| self.account(id).is_some();
        if transfer.amount == Amount::ZERO
            || transfer.debit == transfer.credit
            || !known(transfer.debit)
            || !known(transfer.credit)
            || self.transfer(transfer.id).is_some()
        {
            return false;
        }
        let Some(totals) = self.totals.grown(transfer.amount) else { return false };
        let Some(number) = self.transfers.push(transfer) else { return false };
        self.totals = totals;
        self.index.insert(transfer.id.0, number)
    }

    /// Whether the accounts' sums are those of all transfers together, and none is beyond its limit.
    /// Costs a look at every account.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let mut sums = (Amount::ZERO, Amount::ZERO);
        for account in &self.accounts {
            let debits = sums.0.checked_add(account.debits);
            let credits = sums.1.checked_add(account.credits);
            let (Some(debits), Some(credits)) = (debits, credits) else { return false };
            if !account.is_within_limit() {
                return false;
            }
            sums = (debits, credits);
        }
        sums == (self.totals.debits, self.totals.credits)
    }
}

#[cfg(test)]
mod tests;
