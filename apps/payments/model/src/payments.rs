//! The state of a group of payments, and how a command changes it.

mod audit;
mod carry;
mod counts;
mod reopen;
mod settle;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use ledger::{Balance, Totals, TransferId};
use model::{End, LoadError, Missed, Model, Outcome, Passed, Rebase, Receipt, Resolution, Saving};
use sha2::{Digest, Sha256};
use types::{ChannelKey, Currency, GroupId, Hash, ModelVersion, Stamp};

pub use self::counts::{Counts, Sums};
use crate::archive::{Archive, Recorded};
use crate::book::clearing;
use crate::book::{AccountView, Book};
use crate::cases::Cases;
use crate::credit::{self, Credit};
use crate::identity::{self, Identities};
use crate::saved::{self, Expected};
use crate::transit::{Ended, Pending, Received, Transit};
use crate::{Leg, Reason, Verdict};

/// The books and the archive of one group.
///
/// Nothing is ever forgotten: a message of one payment costs some 500 bytes and an account some 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    pub(crate) books: BTreeMap<Currency, Book>,
    pub(crate) archive: Archive,
    pub(crate) transit: Transit,
    pub(crate) cases: Cases,
    /// Kept on the way so that nobody has to read the archive to know them.
    counts: BTreeMap<Currency, Counts>,
    /// While a saved state is being taken in.
    pub(crate) loading: Option<Expected>,
}

impl Payments {
    /// The first version under which channels can be opened again. Before it, such orders and those that settle what
    /// they leave are refused as any that no code knows.
    pub const REOPENS: ModelVersion = ModelVersion(2);

    /// Empty books in these currencies. A group's currencies are part of what it is: all its
    /// replicas must be given the same.
    #[must_use]
    pub fn new(currencies: impl IntoIterator<Item = Currency>) -> Self {
        let books = currencies.into_iter().map(|currency| (currency, Book::new(currency)));
        Self {
            books: books.collect(),
            archive: Archive::new(),
            transit: Transit::default(),
            cases: Cases::default(),
            counts: BTreeMap::new(),
            loading: None,
        }
    }

