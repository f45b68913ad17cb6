//! Marks of one group, this node's and the others', and what follows from comparing them
//! (PROTOCOL 7.10, I9).
//!
//! Every replica takes a mark at the same records, which the records alone choose: where the stamp
//! enters another second, and at every ten-thousandth. The *trail*, a digest chain over every record
//! and every outcome, is kept anyway and taken at each mark: it shows a wrong outcome for ever after.
//! What a wrong state has not yet let anybody see only the digest of the *state* shows. It costs a
//! read of the state, so it is taken where the stamp enters another ten seconds, at another moment for
//! each group, and not while old records are applied again.
//!
//! A node is the odd one out when more than half of all voices at one mark, and at least two, say the
//! same and it does not. Two voices that differ are an alarm; which of them is right nobody guesses.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use types::{GroupId, Hash, NodeId, Seq, Stamp};
use wire::Mark;

/// Which digests are to be taken after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Trail,
    State,
}

/// The marks of one group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    own: VecDeque<Mark>,
    others: BTreeMap<NodeId, VecDeque<Mark>>,
    /// Marks up to here were said to the others.
    said: Seq,
    /// Who was found to differ from this node, and at which mark.
    differing: BTreeMap<NodeId, Seq>,
}

/// What a comparison at one mark came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Nobody else has spoken there, or nothing is new.
    Nothing,
    /// These differ from this node now, and did not before.
    Differs { seq: Seq, nodes: Vec<NodeId> },
    /// Nobody differs any more.
    Agrees { seq: Seq },
    /// Most say this mark, and this node does not.
    Odd { mark: Mark, nodes: Vec<NodeId> },
}

impl Marks {
    /// What is to be taken after the record at `seq` with `stamp`, the one before it having `before`.
    pub(crate) const fn due(group: GroupId, seq: Seq, before: Stamp, stamp: Stamp) -> Due {
        let spread = group.0 as u64 * STATE_SPREAD_US;
        if (before.0 + spread) / STATE_US != (stamp.0 + spread) / STATE_US {
            Due::State
        } else if before.0 / MARK_US != stamp.0 / MARK_US || seq.0.is_multiple_of(MARK_RECORDS) {
            Due::Trail
        } else {
            Due::Nothing
        }
    }

    /// This node has passed a mark.
    pub(crate) fn pass(&mut self, mark: Mark) -> Finding {
        keep(&mut self.own, mark);
        self.compare(mark.seq)
    }

    /// Another node has passed a mark.
    pub(crate) fn hear(&mut self, from: NodeId, mark: Mark) -> Finding {
        let heard = self.others.entry(from).or_default();
        if heard.iter().any(|known| *known == mark) {
            return Finding::Nothing;
        }
        // One that applies again says marks again; what it says now counts.
        heard.retain(|known| known.seq < mark.seq);
        keep(heard, mark);
        self.compare(mark.seq)
    }

    /// Everything applied is applied again: what was passed before is void.
    pub(crate) fn restart(&mut self) {
        self.own.clear();
        self.differing.clear();
        self.said = Seq(0);
    }

    /// The newest of this node's marks that were not said yet.
    pub(crate) fn say(&mut self) -> Vec<Mark> {
        let said = self.said;
        let new = self.own.iter().filter(|mark| mark.seq > said).copied();
        let mut new: Vec<Mark> = new.collect();
        let old = new.len().saturating_sub(SAID_MAX);
        new.drain(..old);
        self.said = new.last().map_or(said, |mark| mark.seq);
        new
    }

    /// Who differs from this node, as far as was heard, and since which mark.
    pub(crate) fn differing(&self) -> impl Iterator<Item = (NodeId, Seq)> {
        self.differing.iter().map(|(node, seq)| (*node, *seq))
    }

