//! The configuration of one node: a YAML file, checked as a whole before anything starts.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use types::NodeId;

use crate::journals::{self, Journals};
use crate::limits::{GROUPS_MAX, SPAN_US_MAX};
use crate::{Span, options};

/// One node's configuration file. Unknown keys are refused; zero is a value.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This node's number, one of `nodes`.
    pub node: u16,
    /// Where it keeps its log.
    pub data: PathBuf,
    /// Its certificate and the token of its administrators.
    pub credentials: Credentials,
    /// Where it listens.
    pub listen: Listen,
    /// Every node of the cluster, this one among them. The same on all, but for the addresses, which
    /// may differ by where one looks from.
    pub nodes: Vec<Peer>,
    /// How many groups there are. Never changed once the cluster has run.
    #[serde(default = "groups")]
    pub groups: u16,
    /// How many ledgers a currency has, each with a group of its own: payments within one ledger take one
    /// commit, between two of them they take three. Never changed once the cluster has run.
    #[serde(default = "ledgers")]
    pub ledgers: u16,
    /// Durable copies that commit an entry, home's own included.
    #[serde(default = "copies")]
    pub copies: usize,
    /// In how many regions, at least, those copies must lie.
    #[serde(default = "spread")]
    pub spread: usize,
    /// Groups whose data is kept in another way than that: by class, place and number of copies. Never
    /// changed once the cluster has run.
    #[serde(default)]
    pub journals: Vec<Journals>,
    /// How old the oldest record that is not committed may be while a home of class async or local
    /// answers before the commit: the most that its loss takes with it.
    #[serde(default = "loss_budget")]
    pub loss_budget: Span,
    /// When groups move by themselves.
    #[serde(default)]
    pub failover: Failover,
    /// How the log is kept.
    #[serde(default)]
    pub storage: StorageConfig,
    /// When the state is saved, and what may go then.
    #[serde(default)]
    pub snapshots: Snapshots,
    /// How long a client is kept waiting for a commit before it is told "unknown".
    #[serde(default = "answer_within")]
    pub answer_within: Span,
}

/// Files with secrets and certificates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Folder with `authority.pem`, `node.pem` and `node.key`.
    pub folder: PathBuf,
    /// File with the token that changes need. Without one, no change is taken over HTTP.
    pub admin_token: Option<PathBuf>,
}

/// Addresses to listen on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// For the other nodes, over mutual TLS.
    pub peers: SocketAddr,
    /// For clients and operators, over HTTP.
    pub http: SocketAddr,
}

/// One node of the cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its number.
    pub id: u16,
    /// The region it stands in.
    pub region: String,
    /// The zone of that region; empty where there is only one.
    #[serde(default)]
    pub zone: String,
    /// What it is to the groups.
    #[serde(default)]
    pub role: NodeRole,
    /// Where this node reaches it: `host:port`.
    pub peers: String,
    /// Where clients reach it: `http://host:port`.
    pub http: String,
    /// Whether it was admitted after the cluster's first day. It has a part in what the register says of
    /// it, and none in how the groups began.
    #[serde(default)]
    pub joined: bool,
    /// Whether it is gone: it counts in how the groups began, and nobody looks for it. Its addresses may
    /// be another's now.
    #[serde(default)]
    pub gone: bool,
}

/// What a node is to the groups. Every node has a vote in the register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeRole {
    /// Keeps journals and models, and may be home.
    #[default]
    Full,
    /// Keeps the ends of journals, which count as copies; runs no model and is never home.
    Witness,
    /// Has no part in any group.
    Register,
}

/// The policy of automatic failover.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Failover {
    /// Whether groups move without an operator.
    pub automatic: bool,
    /// How long a home must have shown no durable progress, to two nodes.
    pub detect: Span,
    /// How long a group stays where an automatic move has put it.
    pub residence: Span,
    /// How often each node proves that its disk makes progress.
    pub pulse: Span,
    /// An election round of the register; longer than the slowest round trip and two writes.
    pub election: Span,
    /// After how long an unanswered message is sent again; longer than the slowest round trip.
    pub resend: Span,
    /// How far a clock may be off the median for its node to become home: in takeovers, by orders but
    /// forced ones, and when a home starts anew while another could be home.
    pub skew: Span,
    /// How long a write to disk may take before the node takes itself out.
    pub disk: Span,
}

