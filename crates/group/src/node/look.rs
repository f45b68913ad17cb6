//! The look-out: which groups need a home, and whether this node should see to it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use model::Model;
use register::{Change, GroupState, Phase, SealKind, Transition};
use replication::{Mutant, sealed};
use steering::{Sight, Stay, judge};
use types::{GroupId, NodeId, Now, QuorumLoss};

use super::Node;
use super::effect::Effect;
use super::on_time::Begin;
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
    /// Who could take the group over from there, in order, as far as this node sees them make
    /// progress and their clocks are right enough. Empty: nobody, and a loss of the home would be an outage.
    pub heirs: Vec<NodeId>,
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
        self.leave(now, out);
        if !self.register.reachable(now.instant) {
            return;
        }
        self.hand_on(now);
        let wanted: Vec<(GroupId, GroupState, Begin)> = self
            .register
            .groups()
            .filter_map(|(id, state)| Some((id, state.clone(), self.wants(now, id, state)?)))
            .collect();
        for (id, state, (candidate, kind, reason)) in wanted {
            if self.asked_lately(now, id, state.version) {
                continue;
            }
            self.asked.insert(id, (state.version, now.instant));
            let transition =
                Transition::BeginSeal { epoch: state.issued.next(), candidate, kind, at: now.wall };
            let change = Change { group: id, expected_version: state.version, transition };
            self.changes.push((reason, change));
        }
        self.look_at_quorums(now);
        self.look_at_members(now, out);
    }

    pub(super) fn asked_lately(&self, now: Now, group: GroupId, version: u64) -> bool {
        self.asked.get(&group).is_some_and(|(asked, at)| {
            *asked == version && now.instant.since(*at) < self.options.propose_us
        })
    }

    /// Who should take the group over now and why, if this node is to see to it: itself, unless its clock
    /// is off.
    fn wants(&self, now: Now, id: GroupId, state: &GroupState) -> Option<Begin> {
        let me = self.options.group.me;
        let mine = |reason: String| (me, SealKind::Unplanned, reason);
        let group = self.groups.get(&id)?;
        // The home itself takes over from a candidate that is gone: there may be nobody else who can.
        let is_left = matches!(state.phase, Phase::Sealing { .. }) && group.is_unmoved_home();
        if self.may_aim_anew(now, id, state) {
            let reason = String::from("nodes came or went while copies were waited for");
            return Some(mine(reason));
        }
        let may_lead = state.config.may_lead(me) && !self.was_given_up(me);
        if !may_lead || !(group.is_free() || is_left) {
            return None;
        }
        // Every start of a home or candidate is a new epoch, even of the same process on the same
        // disk: what it had sent before it stopped may still be on its way.
        match state.phase {
            Phase::Active if state.home == Some(me) => {
                return self.starter(now, id, state, "the home starts anew");
            }
            Phase::Active if state.home.is_none() && first_home(id, state) == Some(me) => {
                return self.starter(now, id, state, "the first home starts");
            }
            Phase::Sealing { candidate, .. } if candidate == me => {
                return self.starter(now, id, state, "the candidate starts anew");
            }
            Phase::Active | Phase::Sealing { .. } => {}
        }
        let (about, sight) = self.sight(now, id, state);
        judge(&self.options.policy, &sight).is_ok().then(|| mine(reason(about, &sight)))
    }

    /// Whether this node waits, as a candidate, for copies on a node in whose place another has come
    /// since: where it alone may lead, nobody else would begin the seal that goes to that other.
    fn may_aim_anew(&self, now: Now, id: GroupId, state: &GroupState) -> bool {
        let me = self.options.group.me;
        let Phase::Sealing { candidate, kind, .. } = state.phase else { return false };
        // What operators ordered of a seal would not be said of the next one.
        let is_ordered = matches!(kind, SealKind::Forced | SealKind::Degrade);
        let waits = self.groups.get(&id).is_some_and(Group::waits_for_copies);
        let number = state.next_config();
        let is_new = self.target_under(state, me).is_some_and(|target| {
            target.may_lead(me) && state.next != Some(target.numbered(number))
        });
        candidate == me
            && !is_ordered
            && waits
            && is_new
            && self.seen_us(now, id) >= self.options.policy.detect_us
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
        let mut missing = Vec::new();
        let mut observers: Vec<NodeId> =
            self.watch.observers(about, detect_us, detect_us, now.instant).collect();
        let stalled = self.stalled.get(&id).filter(|(epoch, _)| *epoch == state.epoch);
        if let Some((_, since)) = stalled.filter(|_| state.phase == Phase::Active) {
            // The home itself says that its commits stand still, which is a second vantage point.
            let stalled_us = now.instant.since(*since);
            if stalled_us > silent_us {
                silent_us = stalled_us;
                observers.push(about);
                // Where it stands still for want of copies that another home would lack as well, it is
                // left where it is: it would be sealed off, and nobody could take its place.
                if !self.could_end(now, state) {
                    missing = self.absent(now, &state.config);
                }
            }
        }
        if matches!(state.phase, Phase::Sealing { .. }) {
            // A candidate may live and still get nowhere, as when only its own links are bad. The
            // register, which has seen no end of it, is the second vantage point. One that waits for
            // copies that could not be had from here either is left alone: the next epoch would wait too.
            let stuck_us = self.seen_us(now, id);
            if self.could_end(now, state)
                && stuck_us >= detect_us.saturating_mul(STUCK_DETECTS)
                && stuck_us > silent_us
            {
                silent_us = stuck_us;
                observers.push(about);
            }
        }
        let blind = self.blind_about(now, id, state, about);
        (Some(about), Sight { silent_us, observers, missing, ..blind })
    }

    /// Whether a takeover by this node would find its copies, as far as it sees, or could do without.
    fn could_end(&self, now: Now, state: &GroupState) -> bool {
        let may_degrade = state.config.terms().on_quorum_loss == QuorumLoss::Degrade;
        let target = self.target_under(state, self.options.group.me);
        let mut configs = [Some(&state.config), state.next.as_ref(), target.as_ref()].into_iter();
        may_degrade || configs.any(|config| config.is_some_and(|one| self.has_copies(now, one)))
    }

    fn blind(&self, now: Now, id: GroupId, state: &GroupState) -> Sight {
        Sight {
            silent_us: 0,
            observers: Vec::new(),
            register: self.register.reachable(now.instant),
            unreachable: Vec::new(),
            missing: Vec::new(),
            moved_us: self.moved_us(now, id, state),
            rank: 0,
            skew_us: self.off_us(self.options.group.me),
            member: state.config.has(self.options.group.me),
        }
    }

    /// All of a sight but the silence itself.
    fn blind_about(&self, now: Now, id: GroupId, state: &GroupState, about: NodeId) -> Sight {
        let me = self.options.group.me;
        let is_alive = |node: NodeId| self.is_alive(now, node);
        let home = state.home;
        let (alive, dead): (Vec<NodeId>, Vec<NodeId>) =
            state.config.counted().partition(|node| is_alive(*node));
        let sealable = sealed(&state.config, home, alive.into_iter(), Mutant::None);
        let dead = dead.into_iter().filter(|node| Some(*node) != home).collect();
        let line = self.line(id, state, about);
        let before = line.iter().take_while(|node| **node != me);
        let mut rank = before.filter(|node| is_alive(**node)).count();
        // One whose disk is full, damaged or slow lets all others go first, and so does the home that
        // others wanted to replace.
        let is_slow = self.has_slow_disk(now);
        let goes_last =
            |group: &Group<M>| is_slow || group.is_impaired() || group.is_unmoved_home();
        if self.groups.get(&id).is_some_and(goes_last) {
            rank += line.len();
        }
        Sight {
            unreachable: if sealable { Vec::new() } else { dead },
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            ..self.blind(now, id, state)
        }
    }

    /// Whether a node can be reached and shows progress; this one always does.
    fn is_alive(&self, now: Now, node: NodeId) -> bool {
        let is_heard = || {
            self.connected.contains(&node)
                && self.watch.silence(node, now.instant) < self.options.policy.detect_us
        };
        node == self.options.group.me || is_heard() && !self.was_given_up(node)
    }

    /// Who may take the group over from `about`, in order. The other zones of the home's region come
    /// first: where only a zone was lost, clients and what they talk to are still in that region. Then
    /// the register's leader: both of its changes are decided one round trip sooner than those of a
    /// member that has to ask it, and they are most of the time that clients wait. The others take turns
    /// by the group's number. Members that see different leaders may both think they are first; the
    /// register takes one.
    pub(super) fn line(&self, id: GroupId, state: &GroupState, about: NodeId) -> Vec<NodeId> {
        let mut line: Vec<NodeId> = state
            .config
            .leaders()
            .filter(|node| *node != about && !self.was_given_up(*node))
            .collect();
        if !line.is_empty() {
            let turn = usize::from(id.0) % line.len();
            line.rotate_left(turn);
        }
        let region = |node| Some(state.config.member(node)?.place.region);
        let (here, leader) = (region(state.home.unwrap_or(about)), self.register.leader());
        line.sort_by_key(|node| (region(*node) != here, Some(*node) != leader));
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
        let line = about.map(|about| self.line(id, &state, about)).unwrap_or_default();
        let could = |node: &NodeId| self.is_alive(now, *node) && self.is_on_time(*node);
        let heirs = line.into_iter().filter(could).collect();
        Some(Explanation { state, about, sight, heirs, stays })
    }
}

/// Where a group that never had a home begins: those who may lead take turns by the group's number.
fn first_home(id: GroupId, state: &GroupState) -> Option<NodeId> {
    let leaders: Vec<NodeId> = state.config.leaders().collect();
    leaders.get(usize::from(id.0).checked_rem(leaders.len())?).copied()
}

fn reason(about: Option<NodeId>, sight: &Sight) -> String {
    let about = about.map_or_else(|| String::from("the home"), |node| node.to_string());
    let seen: Vec<String> = sight.observers.iter().map(ToString::to_string).collect();
    format!("{about} silent for {} ms, also to {}", sight.silent_us / 1_000, seen.join(" and "))
}

/// A seal that has not ended after this many times the detection limit is stuck. Long, because a
/// takeover may have much to copy.
const STUCK_DETECTS: u64 = 6;
