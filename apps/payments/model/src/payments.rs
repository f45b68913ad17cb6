//! The state of a group of payments, and how a command changes it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use ledger::{Balance, Totals, TransferId};
use model::{LoadError, Model, Outcome, Saving};
use sha2::{Digest, Sha256};
use types::{Amount, Currency, Hash, ModelVersion, Stamp};

use crate::archive::{Archive, Recorded};
use crate::book::{AccountView, Book};
use crate::identity::Identities;
use crate::limits::AMOUNT_MAX;
use crate::reply::{Refusal, Reply};
use crate::saved::{self, Expected};
use crate::{Command, Message, Reason, Transaction, Verdict};

/// The books and the archive of one group.
///
/// Nothing is ever forgotten: a message of one payment costs some 500 bytes and an account some 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    pub(crate) books: BTreeMap<Currency, Book>,
    pub(crate) archive: Archive,
    /// Kept on the way so that nobody has to read the archive to know them.
    counts: BTreeMap<Currency, Counts>,
    /// While a saved state is being taken in.
    pub(crate) loading: Option<Expected>,
}

/// How many transactions in one currency came to what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Settled transactions.
    pub settled: u64,
    /// The sum of their amounts.
    pub settled_amount: Amount,
    /// Rejected transactions by reason.
    pub rejected: BTreeMap<Reason, u64>,
}

/// What a book adds up to. All four are from what the accounts hold; debits and credits are equal,
/// and so are the two sums of balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// All that was ever debited.
    pub debits: Amount,
    /// All that was ever credited.
    pub credits: Amount,
    /// The balances of accounts with more debits than credits.
    pub debit_balances: Amount,
    /// The balances of accounts with more credits than debits.
    pub credit_balances: Amount,
}

impl Payments {
    /// Empty books in these currencies. A group's currencies are part of what it is: all its
    /// replicas must be given the same.
    #[must_use]
    pub fn new(currencies: impl IntoIterator<Item = Currency>) -> Self {
        let books = currencies.into_iter().map(|currency| (currency, Book::new(currency)));
        let counts = BTreeMap::new();
        Self { books: books.collect(), archive: Archive::new(), counts, loading: None }
    }

