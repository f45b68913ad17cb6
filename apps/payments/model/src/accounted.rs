//! Payments between groups of which one side lost its leg by force, and which are accounted for by hand.
//!
//! When a frozen channel is opened again, each payment that one ledger carried out and the other knows nothing of is
//! posted in the ledger that lost it: between the clearing account, as the lost leg would have been, and a case in
//! suspense, where the lost leg would have had the payer or the payee. So clearing pairs add up again, and who pays, or
//! who is paid, is for people to settle.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ledger::Digested;
use model::End;
use sha2::Sha256;
use types::{Amount, Currency, GroupId, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::credit::Credit;
use crate::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::message::currency;
use crate::text;

/// A payment that was accounted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounted {
    /// Its transfer, in the ledger that carried it out.
    pub transfer: [u8; 16],
    /// The other group.
    pub peer: GroupId,
    /// Which leg was lost here: that of the payer's ledger, or of the payee's.
    pub end: End,
    /// The case under which the rest is settled.
    pub case: u64,
    /// What the other ledger says of it.
    pub leg: Leg,
    /// When it was accounted for.
    pub stamp: Stamp,
    /// Who ordered it.
    pub by: Box<str>,
    /// Why.
    pub reason: Box<str>,
}

/// What the ledger that carried a payment out tells the one that lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The currency of both books.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// Whose account was, or was to be, credited.
    pub creditor: Box<str>,
}

/// What an order to open a channel says besides the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    pub(crate) case: u64,
    pub(crate) by: &'a str,
    pub(crate) reason: &'a str,
}

impl Leg {
    /// currency u16, amount u128, creditor as a short text: at most 159 bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).u16(self.currency.number()).u128(self.amount.0);
        // An account's key is within the limit, or no message could have named it.
        let _named = text::put(&mut bytes, "creditor account", &self.creditor, TEXT_BYTES_MAX);
        bytes
    }

    /// Reads what the other ledger says.
    ///
    /// # Errors
    /// [`DecodeError`] for anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let leg = Self::read(&mut reader)?;
        reader.end()?;
        Ok(leg)
    }

    /// What a message to another ledger asks to be carried out there; `None` if it cannot be read.
    #[must_use]
    pub fn of_message(message: &[u8]) -> Option<Self> {
        let Credit { currency, amount, creditor, .. } = Credit::decode(message).ok()?;
        Some(Self { currency, amount, creditor: creditor.into() })
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (currency, amount) = (currency(reader)?, Amount(reader.u128()?));
        let creditor = text::get(reader, "creditor account", TEXT_BYTES_MAX)?.into();
        Ok(Self { currency, amount, creditor })
    }
}

impl<'a> Note<'a> {
    /// case u64, who as a short text, reason run.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).u64(self.case).run(self.by.as_bytes()).run(self.reason.as_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let case = reader.u64()?;
        let by = text::utf8("who", reader.run("who", TEXT_BYTES_MAX)?)?;
        let reason = text::utf8("reason", reader.run("reason", NAME_BYTES_MAX)?)?;
        reader.end()?;
        Ok(Self { case, by, reason })
    }
}

impl Accounted {
    /// transfer 16, group u16, end u8 (1 the payer's leg, 2 the payee's), case u64, stamp u64, the leg, who and reason,
    /// each a run.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) {
        let end = match self.end {
            End::Sender => 1,
            End::Receiver => 2,
        };
        writer.raw(&self.transfer).u16(self.peer.0).u8(end).u64(self.case).u64(self.stamp.0);
        writer.raw(&self.leg.encode()).run(self.by.as_bytes()).run(self.reason.as_bytes());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (transfer, peer) = (reader.array()?, GroupId(reader.u16()?));
        let end = match reader.u8()? {
            1 => End::Sender,
            2 => End::Receiver,
            value => return Err(DecodeError::Invalid { field: "leg", value: value.into() }),
        };
        let (case, stamp) = (reader.u64()?, Stamp(reader.u64()?));
        let leg = Leg::read(reader)?;
        let by = text::utf8("who", reader.run("who", TEXT_BYTES_MAX)?)?.into();
        let reason = text::utf8("reason", reader.run("reason", NAME_BYTES_MAX)?)?.into();
        Ok(Self { transfer, peer, end, case, leg, stamp, by, reason })
    }
}

/// As they are saved.
impl Digested for Accounted {
    fn feed(&self, hasher: &mut Sha256) {
        use sha2::Digest;
        let mut bytes = Vec::new();
        self.encode(&mut Writer::new(&mut bytes));
        hasher.update(bytes);
    }
}
