//! If one of these breaks, money between two ledgers of a currency is lost, made, or told wrongly.

use payments_message::message::Version;
use payments_message::sample::{Payment, german_iban, uetr};
use payments_server::Placement;
use serde_json::json;
use types::{Amount, Currency};

use crate::world::{World, account, draft};

/// An account that another ledger keeps than [`account`] 1.
fn elsewhere(number: u64) -> String {
    let placement = Placement::new(8, 3);
    let euro = Currency::from_code("EUR").unwrap();
    let here = placement.group(euro, &account(1));
    let mut keys = (10_000_000..).map(|bank| german_iban(bank, number));
    keys.find(|key| placement.group(euro, key) != here).unwrap()
}

async fn open(world: &World, key: &str, funding: &str) -> u16 {
    let body = json!({ "currency": "EUR", "key": key, "funding": funding, "kind": "customer" });
    world.post_json("/v1/accounts", &body).await.status
}

/// A message of one payment from account 1 to one of another ledger.
fn message(number: u32, creditor: &str) -> Vec<u8> {
    let mut draft = draft(number);
    draft.payments[0].creditor_iban = creditor.to_owned();
    draft.write(Version::V08)
}

/// If a payment between ledgers is not answered as one within a ledger is, its sender pays again.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_between_ledgers_is_settled_once_and_answered_the_same_for_ever() {
    let world = World::ledgers(3).await;
    let creditor = elsewhere(7);
    assert_eq!(open(&world, &account(1), "100.00").await, 201);
    assert_eq!(open(&world, &creditor, "0").await, 201);

    let first = world.pay(&message(1, &creditor)).await;
    assert_eq!((first.status, first.element("GrpSts")), (200, "ACSC"), "{}", first.text());
    let again = world.pay(&message(1, &creditor)).await;
    assert_eq!((again.header("evenkeel-repeated"), &again.body), ("true", &first.body));

    let balance = async |world: &World, key: &str| {
        let account = world.get(&format!("/v1/accounts/EUR/{key}")).await.json();
        (account["balance"].clone(), account["group"].clone())
    };
    let (debtor_balance, here) = balance(&world, &account(1)).await;
    let (creditor_balance, there) = balance(&world, &creditor).await;
    assert_eq!((debtor_balance, creditor_balance), (json!("87.66"), json!("12.34")));
    assert_ne!(here, there);

    let status = world.get("/v1/payments/COBADEFFXXX%2FMSG-1").await.json();
    let one = &status["transactions"][0];
    assert_eq!((&status["status"], &one["status"]), (&json!("ACSC"), &json!("ACSC")));
    assert_eq!((&one["creditor_group"], &one["pending_ms"]), (&there, &json!(null)));
    let history = one["history"].as_array().unwrap();
    let codes: Vec<_> = history.iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ACTC", "ACCP", "ACSP", "ACSC"]);
    let stamps: Vec<_> = history.iter().map(|step| step["stamp_us"].as_u64().unwrap()).collect();
    assert!(stamps[2] == stamps[0] && stamps[3] > stamps[2], "{stamps:?}");

    let books = world.get("/v1/books").await.json();
    assert_eq!((&books["balanced"], &books["pending_count"]), (&json!(true), &json!(0)));
    let pair = &books["clearing"][0];
    assert_eq!((&pair["from_group"], &pair["to_group"]), (&here, &there));
    assert_eq!((&pair["sent"], &pair["received"]), (&json!("12.34"), &json!("12.34")));
    assert_eq!((&pair["state"], &pair["frozen"]), (&json!("balanced"), &json!(null)));
    assert_eq!(books["clearing"].as_array().map(Vec::len), Some(1));

    let world = world.restart().await;
    let later = world.pay(&message(1, &creditor)).await;
    assert_eq!((later.status, &later.body), (200, &first.body));
    let stored = world.get("/v1/payments/COBADEFFXXX%2FMSG-1/pacs.002").await;
    assert_eq!(stored.body, first.body);
}

