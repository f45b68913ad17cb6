//! What becomes of a payment: its statuses, and the reason if it is rejected.
//!
//! A payment passes four stages. The technical check ends in ACTC, the check of the accounts in
//! ACCP, the check of the funds in ACSP, and the posting in ACSC. A rule that fails makes it RJCT at
//! its stage. All of that is one step of the journal, so all statuses of a payment bear the stamp of
//! the record that carried it; but when another group keeps the creditor's account, the last status waits
//! for that group's answer, and bears the stamp of the record that brought it.

use alloc::vec::Vec;

use types::Stamp;
use wire::DecodeError;

/// A status, from the ISO external code set of payment transaction statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// ACTC: the technical check was passed.
    TechnicallyAccepted,
    /// ACCP: the accounts were found and take the payment.
    ProfileAccepted,
    /// ACSP: the funds are there; settlement is in process.
    InSettlement,
    /// ACSC: settled.
    Settled,
    /// RJCT: rejected; nothing was posted.
    Rejected,
}

/// One entry of a status history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The status.
    pub status: Status,
    /// When it was reached.
    pub stamp: Stamp,
}

/// What became of one transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It was posted.
    Settled,
    /// It was not, or it was given back.
    Rejected(Reason),
    /// It was debited, and the group that keeps the creditor's account has not answered.
    Pending,
}

/// Why a transaction was rejected. Where several hold, the first in this order is the answer; those from
/// [`Reason::DebtorElsewhere`] on concern payments between groups and what was set aside, and compete with none.
///
/// The codes are from the ISO external code set of status reasons. The numbers are stored and never
/// reused; 0 stands for a settled transaction, 255 for a pending one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reason {
    /// AM05: a transaction with this UETR was seen before, whatever became of it.
    DuplicateUetr = 1,
    /// AM05: the sender used this transaction id before.
    DuplicateTransaction = 2,
    /// AM05: the message has an earlier transaction with these ids, and nothing else tells them
    /// apart.
    DuplicateInMessage = 3,
    /// AM03: no book is kept in this currency here.
    CurrencyNotCarried = 4,
    /// AM01: the amount is zero.
    ZeroAmount = 5,
    /// AM02: the amount is above [`crate::limits::AMOUNT_MAX`].
    AmountTooLarge = 6,
    /// AC02: there is no such debtor account.
    DebtorUnknown = 7,
    /// AC03: there is no such creditor account.
    CreditorUnknown = 8,
    /// AG01: the debtor account is one of the house's own.
    DebtorForbidden = 9,
    /// AG01: the creditor account is one of the house's own.
    CreditorForbidden = 10,
    /// NARR: debtor and creditor are one account.
    SameAccount = 11,
    /// AC05.
    DebtorClosed = 12,
    /// AC07.
    CreditorClosed = 13,
    /// AC06.
    DebtorBlocked = 14,
    /// AC06.
    CreditorBlocked = 15,
    /// AM04: the debtor account does not hold the amount.
    InsufficientFunds = 16,
    /// ED05: the ledger could not take the posting.
    SettlementFailed = 17,
    /// NARR: the debtor account is kept in another ledger than that of the message's first transaction.
    DebtorElsewhere = 18,
    /// DS02: it was pending, and was cancelled before it was credited.
    Cancelled = 19,
    /// AB08: the group that keeps the creditor account has not answered for too long, or the channel to it is
    /// frozen.
    CreditorUnreachable = 20,
    /// DS02: it was in a record that was set aside, and was withdrawn instead of being carried out. No rule
    /// was looked at.
    Withdrawn = 21,
}

/// As which number a pending transaction is stored.
const PENDING: u8 = 255;

impl Status {
    /// The ISO code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::TechnicallyAccepted => "ACTC",
            Self::ProfileAccepted => "ACCP",
            Self::InSettlement => "ACSP",
            Self::Settled => "ACSC",
            Self::Rejected => "RJCT",
        }
    }
}

