//! What a caller of the payments model can see: verdicts, accounts, replays, and hostile bytes.

#![expect(clippy::unwrap_used, reason = "a test that fails may stop")]

mod accounts;
mod across;
mod hostile;
mod reopened;
mod saved;
mod settled;
mod verdicts;
mod withdrawn;

use ledger::State;
use model::{Model, Outcome};
use payments_model::{
    Command, Kind, Message, OpenAccount, Payments, Reply, SetAccountState, Transaction, Version,
};
use types::{Amount, Currency, ModelVersion, Stamp};

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

fn eur() -> Currency {
    currency("EUR")
}

fn run(payments: &mut Payments, stamp: u64, command: &Command<'_>) -> Reply {
    let mut outcome = Outcome::default();
    payments.apply(
        ModelVersion::FIRST,
        Stamp(stamp),
        &command.encode().unwrap().body,
        &mut outcome,
    );
    payments.assert_invariants();
    Reply::decode(&outcome.reply).unwrap()
}

fn open(key: &str, funding: u128) -> Command<'_> {
    Command::OpenAccount(OpenAccount {
        currency: eur(),
        key,
        name: None,
        kind: Kind::Customer,
        funding: Amount(funding),
    })
}

fn set(key: &str, state: State) -> Command<'_> {
    Command::SetAccountState(SetAccountState { currency: eur(), key, state })
}

/// A transaction whose UETR and transaction id are both from `number`.
fn transfer<'a>(number: u8, id: &'a str, debtor: &'a str, creditor: &'a str) -> Transaction<'a> {
    Transaction {
        uetr: Some([number; 16]),
        amount: Amount(100),
        instruction_id: None,
        end_to_end_id: "NOTPROVIDED",
        transaction_id: Some(id),
        debtor,
        creditor,
        debtor_agent: Some("AAAADEFF"),
        creditor_agent: Some("BBBBFRPP"),
    }
}

fn message<'a>(id: &'a str, transactions: impl Into<Vec<Transaction<'a>>>) -> Message<'a> {
    Message {
        currency: eur(),
        version: Version::V08,
        settlement_date: None,
        sender: "AAAADEFF",
        message_id: id,
        transactions: transactions.into(),
    }
}

fn pay<'a>(id: &'a str, transactions: impl Into<Vec<Transaction<'a>>>) -> Command<'a> {
    Command::Pay { message: message(id, transactions), raw: b"<Document/>" }
}

/// Books in EUR and USD. In EUR: `rich` has 1,000, `poor` nothing, `shut` is closed, `held` is
/// blocked with 500, `fees` belongs to the house.
fn books() -> Payments {
    let mut payments = Payments::new([eur(), currency("USD")]);
    let fees = OpenAccount {
        currency: eur(),
        key: "fees",
        name: Some("Fees"),
        kind: Kind::House,
        funding: Amount(0),
    };
    let steps = [
        (open("rich", 1_000), Reply::Opened),
        (open("poor", 0), Reply::Opened),
        (open("shut", 0), Reply::Opened),
        (open("held", 500), Reply::Opened),
        (Command::OpenAccount(fees), Reply::Opened),
        (set("shut", State::Closed), Reply::StateSet),
        (set("held", State::Blocked), Reply::StateSet),
    ];
    for (command, expect) in steps {
        assert_eq!(run(&mut payments, 1, &command), expect);
    }
    payments
}
