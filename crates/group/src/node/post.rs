//! Parcels between groups, on their way through this node.

use alloc::vec::Vec;

use model::Model;
use types::{GroupId, NodeId, Now};
use wire::{Message, Parcel};

use super::Node;
use super::effect::{Effect, Lane};

impl<M: Model> Node<M> {
    /// Hands parcels to a group's home as far as this node knows it. What gets lost is said again.
    pub(super) fn post(&mut self, to: GroupId, parcels: Vec<Parcel>, out: &mut Vec<Effect>) {
        match self.home_of(to) {
            Some(home) if home == self.options.group.me => self.posted.push((to, parcels)),
            Some(home) if self.connected.contains(&home) => {
                let message = Message::Channel { group: to, parcels };
                self.say(home, Lane::Log, &message, out);
            }
            Some(_) | None => {}
        }
    }

    /// Hands on what was posted between two groups whose home is here. Whether there was anything.
    pub(super) fn deliver_posted(&mut self, out: &mut Vec<Effect>) -> bool {
        let posted = core::mem::take(&mut self.posted);
        let was_any = !posted.is_empty();
        for (to, parcels) in posted {
            self.drive(to, out, |group, _| group.parcels(parcels));
        }
        was_any
    }

    /// A group has a home in a new epoch: what others had on their way to its former one is said again.
    pub(super) fn rewind_channels(&mut self, now: Now, to: GroupId) {
        for (id, group) in &mut self.groups {
            if group.rewind_channel(now, to) {
                self.touched.insert(*id);
            }
        }
    }

    fn home_of(&self, group: GroupId) -> Option<NodeId> {
        match self.groups.get(&group) {
            Some(group) => group.home().0,
            None => self.register.group(group)?.home,
        }
    }
}
