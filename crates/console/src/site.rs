//! What the console is told once: who this node is, where the others are, who may change things.

use core::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderValue, header};
use register::limits::NODES_MAX;
use runtime::{Config, Newcomers, NodeRole};
use types::{ClusterMark, Hash, MemberRole, NodeId, Place, RegionId, Stamp, ZoneId};

use crate::limits::{ACTOR_BYTES_MAX, TOKEN_BYTES_MAX, TOKEN_BYTES_MIN};
use crate::{Problem, guard};

/// One node of the cluster as clients know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteNode {
    /// The node.
    pub id: NodeId,
    /// The region it stands in.
    pub region: String,
    /// Its zone there; empty if the region has only one.
    pub zone: String,
    /// What it is to the groups.
    pub role: NodeRole,
    /// Where clients reach it: `http://host:port`.
    pub url: String,
}

/// This node and its cluster.
#[derive(Clone)]
pub struct Site {
    node: NodeId,
    nodes: Vec<SiteNode>,
    /// Where those that were admitted since come from, once the node runs, and what was made of them.
    newcomers: OnceLock<Arc<Newcomers>>,
    came: Box<[OnceLock<SiteNode>]>,
    /// What tells its tokens from those of other clusters.
    cluster: OnceLock<ClusterMark>,
    /// Region and zone of the nodes of the first day, in the order of the file.
    founders: Vec<(String, String)>,
    groups: u16,
    ledgers: u16,
    token: Option<String>,
    /// A digest of the node's private key.
    key: Option<Hash>,
}

/// Who gives an order, as the register's audit will name them. Proof that the request carried the
/// administrator's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(String);

/// Why a site cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The token file cannot be read.
    #[error("cannot read the administrators' token in {}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The token is too short to be a secret, or too long to be one.
    #[error(
        "the token in {} has {bytes} bytes; want {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX}",
        path.display()
    )]
    TokenSize {
        /// The file.
        path: PathBuf,
        /// Its bytes, white space around it left out.
        bytes: usize,
    },
}

impl SiteNode {
    /// Where it stands, as people say it: the region, and the zone if there are several.
    #[must_use]
    pub fn place(&self) -> String {
        if self.zone.is_empty() {
            self.region.clone()
        } else {
            format!("{}/{}", self.region, self.zone)
        }
    }
}

/// What a node is to the groups, in one word.
pub(crate) const fn role(role: NodeRole) -> &'static str {
    match role {
        NodeRole::Full => "full",
        NodeRole::Witness => "witness",
        NodeRole::Register => "register",
    }
}

