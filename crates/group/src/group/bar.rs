//! What keeps a node from running a group's model although it holds the group's records.
//!
//! A barred node is a replica like any other to the protocol: it takes records, promises, answers
//! seals and fetches, and counts for commits. All of that rests on bytes whose hashes are checked and
//! on nothing that the model says, so a group loses no copy by it. What rests on the model it does
//! not do: it answers no client of its own knowledge, and is neither home nor candidate.

use alloc::vec::Vec;

use model::Model;
use replication::Mutant;
use types::{ModelVersion, NodeId, Seq};
use wire::{DecodeError, Header, Mark, Record};

use super::{Group, Out, Role};
use crate::Event;
use crate::marks::{Due, Finding, Marks};

/// Why a node does not run a group's model, or not in public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bar {
    /// The node's code cannot run a model version that the records here need. What it has applied is
    /// right and stands still. Start the node with code that can.
    Version {
        /// The version needed.
        needs: ModelVersion,
        /// The record that needs it: the first that is not applied, or the barrier above.
        at: Seq,
        /// The oldest version that the code can run.
        lowest: ModelVersion,
        /// The newest.
        highest: ModelVersion,
    },
    /// The node's state is not what most others came to by the same records. It is shown to nobody.
    Differs {
        /// The record after which it was found.
        seq: Seq,
        /// Nodes that agree with each other.
        nodes: Vec<NodeId>,
        /// Whether everything was applied again and the state is still another. Otherwise that is under
        /// way.
        is_final: bool,
    },
}

/// What is known of a state that differs from most others'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Odd {
    /// What most others say.
    pub(super) mark: Mark,
    pub(super) nodes: Vec<NodeId>,
    pub(super) is_final: bool,
}

impl<M: Model> Group<M> {
    /// What keeps this node from running the model, if anything. A witness is not to run it.
    #[must_use]
    pub fn bar(&self) -> Option<Bar> {
        if !self.runs_model() {
            return None;
        }
        if let Some(odd) = &self.odd {
            let (seq, nodes) = (odd.mark.seq, odd.nodes.clone());
            return Some(Bar::Differs { seq, nodes, is_final: odd.is_final });
        }
        // Versions rise along the chain: if the code can run the first and the last, it can run all.
        let (next, tail) = (self.applied.next(), self.chain.tail().seq);
        let unknown = [next, tail].into_iter().find(|seq| !self.can_run(*seq));
        unknown.map(|seq| {
            let (lowest, highest) = self.model.versions().into_inner();
            let at = self.versions.barrier(seq).unwrap_or(seq).max(next);
            Bar::Version { needs: self.versions.at(seq), at, lowest, highest }
        })
    }

    /// Whether another node should be asked to be home in this one's place: it is barred, or was found to
    /// differ while it was home. What differed once by a flipped bit may do so again.
    pub(crate) fn is_to_yield(&self) -> bool {
        self.yields || self.bar().is_some()
    }

    /// The model for those who ask about the application; `None` while this node's state differs from
    /// the others'. A node whose code is too old shows what it had: it is right, and its age is told
    /// with it.
    #[must_use]
    pub const fn readable(&self) -> Option<&M> {
        if self.odd.is_some() { None } else { Some(&self.model) }
    }

    /// The model version under which the next record is applied here, and its barrier if there is one.
    #[must_use]
    pub fn version(&self) -> (ModelVersion, Option<Seq>) {
        let next = self.applied.next();
        (self.versions.at(next), self.versions.barrier(next))
    }

    /// The model version under which the record at `seq` is applied.
    #[must_use]
    pub fn version_at(&self, seq: Seq) -> ModelVersion {
        self.versions.at(seq)
    }

    /// The marks passed since this was last asked.
    pub(crate) fn say_marks(&mut self) -> Vec<Mark> {
        self.marks.say()
    }

    /// Another member has passed a mark.
    pub(crate) fn hear_mark(&mut self, from: NodeId, mark: Mark, out: &mut Vec<Out>) {
        if self.odd.is_none() && self.meta.config.has(from) {
            let finding = self.marks.hear(from, mark);
            self.found(finding, out);
        }
    }

