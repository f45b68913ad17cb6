//! Checks on what clients are told.

use types::{EpochTable, GroupId, Hash, MessageId, Seq};
use wire::{Command, Reply};

use super::{Check, Told};

impl Check {
    /// A client was given an answer by a node that knows `table`.
    pub fn answered(
        &mut self,
        group: GroupId,
        command: &Command,
        table: &EpochTable,
        reply: &Reply,
    ) {
        let (id, digest) = (command.id, command.digest);
        let truth = self.truths.entry(group).or_default();
        let overtaken = truth.is_overtaken(table, Seq(u64::MAX));
        if overtaken {
            return;
        }
        let told = truth.told.get(&id);
        let owner = told.map(|told| told.digest).or_else(|| truth.owners.get(&id).copied());
        let at_stake = owner.is_some() || truth.expired.contains_key(&(id, digest));
        let fault = match reply {
            Reply::Done { seq, stamp, outcome, .. } => {
                let now = Told { digest, seq: *seq, stamp: *stamp, outcome: outcome.clone() };
                let before = told.cloned();
                truth.told.insert(id, now.clone());
                if owner.is_some_and(|owner| owner != digest) {
                    Some(("I7", format!("{id} belongs to other content and was done")))
                } else if before.is_some_and(|before| before != now) {
                    Some(("I7", format!("{id} has two outcomes")))
                } else if truth.expired.get(&(id, digest)).is_some_and(|until| stamp <= until) {
                    Some(("I7", format!("{id} was said to be expired and was done")))
                } else if seq.0 > truth.committed.len() as u64 {
                    Some(("I3", format!("{id} was answered at {seq}, which is not committed")))
                } else {
                    None
                }
            }
            Reply::Conflict { first } => {
                truth.owners.insert(id, *first);
                if *first == digest || owner.is_some_and(|owner| owner != *first) {
                    Some(("I7", format!("{id} was refused for a content that does not own it")))
                } else {
                    None
                }
            }
            Reply::Expired => {
                // Who gave it more time may see it done after that.
                let done = told
                    .is_some_and(|told| told.digest == digest && told.stamp <= command.not_after);
                let until = truth.expired.entry((id, digest)).or_default();
                *until = command.not_after.max(*until);
                done.then(|| ("I7", format!("{id} was done and is said to be expired")))
            }
            Reply::NotHome { .. }
            | Reply::Busy { .. }
            | Reply::Unknown(_)
            | Reply::Provisional { .. } => None,
        };
        if at_stake {
            self.count("I7");
        }
        if let Some((invariant, detail)) = fault {
            self.fail(invariant, format!("{group} {detail}"));
        }
    }

    /// At the end, when all replicas agree: every outcome that was told is what a retry gets.
    pub fn outcomes_stand(
        &mut self,
        group: GroupId,
        answer: impl Fn(MessageId, Hash) -> Option<Reply>,
    ) {
        let truth = self.truths.entry(group).or_default();
        let mut fault = None;
        for (id, told) in &truth.told {
            let stands = match answer(*id, told.digest) {
                Some(Reply::Done { seq, outcome, .. }) => {
                    seq == told.seq && outcome == told.outcome
                }
                _ => false,
            };
            if !stands {
                fault = Some(format!("{group} {id}: what was answered at {} is lost", told.seq));
            }
        }
        if let Some(detail) = fault {
            self.fail("I3", detail);
        }
    }
}
