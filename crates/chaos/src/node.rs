//! One node as a process in its namespace: started, killed, paused, and started again when it has
//! ended by itself, as whatever runs nodes in production does.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use crate::disk::{Mounted, Tmpfs};
use crate::net::namespace;

/// How often a node is looked at.
const LOOK_AFTER: Duration = Duration::from_millis(50);

/// How long after its end a node is started again.
const RESTART_AFTER: Duration = Duration::from_millis(300);

/// How long a node may take to stop in order.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// Words in a log that no fault excuses.
const BUGS: [&str; 2] = ["panicked at", "please report this"];

/// A node.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its place, from 0.
    pub(crate) index: usize,
    /// Its region.
    pub(crate) region: &'static str,
    /// Its disk as it was mounted; `None` where FUSE is not to be had.
    pub(crate) disk: Option<Mounted>,
    /// What lies below the disk.
    pub(crate) tmpfs: Tmpfs,
    config: PathBuf,
    log: PathBuf,
    evenkeel: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    child: Option<Child>,
    /// Faults that want it dead.
    holds: u32,
    /// Whether it is to run at all.
    runs: bool,
    start_at: Instant,
    /// How often it was started.
    starts: u64,
    /// How it ended by itself, each time.
    ends: Vec<String>,
    bugs: Vec<String>,
}

/// What a node's files are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    /// Its configuration.
    pub(crate) config: PathBuf,
    /// Where its log goes.
    pub(crate) log: PathBuf,
    /// The program.
    pub(crate) evenkeel: PathBuf,
}

impl Node {
    /// A node that has not been started.
    pub(crate) fn new(
        index: usize,
        region: &'static str,
        files: Files,
        disk: Option<Mounted>,
        tmpfs: Tmpfs,
    ) -> Self {
        let Files { config, log, evenkeel } = files;
        let state = State {
            child: None,
            holds: 0,
            runs: false,
            start_at: Instant::now(),
            starts: 0,
            ends: Vec::new(),
            bugs: Vec::new(),
        };
        Self { index, region, disk, tmpfs, config, log, evenkeel, state: Mutex::new(state) }
    }

    /// Starts it, and again whenever it ends without being asked to; never returns.
    pub(crate) async fn keep_up(self: Arc<Self>) {
        self.state.lock().await.runs = true;
        loop {
            let mut state = self.state.lock().await;
            if let Some(child) = &mut state.child
                && let Ok(Some(status)) = child.try_wait()
            {
                state.child = None;
                state.start_at = Instant::now() + RESTART_AFTER;
                self.note_end(&mut state, status);
            }
            let is_due = state.runs && state.holds == 0 && state.start_at <= Instant::now();
            if state.child.is_none() && is_due {
                match self.spawn() {
                    Ok(child) => {
                        state.child = Some(child);
                        state.starts += 1;
                    }
                    Err(error) => {
                        state.bugs.push(format!("{}: {error:#}", self.region));
                        state.runs = false;
                    }
                }
            }
            drop(state);
            sleep(LOOK_AFTER).await;
        }
    }

    /// How often it was started so far. A node that was started again has forgotten what it only had
    /// in memory.
    pub(crate) async fn starts(&self) -> u64 {
        self.state.lock().await.starts
    }

    /// Kills it with SIGKILL and keeps it dead until [`Self::revive`].
    pub(crate) async fn kill(&self) -> anyhow::Result<()> {
        let child = {
            let mut state = self.state.lock().await;
            state.holds += 1;
            state.child.take()
        };
        match child {
            Some(mut child) => child.kill().await.context("cannot kill a node"),
            None => Ok(()),
        }
    }

    /// Lets it be started again, once every kill was taken back.
    pub(crate) async fn revive(&self) {
        let mut state = self.state.lock().await;
        state.holds = state.holds.saturating_sub(1);
    }

    /// Stops it where it is with SIGSTOP; what to give to [`Self::resume`].
    pub(crate) async fn pause(&self) -> Option<u32> {
        let state = self.state.lock().await;
        let pid = state.child.as_ref()?.id()?;
        signal(pid, Signal::STOP).ok()?;
        Some(pid)
    }

    /// Lets the same process go on, if it is there still.
    pub(crate) async fn resume(&self, paused: u32) {
        let state = self.state.lock().await;
        if state.child.as_ref().and_then(Child::id) == Some(paused) {
            let _ended = signal(paused, Signal::CONT).is_err();
        }
    }

    /// Stops it in order, and does not start it again.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        let child = {
            let mut state = self.state.lock().await;
            state.runs = false;
            state.child.take()
        };
        let Some(mut child) = child else { bail!("{}: it does not run", self.region) };
        signal(child.id().context("it has ended")?, Signal::TERM)?;
        let status = timeout(STOP_WITHIN, child.wait()).await;
        let Ok(status) = status else {
            bail!("{}: it did not stop within {} s", self.region, STOP_WITHIN.as_secs());
        };
        let status = status?;
        if !status.success() {
            bail!("{}: it did not stop in order: {status}", self.region);
        }
        Ok(())
    }

    /// How it ended by itself, each time, and what no fault excuses.
    pub(crate) async fn ends(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state.lock().await;
        let mut bugs = state.bugs.clone();
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines = log.lines().filter(|line| BUGS.iter().any(|bug| line.contains(bug)));
        bugs.extend(lines.map(|line| format!("{}: {line}", self.region)));
        (state.ends.clone(), bugs)
    }

    fn spawn(&self) -> anyhow::Result<Child> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        Command::new("nsenter")
            .arg(format!("--net=/run/netns/{}", namespace(self.index)))
            .arg(&self.evenkeel)
            .args(["node", "--log", "json", "--until-stdin-ends", "--config"])
            .arg(&self.config)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start `nsenter` of util-linux")
    }

    /// A node may take itself out of service, with code 1 and a reason. Any other end is a bug.
    fn note_end(&self, state: &mut State, status: ExitStatus) {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().rev().find(|line| line.starts_with("error:")).unwrap_or_default();
        // Before the reason stands what an operator should do.
        let last = last.rsplit_once("again: ").map_or(last, |(_, reason)| reason);
        let end = format!("{}: {status}: {last}", self.region);
        if status.code() != Some(1) {
            state.bugs.push(end.clone());
        }
        state.ends.push(end);
    }
}

fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid)?).context("no process has the number 0")?;
    Ok(kill_process(pid, signal)?)
}
