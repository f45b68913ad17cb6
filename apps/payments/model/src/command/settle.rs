//! The order that settles a case, in whole or in part.

use alloc::vec::Vec;

use types::{Amount, Currency};
use wire::{DecodeError, Reader, Writer};

use super::{SETTLE, SETTLE_WITH};
use crate::Way;
use crate::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::message::currency;
use crate::text::{self, OutOfLimits};

/// Moves what stands in suspense for one payment out of the case, or some of it.
///
/// Where to follows from the payment itself: an order names an account only where the payment's own part is lost.
/// Layout:
/// currency number u16, case u64, item 16, way u8, amount u128, who, and the reason with a u32 length; under tag 9,
/// the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle<'a> {
    /// The currency of the book.
    pub currency: Currency,
    /// The case.
    pub case: u64,
    /// The payment, by the name of its item.
    pub item: [u8; 16],
    /// Which way.
    pub way: Way,
    /// How much.
    pub amount: Amount,
    /// Who orders it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
    /// From which account, where nothing is left that says so: when what another ledger is owed is collected.
    pub account: Option<&'a str>,
}

impl<'a> Settle<'a> {
    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
        Writer::new(out)
            .u8(if self.account.is_some() { SETTLE_WITH } else { SETTLE })
            .u16(self.currency.number())
            .u64(self.case)
            .raw(&self.item)
            .u8(self.way as u8)
            .u128(self.amount.0);
        text::put(out, "who", self.by, TEXT_BYTES_MAX)?;
        text::within("reason", self.reason.len(), NAME_BYTES_MAX)?;
        Writer::new(out).run(self.reason.as_bytes());
        self.account.map_or(Ok(()), |key| text::put(out, "account key", key, TEXT_BYTES_MAX))
    }

    pub(super) fn decode(is_named: bool, reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (currency, case) = (currency(reader)?, reader.u64()?);
        let (item, way) = (reader.array()?, Way::from_number(reader.u8()?)?);
        let amount = Amount(reader.u128()?);
        let by = text::get(reader, "who", TEXT_BYTES_MAX)?;
        let reason = text::utf8("reason", reader.run("reason", NAME_BYTES_MAX)?)?;
        if reason.is_empty() {
            return Err(DecodeError::Invalid { field: "reason", value: 0 });
        }
        let account = is_named.then(|| text::get(reader, "account key", TEXT_BYTES_MAX));
        let account = account.transpose()?;
        Ok(Self { currency, case, item, way, amount, by, reason, account })
    }
}
