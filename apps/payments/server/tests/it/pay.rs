//! If one of these breaks, a payment is lost, made twice, or answered with another's outcome.

use payments_message::message::Version;
use payments_message::sample::uetr;
use types::{Amount, Currency};

use crate::http;
use crate::world::{World, account, draft, message};

/// If the straight way breaks, nobody is paid; if a repeat differs, two systems disagree for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_settled_once_and_answered_the_same_for_ever() {
    let world = World::alone().await;
    assert_eq!(world.open("EUR", 1, "100.00").await.status, 201);
    assert_eq!(world.open("EUR", 2, "0").await.status, 201);

    let first = world.pay(&message(1)).await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.header("content-type"), "application/xml");
    assert_eq!(first.header("evenkeel-repeated"), "false");
    assert_eq!(first.header("evenkeel-group"), (978 % 8).to_string());
    assert!(first.header("evenkeel-seq").parse::<u64>().unwrap() > 0);
    assert_eq!(first.element("GrpSts"), "ACSC");
    assert_eq!(first.element("OrgnlMsgId"), "MSG-1");
    assert!(first.text().contains("pacs.002.001.10"));

    let again = world.pay(&message(1)).await;
    assert_eq!(again.header("evenkeel-repeated"), "true");
    assert_eq!((again.status, &again.body), (200, &first.body));

    // Written another way it is the same message; with another word it is not.
    let text = String::from_utf8(message(1)).unwrap();
    let spaced = text.replace("><", ">\n<");
    assert_eq!(world.pay(spaced.as_bytes()).await.body, first.body);
    let other = world.pay(text.replace("Invoice 1", "Invoice 2").as_bytes()).await;
    assert_eq!((other.status, other.problem().as_str()), (409, "conflict"));
    assert_eq!(other.json()["first_digest"].as_str().map(str::len), Some(64));

    let balance = world.get(&format!("/v1/accounts/EUR/{}", account(1))).await.json();
    assert_eq!((&balance["balance"], &balance["debits"]), (&"87.66".into(), &"12.34".into()));

    let world = world.restart().await;
    let later = world.pay(&message(1)).await;
    assert_eq!((later.header("evenkeel-repeated"), &later.body), ("true", &first.body));
    let stored = world.get("/v1/payments/COBADEFFXXX%2FMSG-1/pacs.002").await;
    assert_eq!((stored.status, stored.body), (200, first.body));
}

/// If the ledger's verdict does not reach the sender, it pays again.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledger_rejects_bears_its_reason() {
    let world = World::alone().await;
    let check = async |number: u32, code: &str| {
        let answer = world.pay(&message(number)).await;
        assert_eq!((answer.status, answer.element("GrpSts")), (200, "RJCT"));
        assert_eq!(answer.element("Cd"), code, "{}", answer.text());
    };
    check(1, "AC02").await;
    world.open("EUR", 1, "5.00").await;
    check(2, "AC03").await;
    world.open("EUR", 2, "0").await;
    check(3, "AM04").await;

    let mut two = draft(4);
    let mut small = two.payments[0].clone();
    small.amount = Amount(100);
    small.uetr = uetr(77);
    small.transaction_id = "TX-small".to_owned();
    two.payments.push(small);
    let answer = world.pay(&two.write(Version::V10)).await;
    assert_eq!((answer.status, answer.element("GrpSts")), (200, "PART"));
    assert!(answer.text().contains("pacs.002.001.12"));

    let found = world.get(&format!("/v1/payments/{}", uetr(77))).await.json();
    assert_eq!(found["status"], "PART");
    assert_eq!(found["transactions"][1]["status"], "ACSC");
    assert_eq!(found["transactions"][1]["amount"], "1.00");
    assert_eq!(found["transactions"][0]["reason"]["code"], "AM04");
    let history = found["transactions"][0]["history"].as_array().unwrap();
    let codes: Vec<_> = history.iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(codes, ["ACTC", "ACCP", "RJCT"]);
    assert!(found["as_of"]["applied_seq"].as_u64().unwrap() > 0);
    assert!(found["as_of"]["age_ms"].is_u64());
}