    /// Whether the next committed record may be applied here.
    pub(super) fn may_apply(&self) -> bool {
        self.runs_model()
            && !self.is_restoring()
            && self.applied < self.commit()
            && !self.is_held()
            && self.can_run(self.applied.next())
            && !self.odd.as_ref().is_some_and(|odd| odd.is_final)
    }

    fn can_run(&self, seq: Seq) -> bool {
        self.ignores_barriers() || self.model.versions().contains(&self.versions.at(seq))
    }

    /// The version under which a record's commands are applied.
    pub(super) fn version_of(&self, header: &Header) -> ModelVersion {
        if self.ignores_barriers() { *self.model.versions().end() } else { header.model }
    }

    const fn ignores_barriers(&self) -> bool {
        matches!(self.options.mutant, Mutant::IgnoreBarrier)
    }

    /// Whether the next record's version is the one that the chain has come to. A home that says
    /// otherwise is wrong, and what it sent is not taken.
    pub(super) fn is_of_version(&self, from: NodeId, header: &Header, out: &mut Vec<Out>) -> bool {
        let fits = self.versions.fits(header);
        if !fits {
            let value = header.model.0.into();
            let error = DecodeError::Invalid { field: "model version", value };
            out.push(Out::Note(Event::Malformed { from, error }));
        }
        fits
    }

    /// Takes a mark after `record`, which was just applied, if one is due there.
    pub(super) fn pass_mark(&mut self, record: &Record, out: &mut Vec<Out>) {
        let header = record.header();
        let before = self.chain.stamp_at(header.seq.prev()).unwrap_or_default();
        let due = Marks::due(self.id, header.seq, before, header.stamp);
        let goal = self.odd.as_ref().map(|odd| odd.mark);
        let is_goal = goal.is_some_and(|goal| goal.seq == header.seq);
        if due == Due::Nothing && !is_goal {
            return;
        }
        let is_near = self.is_live && self.commit().0 - header.seq.0 < NEAR_RECORDS;
        let takes_state = match goal {
            Some(goal) => is_goal && goal.state.is_some(),
            None => due == Due::State && is_near,
        };
        let state = takes_state.then(|| self.model.digest());
        let mark = Mark { seq: header.seq, head: record.hash(), trail: self.trail, state };
        match goal {
            None => {
                let finding = self.marks.pass(mark);
                self.found(finding, out);
            }
            Some(goal) if is_goal => self.arrive(mark, goal, out),
            Some(_) => {}
        }
    }

    fn found(&mut self, finding: Finding, out: &mut Vec<Out>) {
        let group = self.id;
        match finding {
            Finding::Nothing => {}
            Finding::Differs { seq, nodes } => {
                out.push(Out::Note(Event::Differs { group, seq, nodes }));
            }
            Finding::Agrees { seq } => out.push(Out::Note(Event::Agrees { group, seq })),
            Finding::Odd { mark, nodes } => {
                let (seq, of) = (mark.seq, nodes.clone());
                self.yields = matches!(self.role, Role::Home(_));
                self.odd = Some(Odd { mark, nodes, is_final: false });
                self.rebuild();
                self.drop_post();
                out.push(Out::Note(Event::Odd { group, seq, nodes: of }));
                if self.is_in_doubt() {
                    self.rewind(out);
                }
            }
        }
    }

    /// Everything up to the record at which this node was found to differ is applied again.
    fn arrive(&mut self, mark: Mark, goal: Mark, out: &mut Vec<Out>) {
        let (group, seq) = (self.id, mark.seq);
        if mark == goal {
            self.odd = None;
            let finding = self.marks.pass(mark);
            out.push(Out::Note(Event::Mended { group, seq }));
            self.found(finding, out);
        } else {
            if let Some(odd) = &mut self.odd {
                odd.is_final = true;
            }
            out.push(Out::Note(Event::StillOdd { group, seq }));
        }
    }
}

/// The state is read only by a node that has applied nearly everything: one that catches up would
/// read it again and again for marks that the others have passed long ago.
const NEAR_RECORDS: u64 = 64;

#[cfg(test)]
mod tests;
