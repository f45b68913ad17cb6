//! `evenkeel node`: what it says when it cannot start.

use std::fs;
use std::net::TcpListener;

use crate::command::{Node, fails, one_node, run, stderr, stdout};

#[test]
fn a_node_that_cannot_start_says_what_to_do() {
    // Without this, an operator at night would see a bare system error and no file to change.
    let dir = tempfile::tempdir().unwrap();
    let cluster = dir.path().join("cluster");
    one_node(&cluster);
    let file = cluster.join("only/node.yaml");
    let path = file.to_str().unwrap();
    let text = fs::read_to_string(&file).unwrap();

    fails(&["node", "--config", "/nowhere/node.yaml"], 2, "/nowhere/node.yaml");
    let start = |changed: String, says: &[&str]| {
        fs::write(&file, changed).unwrap();
        for part in says {
            fails(&["node", "--config", path], 2, part);
        }
    };
    start(text.replace("copies: 1", "copies: 2"), &["copies: want 1"]);
    start(text.replace("copies: 1", "copys: 1"), &["copys", "node.yaml"]);
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    for key in ["http", "peers"] {
        let free = format!("  {key}: \"127.0.0.1:0\"");
        assert!(text.contains(&free), "{text}");
        let changed = text.replace(&free, &format!("  {key}: \"127.0.0.1:{port}\""));
        let says = format!("the port is taken; stop what uses it, or change `listen.{key}` in");
        start(changed, &[&says, &port.to_string()]);
    }
    fs::write(&file, &text).unwrap();
    fs::remove_file(cluster.join("only/admin.token")).unwrap();
    fails(&["node", "--config", path], 2, "admin.token");
}

#[test]
fn a_running_node_is_asked_and_stopped() {
    // Without this, operators could not look at a cluster, and a node told to stop might not.
    let dir = tempfile::tempdir().unwrap();
    let cluster = dir.path().join("cluster");
    one_node(&cluster);
    let node = Node::start(&cluster.join("only/node.yaml"));
    let url = node.url.as_str();
    // Groups are served a moment after the first request is.
    while !run(&["status", "--endpoint", url]).status.success() {}
    let shown = run(&["status", "--groups", "--endpoint", &format!("http://127.0.0.1:9,{url}")]);
    assert!(stdout(&shown).contains("g63"), "{}", stdout(&shown));
    let explained = run(&["explain", "--group", "7", "--endpoint", url]);
    assert!(stdout(&explained).contains("only"), "{}", stdout(&explained));

    let token = cluster.join("only/admin.token");
    let token = ["--token-file", token.to_str().unwrap(), "--endpoint", url];
    let open = ["accounts", "open", "--currency", "EUR", "--key", "A", "--funding", "12.50"];
    fails(&[&open[..], &["--endpoint", url]].concat(), 2, "--token-file");
    for says in ["1 opened, 0 were", "0 opened, 1 were"] {
        let opened = run(&[&open[..], &token].concat());
        assert!(stdout(&opened).contains(says), "{} {}", stdout(&opened), stderr(&opened));
    }
    let other = ["accounts", "open", "--currency", "EUR", "--key", "A", "--funding", "13.00"];
    fails(&[&other[..], &token].concat(), 3, "The account is there, but other");
    let listed = run(&["accounts", "list", "--currency", "EUR", "--endpoint", url]);
    assert!(stdout(&listed).contains("12.50"), "{}", stdout(&listed));

    let order = ["switchover", "--groups", "1,2", "--to", "nowhere", "--reason", "test"];
    fails(&[&order[..], &token].concat(), 2, "There is no such node or region");
    let order = ["switchover", "--groups", "1,2", "--to", "only", "--reason", "test"];
    fails(&[&order[..], &token].concat(), 3, "is the home of");
    fails(&["status", "--endpoint", "http://127.0.0.1:9"], 4, "127.0.0.1:9");

    let shown = run(&["model", "show", "--groups", "--endpoint", url]);
    assert!(stdout(&shown).contains("1 to 2"), "{} {}", stdout(&shown), stderr(&shown));
    let upgrade = |to: &'static str, groups: &'static str| {
        let order = ["model", "upgrade", "--to", to, "--groups", groups, "--reason", "test"];
        [&order[..], &token].concat()
    };
    fails(&upgrade("3", "all"), 3, "runs versions 1 to 2");
    fails(&upgrade("1", "7"), 3, "model version 1 is not above 1");
    let nothing = run(&upgrade("1", "all"));
    assert!(stdout(&nothing).contains("nothing to do"), "{}", stderr(&nothing));
    node.stop();
}

#[test]
fn a_node_that_ends_does_not_wait_for_whoever_started_it() {
    // Without this, a node that fenced itself off was a process that served nothing and never ended,
    // so that nothing started it again. Found by a chaos run: a disk that failed an fsync.
    let dir = tempfile::tempdir().unwrap();
    let cluster = dir.path().join("cluster");
    one_node(&cluster);
    Node::start(&cluster.join("only/node.yaml")).terminate();
}
