//! The cluster of a run: made by `evenkeel cluster init`, with the knobs turned to a run's pace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::net::{Plane, address};

/// The names of the regions, which are the nodes'.
const REGIONS: [&str; 3] = ["one", "two", "three"];

/// How many nodes there are.
pub(crate) const NODES: usize = REGIONS.len();

/// How many groups. Each costs beats and epochs; the load's currencies spread over them.
pub(crate) const GROUPS: u16 = 8;

/// The first port; each node takes two.
const BASE_PORT: u16 = 7_400;

/// Keys of a node's file and what a run has there. A home is replaced quickly and may move again
/// quickly, so that a run of a minute sees many moves; all times are longer than the longest round
/// trip that a run injects.
const KNOBS: [(&str, &str); 7] = [
    ("  detect:", "2s"),
    ("  residence:", "2s"),
    ("  pulse:", "100ms"),
    ("  election:", "500ms"),
    ("  resend:", "250ms"),
    ("  segment_mib:", "16"),
    ("groups:", "8"),
];

/// One node as it was laid out.
#[derive(Clone, Debug)]
pub(crate) struct Laid {
    /// Its region.
    pub(crate) region: &'static str,
    /// Its configuration file.
    pub(crate) config: PathBuf,
    /// The folder that the file names as `data`. What has to be there at first is there.
    pub(crate) data: PathBuf,
}

/// Makes the cluster below `folder`; the nodes, and the administrators' token.
pub(crate) fn init(evenkeel: &Path, folder: &Path) -> anyhow::Result<(Vec<Laid>, String)> {
    let dir = folder.join("cluster");
    let mut command = Command::new(evenkeel);
    command.args(["cluster", "init"]).arg(&dir).arg("--base-port").arg(BASE_PORT.to_string());
    for (node, region) in REGIONS.iter().enumerate() {
        command.arg("--region").arg(format!("{region}={}", address(Plane::Data, node)));
    }
    let output = command.output().context("cannot start `evenkeel cluster init`")?;
    if !output.status.success() {
        bail!("`evenkeel cluster init` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut nodes = Vec::new();
    let mut token = String::new();
    for (node, region) in REGIONS.into_iter().enumerate() {
        let own = dir.join(region);
        let config = own.join("node.yaml");
        let mut text = fs::read_to_string(&config).context("a node without a file")?;
        for (key, value) in KNOBS {
            text = set(&text, key, value)?;
        }
        // Both planes.
        text = set(&text, "  http:", &format!("\"0.0.0.0:{}\"", http_port(node)))?;
        fs::write(&config, text).context("cannot write a node's file")?;
        token = fs::read_to_string(own.join("admin.token")).context("a cluster without a token")?;
        nodes.push(Laid { region, config, data: own.join("data") });
    }
    Ok((nodes, token.trim().to_owned()))
}

/// Has the node of a configuration file keep its data in that folder.
pub(crate) fn keep_data_at(config: &Path, folder: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(config).context("a node without a file")?;
    let text = set(&text, "data:", &format!("{:?}", folder.display().to_string()))?;
    fs::write(config, text).context("cannot write a node's file")
}

/// Where a node takes requests.
pub(crate) fn url(plane: Plane, node: usize) -> String {
    format!("http://{}:{}", address(plane, node), http_port(node))
}

fn http_port(node: usize) -> u16 {
    BASE_PORT + 2 * u16::try_from(node).unwrap_or_default() + 1
}

/// The text with another value in the one line that starts with `key`.
fn set(text: &str, key: &str, value: &str) -> anyhow::Result<String> {
    let count = text.lines().filter(|line| line.starts_with(key)).count();
    if count != 1 {
        bail!("a node's file has {count} lines that start with `{key}`, not one");
    }
    let line = |line: &str| match line.starts_with(key) {
        true => format!("{key} {value}\n"),
        false => format!("{line}\n"),
    };
    Ok(text.lines().map(line).collect())
}
