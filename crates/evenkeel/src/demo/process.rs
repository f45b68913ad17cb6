//! One region's node as a child process: started, killed, stopped, woken, ended in order.
//!
//! A child lives in a process group of its own, so that Ctrl-C reaches the demo alone and the demo
//! decides. It never outlives the demo: it reads the other end of a pipe, and when the demo dies, by
//! whatever means, the pipe ends. A child that is stopped at that moment is woken and ended by the
//! system, since its process group has lost its parent.

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::region::Region;

/// How long a node may take until it serves: reading its log is part of it.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How long a node may take to stop in order.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Lines of a log that are shown when a node did not start.
const TAIL_LINES: usize = 5;

/// A running node.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts the region's node and waits until it serves. Its log is appended to `log`.
    pub(crate) async fn start(region: &Region, log: PathBuf) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let stderr = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(program)
            .args(["node", "--log", "json", "--until-stdin-ends", "--config"])
            .arg(region.folder.join("node.yaml"))
            .env("RUST_LOG", "info,runtime::log=debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start a process for {}", region.name))?;
        let stdout = child.stdout.take().context("a child was started without its output")?;
        let mut process = Self { child, name: region.name.clone() };
        let mut lines = BufReader::new(stdout).lines();
        match timeout(READY_WITHIN, lines.next_line()).await {
            Ok(Ok(Some(line))) if line.starts_with("ready:") => Ok(process),
            Ok(_) => {
                let status = process.child.wait().await?;
                bail!("the node of {} did not start ({status}): {}", process.name, tail(&log))
            }
            Err(_) => bail!(
                "the node of {} was not ready within {} s: {}",
                process.name,
                READY_WITHIN.as_secs(),
                tail(&log)
            ),
        }
    }

    /// Ends it as a power cut would: SIGKILL.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill the node of {}", self.name))
    }

    /// Stops it in its tracks: SIGSTOP.
    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Self::freeze`]: SIGCONT.
    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks it to stop and waits until it has. One that does not is killed, which is an error.
    pub(crate) async fn stop(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let Ok(status) = timeout(STOP_WITHIN, self.child.wait()).await else {
            bail!("the node of {} did not stop within {} s", self.name, STOP_WITHIN.as_secs());
        };
        Ok(status?)
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.with_context(|| format!("the node of {} has ended", self.name))?;
        kill_process(pid, signal)
            .with_context(|| format!("cannot signal the node of {}", self.name))
    }
}

/// The last lines of a log, for an error message.
fn tail(log: &PathBuf) -> String {
    let text = File::open(log).and_then(std::io::read_to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
