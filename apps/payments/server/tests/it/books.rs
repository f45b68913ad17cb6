//! If accounts and books are shown wrongly, nobody can tell whether money was lost.

use serde_json::json;

use crate::http;
use crate::world::{World, account, message};

/// If opening twice funds twice, money is made of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_opened_once() {
    let world = World::alone().await;
    let first = world.open("EUR", 1, "100.00").await;
    assert_eq!((first.status, &first.json()["created"]), (201, &json!(true)));
    let again = world.open("EUR", 1, "100.00").await;
    assert_eq!((again.status, &again.json()["created"]), (200, &json!(false)));
    let other = world.open("EUR", 1, "200.00").await;
    assert_eq!((other.status, other.problem().as_str()), (409, "exists-different"));
    assert_eq!(other.json()["difference"], "funding");

    for (body, status, kind) in [
        (json!({ "currency": "EUR", "key": "a", "kind": "gold" }), 400, "bad-json"),
        (json!({ "currency": "XXX", "key": "a", "kind": "customer" }), 400, "bad-currency"),
        (
            json!({ "currency": "EUR", "key": "a", "kind": "customer", "funding": "1.234" }),
            400,
            "bad-amount",
        ),
        (json!({ "currency": "EUR", "key": "", "kind": "customer" }), 400, "out-of-limits"),
        (json!({ "currency": "EUR", "key": "HOUSE:FUNDING", "kind": "house" }), 422, "refused"),
        (
            json!({ "currency": "EUR", "key": "DE89370400440532013001", "kind": "customer" }),
            422,
            "bad-iban",
        ),
    ] {
        let answer = world.post_json("/v1/accounts", &body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{body}");
    }
    let stranger = http::ask(world.http, "POST", "/v1/accounts", &[], b"{}").await;
    assert_eq!((stranger.status, stranger.problem().as_str()), (401, "unauthorized"));

    let one = world.get(&format!("/v1/accounts/EUR/{}", account(1))).await.json();
    assert_eq!((&one["balance"], &one["state"]), (&json!("100.00"), &json!("open")));
    assert!(one["as_of"]["age_ms"].is_u64());
    let none = world.get("/v1/accounts/EUR/nobody").await;
    assert_eq!((none.status, none.problem().as_str()), (404, "no-such-account"));
}

/// If a page skips or repeats an account, a recount of the books finds a loss that is none.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_page_by_page() {
    let world = World::alone().await;
    for number in 1..=3 {
        world.open("EUR", number, "1.00").await;
        world.open("USD", number, "2.00").await;
    }
    let mut keys = Vec::new();
    let mut offset = json!(0);
    while offset.is_u64() {
        let page = world.get(&format!("/v1/accounts?offset={offset}&limit=3")).await.json();
        let rows = page["accounts"].as_array().unwrap();
        assert!(rows.len() <= 3);
        keys.extend(rows.iter().map(|row| format!("{} {}", row["currency"], row["key"])));
        offset = page["next_offset"].clone();
    }
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), distinct.len()), (8, 8), "six accounts and two of the house");
    let dollars = world.get("/v1/accounts?currency=USD").await.json();
    assert_eq!(dollars["accounts"].as_array().unwrap().len(), 4);
}

/// If the books are not added up from the accounts, an imbalance stays unseen.
#[tokio::test(flavor = "multi_thread")]
async fn books_balance_and_digests_tell_states_apart() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("EUR", 2, "0").await;
    let before = world.get("/v1/digests").await.json();
    world.pay(&message(1)).await;
    world.pay(&message(2)).await;
    let books = world.get("/v1/books").await.json();
    assert_eq!(books["balanced"], true);
    let book = &books["books"][0];
    assert_eq!((&book["currency"], &book["settled_count"]), (&json!("EUR"), &json!(2)));
    assert_eq!((&book["settled_amount"], &book["debits"]), (&json!("24.68"), &json!("124.68")));
    assert_eq!(book["debits"], book["credits"]);

    let after = world.get("/v1/digests").await.json();
    let group = usize::from(978_u16 % 8);
    let digest = |all: &serde_json::Value, group: usize| all["groups"][group]["digest"].clone();
    assert_ne!(digest(&before, group), digest(&after, group));
    assert_eq!(digest(&before, group + 1), digest(&after, group + 1));
    assert_eq!(after["groups"].as_array().unwrap().len(), 8);
}

/// If a retry of an old order undoes a newer one, a blocked account pays; if an order needs no name,
/// the second blocking of an account does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_blocked_opened_and_closed() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("EUR", 2, "0").await;
    let one = format!("/v1/accounts/EUR/{}", account(1));
    let path = format!("{one}/state");
    let set = async |name: &str, state: &str| {
        world.post_json_as(&path, name, &json!({ "state": state })).await
    };
    let state = async || world.get(&one).await.json()["state"].clone();

    let blocked = set("a", "blocked").await;
    assert_eq!((blocked.status, &blocked.json()["repeated"]), (200, &json!(false)));
    assert_eq!(state().await, "blocked");
    let paid = world.pay(&message(1)).await;
    assert_eq!((paid.element("GrpSts"), paid.element("Cd")), ("RJCT", "AC06"));
    assert_eq!(set("b", "open").await.status, 200);
    let late = set("a", "blocked").await;
    assert_eq!((late.status, &late.json()["repeated"]), (200, &json!(true)));
    assert_eq!(state().await, "open", "a retry does nothing");
    assert_eq!(set("a", "open").await.problem(), "conflict");
    assert_eq!(set("c", "blocked").await.json()["repeated"], false);
    assert_eq!(state().await, "blocked");
    assert_eq!(set("d", "closed").await.problem(), "refused");

    let other = format!("/v1/accounts/EUR/{}/state", account(2));
    let closed = world.post_json_as(&other, "a", &json!({ "state": "closed" })).await;
    assert_eq!((closed.status, &closed.json()["state"]), (200, &json!("closed")));
    let again = world.post_json_as(&other, "b", &json!({ "state": "open" })).await;
    assert_eq!((again.status, again.problem().as_str()), (409, "refused"));

    let body = json!({ "state": "open" });
    assert_eq!(world.post_json(&path, &body).await.problem(), "bad-header");
    assert_eq!(set(&"x".repeat(65), "open").await.problem(), "bad-header");
    assert_eq!(set("e", "gone").await.problem(), "bad-json");
    let house = "/v1/accounts/EUR/HOUSE:FUNDING/state";
    let answer = world.post_json_as(house, "a", &body).await;
    assert_eq!((answer.status, answer.problem().as_str()), (422, "refused"));
    let nobody = world.post_json_as("/v1/accounts/EUR/nobody/state", "a", &body).await;
    assert_eq!((nobody.status, nobody.problem().as_str()), (404, "no-such-account"));
    let name = [("idempotency-key", "f")];
    let stranger = http::ask(world.http, "POST", &path, &name, b"{\"state\":\"open\"}").await;
    assert_eq!((stranger.status, stranger.problem().as_str()), (401, "unauthorized"));
    assert_eq!(state().await, "blocked");
}
