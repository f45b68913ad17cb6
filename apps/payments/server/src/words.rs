//! Payments' commands in words, for those who decide what becomes of records that were set aside.

use std::collections::BTreeMap;

use bytes::Bytes;
use console::Words;
use payments_model::{Command, Kind, OpenAccount, PaymentKey, Transaction};
use serde_json::{Value, json};
use types::{Amount, Currency, Hash, MessageId, Stamp};

use crate::decimal;

/// What the console is told about commands.
pub(crate) const WORDS: Words = Words { describe, totals, suspend };

/// An object whose `kind` says what the command is.
fn describe(body: &[u8]) -> Value {
    let Ok(command) = Command::decode(body) else {
        return json!({ "kind": "unreadable", "bytes": body.len() });
    };
    match command {
        Command::OpenAccount(open) => json!({
            "kind": "open-account",
            "currency": open.currency.code(),
            "key": open.key,
            "funding": decimal::write(open.funding, open.currency),
        }),
        Command::SetAccountState(set) => json!({
            "kind": "set-account-state",
            "currency": set.currency.code(),
            "key": set.key,
        }),
        Command::Pay { message, .. } | Command::PayAcross { message, .. } => {
            let currency = message.currency;
            let transactions = message.transactions.iter().map(|one| transaction(one, currency));
            json!({
                "kind": "payment",
                "sender": message.sender,
                "message_id": message.message_id,
                "currency": currency.code(),
                "total": total(&message.transactions).map(|sum| decimal::write(sum, currency)),
                "transactions": transactions.collect::<Vec<_>>(),
            })
        }
        Command::Cancel(PaymentKey::Uetr(uetr)) => json!({
            "kind": "cancel",
            "uetr": MessageId(uetr).to_string(),
        }),
        Command::Cancel(PaymentKey::Message { sender, message_id }) => json!({
            "kind": "cancel",
            "sender": sender,
            "message_id": message_id,
        }),
    }
}

fn transaction(one: &Transaction<'_>, currency: Currency) -> Value {
    json!({
        "amount": decimal::write(one.amount, currency),
        "end_to_end_id": one.end_to_end_id,
        "debtor": one.debtor,
        "creditor": one.creditor,
    })
}

/// `None` if the sum is beyond all amounts: the ledger would refuse such a message.
fn total(transactions: &[Transaction<'_>]) -> Option<Amount> {
    let mut amounts = transactions.iter().map(|one| one.amount.0);
    amounts.try_fold(0_u128, u128::checked_add).map(Amount)
}

/// What payments move, by currency.
fn sums(commands: &[wire::Command]) -> BTreeMap<Currency, Amount> {
    let mut sums: BTreeMap<Currency, Amount> = BTreeMap::new();
    for command in commands {
        let Ok(Command::Pay { message, .. } | Command::PayAcross { message, .. }) =
            Command::decode(&command.body)
        else {
            continue;
        };
        let Some(sum) = total(&message.transactions) else { continue };
        let all = sums.entry(message.currency).or_default();
        all.0 = all.0.saturating_add(sum.0);
    }
    sums
}

fn totals(commands: &[wire::Command]) -> Value {
    let sums = sums(commands).into_iter();
    let sums = sums.map(|(currency, sum)| {
        (currency.code().to_owned(), Value::String(decimal::write(sum, currency)))
    });
    Value::Object(sums.collect())
}

/// For each currency of the payments, a house account of the case, funded with their sum: what people
/// have to settle stands in the books until they have. Other commands move no money.
fn suspend(
    case: u64,
    head: Hash,
    commands: &[wire::Command],
    not_after: Stamp,
) -> Vec<wire::Command> {
    let posts = sums(commands).into_iter().filter_map(|(currency, sum)| {
        let key = format!("SUSPENSE:{case}:{head}");
        let name = format!("Case {case}, records set aside");
        let open = Command::OpenAccount(OpenAccount {
            currency,
            key: &key,
            name: Some(&name),
            kind: Kind::House,
            funding: sum,
        });
        let encoded = open.encode().ok()?;
        let (short, _) = encoded.digest.0.split_first_chunk()?;
        Some(wire::Command {
            id: MessageId(*short),
            digest: encoded.digest,
            not_after,
            body: Bytes::from(encoded.body),
        })
    });
    posts.collect()
}

#[cfg(test)]
mod tests;
