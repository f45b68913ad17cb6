//! One pacs.008 message as a command carries it: what decides, and what an answer is written from.

use alloc::vec::Vec;
use core::fmt;

use types::{Amount, Currency, MessageId};
use wire::{DecodeError, Reader, Writer};

use crate::limits::{BIC_BYTES_MAX, TEXT_BYTES_MAX, TRANSACTIONS_MAX};
use crate::text::{self, OutOfLimits};

/// The version of the message definition, in which the answer is written too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// pacs.008.001.08.
    V08,
    /// pacs.008.001.10.
    V10,
    /// pacs.008.001.12.
    V12,
    /// pacs.008.001.13.
    V13,
}

/// A day of the Gregorian calendar, from year 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A message of one or more transactions in one settlement currency.
///
/// Layout: currency number u16, version u8, settlement date u32 (`yyyymmdd`, 0 for none), sender,
/// message id, count of transactions u16, and the transactions. Texts are as in `text.rs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The currency of all its amounts.
    pub currency: Currency,
    /// The version of its definition.
    pub version: Version,
    /// The interbank settlement date, if the message names one. Kept, not judged: there is no
    /// calendar here, and settlement is at once.
    pub settlement_date: Option<Date>,
    /// Who sent it: a BIC, or another name of a participant that is unique among them.
    pub sender: &'a str,
    /// The message id that the sender gave it.
    pub message_id: &'a str,
    /// The transactions in their order; at least one.
    pub transactions: Vec<Transaction<'a>>,
}

/// One credit transfer.
///
/// Layout: UETR flag u8 and 16 bytes if 1, amount u128, then instruction id, end-to-end id,
/// transaction id, debtor account, creditor account, debtor agent and creditor agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction<'a> {
    /// The end-to-end reference, unique for ever in the whole network.
    pub uetr: Option<[u8; 16]>,
    /// The interbank settlement amount.
    pub amount: Amount,
    /// Point to point between two agents.
    pub instruction_id: Option<&'a str>,
    /// From debtor to creditor, unchanged.
    pub end_to_end_id: &'a str,
    /// From the first agent, unchanged through the interbank chain.
    pub transaction_id: Option<&'a str>,
    /// The key of the account to debit.
    pub debtor: &'a str,
    /// The key of the account to credit.
    pub creditor: &'a str,
    /// The debtor agent's BIC.
    pub debtor_agent: Option<&'a str>,
    /// The creditor agent's BIC.
    pub creditor_agent: Option<&'a str>,
}

impl Version {
    /// The last part of the message's name: 8, 10, 12 or 13.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V08 => 8,
            Self::V10 => 10,
            Self::V12 => 12,
            Self::V13 => 13,
        }
    }

    /// The version of that number, if it is one of ours.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            8 => Some(Self::V08),
            10 => Some(Self::V10),
            12 => Some(Self::V12),
            13 => Some(Self::V13),
            _ => None,
        }
    }
}

impl Date {
    /// The day, if the calendar has it.
    #[must_use]
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        if year == 0 || year > 9_999 || day == 0 || day > days {
            return None;
        }
        Some(Self { year, month, day })
    }

    /// The year, 1 to 9999.
    #[must_use]
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Year, month and day as the digits of one number.
    fn to_number(self) -> u32 {
        let (year, month) = (u32::from(self.year), u32::from(self.month));
        // The largest is 99,991,231.
        year.saturating_mul(10_000)
            .saturating_add(month.saturating_mul(100))
            .saturating_add(self.day.into())
    }

    fn from_number(number: u32) -> Option<Self> {
        let year = u16::try_from(number / 10_000).ok()?;
        let month = u8::try_from(number / 100 % 100).ok()?;
        let day = u8::try_from(number % 100).ok()?;
        Self::new(year, month, day)
    }
}

