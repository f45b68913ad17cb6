//! If one of these breaks, a sender pays twice, or believes in a payment that was never made.

use core::time::Duration;

use client::{CallError, Client, NotAnEndpoint, Options, Outcome, Trouble};
use serde_json::json;

use crate::script::{Script, Step};

const BUSY: &str = r#"{"type":"p/busy","title":"Busy.","status":503,"retry_after_ms":1}"#;
const BUSY_FOR_LONG: &str =
    r#"{"type":"p/busy","title":"Busy.","status":503,"retry_after_ms":30000}"#;
const UNKNOWN: &str = r#"{"type":"p/unknown-outcome","title":"Ask again.","status":504}"#;
const CONFLICT: &str = r#"{"type":"p/conflict","title":"Taken.","status":409,"detail":"d"}"#;
const EXPIRED: &str = r#"{"type":"p/expired","title":"Late.","status":410}"#;

fn options() -> Options {
    Options {
        deadline: Duration::from_secs(20),
        try_wait: Duration::from_secs(10),
        pause_first: Duration::from_millis(1),
        pause_max: Duration::from_millis(4),
        ..Options::default()
    }
}

/// An address where nobody listens: it was free a moment ago.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn submit(urls: &[String], options: Options) -> Outcome {
    Client::new(urls, options).unwrap().submit(b"<a/>").await
}

/// If the bytes change between two tries, the second is another message.
#[tokio::test]
async fn the_same_bytes_go_on_until_somebody_knows() {
    let unsure = Script::start(vec![Step::problem(504, UNKNOWN)]).await;
    let broken = Script::start(vec![Step::Hang]).await;
    let knows = Script::start(vec![Step::problem(503, BUSY), Step::report("<r/>")]).await;
    let urls = [nobody().await, unsure.url(), broken.url(), knows.url()];
    let outcome = submit(&urls, options()).await;
    let answer = outcome.answer().expect("an answer");
    assert_eq!((answer.status, &answer.body[..], answer.endpoint), (200, &b"<r/>"[..], 3));
    assert_eq!((answer.attempts, answer.was_unknown, answer.repeated), (8, true, false));
    let bodies = [unsure.bodies(), broken.bodies(), knows.bodies()].concat();
    assert_eq!(bodies, vec![b"<a/>".to_vec(); 6]);
}

/// If what is in settlement is taken for an end, its sender never hears that it came back.
#[tokio::test]
async fn what_is_in_settlement_is_asked_for_until_it_is_settled() {
    let pending = || Step::Answer(202, "application/xml", String::new(), "<pending/>");
    let settles = Script::start(vec![pending(), pending(), Step::report("<r/>")]).await;
    let outcome = submit(&[settles.url(), nobody().await], options()).await;
    let answer = outcome.answer().expect("an answer");
    assert_eq!((answer.status, &answer.body[..]), (200, &b"<r/>"[..]));
    assert_eq!((answer.attempts, answer.was_unknown), (3, false));

    let short = Options { deadline: Duration::from_millis(200), ..options() };
    let waits = Script::start(vec![pending()]).await;
    let outcome = submit(&[waits.url()], short).await;
    let Outcome::Unknown(unknown) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(unknown.last, Trouble::InSettlement));
}

/// If a doubt is called a refusal, the sender makes a second payment.
#[tokio::test]
async fn a_doubt_stays_a_doubt() {
    let short = Options { deadline: Duration::from_millis(200), ..options() };
    for step in [
        Step::problem(504, UNKNOWN),
        Step::Hang,
        Step::Answer(502, "text/html", String::new(), "<h1>bad gateway</h1>"),
        Step::Answer(503, "text/html", String::new(), "a proxy's word is not a node's"),
        Step::Answer(500, "application/problem+json", String::new(), "{}"),
        Step::Answer(200, "text/html", String::new(), "<p>hello</p>"),
        Step::Answer(460, "text/html", String::new(), "a proxy gave up what it had handed on"),
    ] {
        let doubtful = Script::start(vec![step.clone()]).await;
        let outcome = submit(&[doubtful.url(), nobody().await], short).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{step:?}: {outcome:?}");
    }
    let silent = Script::start(vec![Step::Silent]).await;
    let outcome = submit(&[silent.url()], short).await;
    let Outcome::Unknown(unknown) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(unknown.last, Trouble::Silent(_)));

    // Too late is said of one try; the one before may still be carried out.
    let late = Script::start(vec![Step::Hang, Step::problem(410, EXPIRED)]).await;
    let outcome = submit(&[late.url()], options()).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    let late = Script::start(vec![Step::problem(410, EXPIRED)]).await;
    let outcome = submit(&[late.url()], options()).await;
    assert!(matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
}

