//! Every message that was carried out, for ever, and the names under which its payments are found.
//!
//! A record is one allocation: the message's bytes as the command carried them, with the stamp, the
//! hash of the document and the verdicts in front. It never changes; what became of a payment that was
//! pending then stands in [`Transit`]. They are read back only when somebody asks. That
//! keeps a payment at some 500 bytes, all names and indexes included, and the digest is over exactly
//! what is kept.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ledger::{Digested, Index, Roll};
use sha2::{Digest, Sha256};
use types::{GroupId, Hash, MessageId, Stamp};
use wire::{DecodeError, Reader, Writer};

use crate::identity::{self, Identities};
use crate::limits::TRANSACTIONS_MAX;
use crate::transit::Transit;
use crate::{Message, Reason, Refusal, Transaction, Verdict};

/// A message, and what became of its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded<'a> {
    /// The time of the journal's record that carried it, and so of all its statuses.
    pub stamp: Stamp,
    /// SHA-256 of the document it was read from, which lies in the journal.
    pub raw_sha256: Hash,
    /// The message.
    pub message: Message<'a>,
    /// What became of each transaction so far, in the message's order.
    pub verdicts: Vec<Verdict>,
    /// Of each transaction whose creditor's account another group keeps, what is between the two.
    pub across: Vec<Option<Across>>,
}

/// How a transaction stands between two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Across {
    /// The group that keeps the creditor's account.
    pub to: GroupId,
    /// When it was wished back, if it was and is pending still.
    pub cancelled: Option<Stamp>,
    /// When it was settled or rejected; `None` while it is pending.
    pub ended: Option<Stamp>,
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

    /// The number of the message that is recorded next.
    pub(crate) fn next_number(&self) -> Option<u32> {
        u32::try_from(self.records.len()).ok()
    }

    /// The number of the message of that id.
    pub(crate) fn number(&self, id: MessageId) -> Option<u32> {
        self.messages.get(&id.0)
    }

    /// The message of that number, and what became of it so far.
    pub(crate) fn read(&self, number: u32, transit: &Transit) -> Option<Recorded<'_>> {
        self.records.get(number).map(|record| record.read(transit))
    }

    /// The number of the message that first bore the UETR, and where in it.
    pub(crate) fn payment(&self, uetr: [u8; 16]) -> Option<(u32, usize)> {
        let number = self.payments.get(&identity::uetr(uetr))?;
        let message = Recorded::decode(&self.records.get(number)?.0).ok()?.message;
        let mut transactions = message.transactions.iter();
        let index = transactions.position(|transaction| transaction.uetr == Some(uetr))?;
        Some((number, index))
    }

    /// The number of the message with the payment that took an identity.
    pub(crate) fn taker(&self, identity: [u8; 16]) -> Option<u32> {
        self.payments.get(&identity)
    }

    /// The number of the message with the payment that took an identity, and where in it.
    pub(crate) fn bearer(&self, identity: [u8; 16]) -> Option<(u32, usize)> {
        let number = self.payments.get(&identity)?;
        let message = Recorded::decode(&self.records.get(number)?.0).ok()?.message;
        let mut transactions = message.transactions.iter();
        let is_it = |one: &Transaction<'_>| Identities::new(&message, one).strongest() == identity;
        let index = transactions.position(is_it)?;
        Some((number, index))
    }

    /// The first identity that a payment of this group has taken, as a reason.
    pub(crate) fn duplicate(&self, identities: Identities) -> Option<Reason> {
        let taken = |identity: Option<[u8; 16]>, reason| {
            identity.and_then(|identity| self.payments.get(&identity)).map(|_| reason)
        };
        taken(identities.uetr, Reason::DuplicateUetr)
            .or_else(|| taken(identities.transaction, Reason::DuplicateTransaction))
            .or_else(|| taken(identities.in_message, Reason::DuplicateInMessage))
    }

    /// All messages, oldest first.
    pub(crate) fn iter<'a>(
        &'a self,
        transit: &'a Transit,
    ) -> impl DoubleEndedIterator<Item = Recorded<'a>> {
        self.records.iter().map(|record| record.read(transit))
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
    pub(crate) fn assert_complete(&self, transit: &Transit) {
        self.records.assert_unchanged();
        assert_eq!(self.messages.len(), self.records.len(), "every message has one id");
        for (number, recorded) in (0_u32..).zip(self.iter(transit)) {
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
    fn read(&self, transit: &Transit) -> Recorded<'_> {
        let mut recorded =
            Recorded::decode(&self.0).expect("a record is written by the archive itself");
        for index in 0..recorded.verdicts.len() {
            recorded.follow(index, transit);
        }
        recorded
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
        let verdicts: Vec<_> = verdicts.map(Verdict::from_number).collect::<Result<_, _>>()?;
        let message = Message::decode(&mut reader)?;
        reader.end()?;
        let across = alloc::vec![None; verdicts.len()];
        Ok(Self { stamp, raw_sha256, message, verdicts, across })
    }

    /// Looks up what became of a transaction that was pending when the message was recorded.
    fn follow(&mut self, index: usize, transit: &Transit) -> Option<()> {
        let verdict = self.verdicts.get_mut(index)?;
        if *verdict != Verdict::Pending {
            return None;
        }
        let transaction = self.message.transactions.get(index)?;
        let transfer = Identities::new(&self.message, transaction).strongest();
        let across = match (transit.ended(transfer), transit.pending.get(&transfer)) {
            (Some(end), _) => {
                *verdict = end.verdict;
                Across { to: end.to, cancelled: None, ended: Some(end.stamp) }
            }
            (None, Some(open)) => Across { to: open.to, cancelled: open.cancelled, ended: None },
            (None, None) => return None,
        };
        *self.across.get_mut(index)? = Some(across);
        Some(())
    }

    /// The stamp of the last thing that became of it.
    #[must_use]
    pub fn latest(&self) -> Stamp {
        let ends = self.across.iter().flatten().filter_map(|across| across.ended);
        ends.max().unwrap_or(self.stamp).max(self.stamp)
    }
}