    /// The currencies it keeps books in, in order of code.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.books.keys().copied()
    }

    /// The message that `sender` sent under that id.
    #[must_use]
    pub fn message(&self, sender: &str, message_id: &str) -> Option<Recorded<'_>> {
        let number = self.archive.number(crate::message_id(sender, message_id))?;
        self.archive.read(number, &self.transit)
    }

    /// The message that first bore the UETR, and the index of the transaction in it. A later one with
    /// the same UETR was rejected, and is found by its message.
    #[must_use]
    pub fn payment(&self, uetr: [u8; 16]) -> Option<(Recorded<'_>, usize)> {
        let (number, index) = self.archive.payment(uetr)?;
        Some((self.archive.read(number, &self.transit)?, index))
    }

    /// The message of that id; see [`crate::Message::id`].
    #[must_use]
    pub fn recorded(&self, id: types::MessageId) -> Option<Recorded<'_>> {
        self.archive.read(self.archive.number(id)?, &self.transit)
    }

    /// The transfers of a message that are pending; `None` if the message is not known.
    #[must_use]
    pub fn pending_of(&self, id: types::MessageId) -> Option<Vec<[u8; 16]>> {
        let recorded = self.recorded(id)?;
        let pairs = recorded.message.transactions.iter().zip(&recorded.verdicts);
        let pending = pairs.filter(|(_, verdict)| **verdict == Verdict::Pending);
        let transfers = pending.map(|(one, _)| Identities::new(&recorded.message, one).strongest());
        Some(transfers.collect())
    }

    /// Whether the payment of that transfer is pending. Costs little, however many were carried out.
    #[must_use]
    pub fn is_pending(&self, transfer: [u8; 16]) -> bool {
        self.transit.pending.contains_key(&transfer)
    }

    /// Whether a transfer was posted in that currency.
    #[must_use]
    pub fn has_posted(&self, currency: Currency, id: TransferId) -> bool {
        self.books.get(&currency).is_some_and(|book| book.ledger().transfer(id).is_some())
    }

    /// All messages in the order in which they were carried out; runs backwards as well.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
        self.archive.iter(&self.transit)
    }

    /// The payments that wait for another group, with their transfers.
    pub fn pending(&self) -> impl Iterator<Item = ([u8; 16], &Pending)> {
        self.transit.pending.iter().map(|(transfer, pending)| (*transfer, pending))
    }

    /// The message in which a pending payment came, and its place there.
    #[must_use]
    pub fn message_of(&self, pending: &Pending) -> Option<(Recorded<'_>, usize)> {
        let recorded = self.archive.read(pending.record, &self.transit)?;
        Some((recorded, usize::from(pending.index)))
    }

    /// What stands on the suspense accounts in that currency, by case.
    pub fn suspended(&self, currency: Currency) -> impl Iterator<Item = (u64, Balance)> {
        self.books.get(&currency).into_iter().flat_map(Book::suspended)
    }

    /// How payments ended that waited for another group, in order.
    pub fn ended(&self) -> impl DoubleEndedIterator<Item = &Ended> {
        self.transit.ended.iter()
    }

    /// The credits that other groups' debits paid for, in order.
    pub fn received(&self) -> impl DoubleEndedIterator<Item = &Received> {
        self.transit.received.iter()
    }

    /// The ends of clearing pairs in that currency that stand here, with their balances.
    pub fn clearings(&self, currency: Currency) -> impl Iterator<Item = (clearing::End, Balance)> {
        self.books.get(&currency).into_iter().flat_map(Book::clearings)
    }

    /// How many messages were carried out.
    #[must_use]
    pub const fn message_count(&self) -> usize {
        self.archive.len()
    }

    /// The account of that key in that currency.
    #[must_use]
    pub fn account(&self, currency: Currency, key: &str) -> Option<AccountView<'_>> {
        self.books.get(&currency)?.account(key)
    }

    /// All accounts in that currency in the order in which they were opened; the house's funding
    /// account is the first.
    pub fn accounts(&self, currency: Currency) -> impl Iterator<Item = AccountView<'_>> {
        self.books.get(&currency).into_iter().flat_map(Book::accounts)
    }

    /// How many accounts there are in that currency, the house's funding account among them.
    #[must_use]
    pub fn account_count(&self, currency: Currency) -> usize {
        self.books.get(&currency).map_or(0, Book::account_count)
    }

    /// The accounts in that currency from the one of that number on, counted from 0, at no cost for
    /// those before it.
    pub fn accounts_from(
        &self,
        currency: Currency,
        number: usize,
    ) -> impl Iterator<Item = AccountView<'_>> {
        self.books.get(&currency).into_iter().flat_map(move |book| book.accounts_from(number))
    }

    /// What the running totals of that currency's ledger are; `None` without a book.
    #[must_use]
    pub fn totals(&self, currency: Currency) -> Option<Totals> {
        Some(self.books.get(&currency)?.ledger().totals())
    }

    /// Adds up all accounts of that currency; `None` without a book.
    #[must_use]
    pub fn sums(&self, currency: Currency) -> Option<Sums> {
        let book = self.books.get(&currency)?;
        let mut sums = Sums::default();
        for account in book.ledger().accounts() {
            let (side, balance) = match account.balance() {
                Balance::Debit(amount) => (&mut sums.debit_balances, amount),
                Balance::Credit(amount) => (&mut sums.credit_balances, amount),
            };
            counts::add(side, balance);
            counts::add(&mut sums.debits, account.debits());
            counts::add(&mut sums.credits, account.credits());
        }
        Some(sums)
    }

    /// How many transactions came to what, by currency; also for currencies without a book, whose
    /// transactions were all rejected.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<Currency, Counts> {
        &self.counts
    }
}

