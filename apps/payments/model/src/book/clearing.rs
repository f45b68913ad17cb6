//! The two legs of payments between groups, and the accounts between them.
//!
//! A book has a clearing account for every group that it sends to and a mirror for every group that it
//! receives from, each opened when it is first needed. The credit balance of the one less the debit balance
//! of the other is what is in flight between the two books; with nothing in flight they are equal.

use alloc::format;
use alloc::string::String;

use ledger::{AccountId, Balance, Posted, Transfer, TransferId};
use types::{Amount, GroupId};

use super::{Book, Details, Kind, reason};
use crate::Reason;

/// How the keys of all clearing accounts begin. No other account's does.
const PREFIX: &str = "HOUSE:CLEARING:";

/// Which end of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// Here, money stands that has left for that group.
    To(GroupId),
    /// Here, money is owed that has come from that group.
    From(GroupId),
}

/// Whether a key is that of a clearing account, or could be.
pub(crate) fn is_clearing(key: &str) -> bool {
    key.starts_with(PREFIX)
}

impl End {
    /// The key of its account.
    pub(crate) fn key(self) -> String {
        match self {
            Self::To(group) => format!("{PREFIX}TO:{:05}", group.0),
            Self::From(group) => format!("{PREFIX}FROM:{:05}", group.0),
        }
    }

    fn of(key: &str) -> Option<Self> {
        let (way, group) = key.strip_prefix(PREFIX)?.split_once(':')?;
        let group = GroupId(group.parse().ok()?);
        match way {
            "TO" => Some(Self::To(group)),
            "FROM" => Some(Self::From(group)),
            _ => None,
        }
    }
}

impl Book {
    /// Debits a payment to the clearing account of the creditor's group.
    pub(crate) fn send(
        &mut self,
        id: TransferId,
        debtor: &str,
        amount: Amount,
        to: GroupId,
    ) -> Result<(), Reason> {
        let (debit, details) = self.find(debtor).ok_or(Reason::DebtorUnknown)?;
        if details.kind == Kind::House {
            return Err(Reason::DebtorForbidden);
        }
        // Room for this, and for giving back all that is pending.
        if self.ledger.room() <= self.pending.saturating_mul(2).saturating_add(2) {
            return Err(Reason::SettlementFailed);
        }
        let credit = self.clearing(End::To(to)).ok_or(Reason::SettlementFailed)?;
        self.post(Transfer { id, debit, credit, amount })?;
        self.pending = self.pending.saturating_add(1);
        Ok(())
    }

    /// Credits a payment from the mirror of the debtor's group.
    pub(crate) fn receive(
        &mut self,
        id: TransferId,
        creditor: &str,
        amount: Amount,
        from: GroupId,
    ) -> Result<(), Reason> {
        let (credit, details) = self.find(creditor).ok_or(Reason::CreditorUnknown)?;
        if details.kind == Kind::House {
            return Err(Reason::CreditorForbidden);
        }
        if self.ledger.room() <= self.pending.saturating_mul(2).saturating_add(1) {
            return Err(Reason::SettlementFailed);
        }
        let debit = self.clearing(End::From(from)).ok_or(Reason::SettlementFailed)?;
        self.post(Transfer { id, debit, credit, amount })
    }

    /// A payment that was sent has ended. Gives it back if `reversal` names the transfer to do that under.
    pub(crate) fn end(&mut self, id: TransferId, reversal: Option<TransferId>) {
        self.pending = self.pending.checked_sub(1).expect("what ends was pending");
        let Some(reversal) = reversal else { return };
        let given = *self.ledger.transfer(id).expect("what is pending was posted");
        let posted = self.ledger.give_back(reversal, &given);
        assert_eq!(posted, Ok(Posted::Created), "what was taken can be given back");
    }

    /// The clearing accounts with what stands on them, in the order in which they were opened.
    pub(crate) fn clearings(&self) -> impl Iterator<Item = (End, Balance)> {
        let accounts = self.details.iter().zip(self.ledger.accounts());
        accounts.filter_map(|(details, account)| {
            let end = End::of(&details.key).filter(|_| details.kind == Kind::House)?;
            Some((end, account.balance()))
        })
    }

    fn post(&mut self, transfer: Transfer) -> Result<(), Reason> {
        match self.ledger.post(transfer) {
            Ok(Posted::Created) => Ok(()),
            // As in `settle`: the identity was free, and the ledger is the second lock.
            Ok(Posted::Exists) => Err(Reason::DuplicateTransaction),
            Err(ledger::Refusal::ExistsDifferent(_)) => Err(Reason::DuplicateTransaction),
            Err(refusal) => Err(reason(refusal)),
        }
    }

    /// The account of an end, opened if this is the first time.
    pub(super) fn clearing(&mut self, end: End) -> Option<AccountId> {
        let key = end.key();
        if let Some((id, _)) = self.find(&key) {
            return Some(id);
        }
        let (name, kind, funding) = (None, Kind::House, Amount::ZERO);
        self.add(Details { key: key.into_boxed_str(), name, kind, funding })
    }
}
