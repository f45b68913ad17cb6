//! A workspace read wrongly makes every check hold for the wrong reason.

use serde_json::json;

use super::*;

#[test]
fn what_cargo_says_is_read_as_arrows() {
    // Without it a renamed or a build dependency would be an arrow that no check sees.
    let package = json!({
        "name": "group",
        "manifest_path": "/house/crates/group/Cargo.toml",
        "dependencies": [
            { "name": "types", "kind": null, "path": "/house/crates/types", "rename": "words" },
            { "name": "wire", "kind": "build", "path": "/house/crates/wire", "rename": null },
            { "name": "journal", "kind": "dev", "path": "/house/crates/journal", "rename": null },
            { "name": "bytes", "kind": null, "rename": null },
        ],
        "targets": [{ "kind": ["lib"] }, { "kind": ["test"] }],
    });
    let arrow =
        |to: &str, only_tests: bool, ours: bool| Arrow { to: to.to_owned(), only_tests, ours };
    let expect = Crate {
        name: "group".to_owned(),
        folder: "crates/group".to_owned(),
        arrows: vec![
            arrow("types", false, true),
            arrow("wire", false, true),
            arrow("journal", true, true),
            arrow("bytes", false, false),
        ],
        has_binary: false,
    };
    assert_eq!(read_package(Path::new("/house"), &package).unwrap(), expect);

    let package = json!({
        "name": "sim",
        "manifest_path": "/house/crates/sim/Cargo.toml",
        "dependencies": [],
        "targets": [{ "kind": ["lib"] }, { "kind": ["bin"] }],
    });
    assert!(read_package(Path::new("/house"), &package).unwrap().has_binary);
    assert!(read_package(Path::new("/other"), &package).is_err());
}

#[test]
fn every_source_is_seen_and_nothing_built() {
    // Without it a file that git does not know yet would escape, or a build folder fail the checks.
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for path in ["crates/a/src/lib.rs", "apps/b/tests/it/main.rs", "crates/a/README.md"] {
        write(root, path);
    }
    for path in ["target/debug/build/x/out/y.rs", "crates/a/target/z.rs", ".git/hook.rs"] {
        write(root, path);
    }
    let found: Vec<String> = sources(root).unwrap().into_iter().map(|source| source.path).collect();
    assert_eq!(found, ["apps/b/tests/it/main.rs", "crates/a/src/lib.rs"]);
    assert_eq!(files(root, &root.join("crates/wire/golden")).unwrap(), [""; 0]);
}

fn write(root: &Path, path: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "//! x\n").unwrap();
}

#[test]
fn tests_are_known_by_their_place() {
    // Without it a rule for tests would bind code, or spare it.
    let check = |path: &str, expect: bool| {
        let source = Source { path: path.to_owned(), text: String::new() };
        assert_eq!(source.is_test(), expect, "{path}");
    };
    check("crates/a/src/b/tests.rs", true);
    check("crates/a/tests/it/main.rs", true);
    check("crates/a/src/tests/c.rs", true);
    check("crates/a/src/contests.rs", false);
    check("crates/a/src/b.rs", false);
}
