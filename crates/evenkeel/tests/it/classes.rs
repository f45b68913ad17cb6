//! The data classes over HTTP: real nodes, some of them killed.

use serde_json::{Value, json};

use crate::command::{stderr, stdout};
use crate::http::Answer;
use crate::trio::{Trio, account, message};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

/// Of eight groups, the ledger of EUR is async, that of USD is local to region `a`, that of CHF wants a copy
/// in every region; that of PLN is as usual.
const CLASSES: &str = "journals:
  - {groups: [2], class: async}
  - {groups: [0], class: local, region: a}
  - {groups: [4], copies: 3}
";

/// A client that does not wait for long.
const SOON: (&str, &str) = ("evenkeel-timeout", "700ms");

/// A client that wants to be certain.
const COMMITTED: (&str, &str) = ("evenkeel-until", "commit");

fn served() -> Trio {
    let mut trio = Trio::new(CLASSES);
    trio.start(&[A, B, C]);
    trio.until_served(&[A, B, C]);
    trio.move_to_first(&[1, 2, 4]);
    for currency in ["EUR", "USD", "CHF", "PLN"] {
        let open = ["accounts", "open", "--currency", currency, "--key"];
        trio.order(&[A], &[&open[..], &[&account(1), "--funding", "100.00"]].concat());
        trio.order(&[A], &[&open[..], &[&account(2)]].concat());
    }
    trio
}

/// What an answer says in short: its status, its pacs.002 or problem, and whether it is provisional.
fn said(answer: &Answer) -> (u16, String, bool) {
    let word = match answer.header("content-type") {
        "application/xml" => answer.element("GrpSts").to_owned(),
        _ => answer.problem(),
    };
    (answer.status, word, answer.header("evenkeel-provisional") == "true")
}

fn settled() -> (u16, String, bool) {
    (200, "ACSC".to_owned(), false)
}

fn provisional() -> (u16, String, bool) {
    (202, "ACSC".to_owned(), true)
}

fn unknown() -> (u16, String, bool) {
    (504, "unknown-outcome".to_owned(), false)
}

fn group(trio: &Trio, node: usize, number: u64) -> Value {
    trio.get(node, &format!("/v1/groups/{number}"))
}

#[test]
fn each_class_tells_its_clients_what_it_knows() {
    // A client would take for certain what one disk holds, or wait for copies that it was to do without.
    let mut trio = served();
    assert_eq!(said(&trio.pay(B, &message("PLN", 1, 100), &[])), settled());
    let early = trio.pay(A, &message("EUR", 2, 100), &[]);
    // Both others may have it before the home's own disk is done: then it is committed at once. Alone, below, it
    // is not.
    assert!([provisional(), settled()].contains(&said(&early)), "{early:?}");
    let certain = trio.pay(C, &message("EUR", 2, 100), &[COMMITTED]);
    assert_eq!((said(&certain), &certain.body), (settled(), &early.body), "the same, and final");
    assert_eq!(said(&trio.pay(A, &message("EUR", 3, 100), &[COMMITTED])), settled());
    // The only copy of a local journal with one node is its commit. No other region has any of it.
    assert_eq!(said(&trio.pay(B, &message("USD", 4, 100), &[])), settled());
    assert_eq!(trio.balance(A, "USD", &account(2)), "1.00");
    assert_eq!(trio.balance(B, "USD", &account(2)), "");

    // Alone, the home answers for what it may, and says of the rest that it does not know.
    trio.kill(&[B, C]);
    assert_eq!(said(&trio.pay(A, &message("USD", 5, 100), &[])), settled());
    assert_eq!(said(&trio.pay(A, &message("EUR", 6, 100), &[SOON])), provisional());
    let waited = trio.pay(A, &message("EUR", 7, 100), &[SOON, COMMITTED]);
    let doubt = trio.pay(A, &message("PLN", 8, 100), &[SOON]);
    assert_eq!((said(&waited), said(&doubt)), (unknown(), unknown()));
    let risk = group(&trio, A, 2)["rpo_at_risk"].clone();
    assert!(risk["records"].as_u64() >= Some(2) && risk["bytes"].as_u64() > Some(0), "{risk}");
    let known = |trio: &Trio, answer: &Answer| {
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let asked = trio.evenkeel(&[A, B], &["outcome", &id, "--output", "json"]);
        let known: Value = serde_json::from_slice(&asked.stdout).unwrap();
        (known["state"].as_str().unwrap().to_owned(), asked.status.code().unwrap())
    };
    assert_eq!(known(&trio, &waited), ("provisional".to_owned(), 6));
    assert_eq!(known(&trio, &doubt), ("accepted".to_owned(), 6));

    // With the others back, doubts end by themselves, and nothing was done twice.
    trio.start(&[B, C]);
    trio.until_groups(A, |group| group["uncommitted_records"] == 0);
    assert_eq!(known(&trio, &waited), ("final".to_owned(), 0));
    for (currency, number) in [("EUR", 6), ("EUR", 7), ("PLN", 8)] {
        let again = trio.pay(B, &message(currency, number, 100), &[COMMITTED]);
        assert_eq!(said(&again), settled(), "{currency} {number}");
    }
    let expect = [("EUR", "4.00"), ("PLN", "2.00"), ("USD", "2.00")];
    for (currency, balance) in expect {
        assert_eq!(trio.balance(A, currency, &account(2)), balance, "{currency}");
    }
    assert_eq!(group(&trio, A, 2)["rpo_at_risk"]["records"], 0);
}

