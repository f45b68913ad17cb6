//! Bits that flip on disks.
//!
//! No protocol survives bits that flip on every copy of a record. In random runs they flip on so few
//! disks that each commit has a copy on another, and that too few replicas may have had what nobody can
//! read: on less than `w`, and so few that a commit is left on one of the others. On those they may
//! flip in any record of a group, and in records of the register that have been copied once. Where a home
//! answers before the commit, or goes on without copies, one disk may hold what was acknowledged: there
//! no bits flip.

use types::{Class, GroupId, QuorumLoss, Seq};
use wire::log::Kind;

use super::World;
use crate::Knobs;
use crate::disk::Hit;
use crate::net::Index;

impl Knobs {
    /// On how many disks bits may flip while every record that was committed can be had.
    #[must_use]
    pub fn failing_max(&self) -> usize {
        let members = usize::from(self.nodes) - usize::from(self.spares);
        let is_plain =
            self.terms.class == Class::Sync && self.terms.on_quorum_loss == QuorumLoss::Block;
        if is_plain { (members - self.copies).min(self.copies - 1) } else { 0 }
    }
}

impl World {
    /// Bits flip in one record of one of the disks that may fail. Whether they did.
    pub(crate) fn flip_any(&mut self) -> Option<Index> {
        let most = self.knobs.failing_max();
        if !self.has_joined_all() {
            // A replica that never took part counts like one that has forgotten what it held: together
            // they may be too many for anyone to know.
            return None;
        }
        if self.failing.len() < most {
            let node = self.chance.index(self.count());
            if !self.failing.contains(&node) {
                self.failing.push(node);
            }
        }
        if self.failing.is_empty() {
            return None;
        }
        let node = self.failing[self.chance.index(self.failing.len())];
        // Mostly what is young: it is what others may still need.
        let is_vote = self.chance.chance(100_000);
        let is_copy = self.chance.chance(200_000);
        let kind = match (is_vote, is_copy) {
            (true, _) => Kind::Register,
            (false, true) => Kind::Repair,
            (false, false) => Kind::Group,
        };
        let sound = self.hosts[node].disk.sound(kind);
        let back = self.chance.pick(&[1, 4, 30, 1_000]).min(sound.len());
        if back == 0 {
            return None;
        }
        let (index, pulses) = sound[sound.len() - 1 - self.chance.index(back)];
        // Without a pulse behind it nobody could say whether it was a vote.
        let header = self.chance.chance(300_000) && pulses > 0;
        if is_vote && (pulses == 0 || self.hosts[node].has_lost_vote) {
            return None;
        }
        self.hosts[node].has_lost_vote |= is_vote;
        self.hosts[node].disk.hit(index, Hit { header });
        Some(node)
    }

    /// All snapshots on a node's disk are damaged. Those of a group whose log was trimmed, too.
    pub fn rot_snapshots(&mut self, node: Index) {
        self.hosts[node].disk.files.rot_all(&mut self.disk_chance);
    }

    /// The last record of a group on a host's disk becomes another one, in a way that no checksum catches. The
    /// checks forgive that node what comes of it, but nobody else. Whether there was one.
    pub fn forge(&mut self, node: Index, group: GroupId) -> bool {
        assert!(self.hosts[node].node.is_none(), "disks change while the power is off");
        self.hosts[node].is_forged = true;
        self.hosts[node].disk.forge(group).is_some()
    }

    /// Bits flip in the last copy of a group's record on a disk. Whether it has one.
    pub fn spoil(&mut self, node: Index, group: GroupId, seq: Seq) -> bool {
        let Some(index) = self.hosts[node].disk.find(group, seq) else { return false };
        self.hosts[node].disk.hit(index, Hit { header: false });
        true
    }
}
