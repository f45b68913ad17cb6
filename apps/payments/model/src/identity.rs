//! Under which names a message and a payment are known, and as which 16 bytes they are kept.
//!
//! Outsiders choose these names freely, so they are hashed with SHA-256 before they go into an
//! index. With 16 bytes of it nobody hits upon a name of another; who makes two names of his own
//! collide, at 2^64 hashes, has the second of them refused. Each kind of name has its own prefix, and
//! every part its length, so that no name can pass for another. Prefixes and lengths are short so
//! that a name of usual size is one block of SHA-256, 64 bytes.
//!
//! White space around an id is not part of it. The schemas keep it, but systems on the way lay texts
//! out anew, and a payment must not be made twice over a line break.

use model::End;
use sha2::{Digest, Sha256};
use types::{GroupId, MessageId};

use crate::{Message, Transaction};

/// What ISO writes where it demands an identifier and there is none.
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// A name by which a payment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentKey<'a> {
    /// One transaction by its UETR.
    Uetr([u8; 16]),
    /// A whole message.
    Message {
        /// Who sent it.
        sender: &'a str,
        /// The id that the sender gave it.
        message_id: &'a str,
    },
}

impl<'a> PaymentKey<'a> {
    /// Reads a key: a UETR in the usual form of a UUID, or `SENDER/MESSAGE-ID`, split at the first
    /// slash. `None` if it is neither.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        if let Some(uetr) = uuid(text) {
            return Some(Self::Uetr(uetr));
        }
        let (sender, message_id) = text.split_once('/')?;
        (!sender.is_empty() && !message_id.is_empty())
            .then_some(Self::Message { sender, message_id })
    }
}

/// The id under which a group takes a message once: 16 bytes of SHA-256 over the sender and the
/// message id.
///
/// The content is not in it: the same message id with other content must meet the first and be
/// refused. Nor is the currency. A sender is the same with and without the `XXX` that stands for a
/// head office, and an id with and without white space around it.
#[must_use]
pub fn message_id(sender: &str, message_id: &str) -> MessageId {
    MessageId(short_hash(b"pm1", &[institution(sender), bare(message_id)]))
}

/// The names under which a transaction is taken once, `None` where it has no such name.
///
/// The last is for a transaction with neither of the others: within its message only, because end to
/// end ids need not be unique for longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identities {
    /// Its UETR.
    pub(crate) uetr: Option<[u8; 16]>,
    /// Its sender and transaction id.
    pub(crate) transaction: Option<[u8; 16]>,
    /// Its sender, message id, instruction id and end-to-end id.
    pub(crate) in_message: Option<[u8; 16]>,
}

impl Identities {
    /// Those of `transaction`, which came in `message`.
    pub(crate) fn new(message: &Message<'_>, transaction: &Transaction<'_>) -> Self {
        let sender = institution(message.sender);
        let uetr = transaction.uetr.map(uetr);
        let id = transaction.transaction_id.map(bare);
        let id = id.filter(|id| !matches!(*id, "" | NOT_PROVIDED));
        let transaction_id = id.map(|id| short_hash(b"pt1", &[sender, id]));
        let in_message = (uetr.is_none() && transaction_id.is_none()).then(|| {
            let instruction_id = transaction.instruction_id.unwrap_or_default();
            let end_to_end_id = bare(transaction.end_to_end_id);
            let parts = [sender, bare(message.message_id), bare(instruction_id), end_to_end_id];
            short_hash(b"pi1", &parts)
        });
        Self { uetr, transaction: transaction_id, in_message }
    }

    /// The strongest, which the payment's transfer bears.
    pub(crate) fn strongest(self) -> [u8; 16] {
        self.iter().next().expect("every transaction has an identity")
    }

    /// All there are, the strongest first. There is always one.
    pub(crate) fn iter(self) -> impl Iterator<Item = [u8; 16]> {
        [self.uetr, self.transaction, self.in_message].into_iter().flatten()
    }
}

/// As which 16 bytes a UETR is kept.
pub(crate) fn uetr(uetr: [u8; 16]) -> [u8; 16] {
    hash16(Sha256::new_with_prefix(b"pu1").chain_update(uetr))
}

/// As which 16 bytes an account's key is kept.
pub(crate) fn account(key: &str) -> [u8; 16] {
    short_hash(b"pa1", &[key])
}

/// As which 16 bytes the transfer is kept that gives back what another took.
pub(crate) fn reversal(transfer: [u8; 16]) -> [u8; 16] {
    hash16(Sha256::new_with_prefix(b"pr1").chain_update(transfer))
}

/// As which 16 bytes the transfer is kept that posts a withdrawn payment to suspense.
pub(crate) fn suspense(transfer: [u8; 16]) -> [u8; 16] {
    hash16(Sha256::new_with_prefix(b"ps1").chain_update(transfer))
}

/// As which 16 bytes the transfer is kept that accounts for a payment to or from another group whose leg was lost here.
///
/// The other group is in it: by force one name may have been carried out, and lost, towards several.
pub(crate) fn accounted(transfer: [u8; 16], peer: GroupId, end: End) -> [u8; 16] {
    let kind: &[u8] = match end {
        End::Sender => b"px1",
        End::Receiver => b"py1",
    };
    let hasher = Sha256::new_with_prefix(kind).chain_update(transfer);
    hash16(hasher.chain_update(peer.0.to_le_bytes()))
}

/// As which 16 bytes the transfer of a step is kept in which an item in suspense was settled; steps are numbered.
pub(crate) fn settlement(item: [u8; 16], number: u32) -> [u8; 16] {
    hash16(Sha256::new_with_prefix(b"pe1").chain_update(item).chain_update(number.to_le_bytes()))
}

/// As which 16 bytes the transfer of an account's opening balance is kept.
pub(crate) fn funding(key: &str) -> [u8; 16] {
    short_hash(b"pf1", &[key])
}

/// The institution of a BIC: without the `XXX` of a head office. Other names are as they are.
fn institution(sender: &str) -> &str {
    match sender.strip_suffix("XXX") {
        Some(institution) if institution.len() == 8 => institution,
        _ => sender,
    }
}

/// An id without the white space around it.
fn bare(id: &str) -> &str {
    id.trim_ascii()
}

fn short_hash(kind: &[u8], parts: &[&str]) -> [u8; 16] {
    let mut hasher = Sha256::new_with_prefix(kind);
    for part in parts {
        // Parts are at most 140 bytes in commands; a query for more than 255 finds nothing, because
        // nothing was ever kept with a length of 255.
        hasher.update([u8::try_from(part.len()).unwrap_or(u8::MAX)]);
        hasher.update(part);
    }
    hash16(hasher)
}

fn hash16(hasher: Sha256) -> [u8; 16] {
    let hash: [u8; 32] = hasher.finalize().into();
    let (short, _) = hash.split_first_chunk().expect("32 bytes begin with 16");
    *short
}

/// The bytes of a UUID written as 8-4-4-4-12 hexadecimal digits, in either case.
fn uuid(text: &str) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let mut bytes = [0_u8; 16];
    let mut digits = 0_usize;
    for (index, character) in text.bytes().enumerate() {
        if matches!(index, 8 | 13 | 18 | 23) {
            if character != b'-' {
                return None;
            }
            continue;
        }
        let digit = u8::try_from(char::from(character).to_digit(16)?).ok()?;
        let byte = bytes.get_mut(digits / 2)?;
        *byte = (*byte << 4) | digit;
        digits = digits.saturating_add(1);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
