//! The configuration file of a node, as it is written for people who will read and change it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use runtime::{NodeRole, Span};

/// The knobs of detection, and how large a segment of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// How often each node proves that its disk makes progress.
    pub(crate) pulse: Span,
    /// How long a home must have been silent, to two nodes, before its groups move.
    pub(crate) detect: Span,
    /// How long a group stays where an automatic move has put it.
    pub(crate) residence: Span,
    /// An election round of the register.
    pub(crate) election: Span,
    /// After how long an unanswered message is sent again.
    pub(crate) resend: Span,
    /// Mebibytes of a segment of the log.
    pub(crate) segment_mib: u64,
}

impl Profile {
    /// For clusters between regions: slow to move, because a move is a change of the world and the
    /// usual fault heals within seconds.
    pub(crate) const PRODUCTION: Self = Self {
        pulse: Span::from_millis(1_000),
        detect: Span::from_millis(10_000),
        residence: Span::from_millis(600_000),
        election: Span::from_millis(1_000),
        resend: Span::from_millis(500),
        segment_mib: 128,
    };

    /// For demonstrations: whoever watches has a minute, and all regions share one machine, which may
    /// be busy with other things. With election rounds of 400 ms, the register's leader was given up
    /// now and then on two cores under a load of nine, in the middle of a takeover.
    pub(crate) const DEMO: Self = Self {
        pulse: Span::from_millis(100),
        detect: Span::from_millis(3_000),
        residence: Span::from_millis(30_000),
        election: Span::from_millis(900),
        resend: Span::from_millis(300),
        segment_mib: 16,
    };
}

/// How many copies make a commit, and in how many regions, at least, they must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Durability {
    /// Copies, the home's own included.
    pub(crate) copies: usize,
    /// Regions.
    pub(crate) spread: usize,
}

impl Durability {
    /// What is usual for these nodes. With one node that keeps copies in each region: more than half of
    /// them. With several in a region: copies in more than half of the regions, so that any region may be
    /// lost, and one copy more where enough are left without the largest region, so that three regions
    /// of two may lose any two nodes.
    pub(crate) fn usual(nodes: &[Seen]) -> Self {
        let mut regions: BTreeMap<&str, usize> = BTreeMap::new();
        for seen in nodes.iter().filter(|seen| seen.role != NodeRole::Register) {
            *regions.entry(seen.region.as_str()).or_default() += 1;
        }
        let count: usize = regions.values().sum();
        let largest = regions.values().max().copied().unwrap_or_default();
        if largest <= 1 {
            return Self { copies: count / 2 + 1, spread: 1 };
        }
        let spread = regions.len() / 2 + 1;
        Self { copies: (spread + 1).min(count - largest).max(spread), spread }
    }
}

/// A node as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its number.
    pub(crate) id: u16,
    /// Its region.
    pub(crate) region: String,
    /// Its zone there; empty if the region has only one.
    pub(crate) zone: String,
    /// What it is to the groups.
    pub(crate) role: NodeRole,
    /// Where nodes reach it, `host:port`.
    pub(crate) peers: String,
    /// Where clients reach it, `http://host:port`.
    pub(crate) http: String,
}

impl Seen {
    /// The name of its folder: the region's, and the zone's if there is one.
    pub(crate) fn folder(&self) -> String {
        if self.zone.is_empty() {
            self.region.clone()
        } else {
            format!("{}-{}", self.region, self.zone)
        }
    }
}

/// One node's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeFile {
    /// The node.
    pub(crate) node: u16,
    /// Where it listens for other nodes.
    pub(crate) listen_peers: SocketAddr,
    /// Where it listens for clients and operators.
    pub(crate) listen_http: SocketAddr,
    /// All nodes.
    pub(crate) nodes: Vec<Seen>,
    /// How many ledgers a currency has.
    pub(crate) ledgers: u16,
    /// How many copies commit, and in how many regions they must lie.
    pub(crate) durability: Durability,
    /// The knobs.
    pub(crate) profile: Profile,
}

impl NodeFile {
    /// The file's text. `credentials`, `admin.token` and `data` lie beside it.
    pub(crate) fn yaml(&self) -> String {
        let Self { node, listen_peers, listen_http, nodes, ledgers, durability, profile } = self;
        let mut out = String::new();
        let mut put = |text: &str| {
            out.push_str(text);
            out.push('\n');
        };
        put("# One node of an Evenkeel cluster. Start it with: evenkeel node --config THIS-FILE");
        put("# Unknown keys are refused. Relative paths are taken from this file's folder.");
        put("");
        put(
            "# This node's number. Its disk belongs to it: it must never be started on an empty one.",
        );
        put(&format!("node: {node}"));
        put("# Its log. Put it on a disk of its own; what is acknowledged lies here.");
        put("data: data");
        put("credentials:");
        put("  folder: credentials");
        put("  # Whoever has this token may move homes and open accounts.");
        put("  admin_token: admin.token");
        put("listen:");
        put("  # For the other nodes, over mutual TLS.");
        put(&format!("  peers: {}", quoted(&listen_peers.to_string())));
        put("  # For clients and operators, over HTTP.");
        put(&format!("  http: {}", quoted(&listen_http.to_string())));
        put(
            "# Every node, this one among them, in the same order on all: what it is, and where this",
        );
        put("# node and its clients reach it. role: full (the default), witness or register.");
        put("nodes:");
        for seen in nodes {
            put(&format!("  - id: {}", seen.id));
            put(&format!("    region: {}", quoted(&seen.region)));
            if !seen.zone.is_empty() {
                put(&format!("    zone: {}", quoted(&seen.zone)));
            }
            match seen.role {
                NodeRole::Full => {}
                NodeRole::Witness => put("    role: witness"),
                NodeRole::Register => put("    role: register"),
            }
            put(&format!("    peers: {}", quoted(&seen.peers)));
            put(&format!("    http: {}", quoted(&seen.http)));
        }
        put("# Fixed for the life of the cluster, all of these.");
        put("groups: 64");
        put(
            "# How many ledgers a currency has, each with a group of its own; accounts at one bank share one.",
        );
        put(&format!("ledgers: {ledgers}"));
        put(
            "# How many durable copies an acknowledgement needs, the home's own included, and in how many",
        );
        put("# regions they must lie.");
        put(&format!("copies: {}", durability.copies));
        put(&format!("spread: {}", durability.spread));
        put("failover:");
        put("  # false: only operators move homes.");
        put("  automatic: true");
        put("  # How long a home must have shown no durable progress, to two nodes.");
        put(&format!("  detect: {}", profile.detect));
        put("  # How long a group stays where an automatic move has put it.");
        put(&format!("  residence: {}", profile.residence));
        put("  # How often each node proves that its disk makes progress.");
        put(&format!("  pulse: {}", profile.pulse));
        put("  # Both longer than the slowest round trip between two nodes.");
        put(&format!("  election: {}", profile.election));
        put(&format!("  resend: {}", profile.resend));
        put("storage:");
        put(&format!("  segment_mib: {}", profile.segment_mib));
        out
    }
}

/// A text as a YAML string in double quotes, which takes what JSON takes.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes all text");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
