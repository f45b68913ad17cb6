//! `evenkeel journal verify` on what a node has written.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Node, fails, one_node, run, stderr, stdout};

#[test]
fn damage_is_told_from_a_torn_end() {
    // Without this, an operator could start a node on a damaged folder, or throw away a good one.
    let dir = tempfile::tempdir().unwrap();
    let cluster = dir.path().join("cluster");
    one_node(&cluster);
    let data = cluster.join("only/data");
    let path = data.to_str().unwrap();
    let node = Node::start(&cluster.join("only/node.yaml"));
    while !run(&["status", "--endpoint", &node.url]).status.success() {}
    fails(&["journal", "verify", path], 2, "is open in another process");
    node.stop();

    let verify = |holds: bool| -> Value {
        let output = run(&["journal", "verify", path, "--output", "json"]);
        assert_eq!(output.status.code(), Some(i32::from(!holds)), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let clean = verify(true);
    assert_eq!(clean["sound"], true);
    assert_eq!(clean["end"]["verdict"], "clean");
    let groups = clean["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 64);
    assert!(groups.iter().all(|group| group["seq"].as_u64().unwrap() > 0), "{groups:?}");
    let text = stdout(&run(&["journal", "verify", path]));
    assert!(text.contains("sound") && text.contains("g63"), "{text}");

    // Half a record after the last one: written and not synced when the power went.
    let end = clean["end"]["position"].as_u64().unwrap();
    write(&segment(&data), end, b"EKLGxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    let torn = verify(true);
    assert!(torn["end"]["verdict"].as_str().unwrap().starts_with("torn"), "{torn}");
    assert_eq!(torn["gaps"][0]["acknowledged"], false);
    write(&segment(&data), end, &[0; 39]);

    // A bit in the payload of the first record, which everything else follows.
    let first_payload = 4_096 + 32;
    let mut byte = [0];
    let file = fs::File::open(segment(&data)).unwrap();
    file.read_exact_at(&mut byte, first_payload).unwrap();
    write(&segment(&data), first_payload, &[byte[0] ^ 1]);
    let corrupt = verify(false);
    assert!(corrupt["end"]["verdict"].as_str().unwrap().starts_with("CORRUPT"), "{corrupt}");
    assert_eq!(corrupt["gaps"][0]["acknowledged"], true);
    // It was what this node voted in the register, of which pulses carry a copy: it starts.
    let node = Node::start(&cluster.join("only/node.yaml"));
    while !run(&["status", "--endpoint", &node.url]).status.success() {}
    node.stop();
    let clean = {
        write(&segment(&data), first_payload, &byte);
        verify(true)
    };
    write(&segment(&data), first_payload, &byte);
    assert_eq!(verify(true)["groups"], clean["groups"]);

    fs::remove_file(data.join("superblock")).unwrap();
    let problems = verify(false)["problems"].to_string();
    assert!(problems.contains("promises may be lost"), "{problems}");
    fails(&["journal", "verify", "/nowhere"], 2, "/nowhere");
}

fn segment(data: &std::path::Path) -> PathBuf {
    data.join("wal/00000000000000000000.seg")
}

fn write(path: &std::path::Path, at: u64, bytes: &[u8]) {
    OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, at).unwrap();
}
