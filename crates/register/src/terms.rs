//! A group's class, and what it does when copies are missing, changed by order.
//!
//! Both are part of a configuration, which never changes: so other terms are another configuration, of the
//! same members, and another epoch. The order issues the epoch to the home, which works along; the rest is
//! the way of every reconfiguration. The history says under which class each epoch answered, so that what is
//! ever set aside of it can still be told from what nobody was answered for.

use alloc::vec::Vec;

use types::{Class, Epoch, NodeId, QuorumLoss, Stamp, Terms};

use crate::{GroupState, Phase, Refusal, SealKind, numbers};

impl GroupState {
    /// Whether the group could come to these terms now.
    ///
    /// # Errors
    /// [`Refusal`]: they are what it has, cannot be with its members or copies, or the group is between two
    /// configurations.
    pub fn check_terms(&self, terms: Terms) -> Result<(), Refusal> {
        let config = &self.config;
        if self.phase != Phase::Active {
            return Err(Refusal::Sealing);
        }
        if self.whole.is_some() {
            // What it is to return to has the terms of before.
            return Err(Refusal::Degraded);
        }
        if terms == config.terms() {
            return Err(Refusal::SameTerms);
        }
        let mut regions: Vec<_> = config.each().map(|member| member.place.region).collect();
        regions.sort_unstable();
        regions.dedup();
        if terms.class == Class::Local && regions.len() > 1 {
            return Err(Refusal::AcrossRegions { regions: regions.len() });
        }
        if terms.on_quorum_loss == QuorumLoss::Degrade && config.copies() < 2 {
            return Err(Refusal::OneCopy);
        }
        Ok(())
    }

    /// Issues the epoch that is to open under these terms. Only the home may open it: another would leave
    /// behind what a home of an early class has answered.
    pub(crate) fn begin_terms(
        &mut self,
        epoch: Epoch,
        candidate: NodeId,
        terms: Terms,
        since: Stamp,
    ) -> Result<(), Refusal> {
        let expected = numbers::epoch_after(self.issued).ok_or(Refusal::Spent)?;
        if epoch != expected {
            return Err(Refusal::WrongEpoch { expected, given: epoch });
        }
        self.check_terms(terms)?;
        if self.home != Some(candidate) {
            return Err(Refusal::NotHome { node: candidate });
        }
        let number = self.next_config();
        self.next = Some(self.config.clone().with_terms(terms).numbered(number));
        self.issued = epoch;
        let kind = SealKind::Reconfigure;
        self.phase = Phase::Sealing { epoch, candidate, since, kind };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
