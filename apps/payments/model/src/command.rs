//! What a group of payments can be told to do, and its bytes.
//!
//! The first byte is the tag of a command's kind and layout; a new layout is a new tag, and tags are
//! never reused. Bytes come from outside: whatever they are, decoding ends in a command or in an
//! error.

mod reopen;
mod settle;

use alloc::vec::Vec;

use ledger::State;
use sha2::{Digest, Sha256};
use types::{Amount, Currency, GroupId, Hash};
use wire::{DecodeError, Reader, Writer};

pub use self::reopen::Reopen;
pub use self::settle::Settle;
use crate::limits::{COMMAND_BYTES_MAX, NAME_BYTES_MAX, RAW_BYTES_MAX, TEXT_BYTES_MAX};
use crate::message::currency;
use crate::text::{self, OutOfLimits};
use crate::{Kind, Message, PaymentKey};

const OPEN_ACCOUNT: u8 = 1;
const SET_ACCOUNT_STATE: u8 = 2;
const PAY: u8 = 3;
const PAY_ACROSS: u8 = 4;
const CANCEL: u8 = 5;
const WITHDRAW: u8 = 6;
const SETTLE: u8 = 7;
const REOPEN: u8 = 8;
const SETTLE_WITH: u8 = 9;

/// Bytes of a message of one transaction, roughly.
const CONTENT_BYTES_USUAL: usize = 512;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// Opens and funds an account. Tag 1.
    OpenAccount(OpenAccount<'a>),
    /// Blocks, closes or opens an account again. Tag 2.
    SetAccountState(SetAccountState<'a>),
    /// Carries out the transactions of a message. Tag 3.
    Pay {
        /// The message, as it was read.
        message: Message<'a>,
        /// The document it was read from, which the journal keeps; may be empty. Of it, the state
        /// holds the SHA-256.
        raw: &'a [u8],
    },
    /// Carries out the transactions of a message of which some need another group. Tag 4.
    PayAcross {
        /// As in [`Command::Pay`].
        message: Message<'a>,
        /// Where each transaction goes, in the message's order. It is part of the command so that every
        /// replica takes the same way, whatever its own configuration says.
        routes: Vec<Route>,
        /// As in [`Command::Pay`].
        raw: &'a [u8],
    },
    /// Wishes what is pending of a payment back: all of a message, or the transaction of a UETR. Tag 5.
    Cancel(PaymentKey<'a>),
    /// Takes a message's id for good without carrying the message out: every transaction is rejected as
    /// [`Reason::Withdrawn`](crate::Reason::Withdrawn). Tag 6.
    ///
    /// For a message of which a record was set aside. It is handed in under the id *and the digest* of that
    /// message, so that the two are one request to the group: whichever comes first has the one outcome, and
    /// the other, however late, is told it.
    Withdraw {
        /// The message that is never to be carried out.
        message: Message<'a>,
        /// The case in which people work on it: the amounts are posted to the suspense account of the case in
        /// the same step. 0 for none, and nothing is posted.
        case: u64,
        /// As in [`Command::Pay`].
        raw: &'a [u8],
    },
    /// Settles a case, in whole or in part. Tag 7; tag 9 where it names an account.
    Settle(Settle<'a>),
    /// Opens one end of a frozen channel again. Tag 8.
    Reopen(Reopen<'a>),
}

/// Where a transaction goes. Layout: tag u8 (0, 1, 2), and for 1 the group u16.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Both accounts are kept by the group that carries the message out.
    Here,
    /// The creditor's account is kept by that group.
    To(GroupId),
    /// The debtor's account is kept by another group: the transaction is rejected.
    Astray,
}

/// Opens an account and, if `funding` is not zero, credits it from the house's funding account.
///
/// Layout: currency number u16, kind u8, funding u128, key, and the name with a u32 length, 0 for
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenAccount<'a> {
    /// The currency of the book it is opened in.
    pub currency: Currency,
    /// How it is called in messages: an IBAN, another number, or `BIC:` and an agent's BIC for the
    /// agent's own account.
    pub key: &'a str,
    /// Whose it is.
    pub name: Option<&'a str>,
    /// What it is for.
    pub kind: Kind,
    /// The opening balance.
    pub funding: Amount,
}

/// Sets whether an account takes postings.
///
/// Layout: currency number u16, state u8 (0 open, 1 blocked, 2 closed), key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetAccountState<'a> {
    /// The currency of its book.
    pub currency: Currency,
    /// Its key.
    pub key: &'a str,
    /// What it becomes.
    pub state: State,
}

/// A command as a group takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// SHA-256 over the command without the raw document: under one id, this tells a retry from a
    /// different request. Of a message it covers what the model reads, so not the remittance
    /// information; the server takes a stricter one, over all that the document says.
    pub digest: Hash,
    /// The bytes that [`crate::Payments`] applies.
    pub body: Vec<u8>,
}

