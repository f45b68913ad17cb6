//! What a seed decides before the first event: the shape of the cluster, and which faults strike how
//! often. Each seed leaves most faults out, so that the others meet in pure form (swarm testing).
//!
//! New knobs are drawn after all others: a draw in between changes what every known seed means.

mod clocks;

use group::{GroupOptions, NodeOptions};
use replication::Mutant;
use steering::Policy;
use types::{
    Class, Config, ConfigId, GroupId, Member, MemberRole, NodeId, Place, QuorumLoss, RegionId,
    Terms, ZoneId,
};

use crate::app::Kind;
use crate::fault::{Fault, Rate};
use crate::{Code, Lie, Rng};

pub(crate) use clocks::CLOSE_US_MAX;

/// One second of the world.
pub const SECOND: u64 = 1_000_000;

/// One millisecond of the world.
pub const MILLI: u64 = 1_000;

/// Frames on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetKnobs {
    /// The fastest way.
    pub delay_us_min: u64,
    /// The slowest, without reordering.
    pub delay_us_max: u64,
    /// Frames lost.
    pub loss_ppm: u64,
    /// Frames that come twice.
    pub duplicate_ppm: u64,
    /// Frames that later ones of the same lane may overtake.
    pub reorder_ppm: u64,
}

/// Writes and reads on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskKnobs {
    /// The fastest sync.
    pub sync_us_min: u64,
    /// The slowest, without stalls.
    pub sync_us_max: u64,
    /// The slowest read.
    pub read_us_max: u64,
}

/// What a node is to the groups, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its role; `None` for a node that has a vote in the register and no part in any group.
    pub role: Option<MemberRole>,
    /// Its region.
    pub region: u16,
    /// Its zone within that.
    pub zone: u16,
}

/// Everything a run is told.
#[derive(Clone, Debug)]
pub struct Knobs {
    /// Nodes of the cluster, all of them members of the register.
    pub nodes: u16,
    /// Nodes that are no members of a group: other ones for other groups.
    pub spares: u16,
    /// Copies that commit.
    pub copies: usize,
    /// Groups.
    pub groups: u16,
    /// Clients.
    pub clients: usize,
    /// Readers.
    pub readers: usize,
    /// Bytes of records that a group keeps in memory.
    pub held_bytes_max: usize,
    /// Records that may wait for their commit.
    pub window_records: u64,
    /// The net.
    pub net: NetKnobs,
    /// The disks.
    pub disk: DiskKnobs,
    /// How far wall clocks start apart, at most.
    pub offset_us_max: u64,
    /// How far one node's wall clock starts behind what it would be.
    pub slow_clock_us: u64,
    /// How much too fast clocks run, at most.
    pub drift_ppm_max: u64,
    /// Length of the phase with faults.
    pub safety_us: u64,
    /// Which faults, how often.
    pub rates: Vec<Rate>,
    /// Whether a part of the cluster that is not needed stays dead in the end.
    pub leaves_dead: bool,
    /// What the groups carry.
    pub app: Kind,
    /// At which watermark the groups answer, and what they do when copies are missing.
    pub terms: Terms,
    /// Clients that may be told before the commit, of a hundred.
    pub early_percent: u64,
    /// What each node is to every group and where it stands; empty for nodes that are all full, each in
    /// a region of its own.
    pub seats: Vec<Seat>,
    /// In how many regions the copies of a commit must lie.
    pub spread: usize,
    /// The rule that is broken on purpose.
    pub mutant: Mutant,
    /// The lie that disks tell on purpose.
    pub lie: Lie,
    /// Whether disks are replaced on purpose, and nobody told.
    pub replaces_disks: bool,
    /// Records and commands between two save points.
    pub snapshot_work: u64,
    /// Time between two save points.
    pub snapshot_us: u64,
    /// Whether records are deleted that snapshots stand in for.
    pub trim: bool,
    /// Snapshots that a loss of power damages, where they can be spared, and pieces of them that cannot
    /// be written.
    pub files_ppm: u64,
    /// A node whose code is newer: each of its frames begins with a message that the others do not know.
    pub newer: Option<NodeId>,
}

