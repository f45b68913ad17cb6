//! The look-out: which groups need a home, and whether this node should see to it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use model::Model;
use register::{Change, GroupState, Phase, SealKind, Transition};
use steering::{Sight, Stay, judge};
use types::{GroupId, NodeId, Now};

use super::Node;
use super::effect::Effect;
use crate::Group;

/// Why a group stands where it stands, as this node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the register says, as far as this node knows.
    pub state: GroupState,
    /// The node whose silence would set things moving: the home, or the candidate of a seal under
    /// way.
    pub about: Option<NodeId>,
    /// What this node sees.
    pub sight: Sight,
    /// Every reason why this node does not take the group over now; empty if it would.
    pub stays: Vec<Stay>,
}

impl<M: Model> Node<M> {
    /// Looks, when it is time, whether a group needs a home, and proposes to take it over; and whether
    /// one that has its home here is to be upgraded, or to go elsewhere.
    pub(super) fn look(&mut self, now: Now, out: &mut Vec<Effect>) {
        if now.instant < self.next_look {
            return;
        }
        self.next_look = now.instant.after(self.options.look_us);
        self.raise(now, out);
        if !self.register.reachable(now.instant) {
            return;
        }
        self.hand_on(now);
        let wanted: Vec<(GroupId, GroupState, String)> = self
            .register
            .groups()
            .filter_map(|(id, state)| {
                let reason = self.wants(now, id, state)?;
                Some((id, state.clone(), reason))
            })
            .collect();
        for (id, state, reason) in wanted {
            if self.asked_lately(now, id, state.version) {
                continue;
            }
            self.asked.insert(id, (state.version, now.instant));
            let transition = Transition::BeginSeal {
                epoch: state.issued.next(),
                candidate: self.options.group.me,
                kind: SealKind::Unplanned,
                at: now.wall,
            };
            let change = Change { group: id, expected_version: state.version, transition };
            self.changes.push((reason, change));
        }
        self.look_at_quorums(now);
    }

    pub(super) fn asked_lately(&self, now: Now, group: GroupId, version: u64) -> bool {
        self.asked.get(&group).is_some_and(|(asked, at)| {
            *asked == version && now.instant.since(*at) < self.options.propose_us
        })
    }

    /// Why this node should take the group over now, if it should.
    fn wants(&self, now: Now, id: GroupId, state: &GroupState) -> Option<String> {
        let me = self.options.group.me;
        let group = self.groups.get(&id)?;
        if !state.config.has(me) || !group.is_free() {
            return None;
        }
        // Every start of a home or candidate is a new epoch, even of the same process on the same
        // disk: what it had sent before it stopped may still be on its way.
        match state.phase {
            Phase::Active if state.home == Some(me) => {
                return Some(String::from("the home starts anew"));
            }
            Phase::Active if state.home.is_none() && first_home(id, state) == Some(me) => {
                return Some(String::from("the first home starts"));
            }
            Phase::Sealing { candidate, .. } if candidate == me => {
                return Some(String::from("the candidate starts anew"));
            }
            Phase::Active | Phase::Sealing { .. } => {}
        }
        let (about, sight) = self.sight(now, id, state);
        judge(&self.options.policy, &sight).is_ok().then(|| reason(about, &sight))
    }

    /// What this node sees of the node on which the group waits.
    fn sight(&self, now: Now, id: GroupId, state: &GroupState) -> (Option<NodeId>, Sight) {
        let detect_us = self.options.policy.detect_us;
        let about = match state.phase {
            Phase::Active => state.home.or_else(|| first_home(id, state)),
            Phase::Sealing { candidate, .. } => Some(candidate),
        };
        let Some(about) = about else {
            return (None, self.blind(now, id, state));
        };
        let mut silent_us = self.watch.silence(about, now.instant);
        let mut observers: Vec<NodeId> =
            self.watch.observers(about, detect_us, detect_us, now.instant).collect();
        let stalled = self.stalled.get(&id).filter(|(epoch, _)| *epoch == state.epoch);
        if let Some((_, since)) = stalled.filter(|_| state.phase == Phase::Active) {
            // The home itself says that its commits stand still, which is a second vantage point.
            let stalled_us = now.instant.since(*since);
            if stalled_us > silent_us {
                silent_us = stalled_us;
                observers.push(about);
            }
        }
        if matches!(state.phase, Phase::Sealing { .. }) {
            // A candidate may live and still get nowhere, as when only its own links are bad. The
            // register, which has seen no end of it, is the second vantage point.
            let stuck_us = self.seen_us(now, id);
            if stuck_us >= detect_us.saturating_mul(STUCK_DETECTS) && stuck_us > silent_us {
                silent_us = stuck_us;
                observers.push(about);
            }
        }
        (Some(about), Sight { silent_us, observers, ..self.blind_about(now, id, state, about) })
    }

