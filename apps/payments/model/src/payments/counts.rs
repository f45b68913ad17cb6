//! How many transactions came to what, kept on the way so that nobody has to read the archive to know it.

use alloc::collections::BTreeMap;

use types::Amount;

use super::Payments;
use crate::archive::Recorded;
use crate::transit::{Ended, Received};
use crate::{Reason, Verdict};

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
}

impl Counts {
    pub(super) fn add(&mut self, amount: Amount, verdict: Verdict) {
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
    pub(super) fn end(&mut self, amount: Amount, verdict: Verdict) -> bool {
        let left = (self.pending.checked_sub(1), self.pending_amount.checked_sub(amount));
        let (Some(pending), Some(pending_amount)) = left else { return false };
        (self.pending, self.pending_amount) = (pending, pending_amount);
        self.add(amount, verdict);
        true
    }

    pub(super) fn receive(&mut self, amount: Amount) {
        self.received = self.received.saturating_add(1);
        add(&mut self.received_amount, amount);
    }
}

/// Adds to a sum of posted amounts, which the ledger has already added up in its totals.
pub(super) fn add(sum: &mut Amount, amount: Amount) {
    *sum = sum.checked_add(amount).expect("the ledger's totals hold no less");
}
