//! What this replica held, or may have held, and cannot read: what it may vouch for meanwhile, and how
//! it finds out how much was lost (PROTOCOL 7.5, design note 0012).
//!
//! Two things can be wrong. A *hole* is a range of records between others that can be read: it is
//! filled by `repair`. A *doubt* is about the end of the chain: the log is damaged where it may have
//! held more of this group, and nothing that comes later says how much. Only the home of the epoch
//! knows what it was told of this replica; or a later epoch makes it irrelevant, as that epoch was
//! sealed without this replica's word.

use alloc::vec::Vec;

use model::Model;
use types::{Epoch, Hash, Instant, NodeId, Now, Seq, Tail};
use wire::{Fault, GroupMessage, Meta, limits};

use super::{Group, Out, Role, Then};
use crate::Event;

/// Whether this replica may have held more than its chain has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It has not.
    None,
    /// It may have. When the home was last asked.
    Open { asked: Option<Instant> },
    /// It may have, but nothing above this seq.
    Until(Seq),
}

impl Doubt {
    /// What the superblock says. How far it goes is asked anew after every start.
    pub(super) fn of(meta: &Meta) -> Self {
        let is_open = meta.faults.last().is_some_and(|fault| fault.last.is_none());
        if is_open { Self::Open { asked: None } } else { Self::None }
    }
}

impl<M: Model> Group<M> {
    /// Takes note, while the log is read, that it is damaged here and whether records of groups may
    /// have stood there for the first time.
    pub(crate) const fn damaged(&mut self, may_lack_end: bool) {
        self.is_damaged = true;
        self.may_lack_end |= may_lack_end;
    }

    /// Takes note, when the log has been read, of what that means. The meta to be made durable before
    /// anything else is written, if there is news in it.
    pub(crate) fn examine(&mut self) -> Option<Vec<u8>> {
        // Damage that was found at an earlier start counts again: more of it may have come since. It ends
        // with the next record of the group, which stands behind it.
        if self.is_damaged {
            self.go_on_from_applied();
        }
        if self.may_lack_end {
            self.doubt = Doubt::Open { asked: None };
        }
        let faults = self.faults();
        let is_news = faults != self.meta.faults || self.doubt != Doubt::None;
        self.meta.faults = faults;
        is_news.then(|| self.meta.encode())
    }

    /// What cannot be read here, or may have been held and is gone; empty if all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let before = |first: Seq| self.chain.tail_at(first.prev()).map_or(Hash::ZERO, |t| t.hash);
        let holes = self.chain.holes().map(|hole| Fault {
            first: hole.first,
            last: Some(hole.last),
            before: before(hole.first),
        });
        let mut faults: Vec<Fault> = holes.collect();
        if faults.len() >= limits::FAULTS_MAX {
            // The rest is one range: too much is called faulty, never too little.
            faults.truncate(limits::FAULTS_MAX - 1);
            if let Some(fault) = faults.last_mut() {
                fault.last = self.chain.holes().last().map(|hole| hole.last);
            }
        }
        if self.doubt != Doubt::None {
            let tail = self.durable_tail();
            faults.push(Fault { first: tail.seq.next(), last: None, before: tail.hash });
        }
        faults
    }

    /// Everything up to here is durable on this node and can be read, as far as it knows: what it may
    /// acknowledge, and count when it is home.
    #[must_use]
    pub fn vouched(&self) -> Seq {
        self.durable.min(self.chain.whole())
    }

    pub(super) fn vouched_tail(&self) -> Tail {
        self.chain.tail_at(self.vouched()).expect("what is below every hole is in the chain")
    }

    /// Takes a view of the end of this replica's chain. The caller writes the meta.
    pub(super) fn believe(&mut self, doubt: Doubt) {
        self.doubt = doubt;
    }

    /// Sees to it that the faults end, and that the superblock knows them.
    pub(super) fn proceed_with_faults(&mut self, now: Now, out: &mut Vec<Out>) {
        let is_known = self.meta.faults.is_empty() && !self.repair.is_noted;
        if self.doubt == Doubt::None && self.chain.is_whole() && is_known {
            return;
        }
        if matches!(self.doubt, Doubt::Until(seq) if seq <= self.durable) {
            self.believe(Doubt::None);
        }
        self.ask_end(now, out);
        self.want(now, out);
        if !self.is_writing_meta() && !self.is_repairing() && self.meta.faults != self.faults() {
            self.write_meta(Then::Nothing, out);
        }
        let is_faulty = !self.meta.faults.is_empty();
        if is_faulty != self.repair.is_noted {
            self.repair.is_noted = is_faulty;
            let group = self.id;
            let event =
                if is_faulty { Event::Damaged { group } } else { Event::Repaired { group } };
            out.push(Out::Note(event));
        }
    }

    /// Asks the home how far the chain goes, when this replica does not know how far its own once went.
    fn ask_end(&mut self, now: Now, out: &mut Vec<Out>) {
        let (resend_us, Some(home)) = (self.options.resend_us, self.home_to_ask()) else { return };
        let Doubt::Open { asked } = &mut self.doubt else { return };
        if asked.is_none_or(|asked| now.instant.since(asked) >= resend_us) {
            *asked = Some(now.instant);
            self.say(home, self.meta.promised, GroupMessage::AskEnd, out);
        }
    }

    /// The home of the epoch that this replica has recorded, while nothing newer is promised.
    fn home_to_ask(&self) -> Option<NodeId> {
        let home = self.meta.home.filter(|home| self.connected.contains(home))?;
        (matches!(self.role, Role::Member) && self.is_joined()).then_some(home)
    }

    /// A member may have lost the end of what it held. All that it ever acknowledged here came in
    /// before this question, so it lies below the end of the chain now.
    pub(super) fn on_ask_end(&mut self, from: NodeId, epoch: Epoch, out: &mut Vec<Out>) {
        if epoch == self.meta.promised && matches!(self.role, Role::Home(_)) {
            let tail = self.chain.tail();
            self.say(from, epoch, GroupMessage::End { tail }, out);
        }
    }

    /// The home's answer: this replica held nothing above `tail`, as it took records of this epoch from
    /// nobody else.
    pub(super) fn on_end(
        &mut self,
        now: Now,
        from: NodeId,
        epoch: Epoch,
        tail: Tail,
        out: &mut Vec<Out>,
    ) {
        let asked = matches!(self.doubt, Doubt::Open { asked: Some(_) });
        if !asked || epoch != self.meta.promised || self.home_to_ask() != Some(from) {
            return;
        }
        self.believe(Doubt::Until(tail.seq));
        if tail.seq > self.chain.tail().seq {
            self.fetch(now, from, tail.seq, out);
        }
    }

    /// When something about the faults is due again.
    pub(super) fn fault_deadline(&self) -> Option<Instant> {
        let asks = match self.doubt {
            Doubt::Open { asked } if self.home_to_ask().is_some() => {
                Some(asked.map_or(Instant(0), |asked| asked.after(self.options.resend_us)))
            }
            Doubt::Open { .. } | Doubt::Until(_) | Doubt::None => None,
        };
        [asks, self.want_deadline()].into_iter().flatten().min()
    }
}