impl Knobs {
    /// A quiet world of three nodes for hand-written failures: no faults, no clients, 20 ms between
    /// any two nodes.
    #[must_use]
    pub const fn quiet(groups: u16) -> Self {
        Self {
            nodes: 3,
            spares: 0,
            copies: 2,
            groups,
            clients: 0,
            readers: 0,
            held_bytes_max: 1 << 20,
            window_records: 64,
            net: NetKnobs {
                delay_us_min: 10 * MILLI,
                delay_us_max: 10 * MILLI,
                loss_ppm: 0,
                duplicate_ppm: 0,
                reorder_ppm: 0,
            },
            disk: DiskKnobs { sync_us_min: MILLI, sync_us_max: MILLI, read_us_max: MILLI },
            offset_us_max: 0,
            slow_clock_us: 0,
            drift_ppm_max: 0,
            safety_us: 0,
            rates: Vec::new(),
            leaves_dead: false,
            app: Kind::Moves,
            terms: Terms { class: Class::Sync, on_quorum_loss: QuorumLoss::Block },
            early_percent: 100,
            seats: Vec::new(),
            spread: 1,
            mutant: Mutant::None,
            lie: Lie::None,
            replaces_disks: false,
            snapshot_work: u64::MAX,
            snapshot_us: u64::MAX,
            trim: false,
            files_ppm: 0,
            newer: None,
        }
    }

    /// The same with two full regions and a witness, the last node, in a third (PROTOCOL 7.4b).
    #[must_use]
    pub fn with_witness(mut self) -> Self {
        let roles = [MemberRole::Full, MemberRole::Full, MemberRole::Witness];
        let seats = roles.into_iter().zip(0..);
        self.seats =
            seats.map(|(role, region)| Seat { role: Some(role), region, zone: 0 }).collect();
        self
    }

    /// The same with three regions of two zones, one full node in each, and three copies in at least two
    /// regions (PROTOCOL 7.4).
    #[must_use]
    pub fn with_zones(mut self) -> Self {
        self.nodes = 6;
        self.copies = 3;
        self.spread = 2;
        let role = Some(MemberRole::Full);
        let seat = |node| Seat { role, region: node / 2, zone: node % 2 };
        self.seats = (0..6_u16).map(seat).collect();
        self
    }

    /// What `seed` decides.
    #[must_use]
    pub fn drawn(rng: &mut Rng) -> Self {
        let nodes = rng.pick(&[3, 3, 3, 3, 5]);
        let copies = match (nodes, rng.below(10)) {
            (3, 0) => 1,
            (3, 1) => 3,
            (3, _) => 2,
            (_, 0) => 2,
            (_, 1) => 4,
            (_, _) => 3,
        };
        let delay_us_min = rng.between(200, 20 * MILLI);
        let sync_us_min = rng.between(100, 3 * MILLI);
        let mut knobs = Self {
            nodes,
            spares: 0,
            copies,
            groups: rng.pick(&[1, 1, 2, 4, 8]),
            clients: rng.pick(&[1, 3, 6, 12]),
            readers: 0,
            held_bytes_max: rng.pick(&[300, 3_000, 1 << 20]),
            window_records: rng.pick(&[2, 8, 64]),
            net: NetKnobs {
                delay_us_min,
                delay_us_max: delay_us_min + rng.pick(&[0, 2 * MILLI, 60 * MILLI]),
                loss_ppm: rng.pick(&[0, 0, 1_000, 20_000, 100_000]),
                duplicate_ppm: rng.pick(&[0, 0, 10_000, 100_000]),
                reorder_ppm: rng.pick(&[0, 0, 0, 50_000]),
            },
            disk: DiskKnobs {
                sync_us_min,
                sync_us_max: sync_us_min + rng.pick(&[500, 5 * MILLI, 50 * MILLI]),
                read_us_max: rng.pick(&[200, 20 * MILLI]),
            },
            offset_us_max: rng.pick(&[0, 50 * MILLI, 2 * SECOND]),
            slow_clock_us: 0,
            drift_ppm_max: rng.pick(&[0, 50, 500]),
            safety_us: rng.between(15, 60) * SECOND,
            rates: Vec::new(),
            leaves_dead: rng.chance(500_000),
            app: rng.pick(&[Kind::Moves, Kind::Moves, Kind::Payments]),
            terms: Terms::default(),
            early_percent: 0,
            seats: Vec::new(),
            spread: 1,
            mutant: Mutant::None,
            lie: Lie::None,
            replaces_disks: false,
            snapshot_work: u64::MAX,
            snapshot_us: u64::MAX,
            trim: false,
            files_ppm: 0,
            newer: None,
        };
        // Some worlds have hardly time to recover between two faults.
        let haste = rng.pick(&[1, 1, 2, 6]);
        for fault in Fault::ALL.into_iter().filter(|fault| *fault < Fault::Members) {
            let (enabled_ppm, every_us) = fault.usual();
            let is_enabled = rng.chance(enabled_ppm);
            let every_us = rng.between(every_us / 2, every_us * 3) / haste;
            if is_enabled {
                knobs.rates.push(Rate { fault, every_us });
            }
        }
        knobs.reshape(rng);
        knobs.place(rng);
        knobs.terms.class = rng.pick(&[Class::Sync, Class::Sync, Class::Sync, Class::Async]);
        knobs.early_percent = rng.pick(&[100, 70]);
        if rng.chance(250_000) {
            knobs.terms.on_quorum_loss = QuorumLoss::Degrade;
        }
        knobs.snapshot_work = rng.pick(&[u64::MAX, 10, 40, 200]);
        knobs.snapshot_us = rng.pick(&[u64::MAX, 2 * SECOND, 7 * SECOND]);
        // Where an operator may take back what snapshots hold, nothing is deleted: a replica that has
        // only those left would be out of service, and says so (a story tells it).
        let is_forced = knobs.rates.iter().any(|rate| rate.fault == Fault::Forced);
        knobs.trim = rng.chance(600_000) && !is_forced;
        knobs.files_ppm = rng.pick(&[0, 20_000, 200_000]);
        knobs.readers = rng.pick(&[0, 2, 5]);
        // Of a copy: what a seed without such worlds means stays as it was.
        knobs.newer = rng.clone().chance(200_000).then_some(NodeId(1));
        let mut rng = rng.clone();
        knobs.draw_members(&mut rng);
        knobs.draw_clocks(&mut rng);
        knobs.draw_terms(&mut rng);
        knobs.draw_burn(&mut rng);
        knobs.draw_recall(&mut rng);
        knobs
    }

