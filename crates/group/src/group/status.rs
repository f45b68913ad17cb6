//! How a group stands at this node: positions on both ends and ages, never "connected"
//! (PROTOCOL 7.8).

use alloc::vec::Vec;

use model::Model;
use replication::{Lack, is_commit};
use types::{Config, Epoch, Hash, ModelVersion, NodeId, Now, Seq, Stamp, Terms};
use wire::{Contradiction, Fault};

use super::{AtRisk, Bar, Group, Role};

/// What this node does in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleStatus {
    /// Follows the home.
    Follower,
    /// Keeps the end of the journal for a home it follows, and runs no model.
    Witness,
    /// Has promised a newer epoch than it follows; takes and acknowledges nothing until a home of
    /// that epoch speaks.
    Sealed,
    /// Takes the group over.
    Candidate {
        /// What it waits for.
        lacks: Option<Lack>,
        /// For how long it has been at it, in microseconds.
        for_us: u64,
    },
    /// Appends.
    Home,
    /// Catches up with a home whose configuration does not count it.
    Learner,
    /// Has no copy: other nodes hold the group.
    Elsewhere,
    /// Out of service: its records contradict a peer's, or its state is gone and cannot be built again.
    Quarantined,
}

/// One member as its home sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The member.
    pub node: NodeId,
    /// Whether the configuration counts it; one that it does not is caught up only.
    pub counts: bool,
    /// Whether it has recorded the epoch.
    pub joined: bool,
    /// Sent to it.
    pub sent: Seq,
    /// Durable there.
    pub acked: Seq,
    /// Bytes of the records it has not acknowledged.
    pub behind_bytes: u64,
    /// Age of the oldest of them by its stamp, in microseconds; 0 if there is none.
    pub behind_us: u64,
    /// Microseconds since its acknowledgement last moved while something was under way.
    pub still_us: u64,
}

/// One group at one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// What this node does in it.
    pub role: RoleStatus,
    /// The newest epoch recorded here.
    pub epoch: Epoch,
    /// The epoch below which this node refuses.
    pub promised: Epoch,
    /// The home this node knows of.
    pub home: Option<NodeId>,
    /// End of the chain here, durable or not.
    pub appended: Seq,
    /// W1 at the home; what is durable here elsewhere.
    pub durable: Seq,
    /// W2 as far as known here.
    pub commit: Seq,
    /// Applied to the model here.
    pub applied: Seq,
    /// Stamp of the last applied record.
    pub closed: Stamp,
    /// Chain hash of the last applied record.
    pub head: Hash,
    /// Digest over everything applied and every outcome.
    pub trail: Hash,
    /// The model version under which the next record is applied here, and its barrier if there is one.
    pub version: (ModelVersion, Option<Seq>),
    /// What keeps this node from running the model, or from showing it.
    pub bar: Option<Bar>,
    /// Members that came to another state than this node, and the mark at which that was found.
    pub differing: Vec<(NodeId, Seq)>,
    /// The other members, at the home only.
    pub peers: Vec<PeerStatus>,
    /// Message ids that have an outcome.
    pub answers: usize,
    /// Commands taken in and not answered.
    pub waiting: usize,
    /// Runs of records set aside.
    pub orphan_runs: usize,
    /// Records in them.
    pub orphan_records: u64,
    /// Microseconds for which something has waited above W2 without W2 moving; 0 when nothing does.
    pub stalled_us: u64,
    /// At which watermark the group answers, and what it does when copies are missing.
    pub terms: Terms,
    /// Answered and not committed.
    pub at_risk: AtRisk,
    /// While the group is degraded: the configuration that it is to return to.
    pub degraded_from: Option<Config>,
    /// Whether the loss of the home alone may lose what it acknowledges now: because there is no other
    /// copy, or because it answers before there is one.
    pub home_loss_loses: bool,
    /// What of another member's contradicts the chain here, if the group is out of service for that.
    pub contradiction: Option<Contradiction>,
    /// What this node held, or may have held, and cannot read.
    pub faults: Vec<Fault>,
    /// Everything up to here can be read here: what this node vouches for.
    pub vouched: Seq,
    /// Records that could not be read and were put back since the node started.
    pub repaired: u64,
    /// The newest snapshot on this node's disk; 0 for none.
    pub snapshot: Seq,
    /// The newest whose digest another member has confirmed; 0 for none.
    pub confirmed: Seq,
    /// Records up to here may be gone from this node's log.
    pub trimmed: Seq,
    /// In a group with a witness: up to where every full member has a confirmed snapshot; records above stay.
    pub base: Seq,
    /// Bytes of the records here that are above it.
    pub above_base_bytes: u64,
    /// The full members that keep the base where it is.
    pub base_waits_for: Vec<NodeId>,
    /// Up to where this node lacks records that nobody who was asked keeps any more, and the full members
    /// that could give it the state instead.
    pub needs_state: Option<(Seq, Vec<NodeId>)>,
}