    fn blind(&self, now: Now, id: GroupId, state: &GroupState) -> Sight {
        Sight {
            silent_us: 0,
            observers: Vec::new(),
            register: self.register.reachable(now.instant),
            unreachable: Vec::new(),
            moved_us: self.moved_us(now, id, state),
            rank: 0,
            skew_us: self.skew_us(),
            member: state.config.has(self.options.group.me),
        }
    }

    /// All of a sight but the silence itself.
    fn blind_about(&self, now: Now, id: GroupId, state: &GroupState, about: NodeId) -> Sight {
        let (me, detect_us) = (self.options.group.me, self.options.policy.detect_us);
        let is_alive = |node: NodeId| {
            node == me
                || self.connected.contains(&node)
                    && self.watch.silence(node, now.instant) < detect_us
        };
        let home = state.home;
        let others = state.config.members().iter().copied().filter(|node| Some(*node) != home);
        let (alive, dead): (Vec<_>, Vec<_>) = others.partition(|node| is_alive(*node));
        let home_answers = home.is_some_and(is_alive);
        let sealable = home_answers || alive.len() >= state.config.seal_others();
        let line = self.line(id, state, about);
        let before = line.iter().take_while(|node| **node != me);
        let mut rank = before.filter(|node| is_alive(**node)).count();
        // One whose disk is full or damaged lets all others go first.
        if self.groups.get(&id).is_some_and(Group::is_impaired) {
            rank += line.len();
        }
        Sight {
            unreachable: if sealable { Vec::new() } else { dead },
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            ..self.blind(now, id, state)
        }
    }

    /// Who may take the group over from `about`, in order. The register's leader comes first: both of
    /// its changes are decided one round trip sooner than those of a member that has to ask it, and
    /// they are most of the time that clients wait. The others take turns by the group's number.
    /// Members that see different leaders may both think they are first; the register takes one.
    pub(super) fn line(&self, id: GroupId, state: &GroupState, about: NodeId) -> Vec<NodeId> {
        let others = state.config.members().iter().copied().filter(|node| *node != about);
        let mut line: Vec<NodeId> = others.collect();
        if !line.is_empty() {
            let turn = usize::from(id.0) % line.len();
            line.rotate_left(turn);
        }
        let leader = self.register.leader();
        line.sort_by_key(|node| Some(*node) != leader);
        line
    }

    /// For how long the group has been where an automatic move put it; `None` if there was none. The
    /// stamp is another node's wall clock; should that have been far ahead, this node's own patience
    /// counts.
    fn moved_us(&self, now: Now, id: GroupId, state: &GroupState) -> Option<u64> {
        let by_stamp = now.wall.since(state.moved_at);
        (state.moved_at.0 > 0).then(|| by_stamp.max(self.seen_us(now, id)))
    }

    /// For how long this node has seen the group's present version in the register.
    pub(super) fn seen_us(&self, now: Now, id: GroupId) -> u64 {
        self.seen.get(&id).map_or(0, |(_, since)| now.instant.since(*since))
    }

    /// How far this clock is off the median, if that is too far for a home (N6).
    fn skew_us(&self) -> Option<u64> {
        let skew_us = self.clocks.skew_us();
        (skew_us > self.options.skew_us_max).then_some(skew_us)
    }

    /// Why a group stands where it stands.
    #[must_use]
    pub fn explain(&self, now: Now, id: GroupId) -> Option<Explanation> {
        let state = self.register.group(id)?.clone();
        let (about, sight) = self.sight(now, id, &state);
        let stays = if about == Some(self.options.group.me) {
            Vec::new()
        } else {
            judge(&self.options.policy, &sight).err().unwrap_or_default()
        };
        Some(Explanation { state, about, sight, stays })
    }
}

/// Where a group that never had a home begins: the members take turns by the group's number.
fn first_home(id: GroupId, state: &GroupState) -> Option<NodeId> {
    let members = state.config.members();
    members.get(usize::from(id.0) % members.len()).copied()
}

fn reason(about: Option<NodeId>, sight: &Sight) -> String {
    let about = about.map_or_else(|| String::from("the home"), |node| node.to_string());
    let seen: Vec<String> = sight.observers.iter().map(ToString::to_string).collect();
    format!("{about} silent for {} ms, also to {}", sight.silent_us / 1_000, seen.join(" and "))
}

/// A seal that has not ended after this many times the detection limit is stuck. Long, because a
/// takeover may have much to copy.
const STUCK_DETECTS: u64 = 6;
