//! How old the states here may be, and having their time closed for those who may not see so old a one.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use model::Model;
use replication::Mutant;
use types::{GroupId, Now, Stamp};

use super::Node;
use super::effect::Effect;

impl<M: Model> Node<M> {
    /// How old the state of a group may be at most, in microseconds; `None` where that cannot be said.
    ///
    /// What is missing here has a stamp above that of the last record applied. Its home's clock was at
    /// most as far ahead of most clocks as a home's may be, and this node's own is known to be behind
    /// them by so much; both are added. Should stamps run ahead of the clocks all the same, the state
    /// is at least as old as the time since anything was applied.
    #[must_use]
    pub fn age_us(&self, now: Now, group: GroupId) -> Option<u64> {
        let group = self.groups.get(&group)?;
        let (closed, applied_at) = (group.closed(), group.applied_at()?);
        let slack_us = self.slack_us()?;
        let wall = now.wall.max(self.clocks.own(now.instant));
        if closed == Stamp(0) || closed.since(wall) > slack_us {
            return None;
        }
        // Signed: a stamp that is ahead within the slack makes the state younger by so much.
        let age = (wall.0.saturating_add(slack_us)).saturating_sub(closed.0);
        Some(age.max(now.instant.since(applied_at)))
    }

    /// By how much a stamp of another node may be ahead of this node's clock; `None` before enough clocks
    /// were heard of to say so.
    fn slack_us(&self) -> Option<u64> {
        let nodes = self.options.nodes.len();
        let is_known = self.clocks.heard() >= nodes / 2;
        if self.options.group.mutant == Mutant::BoundedWithoutSlack {
            return is_known.then_some(0);
        }
        is_known.then(|| self.options.skew_us_max.saturating_add(self.clocks.behind_us(nodes)))
    }

    /// Asks for beats where somebody waits for time to be closed: for reads that have just come, and for
    /// all of them and for cuts now and then, as what was asked may be lost.
    pub(super) fn hurry(&mut self, now: Now, out: &mut Vec<Effect>) {
        let mut wanted: BTreeMap<GroupId, u64> = BTreeMap::new();
        let mut want = |id: GroupId, within_us: u64| {
            let least = wanted.entry(id).or_insert(within_us);
            *least = within_us.min(*least);
        };
        for (groups, within_us) in self.readers.new_bounded() {
            groups.iter().for_each(|id| want(*id, within_us));
        }
        if self.readers.next_hurry <= now.instant {
            self.readers.next_hurry = now.instant.after(self.options.group.resend_us / 4);
            let open: Vec<(GroupId, u64)> = self.readers.open().collect();
            for (id, within_us) in open {
                want(id, within_us);
                // Clocks may have been heard of since, though nothing happened to the group.
                self.readers.touched.insert(id);
            }
            self.hurry_cuts(now, out);
        }
        let slack_us = self.slack_us().unwrap_or_default();
        for (id, within_us) in wanted {
            if self.age_us(now, id).is_some_and(|age_us| age_us <= within_us) {
                continue;
            }
            // For half as old a state as they may see, so that a reader who comes soon after need not ask.
            let room_us = within_us.saturating_sub(slack_us);
            let above = Stamp(now.wall.0.saturating_sub(room_us / 2));
            self.drive(id, out, |group, outs| group.want_beat(now, above, outs));
        }
    }
}
