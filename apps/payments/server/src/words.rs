//! Payments' commands in words, for those who decide what becomes of records that were set aside.

use std::collections::BTreeMap;

use bytes::Bytes;
use console::{Disposition, Outcome, Policy, Words};
use payments_model::{Command, PaymentKey, Reply, Transaction};
use serde_json::{Value, json};
use types::{Amount, Class, Currency, MessageId, Stamp};
use wire::OrphanReason;

use crate::decimal;
use crate::suspense::way;

/// What the console is told about commands.
pub(crate) const WORDS: Words = Words { describe, totals, outcome, withdraw, policy };

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
        Command::Reopen(reopen) => json!({
            "kind": "reopen-channel",
            "case": (reopen.case > 0).then_some(reopen.case),
            "by": reopen.by,
            "reason": reopen.reason,
        }),
        Command::Settle(settle) => json!({
            "kind": "settle-case",
            "case": settle.case,
            "currency": settle.currency.code(),
            "item": MessageId(settle.item).to_string(),
            "way": way(settle.way),
            "amount": decimal::write(settle.amount, settle.currency),
            "by": settle.by,
            "reason": settle.reason,
        }),
        Command::Withdraw { message, case, .. } => json!({
            "kind": "withdraw",
            "sender": message.sender,
            "message_id": message.message_id,
            "case": (case > 0).then_some(case),
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

/// The status of a message, or what kind of outcome it is.
fn outcome(outcome: &[u8]) -> Outcome {
    let Ok(reply) = Reply::decode(outcome) else {
        return Outcome { word: "unreadable".to_owned(), is_withdrawal: false };
    };
    let word = match &reply {
        Reply::Decided { .. } => reply.group_status().unwrap_or("unreadable").to_owned(),
        Reply::Opened => "opened".to_owned(),
        Reply::Exists => "exists".to_owned(),
        Reply::ExistsDifferent(_) => "exists-different".to_owned(),
        Reply::StateSet => "state-set".to_owned(),
        Reply::Refused(refusal) => format!("refused: {refusal}"),
        Reply::Cancelling(count) => format!("{count} asked to be cancelled"),
        Reply::CaseSettled { .. } => "case-settled".to_owned(),
        Reply::Reopened(count) => format!("channel reopened, {count} accounted for"),
    };
    Outcome { word, is_withdrawal: reply.is_withdrawal() }
}

/// A payment is withdrawn. An order about accounts moves nothing that anybody was promised, and who gives it
/// again shall not be refused for one that was lost: it is left as it is.
fn withdraw(command: &wire::Command, case: u64, not_after: Stamp) -> Option<wire::Command> {
    let withdrawal = Command::decode(&command.body).ok()?.withdrawal(case)?;
    let body = Bytes::from(withdrawal.body().ok()?);
    let wire::Command { id, digest, origin, .. } = *command;
    Some(wire::Command { id, digest, not_after, origin, body })
}

/// Under class sync a client is told when a payment is committed. What was superseded was not, so nobody was
/// told, and its sender may have gone elsewhere: it is never carried out from here. Of everything else clients
/// may have been told that it was done, so it is done now if it still can be.
const fn policy(_: Class, reason: OrphanReason) -> Policy {
    use Disposition::{Cancel, Keep, Replay, Suspense};
    match reason {
        OrphanReason::Superseded => Policy { advised: Keep, allowed: &[Keep, Cancel] },
        OrphanReason::Forced | OrphanReason::Answered => {
            Policy { advised: Replay, allowed: &[Keep, Replay, Suspense, Cancel] }
        }
    }
}

#[cfg(test)]
mod tests;
