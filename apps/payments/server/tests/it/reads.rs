//! What a reader is told of how much it was shown.

use console::SESSION;
use serde_json::json;

use crate::http::{self, Answer};
use crate::world::{World, account, message};

async fn read(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    http::ask(world.http, "GET", path, headers, b"").await
}

/// If an answer did not say what the client has seen with it, no other region could know.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_answered_names_what_was_seen_and_is_seen_again() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("EUR", 2, "0").await;
    let paid = world.pay(&message(1)).await;
    let token = paid.header(SESSION).to_owned();
    assert!(token.starts_with("t2."), "{token}");
    let again = world.pay(&message(1)).await;
    assert_eq!(again.header("evenkeel-repeated"), "true");
    assert!(again.header(SESSION).starts_with("t2."), "a repeated answer has one, too");

    let one = format!("/v1/accounts/EUR/{}", account(1));
    for level in ["session", "linearizable", "bounded=10s", "stale", "provisional"] {
        let shown = read(&world, &one, &[("evenkeel-read", level), (SESSION, &token)]).await;
        assert_eq!(shown.status, 200, "{level}: {}", shown.json());
        assert_eq!(shown.json()["balance"], "87.66", "{level}");
        let name = level.split('=').next().unwrap();
        assert_eq!(shown.header("evenkeel-read"), name);
        assert!(shown.header(SESSION).starts_with("t2."));
        assert!(shown.header("evenkeel-age-ms").parse::<u64>().is_ok());
    }
    let by_default = read(&world, &one, &[(SESSION, &token)]).await;
    assert_eq!(by_default.header("evenkeel-read"), "session");
    for path in ["/v1/payments/COBADEFFXXX%2FMSG-1", "/v1/accounts?currency=EUR", "/v1/books"] {
        let shown =
            read(&world, path, &[("evenkeel-read", "linearizable"), (SESSION, &token)]).await;
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.header(SESSION).starts_with("t2."), "{path}");
    }
    let report = "/v1/payments/COBADEFFXXX%2FMSG-1/pacs.002";
    let report = read(&world, report, &[("evenkeel-read", "linearizable")]).await;
    assert_eq!((report.status, report.element("GrpSts")), (200, "ACSC"));
    let metrics = world.get("/metrics").await;
    let metrics = metrics.text();
    assert!(
        metrics.contains("evenkeel_reads_total{level=\"linearizable\",outcome=\"shown\"}"),
        "{metrics}"
    );
}

/// If a level that cannot be had were answered with less, nobody would notice until it mattered.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_shown_is_refused_with_the_next_step() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    let one = format!("/v1/accounts/EUR/{}", account(1));
    let shown = read(&world, &one, &[("evenkeel-read", "session")]).await;
    let token = shown.header(SESSION).to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let [_, _, group, epoch, seq, head] = parts[..] else { panic!("{token}") };
    let stem = world.token_stem();
    assert!(token.starts_with(&stem), "{token}");
    let number = |text: &str| text.parse::<u64>().unwrap();
    let far = format!("{stem}{group}.{}.{seq}.{head}", number(epoch) + 1);
    let untold = format!("{stem}{group}.{epoch}.{}.{head}", number(seq) + 1_000);
    let forged = format!("{stem}{group}.{epoch}.{seq}.0000000000000000");
    let others = format!("t2.00c0ffee00c0ffee.{group}.{epoch}.{seq}.{head}");
    for (lines, status, kind) in [
        (vec![(SESSION, others.as_str())], 400, "foreign-token"),
        (vec![("evenkeel-read", "bounded=1ms")], 503, "too-old"),
        (vec![(SESSION, far.as_str())], 504, "behind"),
        (vec![(SESSION, forged.as_str())], 400, "foreign-token"),
        (vec![(SESSION, untold.as_str())], 400, "foreign-token"),
        (vec![(SESSION, "t2.nonsense")], 400, "bad-header"),
        (vec![("evenkeel-read", "fresh")], 400, "bad-header"),
    ] {
        let headers = [&lines[..], &[("evenkeel-timeout", "200ms")]].concat();
        let refused = read(&world, &one, &headers).await;
        assert_eq!((refused.status, refused.problem().as_str()), (status, kind), "{lines:?}");
        if kind != "bad-header" {
            assert!(refused.json()["next_step"].is_string(), "{}", refused.json());
        }
    }
    let old = [("evenkeel-read", "bounded=1ms"), ("evenkeel-timeout", "100ms")];
    let old = read(&world, &one, &old).await.json();
    assert!(old["age_ms"].as_u64() > Some(1), "{old}");
}

