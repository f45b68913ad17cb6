//! Running the binary, and waiting for what it says.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

/// Held by tests that run several nodes: two such at once on a machine of two cores make each other's nodes
/// look dead.
static SEVERAL_NODES: Mutex<()> = Mutex::new(());

/// Waits until no other test runs several nodes.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    SEVERAL_NODES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command of the binary under test.
pub(crate) fn evenkeel(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(args).env_remove("RUST_LOG");
    command
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Output {
    evenkeel(args).stdin(Stdio::null()).output().unwrap()
}

/// What it wrote to standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it wrote to standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs it and holds its exit code and a part of its error message.
pub(crate) fn fails(args: &[&str], code: i32, says: &str) {
    let output = run(args);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    assert!(text.contains(says), "{args:?}: {text}");
}

/// A cluster of one node with small segments on ports that the system chooses.
pub(crate) fn one_node(dir: &Path) {
    let output = run(&["cluster", "init", dir.to_str().unwrap(), "--region", "only"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let file = dir.join("only/node.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("segment_mib: 128", "segment_mib: 16");
    let text = text.replace("peers: \"127.0.0.1:7400\"", "peers: \"127.0.0.1:0\"");
    let text = text.replace("http: \"127.0.0.1:7401\"", "http: \"127.0.0.1:0\"");
    std::fs::write(&file, text).unwrap();
}

/// A running node that ends when it is dropped or told to.
pub(crate) struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
    /// Where it takes requests.
    pub(crate) url: String,
}

impl Node {
    /// Starts the node of a configuration and waits until it takes requests.
    pub(crate) fn start(config: &Path) -> Self {
        Self::start_with(config, Stdio::null())
    }

    /// The same, with its log in a file.
    pub(crate) fn start_logged(config: &Path, log: &Path) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        Self::start_with(config, log.into())
    }

    fn start_with(config: &Path, log: Stdio) -> Self {
        let mut child = evenkeel(&["node", "--until-stdin-ends", "--config"])
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("ready:"), "{line}");
        let address = line.split("listening on ").nth(1).unwrap().split(')').next().unwrap();
        Self { child, stdin, url: format!("http://{address}") }
    }

    /// Asks it to stop with SIGTERM, and waits until it has; its standard input stays open.
    pub(crate) fn terminate(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }

    /// Lets it stop in order, as it does when whoever started it is gone.
    pub(crate) fn stop(mut self) {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill().is_err();
        let _gone = self.child.wait().is_err();
    }
}

/// Reads lines until one holds `text`, and gives them all.
pub(crate) fn read_until(from: &mut impl Read, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(from).lines() {
        let line = line.unwrap();
        let is_it = line.contains(text);
        lines.push(line);
        if is_it {
            return lines;
        }
    }
    panic!("`{text}` never came: {lines:?}");
}
