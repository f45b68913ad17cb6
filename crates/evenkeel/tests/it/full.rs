//! `evenkeel demo` and other commands where nothing can be written.
//!
//! The small disks are file systems in memory that exist in a mount namespace of their own. Where
//! such namespaces are not permitted, these tests say so and pass.
#![expect(clippy::print_stdout, reason = "says why it was skipped")]

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::command::{evenkeel, stderr};

/// Runs a shell script with `$D`, a disk of `mib` MiB, and `$E`, the binary; `None` where that is not
/// permitted. What lies in `$D/w` in the end is listed on standard output.
fn on_a_small_disk(dir: &Path, mib: u32, script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        command.stdin(Stdio::null()).env("D", dir).env("E", env!("CARGO_BIN_EXE_evenkeel"));
        command.env_remove("RUST_LOG");
        command
    };
    let mount = format!("mount -t tmpfs -o size={mib}m tmpfs \"$D\"");
    if !unshare(&mount).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: mounting in a namespace of one's own is not permitted here");
        return None;
    }
    let script = format!("{mount} && {script}; code=$?; ls \"$D/w\" 2>&1; exit $code");
    Some(unshare(&script).output().unwrap())
}

#[test]
fn a_disk_without_room_is_refused_before_anything_is_written() {
    // Without this, a demo on a small disk would die of a signal, say nothing, and leave a folder.
    let dir = tempfile::tempdir().unwrap();
    let demo = "\"$E\" demo --for 3s --dir \"$D/w\"";
    let Some(output) = on_a_small_disk(dir.path(), 60, demo) else { return };
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("has 60 MiB free") && said.contains("--dir"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("No such file"), "{output:?}");
}

#[test]
fn a_disk_that_fills_meanwhile_is_named() {
    // Without this, whoever's disk fills while the nodes start would be shown an empty log.
    let dir = tempfile::tempdir().unwrap();
    // Taken by somebody else as soon as the demo has found enough room.
    let demo = "{ \"$E\" demo --for 3s --rate 1 --dir \"$D/w\" 2>&1 & demo=$!; \
                while [ ! -d \"$D/w/evidence\" ]; do :; done; \
                head -c 999M /dev/zero > \"$D/other\"; wait $demo; }";
    let Some(output) = on_a_small_disk(dir.path(), 170, demo) else { return };
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("is full: make room"), "{said}");
}

#[test]
fn an_exit_code_needs_no_output() {
    // Without this, a script whose disk is full would see a crash instead of the promised code.
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = evenkeel(&["status", "--endpoint", "http://127.0.0.1:1"]);
    let status = command.stdin(Stdio::null()).stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(4), "{status}");
}