/// The form of an ISO date: `2026-11-20`.
impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl<'a> Message<'a> {
    /// The id under which a group takes this message once; see [`crate::message_id`].
    #[must_use]
    pub fn id(&self) -> MessageId {
        crate::message_id(self.sender, self.message_id)
    }

    /// Writes it at the end of `out`.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
        text::within("transactions", self.transactions.len(), TRANSACTIONS_MAX)?;
        let count = u16::try_from(self.transactions.len()).expect("at most a thousand");
        Writer::new(out)
            .u16(self.currency.number())
            .u8(self.version.number())
            .u32(self.settlement_date.map_or(0, Date::to_number));
        text::put(out, "sender", self.sender, TEXT_BYTES_MAX)?;
        text::put(out, "message id", self.message_id, TEXT_BYTES_MAX)?;
        Writer::new(out).u16(count);
        self.transactions.iter().try_for_each(|transaction| transaction.encode(out))
    }

    /// Reads one off the front.
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let currency = currency(reader)?;
        let version = reader.u8()?;
        let version = Version::from_number(version)
            .ok_or(DecodeError::Invalid { field: "version", value: version.into() })?;
        let settlement_date =
            match reader.u32()? {
                0 => None,
                number => Some(Date::from_number(number).ok_or(DecodeError::Invalid {
                    field: "settlement date",
                    value: number.into(),
                })?),
            };
        let sender = text::get(reader, "sender", TEXT_BYTES_MAX)?;
        let message_id = text::get(reader, "message id", TEXT_BYTES_MAX)?;
        let count = reader.u16()?;
        if count == 0 || usize::from(count) > TRANSACTIONS_MAX {
            return Err(DecodeError::Invalid { field: "transactions", value: count.into() });
        }
        let transactions =
            (0..count).map(|_| Transaction::decode(reader)).collect::<Result<_, _>>()?;
        Ok(Self { currency, version, settlement_date, sender, message_id, transactions })
    }
}

impl<'a> Transaction<'a> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
        let mut writer = Writer::new(out);
        writer.flag(self.uetr.is_some());
        if let Some(uetr) = self.uetr {
            writer.raw(&uetr);
        }
        writer.u128(self.amount.0);
        text::put_optional(out, "instruction id", self.instruction_id, TEXT_BYTES_MAX)?;
        text::put(out, "end-to-end id", self.end_to_end_id, TEXT_BYTES_MAX)?;
        text::put_optional(out, "transaction id", self.transaction_id, TEXT_BYTES_MAX)?;
        text::put(out, "debtor account", self.debtor, TEXT_BYTES_MAX)?;
        text::put(out, "creditor account", self.creditor, TEXT_BYTES_MAX)?;
        text::put_optional(out, "debtor agent", self.debtor_agent, BIC_BYTES_MAX)?;
        text::put_optional(out, "creditor agent", self.creditor_agent, BIC_BYTES_MAX)
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            uetr: if reader.flag("uetr")? { Some(reader.array()?) } else { None },
            amount: Amount(reader.u128()?),
            instruction_id: text::get_optional(reader, "instruction id", TEXT_BYTES_MAX)?,
            end_to_end_id: text::get(reader, "end-to-end id", TEXT_BYTES_MAX)?,
            transaction_id: text::get_optional(reader, "transaction id", TEXT_BYTES_MAX)?,
            debtor: text::get(reader, "debtor account", TEXT_BYTES_MAX)?,
            creditor: text::get(reader, "creditor account", TEXT_BYTES_MAX)?,
            debtor_agent: text::get_optional(reader, "debtor agent", BIC_BYTES_MAX)?,
            creditor_agent: text::get_optional(reader, "creditor agent", BIC_BYTES_MAX)?,
        })
    }
}

/// Reads a currency by its ISO number.
pub(crate) fn currency(reader: &mut Reader<'_>) -> Result<Currency, DecodeError> {
    let number = reader.u16()?;
    Currency::from_number(number)
        .ok_or(DecodeError::Invalid { field: "currency", value: number.into() })
}

#[cfg(test)]
mod tests;