    /// In some worlds groups come to another class and back. They begin with the one under which clients may be
    /// told early, so that all expect it; not where nodes come and go, whose worlds must not lose any answer.
    fn draw_terms(&mut self, rng: &mut Rng) {
        let (enabled_ppm, every_us) = Fault::Terms.usual();
        let every_us = rng.between(every_us / 2, every_us * 3);
        let has_members = self.rates.iter().any(|rate| rate.fault == Fault::Members);
        if rng.chance(enabled_ppm) && !has_members {
            self.terms.class = Class::Async;
            self.rates.push(Rate { fault: Fault::Terms, every_us });
        }
    }

    /// Some worlds lose disks for good and replace them. Not those in which one disk may hold what was
    /// acknowledged, or in which two losses may come together before anybody could help.
    fn draw_members(&mut self, rng: &mut Rng) {
        let (enabled_ppm, every_us) = Fault::Members.usual();
        let every_us = rng.between(every_us / 2, every_us * 3);
        let is_enabled = rng.chance(enabled_ppm);
        let is_plain =
            self.terms.class == Class::Sync && self.terms.on_quorum_loss == QuorumLoss::Block;
        let strikes = |fault: Fault| self.rates.iter().any(|rate| rate.fault == fault);
        let is_hard = strikes(Fault::Forced) || strikes(Fault::BitFlip);
        if is_enabled && is_plain && self.copies > 1 && !is_hard {
            self.rates.push(Rate { fault: Fault::Members, every_us });
        }
    }

    /// Some worlds lose a majority of the register. Not those in which other losses come on top that nobody
    /// could help with.
    fn draw_burn(&mut self, rng: &mut Rng) {
        let (enabled_ppm, every_us) = Fault::Burn.usual();
        let every_us = rng.between(every_us / 2, every_us * 3);
        let is_plain =
            self.terms.class == Class::Sync && self.terms.on_quorum_loss == QuorumLoss::Block;
        let strikes = |fault: Fault| self.rates.iter().any(|rate| rate.fault == fault);
        let is_hard = strikes(Fault::Members) || strikes(Fault::BitFlip) || strikes(Fault::Terms);
        if rng.chance(enabled_ppm) && is_plain && !is_hard {
            self.rates.push(Rate { fault: Fault::Burn, every_us });
            self.trim = false;
        }
    }

