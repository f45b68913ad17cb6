//! Payments that were lost with a region, and what becomes of them: real nodes, killed.

use serde_json::{Value, json};

use crate::command::{stderr, stdout};
use crate::trio::{Trio, account, message};

/// Currencies whose ledgers have five different groups of eight.
const CURRENCIES: [&str; 5] = ["EUR", "USD", "CHF", "PLN", "CZK"];

/// Two of the nodes keep the journals, one copy commits: what the home alone holds was acknowledged.
const ONE_COPY: &str =
    "journals:\n  - {groups: [0, 1, 2, 3, 4, 5, 6, 7], nodes: [1, 2], copies: 1}\n";

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

fn open(trio: &Trio) {
    let (payer, payee) = (account(1), account(2));
    for currency in CURRENCIES {
        let open = ["accounts", "open", "--currency", currency, "--key"];
        trio.order(&[A, B], &[&open[..], &[&payer, "--funding", "100.00"]].concat());
        trio.order(&[A, B], &[&open[..], &[&payee]].concat());
    }
}

/// The runs that hold payments, as `evenkeel orphans list` tells them, by currency.
fn runs(trio: &Trio) -> Vec<(String, Value)> {
    let listed = trio.evenkeel(&[A, B, C], &["orphans", "list", "--open", "--output", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let currency = |run: &Value| {
        let totals = run["contents"]["totals"].as_object().unwrap();
        totals.keys().next().unwrap().clone()
    };
    let runs = listed["runs"].as_array().unwrap().iter();
    runs.map(|run| (currency(run), run.clone())).collect()
}

fn decide(trio: &Trio, run: &str, more: &[&str]) -> Value {
    let decide = ["orphans", "decide", run, "--reason", "a test", "--output", "json", "--as"];
    let done = trio.order(&[A, B], &[&decide[..], more].concat());
    serde_json::from_str(&done).unwrap()
}

fn outcomes(done: &Value) -> Vec<(&str, Option<&str>)> {
    assert_eq!(done["complete"], true);
    let each = done["commands"].as_array().unwrap().iter();
    each.map(|one| (one["outcome"].as_str().unwrap(), one["status"].as_str())).collect()
}

/// Settles case 12, in which 2.00 CHF stand, as if the payment had been made.
fn settle_case(trio: &Trio) {
    let listed = stdout(&trio.evenkeel(&[A, B], &["cases"]));
    for part in ["case 12", "2.00 CHF", "1 payments, 2.00 opened, 0.00 collected, 0.00 settled"] {
        assert!(listed.contains(part), "`{part}` in {listed}");
    }
    let show = ["cases", "show", "12", "--output", "json"];
    let show =
        || -> Value { serde_json::from_slice(&trio.evenkeel(&[A, B], &show).stdout).unwrap() };
    let shown = show();
    assert_eq!((&shown["items_count"], &shown["items"][0]["left"]), (&json!(1), &json!("2.00")));
    assert_eq!(shown["items"][0]["message_id"], "MSG-13");
    let item = shown["items"][0]["item"].as_str().unwrap().to_owned();
    let order = |way: &str, amount: &str, name: &str| {
        let settle = ["cases", "settle", "12", "--item", &item, "--reason", "as agreed", "--way"];
        let order = [&settle[..], &[way, "--amount", amount, "--name", name]].concat();
        let output = trio.try_order(&[A, B], &[&order[..], &["--output", "json"]].concat());
        let done = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
        (
            output.status.code(),
            done["item_left"].as_str().map(str::to_owned),
            done["repeated"] == true,
        )
    };
    let done = |left: &str, repeated| (Some(0), Some(left.to_owned()), repeated);
    assert_eq!(order("pay", "2.01", "0"), (Some(3), None, false), "more than there is");
    assert_eq!(order("collect", "2.00", "1"), done("4.00", false));
    assert_eq!(order("pay", "1.50", "2"), done("2.50", false));
    assert_eq!(order("pay", "1.50", "2"), done("2.50", true), "the same order again");
    assert_eq!(order("pay", "0.50", "2"), (Some(3), None, false), "another order of that name");
    assert_eq!(order("pay", "0.50", "3"), done("2.00", false));
    assert_eq!(order("write-back", "2.00", "4"), done("0.00", false));
    assert_eq!(order("write-back", "0.01", "5"), (Some(3), None, false), "nothing is left");
    trio.until_balance(A, "CHF", "HOUSE:SUSPENSE:12", "0.00");
    trio.until_balance(B, "CHF", "HOUSE:SUSPENSE:12", "0.00");
    let steps = &show()["items"][0]["steps"];
    assert_eq!(steps.as_array().map(Vec::len), Some(4), "{steps:#}");
    assert_eq!((&steps[1]["by"], &steps[1]["reason"]), (&json!("cli"), &json!("as agreed")));
    // Closed cases are history; and who looks for the payment finds its money.
    let listed = stdout(&trio.evenkeel(&[A, B], &["cases"]));
    assert!(!listed.contains("case 12"), "{listed}");
    let listed = stdout(&trio.evenkeel(&[A, B], &["cases", "--settled"]));
    assert!(listed.contains("case 12"), "{listed}");
    let looked = trio.get(A, "/v1/payments/COBADEFFXXX%2FMSG-13");
    let suspense = &looked["transactions"][0]["suspense"];
    assert_eq!((&suspense["case"], &suspense["is_open"]), (&json!(12), &json!(false)));
    assert_eq!(suspense["steps"][1]["account"], account(2), "{looked:#}");
}

#[test]
fn payments_that_a_forced_failover_gave_up_are_listed_and_each_is_dealt_with_once() {
    // Acknowledged money would be gone without a word; or an operator's decision would move it twice.
    let mut trio = Trio::new(ONE_COPY);
    trio.start(&[A, B, C]);
    trio.until_served(&[A, B]);
    open(&trio);
    trio.move_to_first(&[0, 1, 2, 3, 4]);

    // Acknowledged by A alone, which is then lost.
    trio.kill(&[B]);
    for (number, currency) in (1..).zip(CURRENCIES) {
        for (number, amount) in [(number, 1_000), (number + 10, 200)] {
            let paid = trio.pay(A, &message(currency, number, amount), &[]);
            assert_eq!((paid.status, paid.element("GrpSts")), (200, "ACSC"), "{}", paid.body);
        }
    }
    trio.kill(&[A]);
    trio.start(&[B]);
    let failover = ["failover", "--to", "b", "--reason", "a is gone", "--wait", "--timeout", "90s"];
    let forced = [&failover[..], &["--forced"]].concat();
    trio.order(&[B, C], &forced);
    trio.until_served(&[B]);
    assert_eq!(trio.balance(B, "EUR", &account(2)), "0.00");
    // One of them is sent again by its sender before anybody decides.
    let again = trio.pay(B, &message("CHF", 3, 1_000), &[]);
    assert_eq!((again.status, again.header("evenkeel-repeated")), (200, "false"));

    trio.start(&[A]);
    trio.until_served(&[A, B]);
    let runs = runs(&trio);
    assert_eq!(runs.len(), CURRENCIES.len(), "{runs:#?}");
    let run = |currency: &str| {
        let (_, run) = runs.iter().find(|(of, _)| of == currency).expect(currency);
        assert_eq!(run["contents"]["totals"], json!({ currency: "12.00" }));
        assert_eq!((&run["reason"], &run["class"]), (&json!("forced"), &json!("sync")));
        assert_eq!(run["advised"], "replay");
        run["run"].as_str().unwrap().to_owned()
    };
    let shown = trio.evenkeel(&[A, B], &["orphans", "show", &run("EUR")]);
    let shown = stdout(&shown);
    for part in
        ["COBADEFFXXX/MSG-1 ", "COBADEFFXXX/MSG-11", "10.00 EUR", "2.00 EUR", "replay is usual"]
    {
        assert!(shown.contains(part), "`{part}` in {shown}");
    }

    // EUR: kept. Its sender may still send it, and does with one of the two.
    assert_eq!(outcomes(&decide(&trio, &run("EUR"), &["keep"])), []);
    let kept = trio.pay(B, &message("EUR", 11, 200), &[]);
    assert_eq!((kept.element("GrpSts"), kept.header("evenkeel-repeated")), ("ACSC", "false"));

    // USD: carried out, once.
    let done = decide(&trio, &run("USD"), &["replay"]);
    assert_eq!(outcomes(&done), [("done", Some("ACSC")), ("done", Some("ACSC"))]);
    let done = decide(&trio, &run("USD"), &["replay"]);
    assert_eq!(outcomes(&done), [("done-before", Some("ACSC")), ("done-before", Some("ACSC"))]);
    let told = trio.pay(A, &message("USD", 2, 1_000), &[]);
    assert_eq!((told.element("GrpSts"), told.header("evenkeel-repeated")), ("ACSC", "true"));
    // Every look-up says where it came from; of what its sender had sent again, nothing.
    let show = ["orphans", "show", &run("USD"), "--output", "json"];
    let shown: Value = serde_json::from_slice(&trio.evenkeel(&[A, B], &show).stdout).unwrap();
    let commands = shown["records"].as_array().unwrap().iter();
    let commands: Vec<&Value> =
        commands.flat_map(|record| record["commands"].as_array().unwrap()).collect();
    for command in &commands {
        let became = &command["became"];
        assert_eq!(
            (&became["out_of_this_run"], &became["outcome"]),
            (&json!(true), &json!("ACSC"))
        );
    }
    let looked = trio.get(B, "/v1/payments/COBADEFFXXX%2FMSG-2");
    assert_eq!(looked["origin"]["head"], shown["head"], "{looked:#}");
    assert_eq!(looked["origin"]["epoch"], shown["epoch"]);
    let id = commands[0]["id"].as_str().unwrap();
    assert_eq!(trio.get(B, &format!("/v1/outcomes/{id}"))["origin"], looked["origin"]);
    assert_eq!(trio.get(B, "/v1/payments/COBADEFFXXX%2FMSG-3")["origin"], Value::Null);

    // CHF: to suspense, but not what was made meanwhile.
    let done = decide(&trio, &run("CHF"), &["suspense", "--case", "12"]);
    assert_eq!(outcomes(&done), [("done-before", Some("ACSC")), ("withdrawn", Some("RJCT"))]);
    let done = decide(&trio, &run("CHF"), &["suspense", "--case", "12"]);
    assert_eq!(
        outcomes(&done),
        [("done-before", Some("ACSC")), ("withdrawn-before", Some("RJCT"))]
    );
    let decide_13 = ["orphans", "decide", &run("CHF"), "--as", "suspense", "--case", "13"];
    let refused = trio.try_order(&[A, B], &[&decide_13[..], &["--reason", "a test"]].concat());
    assert_eq!(refused.status.code(), Some(3), "{}", stderr(&refused));

    settle_case(&trio);

    // PLN: cancelled. Its sender is told so, by every way of asking.
    let done = decide(&trio, &run("PLN"), &["cancel"]);
    assert_eq!(outcomes(&done), [("withdrawn", Some("RJCT")), ("withdrawn", Some("RJCT"))]);
    let told = trio.pay(B, &message("PLN", 4, 1_000), &[]);
    assert_eq!((told.status, told.header("evenkeel-repeated")), (200, "true"));
    assert_eq!((told.element("GrpSts"), told.element("Cd")), ("RJCT", "DS02"));
    let status = trio.get(B, "/v1/payments/COBADEFFXXX%2FMSG-4");
    assert_eq!(status["transactions"][0]["reason"]["code"], "DS02", "{status:#}");
    let id = done["commands"][0]["id"].as_str().unwrap();
    let known = stdout(&trio.evenkeel(&[A, B], &["outcome", id]));
    assert!(known.contains("outcome: RJCT"), "{known}");

    // CZK: what a replay has left undone would be cancelled after it; here it left nothing.
    assert_eq!(outcomes(&decide(&trio, &run("CZK"), &["replay"])).len(), 2);
    let done = decide(&trio, &run("CZK"), &["cancel"]);
    assert_eq!(outcomes(&done), [("done-before", Some("ACSC")), ("done-before", Some("ACSC"))]);

    // Everything adds up, and both regions have the same.
    let [payer, payee, case] = [&account(1), &account(2), "HOUSE:SUSPENSE:12"];
    for (currency, key, balance) in [
        ("EUR", payer, "98.00"),
        ("EUR", payee, "2.00"),
        ("USD", payer, "88.00"),
        ("USD", payee, "12.00"),
        ("CHF", payer, "88.00"),
        ("CHF", payee, "12.00"),
        ("CHF", case, "0.00"),
        ("PLN", payer, "100.00"),
        ("PLN", payee, "0.00"),
        ("CZK", payer, "88.00"),
        ("CZK", payee, "12.00"),
    ] {
        for node in [A, B] {
            trio.until_balance(node, currency, key, balance);
        }
    }
    for node in [A, B] {
        let books = trio.get(node, "/v1/books");
        assert_eq!(books["balanced"], true, "{books:#}");
    }
}
