//! Carrying out one command.

use alloc::vec::Vec;

use ledger::TransferId;
use model::Outward;
use types::{Amount, ChannelKey, Currency, GroupId, ModelVersion, Stamp};

use super::Payments;
use crate::accounted::Note;
use crate::cases::{Item, Source};
use crate::credit::Credit;
use crate::identity::{self, Identities};
use crate::limits::AMOUNT_MAX;
use crate::reply::{Refusal, Reply};
use crate::transit::{Pending, Received};
use crate::{Command, Message, PaymentKey, Reason, Reopen, Route, Transaction, Verdict};

impl Payments {
    pub(super) fn execute(
        &mut self,
        version: ModelVersion,
        stamp: Stamp,
        command: &[u8],
        outward: &mut Vec<Outward>,
    ) -> Reply {
        let Ok((command, content)) = Command::decode_with_content(command) else {
            return Reply::Refused(Refusal::Malformed);
        };
        let knows_reopening = version >= Self::REOPENS;
        if !knows_reopening && command.is_of_reopening() {
            return Reply::Refused(Refusal::Malformed);
        }
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
            Command::Settle(settle) => self.settle(stamp, &settle),
            Command::Reopen(Reopen { case, by, reason, plan }) => {
                let (plan, note) = (plan.into(), Note { case, by, reason }.encode());
                outward.push(Outward::Rebase { plan, note });
                // What stands unless the channel's end says otherwise, which it does in this step.
                Reply::Refused(Refusal::PlanUnreadable)
            }
            Command::Withdraw { message, case, raw } => {
                self.withdraw(stamp, &message, (case, knows_reopening), content, raw)
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
        (case, knows_reopening): (u64, bool),
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
            let mut is_free = self.archive.claim_payment(identities).is_ok();
            // Nor about one that came from another ledger, or was accounted for: that stands in its own case.
            is_free &= !knows_reopening || self.transit.duplicate(identities).is_none();
            if let (Some(book), true) = (&mut book, is_free) {
                let (item, amount) = (identities.strongest(), transaction.amount);
                if book.suspend(TransferId(identity::suspense(item)), case, amount) {
                    let item = (item, Source::Withdrawn);
                    self.cases.open(Item::new(item, (message.currency, case), amount, stamp));
                }
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
    pub(super) fn credit(
        &mut self,
        stamp: Stamp,
        from: GroupId,
        credit: &Credit<'_>,
    ) -> Result<(), Reason> {
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

/// The transfer of a transaction bears its strongest identity.
pub(super) fn transfer_id(identities: Identities) -> TransferId {
    TransferId(identities.strongest())
}
