//! Machines that come and go, and the operators who order it.

use group::{Input, MembershipOrder, NodeStep, RecoverOrder};
use register::{Contact, Inheritance, Newcomer, Roster};
use types::{GroupId, MemberRole, NodeId, Place, RegionId, RequestId, ZoneId};

use super::{Event, Host, World};
use crate::Disk;
use crate::clock::Clock;
use crate::knobs::SECOND;
use crate::net::Index;

impl World {
    /// One more machine with a disk that was never used. It starts, and nobody knows it yet.
    pub fn join(&mut self, replaces: Option<Index>) -> Index {
        let new = self.count();
        let spread = self.knobs.offset_us_max.min(200_000);
        let ahead = i64::try_from(self.chance.below(spread + 1)).unwrap_or_default();
        let clock = Clock { drift_ppm: 0, offset_us: ahead };
        // Whoever buys a machine installs what the others run, or what is newer.
        let code = self.knobs.newest_code();
        self.hosts.push(Host::new(Disk::new(self.knobs.lie), clock, code));
        let node = self.next_id();
        self.names.name(new, node);
        self.check.named(new, node);
        self.came.insert(new, replaces);
        for other in 0..new {
            self.plan_in(100_000, Event::Poll { a: other, b: new });
        }
        self.plan_in(50_000, Event::Start { node: new });
        new
    }

    /// The next id that nobody has: who buys a machine asks the cluster for it.
    fn next_id(&self) -> NodeId {
        let next = self.roster().map_or(NodeId(1), Roster::next_id);
        // Others may be on their way.
        let taken = (0..self.count() - 1).map(|host| self.names.id(host)).max().unwrap_or_default();
        NodeId(next.0.max(taken.0 + 1))
    }

    /// The id of a host's node.
    #[must_use]
    pub fn id_of(&self, host: Index) -> NodeId {
        self.names.id(host)
    }

    /// The host of a node.
    #[must_use]
    pub fn host_of(&self, node: NodeId) -> Index {
        self.names.host(node)
    }

    /// An operator at `at` has `new` take the place of `old`, or has it join if `old` is `None`.
    pub fn admit(&mut self, at: Index, new: Index, old: Option<Index>) {
        let newcomer = Newcomer {
            node: self.names.id(new),
            role: Some(MemberRole::Full),
            place: self.place_of(old.unwrap_or(new)),
            contact: Contact::default(),
            replaces: old.map(|old| self.names.id(old)),
        };
        self.order_nodes(at, NodeStep::Admit(newcomer));
    }

    /// Where a machine stands: whoever replaces another stands where that one stood.
    fn place_of(&self, host: Index) -> Place {
        if let Some(Some(old)) = self.came.get(&host) {
            return self.place_of(*old);
        }
        let configs = self.knobs.configs();
        let first = configs.iter().find_map(|(_, config)| config.member(self.names.id(host)));
        let region = RegionId(u16::try_from(host).expect("nodes are numbered in 16 bits"));
        first.map_or(Place { region, zone: ZoneId(0) }, |member| member.place)
    }

    /// A machine takes the place of another: bought, started, and ordered at `at`.
    pub fn replace(&mut self, at: Index, old: Index) -> Index {
        let new = self.join(Some(old));
        self.admit(at, new, Some(old));
        new
    }

    /// An operator at `at` sends a node away.
    pub fn dismiss(&mut self, at: Index, node: Index) {
        self.order_nodes(at, NodeStep::Dismiss(self.names.id(node)));
    }

    fn order_nodes(&mut self, at: Index, step: NodeStep) {
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let (actor, reason) = ("operator".into(), "because the simulator says so".into());
        let order = MembershipOrder { step, actor, reason };
        self.give(at, Input::Membership { request, order });
    }

    /// Two operators at `at` give up all members of the register but `survivors`, and say that these are
    /// stopped.
    pub fn recover_register(&mut self, at: Index, survivors: &[Index]) {
        let plan = self.plan_of(at, survivors);
        self.recover_with(at, survivors, plan.given_up.clone(), plan);
    }

    /// The same, saying of these that they are stopped.
    pub fn recover_saying(&mut self, at: Index, survivors: &[Index], stopped: &[Index]) {
        let stopped = stopped.iter().map(|host| self.names.id(*host)).collect();
        self.recover_with(at, survivors, stopped, self.plan_of(at, survivors));
    }

