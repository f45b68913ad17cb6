//! Money that people have to settle by hand.
//!
//! A payment that somebody may have been told of and that is never carried out is posted to a house account
//! of its case, so that it stands in the books until people have settled the case. The account is opened when
//! it is first needed, and no command opens, funds or closes it.

use alloc::format;

use ledger::{Balance, Posted, Transfer, TransferId};
use types::Amount;

use super::{Book, Details, FUNDING, Kind};
use crate::limits::AMOUNT_MAX;

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

    /// Posts an amount to the account of a case. One that no payment can have is left out.
    ///
    /// # Panics
    /// If [`Self::can_suspend`] was not asked before, or the transfer's id is not new.
    pub(crate) fn suspend(&mut self, id: TransferId, case: u64, amount: Amount) {
        if amount == Amount::ZERO || amount > AMOUNT_MAX {
            return;
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
    }
}
