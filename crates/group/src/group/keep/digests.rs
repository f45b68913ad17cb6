//! What members tell each other of their states, and what follows from it.

use alloc::vec::Vec;

use model::Model;
use types::{Hash, NodeId, Seq};
use wire::{GroupMessage, Snapshot};

use super::super::{Group, Out};

impl<M: Model> Group<M> {
    /// All other members are to be told where this one's state stands.
    pub(in super::super) fn tell_all(&mut self) {
        self.keep.is_base_due = true;
        let me = self.options.me;
        let others = self.meta.config.members().iter().filter(|node| **node != me);
        self.keep.tell.extend(others);
    }

    /// As [`Group::tell_all`], for one that may have missed it.
    pub(in super::super) fn tell(&mut self, node: NodeId) {
        if self.meta.config.has(node) {
            self.keep.tell.insert(node);
        }
    }

    pub(super) fn tell_digests(&mut self, out: &mut Vec<Out>) {
        if self.keep.tell.is_empty() || !self.is_joined() {
            return;
        }
        let (kept, epoch) = (self.kept(), self.meta.promised);
        for node in core::mem::take(&mut self.keep.tell) {
            for (seq, (head, digest)) in &self.keep.points {
                let (seq, head, digest) = (*seq, *head, *digest);
                let body = GroupMessage::Digest { seq, head, digest, kept };
                out.push(Out::Send { to: node, epoch, body });
            }
        }
    }

    /// Another member's state after `seq` had this digest.
    pub(in super::super) fn on_digest(
        &mut self,
        from: NodeId,
        seq: Seq,
        (head, digest): (Hash, Hash),
        kept: Seq,
    ) {
        if !self.meta.config.has(from) || from == self.options.me {
            return;
        }
        let before = self.kept();
        let heard = self.keep.heard.entry(from).or_default();
        heard.kept = kept;
        heard.points.insert(seq, (head, digest));
        while heard.points.len() > POINTS_HEARD_MAX {
            heard.points.pop_first();
        }
        self.keep.is_base_due = true;
        if self.kept() != before {
            self.tell_all();
        }
    }

    /// What a node said of its state counts no more.
    pub(in super::super) fn forget_heard_of(&mut self, node: NodeId) {
        self.keep.heard.remove(&node);
    }

    /// A forced switch may have taken back what others said they keep.
    pub(in super::super) fn forget_heard(&mut self) {
        self.keep.heard.clear();
    }

    /// Whether another member has come to the state of `snapshot` by itself.
    pub(super) fn is_confirmed(&self, snapshot: &Snapshot) -> bool {
        let state = (snapshot.tail.hash, snapshot.digest);
        let is_same = |node: &NodeId| {
            let heard = self.keep.heard.get(node);
            heard.is_some_and(|heard| heard.points.get(&snapshot.tail.seq) == Some(&state))
        };
        self.meta.config.members().iter().any(is_same)
    }

    /// The newest durable snapshot here that is confirmed; 0 for none.
    #[must_use]
    pub fn kept(&self) -> Seq {
        let mut snapshots = self.meta.snapshots.iter().rev();
        let newest = snapshots.find(|snapshot| {
            self.keep.durable.contains(&snapshot.tail.seq) && self.is_confirmed(snapshot)
        });
        newest.map_or(Seq(0), |snapshot| snapshot.tail.seq)
    }
}

/// Digests remembered of each member: some more than it sends.
const POINTS_HEARD_MAX: usize = 8;