impl<'a> Command<'a> {
    /// Whether it opens a channel again, or settles what only that leaves: what model versions before
    /// [`Payments::REOPENS`](crate::Payments::REOPENS) know nothing of.
    pub(crate) const fn is_of_reopening(&self) -> bool {
        matches!(self, Self::Reopen(_) | Self::Settle(Settle { account: Some(_), .. }))
    }

    /// The command that withdraws the message of this one, under a case or 0 for none; `None` if this one
    /// carries no message.
    #[must_use]
    pub fn withdrawal(self, case: u64) -> Option<Self> {
        match self {
            Self::Pay { message, raw }
            | Self::PayAcross { message, raw, .. }
            | Self::Withdraw { message, raw, .. } => Some(Self::Withdraw { message, case, raw }),
            Self::OpenAccount(_)
            | Self::SetAccountState(_)
            | Self::Cancel(_)
            | Self::Settle(_)
            | Self::Reopen(_) => None,
        }
    }

    /// Its bytes and the digest of its content.
    ///
    /// # Errors
    /// [`OutOfLimits`] names what is too large, or empty; nobody may send that.
    pub fn encode(&self) -> Result<Encoded, OutOfLimits> {
        let content = self.content()?;
        let digest = Hash(Sha256::digest(&content).into());
        Ok(Encoded { digest, body: self.body_of(content)? })
    }

    /// Its bytes alone, for a caller that knows a stricter digest: that of all a document says.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn body(&self) -> Result<Vec<u8>, OutOfLimits> {
        self.body_of(self.content()?)
    }

    /// The command without the raw document.
    fn content(&self) -> Result<Vec<u8>, OutOfLimits> {
        let mut content = Vec::new();
        match self {
            Self::OpenAccount(open) => open.encode(&mut content)?,
            Self::SetAccountState(set) => set.encode(&mut content)?,
            Self::Pay { message, raw } => {
                content.reserve(raw.len().min(RAW_BYTES_MAX).saturating_add(CONTENT_BYTES_USUAL));
                content.push(PAY);
                message.encode(&mut content)?;
            }
            Self::PayAcross { message, routes, raw } => {
                content.reserve(raw.len().min(RAW_BYTES_MAX).saturating_add(CONTENT_BYTES_USUAL));
                content.push(PAY_ACROSS);
                message.encode(&mut content)?;
                let (size, size_max) = (routes.len(), message.transactions.len());
                if size != size_max {
                    return Err(OutOfLimits { field: "routes", size, size_max });
                }
                routes.iter().for_each(|route| route.encode(&mut content));
            }
            Self::Cancel(key) => encode_key(*key, &mut content)?,
            Self::Settle(settle) => settle.encode(&mut content)?,
            Self::Reopen(reopen) => reopen.encode(&mut content)?,
            Self::Withdraw { message, case, raw } => {
                content.reserve(raw.len().min(RAW_BYTES_MAX).saturating_add(CONTENT_BYTES_USUAL));
                content.push(WITHDRAW);
                message.encode(&mut content)?;
                Writer::new(&mut content).u64(*case);
            }
        }
        Ok(content)
    }

    fn body_of(&self, mut body: Vec<u8>) -> Result<Vec<u8>, OutOfLimits> {
        if let Self::Pay { raw, .. } | Self::PayAcross { raw, .. } | Self::Withdraw { raw, .. } =
            self
        {
            if raw.len() > RAW_BYTES_MAX {
                let (field, size) = ("raw document", raw.len());
                return Err(OutOfLimits { field, size, size_max: RAW_BYTES_MAX });
            }
            Writer::new(&mut body).run(raw);
        }
        text::within("command", body.len(), COMMAND_BYTES_MAX)?;
        Ok(body)
    }

    /// Reads a command.
    ///
    /// # Errors
    /// [`DecodeError`] if the bytes are anything but the one encoding of a command within the
    /// limits.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::decode_with_content(bytes).map(|(command, _)| command)
    }

    /// Also returns the command's bytes between the tag and the raw document.
    pub(crate) fn decode_with_content(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        if bytes.len() > COMMAND_BYTES_MAX {
            let value = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            return Err(DecodeError::Invalid { field: "command", value });
        }
        let mut reader = Reader::new(bytes);
        let tag = reader.u8()?;
        let start = reader;
        let content = |end: &Reader<'a>| {
            let length = start.rest().len().saturating_sub(end.rest().len());
            start.rest().get(..length).unwrap_or_default()
        };
        let (command, content) = match tag {
            OPEN_ACCOUNT => {
                let open = OpenAccount::decode(&mut reader)?;
                (Self::OpenAccount(open), content(&reader))
            }
            SET_ACCOUNT_STATE => {
                let set = SetAccountState::decode(&mut reader)?;
                (Self::SetAccountState(set), content(&reader))
            }
            PAY => {
                let message = Message::decode(&mut reader)?;
                let content = content(&reader);
                let raw = reader.run("raw document", RAW_BYTES_MAX)?;
                (Self::Pay { message, raw }, content)
            }
            PAY_ACROSS => {
                let message = Message::decode(&mut reader)?;
                let content = content(&reader);
                let routes = message.transactions.iter().map(|_| Route::decode(&mut reader));
                let routes = routes.collect::<Result<_, _>>()?;
                let raw = reader.run("raw document", RAW_BYTES_MAX)?;
                (Self::PayAcross { message, routes, raw }, content)
            }
            CANCEL => {
                let key = decode_key(&mut reader)?;
                (Self::Cancel(key), content(&reader))
            }
            WITHDRAW => {
                let message = Message::decode(&mut reader)?;
                let content = content(&reader);
                let case = reader.u64()?;
                let raw = reader.run("raw document", RAW_BYTES_MAX)?;
                (Self::Withdraw { message, case, raw }, content)
            }
            REOPEN => {
                let reopen = Reopen::decode(&mut reader)?;
                (Self::Reopen(reopen), content(&reader))
            }
            SETTLE | SETTLE_WITH => {
                let settle = Settle::decode(tag == SETTLE_WITH, &mut reader)?;
                (Self::Settle(settle), content(&reader))
            }
            tag => return Err(DecodeError::Invalid { field: "command tag", value: tag.into() }),
        };
        reader.end()?;
        Ok((command, content))
    }
}

