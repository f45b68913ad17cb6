//! From a message as it was read to a message as the ledger takes it: who sent it, and which account
//! each side means.

use payments_message::message::{Account, Agent, CreditTransfer, Transaction, Version};
use payments_model as model;

/// Names that the ledger's message borrows, because the message itself does not spell them out.
#[derive(Debug)]
pub(crate) struct Names {
    sender: String,
    /// Debtor's and creditor's accounts of each transaction.
    accounts: Vec<(String, String)>,
}

impl Names {
    /// The names of a message.
    pub(crate) fn of(transfer: &CreditTransfer) -> Self {
        let account = |account: &Option<Account>, agent: &Agent| match account {
            Some(account) => account.number().to_owned(),
            None => agent_account(agent),
        };
        let accounts = transfer.transactions.iter().map(|one| {
            (
                account(&one.debtor_account, &one.debtor_agent),
                account(&one.creditor_account, &one.creditor_agent),
            )
        });
        Self { sender: sender(transfer), accounts: accounts.collect() }
    }

    /// Who the message is from.
    pub(crate) fn sender(&self) -> &str {
        &self.sender
    }

    /// The message for the ledger.
    pub(crate) fn message<'a>(&'a self, transfer: &'a CreditTransfer) -> model::Message<'a> {
        let pairs = transfer.transactions.iter().zip(&self.accounts);
        let transactions =
            pairs.map(|(one, (debtor, creditor))| transaction(one, debtor, creditor)).collect();
        let first = transfer.transactions.first();
        let date = first.and_then(|one| one.settlement_date);
        model::Message {
            currency: transfer.currency,
            version: version(transfer.version),
            settlement_date: date
                .and_then(|date| model::Date::new(date.year, date.month, date.day)),
            sender: &self.sender,
            message_id: &transfer.message_id,
            transactions,
        }
    }
}

/// Who a message is from: its instructing agent, or else the debtor's agent. A header is not asked:
/// the sender is part of the message's id, and the same document under another header, or bare, has
/// to meet its first outcome.
fn sender(transfer: &CreditTransfer) -> String {
    let first = transfer.transactions.first();
    let instructing = first.and_then(|one| one.instructing_agent.as_ref()).and_then(participant);
    let debtor = || participant(&first?.debtor_agent);
    instructing.or_else(debtor).unwrap_or_else(|| "UNNAMED".to_owned())
}

/// What an institution is called: its BIC, or else a name with a prefix, which no BIC has. A mere
/// name identifies nobody, but it is all that some messages give.
fn participant(agent: &Agent) -> Option<String> {
    if let Some(bic) = &agent.bic {
        return Some(bic.clone());
    }
    if let Some(member) = &agent.member {
        let system = agent.clearing_system.as_deref().unwrap_or_default();
        return Some(format!("MMB:{system}:{member}"));
    }
    let lei = agent.lei.as_ref().map(|lei| format!("LEI:{lei}"));
    lei.or_else(|| agent.name.as_ref().map(|name| format!("NAME:{name}")))
}

/// The account of an institution itself, for a side that names no customer account.
fn agent_account(agent: &Agent) -> String {
    match &agent.bic {
        Some(bic) => format!("BIC:{bic}"),
        None => participant(agent).unwrap_or_else(|| "UNNAMED".to_owned()),
    }
}

fn transaction<'a>(
    one: &'a Transaction,
    debtor: &'a str,
    creditor: &'a str,
) -> model::Transaction<'a> {
    model::Transaction {
        uetr: one.id.uetr.as_deref().and_then(uuid),
        amount: one.amount,
        instruction_id: one.id.instruction.as_deref(),
        end_to_end_id: &one.id.end_to_end,
        transaction_id: one.id.transaction.as_deref(),
        debtor,
        creditor,
        debtor_agent: one.debtor_agent.bic.as_deref(),
        creditor_agent: one.creditor_agent.bic.as_deref(),
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    match model::PaymentKey::parse(text) {
        Some(model::PaymentKey::Uetr(uetr)) => Some(uetr),
        Some(model::PaymentKey::Message { .. }) | None => None,
    }
}

const fn version(version: Version) -> model::Version {
    match version {
        Version::V08 => model::Version::V08,
        Version::V10 => model::Version::V10,
        Version::V12 => model::Version::V12,
        Version::V13 => model::Version::V13,
    }
}