    /// Some worlds have channels frozen by force: a home and one other lose what they alone committed, with payments
    /// between groups under way. Three of five are left then, and can decide.
    fn draw_recall(&mut self, rng: &mut Rng) {
        let (enabled_ppm, every_us) = Fault::Recall.usual();
        let every_us = rng.between(every_us / 2, every_us * 2);
        let groups = rng.pick(&[2, 2, 3]);
        if rng.chance(enabled_ppm) {
            self.be_plain();
            self.rates.retain(|rate| rate.fault != Fault::Burn);
            (self.nodes, self.spares, self.copies, self.groups) = (5, 0, 2, groups);
            (self.spread, self.app) = (1, Kind::Moves);
            self.seats.clear();
            // Nor does anybody begin at a snapshot: what is below it could not be read again when it is taken back.
            (self.snapshot_work, self.snapshot_us) = (u64::MAX, u64::MAX);
            self.rates.push(Rate { fault: Fault::Recall, every_us });
        }
    }

    /// Whether operators take something back by force.
    #[must_use]
    pub fn takes_back(&self) -> bool {
        self.rates.iter().any(|rate| matches!(rate.fault, Fault::Forced | Fault::Recall))
    }

    /// Leaves out what does not go together with the loss of a majority.
    pub(crate) fn be_plain(&mut self) {
        self.rates
            .retain(|rate| !matches!(rate.fault, Fault::Members | Fault::BitFlip | Fault::Terms));
        (self.terms, self.trim) = (Terms::default(), false);
    }

    /// One world in three has a shape that nobody would choose, or hardly: any number of members that a
    /// group may have, on any of the nodes, any number of copies that they can hold, many groups.
    fn reshape(&mut self, rng: &mut Rng) {
        let is_odd = rng.chance(330_000);
        let members = rng.between(3, 5);
        let copies = rng.index(usize::try_from(members).unwrap_or(3)) + 1;
        let groups = rng.pick(&[1, 3, 16]);
        let nodes = rng.pick(&[3, 5]);
        if is_odd {
            let members = u16::try_from(members).expect("nodes are numbered in 16 bits");
            // The register has an odd number of members, and every node is one of them.
            self.nodes = if members == 3 { nodes } else { 5 };
            self.spares = self.nodes - members;
            self.copies = copies;
            self.groups = groups;
        }
    }

    /// The members of a group, in order: all nodes but its spares, which are others for other groups.
    #[must_use]
    pub fn members_of(&self, group: GroupId) -> Vec<NodeId> {
        let is_spare = |node: &NodeId| (node.0 - 1 + group.0) % self.nodes < self.spares;
        let has_part = |node: &NodeId| {
            self.seats.get(usize::from(node.0) - 1).is_none_or(|seat| seat.role.is_some())
        };
        let nodes = self.node_ids().into_iter();
        nodes.filter(|node| !is_spare(node) && has_part(node)).collect()
    }

    /// Some worlds in which every node is a member of every group have one that is not full, or zones.
    fn place(&mut self, rng: &mut Rng) {
        let (kind, odd_one) = (rng.below(12), rng.index(usize::from(self.nodes)));
        let learns = self.nodes == 5 && self.copies < 5;
        if self.spares > 0 {
            return;
        }
        let role = match kind {
            0..2 => MemberRole::Witness,
            2 if learns => MemberRole::Learner,
            3 => return *self = self.clone().with_zones(),
            _ => return,
        };
        let seat = |node: u16| {
            let role = if usize::from(node) == odd_one { role } else { MemberRole::Full };
            Seat { role: Some(role), region: node, zone: 0 }
        };
        self.seats = (0..self.nodes).map(seat).collect();
    }

    /// The code that nodes run at first: the newest, unless some of the run is to replace it.
    #[must_use]
    pub fn first_code(&self) -> Code {
        let rolls = self.rates.iter().any(|rate| rate.fault == Fault::Roll);
        if rolls { Code::default() } else { self.newest_code() }
    }

    /// The newest code there is.
    #[must_use]
    pub const fn newest_code(&self) -> Code {
        Code::up_to(2)
    }

