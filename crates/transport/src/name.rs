//! What a cluster and its nodes are called inside certificates.
//!
//! A node's certificate carries one DNS name, `node-<id>.<cluster>.evenkeel`. It is never looked up;
//! it binds a [`NodeId`] to a cluster in a form that every TLS library already knows how to verify.

use core::fmt;

use types::NodeId;

/// The top of every name. Not a public domain: these names exist only inside certificates.
const SUFFIX: &str = ".evenkeel";
const NODE_PREFIX: &str = "node-";
/// Leaves `node-65535.` and the suffix far below the 253 bytes of a DNS name, the label below 63.
const CLUSTER_BYTES_MAX: usize = 40;

/// The name of one cluster: 1 to 40 lower-case letters, digits and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClusterName(Box<str>);

/// Why a text is not the name of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cluster name is 1 to 40 lower-case letters, digits and inner hyphens")]
pub struct NotAClusterName;

impl ClusterName {
    /// Parses a name.
    ///
    /// # Errors
    /// `NotAClusterName`; nothing is trimmed or folded, so that one cluster has one spelling.
    pub fn new(text: &str) -> Result<Self, NotAClusterName> {
        let fits = (1..=CLUSTER_BYTES_MAX).contains(&text.len());
        let letters =
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits || !letters || text.starts_with('-') || text.ends_with('-') {
            return Err(NotAClusterName);
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The DNS name in the certificate of `node`.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        format!("{NODE_PREFIX}{}.{}{SUFFIX}", node.0, self.0)
    }

    /// The common name of the cluster's authority.
    pub(crate) fn authority_name(&self) -> String {
        format!("{}{SUFFIX}", self.0)
    }

    /// The inverse of [`Self::authority_name`].
    pub(crate) fn from_authority_name(name: &str) -> Option<Self> {
        Self::new(name.strip_suffix(SUFFIX)?).ok()
    }

    /// The inverse of [`Self::node_name`]; `None` for any other spelling of the same numbers.
    pub(crate) fn from_node_name(name: &str) -> Option<(Self, NodeId)> {
        let (node, cluster) =
            name.strip_prefix(NODE_PREFIX)?.strip_suffix(SUFFIX)?.split_once('.')?;
        let (cluster, node) = (Self::new(cluster).ok()?, NodeId(node.parse().ok()?));
        (cluster.node_name(node) == name).then_some((cluster, node))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
