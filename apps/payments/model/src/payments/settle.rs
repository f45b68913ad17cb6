//! Settling what stands in suspense, and finding it.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use ledger::TransferId;
use model::End;
use types::{Amount, Currency, Stamp};

use super::Payments;
use crate::accounted::Accounted;
use crate::archive::Recorded;
use crate::book::FUNDING_KEY;
use crate::cases::{Item, Settlement, Source};
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
        let Settle { currency, case, item: id, way, amount, by, reason, account: named } = *settle;
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
        let account = self.other_side(item, way, named)?;
        let is_inward = item.is_inward(way);
        let book = self.books.get_mut(&currency).ok_or(Refusal::CurrencyNotCarried)?;
        let transfer = TransferId(identity::settlement(id, number));
        book.settle_case(transfer, case, (way, &account, is_inward), amount)?;
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

    /// The account with which a case settles, given the one that the order names.
    fn other_side(&self, item: &Item, way: Way, named: Option<&str>) -> Result<Box<str>, Refusal> {
        // An order may name an account only where nothing else does.
        let is_nameless = item.is_owed() && way == Way::Collect;
        match (way, named) {
            (_, Some(key)) if is_nameless => return Ok(key.into()),
            (_, Some(_)) => return Err(Refusal::AccountForbidden),
            (Way::WriteBack, None) => return Ok(FUNDING_KEY.into()),
            (Way::Pay | Way::Return | Way::Collect, None) => {}
        }
        if let Some(accounted) = self.accounted(item) {
            let is_pay = way == Way::Pay;
            return is_pay.then(|| accounted.leg.creditor.clone()).ok_or(Refusal::PaymentUnknown);
        }
        let (recorded, index) = self.message_of_item(item).ok_or(Refusal::PaymentUnknown)?;
        let payment = recorded.message.transactions.get(index).ok_or(Refusal::PaymentUnknown)?;
        Ok(if way == Way::Pay { payment.creditor } else { payment.debtor }.into())
    }

    /// What was accounted for, if that is why an item stands in its case.
    #[must_use]
    pub fn accounted(&self, item: &Item) -> Option<&Accounted> {
        (item.source != Source::Withdrawn).then(|| self.transit.accounted_as(item.id))?
    }

    /// Finds again which payments stand in suspense: they follow from the messages and the transfers.
    pub(crate) fn restore_items(&mut self) {
        if self.books.values().all(|book| book.suspended().next().is_none()) {
            return;
        }
        for one in self.transit.accounted.iter() {
            let case = (one.leg.currency, one.case);
            self.cases.open(Item::new(item_of(one), case, one.leg.amount, one.stamp));
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
                    let item = (item, Source::Withdrawn);
                    self.cases.open(Item::new(item, case, amount, recorded.stamp));
                }
            }
        }
    }
}

/// The name and the source of what was accounted for.
pub(super) fn item_of(one: &Accounted) -> ([u8; 16], Source) {
    let source = match one.end {
        End::Sender => Source::Owed(one.peer),
        End::Receiver => Source::Held(one.peer),
    };
    (identity::accounted(one.transfer, one.peer, one.end), source)
}
