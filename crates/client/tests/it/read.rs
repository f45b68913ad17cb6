//! If one of these breaks, a client believes that it was shown what it asked for, and was not.

use core::time::Duration;

use client::{Client, ClusterToken, Level, Options, ReadError, Session};

use crate::script::{Script, Step};

const SEEN: &str = "t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d65";
const LATER: &str = "t2.00c0ffee00c0ffee.3.6.2000.0000000000000001";
const EARLIER: &str = "t2.00c0ffee00c0ffee.3.4.7.0000000000000002";
const ORPHANED: &str = r#"{"type":"p/token-orphaned","title":"Lost.","status":410,
    "token":"t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d65","left_out_by_epoch":6,"left_out_from_seq":1000}"#;
const BEHIND: &str = r#"{"type":"p/behind","title":"Behind.","status":504}"#;
const NOT_HOME: &str = r#"{"type":"p/not-home","title":"Elsewhere.","status":307}"#;
const FOREIGN: &str = r#"{"type":"p/foreign-token","title":"Whose?","status":400}"#;

fn client(urls: &[String], deadline: Duration) -> Client {
    let (pause_first, pause_max) = (Duration::from_millis(1), Duration::from_millis(4));
    Client::new(urls, Options { deadline, pause_first, pause_max, ..Options::default() }).unwrap()
}

fn token(text: &str) -> ClusterToken {
    ClusterToken::parse(text.as_bytes()).unwrap()
}

fn shown(tokens: &str, body: &'static str) -> Step {
    let headers = format!("evenkeel-session: {tokens}\r\nevenkeel-age-ms: 12\r\n");
    Step::Answer(200, "application/json", headers, body)
}

const LONG: Duration = Duration::from_secs(20);

/// If a session forgets what it was answered, the next region shows the payer its money again.
#[tokio::test]
async fn what_a_payment_was_answered_goes_along_with_later_reads() {
    let headers = format!("evenkeel-repeated: false\r\nevenkeel-session: {SEEN}\r\n");
    let pays = Step::Answer(200, "application/xml", headers, "<r/>");
    let node = Script::start(vec![pays, shown(LATER, "{}"), shown(LATER, "{}")]).await;
    let (client, session) = (client(&[node.url()], LONG), Session::default());
    assert!(client.submit_in(&session, b"<a/>").await.answer().is_some());
    let read = client.read(&session, Level::Session, "/v1/books").await.unwrap();
    assert_eq!((&read.body[..], read.age_ms, read.endpoint), (&b"{}"[..], Some(12), 0));
    assert_eq!(session.tokens(), [token(LATER)], "which was held against the former");
    client.read(&session, Level::Bounded(Duration::from_secs(2)), "/v1/books").await.unwrap();
    let heads = node.heads();
    assert!(heads[1].contains(&format!("evenkeel-session: {SEEN}")), "{}", heads[1]);
    assert!(heads[2].contains(&format!("evenkeel-session: {LATER}")), "{}", heads[2]);
    assert!(heads[1].contains("evenkeel-read: session\r\n"));
    assert!(heads[2].contains("evenkeel-read: bounded=2000000us\r\n"));
}

/// If a lost answer is forgotten over a later one, nobody looks after the payment that was lost.
#[tokio::test]
async fn a_token_is_kept_until_a_read_was_held_against_it() {
    let headers = format!("evenkeel-repeated: false\r\nevenkeel-session: {LATER}\r\n");
    let pays = Step::Answer(200, "application/xml", headers, "<r/>");
    let node = Script::start(vec![pays, Step::problem(410, ORPHANED), shown(LATER, "{}")]).await;
    let (client, session) = (client(&[node.url()], LONG), Session::from_tokens([token(SEEN)]));
    client.submit_in(&session, b"<a/>").await;
    assert_eq!(session.tokens(), [token(SEEN), token(LATER)]);
    let refused = client.read(&session, Level::Session, "/v1/books").await.unwrap_err();
    let ReadError::Orphaned { token: Some(lost), by, from } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((lost.as_str(), by, from), (SEEN, 6, 1_000));
    assert_eq!(session.tokens(), [token(LATER)], "it was said, once");
    client.read(&session, Level::Session, "/v1/books").await.unwrap();
}