impl<M: Model> Group<M> {
    /// How the group stands here.
    #[must_use]
    pub fn status(&self, now: Now) -> GroupStatus {
        let head = self.chain.tail_at(self.applied);
        GroupStatus {
            role: self.role_status(now),
            epoch: self.meta.table.epoch(),
            promised: self.meta.promised,
            home: self.home().0,
            appended: self.chain.tail().seq,
            durable: self.durable,
            commit: self.commit(),
            applied: self.applied,
            closed: self.stamp,
            head: head.map_or(Hash::ZERO, |tail| tail.hash),
            trail: self.trail,
            version: self.version(),
            bar: self.bar(),
            differing: self.marks.differing().collect(),
            peers: self.peer_statuses(now),
            answers: self.answers.count(),
            waiting: self.desk.count(),
            orphan_runs: self.meta.orphans.len(),
            orphan_records: self
                .meta
                .orphans
                .iter()
                .map(|orphan| orphan.last.0 - orphan.first.0 + 1)
                .sum(),
            stalled_us: self.stalled_us(now),
            terms: self.meta.config.terms(),
            at_risk: self.at_risk(now),
            degraded_from: self.register.as_ref().and_then(|state| state.whole.clone()),
            home_loss_loses: self.meta.config.copies() < 2 || self.answers_early(),
            contradiction: self.meta.contradiction,
            faults: self.faults(),
            vouched: self.vouched(),
            repaired: self.repair.done,
            snapshot: self.meta.snapshots.last().map_or(Seq(0), |one| one.tail.seq),
            confirmed: self.kept(),
            trimmed: self.meta.trimmed,
            base: self.base(),
            above_base_bytes: self.chain.bytes_above(self.base()),
            base_waits_for: self.base_waits_for(),
            needs_state: self.needs_state(),
        }
    }

    /// Microseconds for which records have waited above the watermark without its moving; 0 away
    /// from home.
    #[must_use]
    pub fn stalled_us(&self, now: Now) -> u64 {
        match &self.role {
            Role::Home(home) if self.chain.tail().seq > self.known => {
                now.instant.since(home.moved())
            }
            Role::Home(_) | Role::Member | Role::Candidate(_) | Role::Quarantined => 0,
        }
    }

    /// Which members of `whole` have not caught up with this home, so far that fewer than a commit
    /// takes have; none if enough have, everybody where this node is not the home.
    #[must_use]
    pub fn lacks(&self, whole: &Config) -> Vec<NodeId> {
        let Role::Home(home) = &self.role else { return whole.counted().collect() };
        let me = self.options.me;
        // What is on its way under load is no lag.
        let known = Seq(self.known.0.saturating_sub(self.options.window_records));
        let lags = |node: &NodeId| *node != me && !home.has_caught_up(*node, known);
        let lagging: Vec<NodeId> = whole.counted().filter(lags).collect();
        let is_enough = is_commit(whole, |node| !lagging.contains(&node));
        if is_enough { Vec::new() } else { lagging }
    }

    fn role_status(&self, now: Now) -> RoleStatus {
        match &self.role {
            Role::Member if self.is_joined() && self.is_witness() => RoleStatus::Witness,
            Role::Member if self.is_joined() && self.meta.config.counts(self.options.me) => {
                RoleStatus::Follower
            }
            Role::Member if self.is_joined() => RoleStatus::Learner,
            Role::Member if self.member_role().is_none() => RoleStatus::Elsewhere,
            Role::Member => RoleStatus::Sealed,
            Role::Candidate(candidate) => RoleStatus::Candidate {
                lacks: candidate.takeover.lacks(),
                for_us: now.instant.since(candidate.since()),
            },
            Role::Home(_) => RoleStatus::Home,
            Role::Quarantined => RoleStatus::Quarantined,
        }
    }

    fn peer_statuses(&self, now: Now) -> Vec<PeerStatus> {
        let Role::Home(home) = &self.role else { return Vec::new() };
        home.peers()
            .map(|(node, peer)| {
                let oldest = self.chain.link(peer.acked.next());
                PeerStatus {
                    node,
                    counts: self.meta.config.counts(node),
                    joined: peer.joined,
                    sent: peer.sent,
                    acked: peer.acked,
                    behind_bytes: self.chain.bytes_above(peer.acked),
                    behind_us: oldest.map_or(0, |link| now.wall.since(link.stamp)),
                    still_us: if peer.acked < peer.sent {
                        now.instant.since(peer.moved)
                    } else {
                        0
                    },
                }
            })
            .collect()
    }
}