/// How the log is kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageConfig {
    /// Mebibytes of a log segment.
    pub segment_mib: u64,
}

/// When the state is saved, and what may go then. The same on all nodes.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshots {
    /// After so many records and commands of a group.
    pub entries: u64,
    /// And after so much time, by the stamps in the journal.
    pub every: Span,
    /// What stays in the log.
    pub keep: Retention,
}

/// What stays in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// Everything: the journal is the record.
    All,
    /// What follows a snapshot that enough members hold and another has confirmed, and what was set
    /// aside.
    Snapshots,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { entries: 1_000_000, every: Span::from_millis(900_000), keep: Retention::All }
    }
}

impl Default for Failover {
    fn default() -> Self {
        Self {
            automatic: true,
            detect: Span::from_millis(10_000),
            residence: Span::from_millis(600_000),
            pulse: Span::from_millis(1_000),
            election: Span::from_millis(1_000),
            resend: Span::from_millis(500),
            skew: Span::from_millis(1_000),
            disk: Span::from_millis(5_000),
        }
    }
}

impl Default for StorageConfig {
    fn default() -> Self {
        Self { segment_mib: 128 }
    }
}

const fn groups() -> u16 {
    64
}

const fn ledgers() -> u16 {
    1
}

const fn copies() -> usize {
    2
}

const fn loss_budget() -> Span {
    Span::from_millis(60_000)
}

const fn spread() -> usize {
    1
}

const fn answer_within() -> Span {
    Span::from_millis(5_000)
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The text is not a configuration; the source names the line.
    #[error("not a configuration")]
    Parse(#[source] Box<serde_saphyr::Error>),
    /// A rule does not hold.
    #[error("{rule}")]
    Rule {
        /// Which.
        rule: &'static str,
    },
}

/// Reads and checks a configuration file. Relative paths in it are taken from its folder.
///
/// # Errors
/// [`ConfigError`].
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let mut config = parse(&text)?;
    let base = path.parent().unwrap_or_else(|| Path::new("."));
    config.data = base.join(&config.data);
    config.credentials.folder = base.join(&config.credentials.folder);
    config.credentials.admin_token = config.credentials.admin_token.map(|token| base.join(token));
    Ok(config)
}

/// Reads and checks a configuration.
///
/// # Errors
/// [`ConfigError`].
pub fn parse(text: &str) -> Result<Config, ConfigError> {
    let config: Config =
        serde_saphyr::from_str(text).map_err(|error| ConfigError::Parse(Box::new(error)))?;
    config.check()?;
    Ok(config)
}

impl Config {
    /// This node's number.
    #[must_use]
    pub const fn me(&self) -> NodeId {
        NodeId(self.node)
    }

    /// What this node is to the groups.
    #[must_use]
    pub fn role(&self) -> NodeRole {
        self.nodes.iter().find(|node| node.id == self.node).map_or(NodeRole::Full, |node| node.role)
    }

