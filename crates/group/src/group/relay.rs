//! Following the home through another member, where the home itself is not heard.
//!
//! When the link between two regions is cut and both see a third, the home stays: it makes progress.
//! The member that cannot hear it is told by the third how far the chain is committed, and fetches
//! from there what it lacks. Nothing is acknowledged that way and nothing counts; the member is only
//! kept from falling behind.

use alloc::vec::Vec;

use model::Model;
use types::{Config, Epoch, NodeId, Now, Seq};

use super::{Group, Out, Role};

impl<M: Model> Group<M> {
    /// The home that this node follows, with its epoch: whom it could relay.
    pub(crate) fn followed(&self) -> Option<(NodeId, Epoch)> {
        let home = self.meta.home.filter(|home| *home != self.options.me)?;
        (self.role == Role::Member && self.is_joined()).then_some((home, self.meta.promised))
    }

    /// Whether `node` is a member under the configuration that this node follows.
    pub(crate) fn has_member(&self, node: NodeId) -> bool {
        self.meta.config.has(node)
    }

    /// A commit watermark from a member that is not the home.
    ///
    /// It is the home's word at second hand, and as good: the member follows the same home in the same
    /// epoch, and within one epoch the table decides what is in the chain, so that a seq names one record.
    /// A member that does not know of the epoch yet takes it from the register, which says all that the
    /// home would have said.
    pub(super) fn on_relayed(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        commit: Seq,
        out: &mut Vec<Out>,
    ) {
        if self.role != Role::Member {
            return;
        }
        if epoch > self.meta.table.epoch() {
            self.join_by_register(now, from, epoch, out);
        }
        let follows = self.followed().is_some_and(|(home, followed)| {
            followed == epoch && home != from && self.meta.config.has(from)
        });
        if !follows {
            return;
        }
        self.known = self.known.max(commit);
        let resend_us = self.options.resend_us;
        let is_asking =
            self.fetching.as_ref().is_some_and(|fetching| !fetching.is_due(now.instant, resend_us));
        // Several may relay: one is asked at a time.
        if commit > self.chain.tail().seq && !is_asking {
            self.fetch(now, from, commit, out);
        }
    }

    /// Takes an epoch from the register, if that knows it to be open under another node, with a part for
    /// this one. Who has none hears of the epoch too, by the home's pulses, and is to keep nothing of it.
    fn join_by_register(&mut self, now: Now, from: NodeId, epoch: Epoch, out: &mut Vec<Out>) {
        let Some(state) = &self.register else { return };
        let Some(home) = state.home.filter(|home| *home != self.options.me) else { return };
        let me = self.options.me;
        let has_part = |config: &Config| config.has(me);
        let is_to_have = [state.whole.as_ref(), state.next.as_ref(), self.target.as_ref()];
        let is_member = has_part(&state.config) || is_to_have.into_iter().flatten().any(has_part);
        if !is_member || state.epoch != epoch || epoch < self.meta.promised {
            return;
        }
        let (table, config) = (state.history.clone(), state.config.clone());
        self.join(now, from, home, table, config, out);
    }
}

#[cfg(test)]
mod tests;
