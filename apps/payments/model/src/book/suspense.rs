//! Money that people have to settle by hand.
//!
//! A payment that somebody may have been told of and that is never carried out is posted to a house account
//! of its case, so that it stands in the books until people have settled the case. The account is opened when
//! it is first needed, and no command opens, funds or closes it.

use alloc::format;

use ledger::{AccountId, Balance, Posted, Refusal as Unposted, Transfer, TransferId};
use types::Amount;

use super::clearing::End;
use super::{Book, Details, FUNDING, Kind};
use crate::limits::AMOUNT_MAX;
use crate::{Refusal, Way};

/// How the keys of all suspense accounts begin. No other account's does.
const PREFIX: &str = "HOUSE:SUSPENSE:";

/// Whether a key is that of a suspense account, or could be.
pub(super) fn is_suspense(key: &str) -> bool {
    key.starts_with(PREFIX)
}

impl Book {
    /// The suspense accounts by case, with what stands on them, in the order in which they were opened.
    pub(crate) fn suspended(&self) -> impl Iterator<Item = (u64, Balance)> {
        let accounts = self.details.iter().zip(self.ledger.accounts());
        accounts.filter_map(|(details, account)| {
            let case = details.key.strip_prefix(PREFIX)?.parse().ok()?;
            Some((case, account.balance()))
        })
    }

    /// Whether so many amounts can be posted, and all that is pending still be given back.
    pub(crate) fn can_suspend(&self, count: usize) -> bool {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let needed = self.pending.saturating_mul(2).saturating_add(count).saturating_add(1);
        self.ledger.room() > needed && !self.ledger.is_full()
    }

    /// Posts an amount to the account of a case. `false` for one that no payment can have: it is left out.
    ///
    /// # Panics
    /// If [`Self::can_suspend`] was not asked before, or the transfer's id is not new.
    pub(crate) fn suspend(&mut self, id: TransferId, case: u64, amount: Amount) -> bool {
        if amount == Amount::ZERO || amount > AMOUNT_MAX {
            return false;
        }
        let credit = self.case(case);
        // Both accounts are open for ever, the id follows from a name that was free, and 2^32 transfers of at
        // most AMOUNT_MAX cannot overflow.
        let posted = self.ledger.post(Transfer { id, debit: FUNDING, credit, amount });
        assert_eq!(posted, Ok(Posted::Created), "posting to suspense cannot be refused");
        true
    }

    /// Under which case an amount was posted to suspense, and how much.
    pub(crate) fn suspended_by(&self, id: TransferId) -> Option<(u64, Amount)> {
        let transfer = self.ledger.transfer(id)?;
        let case = |account: AccountId| {
            self.details.get(account.0)?.key.strip_prefix(PREFIX)?.parse::<u64>().ok()
        };
        Some((case(transfer.credit).or_else(|| case(transfer.debit))?, transfer.amount))
    }

    /// Accounts for a payment between groups of which this ledger lost its leg: the clearing account gets what
    /// the leg would have moved, the case stands for who is missing.
    ///
    /// # Panics
    /// If [`Self::can_suspend`] was not asked before, or it was done before.
    pub(crate) fn account_for(&mut self, id: TransferId, case: u64, amount: Amount, end: End) {
        let suspense = self.case(case);
        let clearing = self.clearing(end).expect("there was room for accounts and all amounts");
        let (debit, credit) = match end {
            End::To(_) => (suspense, clearing),
            End::From(_) => (clearing, suspense),
        };
        // Accounts of the house are open and without limit, and 2^32 transfers of at most AMOUNT_MAX cannot
        // overflow.
        let posted = self.ledger.post(Transfer { id, debit, credit, amount });
        assert_eq!(posted, Ok(Posted::Created), "accounting for a lost leg cannot be refused");
    }

    /// The account of a case, opened if this is the first time.
    fn case(&mut self, case: u64) -> AccountId {
        let key = format!("{PREFIX}{case}");
        if let Some((id, _)) = self.find(&key) {
            return id;
        }
        let (name, kind, funding) = (None, Kind::House, Amount::ZERO);
        let details = Details { key: key.into_boxed_str(), name, kind, funding };
        self.add(details).expect("there was room for an account and all amounts")
    }

    /// Moves an amount between a case and a payment's account, or the house's.
    ///
    /// # Errors
    /// What forbids it; nothing has changed then.
    pub(crate) fn settle_case(
        &mut self,
        id: TransferId,
        case: u64,
        (way, account, is_inward): (Way, &str, bool),
        amount: Amount,
    ) -> Result<(), Refusal> {
        let (suspense, _) = self.find(&format!("{PREFIX}{case}")).ok_or(Refusal::CaseUnknown)?;
        let (other, details) = self.find(account).ok_or(Refusal::AccountUnknown)?;
        if details.kind == Kind::House && way != Way::WriteBack {
            return Err(Refusal::AccountForbidden);
        }
        // What is pending must be able to come back.
        if self.ledger.room() <= self.pending.saturating_mul(2).saturating_add(1) {
            return Err(Refusal::Full);
        }
        let (debit, credit) = if is_inward { (other, suspense) } else { (suspense, other) };
        match self.ledger.post(Transfer { id, debit, credit, amount }) {
            Ok(Posted::Created) => Ok(()),
            // The id has the step's number in it, which is new; the ledger is the second lock.
            Ok(Posted::Exists) => Err(Refusal::Full),
            Err(refusal) => Err(refused(refusal)),
        }
    }
}

/// What an order is told when the ledger says no.
const fn refused(refusal: Unposted) -> Refusal {
    match refusal {
        Unposted::ZeroAmount => Refusal::AmountZero,
        Unposted::DebitUnknown | Unposted::CreditUnknown => Refusal::AccountUnknown,
        Unposted::DebitClosed | Unposted::CreditClosed => Refusal::AccountClosed,
        Unposted::DebitBlocked | Unposted::CreditBlocked => Refusal::AccountBlocked,
        Unposted::DebitLimit | Unposted::CreditLimit => Refusal::FundsMissing,
        Unposted::SameAccount => Refusal::AccountForbidden,
        Unposted::Overflow | Unposted::ExistsDifferent(_) => Refusal::Full,
    }
}