impl<'a> OpenAccount<'a> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
        Writer::new(out)
            .u8(OPEN_ACCOUNT)
            .u16(self.currency.number())
            .u8(self.kind.number())
            .u128(self.funding.0);
        text::put(out, "account key", self.key, TEXT_BYTES_MAX)?;
        if let Some(name) = self.name {
            text::within("account name", name.len(), NAME_BYTES_MAX)?;
        }
        Writer::new(out).run(self.name.unwrap_or_default().as_bytes());
        Ok(())
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let currency = currency(reader)?;
        let kind = reader.u8()?;
        let kind = Kind::from_number(kind)
            .ok_or(DecodeError::Invalid { field: "account kind", value: kind.into() })?;
        let funding = Amount(reader.u128()?);
        let key = text::get(reader, "account key", TEXT_BYTES_MAX)?;
        let name = text::utf8("account name", reader.run("account name", NAME_BYTES_MAX)?)?;
        let name = (!name.is_empty()).then_some(name);
        Ok(Self { currency, key, name, kind, funding })
    }
}

impl<'a> SetAccountState<'a> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
        let state = match self.state {
            State::Open => 0,
            State::Blocked => 1,
            State::Closed => 2,
        };
        Writer::new(out).u8(SET_ACCOUNT_STATE).u16(self.currency.number()).u8(state);
        text::put(out, "account key", self.key, TEXT_BYTES_MAX)
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let currency = currency(reader)?;
        let state = match reader.u8()? {
            0 => State::Open,
            1 => State::Blocked,
            2 => State::Closed,
            value => {
                return Err(DecodeError::Invalid { field: "account state", value: value.into() });
            }
        };
        let key = text::get(reader, "account key", TEXT_BYTES_MAX)?;
        Ok(Self { currency, key, state })
    }
}

impl Route {
    fn encode(self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        match self {
            Self::Here => writer.u8(0),
            Self::To(group) => writer.u8(1).u16(group.0),
            Self::Astray => writer.u8(2),
        };
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(match reader.u8()? {
            0 => Self::Here,
            1 => Self::To(GroupId(reader.u16()?)),
            2 => Self::Astray,
            value => return Err(DecodeError::Invalid { field: "route", value: value.into() }),
        })
    }
}

/// tag u8, then for 1 a UETR of 16 bytes, and for 2 the sender and the message id.
fn encode_key(key: PaymentKey<'_>, out: &mut Vec<u8>) -> Result<(), OutOfLimits> {
    let mut writer = Writer::new(out);
    writer.u8(CANCEL);
    match key {
        PaymentKey::Uetr(uetr) => {
            writer.u8(1).raw(&uetr);
            Ok(())
        }
        PaymentKey::Message { sender, message_id } => {
            writer.u8(2);
            text::put(out, "sender", sender, TEXT_BYTES_MAX)?;
            text::put(out, "message id", message_id, TEXT_BYTES_MAX)
        }
    }
}

fn decode_key<'a>(reader: &mut Reader<'a>) -> Result<PaymentKey<'a>, DecodeError> {
    Ok(match reader.u8()? {
        1 => PaymentKey::Uetr(reader.array()?),
        2 => PaymentKey::Message {
            sender: text::get(reader, "sender", TEXT_BYTES_MAX)?,
            message_id: text::get(reader, "message id", TEXT_BYTES_MAX)?,
        },
        value => return Err(DecodeError::Invalid { field: "payment key", value: value.into() }),
    })
}

#[cfg(test)]
mod tests;
