//! Checks on what clients are told before the commit (PROTOCOL N4 and I16's W1 part).
//!
//! Such an answer may turn out to be lost with its home. What must hold all the same: it rests on a
//! record that was on its home's disk, only a class that allows it gives it, a record that stays
//! comes to what was told, and one that does not is set aside at its home and marked as answered.

use std::collections::BTreeMap;

use group::Node;
use types::{Epoch, GroupId, Hash, MessageId, Seq, Tail};
use wire::{Command, Reply};

use super::{Check, Truth, leads};
use crate::{App, net::Index};

/// Everything told early in one group.
#[derive(Clone, Debug, Default)]
pub(super) struct Early {
    /// By the record on which the answers rest.
    told: BTreeMap<(Epoch, Seq), Told>,
}

#[derive(Clone, Debug)]
struct Told {
    at: Tail,
    outcomes: BTreeMap<MessageId, (Hash, bytes::Bytes)>,
    /// Whether the record was found, in the chain or set aside as it should be.
    is_found: bool,
}

impl Check {
    /// A client was told something before its commit.
    pub fn told_early(&mut self, group: GroupId, command: &Command, reply: &Reply) {
        let Reply::Provisional { at, outcome, .. } = reply else { return };
        self.count("W1");
        let truth = self.truths.entry(group).or_default();
        let home = truth.homes.contains_key(&at.epoch);
        let class = truth.table.starts().iter().find(|start| start.epoch == at.epoch);
        let is_allowed = class.is_some_and(|start| start.class.answers_early());
        let record = truth.records.get(&(at.epoch, at.seq)).copied();
        let outcome = (command.digest, outcome.clone());
        let told = truth.early.told.entry((at.epoch, at.seq));
        let told =
            told.or_insert_with(|| Told { at: *at, outcomes: BTreeMap::new(), is_found: false });
        let before = told.outcomes.insert(command.id, outcome.clone());
        let fault = if !home || record != Some(at.hash) {
            Some("rests on no record of a home")
        } else if !is_allowed {
            Some("was told early in class sync")
        } else if before.is_some_and(|before| before != outcome) {
            Some("has two provisional outcomes on one record")
        } else {
            None
        };
        if let Some(fault) = fault {
            self.fail("W1", format!("{group} {} at {}: {fault}", command.id, at.seq));
        }
    }

    /// A node sends an answer that is not committed: what it rests on is on its own disk.
    pub(super) fn rests_on_disk(&mut self, from: Index, disk: &crate::disk::Said, reply: &Reply) {
        let Reply::Provisional { at, .. } = reply else { return };
        if !disk.has(at.hash) {
            self.fail("W1", format!("n{} answers at {}, not on its disk", from + 1, at.seq));
        }
    }

    /// At the end, at every node: what was told early is in the chain and came to the same, or this
    /// node has set it aside and says that clients were told.
    pub fn holds_early(&mut self, host: Index, node: &Node<App>) {
        for group in node.groups() {
            let Some(truth) = self.truths.get_mut(&group.id()) else { continue };
            let mut fault = None;
            let Truth { links, early, .. } = truth;
            for told in early.told.values_mut() {
                let at = told.at;
                let base = group.chain().base();
                // What is in a snapshot is kept as well as what is in the chain.
                let is_saved = at.seq < base.seq && leads(links, base.hash, at);
                if is_saved || group.chain().passes(at) {
                    told.is_found = true;
                    for (id, (digest, outcome)) in &told.outcomes {
                        let now = group.answer(*id, *digest);
                        let is_same = matches!(&now, Some(Reply::Done { outcome: now, .. }) if now == outcome);
                        if !is_same && at.seq <= group.applied() {
                            fault = Some(format!("{id} came to {now:?}, another was told"));
                        }
                    }
                }
                let run = group
                    .orphans()
                    .iter()
                    .find(|run| run.epoch == at.epoch && run.first <= at.seq && at.seq <= run.last);
                if let Some(run) = run {
                    told.is_found = true;
                    if !run.reason.may_be_acknowledged() {
                        fault = Some(format!("{} is set aside as never answered", at.seq));
                    }
                }
            }
            if let Some(detail) = fault {
                self.fail("W1", format!("n{} {}: {detail}", host + 1, group.id()));
            }
        }
    }

    /// At the end, after all nodes were asked: nothing that was told early has gone unmentioned.
    pub fn early_all_found(&mut self) {
        let mut lost = None;
        for (group, truth) in &self.truths {
            let missing = truth.early.told.values().find(|told| !told.is_found);
            lost = lost.or(missing.map(|told| format!("{group} {}", told.at.seq)));
        }
        if let Some(lost) = lost {
            self.fail("W1", format!("what was answered at {lost} is neither kept nor set aside"));
        }
    }

    /// A disk was replaced, and what it had set aside is gone with it.
    pub(super) fn forget_early(&mut self) {
        for truth in self.truths.values_mut() {
            truth.early.told.clear();
        }
    }
}
