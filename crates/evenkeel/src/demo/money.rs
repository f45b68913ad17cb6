//! Amounts as the HTTP interface writes them, and which accounts a message moves money between.

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

/// An account that is named, or else the agent's own: its BIC behind `BIC:`, or its clearing member,
/// LEI or name behind a prefix of theirs. This is the rule of the interface, held here a second time
/// on purpose: the books are recomputed without the code that is being checked.
fn side(account: Option<&Account>, agent: &Agent) -> Side {
    if let Some(account) = account {
        return Side { key: account.number().to_owned(), is_agent: false };
    }
    let key = if let Some(bic) = &agent.bic {
        format!("BIC:{bic}")
    } else if let Some(member) = &agent.member {
        format!("MMB:{}:{member}", agent.clearing_system.as_deref().unwrap_or_default())
    } else if let Some(lei) = &agent.lei {
        format!("LEI:{lei}")
    } else if let Some(name) = &agent.name {
        format!("NAME:{name}")
    } else {
        "UNNAMED".to_owned()
    };
    Side { key, is_agent: true }
}

#[cfg(test)]
mod tests;
