//! Payments between two ledgers of which one is away: real nodes, one of them killed.

use payments_message::sample::german_iban;
use payments_server::Placement;
use serde_json::{Value, json};
use types::Currency;

use crate::command::stdout;
use crate::http::Answer;
use crate::trio::{Trio, account, message_to};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// A client that does not wait for long.
const SOON: (&str, &str) = ("evenkeel-timeout", "1500ms");

/// Accounts of the bank whose ledger is the next one after that of account 1.
pub(crate) fn elsewhere(number: u64) -> String {
    let placement = Placement::new(8, 2);
    let euro = Currency::from_code("EUR").unwrap();
    let here = placement.group(euro, &account(1));
    let mut keys = (10_000_000..).map(|bank| german_iban(bank, number));
    keys.find(|key| placement.group(euro, key) != here).unwrap()
}

/// Two ledgers, of which the creditors' is kept by node 3 alone.
fn split() -> (Trio, u64, u64) {
    let placement = Placement::new(8, 2);
    let euro = Currency::from_code("EUR").unwrap();
    let here = placement.group(euro, &account(1)).0;
    let there = placement.group(euro, &elsewhere(7)).0;
    let local =
        format!("journals:\n  - {{groups: [{there}], class: sync, nodes: [3], copies: 1}}\n");
    let mut trio = Trio::with_ledgers(2, &local);
    trio.start(&[A, B, C]);
    trio.until_served(&[A, B, C]);
    (trio, here.into(), there.into())
}

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.element("GrpSts"))
}

#[test]
fn what_is_pending_at_the_deadline_ends_settled_or_reversed_and_never_both() {
    // Whoever was told `ACSP` would pay again, or have paid nobody, or have it back and be paid too.
    let (mut trio, here, there) = split();
    let open = ["accounts", "open", "--currency", "EUR", "--key"];
    trio.order(&[A], &[&open[..], &[&account(1), "--funding", "100.00"]].concat());
    trio.order(&[A], &[&open[..], &[&elsewhere(7)]].concat());
    let payment =
        |number: u32, creditor: u64| message_to("EUR", number, 1_000, &elsewhere(creditor));

    trio.move_to_first(&[here]);

    trio.kill(&[C]);
    let (good, unknown, regretted) = (payment(1, 7), payment(2, 8), payment(3, 7));
    for message in [&good, &unknown, &regretted] {
        let told = trio.pay(A, message, &[SOON]);
        assert_eq!(said(&told), (202, "ACSP"), "{}", told.body);
    }
    trio.until_balance(A, "EUR", &account(1), "70.00");
    // Operators see what waits, and wish one back; the creditor's ledger will say.
    let wished = trio.order(&[B, A], &["cancel", "COBADEFFXXX/MSG-3", "--name", "c3"]);
    assert!(wished.contains("1 transactions were pending"), "{wished}");
    let cases = stdout(&trio.evenkeel(&[A], &["cases"]));
    assert!(cases.contains("3 pending payments") && cases.contains("wished back"), "{cases}");
    assert!(cases.contains(&format!("g{here} > g{there}")), "{cases}");
    let metrics = trio.metrics(A);
    let waiting = format!("evenkeel_channel_pending{{from=\"{here}\",to=\"{there}\"}} 3");
    assert!(metrics.contains(&waiting), "{metrics}");
    let again = trio.pay(B, &good, &[SOON]);
    assert_eq!((said(&again), again.header("evenkeel-repeated")), ((202, "ACSP"), "true"));

    trio.start(&[C]);
    trio.until_groups(C, |group| group["group"] != there || group["role"] == "home");
    let end = |message: &[u8]| loop {
        // Each try waits for the end by itself.
        let told = trio.pay(A, message, &[]);
        if told.status != 202 {
            return told;
        }
    };
    let (good, unknown) = (end(&good), end(&unknown));
    assert_eq!(said(&good), (200, "ACSC"));
    assert_eq!((said(&unknown), unknown.element("Cd")), ((200, "RJCT"), "AC03"));
    // A wish that waited beside its payment comes with it or after it: one of the two was first.
    let regretted = end(&regretted);
    let is_back = said(&regretted) == (200, "RJCT");
    assert!(is_back || said(&regretted) == (200, "ACSC"), "{}", regretted.body);
    assert!(!is_back || regretted.element("Cd") == "DS02", "{}", regretted.body);

    let (left, got) = if is_back { ("90.00", "10.00") } else { ("80.00", "20.00") };
    trio.until_balance(A, "EUR", &account(1), left);
    trio.until_balance(C, "EUR", &elsewhere(7), got);
    let status = trio.get(A, "/v1/payments/COBADEFFXXX%2FMSG-2");
    let steps = status["transactions"][0]["history"].as_array().unwrap();
    let steps: Vec<&Value> = steps.iter().map(|step| &step["status"]).collect();
    assert_eq!(steps, ["ACTC", "ACCP", "ACSP", "RJCT"]);
    let cases = trio.get(A, "/v1/cases");
    assert_eq!((&cases["pending_count"], &cases["frozen"]), (&json!(0), &json!([])));
}
