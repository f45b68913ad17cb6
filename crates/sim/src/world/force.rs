//! A majority of the machines is lost at once, and the register with it: people give them up by force, and
//! months later somebody finds their disks.
//!
//! The lost do not come back before the order is taken: whoever gives it says that they are stopped. From
//! then on each may, alone or with others, at any time, with all that it had. Meanwhile the people at
//! the survivors do what `docs/operating/recovery.md` tells them, one step after the other, until every
//! group serves and a new machine has the place of each that was lost.

use register::{GroupState, Phase, SealKind};
use replication::is_commit;
use types::{GroupId, NodeId};

use super::members::Wish;
use super::{Event, World};
use crate::knobs::{MILLI, SECOND};
use crate::net::Index;

/// A loss, and how far people have come with it.
#[derive(Clone, Debug)]
pub(crate) struct Burned {
    survivors: Vec<Index>,
    lost: Vec<Index>,
    is_begun: bool,
    /// Groups are not told before this to do with fewer copies: people look first.
    degrade_from: u64,
    /// Since when each group has been as it is.
    seen: Vec<(u64, u64)>,
    /// When people stop to wait for the register to be begun anew, as all are back.
    until: u64,
}

impl World {
    /// So many members of the register are lost that no majority is left, once in a run. Not those without
    /// whom a group would have nobody who could lead it.
    pub(crate) fn burn(&mut self) {
        let Some(members) = self.roster().map(|roster| roster.members().to_vec()) else { return };
        let count = members.len();
        let left = 1 + self.chance.index(count.max(3).div_ceil(2) - 1);
        let first = self.chance.index(count);
        let is_left = |at: usize| (at + count - first) % count < left;
        let all = members.iter().map(|node| self.names.host(*node)).enumerate();
        let (survivors, lost): (Vec<_>, Vec<_>) = all.partition(|(at, _)| is_left(*at));
        let survivors: Vec<Index> = survivors.into_iter().map(|(_, host)| host).collect();
        let lost: Vec<Index> = lost.into_iter().map(|(_, host)| host).collect();
        let is_led = |(_, config): &(GroupId, types::Config)| {
            survivors.iter().any(|host| config.may_lead(self.names.id(*host)))
        };
        let are_up = survivors.iter().all(|host| self.hosts[*host].node.is_some());
        let is_hopeless = !self.knobs.configs().iter().all(is_led);
        if self.burned.is_some() || !are_up || count < 3 || is_hopeless || !self.has_joined_all() {
            return;
        }
        for node in &lost {
            self.hosts[*node].is_fenced = true;
            self.kill(*node);
        }
        let groups = usize::from(self.knobs.groups);
        let (is_begun, degrade_from, seen) = (false, u64::MAX, vec![(0, 0); groups]);
        let until = u64::MAX;
        self.burned = Some(Burned { survivors, lost, is_begun, degrade_from, seen, until });
        self.plan_in(3 * SECOND, Event::Burned);
    }

    /// Those that were thought to be lost may come back from here on.
    pub(crate) fn unfence(&mut self) {
        let until = self.now + 10 * SECOND;
        if let Some(burned) = &mut self.burned {
            burned.until = until.min(burned.until);
        }
        for host in &mut self.hosts {
            host.is_fenced = false;
        }
    }

    /// A machine that was thought to be lost is found, and works.
    pub(super) fn find(&mut self, node: Index) {
        self.hosts[node].is_fenced = false;
        self.start(node);
    }

    /// Why people are still at work after a loss; `None` if they are not.
    pub(super) fn lacks_recovery(&self) -> Option<String> {
        self.burned.as_ref().map(|burned| format!("people recover from {:?}", burned.lost))
    }

    /// People do what is next.
    pub(super) fn tend(&mut self) {
        let Some(mut burned) = self.burned.take() else { return };
        let at = burned.survivors[self.chance.index(burned.survivors.len())];
        if !burned.is_begun {
            let gave_up = |host: &Index| {
                let node = self.hosts[*host].node.as_ref();
                node.is_some_and(|node| {
                    node.register().state().roster().was_given_up(self.names.id(burned.lost[0]))
                })
            };
            burned.is_begun = burned.survivors.iter().any(gave_up);
            if burned.is_begun {
                burned.degrade_from = self.now + self.chance.between(SECOND, 6 * SECOND);
                for node in burned.lost.clone() {
                    let after = self.chance.between(0, 12 * SECOND);
                    self.plan_in(after, Event::Find { node });
                }
            } else if burned.until == u64::MAX {
                self.recover_register(at, &burned.survivors.clone());
            } else if self.now >= burned.until {
                return;
            }
        }
        let is_done = burned.is_begun && self.tend_groups(at, &mut burned);
        if is_done {
            for old in &burned.lost {
                let new = self.join(Some(*old));
                self.wishes.push((Wish::Replace { old: *old, new }, 0));
            }
            return self.plan_in(0, Event::Operate);
        }
        self.burned = Some(burned);
        self.plan_in(700 * MILLI, Event::Burned);
    }

    /// Sees to it that each group has a home among the survivors and members enough. Whether all have.
    fn tend_groups(&mut self, at: Index, burned: &mut Burned) -> bool {
        let mut is_done = true;
        for number in 0..self.knobs.groups {
            let group = GroupId(number);
            let Some(node) = self.hosts[at].node.as_ref() else { return false };
            let Some(state) = node.register().group(group).cloned() else { return false };
            let roster = node.register().state().roster().clone();
            if !roster.was_given_up(self.names.id(burned.lost[0])) {
                return false;
            }
            let seen = &mut burned.seen[usize::from(number)];
            if seen.0 != state.version {
                *seen = (state.version, self.now);
            }
            let same_us = self.now - seen.1;
            let is_gone = |node: NodeId| roster.was_given_up(node);
            if !self.is_served(group, &state) {
                is_done = false;
                let about = match state.phase {
                    Phase::Active => state.home,
                    Phase::Sealing { candidate, .. } => Some(candidate),
                };
                let is_dead = about.is_none_or(is_gone);
                let may_lead = |host: &Index| {
                    state.may_lead(self.names.id(*host), SealKind::Forced)
                        && !is_gone(self.names.id(*host))
                };
                let leaders: Vec<Index> =
                    burned.survivors.iter().copied().filter(may_lead).collect();
                if !leaders.is_empty() && (same_us > 6 * SECOND || is_dead && same_us > SECOND) {
                    let to = leaders[self.chance.index(leaders.len())];
                    self.order(at, vec![group], self.names.id(to), SealKind::Forced);
                }
            } else if !is_commit(&state.config, |node| !is_gone(node)) {
                is_done = false;
                if self.now >= burned.degrade_from && same_us > SECOND {
                    self.reconfigure(at, vec![group], SealKind::Degrade);
                }
            }
        }
        is_done
    }

    /// Whether a group has the home that the register says.
    fn is_served(&self, group: GroupId, state: &GroupState) -> bool {
        let Some(home) = state.home.filter(|_| state.phase == Phase::Active) else { return false };
        let node = self.hosts[self.names.host(home)].node.as_ref();
        let group = node.and_then(|node| node.group(group));
        group.is_some_and(|group| group.home_epoch() == Some(state.epoch))
    }
}
