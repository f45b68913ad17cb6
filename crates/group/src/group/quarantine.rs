//! A replica whose records contradict another member's takes no further part (PROTOCOL N1).
//!
//! One of the two is damaged in a way that checksums do not catch, or there is a bug; nobody here can say
//! which. What this one holds must not be counted: not in an acknowledgement, not in the answer to a seal,
//! where the longest chain would become the history. A supervisor starts a node again within seconds, so it
//! is in the meta, and from then on nothing is said of the group, nothing is taken, nothing is deleted. It
//! ends with another node in this one's place.

use alloc::vec::Vec;

use model::Model;
use types::{NodeId, Seq};
use wire::Contradiction;

use super::{Group, Out, Role, Then};
use crate::Event;

impl<M: Model> Group<M> {
    /// What `peer` holds or says at `seq` and what is here cannot both be right: out of service for good.
    pub(super) fn quarantine(&mut self, seq: Seq, peer: NodeId, out: &mut Vec<Out>) {
        self.take_out(seq, peer, out);
        if self.meta.contradiction.is_none() {
            self.meta.contradiction = Some(Contradiction { seq, peer });
            self.write_meta(Then::Nothing, out);
        }
    }

    /// Out of service until the next start, which finds the same or is refused.
    pub(super) fn take_out(&mut self, seq: Seq, peer: NodeId, out: &mut Vec<Out>) {
        self.demote(out);
        self.role = Role::Quarantined;
        self.fetching = None;
        self.adopting = None;
        out.push(Out::Note(Event::Quarantined { group: self.id, seq, peer }));
    }
}