/// If a node that lags ends the search, one that does not is never asked; if it is believed, it shows less.
#[tokio::test]
async fn another_node_is_asked_where_one_cannot_show_it() {
    let behind = Script::start(vec![Step::problem(504, BEHIND)]).await;
    let home = Script::start(vec![shown(LATER, "home")]).await;
    let location = format!("location: {}/v1/books\r\n", home.url());
    let sends_on = Step::Answer(307, "application/problem+json", location, NOT_HOME);
    let away = Script::start(vec![sends_on]).await;
    let urls = [away.url(), behind.url(), home.url()];
    let (client, session) = (client(&urls, LONG), Session::default());
    let read = client.read(&session, Level::Linearizable, "/v1/books").await.unwrap();
    assert_eq!((&read.body[..], read.endpoint), (&b"home"[..], 2));
    assert_eq!(behind.bodies().len(), 0, "it was not asked: the home was named");
    let read = client.read(&session, Level::Session, "/v1/books").await.unwrap();
    assert_eq!(&read.body[..], b"home");
}

/// If what nobody can show ends in an answer, it is a wrong one.
#[tokio::test]
async fn what_nobody_shows_in_time_is_an_error() {
    let behind = Script::start(vec![Step::problem(504, BEHIND)]).await;
    let session = Session::from_tokens([token(SEEN), token(EARLIER)]);
    let client = client(&[behind.url()], Duration::from_millis(50));
    let refused = client.read(&session, Level::Session, "/v1/books").await.unwrap_err();
    assert!(matches!(refused, ReadError::TimedOut(_)), "{refused:?}");
    assert_eq!(session.tokens().len(), 2, "nothing was forgotten over it");
    let foreign = Script::start(vec![Step::problem(400, FOREIGN)]).await;
    let client = self::client(&[foreign.url()], LONG);
    let refused = client.read(&session, Level::Session, "/v1/books").await.unwrap_err();
    assert!(matches!(refused, ReadError::Refused(_)), "{refused:?}");
}

/// If a session of many ledgers sends more tokens than a node looks at, every read is refused for good; if
/// it sends only some, the rest of what it has seen is not held against the answer.
#[tokio::test]
async fn more_tokens_than_a_request_may_have_go_in_several() {
    let seen = |group: u16, epoch: u64| {
        token(&format!("t2.00c0ffee00c0ffee.{group}.{epoch}.7.0000000000000003"))
    };
    // Group 0 was seen in two epochs.
    let many = (0..64).map(|group| seen(group, 4)).chain([seen(0, 3)]);
    let session = Session::from_tokens(many);
    let first = shown(
        "t2.00c0ffee00c0ffee.0.5.9.0000000000000004, t2.00c0ffee00c0ffee.1.5.9.0000000000000004",
        "early",
    );
    let node =
        Script::start(vec![first, shown("t2.00c0ffee00c0ffee.63.5.9.0000000000000004", "whole")])
            .await;
    let client = client(&[node.url()], LONG);
    let read = client.read(&session, Level::Session, "/v1/accounts").await.unwrap();
    assert_eq!(&read.body[..], b"whole", "the answer that is held against all of them");
    let heads = node.heads();
    let count = |head: &str| head.matches("t2.").count();
    assert_eq!(heads.iter().map(|head| count(head)).collect::<Vec<_>>(), [64, 1]);
    assert!(
        heads[0].contains("evenkeel-session: t2.00c0ffee00c0ffee.0.3.7.0000000000000003, t2.00c0ffee00c0ffee.0.4.7."),
        "oldest first"
    );
    assert!(heads[1].contains("t2.00c0ffee00c0ffee.63.4.7."), "{}", heads[1]);
    let tokens = session.tokens();
    assert_eq!(tokens.len(), 64, "one for each group now");
    assert!(tokens.contains(&seen(2, 4)), "it was not looked at, so it stays");
    client.read(&session, Level::Session, "/v1/accounts").await.unwrap();
    assert_eq!(node.heads().len(), 3, "those fit into one request");
}

