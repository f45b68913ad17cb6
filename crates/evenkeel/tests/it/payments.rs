//! `evenkeel payments validate` against verdicts that another validator gave.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{fails, run, stdout};

#[test]
fn files_are_judged_one_by_one() {
    // Without this, somebody who checks files before sending them would be told what no node says.
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other.xml");
    fs::write(&other, "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"/>")
        .unwrap();
    let output = run(&["payments", "validate", other.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("camt.053.001.08"), "{}", stdout(&output));
    fails(&["payments", "validate", "/nowhere.xml"], 2, "/nowhere.xml");
}

#[test]
fn every_sample_gets_the_verdict_of_its_manifest() {
    // Without this, real messages that are right could be refused, and wrong ones taken.
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/iso20022-samples");
    let Ok(manifest) = fs::read_to_string(Path::new(samples).join("manifest.csv")) else {
        println!("skipped: {samples} is not there");
        return;
    };
    let lines = manifest.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[1].starts_with("pacs.008")).then(|| (cells[0], cells[1], cells[2]))
    });
    let mut count = 0;
    for (file, message, verdict) in lines {
        let path = format!("{samples}/{file}");
        let output = run(&["payments", "validate", &path, "--output", "json"]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&found[0]["message"], &found[0]["schema"]), (&message.into(), &verdict.into()));
        count += 1;
    }
    assert_eq!(count, 17, "the manifest's pacs.008");
}