/// If a refusal is called a doubt, the sender asks for ever.
#[tokio::test]
async fn what_was_certainly_not_done_is_refused() {
    let short = Options { deadline: Duration::from_secs(2), ..options() };
    let outcome = submit(&[nobody().await], short).await;
    let Outcome::Refused(refused) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(refused.why, Trouble::Connect(_)) && refused.attempts > 1);

    // It says to come again after the deadline, so there is no last try that nobody may answer.
    let busy = Script::start(vec![Step::problem(503, BUSY_FOR_LONG)]).await;
    let patient = Options { pause_max: Duration::from_secs(60), ..options() };
    let outcome = submit(&[busy.url()], patient).await;
    let Outcome::Refused(refused) = outcome else { panic!("{outcome:?}") };
    assert!(matches!(refused.why, Trouble::Problem(_)) && refused.attempts == 1);

    let conflict = Script::start(vec![Step::problem(409, CONFLICT)]).await;
    let outcome = submit(&[conflict.url()], options()).await;
    let Outcome::Refused(refused) = outcome else { panic!("{outcome:?}") };
    let Trouble::Problem(problem) = &refused.why else { panic!("{:?}", refused.why) };
    assert_eq!((problem.kind.as_str(), problem.status, refused.attempts), ("conflict", 409, 1));
    assert_eq!(problem.to_string(), "409 Taken. (d)");

    let rejected = Step::Answer(422, "application/xml", String::new(), "<rjct/>");
    let rejects = Script::start(vec![rejected]).await;
    let outcome = submit(&[rejects.url()], options()).await;
    assert_eq!(outcome.answer().map(|answer| answer.status), Some(422));
}

/// If a gateway's refusal, or a body that broke off, is taken for the last word, a payment that every
/// node would take is given up.
#[tokio::test]
async fn what_another_node_may_take_is_asked_for_there() {
    let knows = Script::start(vec![Step::report("<r/>")]).await;
    for body in [
        r#"{"type":"p/broken-off","title":"Broken.","status":400}"#,
        r#"{"type":"about:blank","title":"Bad Request","status":400}"#,
        "{}",
    ] {
        let gateway = Script::start(vec![Step::problem(400, body)]).await;
        let outcome = submit(&[gateway.url(), knows.url()], options()).await;
        assert_eq!(
            outcome.answer().map(|answer| (answer.attempts, answer.was_unknown)),
            Some((2, false))
        );
    }
}

/// If a redirect leads anywhere, a payment is sent to a stranger.
#[tokio::test]
async fn redirects_are_followed_to_known_endpoints_only() {
    let home = Script::start(vec![Step::report("<r/>")]).await;
    let stranger = Script::start(vec![Step::report("<stolen/>")]).await;
    let to = |url: String| {
        let location = format!("location: {url}/v1/payments\r\n");
        Step::Answer(307, "application/problem+json", location, "{}")
    };
    let sends = Script::start(vec![to(home.url())]).await;
    let unused = Script::start(vec![Step::Hang]).await;
    let outcome = submit(&[sends.url(), unused.url(), home.url()], options()).await;
    let answer = outcome.answer().unwrap();
    assert_eq!((answer.attempts, answer.endpoint, answer.was_unknown), (2, 2, false));
    assert_eq!(unused.bodies().len(), 0);

    let misled = Script::start(vec![to(stranger.url())]).await;
    let outcome = submit(&[misled.url(), home.url()], options()).await;
    assert_eq!(&outcome.answer().unwrap().body[..], b"<r/>");
    assert_eq!(stranger.bodies().len(), 0);
}

/// If every payment opens a connection, or begins with a dead region, clients are slow for no reason.
#[tokio::test]
async fn connections_are_kept_and_the_good_endpoint_is_remembered() {
    let good = Script::start(vec![Step::report("<r/>")]).await;
    let bad = Script::start(vec![Step::problem(503, BUSY)]).await;
    let client = Client::new([bad.url(), good.url()], options()).unwrap();
    for _ in 0..10 {
        assert!(client.submit(b"<a/>").await.answer().is_some());
    }
    assert_eq!((bad.bodies().len(), good.bodies().len()), (1, 10));
    assert_eq!((bad.connections(), good.connections()), (1, 1));
    client.prefer(0);
    client.submit(b"<a/>").await;
    assert_eq!(bad.bodies().len(), 2);
}

