//! Power: starts, losses of it, and nodes that stand still for a while.

use std::collections::BTreeMap;

use group::{Folder, Group, Input, Node, RecoverError, Recovery};
use register::GroupState;
use types::{Config, GroupId, MemberRole, NodeId, Seq};

use super::{Event, Host, World};
use crate::app::Ray;
use crate::clock::Clock;
use crate::disk::Scanned;
use crate::net::Index;
use crate::{App, Code, Disk};

impl Host {
    pub(super) fn new(disk: Disk, clock: Clock, code: Code) -> Self {
        Self {
            node: None,
            life: 0,
            disk,
            folder: Folder::New,
            clock,
            code,
            ray: Ray::default(),
            is_paused: false,
            is_forged: false,
            is_fenced: false,
            is_retired: false,
            has_lost_vote: false,
            is_told_full: false,
            pauses: 0,
            dies_in_step: false,
            inbox: Vec::new(),
            step_planned: false,
            wake_at: u64::MAX,
            steps: (0, 0),
        }
    }
}

impl World {
    /// Starts a node from what its disk holds, unless it runs.
    pub fn start(&mut self, node: Index) {
        let host = &self.hosts[node];
        if host.node.is_some() || host.is_retired || host.is_fenced {
            return;
        }
        if Recovery::<App>::may_start(self.hosts[node].folder).is_err() {
            self.report.refused += 1;
            return;
        }
        self.hosts[node].folder = Folder::Used;
        let mut started = self.recover(node);
        if let Err(RecoverError::Version { .. }) = started {
            // Whoever reads that starts the newer code again.
            self.hosts[node].code = self.knobs.newest_code();
            started = self.recover(node);
        }
        let started = match started {
            Ok(started) => started,
            Err(error) => {
                return self
                    .check
                    .fail("recovery", format!("n{} cannot start: {error:?}", node + 1));
            }
        };
        if !self.hosts[node].is_forged {
            self.check.recovered(node, &started);
        }
        let host = &mut self.hosts[node];
        host.node = Some(started);
        host.life += 1;
        host.is_paused = false;
        host.wake_at = u64::MAX;
        host.is_told_full = false;
        let is_full = host.disk.is_full();
        let (now, life) = (self.now, host.life);
        self.trace.note(&[now, 2, node as u64, life], &[], || {
            format!("{now:>10} n{} starts, life {life}", node + 1)
        });
        self.report.starts += 1;
        self.give(node, Input::Wake);
        if is_full {
            self.give(node, Input::Disk { is_full });
        }
    }

    fn recover(&mut self, node: Index) -> Result<Node<App>, RecoverError> {
        let (me, host) = (self.names.id(node), &mut self.hosts[node]);
        let options = self.knobs.node_options(me);
        let first = self.knobs.configs();
        let blobs: BTreeMap<_, _> = host.disk.blobs().clone();
        let fresh = App::new(self.knobs.app).on(host.code, host.ray.clone());
        let mut recovery = Recovery::new(options, &first, &fresh, &blobs)?;
        recovery.files(host.disk.files.names());
        for mut one in recovery.restorations() {
            while let Some(wanted) = one.wanted() {
                let (group, seq) = (one.group(), wanted.tail.seq);
                let file = host.disk.files.get((group, seq));
                let pieces = file.map_or_else(
                    || vec![None],
                    |file| {
                        let pieces = file.chunks(FILE_PIECE_BYTES);
                        pieces.map(|some| Some(file.slice_ref(some))).collect()
                    },
                );
                // One that is of no use is passed over; what the node then is, is judged like all else.
                let restored = one.restore(pieces.into_iter());
                let now = self.now;
                self.trace.note(&[now, 19, node as u64, seq.0], &[], || {
                    format!("{now:>10} n{} takes in {group}@{seq}: {restored:?}", node + 1)
                });
            }
        }
        if recovery.reads_all()? {
            host.disk.read_all();
        }
        recovery.reads_from(host.disk.start(), host.disk.kept());
        for scanned in host.disk.scan() {
            match scanned {
                Scanned::Record(at, kind, bytes) => recovery.record(at, kind, bytes)?,
                Scanned::Damage(damage) => recovery.damage(&damage),
            }
        }
        host.disk.settle(recovery.examine());
        recovery.finish(self.knobs.register_options(me), host.clock.read(self.now))
    }

    /// A node loses power now.
    pub fn kill(&mut self, node: Index) {
        let host = &mut self.hosts[node];
        if host.node.take().is_none() {
            return;
        }
        host.life += 1;
        host.inbox.clear();
        host.step_planned = false;
        host.dies_in_step = false;
        host.is_paused = false;
        let lost = host.disk.crash(&mut self.disk_chance);
        let trimmed = host.disk.trimmed();
        host.disk.files.crash(&mut self.disk_chance, self.knobs.files_ppm, &trimmed);
        self.report.writes_lost += lost as u64;
        let now = self.now;
        self.trace.note(&[now, 3, node as u64, lost as u64], &[], || {
            format!("{now:>10} n{} loses power and {lost} writes", node + 1)
        });
        if self.knobs.replaces_disks && self.disk_chance.chance(300_000) {
            self.wipe(node);
        }
        self.break_sessions(node);
    }

    /// A node loses power for good.
    pub fn retire(&mut self, node: Index) {
        self.kill(node);
        self.hosts[node].is_retired = true;
    }

    /// A node loses power in its next step, between two effects.
    pub fn kill_in_step(&mut self, node: Index) {
        self.hosts[node].dies_in_step = true;
    }