    /// The same, as they were shown before.
    pub fn recover_as_shown(&mut self, at: Index, survivors: &[Index], plan: Inheritance) {
        self.recover_with(at, survivors, plan.given_up.clone(), plan);
    }

    /// What people are shown at `at` who would go on with these; nothing if they may not.
    #[must_use]
    pub fn plan_of(&self, at: Index, survivors: &[Index]) -> Inheritance {
        let survivors: Vec<NodeId> = survivors.iter().map(|host| self.names.id(*host)).collect();
        let node = self.hosts[at].node.as_ref();
        let plan = node.and_then(|node| node.may_recover(self.clocks(at), &survivors).ok());
        plan.unwrap_or_default()
    }

    fn recover_with(
        &mut self,
        at: Index,
        survivors: &[Index],
        stopped: Vec<NodeId>,
        plan: Inheritance,
    ) {
        let survivors: Vec<NodeId> = survivors.iter().map(|host| self.names.id(*host)).collect();
        self.requests_made += 1;
        let request = RequestId(self.requests_made);
        let (actor, reason) = ("two operators".into(), "because the simulator says so".into());
        let order = RecoverOrder { survivors, stopped, plan, actor, reason };
        self.check.forced();
        self.give(at, Input::Recover { request, order });
    }

    /// A node's disk is lost for good, and what is in its place is empty and not marked for a first start.
    pub fn empty(&mut self, node: Index) {
        self.wipe(node);
        self.hosts[node].folder = group::Folder::Empty;
    }

    /// Somebody puts an empty disk into a machine and starts it under its old id, which must be refused. The
    /// disk that was in it is put away: what was committed with its copy was, for who checks, on that disk too.
    fn start_emptied(&mut self, node: Index) {
        self.hosts[node].folder = group::Folder::Empty;
        self.start(node);
        self.check.emptied(node, self.hosts[node].node.is_some());
    }

    /// The newest roster that any node knows that is there. What those decide who were given up and have not
    /// heard of it is in no history, and who goes by it waits for somebody who never comes.
    #[must_use]
    pub fn roster(&self) -> Option<&Roster> {
        let hosts = self.hosts.iter().enumerate().filter(|(host, _)| !self.check.is_stale(*host));
        let nodes = hosts.filter_map(|(_, host)| host.node.as_ref());
        let rosters = nodes.map(|node| node.register().state().roster());
        rosters.max_by_key(|roster| (forces(roster), roster.generation(), roster.version()))
    }

    /// The nodes that are to hold a group when all who come and go have done so.
    #[must_use]
    pub fn members_of(&self, group: GroupId) -> Vec<NodeId> {
        let first = self.knobs.members_of(group);
        let Some(roster) = self.roster().filter(|roster| roster.version() > 1) else {
            return first;
        };
        let nodes = self.hosts.iter().filter_map(|host| host.node.as_ref());
        // Not those that have not heard yet that they were given up.
        let nodes = nodes.filter(|node| forces(node.register().state().roster()) == forces(roster));
        let states = nodes.filter_map(|node| node.register().group(group));
        let Some(newest) = states.max_by_key(|state| state.version) else { return first };
        let base = newest.to_be();
        let target = roster.target(base);
        target.as_ref().unwrap_or(base).members().to_vec()
    }

    /// Why not all who were ordered to come or go have done so; `None` if they have.
    #[must_use]
    pub fn lacks_members(&self) -> Option<String> {
        if !self.wishes.is_empty() {
            return Some(format!("orders wait: {:?}", self.wishes));
        }
        if let Some(why) = self.lacks_recovery() {
            return Some(why);
        }
        let Some(roster) = self.roster() else {
            return Some("nobody is there who knows the nodes".to_owned());
        };
        let gone: Vec<NodeId> =
            roster.members().iter().copied().filter(|node| roster.gone(*node).is_some()).collect();
        if !gone.is_empty() {
            return Some(format!("{gone:?} vote and are gone"));
        }
        let votes = |node: &NodeId| roster.members().contains(node);
        if let Some(node) = roster.nodes().find(|node| !votes(node)) {
            return Some(format!("{node} has no vote"));
        }
        let nodes = self.hosts.iter().filter_map(|host| host.node.as_ref());
        let nodes = nodes.filter(|node| forces(node.register().state().roster()) == forces(roster));
        nodes.into_iter().find_map(|node| {
            let mut groups = node.register().groups();
            let (group, target) = groups.find_map(|(id, state)| Some((id, node.target(state)?)))?;
            Some(format!("{group} is to come to {:?}", target.members()))
        })
    }

