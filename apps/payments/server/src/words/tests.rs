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
    wire::Command {
        id,
        digest: encoded.digest,
        not_after: Stamp(9),
        origin: None,
        body: encoded.body.into(),
    }
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
fn what_payments_move_is_added_up_by_currency() {
    // An operator would decide about a run whose weight is not what it says.
    let commands = [pay("EUR", &[100, 50]), pay("JPY", &[7]), pay("EUR", &[1])];
    assert_eq!(totals(&commands), json!({ "EUR": "1.51", "JPY": "7" }));
}

#[test]
fn a_payment_is_withdrawn_under_its_own_id_and_digest() {
    // Under any other, the payment and its withdrawal would both be done.
    let payment = pay("EUR", &[100]);
    let withdrawn = withdraw(&payment, 12, Stamp(99)).unwrap();
    assert_eq!((withdrawn.id, withdrawn.digest), (payment.id, payment.digest));
    assert_eq!(withdrawn.not_after, Stamp(99), "its own time has nothing to say");
    let told = describe(&withdrawn.body);
    assert_eq!((&told["kind"], &told["case"]), (&json!("withdraw"), &json!(12)));
    let key = PaymentKey::Uetr([1; 16]);
    let order = Command::Cancel(key).encode().unwrap();
    let order = wire::Command { body: order.body.into(), ..payment };
    assert_eq!(withdraw(&order, 12, Stamp(99)), None);
}

#[test]
fn what_nobody_was_told_of_is_not_carried_out_from_a_lost_record() {
    // Its sender may have paid another way since.
    use Disposition::{Replay, Suspense};
    for class in [Class::Sync, Class::Async, Class::Local] {
        for reason in [OrphanReason::Superseded, OrphanReason::Forced, OrphanReason::Answered] {
            let Policy { advised, allowed } = policy(class, reason);
            assert!(allowed.contains(&advised));
            let told = reason.may_be_acknowledged();
            assert_eq!((allowed.contains(&Replay), allowed.contains(&Suspense)), (told, told));
        }
    }
}