    /// A node's disk is replaced by an empty one, and somebody marks it for a first start, which is
    /// forbidden. It must not run.
    pub fn wipe(&mut self, node: Index) {
        assert!(self.hosts[node].node.is_none(), "disks are replaced while the power is off");
        self.hosts[node].disk.wipe();
        self.hosts[node].folder = Folder::New;
        self.check.replaced(node);
    }

    /// A node stands still.
    pub fn pause(&mut self, node: Index) {
        let host = &mut self.hosts[node];
        if host.node.is_none() || host.is_paused {
            return;
        }
        host.is_paused = true;
        host.pauses += 1;
        for peer in (0..self.count()).filter(|peer| *peer != node) {
            self.plan_doubt(node, peer);
        }
    }

    /// A node that stood still goes on, with everything that has come in meanwhile.
    pub fn resume(&mut self, node: Index) {
        let host = &mut self.hosts[node];
        if !host.is_paused {
            return;
        }
        host.is_paused = false;
        host.pauses += 1;
        host.step_planned = false;
        self.give(node, Input::Wake);
    }

    /// A node's disk completes nothing for `micros`.
    pub fn stall(&mut self, node: Index, micros: u64) {
        self.hosts[node].disk.stalled_until = self.now + micros;
    }

    /// A node's disk has no room for more commands, or has room again.
    pub fn set_room(&mut self, node: Index, has_room: bool) {
        let is_full = !has_room;
        self.hosts[node].disk.fill(is_full);
        self.give(node, Input::Disk { is_full });
    }

    /// A node's disk has room for snapshots, or none.
    pub fn snapshots_fit(&mut self, node: Index, fits: bool) {
        self.hosts[node].disk.files.is_full = !fits;
    }

    /// A node's wall clock jumps.
    pub fn jump(&mut self, node: Index, micros: i64) {
        self.hosts[node].clock.offset_us += micros;
    }

    /// All disks work, all clocks are nearly right, nobody stands still.
    pub fn mend_hosts(&mut self) {
        for node in 0..self.count() {
            let host = &mut self.hosts[node];
            host.disk.stalled_until = 0;
            if host.disk.is_full() {
                self.set_room(node, true);
            }
            let host = &mut self.hosts[node];
            host.dies_in_step = false;
            host.clock.offset_us = host.clock.offset_us.clamp(-200_000, 200_000);
            self.resume(node);
        }
    }

    pub(super) fn synced(&mut self, node: Index, life: u64) {
        let now = self.now;
        let host = &mut self.hosts[node];
        if host.life != life {
            return;
        }
        if host.disk.stalled_until > now {
            let at = host.disk.stalled_until;
            return self.plan(at, Event::Synced { node, life });
        }
        for (id, at) in host.disk.end_sync() {
            self.give(node, Input::Written { id, at });
        }
        self.look_at_bases(node);
        self.look_at_deleted(node);
        self.sync(node);
    }

    /// A base that nobody had before must be in snapshots of all full members.
    fn look_at_bases(&mut self, node: Index) {
        let bases: Vec<_> = self.hosts[node].disk.said().bases().collect();
        for (group, base) in bases {
            if base.seq == Seq(0) || !self.check.is_new_base(group, base) {
                continue;
            }
            let running = self.hosts[node].node.as_ref();
            let here = running.and_then(|node| node.group(group)).map(Group::config);
            // Who is left out and may come back must have it as well.
            let left_out = running.into_iter().flat_map(|node| {
                let state = node.register().group(group);
                let target = state.and_then(|state| node.target(state));
                let stays =
                    move |node: &NodeId| target.as_ref().is_none_or(|target| target.has(*node));
                let whole = state.and_then(|state| state.whole.as_ref());
                whole.into_iter().flat_map(Config::leaders).filter(stays)
            });
            let leaders = here.into_iter().flat_map(Config::leaders).chain(left_out);
            let has = |node: &NodeId| {
                self.hosts[self.names.host(*node)].disk.said().snapshot(group) >= base.seq
            };
            let lacking: Vec<NodeId> = leaders.filter(|node| !has(node)).collect();
            self.check.based(node, group, base, &lacking);
        }
    }

    /// Whatever a disk no longer has must be in snapshots on enough others.
    fn look_at_deleted(&mut self, node: Index) {
        for record in self.hosts[node].disk.take_deleted() {
            self.report.trimmed += 1;
            let header = *record.header();
            let has = |host: &&Host| host.disk.said().snapshot(header.group) >= header.seq;
            let snapshots = self.hosts.iter().filter(has).count();
            self.check.trimmed(node, &record, [snapshots, self.knobs.copies]);
            if self.keeps_for_witness(node, header.group) {
                self.check.trimmed_to_base(node, header.group, header.seq);
            }
        }
    }

    /// Whether a group has a witness, or is to have one again, as this node follows it: the one of the first
    /// day may have been sent away since, and nobody lacks records any more that a state would not do for.
    fn keeps_for_witness(&self, node: Index, group: GroupId) -> bool {
        let Some(node) = self.hosts[node].node.as_ref() else { return self.knobs.has_witness() };
        let here = node.group(group).map(Group::config);
        let registered = node.register().group(group).map(GroupState::to_be);
        let mut members = here.into_iter().chain(registered).flat_map(Config::each);
        members.any(|member| member.role == MemberRole::Witness)
    }

    /// Begins a sync if something waits for one.
    pub(super) fn sync(&mut self, node: Index) {
        let host = &mut self.hosts[node];
        if host.disk.begin_sync() {
            let (life, knobs) = (host.life, self.knobs.disk);
            let takes = self.disk_chance.between(knobs.sync_us_min, knobs.sync_us_max);
            self.plan_in(takes, Event::Synced { node, life });
        }
    }
}

/// Pieces in which a starting node reads a file: small, so that parts are cut anywhere.
const FILE_PIECE_BYTES: usize = 100;
