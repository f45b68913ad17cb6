//! What readers are shown by three real nodes, one of which is killed.

use crate::command::{stderr, stdout};
use crate::http::{self, Answer};
use crate::trio::{Trio, account, message};

const NODES: [usize; 3] = [0, 1, 2];

fn read(trio: &Trio, node: usize, headers: &[(&str, &str)]) -> Answer {
    let path = format!("/v1/accounts/EUR/{}", account(1));
    http::ask(&trio.address(node), "GET", &path, headers, b"")
}

/// The only node among these that answers as the home.
fn home(trio: &Trio, nodes: &[usize]) -> usize {
    let fresh = [("evenkeel-read", "linearizable")];
    let answers: Vec<Answer> = nodes.iter().map(|node| read(trio, *node, &fresh)).collect();
    let at = answers.iter().position(|answer| answer.status == 200).expect("one is the home");
    for (node, answer) in nodes.iter().zip(&answers).filter(|(_, answer)| answer.status != 200) {
        assert_eq!((answer.status, answer.problem().as_str()), (307, "not-home"), "{node}");
        let there = format!("http://{}/v1/accounts/EUR/{}", trio.address(nodes[at]), account(1));
        assert_eq!(answer.header("location"), there);
    }
    nodes[at]
}

/// If a region showed less than another has told, a customer would see the money back; if a home that
/// dies took its readers' place in time with it, the next one could not go on.
#[test]
fn what_one_region_told_every_region_shows_also_after_a_failover() {
    let mut trio = Trio::new("");
    trio.start(&NODES);
    trio.until_served(&NODES);
    let open = ["accounts", "open", "--currency", "EUR", "--key"];
    trio.order(&[0], &[&open[..], &[&account(1), "--funding", "100.00"]].concat());
    trio.order(&[0], &[&open[..], &[&account(2)]].concat());
    let paid = trio.pay(2, &message("EUR", 1, 1_234), &[]);
    assert_eq!(paid.element("GrpSts"), "ACSC");
    let token = paid.header("evenkeel-session").to_owned();
    let session = [("evenkeel-session", token.as_str())];
    for node in NODES {
        let shown = read(&trio, node, &session);
        assert_eq!(shown.status, 200, "{}", shown.body);
        assert_eq!(shown.json()["debits"], "12.34", "node {node}");
    }
    let before = home(&trio, &NODES);

    let cut = trio.try_order(&NODES, &["books", "--cut"]);
    assert!(cut.status.success(), "{}{}", stdout(&cut), stderr(&cut));
    assert!(stdout(&cut).contains("3 nodes hold the same at "), "{}", stdout(&cut));
    let list = ["accounts", "list", "--currency", "EUR", "--read", "bounded=5s"];
    let list = trio.evenkeel(&NODES, &list);
    assert!(list.status.success(), "{}", stderr(&list));

    trio.kill(&[before]);
    let left: Vec<usize> = NODES.into_iter().filter(|node| *node != before).collect();
    trio.until_served(&left);
    let after = home(&trio, &left);
    assert_ne!(after, before);
    for node in left {
        assert_eq!(read(&trio, node, &session).json()["debits"], "12.34", "node {node}");
    }
}

/// If a client were shown the state of after a failover as if its payment had never been answered, it
/// would neither send it again nor ask what became of it.
#[test]
fn what_an_async_home_answered_and_lost_is_said_to_be_lost() {
    let mut trio = Trio::new("journals:\n  - {groups: [2], class: async}\n");
    trio.start(&NODES);
    trio.until_served(&NODES);
    let switch = ["switchover", "--to", "a", "--reason", "a test", "--wait", "--groups", "2"];
    trio.order(&[0], &switch);
    let open = ["accounts", "open", "--currency", "EUR", "--key"];
    trio.order(&[0], &[&open[..], &[&account(1), "--funding", "100.00"]].concat());
    trio.order(&[0], &[&open[..], &[&account(2)]].concat());
    trio.kill(&[1, 2]);
    let early = trio.pay(0, &message("EUR", 1, 1_234), &[]);
    assert_eq!((early.status, early.header("evenkeel-provisional")), (202, "true"));
    let token = early.header("evenkeel-session").to_owned();
    let session = [("evenkeel-session", token.as_str()), ("evenkeel-timeout", "300ms")];
    let waits = read(&trio, 0, &session);
    assert_eq!((waits.status, waits.problem().as_str()), (504, "behind"), "it is not committed");
    let early = [("evenkeel-read", "provisional"), session[0]];
    let early = read(&trio, 0, &early);
    assert_eq!((early.status, early.json()["debits"].as_str()), (200, Some("12.34")));
    assert_eq!(early.json()["provisional"], true);

    trio.kill(&[0]);
    trio.start(&[1, 2]);
    trio.until_served(&[1, 2]);
    for node in [1, 2] {
        let lost = read(&trio, node, &session);
        assert_eq!(
            (lost.status, lost.problem().as_str()),
            (410, "token-orphaned"),
            "{}",
            lost.body
        );
        let said = lost.json();
        assert_eq!(said["token"], token.as_str());
        assert!(said["left_out_by_epoch"].as_u64() > said["token_epoch"].as_u64(), "{said}");
        assert!(said["next_step"].is_string());
    }
    assert_eq!(read(&trio, 1, &[]).json()["debits"], "0.00");
}
