//! A message as a look-up takes it home from the core thread.
//!
//! The core thread must not stand still while an answer is put into words, so a look-up copies what
//! it found, some microseconds for a usual message, and the rest happens where the request is.

use group::Group;
use payments_model::{
    Across, Date, Item, Message, Payments, Recorded, Settlement, Transaction, Verdict, Version,
};
use types::{Amount, Currency, GroupId, Hash, Now, Seq, Stamp, Token};
use wire::Origin;

/// A message that was carried out, with where this node stood when it was looked up.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) group: GroupId,
    pub(crate) now: Now,
    pub(crate) applied: Seq,
    pub(crate) closed: Stamp,
    pub(crate) stamp: Stamp,
    pub(crate) raw_sha256: Hash,
    pub(crate) verdicts: Vec<Verdict>,
    /// What whoever is told of this has seen.
    pub(crate) token: Option<Token>,
    pub(crate) across: Vec<Option<Across>>,
    /// Of each transaction what stands, or stood, in suspense, with the steps in which it was settled.
    pub(crate) suspended: Vec<Option<(Item, Vec<Settlement>)>>,
    /// The record that was set aside and out of which it was handed in again, if it was.
    pub(crate) origin: Option<Origin>,
    /// When the last of its statuses was reached.
    pub(crate) latest: Stamp,
    currency: Currency,
    version: Version,
    settlement_date: Option<Date>,
    sender: String,
    message_id: String,
    lines: Vec<Line>,
}

/// What became of a message so far, as an answer needs it.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// The stamp of the record that carried it.
    pub(crate) stamp: Stamp,
    /// That of the last thing that became of it.
    pub(crate) latest: Stamp,
    pub(crate) verdicts: Vec<Verdict>,
    /// When another group's answer came, by transaction.
    pub(crate) ended: Vec<Option<Stamp>>,
}

impl Decision {
    /// As the ledger decided at first.
    pub(crate) fn first(stamp: Stamp, verdicts: Vec<Verdict>) -> Self {
        let ended = vec![None; verdicts.len()];
        Self { stamp, latest: stamp, verdicts, ended }
    }

    /// Whether something of it is pending.
    pub(crate) fn is_open(&self) -> bool {
        self.verdicts.contains(&Verdict::Pending)
    }
}

#[derive(Debug)]
struct Line {
    uetr: Option<[u8; 16]>,
    amount: Amount,
    instruction_id: Option<String>,
    end_to_end_id: String,
    transaction_id: Option<String>,
    debtor: String,
    creditor: String,
    debtor_agent: Option<String>,
    creditor_agent: Option<String>,
}

impl Found {
    /// `recorded` is of `model`, which is the group's or runs ahead of it.
    pub(crate) fn new(
        group: &Group<Payments>,
        now: Now,
        (model, recorded): (&Payments, &Recorded<'_>),
    ) -> Self {
        let status = group.status(now);
        let (applied, closed) = (status.applied, status.closed);
        let known = group.known(recorded.message.id());
        let (origin, token) = (known.and_then(|known| known.origin), group.token());
        let group = group.id();
        let steps = |item: &Item| (item.clone(), model.settlements(item).cloned().collect());
        let suspended = model.items(recorded).into_iter().map(|item| item.map(steps));
        let message = &recorded.message;
        let line = |one: &Transaction<'_>| Line {
            uetr: one.uetr,
            amount: one.amount,
            instruction_id: one.instruction_id.map(str::to_owned),
            end_to_end_id: one.end_to_end_id.to_owned(),
            transaction_id: one.transaction_id.map(str::to_owned),
            debtor: one.debtor.to_owned(),
            creditor: one.creditor.to_owned(),
            debtor_agent: one.debtor_agent.map(str::to_owned),
            creditor_agent: one.creditor_agent.map(str::to_owned),
        };
        Self {
            group,
            now,
            applied,
            closed,
            stamp: recorded.stamp,
            raw_sha256: recorded.raw_sha256,
            verdicts: recorded.verdicts.clone(),
            token,
            across: recorded.across.clone(),
            origin,
            suspended: suspended.collect(),
            latest: recorded.latest(),
            currency: message.currency,
            version: message.version,
            settlement_date: message.settlement_date,
            sender: message.sender.to_owned(),
            message_id: message.message_id.to_owned(),
            lines: message.transactions.iter().map(line).collect(),
        }
    }

    /// What became of it so far.
    pub(crate) fn decision(&self) -> Decision {
        Decision {
            stamp: self.stamp,
            latest: self.latest,
            verdicts: self.verdicts.clone(),
            ended: self
                .across
                .iter()
                .map(|across| across.and_then(|across| across.ended))
                .collect(),
        }
    }

    /// The message as the ledger has it.
    pub(crate) fn message(&self) -> Message<'_> {
        let transactions = self.lines.iter().map(|line| Transaction {
            uetr: line.uetr,
            amount: line.amount,
            instruction_id: line.instruction_id.as_deref(),
            end_to_end_id: &line.end_to_end_id,
            transaction_id: line.transaction_id.as_deref(),
            debtor: &line.debtor,
            creditor: &line.creditor,
            debtor_agent: line.debtor_agent.as_deref(),
            creditor_agent: line.creditor_agent.as_deref(),
        });
        Message {
            currency: self.currency,
            version: self.version,
            settlement_date: self.settlement_date,
            sender: &self.sender,
            message_id: &self.message_id,
            transactions: transactions.collect(),
        }
    }
}
