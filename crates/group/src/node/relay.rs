//! Telling others what they cannot hear from the home itself (PROTOCOL 7.4b, "follows through T's
//! relay").

use model::Model;
use types::{NodeId, Now};
use wire::{GroupMessage, Message};

use super::Node;
use super::effect::Lane;

impl<M: Model> Node<M> {
    /// `to` has said for how long it has seen no progress of which node. For each home of which it
    /// has seen none for a while and this node has, it is told how far that home's groups are
    /// committed; what it lacks it then fetches from here. Once per pulse of `to`, so that it lags by
    /// little more than the time between two pulses.
    pub(super) fn relay(&mut self, now: Now, to: NodeId, seen: &[(NodeId, u64)]) {
        // Half of what would make it suspect: sooner, a busy machine would relay all the time.
        let limit_us = self.options.policy.detect_us / 2;
        if !seen.iter().any(|(_, silent_us)| *silent_us >= limit_us) {
            return;
        }
        let is_unheard = |home: NodeId| {
            let says = seen.iter().any(|(node, silent_us)| *node == home && *silent_us >= limit_us);
            says && self.watch.silence(home, now.instant) < limit_us
        };
        for group in self.groups.values() {
            let Some((home, epoch)) = group.followed() else { continue };
            let commit = group.commit();
            if home == to || commit.0 == 0 || !group.has_member(to) || !is_unheard(home) {
                continue;
            }
            let body = GroupMessage::Commit { commit };
            let message = Message::Group { group: group.id(), epoch, body };
            self.frames.entry((to, Lane::Log)).or_default().push(&message);
        }
    }
}