/// If what the creditor's ledger refuses is not given back, the debtor has paid nobody.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_ledger_refuses_comes_back_with_its_reason() {
    let world = World::ledgers(3).await;
    open(&world, &account(1), "100.00").await;
    let answer = world.pay(&message(1, &elsewhere(7))).await;
    assert_eq!((answer.status, answer.element("GrpSts")), (200, "RJCT"));
    assert_eq!(answer.element("Cd"), "AC03");
    let debtor = world.get(&format!("/v1/accounts/EUR/{}", account(1))).await.json();
    assert_eq!(debtor["balance"], "100.00");
    let books = world.get("/v1/books").await.json();
    assert_eq!((&books["balanced"], &books["pending_count"]), (&json!(true), &json!(0)));

    let path = "/v1/payments/COBADEFFXXX%2FMSG-1/cancel";
    let late = world.post_json_as(path, "c1", &json!({})).await;
    assert_eq!((late.status, late.problem().as_str()), (409, "nothing-pending"));
    let nameless = world.post_json(path, &json!({})).await;
    assert_eq!((nameless.status, nameless.problem().as_str()), (400, "bad-header"));
    let path = "/v1/payments/COBADEFFXXX%2FMSG-9/cancel";
    assert_eq!(world.post_json_as(path, "c1", &json!({})).await.status, 404);
}

/// If a message of several debtors is carried out in two ledgers, each may say that all of it is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_carried_out_in_the_ledger_of_its_first_debtor() {
    let world = World::ledgers(3).await;
    let other = elsewhere(7);
    for key in [&account(1), &account(2), &other] {
        open(&world, key, "100.00").await;
    }
    let mut draft = draft(1);
    let payment = |index: u32, debtor: &str, creditor: &str| Payment {
        instruction_id: format!("I{index}"),
        end_to_end_id: format!("E{index}"),
        transaction_id: format!("T{index}"),
        uetr: uetr(u128::from(index) << 80 | 0x77),
        amount: Amount(100),
        debtor_iban: debtor.to_owned(),
        creditor_iban: creditor.to_owned(),
        ..draft.payments[0].clone()
    };
    let (one, two) = (account(1), account(2));
    let payments = vec![payment(1, &one, &two), payment(2, &one, &other), payment(3, &other, &two)];
    draft.payments = payments;
    let answer = world.pay(&draft.write(Version::V08)).await;
    assert_eq!((answer.status, answer.element("GrpSts")), (200, "PART"), "{}", answer.text());
    let statuses: Vec<_> =
        answer.text().split("<TxSts>").skip(1).map(|s| s[..4].to_owned()).collect();
    assert_eq!(statuses, ["ACSC", "ACSC", "RJCT"]);
    assert_eq!(answer.element("Cd"), "NARR");
}

/// If an id that two ledgers take at once for two messages has no outcome that stays, its sender pays twice or
/// not at all.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_two_ledgers_take_at_once_keeps_what_each_message_was_told() {
    let world = World::ledgers(3).await;
    let (here, there) = (account(1), elsewhere(7));
    for key in [&here, &there] {
        assert_eq!(open(&world, key, "1000.00").await, 201);
    }
    let (mut told, mut moved) = ([0_u32; 2], [0_u32; 2]);
    for number in 1..=20 {
        // The same id; another payment, from the other's account.
        let one = message(number, &there);
        let mut other = draft(number);
        other.payments[0].debtor_iban.clone_from(&there);
        other.payments[0].creditor_iban.clone_from(&here);
        other.payments[0].uetr = uetr(u128::from(number) << 80 | 0x99);
        other.payments[0].transaction_id = format!("OTHER-{number}");
        let other = other.write(Version::V08);
        let firsts = tokio::join!(world.pay(&one), world.pay(&other));
        for (index, (message, first)) in [(&one, firsts.0), (&other, firsts.1)].iter().enumerate() {
            let again = world.pay(message).await;
            match first.status {
                200 => {
                    assert_eq!(first.element("GrpSts"), "ACSC");
                    assert_eq!((again.status, &again.body), (200, &first.body));
                    moved[index] += 1;
                }
                409 => {
                    assert_eq!((first.problem().as_str(), again.status), ("conflict", 409));
                    told[index] += 1;
                }
                _ => panic!("{}", first.text()),
            }
        }
    }
    assert!(moved.iter().sum::<u32>() >= 20, "each id is used at least once: {moved:?} {told:?}");
    let cents = 100_000 - 1_234 * i64::from(moved[0]) + 1_234 * i64::from(moved[1]);
    let account = world.get(&format!("/v1/accounts/EUR/{here}")).await.json();
    let balance = account["balance"].as_str().unwrap().replace('.', "");
    assert_eq!(balance.parse(), Ok(cents));
    let books = world.get("/v1/books").await.json();
    assert_eq!((&books["balanced"], &books["pending_count"]), (&json!(true), &json!(0)));
}
