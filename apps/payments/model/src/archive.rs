//! Every message that was carried out, for ever, and the names under which its payments are found.
//!
//! A record is one allocation: the message's bytes as the command carried them, with the stamp, the
//! hash of the document and the verdicts in front. They are read back only when somebody asks. That
//! keeps a payment at some 500 bytes, all names and indexes included, and the digest is over exactly
//! what is kept.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ledger::{Digested, Index, Roll};
use sha2::{Digest, Sha256};
use types::{Hash, MessageId, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::identity::{self, Identities};
use crate::limits::TRANSACTIONS_MAX;
use crate::{Message, Reason, Refusal, Verdict};

/// A message, and what became of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// The time of the journal's record that carried it, and so of all its statuses.
    pub stamp: Stamp,
    /// SHA-256 of the document it was read from, which lies in the journal.
    pub raw_sha256: Hash,
    /// The message.
    pub message: Message<'a>,
    /// What became of each transaction, in the message's order.
    pub verdicts: Vec<Verdict>,
}

/// All messages in the order in which they were carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Archive {
    records: Roll<Record>,
    /// From [`crate::message_id`] to the number of the record.
    messages: Index,
    /// From the identities of payments to the number of the record that has the first of them.
    payments: Index,
}

/// Layout: stamp u64, hash of the document, count of verdicts u16, verdicts u8 each, and the message
/// as in a command.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record(Box<[u8]>);

impl Archive {
    pub(crate) fn new() -> Self {
        Self { records: Roll::new(), messages: Index::new(), payments: Index::new() }
    }

    /// Takes a message's id for the message that is recorded next.
    ///
    /// # Errors
    /// [`Refusal::MessageIdUsed`], or [`Refusal::Full`] if there is no next number; the id is as it
    /// was then.
    pub(crate) fn claim_message(&mut self, id: MessageId) -> Result<(), Refusal> {
        let number = self.next_number();
        let taken = match number {
            Some(number) => !self.messages.insert(id.0, number),
            None => self.messages.get(&id.0).is_some(),
        };
        if taken {
            return Err(Refusal::MessageIdUsed);
        }
        number.map(|_| ()).ok_or(Refusal::Full)
    }

    /// Takes a payment's identities for the message that is recorded next, those of them that are
    /// free: an identity belongs to the first that bore it, whatever became of that one. The
    /// message's own id is claimed already.
    ///
    /// # Errors
    /// The strongest identity that was taken before, as a reason.
    pub(crate) fn claim_payment(&mut self, identities: Identities) -> Result<(), Reason> {
        let number = self.next_number().expect("the message has a number");
        let mut claim = |identity: Option<[u8; 16]>, duplicate| match identity {
            Some(identity) if !self.payments.insert(identity, number) => Err(duplicate),
            Some(_) | None => Ok(()),
        };
        let uetr = claim(identities.uetr, Reason::DuplicateUetr);
        let transaction = claim(identities.transaction, Reason::DuplicateTransaction);
        let in_message = claim(identities.in_message, Reason::DuplicateInMessage);
        uetr.and(transaction).and(in_message)
    }

    /// Keeps the message whose id was claimed last; `content` is its encoding.
    pub(crate) fn record(
        &mut self,
        stamp: Stamp,
        content: &[u8],
        raw: &[u8],
        verdicts: &[Verdict],
    ) {
        let count =
            u16::try_from(verdicts.len()).expect("a message has at most 1,000 transactions");
        let size = content.len().saturating_add(verdicts.len()).saturating_add(8 + 32 + 2);
        let mut bytes = Vec::with_capacity(size);
        let raw_sha256 = Hash(Sha256::digest(raw).into());
        Writer::new(&mut bytes).u64(stamp.0).hash(raw_sha256).u16(count);
        bytes.extend(verdicts.iter().map(|verdict| verdict.number()));
        bytes.extend_from_slice(content);

        let number = self.records.push(Record(bytes.into_boxed_slice()));
        assert!(number.is_some(), "the number was there when the message's id was claimed");
        assert_eq!(self.messages.len(), self.records.len(), "one id was claimed for the record");
    }

    /// The bytes of the message of that number.
    pub(crate) fn record_at(&self, number: u32) -> Option<&[u8]> {
        self.records.get(number).map(|record| &*record.0)
    }

    /// Keeps a message as it was saved, with all that it claimed. `false` if another has its id.
    pub(crate) fn restore(&mut self, record: &[u8], recorded: &Recorded<'_>) -> bool {
        let Some(number) = self.next_number() else { return false };
        let message = &recorded.message;
        if !self.messages.insert(message.id().0, number) {
            return false;
        }
        for transaction in &message.transactions {
            for identity in Identities::new(message, transaction).iter() {
                // Those that are taken were taken when this was first carried out.
                let _taken = self.payments.insert(identity, number);
            }
        }
        self.records.push(Record(record.into())).is_some()
    }

    fn next_number(&self) -> Option<u32> {
        u32::try_from(self.records.len()).ok()
    }

    /// The message of that id.
    pub(crate) fn message(&self, id: MessageId) -> Option<Recorded<'_>> {
        self.records.get(self.messages.get(&id.0)?).map(Record::read)
    }

    /// The message that first bore the UETR, and where in it.
    pub(crate) fn payment(&self, uetr: [u8; 16]) -> Option<(Recorded<'_>, usize)> {
        let number = self.payments.get(&identity::uetr(uetr))?;
        let recorded = self.records.get(number)?.read();
        let mut transactions = recorded.message.transactions.iter();
        let index = transactions.position(|transaction| transaction.uetr == Some(uetr))?;
        Some((recorded, index))
    }

    /// All messages, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
        self.records.iter().map(Record::read)
    }

    /// How many messages there are.
    pub(crate) const fn len(&self) -> usize {
        self.records.len()
    }

    /// A hash over all records in order.
    pub(crate) fn digest(&self) -> Hash {
        self.records.digest()
    }

    /// Asserts that no record has changed, and that every message and every payment is found.
    pub(crate) fn assert_complete(&self) {
        self.records.assert_unchanged();
        assert_eq!(self.messages.len(), self.records.len(), "every message has one id");
        for (number, recorded) in (0_u32..).zip(self.iter()) {
            let message = &recorded.message;
            assert_eq!(self.messages.get(&message.id().0), Some(number), "ids lead to messages");
            for transaction in &message.transactions {
                for identity in Identities::new(message, transaction).iter() {
                    let first = self.payments.get(&identity);
                    assert!(first.is_some_and(|first| first <= number), "identities are taken");
                }
            }
        }
    }
}

impl Record {
    fn read(&self) -> Recorded<'_> {
        Recorded::decode(&self.0).expect("a record is written by the archive itself")
    }
}

/// The length and the bytes.
impl Digested for Record {
    fn feed(&self, hasher: &mut Sha256) {
        hasher.update(u64::try_from(self.0.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(&self.0);
    }
}

/// Reads the bytes of a message.
pub(crate) fn read(bytes: &[u8]) -> Result<Recorded<'_>, DecodeError> {
    Recorded::decode(bytes)
}

impl<'a> Recorded<'a> {
    fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let stamp = Stamp(reader.u64()?);
        let raw_sha256 = reader.hash()?;
        let count = usize::from(reader.u16()?);
        let verdicts = reader.take(count.min(TRANSACTIONS_MAX))?.iter().copied();
        let verdicts = verdicts.map(Verdict::from_number).collect::<Result<_, _>>()?;
        let message = Message::decode(&mut reader)?;
        reader.end()?;
        Ok(Self { stamp, raw_sha256, message, verdicts })
    }
}