/// If what is no payment gets as far as a ledger, or is answered wrongly, its sender waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_payment_is_refused_at_once() {
    let world = World::alone().await;
    let problem = async |body: &[u8], status: u16, kind: &str| {
        let answer = world.pay(body).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{}", answer.text());
    };
    problem(b"hello", 400, "not-xml").await;
    problem(b"", 400, "not-xml").await;
    let bomb = b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>";
    problem(bomb, 400, "hostile-xml").await;
    problem(b"<a/>", 400, "not-pacs008").await;

    // A rule or the schema broken: a rejection in kind that names the message.
    let text = String::from_utf8(message(1)).unwrap();
    let wrong_sum = world.pay(text.replace("<CtrlSum>12.34", "<CtrlSum>12.35").as_bytes()).await;
    assert_eq!((wrong_sum.status, wrong_sum.element("GrpSts")), (422, "RJCT"));
    assert_eq!((wrong_sum.element("Cd"), wrong_sum.element("OrgnlMsgId")), ("AM10", "MSG-1"));
    let wrong_tag = world.pay(text.replace("ChrgBr", "ChrgBe").as_bytes()).await;
    assert_eq!((wrong_tag.status, wrong_tag.element("Cd")), (422, "FF01"));
    let no_id = text.replace("<MsgId>MSG-1</MsgId>", "");
    problem(no_id.as_bytes(), 422, "invalid").await;

    let status = world.get("/v1/books").await.json();
    assert_eq!(status["books"].as_array().unwrap().len(), 0, "nothing reached a ledger");
}

/// If sizes, types and headers are not checked, a client can exhaust the node or be misunderstood.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded() {
    let world = World::alone().await;
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(world.pay(&large).await.problem(), "too-large");
    let chunked = [
        b"POST /v1/payments HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
          transfer-encoding: chunked\r\n\r\n"
            .as_slice(),
        format!("{:x}\r\n", large.len()).as_bytes(),
        &large,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    assert_eq!(http::raw(world.http, &chunked).await.problem(), "too-large");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = http::ask(world.http, "POST", "/v1/payments", &form, &message(1)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (415, "not-xml-type"));
    let answer = world.pay_with(&message(1), &[("evenkeel-timeout", "soon")]).await;
    assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-header"));
    let head = format!("GET /healthz HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    assert_eq!(http::raw(world.http, head.as_bytes()).await.status, 431);
    assert_eq!(world.get("/v1/payments").await.problem(), "method-not-allowed");
    assert_eq!(world.get("/v2").await.problem(), "not-found");
    for path in ["/v1/payments/%FF", "/v1/payments/%FF/pacs.002", "/v1/accounts/EUR/%FF"] {
        assert_eq!(world.get(path).await.problem(), "bad-path");
    }
    assert_eq!(world.get("/v1/groups/%FF").await.problem(), "bad-path");
    assert_eq!(world.get("/v1/accounts?offset=-1").await.problem(), "bad-query");
}

/// If a payment may be made after its sender gave it up, it is made twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_comes_too_late_is_never_made() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("EUR", 2, "0").await;
    let late = [("evenkeel-not-after", "2001-01-01T00:00:00Z")];
    let answer = world.pay_with(&message(1), &late).await;
    assert_eq!((answer.status, answer.problem().as_str()), (410, "expired"));
    let balance = world.get(&format!("/v1/accounts/EUR/{}", account(1))).await.json();
    assert_eq!(balance["balance"], "100.00");
}

/// If one message id could name two messages in two ledgers, a retry could pay in both.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_used_in_another_currency_is_refused() {
    let world = World::alone().await;
    assert_eq!(world.pay(&message(1)).await.status, 200);
    let mut dollars = draft(1);
    dollars.payments[0].currency = Currency::from_code("USD").unwrap();
    let answer = world.pay(&dollars.write(Version::V08)).await;
    assert_eq!((answer.status, answer.problem().as_str()), (409, "conflict"));
    assert_eq!(answer.json()["first_currency"], "EUR");
}

