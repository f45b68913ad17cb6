//! The state of a group of payments, and how a command changes it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use ledger::{Balance, Totals, TransferId};
use model::{LoadError, Model, Outcome, Outward, Receipt, Resolution, Saving};
use sha2::{Digest, Sha256};
use types::{Amount, ChannelKey, Currency, GroupId, Hash, ModelVersion, Stamp};

use crate::archive::{Archive, Recorded};
use crate::book::clearing::End;
use crate::book::{AccountView, Book};
use crate::credit::{self, Credit};
use crate::identity::{self, Identities};
use crate::limits::AMOUNT_MAX;
use crate::reply::{Refusal, Reply};
use crate::saved::{self, Expected};
use crate::transit::{Ended, Pending, Received, Transit};
use crate::{Command, Message, PaymentKey, Reason, Route, Transaction, Verdict};

/// The books and the archive of one group.
///
/// Nothing is ever forgotten: a message of one payment costs some 500 bytes and an account some 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    pub(crate) books: BTreeMap<Currency, Book>,
    pub(crate) archive: Archive,
    pub(crate) transit: Transit,
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
    /// Transactions that wait for another group.
    pub pending: u64,
    /// The sum of their amounts.
    pub pending_amount: Amount,
    /// Credits that another group's debits paid for.
    pub received: u64,
    /// The sum of their amounts.
    pub received_amount: Amount,
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
        Self {
            books: books.collect(),
            archive: Archive::new(),
            transit: Transit::default(),
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

    /// The message of that id; see [`Message::id`].
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
    pub fn clearings(&self, currency: Currency) -> impl Iterator<Item = (End, Balance)> {
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
        self.archive.assert_complete(&self.transit);
        self.transit.assert_complete();

        let mut counts: BTreeMap<Currency, Counts> = BTreeMap::new();
        let mut suspended = BTreeSet::new();
        for recorded in self.archive.iter(&self.transit) {
            let message = &recorded.message;
            assert_eq!(recorded.verdicts.len(), message.transactions.len(), "one verdict each");
            let counts = counts.entry(message.currency).or_default();
            for (transaction, verdict) in message.transactions.iter().zip(&recorded.verdicts) {
                counts.add(transaction.amount, *verdict);
                if *verdict == Verdict::Rejected(Reason::Withdrawn) {
                    let id = identity::suspense(Identities::new(message, transaction).strongest());
                    suspended.insert((message.currency, TransferId(id)));
                }
                if *verdict == Verdict::Settled {
                    let id = transfer_id(Identities::new(message, transaction));
                    let ledger = self.books.get(&message.currency).map(Book::ledger);
                    let transfer = ledger.and_then(|ledger| ledger.transfer(id));
                    let amount = transfer.map(|transfer| transfer.amount);
                    assert_eq!(amount, Some(transaction.amount), "what is settled was posted");
                }
            }
        }
        for received in self.transit.received.iter() {
            counts.entry(received.currency).or_default().receive(received.amount);
        }
        assert_eq!(counts, self.counts, "the counts are those of the archive");
        self.assert_clearings();

        for (currency, book) in &self.books {
            let funded = book.accounts().filter(|account| account.funding > Amount::ZERO).count();
            let counts = self.counts.get(currency);
            let posted = counts.map_or(0, |counts| {
                counts.settled.saturating_add(counts.pending).saturating_add(counts.received)
            });
            let is_back = |transfer: &ledger::Transfer| {
                book.ledger().transfer(TransferId(identity::reversal(transfer.id.0))).is_some()
            };
            let back = book.ledger().transfers().filter(|transfer| is_back(transfer)).count();
            let posted = usize::try_from(posted).expect("transactions are in memory");
            let transfers = book.ledger().transfers().count();
            let suspended = suspended
                .iter()
                .filter(|(of, id)| of == currency && book.ledger().transfer(*id).is_some());
            let expected = funded
                .checked_add(posted)
                .and_then(|sum| sum.checked_add(back.saturating_mul(2)))
                .and_then(|sum| sum.checked_add(suspended.count()));
            assert_eq!(Some(transfers), expected, "nothing else was posted");
        }
    }

    /// Asserts that what stands on each clearing account is what is pending and what was settled over it, or
    /// what was received (I8).
    fn assert_clearings(&self) {
        let mut expected: BTreeMap<(Currency, End), Amount> = BTreeMap::new();
        for pending in self.transit.pending.values() {
            add(
                expected.entry((pending.currency, End::To(pending.to))).or_default(),
                pending.amount,
            );
        }
        for ended in self.transit.ended.iter().filter(|end| end.verdict == Verdict::Settled) {
            add(expected.entry((ended.currency, End::To(ended.to))).or_default(), ended.amount);
        }
        for received in self.transit.received.iter() {
            let end = End::From(received.from);
            add(expected.entry((received.currency, end)).or_default(), received.amount);
        }
        for (currency, book) in &self.books {
            for (end, balance) in book.clearings() {
                let amount = expected.remove(&(*currency, end)).unwrap_or_default();
                let stands = match (end, balance) {
                    (End::To(_), Balance::Credit(stands))
                    | (End::From(_), Balance::Debit(stands)) => stands,
                    (_, Balance::Credit(stands) | Balance::Debit(stands)) => {
                        assert_eq!(stands, Amount::ZERO, "a clearing account stands on its side");
                        stands
                    }
                };
                assert_eq!(stands, amount, "a clearing account holds what passed over it");
            }
        }
        assert_eq!(expected.len(), 0, "everything that passed has its account");
    }

    /// Counts the transactions of a message that a saved state brought. `false` if they cannot have
    /// been carried out: there is not a verdict for each, or their sum is beyond any ledger's.
    pub(crate) fn count(&mut self, recorded: &Recorded<'_>) -> bool {
        let message = &recorded.message;
        let counts = self.counts.entry(message.currency).or_default();
        let verdicts = message.transactions.iter().zip(&recorded.verdicts);
        recorded.verdicts.len() == message.transactions.len()
            && verdicts.fold(true, |fits, (transaction, verdict)| {
                let sum = match verdict {
                    Verdict::Settled => counts.settled_amount.checked_add(transaction.amount),
                    Verdict::Pending => counts.pending_amount.checked_add(transaction.amount),
                    Verdict::Rejected(_) => Some(Amount::ZERO),
                };
                let fits = fits && sum.is_some();
                if fits {
                    counts.add(transaction.amount, *verdict);
                }
                fits
            })
    }

    /// Counts a payment that a saved state has as ended. `false` if none was pending.
    pub(crate) fn count_ended(&mut self, ended: &Ended) -> bool {
        let counts = self.counts.entry(ended.currency).or_default();
        ended.verdict != Verdict::Pending && counts.end(ended.amount, ended.verdict)
    }

    /// Counts a credit that a saved state has. `false` if the sum is beyond any ledger's.
    pub(crate) fn count_received(&mut self, received: &Received) -> bool {
        let counts = self.counts.entry(received.currency).or_default();
        let fits = counts.received_amount.checked_add(received.amount).is_some();
        if fits {
            counts.receive(received.amount);
        }
        fits
    }

    fn execute(&mut self, stamp: Stamp, command: &[u8], outward: &mut Vec<Outward>) -> Reply {
        let Ok((command, content)) = Command::decode_with_content(command) else {
            return Reply::Refused(Refusal::Malformed);
        };
        match command {
            Command::OpenAccount(open) => match self.books.get_mut(&open.currency) {
                Some(book) => book.open(&open),
                None => Reply::Refused(Refusal::CurrencyNotCarried),
            },
            Command::SetAccountState(set) => match self.books.get_mut(&set.currency) {
                Some(book) => {
                    let pending = &self.transit.pending;
                    let is_owed = set.state == ledger::State::Closed
                        && pending.keys().any(|id| book.has_debited(set.key, TransferId(*id)));
                    if is_owed {
                        return Reply::Refused(Refusal::PaymentsPending);
                    }
                    book.set_state(set.key, set.state)
                }
                None => Reply::Refused(Refusal::CurrencyNotCarried),
            },
            Command::Pay { message, raw } => self.pay(stamp, &message, &[], content, raw, outward),
            Command::PayAcross { message, routes, raw } => {
                self.pay(stamp, &message, &routes, content, raw, outward)
            }
            Command::Cancel(key) => self.cancel(stamp, key, outward),
            Command::Withdraw { message, case, raw } => {
                self.withdraw(stamp, &message, case, content, raw)
            }
        }
    }

    /// Without routes, every transaction is for this group alone.
    fn pay(
        &mut self,
        stamp: Stamp,
        message: &Message<'_>,
        routes: &[Route],
        content: &[u8],
        raw: &[u8],
        outward: &mut Vec<Outward>,
    ) -> Reply {
        let Some(record) = self.archive.next_number() else { return Reply::Refused(Refusal::Full) };
        if let Err(refusal) = self.archive.claim_message(message.id()) {
            return Reply::Refused(refusal);
        }
        let mut verdicts = Vec::with_capacity(message.transactions.len());
        for (index, transaction) in (0_u16..).zip(&message.transactions) {
            let identities = Identities::new(message, transaction);
            let route = routes.get(usize::from(index)).copied().unwrap_or(Route::Here);
            let verdict = self.decide(message.currency, transaction, identities, route);
            if let (Verdict::Pending, Route::To(to)) = (verdict, route) {
                let (currency, amount) = (message.currency, transaction.amount);
                let pending =
                    Pending { to, stamp, currency, amount, cancelled: None, record, index };
                self.transit.pending.insert(identities.strongest(), pending);
                let credit =
                    Credit { currency, amount, identities, creditor: transaction.creditor };
                let (key, message) = (ChannelKey(identities.strongest()), credit.encode());
                outward.push(Outward::Send { to, key, message });
            }
            self.counts.entry(message.currency).or_default().add(transaction.amount, verdict);
            verdicts.push(verdict);
        }
        self.archive.record(stamp, content, raw, &verdicts);
        Reply::Decided { stamp, verdicts }
    }

    /// Records a message that is never to be carried out. Its payments' names are taken as those of any
    /// rejected message: who sends one of them under another message id meets this outcome.
    fn withdraw(
        &mut self,
        stamp: Stamp,
        message: &Message<'_>,
        case: u64,
        content: &[u8],
        raw: &[u8],
    ) -> Reply {
        let mut book = self.books.get_mut(&message.currency).filter(|_| case > 0);
        if book.as_ref().is_some_and(|book| !book.can_suspend(message.transactions.len())) {
            return Reply::Refused(Refusal::Full);
        }
        if let Err(refusal) = self.archive.claim_message(message.id()) {
            return Reply::Refused(refusal);
        }
        let verdict = Verdict::Rejected(Reason::Withdrawn);
        for transaction in &message.transactions {
            let identities = Identities::new(message, transaction);
            // A name that is taken belongs to a payment that was made, or refused, in another message: about
            // that one there is nothing to settle.
            let is_free = self.archive.claim_payment(identities).is_ok();
            if let (Some(book), true) = (&mut book, is_free) {
                let id = TransferId(identity::suspense(identities.strongest()));
                book.suspend(id, case, transaction.amount);
            }
            let counts = self.counts.entry(message.currency).or_default();
            counts.add(transaction.amount, verdict);
        }
        let verdicts = alloc::vec![verdict; message.transactions.len()];
        self.archive.record(stamp, content, raw, &verdicts);
        Reply::Decided { stamp, verdicts }
    }

    /// Settles or rejects a transaction. The rules stand in the order of [`Reason`].
    fn decide(
        &mut self,
        currency: Currency,
        transaction: &Transaction<'_>,
        identities: Identities,
        route: Route,
    ) -> Verdict {
        if let Err(duplicate) = self.archive.claim_payment(identities) {
            return Verdict::Rejected(duplicate);
        }
        if let Some(duplicate) = self.transit.duplicate(identities) {
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
        let id = transfer_id(identities);
        match route {
            Route::Here => book.settle(id, transaction),
            Route::To(to) => match book.send(id, transaction.debtor, transaction.amount, to) {
                Ok(()) => Verdict::Pending,
                Err(reason) => Verdict::Rejected(reason),
            },
            Route::Astray => Verdict::Rejected(Reason::DebtorElsewhere),
        }
    }

    /// Credits what another group has debited, or says why not.
    fn credit(&mut self, stamp: Stamp, from: GroupId, credit: &Credit<'_>) -> Result<(), Reason> {
        let Credit { currency, amount, identities, creditor } = *credit;
        let duplicate = self.archive.duplicate(identities);
        let duplicate = duplicate.or_else(|| self.transit.duplicate(identities));
        self.transit.claim(identities);
        if let Some(duplicate) = duplicate {
            return Err(duplicate);
        }
        let book = self.books.get_mut(&currency).ok_or(Reason::CurrencyNotCarried)?;
        book.receive(transfer_id(identities), creditor, amount, from)?;
        let (transfer, creditor) = (identities.strongest(), creditor.into());
        let received = Received { transfer, from, stamp, currency, amount, creditor };
        let pushed = self.transit.received.push(received);
        assert!(pushed.is_some(), "the ledger is full before this list");
        self.counts.entry(currency).or_default().receive(amount);
        Ok(())
    }

    /// Asks the groups that keep the creditors' accounts to let be what is pending of a payment.
    fn cancel(&mut self, stamp: Stamp, key: PaymentKey<'_>, outward: &mut Vec<Outward>) -> Reply {
        let found = match key {
            PaymentKey::Uetr(uetr) => {
                self.archive.payment(uetr).map(|(record, index)| (record, Some(index)))
            }
            PaymentKey::Message { sender, message_id } => {
                let id = crate::message_id(sender, message_id);
                self.archive.number(id).map(|record| (record, None))
            }
        };
        let Some((record, index)) = found else { return Reply::Refused(Refusal::PaymentUnknown) };
        let mut count = 0_u16;
        for (transfer, pending) in &mut self.transit.pending {
            let is_it = pending.record == record
                && index.is_none_or(|index| index == usize::from(pending.index));
            if is_it {
                pending.cancelled.get_or_insert(stamp);
                count = count.saturating_add(1);
                outward.push(Outward::Cancel { to: pending.to, key: ChannelKey(*transfer) });
            }
        }
        if count == 0 {
            return Reply::Refused(Refusal::NothingPending);
        }
        Reply::Cancelling(count)
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
        let reply = self.execute(stamp, command, &mut outcome.outward);
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
            Verdict::Pending => {
                self.pending = self.pending.saturating_add(1);
                add(&mut self.pending_amount, amount);
            }
        }
    }

    /// One that was pending is not any more. `false` if none of that amount can have been.
    fn end(&mut self, amount: Amount, verdict: Verdict) -> bool {
        let left = (self.pending.checked_sub(1), self.pending_amount.checked_sub(amount));
        let (Some(pending), Some(pending_amount)) = left else { return false };
        (self.pending, self.pending_amount) = (pending, pending_amount);
        self.add(amount, verdict);
        true
    }

    fn receive(&mut self, amount: Amount) {
        self.received = self.received.saturating_add(1);
        add(&mut self.received_amount, amount);
    }
}

/// The transfer of a transaction bears its strongest identity.
fn transfer_id(identities: Identities) -> TransferId {
    TransferId(identities.strongest())
}

/// Adds to a sum of posted amounts, which the ledger has already added up in its totals.
fn add(sum: &mut Amount, amount: Amount) {
    *sum = sum.checked_add(amount).expect("the ledger's totals hold no less");
}
