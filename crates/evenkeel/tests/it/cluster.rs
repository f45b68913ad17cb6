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
    init(&["--region", "a", "--region", "b"], "want 1, 3, 5 or 7");
    init(&["--region", "a", "--region", "a", "--region", "b"], "a name of its own");
    init(&["--region", "../a"], "letters, digits");
    init(&["--region", "a", "--base-port", "65535"], "1 to 65535");
    init(&["--region", "a", "--name", "Upper"], "--name");
    init(&[], "--region");
}
