//! `evenkeel cluster init`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::command::{fails, run, stderr, stdout};

#[test]
fn a_new_cluster_has_a_folder_for_each_node() {
    // Without this, a first installation could fail at the second step, or leave keys for all to
    // read.
    let dir = tempfile::tempdir().unwrap();
    let cluster = dir.path().join("prod");
    let path = cluster.to_str().unwrap();
    let regions = ["--region", "a=10.0.0.1", "--region", "b=b.example", "--region", "c=fd00::1"];
    let output = run(&[&["cluster", "init", path], &regions[..]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("evenkeel node --config"), "{}", stdout(&output));

    let read = |name: &str| fs::read_to_string(cluster.join(name)).unwrap();
    let mode = |name: &str| fs::metadata(cluster.join(name)).unwrap().permissions().mode() & 0o777;
    let tokens: Vec<String> =
        ["a", "b", "c"].iter().map(|region| read(&format!("{region}/admin.token"))).collect();
    assert!(tokens.iter().all(|token| *token == tokens[0] && token.len() == 65));
    for secret in ["authority/authority.key", "a/credentials/node.key", "b/admin.token"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    for (node, region) in (1..).zip(["a", "b", "c"]) {
        let config = runtime::load(&cluster.join(region).join("node.yaml")).unwrap();
        assert_eq!(config.node, node);
        assert_eq!(config.copies, 2);
        let reached: Vec<&str> = config.nodes.iter().map(|peer| peer.peers.as_str()).collect();
        assert_eq!(reached, ["10.0.0.1:7400", "b.example:7402", "[fd00::1]:7404"]);
        let found = transport::pki::Credential::read(&config.credentials.folder).unwrap();
        let identity = transport::Identity::new(&found).unwrap();
        assert_eq!(identity.node().0, node);
    }
    fails(&[&["cluster", "init", path], &regions[..]].concat(), 2, "is not empty");
}

#[test]
fn what_cannot_be_a_cluster_is_refused() {
    // Without this, a cluster could be made that has no majority, or two nodes in one folder.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    let init = |more: &[&str], says: &str| {
        fails(&[&["cluster", "init", path.to_str().unwrap()], more].concat(), 2, says);
        assert!(!path.exists(), "nothing may be left behind");
    };
    init(&["--region", "a", "--region", "b"], "want 1, or 3 to 7");
    let three = ["--region", "a", "--region", "b", "--region", "c"];
    init(&[&three[..], &["--copies", "4"]].concat(), "cannot be had");
    init(&[&three[..], &["--spread", "4"]].concat(), "cannot be had");
    let one_kept = ["--region", "a", "--register", "b", "--register", "c", "--copies", "2"];
    init(&one_kept, "1 nodes in 1 regions keep copies");
    init(&["--region", "a/", "--region", "b", "--region", "c"], "letters, digits");
    init(&["--region", "a/b", "--region", "a-b", "--region", "c"], "of its own");
    init(&["--region", "a", "--region", "a", "--region", "b"], "of its own");
    init(&["--region", "../a"], "letters, digits");
    init(&["--region", "a", "--base-port", "65535"], "1 to 65535");
    init(&["--region", "a", "--name", "Upper"], "--name");
    init(&[], "--region");
}

#[test]
fn witnesses_and_zones_stand_in_every_nodes_file() {
    // Without this, nodes of one cluster could count copies by different rules.
    let dir = tempfile::tempdir().unwrap();
    let init = |name: &str, more: &[&str]| {
        let path = dir.path().join(name);
        let output = run(&[&["cluster", "init", path.to_str().unwrap()], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        (path, stdout(&output))
    };
    let (pair, said) = init("pair", &["--region", "a", "--region", "b", "--witness", "c"]);
    assert!(said.contains("c (witness)") && said.contains("2 durable copies"), "{said}");
    for folder in ["a", "b", "c"] {
        let config = runtime::load(&pair.join(folder).join("node.yaml")).unwrap();
        assert_eq!((config.copies, config.spread), (2, 1));
        let roles: Vec<_> = config.nodes.iter().map(|node| node.role).collect();
        use runtime::NodeRole::{Full, Witness};
        assert_eq!(roles, [Full, Full, Witness]);
    }
    let places = ["a/1", "a/2", "b/1", "b/2", "c/1", "c/2"];
    let six: Vec<&str> = places.iter().flat_map(|place| ["--region", place]).collect();
    let (six, said) = init("six", &six);
    assert!(said.contains("3 durable copies in at least 2 regions"), "{said}");
    let config = runtime::load(&six.join("b-2").join("node.yaml")).unwrap();
    assert_eq!((config.node, config.copies, config.spread), (4, 3, 2));
    let zones: Vec<_> = config.nodes.iter().map(|node| node.zone.as_str()).collect();
    assert_eq!(zones, ["1", "2", "1", "2", "1", "2"]);
}