/// If a list of what is committed were shown as provisional, money that a payer was told of would be
/// missing from it, under a token that says it is there.
#[tokio::test(flavor = "multi_thread")]
async fn lists_and_books_are_not_shown_as_provisional() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    for path in ["/v1/accounts", "/v1/accounts?currency=EUR", "/v1/books"] {
        let refused = read(&world, path, &[("evenkeel-read", "provisional")]).await;
        assert_eq!((refused.status, refused.problem().as_str()), (400, "committed-only"), "{path}");
        assert!(refused.json()["next_step"].is_string(), "{}", refused.json());
        let shown = read(&world, path, &[("evenkeel-read", "session")]).await;
        assert_eq!(shown.status, 200, "{path}");
    }
}

/// If a node that is home to nobody answered from what it has, it would answer from nothing.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_home_only_what_there_is_can_be_read() {
    let world = World::lonely().await;
    let one = format!("/v1/accounts/EUR/{}", account(1));
    let refused = read(&world, &one, &[("evenkeel-read", "linearizable")]).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "no-home"));
    let stale = read(&world, &one, &[]).await;
    assert_eq!((stale.status, stale.problem().as_str()), (404, "no-such-account"));
    let refused = world.get_as_admin("/v1/cut").await;
    assert_eq!((refused.status, refused.problem().as_str()), (504, "cut-open"));
}

/// If a ledger that is kept elsewhere is left out of an answer, a payer whose payment is in it is told that
/// there is none, and pays again under a new id.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_client_has_seen_elsewhere_sends_it_there() {
    // The ledger of EUR is in group 2, that of USD in group 0.
    let world = World::lonely_without(&[(2, 2), (3, 3)]).await;
    let stem = world.token_stem();
    let euro = format!("{stem}2.1.7.0000000000000001");
    let dollar = format!("{stem}0.0.0.0000000000000000");
    let euro = euro.as_str();
    let payment = "/v1/payments/COBADEFFXXX%2FMSG-1";
    let report = "/v1/payments/COBADEFFXXX%2FMSG-1/pacs.002";
    for path in [payment, report, "/v1/books", "/v1/accounts", "/v1/accounts?currency=EUR"] {
        let sent = read(&world, path, &[(SESSION, euro)]).await;
        assert_eq!((sent.status, sent.problem().as_str()), (307, "no-model"), "{path}");
        assert_eq!(sent.header("location"), format!("http://127.0.0.2:9{path}"));
        assert_eq!(sent.json()["group"], 2, "{path}");
    }
    let unseen = read(&world, payment, &[]).await;
    assert_eq!((unseen.status, unseen.problem().as_str()), (404, "no-such-payment"));
    let others = read(&world, "/v1/accounts?currency=USD", &[(SESSION, euro)]).await;
    assert_eq!(others.status, 200, "the ledger of EUR is not asked for: {}", others.json());

    // To be sent from one to the other would never end.
    let apart = format!("{euro}, {stem}3.1.7.0000000000000001");
    let both = format!("{euro}, {dollar}");
    let foreign = format!("{euro}, {stem}8.1.7.0000000000000001");
    for (tokens, status, kind) in
        [(apart, 409, "kept-apart"), (both, 307, "no-model"), (foreign, 400, "foreign-token")]
    {
        for path in [payment, "/v1/books"] {
            let answer = read(&world, path, &[(SESSION, &tokens)]).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (status, kind),
                "{path} {tokens}"
            );
            if status != 307 {
                assert!(answer.json()["next_step"].is_string(), "{}", answer.json());
            }
        }
    }
}

