//! Nodes that are replaced, and a register that is begun anew: real processes, disks and sessions.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Node, fails, run, stderr, stdout};

/// Three nodes on this machine, each with a region of its own, quick to notice losses.
struct Cluster {
    dir: PathBuf,
    base: u16,
}

impl Cluster {
    fn make(dir: &Path, turn: u16) -> Self {
        let (dir, base) = (dir.join("prod"), free_ports(6, turn));
        let port = base.to_string();
        let regions = ["--region", "a", "--region", "b", "--region", "c", "--base-port", &port];
        let made = run(&[&["cluster", "init", dir.to_str().unwrap()], &regions[..]].concat());
        assert!(made.status.success(), "{}", stderr(&made));
        for region in ["a", "b", "c"] {
            let file = dir.join(region).join("node.yaml");
            let mut text = fs::read_to_string(&file).unwrap();
            for (slow, quick) in [
                ("  pulse: 1s", "  pulse: 100ms"),
                ("  detect: 10s", "  detect: 3s"),
                ("  election: 1s", "  election: 900ms"),
                ("  resend: 500ms", "  resend: 300ms"),
                ("segment_mib: 128", "segment_mib: 16"),
                ("groups: 64", "groups: 4"),
            ] {
                assert!(text.contains(slow), "{slow}: {text}");
                text = text.replace(slow, quick);
            }
            fs::write(&file, text).unwrap();
        }
        Self { dir, base }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn start(&self, folder: &str) -> Node {
        Node::start_logged(&self.path(folder).join("node.yaml"), &self.log(folder))
    }

    fn log(&self, folder: &str) -> PathBuf {
        self.dir.join(format!("{folder}.log"))
    }

    /// What orders need: whom to ask, and the token.
    fn at(&self, regions: &[u16]) -> Vec<String> {
        let urls: Vec<String> = regions
            .iter()
            .map(|region| format!("http://127.0.0.1:{}", self.base + 2 * *region + 1))
            .collect();
        let token = self.path("a/admin.token").to_str().unwrap().to_owned();
        vec!["--endpoint".into(), urls.join(","), "--token-file".into(), token]
    }

    fn order(&self, what: &[&str], regions: &[u16]) -> std::process::Output {
        let at = self.at(regions);
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        let output = run(&[what, &at].concat());
        // Whoever asks again until it is done must not ask for what can never be.
        assert!(!stderr(&output).contains("Usage:"), "{what:?}: {}", stderr(&output));
        output
    }

    /// Asks for the nodes until `is_so`.
    fn nodes_until(&self, region: u16, is_so: impl Fn(&Value) -> bool) -> Value {
        let url = format!("http://127.0.0.1:{}", self.base + 2 * region + 1);
        loop {
            let listed = run(&["node", "list", "--output", "json", "--endpoint", &url]);
            if let Ok(value) = serde_json::from_str(&stdout(&listed))
                && is_so(&value)
            {
                return value;
            }
        }
    }

    /// Opens an account, which takes a commit, as soon as there is a home.
    fn commits(&self, key: &str, regions: &[u16]) {
        let what = ["accounts", "open", "--currency", "EUR", "--key", key, "--funding", "12.50"];
        loop {
            let opened = self.order(&what, regions);
            if stdout(&opened).contains("1 opened") || stdout(&opened).contains("1 were") {
                return;
            }
        }
    }
}

/// The first of so many free ports in a row, away from those that the system gives to outgoing
/// connections, and from where tests of another turn look, which run at the same time.
fn free_ports(count: u16, turn: u16) -> u16 {
    let seed = u16::try_from(std::process::id() % 1_000).unwrap() + 9_000 * turn;
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let bases = (0..700_u16).map(|step| 12_000 + seed + step * 11);
    bases.into_iter().find(|base| (*base..base + count).all(is_free)).unwrap()
}

fn node(nodes: &Value, id: u64) -> &Value {
    nodes["nodes"].as_array().unwrap().iter().find(|node| node["node"] == id).unwrap()
}

#[test]
fn a_node_whose_folder_is_deleted_is_replaced_and_the_new_disk_counts() {
    // Without this, a dead disk left a cluster of three one loss away from an outage for ever.
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::make(dir.path(), 0);
    let (a, b, c) = (cluster.start("a"), cluster.start("b"), cluster.start("c"));
    cluster.commits("A", &[0, 1, 2]);
    drop(c);
    fs::remove_dir_all(cluster.path("c/data")).unwrap();
    let file = cluster.path("c/node.yaml");
    fails(&["node", "--config", file.to_str().unwrap()], 2, "evenkeel node replace");

    let prod = cluster.dir.to_str().unwrap();
    let replace = ["node", "replace", "3", "--dir", prod, "--reason", "the disk died"];
    let ordered = loop {
        // The register needs a moment if the lost node led it.
        let ordered = cluster.order(&replace, &[0, 1]);
        if ordered.status.success() {
            break ordered;
        }
    };
    assert!(stdout(&ordered).contains("n4 is let in in the place of n3"), "{}", stdout(&ordered));
    let new = cluster.start("c-n4");
    let nodes = cluster.nodes_until(0, |nodes| {
        let is_quiet = nodes["pending"].as_array().is_some_and(Vec::is_empty);
        is_quiet && nodes["generation"] == 2 && nodes["version"] == 3
    });
    assert_eq!(
        (&node(&nodes, 4)["votes"], &node(&nodes, 3)["votes"]),
        (&true.into(), &false.into())
    );
    assert_eq!(node(&nodes, 3)["gone"]["by"], 4);

    // The new disk counts: with it and one other the cluster goes on and forgets nothing.
    drop(b);
    cluster.commits("B", &[0, 2]);
    cluster.commits("A", &[0, 2]);
    // And its id is its own: a second time the same order is refused with the reason.
    let again = cluster.order(&replace, &[0, 2]);
    assert!(stderr(&again).contains("removed or replaced already"), "{}", stderr(&again));
    drop((a, new));
}

#[test]
fn a_register_whose_majority_is_lost_is_begun_anew_by_two_people() {
    // Without this, a survivor of two lost regions could serve nobody ever again (PROTOCOL 7.4b).
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::make(dir.path(), 1);
    let (a, b, c) = (cluster.start("a"), cluster.start("b"), cluster.start("c"));
    cluster.commits("A", &[0, 1, 2]);
    // Of one that lives nothing may be given up.
    let recover =
        ["register", "recover", "--ordered-by", "alice", "--reason", "two regions burned"];
    let early = cluster.order(&recover, &[2]);
    assert!(stderr(&early).contains("has a majority"), "{}", stderr(&early));
    drop((a, b));

    let forced = ["failover", "--to", "c", "--forced", "--reason", "test"];
    while cluster.order(&forced, &[2]).status.code() != Some(4) {}
    let asked = loop {
        let asked = cluster.order(&recover, &[2]);
        if asked.status.success() {
            break asked;
        }
    };
    assert!(stdout(&asked).contains("Nothing is changed yet"), "{}", stdout(&asked));
    let log = fs::read_to_string(cluster.log("c")).unwrap();
    let code = log.rsplit("code=").next().unwrap();
    let code: String = code.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect();
    let with = |code: &str, name: &str| {
        let more = ["--stopped", "1,2", "--code", code, "--confirmed-by", name];
        cluster.order(&[&recover[..], &more].concat(), &[2])
    };
    assert!(stderr(&with("0000-0000", "bob")).contains("the code is another;"));
    assert!(stderr(&with(&code, "alice")).contains("Two people"));
    // The second has agreed to this reason, of this name, and to no other.
    let words = ["register", "recover", "--ordered-by", "alice", "--reason", "another"];
    let more = ["--stopped", "1,2", "--code", &code, "--confirmed-by", "bob"];
    let reworded = cluster.order(&[&words[..], &more].concat(), &[2]);
    assert!(stderr(&reworded).contains("not what was shown"), "{}", stderr(&reworded));
    let unsaid = ["--stopped", "1", "--code", &code, "--confirmed-by", "bob"];
    let unsaid = cluster.order(&[&recover[..], &unsaid].concat(), &[2]);
    assert!(stderr(&unsaid).contains("that they are stopped; not of n2"), "{}", stderr(&unsaid));
    let done = with(&code, "bob");
    assert!(done.status.success(), "{}", stderr(&done));

    let nodes = cluster.nodes_until(2, |nodes| nodes["generation"] == 2);
    let generation = &nodes["generations"][0];
    assert_eq!(
        (&generation["forced"], &generation["actor"]),
        (&true.into(), &"alice and bob".into())
    );
    assert_eq!(node(&nodes, 1)["gone"]["how"], "given-up");
    while !cluster.order(&[&forced[..], &["--wait"]].concat(), &[2]).status.success() {}
    // It takes a moment until a home sees that it stands still.
    let degrade = ["groups", "degrade", "--groups", "all", "--reason", "test"];
    let open = ["accounts", "open", "--currency", "EUR", "--key", "B", "--funding", "12.50"];
    // An attempt whose answer was lost may have opened it.
    let is_open = |said: &str| said.contains("1 opened") || said.contains("1 were");
    while !is_open(&stdout(&cluster.order(&open, &[2]))) {
        cluster.order(&degrade, &[2]);
    }

    // One of the lost comes back with all it had: it votes on nothing, and says so.
    let back = cluster.start("a");
    let nodes = cluster.nodes_until(0, |nodes| nodes["generation"] == 2);
    assert_eq!(node(&nodes, 1)["votes"], false);
    drop((back, c));
}
