//! The second leg of a payment, as the debtor's group asks the creditor's group for it.
//!
//! Layout: version u8 (1), currency u16, amount u128, flags u8 for the identities that follow (1 UETR, 2
//! transaction, 4 in the message), each 16 bytes, then the creditor's key. The answer is empty when it was
//! credited, and the number of the reason when it was not.

use alloc::vec::Vec;

use types::{Amount, Currency};
use wire::{DecodeError, Reader, Writer};

use crate::identity::Identities;
use crate::limits::TEXT_BYTES_MAX;
use crate::message::currency;
use crate::{Reason, Verdict, text};

/// Version of this layout.
const VERSION: u8 = 1;

/// A credit that is asked for; the debit stands already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Credit<'a> {
    pub(crate) currency: Currency,
    pub(crate) amount: Amount,
    /// The names that the payment is taken under once, in both groups.
    pub(crate) identities: Identities,
    pub(crate) creditor: &'a str,
}

impl<'a> Credit<'a> {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        let Identities { uetr, transaction, in_message } = self.identities;
        let flags = u8::from(uetr.is_some())
            | u8::from(transaction.is_some()) << 1
            | u8::from(in_message.is_some()) << 2;
        let mut writer = Writer::new(&mut bytes);
        writer.u8(VERSION).u16(self.currency.number()).u128(self.amount.0).u8(flags);
        for identity in self.identities.iter() {
            writer.raw(&identity);
        }
        // It came in a command, whose texts are within the limits.
        text::put(&mut bytes, "creditor account", self.creditor, TEXT_BYTES_MAX)
            .expect("a text of a command is within the limits");
        bytes
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8()?;
        if version != VERSION {
            return Err(DecodeError::Invalid { field: "credit version", value: version.into() });
        }
        let (currency, amount) = (currency(&mut reader)?, Amount(reader.u128()?));
        let flags = reader.u8()?;
        if flags == 0 || flags > 7 {
            return Err(DecodeError::Invalid { field: "identities", value: flags.into() });
        }
        let mut identity = |flag: u8| {
            if flags & flag > 0 { reader.array().map(Some) } else { Ok(None) }
        };
        let (uetr, transaction, in_message) = (identity(1)?, identity(2)?, identity(4)?);
        let creditor = text::get(&mut reader, "creditor account", TEXT_BYTES_MAX)?;
        reader.end()?;
        let identities = Identities { uetr, transaction, in_message };
        Ok(Self { currency, amount, identities, creditor })
    }
}

/// Why a credit was refused, from the other group's reply. One that cannot be read still says that nothing
/// was credited. No group says nothing: that is what a plan says of a payment whose name stands for another.
pub(crate) fn refusal(reply: &[u8]) -> Reason {
    let reason = match reply {
        [] => Some(Reason::DuplicateTransaction),
        [number] => Verdict::from_number(*number).ok().and_then(Verdict::reason),
        _ => None,
    };
    reason.unwrap_or(Reason::SettlementFailed)
}

#[cfg(test)]
mod tests;