/// If an answer to some of the tokens counted for another node, that one would show less than was seen.
#[tokio::test]
async fn another_node_is_held_against_all_tokens_again() {
    let session = Session::from_tokens(
        (0..65).map(|group| token(&format!("t2.00c0ffee00c0ffee.{group}.4.7.0000000000000003"))),
    );
    let leaves = Script::start(vec![shown("", "early"), Step::problem(504, BEHIND)]).await;
    let other = Script::start(vec![shown("", "early"), shown("", "whole")]).await;
    let client = client(&[leaves.url(), other.url()], LONG);
    let read = client.read(&session, Level::Session, "/v1/books").await.unwrap();
    assert_eq!((&read.body[..], read.endpoint), (&b"whole"[..], 1));
    let counts = |node: &Script| {
        node.heads().iter().map(|head| head.matches("t2.").count()).collect::<Vec<_>>()
    };
    assert_eq!((counts(&leaves), counts(&other)), (vec![64, 1], vec![64, 1]));
}

/// If a token of another cluster stays, every read of the session is refused for good.
#[tokio::test]
async fn a_foreign_token_is_dropped_and_named() {
    const NAMED: &str = r#"{"type":"p/foreign-token","title":"Whose?","status":400,
        "token":"t2.00c0ffee00c0ffee.3.5.1042.9f86d081884c7d65"}"#;
    let node = Script::start(vec![Step::problem(400, NAMED), shown(LATER, "{}")]).await;
    let (client, session) =
        (client(&[node.url()], LONG), Session::from_tokens([token(SEEN), token(EARLIER)]));
    let refused = client.read(&session, Level::Session, "/v1/books").await.unwrap_err();
    assert!(
        matches!(refused, ReadError::Foreign { token: named } if named == token(SEEN)),
        "{refused:?}"
    );
    assert_eq!(session.tokens(), [token(EARLIER)]);
    client.read(&session, Level::Session, "/v1/books").await.unwrap();
    session.forget(&token(LATER));
    assert_eq!(session.tokens(), [], "a client may drop what it knows to be nobody's");
}

/// If what is not there counted for nothing, the next node could show less than the one that knew of nothing;
/// and a payment that only later tokens tell of would be called unknown.
#[tokio::test]
async fn that_there_is_no_such_thing_is_seen_like_any_other_answer() {
    const NONE: &str = r#"{"type":"p/no-such-account","title":"None.","status":404}"#;
    let none = |tokens: &str| {
        let headers = format!("evenkeel-session: {tokens}\r\nevenkeel-read: session\r\n");
        Step::Answer(404, "application/problem+json", headers, NONE)
    };
    let node = Script::start(vec![none(LATER)]).await;
    let (client, session) = (client(&[node.url()], LONG), Session::from_tokens([token(SEEN)]));
    let refused = client.read(&session, Level::Session, "/v1/accounts/EUR/1").await.unwrap_err();
    assert!(matches!(refused, ReadError::Refused(problem) if problem.status == 404));
    assert_eq!(session.tokens(), [token(LATER)]);

    let many =
        (0..65).map(|group| token(&format!("t2.00c0ffee00c0ffee.{group}.4.7.0000000000000003")));
    let session = Session::from_tokens(many);
    let node = Script::start(vec![none(""), shown("", "there")]).await;
    let client = self::client(&[node.url()], LONG);
    let read = client.read(&session, Level::Session, "/v1/payments/1").await.unwrap();
    assert_eq!(&read.body[..], b"there", "held against all of them");
}
