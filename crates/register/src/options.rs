//! What a member is told at start. Checked once, in [`Register::recover`](crate::Register::recover).

use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use types::{Config, GroupId, NodeId};
use wire::Writer;

use crate::codec;
use crate::limits::{CONFIG_MEMBERS_MAX, GROUPS_MAX, MEMBERS_MAX};
use crate::numbers::FOUNDER_IDS_END;

/// Who the members are, what they begin with, and how patient they are.
///
/// `members` and `genesis` must be the same on every member; a frame or a record of a register with
/// others is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// This node. One of `members` if it was there on the first day; one that was admitted later is
    /// not.
    pub node: NodeId,
    /// All members of the first day: 1, or 3 to 7, in any order. An even number tolerates no more losses than the odd
    /// number below it, wherever they strike; but with two nodes in each of three regions it tolerates
    /// the loss of any region.
    pub members: Vec<NodeId>,
    /// Every group with its first configuration, in any order.
    pub genesis: Vec<(GroupId, Config)>,
    /// Length of a tick, microseconds.
    pub tick_us: u64,
    /// Ticks of an election round. A round must outlast the slowest round trip plus two writes to
    /// disk: a heartbeat that comes back after its round does not count.
    pub election_ticks: u64,
    /// Ticks after which an unanswered message is sent again.
    pub resend_ticks: u64,
    /// Time after which an undecided proposal is handed to the leader again, microseconds.
    pub retry_us: u64,
    /// Time after which a proposal is reported as undecided, microseconds.
    pub proposal_timeout_us: u64,
}

/// Why options are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOptions {
    /// There are no members, two, of which neither can do without the other, or too many.
    #[error("{count} members, want 1, or 3 to {MEMBERS_MAX}")]
    MemberCount {
        /// How many.
        count: usize,
    },
    /// A member stands twice.
    #[error("{node} is a member twice")]
    MemberTwice {
        /// Which.
        node: NodeId,
    },
    /// A member's id lies where those of newcomers after a beginning by force do.
    #[error("{node} is not below {FOUNDER_IDS_END}, where ids are kept for nodes that come later")]
    MemberId {
        /// Which.
        node: NodeId,
    },
    /// There are no groups or too many.
    #[error("{count} groups, want 1 to {GROUPS_MAX}")]
    GroupCount {
        /// How many.
        count: usize,
    },
    /// A group stands twice.
    #[error("{group} stands twice")]
    GroupTwice {
        /// Which.
        group: GroupId,
    },
    /// A group has too many members.
    #[error("{group} has {members} members, at most {CONFIG_MEMBERS_MAX} are allowed")]
    GroupMembers {
        /// Which.
        group: GroupId,
        /// How many.
        members: usize,
    },
    /// A time is 0.
    #[error("{field} is 0")]
    Zero {
        /// Which.
        field: &'static str,
    },
}

impl Options {
    /// Puts members and groups into rising order, so that the same options in another order are the
    /// same register.
    pub(crate) fn checked(mut self) -> Result<Self, NotOptions> {
        let count = self.members.len();
        if count == 0 || count == 2 || count > MEMBERS_MAX {
            return Err(NotOptions::MemberCount { count });
        }
        self.members.sort_unstable();
        if let Some(node) = twice(&self.members) {
            return Err(NotOptions::MemberTwice { node });
        }
        if let Some(node) = self.members.iter().find(|node| node.0 >= FOUNDER_IDS_END) {
            return Err(NotOptions::MemberId { node: *node });
        }
        let count = self.genesis.len();
        if count == 0 || count > GROUPS_MAX {
            return Err(NotOptions::GroupCount { count });
        }
        self.genesis.sort_unstable_by_key(|(group, _)| *group);
        let groups: Vec<GroupId> = self.genesis.iter().map(|(group, _)| *group).collect();
        if let Some(group) = twice(&groups) {
            return Err(NotOptions::GroupTwice { group });
        }
        for (group, config) in &self.genesis {
            let members = config.members().len();
            if members > CONFIG_MEMBERS_MAX {
                return Err(NotOptions::GroupMembers { group: *group, members });
            }
        }
        for (field, value) in [
            ("tick_us", self.tick_us),
            ("election_ticks", self.election_ticks),
            ("resend_ticks", self.resend_ticks),
            ("retry_us", self.retry_us),
            ("proposal_timeout_us", self.proposal_timeout_us),
        ] {
            if value == 0 {
                return Err(NotOptions::Zero { field });
            }
        }
        Ok(self)
    }

    /// The register's fingerprint: what all its members must agree on before they agree on anything.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        writer.count(self.members.len());
        for member in &self.members {
            writer.u16(member.0);
        }
        for (group, config) in &self.genesis {
            writer.u16(group.0);
            codec::config(&mut writer, config);
        }
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        hash.into_iter().take(8).fold(0, |sum, byte| (sum << 8) | u64::from(byte))
    }

    /// How long a peer counts as heard, and how long a write may take before this member holds still:
    /// two election rounds.
    pub(crate) const fn patience_us(&self) -> u64 {
        self.tick_us.saturating_mul(self.election_ticks).saturating_mul(2)
    }
}

fn twice<T: Copy + PartialEq>(sorted: &[T]) -> Option<T> {
    sorted.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(*a),
        _ => None,
    })
}
