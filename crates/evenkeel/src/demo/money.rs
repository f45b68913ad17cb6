//! Amounts as the HTTP interface writes them, what a message is known by, and which accounts it moves
//! money between.
//!
//! These are rules of the interface, held here a second time on purpose: what regions hold is checked
//! without the code that is being checked.

use payments_message::CreditTransfer;
use payments_message::message::{Account, Agent, Transaction};
use types::{Amount, Currency};

/// The amount with as many decimals as its currency has.
pub(crate) fn decimal(amount: Amount, currency: Currency) -> String {
    let exponent = usize::from(currency.exponent());
    let digits = format!("{:0>width$}", amount.0, width = exponent + 1);
    let (whole, part) = digits.split_at(digits.len() - exponent);
    if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") }
}

/// The inverse of [`decimal`]; `None` for what it would not have written.
pub(crate) fn amount(text: &str, currency: Currency) -> Option<Amount> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() != usize::from(currency.exponent()) {
        return None;
    }
    format!("{whole}{part}").parse().ok().map(Amount)
}

/// One side of a payment: the account's key in the ledger, and whether it is an agent's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// The key.
    pub(crate) key: String,
    /// Whether the message names no customer account on this side, so that the agent's is meant.
    pub(crate) is_agent: bool,
}

/// Debtor's and creditor's accounts of a transaction.
pub(crate) fn sides(transaction: &Transaction) -> (Side, Side) {
    (
        side(transaction.debtor_account.as_ref(), &transaction.debtor_agent),
        side(transaction.creditor_account.as_ref(), &transaction.creditor_agent),
    )
}

fn side(account: Option<&Account>, agent: &Agent) -> Side {
    if let Some(account) = account {
        return Side { key: account.number().to_owned(), is_agent: false };
    }
    let key = match &agent.bic {
        Some(bic) => format!("BIC:{bic}"),
        None => institution(agent).unwrap_or_else(|| "UNNAMED".to_owned()),
    };
    Side { key, is_agent: true }
}

/// `SENDER/MESSAGE-ID`: the sender is the instructing agent, or else the debtor's agent.
pub(crate) fn name(transfer: &CreditTransfer) -> String {
    let first = transfer.transactions.first();
    let instructing = first.and_then(|one| institution(one.instructing_agent.as_ref()?));
    let debtor = || institution(&first?.debtor_agent);
    let sender = instructing.or_else(debtor);
    let sender = sender.unwrap_or_else(|| "UNNAMED".to_owned());
    format!("{sender}/{}", transfer.message_id)
}

/// An institution's BIC, or else its clearing member, LEI or name behind a prefix of theirs.
fn institution(agent: &Agent) -> Option<String> {
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

#[cfg(test)]
mod tests;
