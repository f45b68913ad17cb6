//! Whether everything in the state agrees with everything else, read again from the beginning.

use alloc::collections::{BTreeMap, BTreeSet};

use ledger::{Balance, TransferId};
use types::{Amount, Currency};

use super::Payments;
use super::carry::transfer_id;
use super::counts::{Counts, add};
use crate::book::Book;
use crate::book::clearing::End;
use crate::cases::Source;
use crate::identity::{self, Identities};
use crate::{Reason, Verdict};

impl Payments {
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
        self.cases.assert_complete();
        self.assert_cases();

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
            let settled = self.cases.steps.iter().filter(|step| step.currency == *currency).count();
            let accounted = self.transit.accounted.iter();
            let accounted = accounted.filter(|one| one.leg.currency == *currency).count();
            let expected = funded
                .checked_add(posted)
                .and_then(|sum| sum.checked_add(back.saturating_mul(2)))
                .and_then(|sum| sum.checked_add(suspended.count()))
                .and_then(|sum| sum.checked_add(settled))
                .and_then(|sum| sum.checked_add(accounted));
            assert_eq!(Some(transfers), expected, "nothing else was posted");
        }
    }

    /// Asserts that what stands on the account of each case is what is left of its payments, and that these are
    /// all that were withdrawn under it.
    fn assert_cases(&self) {
        let mut left: BTreeMap<(Currency, u64), [Amount; 2]> = BTreeMap::new();
        for (case, items) in self.cases.iter() {
            for item in items {
                let book = self.books.get(&item.currency);
                let id = match item.source {
                    Source::Withdrawn => TransferId(identity::suspense(item.id)),
                    Source::Owed(_) | Source::Held(_) => TransferId(item.id),
                };
                let posted = book.and_then(|book| book.suspended_by(id));
                assert_eq!(posted, Some((item.case, item.amount)), "an item was posted");
                let [held, owed] = left.entry(case).or_default();
                add(if item.is_owed() { owed } else { held }, item.left());
            }
        }
        for (currency, book) in &self.books {
            for (case, balance) in book.suspended() {
                let [held, owed] = left.remove(&(*currency, case)).unwrap_or_default();
                let left = match held.checked_sub(owed) {
                    Some(held) => Balance::Credit(held),
                    None => Balance::Debit(owed.checked_sub(held).expect("it is the larger")),
                };
                assert_eq!(balance, left, "a case holds what is left in it");
            }
        }
        assert_eq!(left.len(), 0, "every case has its account");
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
        for one in self.transit.accounted.iter() {
            let end = match one.end {
                model::End::Sender => End::To(one.peer),
                model::End::Receiver => End::From(one.peer),
            };
            add(expected.entry((one.leg.currency, end)).or_default(), one.leg.amount);
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
}