#[test]
fn a_local_journal_waits_for_its_region_while_others_move() {
    // A ledger that was to stay in a country would be served elsewhere, from nothing.
    let mut trio = served();
    let paid = trio.pay(A, &message("USD", 1, 100), &[]);
    assert_eq!(said(&paid), settled());
    assert_eq!(said(&trio.pay(A, &message("PLN", 2, 100), &[])), settled());
    trio.kill(&[A]);
    // Nor does the ledger move that wants a copy in every region: nobody could commit.
    let moved = |group: &Value| group["home"] != 1 && group["phase"]["name"] == "active";
    trio.until_groups(B, |group| matches!(group["group"].as_u64(), Some(0 | 4)) || moved(group));
    assert_eq!(said(&trio.pay(B, &message("PLN", 2, 100), &[])), settled());
    let gone = trio.pay(B, &message("USD", 1, 100), &[SOON]);
    assert!(matches!(gone.status, 503 | 504), "{}", gone.body);
    trio.start(&[A]);
    trio.until_groups(A, |group| group["group"] != 0 || group["role"] == "home");
    let again = trio.pay(A, &message("USD", 1, 100), &[COMMITTED]);
    assert_eq!((said(&again), again.body), (settled(), paid.body), "the one outcome");
    assert_eq!(trio.balance(A, "USD", &account(2)), "1.00");
}