    /// All nodes.
    #[must_use]
    pub fn node_ids(&self) -> Vec<NodeId> {
        (1..=self.nodes).map(NodeId).collect()
    }

    /// The groups' first configurations.
    #[must_use]
    pub fn configs(&self) -> Vec<(GroupId, Config)> {
        let config = |group| {
            let nodes = self.members_of(group);
            if self.seats.is_empty() {
                return Config::new(ConfigId(1), nodes, self.copies);
            }
            let members = nodes.into_iter().filter_map(|node| {
                let seat = self.seats.get(usize::from(node.0) - 1)?;
                let place = Place { region: RegionId(seat.region), zone: ZoneId(seat.zone) };
                Some(Member { node, role: seat.role?, place })
            });
            Config::placed(ConfigId(1), members.collect(), self.copies, self.spread)
        };
        let config = |group| {
            let config = config(group).expect("drawn copies and regions can be had");
            config.with_terms(self.terms)
        };
        (0..self.groups).map(|group| (GroupId(group), config(GroupId(group)))).collect()
    }

    /// Whether a node keeps records and no state.
    #[must_use]
    pub fn has_witness(&self) -> bool {
        self.seats.iter().any(|seat| seat.role == Some(MemberRole::Witness))
    }

    /// Whether a node's copies count.
    fn counts(&self, node: usize) -> bool {
        let seat = self.seats.get(node);
        seat.is_none_or(|seat| matches!(seat.role, Some(MemberRole::Full | MemberRole::Witness)))
    }

    /// Whether a node runs the groups' models.
    #[must_use]
    pub fn runs_models(&self, node: usize) -> bool {
        let seat = self.seats.get(node);
        seat.is_none_or(|seat| matches!(seat.role, Some(MemberRole::Full | MemberRole::Learner)))
    }

    /// How many nodes may stay dead while every group and the register can go on: a commit, a seal
    /// without the home, and a majority must be left.
    #[must_use]
    pub fn dead_max(&self) -> usize {
        let nodes = usize::from(self.nodes);
        let counted = (0..nodes).filter(|node| self.counts(*node)).count();
        let counted = counted - usize::from(self.spares);
        // With copies in several regions, fewer than these could seal in some layouts, never in all.
        let seal = counted - self.copies + 1;
        let for_register = nodes - (nodes / 2 + 1);
        let for_groups = counted.saturating_sub(self.copies.max(seal));
        for_register.min(for_groups)
    }

    /// What node `me` is told.
    #[must_use]
    pub fn node_options(&self, me: NodeId) -> NodeOptions {
        NodeOptions {
            group: GroupOptions {
                me,
                window_records: self.window_records,
                budget_records: 4 * self.window_records,
                budget_us: 30 * SECOND,
                held_bytes_max: self.held_bytes_max,
                desk_bytes_max: 4_000,
                resend_us: 300 * MILLI,
                handoff_us: SECOND,
                beat_us: SECOND,
                patience_us: 2 * SECOND,
                forwarded_wait_us: 2 * SECOND,
                ahead_us_max: SECOND,
                snapshot_work: self.snapshot_work,
                snapshot_us: self.snapshot_us,
                mutant: self.mutant,
            },
            nodes: self.node_ids(),
            pulse_us: 200 * MILLI,
            look_us: 200 * MILLI,
            policy: Policy {
                automatic: true,
                detect_us: 2 * SECOND,
                vantage_points: 2,
                residence_us: 5 * SECOND,
                stagger_us: 300 * MILLI,
            },
            skew_us_max: SKEW_US_MAX,
            disk_us_max: DISK_US_MAX,
            trim: self.trim,
            floor_step_bytes: 1,
            propose_us: SECOND,
        }
    }

    /// What node `me`'s seat in the register is told.
    #[must_use]
    pub fn register_options(&self, me: NodeId) -> register::Options {
        register::Options {
            node: me,
            members: self.node_ids(),
            genesis: self.configs(),
            tick_us: 100 * MILLI,
            election_ticks: 6,
            resend_ticks: 4,
            retry_us: 500 * MILLI,
            proposal_timeout_us: 3 * SECOND,
        }
    }
}

/// How far a clock may be off the others'.
const SKEW_US_MAX: u64 = SECOND;

/// How long a write may take before a node fences itself off.
pub(crate) const DISK_US_MAX: u64 = 3 * SECOND;