    /// Whether a host runs the groups' models: as the one did whose place it has.
    pub(super) fn runs_models(&self, host: Index) -> bool {
        match self.came.get(&host) {
            Some(Some(old)) => self.runs_models(*old),
            Some(None) => true,
            None => self.knobs.runs_models(host),
        }
    }

    /// Somebody comes or goes, in a world where nobody else is on the way: a disk is lost for good, a
    /// machine is replaced while it works, one more comes, one goes.
    pub(crate) fn change_members(&mut self) {
        let (old, kind) = (self.chance.index(self.count()), self.chance.below(6));
        let is_quiet = self.lacks_members().is_none() && self.has_joined_all();
        // One whose place another has already may still be there, and cannot be replaced again.
        let is_gone = self.roster().is_some_and(|roster| roster.gone(self.names.id(old)).is_some());
        let is_there = self.hosts[old].node.is_some() && !self.hosts[old].is_retired && !is_gone;
        if !is_quiet || !is_there || self.count() >= HOSTS_MAX {
            return;
        }
        let wish = match kind {
            0..3 => {
                // What it held is on the others: each commit had its copies there, too.
                self.kill(old);
                // Of a copy: what a seed means stays as it was.
                if self.chance.clone().chance(500_000) {
                    self.start_emptied(old);
                }
                self.retire(old);
                Wish::Replace { old, new: self.join(Some(old)) }
            }
            3 => Wish::Replace { old, new: self.join(Some(old)) },
            4 => Wish::Add { new: self.join(None) },
            _ => Wish::Remove { node: old },
        };
        self.wishes.push((wish, 0));
        self.plan_in(0, Event::Operate);
    }

    /// Operators order what they want anywhere, and again until it stands in the register.
    pub(super) fn operate(&mut self) {
        let Some((wish, tries)) = self.wishes.first().copied() else { return };
        let roster = self.roster();
        let is_known =
            |host: Index| roster.is_some_and(|roster| roster.is_known(self.names.id(host)));
        let is_gone =
            |host: Index| roster.is_some_and(|roster| roster.gone(self.names.id(host)).is_some());
        let is_done = match wish {
            Wish::Replace { new, .. } | Wish::Add { new } => is_known(new),
            // Where copies or votes could not be had without it, they give up.
            Wish::Remove { node } => is_gone(node) || tries > 3,
        };
        // One too many is never let in. Whoever only has no answer yet may still be.
        let is_full = roster.is_some_and(|roster| roster.nodes().count() >= VOTES_MAX);
        if is_done || matches!(wish, Wish::Add { .. }) && is_full {
            self.wishes.remove(0);
            if let Wish::Add { new } = wish
                && !is_done
            {
                self.retire(new);
            }
            return self.operate();
        }
        if let Wish::Replace { new, .. } | Wish::Add { new } = wish
            && self.roster().is_some_and(|roster| self.names.id(new) < roster.next_id())
        {
            // The register was begun anew since people asked for an id.
            self.retire(new);
            self.wishes[0].0 = match wish {
                Wish::Replace { old, .. } => Wish::Replace { old, new: self.join(Some(old)) },
                Wish::Add { .. } => Wish::Add { new: self.join(None) },
                Wish::Remove { .. } => wish,
            };
            return self.operate();
        }
        let at = self.chance.index(self.count());
        match wish {
            Wish::Replace { old, new } => self.admit(at, new, Some(old)),
            Wish::Add { new } => self.admit(at, new, None),
            Wish::Remove { node } => self.dismiss(at, node),
        }
        self.wishes[0].1 += u32::from(self.hosts[at].node.is_some());
        self.plan_in(SECOND, Event::Operate);
    }
}

/// How often the register was begun anew by force.
pub(crate) fn forces(roster: &Roster) -> usize {
    roster.generations().iter().filter(|one| one.forced).count()
}

/// What operators of random worlds want of the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Replace { old: Index, new: Index },
    Add { new: Index },
    Remove { node: Index },
}

/// Nodes that may have a vote.
const VOTES_MAX: usize = register::limits::MEMBERS_MAX;

/// Machines in one world, lost ones too.
const HOSTS_MAX: usize = 12;
