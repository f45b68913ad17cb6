//! What a command came to, and its bytes.
//!
//! A group keeps a reply with the message's id for ever and gives the same bytes to every retry, so
//! a reply is short: the texts of reasons are not in it, their numbers are. Tags and numbers are
//! never reused.

use alloc::vec::Vec;

use types::{Amount, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::Verdict;
use crate::limits::TRANSACTIONS_MAX;

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The message was carried out, transaction by transaction. Tag 1.
    Decided {
        /// The time of the record that carried it, which is that of every status.
        stamp: Stamp,
        /// What became of each transaction, in the message's order.
        verdicts: Vec<Verdict>,
    },
    /// The account was opened and funded. Tag 2.
    Opened,
    /// The account stood there already, the same in every field. Tag 3.
    Exists,
    /// The account stands there, but not as asked for. Tag 4.
    ExistsDifferent(Difference),
    /// The account's state is now as asked for; it may have been before. Tag 5.
    StateSet,
    /// Nothing was done. Tag 6.
    Refused(Refusal),
    /// So many transactions of the payment were pending, and their groups are asked to let them be. What
    /// becomes of each, its status tells. Tag 7.
    Cancelling(u16),
    /// A step was settled. Tag 8.
    CaseSettled {
        /// The time of the record that carried it.
        stamp: Stamp,
        /// What is left in the case of that payment.
        item_left: Amount,
        /// What is left in the case altogether; zero closes it.
        case_left: Amount,
    },
    /// This end of a channel goes on, and so many payments were accounted for. Tag 9.
    Reopened(u32),
}

/// In what an account that exists differs from the one to open; the first in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Difference {
    /// Its kind.
    Kind = 1,
    /// Its name.
    Name = 2,
    /// Its opening balance.
    Funding = 3,
}

/// Why a command was refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Refusal {
    /// The bytes are no command that this version knows.
    #[error("the command cannot be read")]
    Malformed = 1,
    /// The sender's message id was used before. A group refuses or repeats such a message on its
    /// own; this is for one that came under another id.
    #[error("the message id was used before")]
    MessageIdUsed = 2,
    /// No book is kept in this currency.
    #[error("no book is kept in this currency")]
    CurrencyNotCarried = 3,
    /// The key belongs to the house.
    #[error("the account's key is reserved")]
    KeyReserved = 4,
    /// The opening balance is above [`crate::limits::AMOUNT_MAX`].
    #[error("the opening balance is too large")]
    FundingTooLarge = 5,
    /// No account has this key.
    #[error("there is no such account")]
    AccountUnknown = 6,
    /// A closed account stays closed.
    #[error("the account is closed")]
    AccountClosed = 7,
    /// An account is closed only when it is empty, or its money could never be moved again.
    #[error("the account is not empty")]
    BalanceNotZero = 8,
    /// The state can count no further accounts or messages.
    #[error("the books are full")]
    Full = 9,
    /// Payments of the account are pending, and may have to be given back to it.
    #[error("payments of the account are pending")]
    PaymentsPending = 10,
    /// No such payment was carried out here.
    #[error("there is no such payment")]
    PaymentUnknown = 11,
    /// It is final: nothing of it waits for another group.
    #[error("nothing of the payment is pending")]
    NothingPending = 12,
    /// No such payment stands, or ever stood, in suspense under this case.
    #[error("no such payment stands in suspense under this case")]
    CaseUnknown = 13,
    /// More than stands in the case for the payment; or, when it is collected, more than the payment was.
    #[error("it is more than is left of the payment in the case")]
    CaseOverdrawn = 14,
    /// An amount of zero.
    #[error("the amount is zero")]
    AmountZero = 15,
    /// The account takes no postings now.
    #[error("the account is blocked")]
    AccountBlocked = 16,
    /// The account does not hold the amount.
    #[error("the account does not hold the amount")]
    FundsMissing = 17,
    /// The payment names one of the house's own accounts.
    #[error("the account is one of the house's own")]
    AccountForbidden = 18,
    /// The order has no plan that can be read.
    #[error("the plan cannot be read")]
    PlanUnreadable = 19,
    /// The channel neither begins nor ends at this ledger.
    #[error("the channel is between other ledgers")]
    ChannelElsewhere = 20,
    /// This end of the channel goes on from there already.
    #[error("this end of the channel goes on from there already")]
    ReopenedBefore = 21,
    /// This end of the channel is not what the plan was made for.
    #[error("this end of the channel has moved since it was looked at")]
    ChannelMoved = 22,
    /// Payments were lost here, and no case was named for them, or the books cannot take them, or one of them stands in
    /// suspense already.
    #[error(
        "what was lost cannot be accounted for: it needs a case, room in the books, and nothing of it that \
         stands in suspense already, which is written back first"
    )]
    Unaccountable = 23,
    /// This ledger's time is behind what the plan was made from.
    #[error("this ledger's time is behind what was looked at: order it again")]
    PlanAhead = 24,
}