impl Verdict {
    /// The final status.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Settled => Status::Settled,
            Self::Rejected(_) => Status::Rejected,
            Self::Pending => Status::InSettlement,
        }
    }

    /// The status of a message with these verdicts: see [`crate::Reply::group_status`].
    #[must_use]
    pub fn together(verdicts: &[Self]) -> &'static str {
        let is_rejected = |verdict: &Self| matches!(verdict, Self::Rejected(_));
        match verdicts.iter().filter(|verdict| is_rejected(verdict)).count() {
            0 if verdicts.contains(&Self::Pending) => Status::InSettlement.code(),
            0 => Status::Settled.code(),
            count if count == verdicts.len() => Status::Rejected.code(),
            _ => "PART",
        }
    }

    /// Why not, if it was not settled.
    #[must_use]
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Settled | Self::Pending => None,
            Self::Rejected(reason) => Some(reason),
        }
    }

    /// Every status it went through, the last one last. `stamp` is that of the record that carried the
    /// message, `ended` that of the other group's answer, if there was one.
    #[must_use]
    pub fn history(self, stamp: Stamp, ended: Option<Stamp>) -> Vec<Step> {
        const PASSED: [Status; 3] =
            [Status::TechnicallyAccepted, Status::ProfileAccepted, Status::InSettlement];
        const IN_SETTLEMENT: usize = PASSED.len();
        let (passed, end) = match (self, ended) {
            (Self::Pending, _) => (IN_SETTLEMENT, None),
            (Self::Settled, _) => (IN_SETTLEMENT, Some(Status::Settled)),
            (Self::Rejected(_), Some(_)) => (IN_SETTLEMENT, Some(Status::Rejected)),
            (Self::Rejected(reason), None) => (reason.stages_passed(), Some(Status::Rejected)),
        };
        let end = end.map(|status| Step { status, stamp: ended.unwrap_or(stamp) });
        let passed = PASSED.into_iter().take(passed).map(|status| Step { status, stamp });
        passed.chain(end).collect()
    }

    /// The number it is stored under.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Settled => 0,
            Self::Rejected(reason) => reason as u8,
            Self::Pending => PENDING,
        }
    }

    /// The verdict of that number.
    pub(crate) fn from_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => return Ok(Self::Settled),
            PENDING => return Ok(Self::Pending),
            _ => {}
        }
        Reason::ALL
            .into_iter()
            .find(|reason| *reason as u8 == number)
            .map(Self::Rejected)
            .ok_or(DecodeError::Invalid { field: "verdict", value: number.into() })
    }
}

impl Reason {
    /// All reasons in their order of precedence.
    pub const ALL: [Self; 21] = [
        Self::DuplicateUetr,
        Self::DuplicateTransaction,
        Self::DuplicateInMessage,
        Self::CurrencyNotCarried,
        Self::ZeroAmount,
        Self::AmountTooLarge,
        Self::DebtorUnknown,
        Self::CreditorUnknown,
        Self::DebtorForbidden,
        Self::CreditorForbidden,
        Self::SameAccount,
        Self::DebtorClosed,
        Self::CreditorClosed,
        Self::DebtorBlocked,
        Self::CreditorBlocked,
        Self::InsufficientFunds,
        Self::SettlementFailed,
        Self::DebtorElsewhere,
        Self::Cancelled,
        Self::CreditorUnreachable,
        Self::Withdrawn,
    ];

    /// The ISO code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.code_text_stages().0
    }

    /// A sentence for people, at most 105 characters, as a pacs.002 may carry.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.code_text_stages().1
    }

    /// How many stages were passed before.
    const fn stages_passed(self) -> usize {
        self.code_text_stages().2
    }

    #[rustfmt::skip]
    const fn code_text_stages(self) -> (&'static str, &'static str, usize) {
        match self {
            Self::DuplicateUetr =>
                ("AM05", "A transaction with this UETR was received before.", 0),
            Self::DuplicateTransaction =>
                ("AM05", "A transaction with this transaction id was received from the sender before.", 0),
            Self::DuplicateInMessage =>
                ("AM05", "The message holds an earlier transaction with the same identification.", 0),
            Self::CurrencyNotCarried =>
                ("AM03", "No settlement takes place in this currency here.", 0),
            Self::ZeroAmount =>
                ("AM01", "The settlement amount is zero.", 0),
            Self::AmountTooLarge =>
                ("AM02", "The settlement amount is above the largest that is taken.", 0),
            Self::DebtorUnknown =>
                ("AC02", "There is no such debtor account in this currency.", 1),
            Self::CreditorUnknown =>
                ("AC03", "There is no such creditor account in this currency.", 1),
            Self::DebtorForbidden =>
                ("AG01", "The debtor account takes no payments.", 1),
            Self::CreditorForbidden =>
                ("AG01", "The creditor account takes no payments.", 1),
            Self::SameAccount =>
                ("NARR", "Debtor account and creditor account are the same.", 1),
            Self::DebtorClosed =>
                ("AC05", "The debtor account is closed.", 1),
            Self::CreditorClosed =>
                ("AC07", "The creditor account is closed.", 1),
            Self::DebtorBlocked =>
                ("AC06", "The debtor account is blocked.", 1),
            Self::CreditorBlocked =>
                ("AC06", "The creditor account is blocked.", 1),
            Self::InsufficientFunds =>
                ("AM04", "The debtor account does not hold the amount.", 2),
            Self::SettlementFailed =>
                ("ED05", "The ledger could not take the posting.", 3),
            Self::DebtorElsewhere =>
                ("NARR", "The debtor account is kept in another ledger than the message's first; send it by itself.", 1),
            Self::Cancelled =>
                ("DS02", "It was cancelled before it was credited, and given back.", 3),
            Self::CreditorUnreachable =>
                ("AB08", "The ledger of the creditor account cannot be reached; the amount was given back.", 3),
            Self::Withdrawn =>
                ("DS02", "It was lost with a region before it was copied, and withdrawn: it is not carried out.", 0),
        }
    }
}

#[cfg(test)]
mod tests;
