//! Checks on snapshots and on what is deleted because of them (I17, S20).

use types::Seq;
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
