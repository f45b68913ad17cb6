//! What is told of a run, and what is posted for it.

use payments_model::{Message, Version};

use super::*;

fn pay(currency: &str, amounts: &[u128]) -> wire::Command {
    let transaction = |amount: &u128| Transaction {
        uetr: None,
        amount: Amount(*amount),
        instruction_id: None,
        end_to_end_id: "E2E-1",
        transaction_id: None,
        debtor: "DE89370400440532013000",
        creditor: "DE91100000000123456789",
        debtor_agent: None,
        creditor_agent: None,
    };
    let message = Message {
        currency: Currency::from_code(currency).unwrap(),
        version: Version::V08,
        settlement_date: None,
        sender: "COBADEFFXXX",
        message_id: "MSG-1",
        transactions: amounts.iter().map(transaction).collect(),
    };
    let id = message.id();
    let encoded = Command::Pay { message, raw: b"<Document/>" }.encode().unwrap();
    wire::Command { id, digest: encoded.digest, not_after: Stamp(9), body: encoded.body.into() }
}

#[test]
fn a_payment_is_told_with_its_amounts() {
    // Without this, an operator would decide about money without seeing how much.
    let told = describe(&pay("EUR", &[1_234, 1]).body);
    assert_eq!((&told["kind"], &told["total"]), (&json!("payment"), &json!("12.35")));
    assert_eq!(told["transactions"][0]["amount"], "12.34");
    assert_eq!(describe(b"noise")["kind"], "unreadable");
}

#[test]
fn suspense_holds_the_sum_of_each_currency_once() {
    // Without this, a decision that is repeated would post its amounts a second time.
    let commands = [pay("EUR", &[100, 50]), pay("JPY", &[7]), pay("EUR", &[1])];
    let posted = suspend(12, Hash([7; 32]), &commands, Stamp(99));
    let read: Vec<_> = posted.iter().map(|one| Command::decode(&one.body).unwrap()).collect();
    let opened: Vec<_> = read
        .iter()
        .map(|one| {
            let Command::OpenAccount(open) = one else { panic!("{one:?}") };
            (open.currency.code(), open.funding.0, open.key)
        })
        .collect();
    let key = "SUSPENSE:12:0707070707070707";
    assert_eq!(opened, [("EUR", 151, key), ("JPY", 7, key)]);
    assert_eq!(totals(&commands), json!({ "EUR": "1.51", "JPY": "7" }));
    let again = suspend(12, Hash([7; 32]), &commands, Stamp(100));
    assert!(posted.iter().zip(&again).all(|(a, b)| a.id == b.id && a.digest == b.digest));
    let other = suspend(13, Hash([7; 32]), &commands, Stamp(99));
    assert!(posted.iter().zip(&other).all(|(a, b)| a.id != b.id));
}