    /// The nodes of the cluster's first day, of which its groups were made.
    pub fn founders(&self) -> impl Iterator<Item = &Peer> {
        self.nodes.iter().filter(|node| !node.joined)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let Self { nodes, failover, .. } = self;
        let count = self.founders().count();
        let there = || nodes.iter().filter(|node| !node.gone);
        let copying = || self.founders().filter(|node| node.role != NodeRole::Register);
        let counted = copying().count();
        let regions = copying().map(|node| node.region.trim()).collect::<BTreeSet<_>>().len();
        let ids: BTreeSet<u16> = nodes.iter().map(|node| node.id).collect();
        let addresses: BTreeSet<&str> = there().map(|node| node.peers.as_str()).collect();
        let spans = [
            failover.detect,
            failover.residence,
            failover.pulse,
            failover.election,
            failover.resend,
            failover.skew,
            failover.disk,
            self.snapshots.every,
            self.answer_within,
            self.loss_budget,
        ];
        // Before all others: they add and multiply times.
        const { assert!(register::FOUNDER_IDS_END == 16_384, "as the rule says") };
        if spans.iter().any(|span| span.micros() > SPAN_US_MAX) {
            return Err(ConfigError::Rule { rule: "a time is longer than a year" });
        }
        let rules = [
            (matches!(count, 1 | 3..=7), "nodes: want 1, or 3 to 7 of them"),
            (ids.len() == nodes.len(), "nodes: two have the same id"),
            (
                self.founders().all(|node| node.id < register::FOUNDER_IDS_END),
                "nodes.id: want less than 16384; above are those of nodes that come later",
            ),
            (
                there().any(|node| node.id == self.node),
                "node: is not one of nodes, or one that is gone",
            ),
            (
                nodes.iter().all(|node| !node.region.trim().is_empty()),
                "nodes: each needs the name of its region",
            ),
            (
                // Nobody dials itself: its own may be one that the system picks.
                there().all(|node| node.id == self.node || has_port(&node.peers)),
                "nodes.peers: want host:port, the port 1 to 65535",
            ),
            (addresses.len() == there().count(), "nodes.peers: two nodes have the same address"),
            (
                there().all(|node| {
                    let (http, https) = ("http://", "https://");
                    [http, https].iter().any(|scheme| node.http.starts_with(scheme))
                }),
                "nodes.http: want http://host:port",
            ),
            ((1..=GROUPS_MAX).contains(&self.groups), "groups: want 1 to 4096"),
            ((1..=self.groups).contains(&self.ledgers), "ledgers: want 1 to the number of groups"),
            (
                self.founders().any(|node| node.role == NodeRole::Full),
                "nodes.role: want at least one full node, which can be home",
            ),
            (
                (1..=counted).contains(&self.copies),
                "copies: want 1 to the number of nodes that are full or witnesses",
            ),
            (
                (1..=self.copies.min(regions)).contains(&self.spread),
                "spread: want 1 to the number of copies, and of regions with full nodes or \
                 witnesses",
            ),
            (self.answer_within.micros() > 0, "answer_within: must be longer than 0"),
            (self.snapshots.entries > 0, "snapshots.entries: must be more than 0"),
            (
                self.snapshots.every.micros() >= 1_000_000,
                "snapshots.every: must be at least a second",
            ),
            (failover.pulse.micros() >= 10_000, "failover.pulse: must be at least 10ms"),
            (failover.disk.micros() >= 10_000, "failover.disk: must be at least 10ms"),
            (failover.skew.micros() > 0, "failover.skew: must be longer than 0"),
            (
                failover.detect.micros() >= 3 * failover.pulse.micros(),
                "failover.detect: must be at least three pulses",
            ),
            (
                failover.detect.micros() >= 2 * failover.resend.micros(),
                "failover.detect: must be at least two resends, or a lost message is taken for a \
                 lost node",
            ),
            (
                failover.detect.micros() >= 2 * failover.election.micros(),
                "failover.detect: must be at least two election rounds, so that the register has \
                 a leader again when it is needed",
            ),
            (failover.election.micros() >= 50_000, "failover.election: must be at least 50ms"),
            (failover.resend.micros() >= 10_000, "failover.resend: must be at least 10ms"),
            (
                (16..=4096).contains(&self.storage.segment_mib),
                "storage.segment_mib: want 16 to 4096",
            ),
        ];
        let broken = rules.iter().find(|(holds, _)| !holds).map(|(_, rule)| *rule);
        let broken = broken.or_else(|| journals::fault(self));
        let cannot_trim = || {
            let trims = self.snapshots.keep == Retention::Snapshots;
            (trims && options::needs_witness_records(self)).then_some(
                "snapshots.keep: must be all where the full nodes of a group are too few, or in too few \
                 regions, for a commit without its witness, whose records are then a copy that no \
                 snapshot stands in for",
            )
        };
        match broken.or_else(cannot_trim) {
            Some(rule) => Err(ConfigError::Rule { rule }),
            None => Ok(()),
        }
    }
}

/// Whether an address ends in a port that can be dialed.
fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[cfg(test)]
mod tests;