/// If a message that was carried out is refused because its id was used elsewhere later, its sender
/// is told that nothing was done, and pays again.
#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_stands_whatever_became_of_its_id_elsewhere() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("EUR", 2, "0").await;
    let euros = world.pay(&message(1)).await;
    assert_eq!((euros.status, euros.element("GrpSts")), (200, "ACSC"));

    // In another region that has not heard of it, the id is taken in dollars too: here by hand.
    let mut dollars = draft(1);
    dollars.payments[0].currency = Currency::from_code("USD").unwrap();
    dollars.payments[0].uetr = uetr(99);
    let dollars = dollars.write(Version::V08);
    world.take(&dollars).await;

    let again = world.pay(&message(1)).await;
    assert_eq!((again.header("evenkeel-repeated"), &again.body), ("true", &euros.body));
    let first = world.pay(&dollars).await;
    assert_eq!(
        (first.status, first.header("evenkeel-repeated")),
        (200, "true"),
        "{}",
        first.text()
    );
    assert_eq!(first.element("Cd"), "AC02", "no accounts in dollars");
    // A third message under the id was never carried out, and a look at its group leaves it so.
    let mut francs = draft(1);
    francs.payments[0].currency = Currency::from_code("CHF").unwrap();
    for _ in 0..2 {
        let answer = world.pay(&francs.write(Version::V08)).await;
        assert_eq!((answer.status, answer.problem().as_str()), (409, "conflict"));
    }
}

/// If a header counted, the same document relayed under another one would be paid a second time.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_one_message_under_every_header() {
    let world = World::alone().await;
    world.open("EUR", 1, "100.00").await;
    world.open("EUR", 2, "0").await;
    // Nothing but sender and message id tells this payment from others.
    let text = String::from_utf8(message(1)).unwrap();
    let text = without(&without(&text, "UETR"), "TxId");
    let document = without(&text, "InstgAgt").split_once('\n').unwrap().1.to_owned();
    let under = |bic: &str| {
        format!(
            "<e><AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.02'><Fr><FIId>\
             <FinInstnId><BICFI>{bic}</BICFI></FinInstnId></FIId></Fr></AppHdr>{document}</e>"
        )
    };
    let first = world.pay(document.as_bytes()).await;
    assert_eq!((first.status, first.element("GrpSts")), (200, "ACSC"), "{}", first.text());
    for again in [under("COBADEFF"), under("INGDDEFFXXX")] {
        let again = world.pay(again.as_bytes()).await;
        assert_eq!((again.header("evenkeel-repeated"), &again.body), ("true", &first.body));
    }
    let balance = world.get(&format!("/v1/accounts/EUR/{}", account(1))).await.json();
    assert_eq!(balance["balance"], "87.66");
}

/// The text without the first element of that name.
fn without(text: &str, name: &str) -> String {
    let (before, rest) = text.split_once(&format!("<{name}>")).unwrap();
    let (_, after) = rest.split_once(&format!("</{name}>")).unwrap();
    format!("{before}{after}")
}

/// If a node that cannot commit says yes or no, it lies.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_nothing_is_promised() {
    let world = World::lonely().await;
    let answer = world.pay_with(&message(1), &[("evenkeel-timeout", "300ms")]).await;
    assert_eq!((answer.status, answer.problem().as_str()), (503, "busy"));
    assert!(!answer.header("retry-after").is_empty());
    let answer = world.get(&format!("/v1/payments/{}", uetr(77))).await;
    assert_eq!((answer.status, answer.problem().as_str()), (404, "no-such-payment"));
}

/// If many clients at once shared an answer, each would get another's.
#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_each_get_their_own() {
    let world = World::alone().await;
    world.open("EUR", 1, "1000000.00").await;
    world.open("EUR", 2, "0").await;
    let http = world.http;
    let asked: Vec<_> = (0..200)
        .map(|number| {
            // Each message is sent twice, side by side.
            let body = message(number / 2);
            tokio::spawn(async move {
                let kind = [("content-type", "application/xml")];
                (number / 2, http::ask(http, "POST", "/v1/payments", &kind, &body).await)
            })
        })
        .collect();
    let mut bodies = std::collections::BTreeMap::new();
    for one in asked {
        let (number, answer) = one.await.unwrap();
        assert_eq!(answer.element("OrgnlMsgId"), format!("MSG-{number}"));
        assert_eq!(answer.element("GrpSts"), "ACSC");
        let first = bodies.entry(number).or_insert_with(|| answer.body.clone());
        assert_eq!(*first, answer.body);
    }
    let books = world.get("/v1/books").await.json();
    assert_eq!(books["books"][0]["settled_count"], 100);
}