impl Site {
    /// From a node's configuration. Reads the token file, if one is named.
    ///
    /// # Errors
    /// [`SiteError`].
    pub fn new(config: &Config) -> Result<Self, SiteError> {
        let node = |peer: &runtime::Peer| SiteNode {
            id: NodeId(peer.id),
            region: peer.region.clone(),
            zone: peer.zone.clone(),
            role: peer.role,
            url: peer.http.trim_end_matches('/').to_owned(),
        };
        let token = match &config.credentials.admin_token {
            None => None,
            Some(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|source| SiteError::Token { path: path.clone(), source })?;
                let token = text.trim().to_owned();
                if !(TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&token.len()) {
                    return Err(SiteError::TokenSize { path: path.clone(), bytes: token.len() });
                }
                Some(token)
            }
        };
        Ok(Self {
            node: config.me(),
            nodes: config.nodes.iter().map(node).collect(),
            newcomers: OnceLock::new(),
            cluster: OnceLock::new(),
            came: (0..NODES_MAX).map(|_| OnceLock::new()).collect(),
            founders: config
                .founders()
                .map(|peer| (peer.region.trim().to_owned(), peer.zone.trim().to_owned()))
                .collect(),
            key: fs::read(config.credentials.folder.join("node.key"))
                .ok()
                .map(|bytes| wire::digest(&bytes)),
            groups: config.groups,
            ledgers: config.ledgers,
            token,
        })
    }

    /// This node.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// The region of this node.
    #[must_use]
    pub fn region(&self) -> &str {
        self.region_of(self.node)
    }

    /// Shows those, too, that are admitted while the node runs, and says of which cluster that is.
    pub fn follow(&self, newcomers: Arc<Newcomers>, cluster: ClusterMark) {
        // Whoever was first stays.
        let _followed = self.newcomers.set(newcomers).is_err();
        let _known = self.cluster.set(cluster).is_err();
    }

    /// The cluster that this node belongs to; zeros before it runs.
    #[must_use]
    pub fn cluster(&self) -> ClusterMark {
        self.cluster.get().copied().unwrap_or_default()
    }

    /// All nodes, gone ones too: those of the configuration in its order, then those admitted since.
    pub fn nodes(&self) -> impl Iterator<Item = &SiteNode> {
        let newcomers = self.newcomers.get().into_iter().flat_map(|all| all.iter());
        let came = newcomers.zip(&self.came).map(|(one, slot)| slot.get_or_init(|| came(one)));
        let is_new = |one: &&SiteNode| !self.nodes.iter().any(|known| known.id == one.id);
        self.nodes.iter().chain(came.filter(is_new))
    }

    /// How many groups there are; they are numbered from 0.
    #[must_use]
    pub const fn groups(&self) -> u16 {
        self.groups
    }

    /// How many ledgers a currency has, each with a group of its own.
    #[must_use]
    pub const fn ledgers(&self) -> u16 {
        self.ledgers
    }

    /// One node; `None` if it is none of ours.
    #[must_use]
    pub fn find(&self, node: NodeId) -> Option<&SiteNode> {
        self.nodes().find(|known| known.id == node)
    }

    /// The region of a node; empty for a node that is none of ours.
    #[must_use]
    pub fn region_of(&self, node: NodeId) -> &str {
        self.find(node).map_or("", |node| node.region.as_str())
    }

    /// What a node is to the groups; full for a node that is none of ours.
    #[must_use]
    pub fn role_of(&self, node: NodeId) -> NodeRole {
        self.find(node).map_or(NodeRole::Full, |node| node.role)
    }

    /// Where a node of that region and zone stands, by the numbers that the groups know: names are
    /// numbered as the founders' file names them first, and new ones follow.
    #[must_use]
    pub fn place_for(&self, region: &str, zone: &str) -> Place {
        let known = || self.founders.iter().cloned().chain(self.came_places());
        let regions = distinct(known().map(|(region, _)| region));
        let zones = known().filter(|(known, _)| known == region).map(|(_, zone)| zone);
        let zones = distinct(zones);
        let number = |names: &[String], name: &str| {
            let at = names.iter().position(|known| known == name).unwrap_or(names.len());
            u16::try_from(at).unwrap_or(u16::MAX)
        };
        let (region, zone) = (number(&regions, region), number(&zones, zone));
        Place { region: RegionId(region), zone: ZoneId(zone) }
    }

    /// Regions and zones of those admitted since, in the order of their ids.
    fn came_places(&self) -> impl Iterator<Item = (String, String)> {
        let newcomers = self.newcomers.get().into_iter().flat_map(|all| all.iter());
        newcomers.map(|one| (one.contact.region.clone(), one.contact.zone.clone()))
    }

    /// A code for people, which only this node can make: of its private key, `what`, and the time. `None` if
    /// its private key could not be read.
    pub(crate) fn confirmation(&self, what: Hash, now: Stamp) -> Option<String> {
        let time = now.0.to_le_bytes();
        let digest = wire::digest(&[&self.key?.0[..], &what.0, &time].concat());
        let words =
            digest.0[..10].chunks_exact(2).map(|pair| format!("{:02x}{:02x}", pair[0], pair[1]));
        Some(words.collect::<Vec<_>>().join("-"))
    }

    /// Lets a request through that carries the administrators' token as
    /// `Authorization: Bearer TOKEN`. The actor is what the header `Evenkeel-Actor` says, or `cli`.
    ///
    /// # Errors
    /// A problem: no token is configured, none was sent, a wrong one was sent, or the actor's name
    /// cannot be recorded.
    pub fn authorize(&self, headers: &HeaderMap) -> Result<Actor, Problem> {
        let Some(expected) = &self.token else {
            return Err(Problem::new(403, "no-token", "This node takes no changes over HTTP.")
                .detail("credentials.admin_token is not set in the node's configuration"));
        };
        let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
        let Some(given) = given.and_then(bearer) else {
            return Err(Problem::new(401, "unauthorized", "An administrator's token is needed.")
                .detail("send it as `Authorization: Bearer TOKEN`")
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        };
        if !guard::same(given, expected.as_bytes()) {
            return Err(Problem::new(401, "unauthorized", "The token is not the administrators'.")
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(INVALID)));
        }
        let actor = match headers.get("evenkeel-actor") {
            None => "cli",
            Some(value) => value.to_str().unwrap_or_default().trim(),
        };
        if actor.is_empty() || actor.len() > ACTOR_BYTES_MAX {
            return Err(Problem::new(400, "bad-actor", "The actor's name cannot be recorded.")
                .detail(format!(
                    "Evenkeel-Actor: want 1 to {ACTOR_BYTES_MAX} visible characters"
                )));
        }
        Ok(Actor(actor.to_owned()))
    }
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

fn came(newcomer: &register::Newcomer) -> SiteNode {
    let contact = &newcomer.contact;
    SiteNode {
        id: newcomer.node,
        region: contact.region.clone(),
        zone: contact.zone.clone(),
        role: match newcomer.role {
            Some(MemberRole::Full) => NodeRole::Full,
            Some(MemberRole::Witness) => NodeRole::Witness,
            Some(MemberRole::Learner) | None => NodeRole::Register,
        },
        url: contact.http.trim_end_matches('/').to_owned(),
    }
}

/// The scheme's name is matched in any case (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// How a wrong token is told from none (RFC 6750, 3.1).
const INVALID: &str = "Bearer error=\"invalid_token\"";

/// Leaves the token out: a site may be logged.
impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site")
            .field("node", &self.node)
            .field("nodes", &self.nodes().collect::<Vec<_>>())
            .field("groups", &self.groups)
            .field("has_token", &self.token.is_some())
            .finish()
    }
}

impl Actor {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}