impl Model for Payments {
    /// What a version does differently goes where it differs, under the version that it is given; everything else
    /// stays as it is for all. Since [`Payments::REOPENS`] channels can be opened again.
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=Self::REOPENS
    }

    fn apply(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        command: &[u8],
        outcome: &mut Outcome,
    ) {
        let reply = self.execute(version, stamp, command, &mut outcome.outward);
        outcome.reply.clear();
        reply.encode(&mut outcome.reply);
    }

    fn receive(
        &mut self,
        _: ModelVersion,
        stamp: Stamp,
        from: GroupId,
        message: &[u8],
        outcome: &mut Outcome,
    ) -> Receipt {
        outcome.reply.clear();
        let done = match Credit::decode(message) {
            Ok(credit) => self.credit(stamp, from, &credit),
            // Of a later version: nothing is credited, and the payer has it back.
            Err(_) => Err(Reason::SettlementFailed),
        };
        match done {
            Ok(()) => Receipt::Applied,
            Err(reason) => {
                outcome.reply.push(Verdict::Rejected(reason).number());
                Receipt::Refused
            }
        }
    }

    fn resolve(
        &mut self,
        _: ModelVersion,
        stamp: Stamp,
        _: GroupId,
        key: ChannelKey,
        resolution: Resolution<'_>,
        _: &mut Outcome,
    ) {
        let verdict = match resolution {
            Resolution::Applied(_) => Verdict::Settled,
            Resolution::Refused(reply) => Verdict::Rejected(credit::refusal(reply)),
            Resolution::Cancelled => Verdict::Rejected(Reason::Cancelled),
            Resolution::Unsent => Verdict::Rejected(Reason::CreditorUnreachable),
        };
        let pending = self.transit.end(key.0, stamp, verdict).expect("what was sent is pending");
        let reversal = (verdict != Verdict::Settled).then(|| TransferId(identity::reversal(key.0)));
        let book = self.books.get_mut(&pending.currency).expect("it was debited in this book");
        book.end(TransferId(key.0), reversal);
        let fits = self.counts.entry(pending.currency).or_default().end(pending.amount, verdict);
        assert!(fits, "what ends was counted as pending");
    }

    fn passed(&self, peer: GroupId, end: End) -> Vec<Passed> {
        self.passed_over(peer, end)
    }

    fn passed_detail(&self, _: GroupId, end: End, place: u64) -> Vec<u8> {
        self.passed_leg(end, place).map(|leg| leg.encode()).unwrap_or_default()
    }

    fn message_detail(&self, message: &[u8]) -> Vec<u8> {
        Leg::of_message(message).map(|leg| leg.encode()).unwrap_or_default()
    }

    fn may_rebase(&self, end: (GroupId, End), missed: &[Missed<'_>], note: &[u8]) -> bool {
        self.can_account(end, missed, note)
    }

    fn rebased(
        &mut self,
        _: ModelVersion,
        stamp: Stamp,
        end: (GroupId, End),
        rebase: Rebase<'_>,
        note: &[u8],
        outcome: &mut Outcome,
    ) {
        let reply = self.account_for(stamp, end, rebase, note);
        outcome.reply.clear();
        reply.encode(&mut outcome.reply);
    }

    /// Books in order of currency, then the archive. The counts and indexes are not in it: they
    /// follow from the rest. Grows with the number of accounts and of what is pending, not of payments.
    fn digest(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix(b"payments/1");
        hasher.update(u64::try_from(self.books.len()).unwrap_or(u64::MAX).to_le_bytes());
        for book in self.books.values() {
            hasher.update(book.digest().0);
        }
        hasher.update(self.archive.digest().0);
        if !self.transit.is_unused() {
            hasher.update(self.transit.digest().0);
        }
        if let Some(steps) = self.cases.digest() {
            hasher.update(steps.0);
        }
        Hash(hasher.finalize().into())
    }

    fn save(&self) -> Saving {
        saved::begin(self)
    }

    fn save_next(&self, saving: &mut Saving, bytes_max: usize) -> Option<Vec<u8>> {
        saved::next(self, saving, bytes_max)
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        saved::load(self, part)
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        saved::loaded(self)
    }
}
