//! Channels of which only one end was opened again: nothing passes, and neither end need be frozen.
//!
//! One group cannot see it. A node that has both compares the two ends, and says since when.

use alloc::collections::BTreeSet;

use model::Model;
use types::{GroupId, Stamp};

use super::Node;

impl<M: Model> Node<M> {
    /// The channels of which one end was opened again without the other, as far as this node has both: from, to, and
    /// since when.
    pub fn half_open(&self) -> impl Iterator<Item = (GroupId, GroupId, Stamp)> {
        // A node that is no member of a group any more has some old state of it.
        let here = self.groups.values().filter(|group| group.runs_model());
        let ends = here.flat_map(|group| {
            let sent = group.channels().outboxes().map(|(to, _)| (group.id(), to));
            sent.chain(group.channels().inboxes().map(|(from, _)| (from, group.id())))
        });
        let channels: BTreeSet<(GroupId, GroupId)> = ends.collect();
        channels.into_iter().filter_map(move |(from, to)| {
            let of = |id| self.groups.get(&id).filter(|group| group.runs_model());
            let outbox = of(from).and_then(|group| group.channels().outbox(to));
            let inbox = of(to).and_then(|group| group.channels().inbox(from));
            Some((from, to, channel::half_open(outbox, inbox)?))
        })
    }
}
