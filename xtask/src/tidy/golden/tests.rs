//! Released bytes that change under those who wrote them.

use std::fs;

use super::*;

fn said(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[test]
fn every_golden_file_is_read_by_a_test() {
    // Without it a version's bytes would lie there, and the code that reads them could go unnoticed.
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let files = ["crates/wire/golden/v1/append.bin".to_owned()];
    let check = |path: &str, text: &str, expect: &[&str]| {
        assert_eq!(said(&check_referenced(&files, &[source(path, text)])), expect, "{path} {text}");
    };
    let bad = ["error: crates/wire/golden/v1/append.bin: is read by no test of `wire`"];
    check("crates/wire/src/frame/tests.rs", "include_bytes!(\"../golden/v1/append.bin\")", &[]);
    check("crates/wire/tests/it/main.rs", "for name in [\"append\", \"seal\"]", &[]);
    check("crates/wire/src/frame/tests.rs", "fn append() {}", &bad);
    check("crates/wire/src/frame.rs", "append.bin", &bad);
    check("crates/journal/src/frame/tests.rs", "append.bin", &bad);
    assert_eq!(said(&check_referenced(&["crates/wire/golden/README.md".to_owned()], &[])), [""; 0]);
}

#[test]
fn released_bytes_are_never_edited() {
    // Without it a release could no longer read what the one before wrote to disk.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let golden = root.join(FOLDER).join("v1");
    fs::create_dir_all(&golden).unwrap();
    let unpacked = said(&check_released(root).unwrap());
    assert_eq!(
        unpacked,
        [
            "warning: crates/wire/golden: is not compared with releases: this tree has no git history"
        ]
    );

    let run = |arguments: &[&str]| git(root, arguments).unwrap();
    let commit = ["-c", "user.name=a", "-c", "user.email=a@example", "-c", "commit.gpgsign=false"];
    let commit = |subject: &str| {
        run(&["add", "."]);
        run(&[&commit[..], &["commit", "--quiet", "-m", subject]].concat());
    };
    run(&["init", "--quiet"]);
    for name in ["append.bin", "seal.bin", "beat.bin"] {
        fs::write(golden.join(name), name).unwrap();
    }
    commit("one");
    fs::write(golden.join("append.bin"), "changed before any release").unwrap();
    assert_eq!(said(&check_released(root).unwrap()), [""; 0]);
    commit("two");
    run(&["tag", "v1.0.0"]);

    fs::write(golden.join("added.bin"), "new").unwrap();
    commit("three");
    assert_eq!(said(&check_released(root).unwrap()), [""; 0]);

    fs::write(golden.join("append.bin"), "edited").unwrap();
    fs::remove_file(golden.join("seal.bin")).unwrap();
    fs::rename(golden.join("beat.bin"), golden.join("pulse.bin")).unwrap();
    let expect = [
        "error: crates/wire/golden/v1/append.bin: differs from what v1.0.0 released: bring it back, and add a new file",
        "error: crates/wire/golden/v1/beat.bin: differs from what v1.0.0 released: bring it back, and add a new file",
        "error: crates/wire/golden/v1/seal.bin: differs from what v1.0.0 released: bring it back, and add a new file",
    ];
    assert_eq!(said(&check_released(root).unwrap()), expect);
    commit("four");
    assert_eq!(said(&check_released(root).unwrap()), expect);
}
