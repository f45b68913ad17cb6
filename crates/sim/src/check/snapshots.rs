//! Checks on snapshots and on what is deleted because of them (I17, S20).

use types::{GroupId, NodeId, Seq, Tail};
use wire::Record;

use super::Check;
use crate::{App, net::Index};
use group::Group;

impl Check {
    /// Where a chain goes on from a snapshot, it is the one chain: whatever stood at that seq stands there.
    pub(super) fn base(&mut self, host: Index, group: &Group<App>) {
        let base = group.chain().base();
        if base.seq == Seq(0) {
            return;
        }
        self.count("S20");
        let truth = self.truths.entry(group.id()).or_default();
        if !truth.links.contains_key(&base.hash) {
            let detail = format!("n{} {}: goes on from {base:?}", host + 1, group.id());
            self.fail("S20", detail);
        }
    }

    /// Whether no disk has named this base before.
    pub fn is_new_base(&self, group: GroupId, base: Tail) -> bool {
        self.truths.get(&group).is_none_or(|truth| !truth.bases.contains(&(base.seq, base.hash)))
    }

    /// A disk has a base that is new: up to there every full member has a snapshot, and it is the one chain.
    /// One that lies below another is what a forced switch has left of that.
    pub fn based(&mut self, host: Index, group: GroupId, base: Tail, lacking: &[NodeId]) {
        self.count("I17");
        let truth = self.truths.entry(group).or_default();
        let is_above = truth.bases.last().is_none_or(|(seq, _)| *seq < base.seq);
        truth.bases.insert((base.seq, base.hash));
        let is_known = truth.links.contains_key(&base.hash);
        if !is_known {
            let detail = format!("n{} {group}: takes {base:?} for its base", host + 1);
            self.fail("S20", detail);
        }
        if is_above && !lacking.is_empty() {
            let seq = base.seq;
            let detail = format!(
                "n{} {group}: base {seq}, and {lacking:?} have no snapshot of it",
                host + 1
            );
            self.fail("I17", detail);
        }
    }

    /// A record was deleted in a world with a witness.
    pub fn trimmed_to_base(&mut self, host: Index, group: GroupId, seq: Seq) {
        let truth = self.truths.entry(group).or_default();
        if truth.bases.last().is_none_or(|(base, _)| *base < seq) {
            self.fail("I17", format!("n{} {group}: {seq} was deleted above the base", host + 1));
        }
    }

    /// A record was deleted, while so many disks had a snapshot of after it.
    pub fn trimmed(&mut self, host: Index, record: &Record, [snapshots, wanted]: [usize; 2]) {
        self.count("I17");
        let header = record.header();
        let (group, seq) = (header.group, header.seq);
        let truth = self.truths.entry(group).or_default();
        let index = usize::try_from(seq.0.saturating_sub(1)).unwrap_or(usize::MAX);
        if truth.committed.get(index) != Some(&record.hash()) {
            let detail =
                format!("n{} {group}: {seq} was deleted and is not in the chain", host + 1);
            self.fail("I17", detail);
        }
        if snapshots < wanted {
            let detail = format!(
                "n{} {group}: {seq} was deleted with snapshots of it on {snapshots} disks of {wanted}",
                host + 1
            );
            self.fail("I17", detail);
        }
    }
}
