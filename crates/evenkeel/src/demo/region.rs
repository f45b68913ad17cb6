//! The regions of a demo: their ports, their folders, and what each one's configuration says.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use runtime::NodeRole;
use transport::ClusterName;

use crate::cluster;
use crate::demo::stage::LEDGERS;
use crate::node_file::{Durability, NodeFile, Profile, Seen};

/// One region with its one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    /// Its place in the list, from 0.
    pub(crate) index: usize,
    /// The number of its node.
    pub(crate) node: u16,
    /// Its name.
    pub(crate) name: String,
    /// Where its node listens for others.
    pub(crate) peers: SocketAddr,
    /// Where its node listens for clients.
    pub(crate) http: SocketAddr,
    /// Its folder: configuration, credentials, token, data.
    pub(crate) folder: PathBuf,
}

/// Ports that a region takes.
const PORTS: u16 = 2;

/// All regions, each with two ports from `base` on and a folder under `dir`.
pub(crate) fn lay_out(names: &[String], base: u16, dir: &Path) -> Vec<Region> {
    let regions = (0..).zip(names).map(|(index, name)| {
        let port = base + PORTS * index;
        Region {
            index: usize::from(index),
            node: index + 1,
            name: name.clone(),
            peers: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            http: SocketAddr::from((Ipv4Addr::LOCALHOST, port + 1)),
            folder: dir.join(name),
        }
    });
    regions.collect()
}

/// How many ports all regions take.
pub(crate) fn ports(names: &[String]) -> u16 {
    PORTS * u16::try_from(names.len()).unwrap_or(u16::MAX / PORTS)
}

/// Makes an authority and writes all folders; returns the administrators' token. `reached(from, to)`
/// is where the node of region `from` reaches that of region `to`.
pub(crate) fn write(
    dir: &Path,
    regions: &[Region],
    reached: impl Fn(usize, usize) -> SocketAddr,
) -> anyhow::Result<String> {
    let files = regions.iter().map(|own| NodeFile {
        node: own.node,
        listen_peers: own.peers,
        listen_http: own.http,
        nodes: regions
            .iter()
            .map(|other| Seen {
                id: other.node,
                region: other.name.clone(),
                zone: String::new(),
                role: NodeRole::Full,
                peers: reached(own.index, other.index).to_string(),
                http: other.url(),
            })
            .collect(),
        ledgers: LEDGERS,
        durability: Durability { copies: regions.len() / 2 + 1, spread: 1 },
        profile: Profile::DEMO,
    });
    let files: Vec<NodeFile> = files.collect();
    cluster::write(dir, ClusterName::new("demo")?, &files)
}

impl Region {
    /// Where clients in the region reach its node.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.http)
    }
}