impl Reply {
    /// The status of the message as a whole: `ACSC` if all its transactions were settled, `RJCT` if
    /// all were rejected, `PART` if some were, and `ACSP` if none was and some are pending. `None` if this is
    /// no answer to a message.
    #[must_use]
    pub fn group_status(&self) -> Option<&'static str> {
        let Self::Decided { verdicts, .. } = self else { return None };
        Some(Verdict::together(verdicts))
    }

    /// Whether it says that a message was withdrawn and never carried out.
    #[must_use]
    pub fn is_withdrawal(&self) -> bool {
        let withdrawn = Verdict::Rejected(crate::Reason::Withdrawn);
        matches!(self, Self::Decided { verdicts, .. } if verdicts.contains(&withdrawn))
    }

    /// Writes it at the end of `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match self {
            Self::Decided { stamp, verdicts } => {
                writer.u8(1).u64(stamp.0).count(verdicts.len());
                out.extend(verdicts.iter().map(|verdict| verdict.number()));
            }
            Self::Opened => {
                writer.u8(2);
            }
            Self::Exists => {
                writer.u8(3);
            }
            Self::ExistsDifferent(difference) => {
                writer.u8(4).u8(*difference as u8);
            }
            Self::StateSet => {
                writer.u8(5);
            }
            Self::Refused(refusal) => {
                writer.u8(6).u8(*refusal as u8);
            }
            Self::Cancelling(count) => {
                writer.u8(7).u16(*count);
            }
            Self::CaseSettled { stamp, item_left, case_left } => {
                writer.u8(8).u64(stamp.0).u128(item_left.0).u128(case_left.0);
            }
            Self::Reopened(count) => {
                writer.u8(9).u32(*count);
            }
        }
    }

    /// Reads a reply.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are anything but the one encoding of a reply.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let reply = match reader.u8()? {
            1 => {
                let stamp = Stamp(reader.u64()?);
                let count = reader.count("verdicts", TRANSACTIONS_MAX)?;
                let verdicts = reader.take(count)?.iter().copied();
                Self::Decided {
                    stamp,
                    verdicts: verdicts.map(Verdict::from_number).collect::<Result<_, _>>()?,
                }
            }
            2 => Self::Opened,
            3 => Self::Exists,
            4 => Self::ExistsDifferent(Difference::from_number(reader.u8()?)?),
            5 => Self::StateSet,
            6 => Self::Refused(Refusal::from_number(reader.u8()?)?),
            7 => Self::Cancelling(reader.u16()?),
            8 => Self::CaseSettled {
                stamp: Stamp(reader.u64()?),
                item_left: Amount(reader.u128()?),
                case_left: Amount(reader.u128()?),
            },
            9 => Self::Reopened(reader.u32()?),
            tag => return Err(DecodeError::Invalid { field: "reply tag", value: tag.into() }),
        };
        reader.end()?;
        Ok(reply)
    }
}

impl Difference {
    const ALL: [Self; 3] = [Self::Kind, Self::Name, Self::Funding];

    fn from_number(number: u8) -> Result<Self, DecodeError> {
        Self::ALL
            .into_iter()
            .find(|difference| *difference as u8 == number)
            .ok_or(DecodeError::Invalid { field: "difference", value: number.into() })
    }
}

impl Refusal {
    const ALL: [Self; 24] = [
        Self::Malformed,
        Self::MessageIdUsed,
        Self::CurrencyNotCarried,
        Self::KeyReserved,
        Self::FundingTooLarge,
        Self::AccountUnknown,
        Self::AccountClosed,
        Self::BalanceNotZero,
        Self::Full,
        Self::PaymentsPending,
        Self::PaymentUnknown,
        Self::NothingPending,
        Self::CaseUnknown,
        Self::CaseOverdrawn,
        Self::AmountZero,
        Self::AccountBlocked,
        Self::FundsMissing,
        Self::AccountForbidden,
        Self::PlanUnreadable,
        Self::ChannelElsewhere,
        Self::ReopenedBefore,
        Self::ChannelMoved,
        Self::Unaccountable,
        Self::PlanAhead,
    ];

    fn from_number(number: u8) -> Result<Self, DecodeError> {
        Self::ALL
            .into_iter()
            .find(|refusal| *refusal as u8 == number)
            .ok_or(DecodeError::Invalid { field: "refusal", value: number.into() })
    }
}

#[cfg(test)]
mod tests;
