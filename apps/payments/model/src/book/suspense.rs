//! Money that people have to settle by hand.
//!
//! A payment that somebody may have been told of and that is never carried out is posted to a house account
//! of its case, so that it stands in the books until people have settled the case. The account is opened when
//! it is first needed, and no command opens, funds or closes it.

use alloc::format;

use ledger::{Balance, Posted, Refusal as Unposted, Transfer, TransferId};
use types::Amount;

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
        let key = format!("{PREFIX}{case}");
        let credit = match self.find(&key) {
            Some((id, _)) => id,
            None => {
                let (name, kind, funding) = (None, Kind::House, Amount::ZERO);
                let details = Details { key: key.into_boxed_str(), name, kind, funding };
                self.add(details).expect("there was room for an account and all amounts")
            }
        };
        // Both accounts are open for ever, the id follows from a name that was free, and 2^32 transfers of at
        // most AMOUNT_MAX cannot overflow.
        let posted = self.ledger.post(Transfer { id, debit: FUNDING, credit, amount });
        assert_eq!(posted, Ok(Posted::Created), "posting to suspense cannot be refused");
        true
    }

    /// Under which case an amount was posted to suspense, and how much.
    pub(crate) fn suspended_by(&self, id: TransferId) -> Option<(u64, Amount)> {
        let transfer = self.ledger.transfer(id)?;
        let key = &self.details.get(transfer.credit.0)?.key;
        Some((key.strip_prefix(PREFIX)?.parse().ok()?, transfer.amount))
    }

    /// Moves an amount between a case and a payment's account, or the house's.
    ///
    /// # Errors
    /// What forbids it; nothing has changed then.
    pub(crate) fn settle_case(
        &mut self,
        id: TransferId,
        case: u64,
        (way, account): (Way, &str),
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
        let (debit, credit) = match way {
            Way::Pay | Way::Return | Way::WriteBack => (suspense, other),
            Way::Collect => (other, suspense),
        };
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
