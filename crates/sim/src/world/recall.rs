//! A home goes on for a moment with one other that alone hears it, then both are lost, and operators go on without them by
//! force: what the two had committed is taken back, though others may have heard of it.
//!
//! That is how channels between groups come to freeze. The other is therefore the home of another group if there is one:
//! what is paid to that group meanwhile stands in its journal, which all others have too.

use register::SealKind;
use types::GroupId;

use super::{Event, World};
use crate::knobs::{MILLI, SECOND};
use crate::net::Index;

/// Two that go on by themselves, or are lost.
#[derive(Clone, Debug)]
pub(crate) struct Recalled {
    pair: [Index; 2],
    /// When they come back; `None` before they are lost.
    until: Option<u64>,
}

impl World {
    /// Cuts the home of a group off from all but one, for a moment.
    pub(crate) fn recall(&mut self, group: GroupId) {
        let homes = (0..self.knobs.groups).map(|group| self.home_host(GroupId(group)));
        let homes: Vec<Option<Index>> = homes.collect();
        let Some(home) = homes[usize::from(group.0)] else { return };
        let are_up = self.hosts.iter().all(|host| host.node.is_some());
        if self.recalled.is_some() || !are_up || !self.has_joined_all() {
            return;
        }
        let others: Vec<Index> = homes.into_iter().flatten().filter(|host| *host != home).collect();
        let other = match others.len() {
            0 => (home + 1 + self.chance.index(self.count() - 1)) % self.count(),
            count => others[self.chance.index(count)],
        };
        let moment = self.chance.between(300 * MILLI, 1_500 * MILLI);
        for rest in (0..self.count()).filter(|host| ![home, other].contains(host)) {
            self.cut_for(home, rest, moment);
            self.cut_for(rest, home, moment);
        }
        self.recalled = Some(Recalled { pair: [home, other], until: None });
        self.plan_in(moment, Event::Recalled);
    }

    /// The two are lost; then operators do without them; at last they are back.
    pub(super) fn tend_recalled(&mut self) {
        let Some(Recalled { pair, until }) = self.recalled.take() else { return };
        // Whoever mends the world has let them go already.
        if !self.is_faulty {
            return;
        }
        let Some(until) = until else {
            for host in pair {
                self.hosts[host].is_fenced = true;
                self.kill(host);
            }
            let until = Some(self.now + self.chance.between(8 * SECOND, 16 * SECOND));
            self.recalled = Some(Recalled { pair, until });
            return self.plan_in(3 * SECOND, Event::Recalled);
        };
        if self.now >= until {
            return pair.into_iter().for_each(|host| self.find(host));
        }
        let left: Vec<Index> = (0..self.count()).filter(|host| !pair.contains(host)).collect();
        let at = left[self.chance.index(left.len())];
        for group in (0..self.knobs.groups).map(GroupId) {
            if self.home_host(group).is_none() {
                let to = self.names.id(left[self.chance.index(left.len())]);
                self.order(at, vec![group], to, SealKind::Forced);
            }
        }
        self.recalled = Some(Recalled { pair, until: Some(until) });
        self.plan_in(2 * SECOND, Event::Recalled);
    }

    /// Where the home of a group runs, if it serves.
    fn home_host(&self, group: GroupId) -> Option<Index> {
        (0..self.count()).find(|host| {
            let node = self.hosts[*host].node.as_ref();
            let group = node.and_then(|node| node.group(group));
            group.is_some_and(|group| group.home_epoch().is_some())
        })
    }
}
