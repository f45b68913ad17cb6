//! Namespaces around a whole run: mounts, network and processes that end with it, however it ends.
//!
//! The program starts itself again under `unshare` and does everything in there. Whatever is made
//! inside, be it a network namespace, a device, a mount or a process, is the kernel's to take down once
//! the first process inside is gone; and that one ends when its standard input does, which is this
//! program. So neither a failed check nor SIGKILL leaves anything behind but a folder with logs.

use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use anyhow::Context as _;

/// What `unshare` (util-linux) is asked for. The first process inside is number 1 there: with it, all
/// others die.
const FLAGS: [&str; 7] = [
    "--mount",
    "--propagation=private",
    "--net",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];

/// For whoever is not root: be root inside.
const AS_ROOT: [&str; 2] = ["--user", "--map-root-user"];

/// What a run needs, tried in an enclosure of its own. `/run` is covered, so that the names of
/// namespaces are nobody else's.
const PROBE: &str = "mount -t tmpfs tmpfs /run && ip netns add probe && ip link set lo up \
                     && ip tuntap add dev probe0 mode tun && command -v nsenter >/dev/null";

/// A way to enclose that works on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Enclosure {
    flags: Vec<&'static str>,
}

impl Enclosure {
    /// Finds out how a run can be enclosed here, or why it cannot.
    pub(crate) fn find() -> Result<Self, String> {
        let plain = FLAGS.to_vec();
        let mapped = [AS_ROOT.as_slice(), FLAGS.as_slice()].concat();
        let mut whys = Vec::new();
        for flags in [plain, mapped] {
            let probed = Command::new("unshare").args(&flags).args(["sh", "-c", PROBE]).output();
            match probed {
                Ok(output) if output.status.success() => return Ok(Self { flags }),
                Ok(output) => {
                    let said = String::from_utf8_lossy(&output.stderr);
                    whys.push(said.lines().next().unwrap_or("no reason given").to_owned());
                }
                Err(error) => return Err(format!("cannot start `unshare` of util-linux: {error}")),
            }
        }
        whys.dedup();
        Err(whys.join("; as root of its own: "))
    }

    /// Runs this program inside with these arguments, and waits for it.
    pub(crate) fn run(&self, arguments: &[String]) -> anyhow::Result<ExitStatus> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut child = Command::new("unshare")
            .args(&self.flags)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .context("cannot start `unshare`")?;
        // Held until the end: when this process dies, the pipe ends, and with it the run.
        let held = child.stdin.take();
        let status = child.wait().context("cannot wait for `unshare`")?;
        drop(held);
        Ok(status)
    }
}

/// Inside: covers `/run`, and ends the process as soon as whoever started it is gone.
#[expect(clippy::exit, reason = "nobody is left who could be told, and the kernel cleans up")]
pub(crate) fn settle_in() -> anyhow::Result<()> {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/run"]).status();
    anyhow::ensure!(mounted.context("cannot start `mount`")?.success(), "cannot cover /run");
    let watch = || {
        let mut byte = [0];
        // Nothing is ever sent.
        while std::io::stdin().read(&mut byte).is_ok_and(|count| count > 0) {}
        std::process::exit(1);
    };
    thread::Builder::new()
        .name("parent".to_owned())
        .spawn(watch)
        .context("cannot start a thread")?;
    Ok(())
}