    /// The currencies it keeps books in, in order of code.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.books.keys().copied()
    }

    /// The message that `sender` sent under that id.
    #[must_use]
    pub fn message(&self, sender: &str, message_id: &str) -> Option<Recorded<'_>> {
        self.archive.message(crate::message_id(sender, message_id))
    }

    /// The message that first bore the UETR, and the index of the transaction in it. A later one with
    /// the same UETR was rejected, and is found by its message.
    #[must_use]
    pub fn payment(&self, uetr: [u8; 16]) -> Option<(Recorded<'_>, usize)> {
        self.archive.payment(uetr)
    }

    /// All messages in the order in which they were carried out; runs backwards as well.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = Recorded<'_>> {
        self.archive.iter()
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
            add(side, balance);
            add(&mut sums.debits, account.debits());
            add(&mut sums.credits, account.credits());
        }
        Some(sums)
    }

    /// How many transactions came to what, by currency; also for currencies without a book, whose
    /// transactions were all rejected.
    #[must_use]
    pub const fn counts(&self) -> &BTreeMap<Currency, Counts> {
        &self.counts
    }

    /// Asserts that all books balance. Cheap enough for after every command.
    ///
    /// # Panics
    /// If one does not.
    pub fn assert_invariants(&self) {
        self.books.values().for_each(Book::assert_invariants);
    }

    /// Reads the whole state again and asserts that everything in it agrees: ledgers with their
    /// transfers, indexes with what they lead to, counts with the archive, and every settled
    /// transaction with one transfer of its amount.
    ///
    /// # Panics
    /// If anything does not agree.
    pub fn assert_books(&self) {
        self.books.values().for_each(Book::assert_books);
        self.archive.assert_complete();

        let mut counts: BTreeMap<Currency, Counts> = BTreeMap::new();
        for recorded in self.archive.iter() {
            let message = &recorded.message;
            assert_eq!(recorded.verdicts.len(), message.transactions.len(), "one verdict each");
            let counts = counts.entry(message.currency).or_default();
            for (transaction, verdict) in message.transactions.iter().zip(&recorded.verdicts) {
                counts.add(transaction.amount, *verdict);
                if *verdict == Verdict::Settled {
                    let id = transfer_id(Identities::new(message, transaction));
                    let ledger = self.books.get(&message.currency).map(Book::ledger);
                    let transfer = ledger.and_then(|ledger| ledger.transfer(id));
                    let amount = transfer.map(|transfer| transfer.amount);
                    assert_eq!(amount, Some(transaction.amount), "what is settled was posted");
                }
            }
        }
        assert_eq!(counts, self.counts, "the counts are those of the archive");

        for (currency, book) in &self.books {
            let funded = book.accounts().filter(|account| account.funding > Amount::ZERO).count();
            let settled = self.counts.get(currency).map_or(0, |counts| counts.settled);
            let settled = usize::try_from(settled).expect("settled transactions are in memory");
            let transfers = book.ledger().transfers().count();
            assert_eq!(Some(transfers), funded.checked_add(settled), "nothing else was posted");
        }
    }

    /// Counts the transactions of a message that a saved state brought. `false` if they cannot have
    /// been carried out: there is not a verdict for each, or their sum is beyond any ledger's.
    pub(crate) fn count(&mut self, recorded: &Recorded<'_>) -> bool {
        let message = &recorded.message;
        let counts = self.counts.entry(message.currency).or_default();
        let verdicts = message.transactions.iter().zip(&recorded.verdicts);
        recorded.verdicts.len() == message.transactions.len()
            && verdicts.fold(true, |fits, (transaction, verdict)| {
                let sum = counts.settled_amount.checked_add(transaction.amount);
                let fits = fits && (sum.is_some() || *verdict != Verdict::Settled);
                if fits {
                    counts.add(transaction.amount, *verdict);
                }
                fits
            })
    }

    fn execute(&mut self, stamp: Stamp, command: &[u8]) -> Reply {
        let Ok((command, content)) = Command::decode_with_content(command) else {
            return Reply::Refused(Refusal::Malformed);
        };
        match command {
            Command::OpenAccount(open) => match self.books.get_mut(&open.currency) {
                Some(book) => book.open(&open),
                None => Reply::Refused(Refusal::CurrencyNotCarried),
            },
            Command::SetAccountState(set) => match self.books.get_mut(&set.currency) {
                Some(book) => book.set_state(set.key, set.state),
                None => Reply::Refused(Refusal::CurrencyNotCarried),
            },
            Command::Pay { message, raw } => self.pay(stamp, &message, content, raw),
        }
    }

    fn pay(&mut self, stamp: Stamp, message: &Message<'_>, content: &[u8], raw: &[u8]) -> Reply {
        if let Err(refusal) = self.archive.claim_message(message.id()) {
            return Reply::Refused(refusal);
        }
        let mut verdicts = Vec::with_capacity(message.transactions.len());
        for transaction in &message.transactions {
            let identities = Identities::new(message, transaction);
            let verdict = self.decide(message.currency, transaction, identities);
            self.counts.entry(message.currency).or_default().add(transaction.amount, verdict);
            verdicts.push(verdict);
        }
        self.archive.record(stamp, content, raw, &verdicts);
        Reply::Decided { stamp, verdicts }
    }

    /// Settles or rejects a transaction. The rules stand in the order of [`Reason`].
    fn decide(
        &mut self,
        currency: Currency,
        transaction: &Transaction<'_>,
        identities: Identities,
    ) -> Verdict {
        if let Err(duplicate) = self.archive.claim_payment(identities) {
            return Verdict::Rejected(duplicate);
        }
        let Some(book) = self.books.get_mut(&currency) else {
            return Verdict::Rejected(Reason::CurrencyNotCarried);
        };
        if transaction.amount == Amount::ZERO {
            return Verdict::Rejected(Reason::ZeroAmount);
        }
        if transaction.amount > AMOUNT_MAX {
            return Verdict::Rejected(Reason::AmountTooLarge);
        }
        book.settle(transfer_id(identities), transaction)
    }
}

impl Model for Payments {
    /// One version so far. What the next one does differently goes where it differs, under the version
    /// that it is given; everything else stays as it is for both.
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=ModelVersion::FIRST
    }

    fn apply(
        &mut self,
        _version: ModelVersion,
        stamp: Stamp,
        command: &[u8],
        outcome: &mut Outcome,
    ) {
        let reply = self.execute(stamp, command);
        outcome.reply.clear();
        reply.encode(&mut outcome.reply);
    }

    /// Books in order of currency, then the archive. The counts and indexes are not in it: they
    /// follow from the rest. Grows with the number of accounts, not of payments.
    fn digest(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix(b"payments/1");
        hasher.update(u64::try_from(self.books.len()).unwrap_or(u64::MAX).to_le_bytes());
        for book in self.books.values() {
            hasher.update(book.digest().0);
        }
        hasher.update(self.archive.digest().0);
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

impl Counts {
    fn add(&mut self, amount: Amount, verdict: Verdict) {
        match verdict {
            Verdict::Settled => {
                self.settled = self.settled.saturating_add(1);
                add(&mut self.settled_amount, amount);
            }
            Verdict::Rejected(reason) => {
                let count = self.rejected.entry(reason).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
}

/// The transfer of a transaction bears its strongest identity.
fn transfer_id(identities: Identities) -> TransferId {
    TransferId(identities.iter().next().expect("every transaction has an identity"))
}

/// Adds to a sum of posted amounts, which the ledger has already added up in its totals.
fn add(sum: &mut Amount, amount: Amount) {
    *sum = sum.checked_add(amount).expect("the ledger's totals hold no less");
}