/// If connections are not bounded, a client takes its own node down.
#[tokio::test]
async fn connections_are_bounded() {
    let script = Script::start(vec![Step::report("<r/>")]).await;
    let options = Options { connections_max: 2, ..options() };
    let client = std::sync::Arc::new(Client::new([script.url()], options).unwrap());
    let all: Vec<_> = (0..50)
        .map(|_| {
            let client = std::sync::Arc::clone(&client);
            tokio::spawn(async move { client.submit(b"<a/>").await.answer().is_some() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(script.bodies().len(), 50);
    assert!(script.connections() <= 2);
}

/// If an operator's error has no type, a script cannot tell a refusal from an outage.
#[tokio::test]
async fn calls_say_what_happened() {
    let json = Step::Answer(200, "application/json", String::new(), r#"{"a":1}"#);
    let html = Step::Answer(200, "text/html", String::new(), "<p>");
    let refuses = Step::problem(409, CONFLICT);
    let script = Script::start(vec![json.clone(), html, refuses, json]).await;
    let client = Client::new([script.url(), nobody().await], options()).unwrap();
    assert_eq!(client.get_json(0, "/v1/status").await.unwrap(), json!({ "a": 1 }));
    let error = client.get_json(0, "/").await.unwrap_err();
    assert!(matches!(error, CallError::NotJson { .. }), "{error}");
    let error = client.post_json(0, "/", Some("token"), &json!({})).await.unwrap_err();
    assert!(matches!(&error, CallError::Refused { problem, .. } if problem.kind == "conflict"));
    assert!(error.to_string().starts_with(&script.url()));
    let error = client.get_json(1, "/").await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer { sent: false, .. }), "{error}");
    let error = client.get_json(0, "no path").await.unwrap_err();
    assert!(matches!(error, CallError::BadRequest { .. }), "{error}");
    assert_eq!(client.post_json(0, "/", None, &json!({})).await.unwrap(), json!({ "a": 1 }));
    assert_eq!(script.bodies().last().unwrap(), b"{}");
}

/// If a wrong address is taken, the first payment finds out.
#[test]
fn only_endpoints_are_endpoints() {
    for wrong in ["", "a:1", "https://a:1", "http://", "http://a/b", "http://u@a", "http://a?b"] {
        let error = Client::new([wrong], options()).unwrap_err();
        assert_eq!(error, NotAnEndpoint::Form { text: wrong.to_owned() });
    }
    let none: [&str; 0] = [];
    assert_eq!(Client::new(none, options()).unwrap_err(), NotAnEndpoint::Empty);
    let client = Client::new(["http://[::1]:8080/"], options()).unwrap();
    assert_eq!(client.endpoints()[0].url(), "http://[::1]:8080");
}

/// If an answer that one disk holds is called final, the sender believes in what a lost region took.
#[tokio::test]
async fn what_is_not_committed_is_never_called_final() {
    let early = |status, provisional: &str| {
        let headers =
            format!("evenkeel-repeated: false\r\nevenkeel-provisional: {provisional}\r\n");
        Step::Answer(status, "application/xml", headers, "<r/>")
    };
    let node = Script::start(vec![early(202, "true")]).await;
    let outcome = submit(&[node.url()], options()).await;
    let Outcome::Provisional(answer) = &outcome else { panic!("{outcome:?}") };
    assert_eq!((answer.status, &answer.body[..]), (202, &b"<r/>"[..]));
    assert!(outcome.answer().is_none());
    // What contradicts itself is a doubt.
    for step in [early(200, "true"), early(202, "false")] {
        let short = Options { deadline: Duration::from_millis(500), ..options() };
        let node = Script::start(vec![step.clone()]).await;
        let outcome = submit(&[node.url()], short).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{step:?}: {outcome:?}");
    }
}

/// Whoever has lost the bytes and is told "unknown" has nothing to ask by.
#[tokio::test]
async fn an_unknown_outcome_names_the_id_to_ask_by() {
    const NAMED: &str = r#"{"type":"p/unknown-outcome","title":"Ask.","status":504,"id":"6f1a"}"#;
    let node = Script::start(vec![Step::problem(504, NAMED)]).await;
    let short = Options { deadline: Duration::from_millis(500), ..options() };
    let outcome = submit(&[node.url()], short).await;
    let Outcome::Unknown(unknown) = outcome else { panic!("{outcome:?}") };
    assert_eq!(unknown.id.as_deref(), Some("6f1a"));
}
