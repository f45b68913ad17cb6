//! What the nodes say of their state machines, and what this node does about it: it orders barriers
//! where every member can run a version, and hands on groups that it cannot run itself.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use model::Model;
use register::{Change, GroupState, Phase, SealKind, Transition};
use types::{GroupId, ModelVersion, NodeId, Now};
use wire::{Message, Voice};

use super::Node;
use super::effect::{Effect, Lane};
use crate::Bar;

/// What another node said last, in this session: one that comes back may have other code.
#[derive(Clone, Debug)]
pub(super) struct Said {
    versions: RangeInclusive<ModelVersion>,
    barred: BTreeSet<GroupId>,
}

impl<M: Model> Node<M> {
    /// Says what is new of all groups, with the pulse.
    pub(super) fn speak(&mut self) {
        let (mut barred, mut marks) = (Vec::new(), Vec::new());
        for (id, group) in &mut self.groups {
            if group.bar().is_some() {
                barred.push(*id);
            }
            marks.extend(group.say_marks().into_iter().map(|mark| (*id, mark)));
        }
        let (lowest, highest) = self.versions.clone().into_inner();
        let voice = Message::Voice(Voice { lowest, highest, barred, marks });
        for node in self.options.nodes.iter().filter(|node| **node != self.options.group.me) {
            self.frames.entry((*node, Lane::Log)).or_default().push(&voice);
        }
    }

    /// Takes what another node says.
    pub(super) fn listen(&mut self, from: NodeId, voice: &Voice, out: &mut Vec<Effect>) {
        let barred = voice.barred.iter().copied().collect();
        let versions = voice.lowest..=voice.highest;
        self.said.insert(from, Said { versions, barred });
        for (id, mark) in &voice.marks {
            self.drive(*id, out, |group, outs| group.hear_mark(from, *mark, outs));
        }
    }

    /// What this node's code can run.
    #[must_use]
    pub const fn versions(&self) -> &RangeInclusive<ModelVersion> {
        &self.versions
    }

    /// What each node with a session says that its code can run, this one included.
    #[must_use]
    pub fn versions_said(&self) -> BTreeMap<NodeId, RangeInclusive<ModelVersion>> {
        let others = self.said.iter().map(|(node, said)| (*node, said.versions.clone()));
        let own = (self.options.group.me, self.versions.clone());
        others.chain([own]).collect()
    }

    /// The first member that runs the model and of which it is not known that its code can run
    /// `version`, and what it says.
    pub(super) fn cannot_run(
        &self,
        state: &GroupState,
        version: ModelVersion,
    ) -> Option<(NodeId, Option<RangeInclusive<ModelVersion>>)> {
        let said = self.versions_said();
        let members = state.config.each().filter(|member| member.role.runs_model());
        let mut nodes = members.map(|member| member.node);
        let node = nodes.find(|node| !said.get(node).is_some_and(|v| v.contains(&version)));
        node.map(|node| (node, said.get(&node).cloned()))
    }

    /// Whether a node says that it cannot serve a group.
    pub(super) fn is_barred(&self, node: NodeId, group: GroupId) -> bool {
        if node == self.options.group.me {
            return self.groups.get(&group).is_some_and(|group| group.bar().is_some());
        }
        self.said.get(&node).is_some_and(|said| said.barred.contains(&group))
    }

    /// Appends the barriers that were ordered for groups whose home this is, where every member can
    /// run what comes after.
    pub(super) fn raise(&mut self, now: Now, out: &mut Vec<Effect>) {
        let ordered: Vec<(GroupId, ModelVersion)> = self
            .register
            .groups()
            .filter(|(id, state)| {
                let group = self.groups.get(id);
                group.is_some_and(|group| {
                    group.home_epoch().is_some() && group.version_at(group.tail().seq) < state.model
                })
            })
            .filter(|(_, state)| self.cannot_run(state, state.model).is_none())
            .map(|(id, state)| (id, state.model))
            .collect();
        for (id, version) in ordered {
            self.drive(id, out, |group, outs| group.raise(now, version, outs));
        }
    }

    /// Groups that the register has given to this node and that it cannot serve, or not without standing
    /// still again and again: asks for another home, by plan, so that nothing is lost. Where homes move by order alone, or nobody else could
    /// serve the group either, it stays where it is and says so.
    pub(super) fn hand_on(&mut self, now: Now) {
        let me = self.options.group.me;
        if !self.options.policy.automatic {
            return;
        }
        let wanted: Vec<(GroupId, GroupState, NodeId, String)> = self
            .register
            .groups()
            .filter(|(_, state)| match state.phase {
                Phase::Active => state.home == Some(me),
                Phase::Sealing { candidate, .. } => candidate == me,
            })
            .filter_map(|(id, state)| {
                let group = self.groups.get(&id)?;
                let reason = match group.is_to_yield() {
                    true => reason(me, group.bar().as_ref()),
                    false => self.leaves_slow_disk(now, id, state)?,
                };
                let to = self.successor(now, id, state)?;
                Some((id, state.clone(), to, reason))
            })
            .collect();
        for (group, state, candidate, reason) in wanted {
            if self.asked_lately(now, group, state.version) {
                continue;
            }
            self.asked.insert(group, (state.version, now.instant));
            let (epoch, kind, at) = (state.issued.next(), SealKind::Planned, now.wall);
            let transition = Transition::BeginSeal { epoch, candidate, kind, at };
            self.changes
                .push((reason, Change { group, expected_version: state.version, transition }));
        }
    }

    /// Who could serve a group in this node's place: a live member that says it can, and whose clock is
    /// right enough.
    pub(super) fn successor(&self, now: Now, id: GroupId, state: &GroupState) -> Option<NodeId> {
        let detect_us = self.options.policy.detect_us;
        self.line(id, state, self.options.group.me).into_iter().find(|node| {
            self.connected.contains(node)
                && self.watch.silence(*node, now.instant) < detect_us
                && self.said.contains_key(node)
                && !self.is_barred(*node, id)
                && self.is_on_time(*node)
        })
    }
}

fn reason(me: NodeId, bar: Option<&Bar>) -> String {
    match bar {
        Some(Bar::Version { needs, .. }) => format!("{me} cannot run model version {needs}"),
        Some(Bar::Differs { .. }) | None => format!("{me} came to another state than most others"),
    }
}
