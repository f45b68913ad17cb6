//! What bits that flip change in what must hold: a replica that knows of a loss may have it, one that
//! does not may not.

use group::{Group, Node};
use types::{GroupId, Seq, Tail};

use super::Check;
use crate::{App, Disk, net::Index};

impl Check {
    /// A node was built from a disk whose end it cannot read, and says that it may have held more: what
    /// it did hold beyond its chain is lost here, and is nowhere said to be.
    pub(super) fn forgive(&mut self, host: Index, node: &Node<App>) {
        for group in node.groups() {
            let faults = group.faults();
            let Some(open) = faults.last().filter(|fault| fault.last.is_none()) else { continue };
            let Some(kept) = self.kept.get_mut(&(host, group.id())) else { continue };
            let Some(truth) = self.truths.get(&group.id()) else { continue };
            for tail in kept.durable.values_mut() {
                while tail.seq >= open.first && !is_accounted_for(group, *tail) {
                    let before =
                        truth.links.get(&tail.hash).and_then(|(_, hash)| truth.links.get(hash));
                    *tail = before.map_or(Tail::default(), |(before, _)| *before);
                }
            }
            kept.durable.retain(|_, tail| tail.seq > Seq(0));
        }
    }

    /// I15: while a record is known to be lost, nothing from it on is said to be held.
    pub(super) fn vouches(&mut self, host: Index, group: GroupId, tail: Tail) {
        let Some(whole) = self.whole.get(&(host, group)).copied() else { return };
        self.count("I15");
        if tail.seq > whole {
            let detail =
                format!("n{} {group}: vouches for {}, whole to {whole}", host + 1, tail.seq);
            self.fail("I15", detail);
        }
    }

    /// Notes up to where a node knows that it can read a group.
    pub(super) fn knows_whole(&mut self, host: Index, group: &Group<App>) {
        if group.chain().is_whole() {
            self.whole.remove(&(host, group.id()));
        } else {
            self.whole.insert((host, group.id()), group.chain().whole());
        }
    }

    /// I15: where a replica says that it holds a record, its disk has the very bytes of it. Holes
    /// are known not to be held.
    pub fn equal_bytes(&mut self, host: Index, node: &Node<App>, disk: &Disk) {
        for group in node.groups() {
            let mut seq = Seq(1);
            while seq <= group.durable() {
                if let Some(link) = group.chain().link(seq)
                    && group.chain().hole_at(seq).is_none()
                    && let Some(at) = link.at
                {
                    self.count("I15");
                    let found = disk.written_at(at);
                    if found.is_none_or(|record| record != link.hash) {
                        let id = group.id();
                        let detail = format!("n{} {id}: {seq} is not at {}", host + 1, at.0);
                        self.fail("I15", detail);
                    }
                }
                seq = seq.next();
            }
        }
    }
}

/// Whether a record is in the chain, in a hole of it, or itemised as an orphan.
fn is_accounted_for(group: &Group<App>, tail: Tail) -> bool {
    let is_run = |run: &wire::Orphan| {
        run.epoch == tail.epoch && run.first <= tail.seq && tail.seq <= run.last
    };
    group.chain().passes(tail)
        || group.chain().hole_at(tail.seq).is_some()
        || group.orphans().iter().any(is_run)
}
