//! Settling what stands in suspense, and finding it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use ledger::TransferId;
use types::{Amount, Currency, Stamp};

use super::Payments;
use crate::archive::Recorded;
use crate::book::FUNDING_KEY;
use crate::cases::{Item, Settlement};
use crate::identity::{self, Identities};
use crate::reply::{Refusal, Reply};
use crate::{Reason, Settle, Transaction, Verdict, Way};

impl Payments {
    /// All cases with the payments that stand, or stood, in them.
    pub fn cases(&self) -> impl Iterator<Item = ((Currency, u64), impl Iterator<Item = &Item>)> {
        self.cases.iter()
    }

    /// The payments of one case in the order in which they were posted.
    pub fn case(&self, currency: Currency, case: u64) -> impl Iterator<Item = &Item> {
        self.cases.items((currency, case))
    }

    /// The steps in which a payment in suspense was settled.
    pub fn settlements<'a>(&'a self, item: &'a Item) -> impl Iterator<Item = &'a Settlement> {
        self.cases.steps_of(item)
    }

    /// What stands, or stood, in suspense for each transaction of a message; `None` where nothing ever did.
    #[must_use]
    pub fn items(&self, recorded: &Recorded<'_>) -> Vec<Option<&Item>> {
        let (message, verdicts) = (&recorded.message, recorded.verdicts.iter());
        let withdrawn = Verdict::Rejected(Reason::Withdrawn);
        if self.cases.is_empty() || !recorded.verdicts.contains(&withdrawn) {
            return verdicts.map(|_| None).collect();
        }
        let number = self.archive.number(message.id());
        let mut names = BTreeSet::new();
        let item = |(one, verdict): (&Transaction<'_>, &Verdict)| {
            let name = Identities::new(message, one).strongest();
            // A transaction that was rejected as known bears the name of another, here or elsewhere.
            let is_first = names.insert(name);
            let is_it = is_first && *verdict == withdrawn && self.archive.taker(name) == number;
            is_it.then(|| self.cases.item(name)).flatten()
        };
        message.transactions.iter().zip(verdicts).map(item).collect()
    }

    /// The payment in suspense of that name.
    #[must_use]
    pub fn item_of_id(&self, id: [u8; 16]) -> Option<&Item> {
        self.cases.item(id)
    }

    /// The message of a payment in suspense, and its place there.
    #[must_use]
    pub fn message_of_item(&self, item: &Item) -> Option<(Recorded<'_>, usize)> {
        let (number, index) = self.archive.bearer(item.id)?;
        Some((self.archive.read(number, &self.transit)?, index))
    }

    pub(super) fn settle(&mut self, stamp: Stamp, settle: &Settle<'_>) -> Reply {
        match self.step(stamp, settle) {
            Ok(reply) => reply,
            Err(refusal) => Reply::Refused(refusal),
        }
    }

    fn step(&mut self, stamp: Stamp, settle: &Settle<'_>) -> Result<Reply, Refusal> {
        let Settle { currency, case, item: id, way, amount, by, reason } = *settle;
        if !self.books.contains_key(&currency) {
            return Err(Refusal::CurrencyNotCarried);
        }
        let item = self.cases.item(id).ok_or(Refusal::CaseUnknown)?;
        if (item.currency, item.case) != (currency, case) {
            return Err(Refusal::CaseUnknown);
        }
        if amount == Amount::ZERO {
            return Err(Refusal::AmountZero);
        }
        if amount > item.most(way) {
            return Err(Refusal::CaseOverdrawn);
        }
        let number = self.cases.next_step().ok_or(Refusal::Full)?;
        let (recorded, index) = self.message_of_item(item).ok_or(Refusal::PaymentUnknown)?;
        let payment = recorded.message.transactions.get(index).ok_or(Refusal::PaymentUnknown)?;
        let account = match way {
            Way::Pay => payment.creditor,
            Way::Return | Way::Collect => payment.debtor,
            Way::WriteBack => FUNDING_KEY,
        };
        let account = alloc::boxed::Box::from(account);
        let book = self.books.get_mut(&currency).ok_or(Refusal::CurrencyNotCarried)?;
        let transfer = TransferId(identity::settlement(id, number));
        book.settle_case(transfer, case, (way, &account), amount)?;
        let (by, reason) = (by.into(), reason.into());
        let kept = Settlement { item: id, way, amount, stamp, currency, account, by, reason };
        assert!(self.cases.keep(kept), "it was held against the item before");
        let left = |sum: Amount, item: &Item| {
            sum.checked_add(item.left()).expect("the ledger holds no less")
        };
        let item_left = self.cases.item(id).map(Item::left).unwrap_or_default();
        let case_left = self.cases.items((currency, case)).fold(Amount::ZERO, left);
        Ok(Reply::CaseSettled { stamp, item_left, case_left })
    }

    /// Finds again which payments stand in suspense: they follow from the messages and the transfers.
    pub(crate) fn restore_items(&mut self) {
        if self.books.values().all(|book| book.suspended().next().is_none()) {
            return;
        }
        for recorded in self.archive.iter(&self.transit) {
            let message = &recorded.message;
            let Some(book) = self.books.get(&message.currency) else { continue };
            for (transaction, verdict) in message.transactions.iter().zip(&recorded.verdicts) {
                if *verdict != Verdict::Rejected(Reason::Withdrawn) {
                    continue;
                }
                let item = Identities::new(message, transaction).strongest();
                let posted = book.suspended_by(TransferId(identity::suspense(item)));
                let Some((case, amount)) = posted else { continue };
                // A second message with the same payment was withdrawn without posting it again.
                if self.cases.item(item).is_none() {
                    let case = (message.currency, case);
                    self.cases.open(Item::new(item, case, amount, recorded.stamp));
                }
            }
        }
    }
}