    /// Compares all that was said of one mark: the trails, and if all of these are the same, the states.
    fn compare(&mut self, seq: Seq) -> Finding {
        let Some(own) = at(&self.own, seq) else { return Finding::Nothing };
        let voices: Vec<(NodeId, Mark)> = self
            .others
            .iter()
            .filter_map(|(node, marks)| Some((*node, at(marks, seq)?)))
            .filter(|(_, mark)| mark.head == own.head)
            .collect();
        let by_trail = split(&voices, |mark| mark.trail == own.trail);
        let of_states: Vec<(NodeId, Mark)> =
            voices.iter().filter(|(_, mark)| mark.state.is_some()).copied().collect();
        let by_state = split(&of_states, |mark| mark.state == own.state);
        let is_by_state = by_trail.1.is_empty() && own.state.is_some();
        let (alike, differing) = if is_by_state { by_state } else { by_trail };
        let said = |mark: &Mark| (mark.trail, mark.state.filter(|_| is_by_state));
        if let Some(finding) = odd(&differing, alike.len() + 1 + differing.len(), said) {
            return finding;
        }
        self.note(seq, &alike, &differing)
    }

    fn note(
        &mut self,
        seq: Seq,
        alike: &[(NodeId, Mark)],
        differing: &[(NodeId, Mark)],
    ) -> Finding {
        let were_any = !self.differing.is_empty();
        for (node, _) in alike {
            if self.differing.get(node).is_some_and(|since| *since < seq) {
                self.differing.remove(node);
            }
        }
        let new = differing.iter().filter(|(node, _)| !self.differing.contains_key(node));
        let nodes: Vec<NodeId> = new.map(|(node, _)| *node).collect();
        self.differing.extend(nodes.iter().map(|node| (*node, seq)));
        if !nodes.is_empty() {
            Finding::Differs { seq, nodes }
        } else if were_any && self.differing.is_empty() {
            Finding::Agrees { seq }
        } else {
            Finding::Nothing
        }
    }
}

/// Whether more than half of all voices say one and the same of those that differ from this node.
fn odd(
    differing: &[(NodeId, Mark)],
    voices: usize,
    said: impl Fn(&Mark) -> (Hash, Option<Hash>),
) -> Option<Finding> {
    let all: BTreeSet<(Hash, Option<Hash>)> =
        differing.iter().map(|(_, mark)| said(mark)).collect();
    all.into_iter().find_map(|one| {
        let alike: Vec<&(NodeId, Mark)> =
            differing.iter().filter(|(_, mark)| said(mark) == one).collect();
        let is_most = alike.len() >= 2 && 2 * alike.len() > voices;
        // One that took the state too says more.
        let (_, mark) = alike.iter().max_by_key(|(_, mark)| mark.state.is_some())?;
        let nodes = alike.iter().map(|(node, _)| *node).collect();
        is_most.then_some(Finding::Odd { mark: *mark, nodes })
    })
}

type Voices = Vec<(NodeId, Mark)>;

fn split(voices: &[(NodeId, Mark)], is_alike: impl Fn(&Mark) -> bool) -> (Voices, Voices) {
    voices.iter().copied().partition(|(_, mark)| is_alike(mark))
}

fn at(marks: &VecDeque<Mark>, seq: Seq) -> Option<Mark> {
    marks.iter().rev().find(|mark| mark.seq == seq).copied()
}

fn keep(marks: &mut VecDeque<Mark>, mark: Mark) {
    if marks.len() == KEPT_MAX {
        marks.pop_front();
    }
    marks.push_back(mark);
}

/// A trail is compared where the stamp enters another of these.
const MARK_US: u64 = 1_000_000;

/// And at every so many records (PROTOCOL 8d).
const MARK_RECORDS: u64 = 10_000;

/// A state is compared where the stamp enters another of these.
const STATE_US: u64 = 10_000_000;

/// How far apart two groups take theirs, so that a node does not read all its states at once.
const STATE_SPREAD_US: u64 = 1_370_000;

/// Marks kept of this node and of each other one: a minute of them, so that one that is a minute
/// behind still finds its equal.
const KEPT_MAX: usize = 64;

/// Marks of one group said at once. The trail is cumulative: the last ones stand for those before.
const SAID_MAX: usize = 4;

const _: () = assert!(SAID_MAX * wire::limits::GROUPS_MAX <= wire::limits::MARKS_MAX);

#[cfg(test)]
mod tests;