#[test]
fn operators_let_a_group_go_on_with_fewer_copies_and_take_it_back() {
    // With a region gone for long, all payments of a ledger would wait for it, or go on with fewer copies and
    // nobody would know.
    let mut trio = served();
    let payment = |number| message("CHF", number, 100);
    assert_eq!(said(&trio.pay(A, &payment(1), &[])), settled());
    let order = |what: &'static str| {
        ["groups", what, "--groups", "4", "--reason", "a test", "--wait", "--timeout", "60s"]
    };
    let refused = trio.try_order(&[A], &order("degrade"));
    assert_eq!(refused.status.code(), Some(3), "nothing is missing: {}", stderr(&refused));

    trio.kill(&[C]);
    assert_eq!(said(&trio.pay(A, &payment(2), &[SOON])), unknown());
    trio.order(&[A, B], &order("degrade"));
    let told = trio.pay(B, &payment(2), &[]);
    assert_eq!(said(&told), settled());
    let shown = stdout(&trio.evenkeel(&[A], &["status"]));
    assert!(shown.contains("DEGRADED"), "{shown}");
    let state = group(&trio, A, 4);
    assert_eq!(state["degraded_from"]["copies"], 3, "{state:#}");
    assert_eq!(state["register"]["config"]["members"], json!([1, 2]));
    let refused = trio.try_order(&[A, B], &order("restore"));
    assert_eq!(refused.status.code(), Some(3), "it is not back: {}", stderr(&refused));

    trio.start(&[C]);
    // It is refused until the one that was away has caught up, and changes nothing until then.
    while !trio.try_order(&[A, B], &order("restore")).status.success() {}
    assert_eq!(group(&trio, A, 4)["degraded_from"], Value::Null);
    assert_eq!(said(&trio.pay(C, &payment(3), &[])), settled());
    for node in [A, B, C] {
        trio.until_balance(node, "CHF", &account(2), "3.00");
    }
    trio.kill(&[C]);
    assert_eq!(said(&trio.pay(A, &payment(4), &[SOON])), unknown(), "three copies again");
}

#[test]
fn operators_give_a_group_another_class_and_other_terms() {
    // What was async on the first day would be async for ever, or the ledger be moved by hand.
    let mut trio = served();
    let order = |args: &[&'static str]| {
        let rest = ["--reason", "a test", "--wait", "--timeout", "60s"];
        [&["groups"][..], args, &rest].concat()
    };
    assert_eq!(group(&trio, A, 2)["class"], "async");
    trio.order(&[B], &order(&["class", "sync", "--groups", "2"]));
    assert_eq!(said(&trio.pay(C, &message("EUR", 1, 100), &[])), settled());
    let known = group(&trio, C, 2);
    assert_eq!((&known["class"], &known["home"]), (&json!("sync"), &json!(1)), "{known}");

    // What cannot be is refused with its reason, and nothing changes.
    let refused = trio.try_order(&[A], &order(&["class", "local", "--groups", "2"]));
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("all in one region"), "{}", stderr(&refused));
    let refused = trio.try_order(&[A], &order(&["class", "sync", "--groups", "2"]));
    assert!(stderr(&refused).contains("has these terms"), "{}", stderr(&refused));
    let refused =
        trio.try_order(&[A], &order(&["terms", "--on-quorum-loss", "degrade", "--groups", "0"]));
    assert!(stderr(&refused).contains("one copy"), "{}", stderr(&refused));
    assert_eq!(group(&trio, A, 2)["class"], "sync");

    // The ledger that wants three copies goes on by itself from here on when a region is gone.
    trio.order(&[A], &order(&["terms", "--on-quorum-loss", "degrade", "--groups", "4"]));
    trio.kill(&[C]);
    trio.until_groups(A, |group| group["group"] != 4 || !group["degraded_from"].is_null());
    assert_eq!(said(&trio.pay(A, &message("CHF", 3, 100), &[])), settled());
    let refused =
        trio.try_order(&[A], &order(&["terms", "--on-quorum-loss", "block", "--groups", "4"]));
    assert!(stderr(&refused).contains("restore it first"), "{}", stderr(&refused));
    // A node's file says what was on the first day, and starts as before.
    trio.start(&[C]);
    trio.until_groups(A, |group| group["group"] != 4 || group["degraded_from"].is_null());
    trio.order(&[C], &order(&["class", "async", "--groups", "2"]));
    let status = trio.get(B, "/v1/status");
    let of_eur = status["groups"].as_array().unwrap().iter().find(|group| group["group"] == 2);
    assert_eq!((&of_eur.unwrap()["class"], &of_eur.unwrap()["home"]), (&json!("async"), &json!(1)));
    // Alone, the home answers for what it may now.
    trio.kill(&[B, C]);
    assert_eq!(said(&trio.pay(A, &message("EUR", 4, 100), &[SOON])), provisional());
}
