//! `evenkeel demo`: what it proves, and what it leaves behind when it is not let finish.

use std::fs;
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::command::{alone, evenkeel, fails, read_until, run, stderr, stdout};

#[test]
fn a_region_is_killed_and_nothing_is_lost() {
    // Without this, the one thing that all of this is for could break unseen.
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let work = dir.path().join("demo");
    let path = work.to_str().unwrap();
    let output = run(&["demo", "--for", "8s", "--rate", "100", "--dir", path, "--output", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let claims = report["claims"].as_array();
    let claims = claims.unwrap_or_else(|| panic!("{}", stderr(&output)));
    assert!(claims.len() >= 12, "{claims:?}");
    // How fast a takeover is depends on what else this machine does; that nothing is lost does not.
    let is_about_time = |claim: &Value| claim["claim"] == "moved within 1 s after detection";
    let (timed, safe): (Vec<&Value>, Vec<&Value>) =
        claims.iter().partition(|one| is_about_time(one));
    assert!(safe.iter().all(|claim| claim["holds"] == true), "{claims:#?}");
    assert_eq!(timed.len(), 1);
    let code = if timed[0]["holds"] == true { 0 } else { 1 };
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    assert!(report["settled_payments"].as_u64().unwrap() > 300, "{report:#}");
    assert_eq!(report["latency"].as_array().unwrap().len(), 3);
    let kept: Value =
        serde_json::from_slice(&fs::read(work.join("evidence/report.json")).unwrap()).unwrap();
    assert_eq!(kept, report);
    let requests = fs::read_to_string(work.join("evidence/requests.jsonl")).unwrap();
    assert!(requests.lines().count() >= 800);
    for region in ["eu-west-1", "eu-central-1", "us-east-1"] {
        let data = work.join(region).join("data");
        let verified = run(&["journal", "verify", "--brief", data.to_str().unwrap()]);
        assert!(verified.status.success(), "{}", stdout(&verified));
    }
    fails(&["demo", "--dir", path], 2, "is not empty");
}

#[test]
fn wrong_arguments_are_named() {
    // Without this, a mistyped region would be a demo of something else.
    fails(&["demo", "--kill", "mars"], 2, "`mars` is not one of the regions");
    fails(&["demo", "--fault", "cut:eu-west-1"], 2, "want two of");
    fails(&["demo", "--fault", "flood"], 2, "want stop, cut:A-B");
    fails(&["demo", "--regions", "a,b"], 2, "want three");
    fails(&["demo", "--regions", "a,b,c"], 1, "known regions: eu-central-1");
    fails(&["demo", "--input", "/nowhere"], 2, "/nowhere");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    fails(&["demo", "--base-port", &port], 2, "is taken");
}

#[test]
fn nothing_outlives_a_demo() {
    // Without this, every demo that is broken off would leave three nodes and their folders behind.
    let _alone = alone();
    for (signal, leaves_folder) in [(Signal::INT, false), (Signal::KILL, true)] {
        let temporary = tempfile::tempdir().unwrap();
        let mut demo = evenkeel(&["demo", "--rate", "20"])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = demo.stderr.take().unwrap();
        let lines = read_until(&mut said, "groups are served");
        let urls = lines.iter().filter_map(|line| line.split("http://").nth(1));
        let addresses: Vec<String> =
            urls.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(addresses.len(), 3, "{lines:?}");
        assert!(addresses.iter().all(|address| TcpStream::connect(address).is_ok()));

        kill_process(Pid::from_child(&demo), signal).unwrap();
        let status = demo.wait().unwrap();
        assert_eq!(status.code(), (!leaves_folder).then_some(1), "{status}");
        let clock = runtime::Clock::start();
        let begun = clock.instant();
        for address in &addresses {
            while TcpStream::connect(address).is_ok() {
                let waited = Duration::from_micros(clock.instant().since(begun));
                assert!(waited < Duration::from_secs(20), "{address} still answers");
            }
        }
        if !leaves_folder {
            assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "folders are left");
        }
    }
}