/// If the books of a report were added up one after the other, money on its way would be missing or
/// stand twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_adds_up_all_ledgers_at_one_time() {
    let world = World::ledgers(4).await;
    for number in 1..=2 {
        world.open("EUR", number, "100.00").await;
        world.open("USD", number, "100.00").await;
    }
    for number in 1..=5 {
        world.pay(&message(number)).await;
    }
    // Whoever can hold up all ledgers is to be known.
    let anybody = world.get("/v1/cut").await;
    assert_eq!((anybody.status, anybody.problem().as_str()), (401, "unauthorized"));
    let cut = world.get_as_admin("/v1/cut").await;
    assert_eq!(cut.status, 200, "{}", cut.json());
    let cut = cut.json();
    assert_eq!((&cut["balanced"], cut["groups"].as_array().unwrap().len()), (&json!(true), 8));
    let at = cut["at_us"].as_u64().unwrap();
    for group in cut["groups"].as_array().unwrap() {
        assert!(group["closed_us"].as_u64().unwrap() <= at, "{group}");
    }
    assert!(cut["books"].as_array().unwrap().iter().any(|book| book["settled_count"] == 5));
    assert_eq!(cut["digest"].as_str().unwrap().len(), 64);

    // Until the groups have gone on, the same time may be asked for again: then it is the same state.
    let mut past = world.get_as_admin(&format!("/v1/cut?at_us={at}")).await;
    for _ in 0..100 {
        if past.status != 200 {
            break;
        }
        assert_eq!(past.json()["digest"], cut["digest"]);
        past = world.get_as_admin(&format!("/v1/cut?at_us={at}")).await;
    }
    assert_eq!((past.status, past.problem().as_str()), (409, "cut-past"));
    let far = world.get_as_admin(&format!("/v1/cut?at_us={}", at + 600_000_000)).await;
    assert_eq!((far.status, far.problem().as_str()), (400, "cut-too-early"));
    let paid = world.pay(&message(6)).await;
    assert_eq!(paid.status, 200, "what was held back goes on");
}

/// If a list of several ledgers were all that can be had at the home, it could not be had where the homes are
/// several.
#[tokio::test(flavor = "multi_thread")]
async fn one_ledger_is_listed_and_added_up_alone() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("USD", 1, "100.00").await;
    // The ledger of EUR is in group 2, that of USD in group 0.
    for (group, currency) in [(2, "EUR"), (0, "USD")] {
        let level = [("evenkeel-read", "linearizable")];
        let shown = read(&world, &format!("/v1/accounts?group={group}"), &level).await;
        assert_eq!(shown.status, 200, "{}", shown.json());
        let accounts = shown.json()["accounts"].clone();
        assert!(accounts.as_array().unwrap().iter().all(|row| row["currency"] == currency));
        assert!(!accounts.as_array().unwrap().is_empty());
        assert_eq!(shown.header(SESSION).matches("t2.").count(), 1, "of that group only");
        let books = read(&world, &format!("/v1/books?group={group}"), &level).await;
        assert_eq!(books.status, 200, "{}", books.json());
        let books = books.json()["books"].clone();
        assert_eq!((books.as_array().unwrap().len(), &books[0]["currency"]), (1, &json!(currency)));
    }
    for path in ["/v1/accounts?group=8", "/v1/books?group=8"] {
        let refused = read(&world, path, &[]).await;
        assert_eq!((refused.status, refused.problem().as_str()), (404, "no-such-group"), "{path}");
    }
    let refused = read(&world, "/v1/books?ledger=2", &[]).await;
    assert_eq!((refused.status, refused.problem().as_str()), (400, "bad-query"));
}

/// If that there is no such payment came without what it rests on, the next node could know even less.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_with_the_level_and_what_was_seen() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    let unknown = [
        format!("/v1/accounts/EUR/{}", account(7)),
        "/v1/payments/COBADEFFXXX%2FMSG-7".to_owned(),
        "/v1/payments/COBADEFFXXX%2FMSG-7?group=2".to_owned(),
        "/v1/payments/COBADEFFXXX%2FMSG-7/pacs.002".to_owned(),
    ];
    for path in unknown {
        for level in ["linearizable", "session", "bounded=10s", "stale"] {
            let none = read(&world, &path, &[("evenkeel-read", level)]).await;
            assert_eq!(none.status, 404, "{path} {level}: {}", none.json());
            assert_eq!(none.header("evenkeel-read"), level.split('=').next().unwrap(), "{path}");
            assert!(none.header(SESSION).starts_with("t2."), "{path} {level}");
            assert!(none.header("evenkeel-age-ms").parse::<u64>().is_ok(), "{path} {level}");
        }
    }
}
