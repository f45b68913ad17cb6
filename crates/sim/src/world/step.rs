//! One step of one node: what has come in goes in, what comes out is carried out, in order.

use std::collections::BTreeSet;

use group::{Effect, FileProgress, Input, NodeEvent, StopReason};
use types::{MemberRole, NodeId, RegionId};

use super::{Event, World};
use crate::Name;
use crate::check::state::Copies;
use crate::disk::Write;
use crate::knobs::{MILLI, SECOND};
use crate::net::Index;

/// Steps that a node may take in a second without being said to spin.
const STEPS_MAX: u64 = 20_000;

impl World {
    /// Puts something into a node's inbox and sees to it that it is handled.
    pub(super) fn give(&mut self, node: Index, input: Input) {
        let host = &mut self.hosts[node];
        if host.node.is_none() {
            return;
        }
        host.inbox.push(input);
        if !host.is_paused && !host.step_planned {
            host.step_planned = true;
            let life = host.life;
            let wait = self.chance.between(5, 100);
            self.plan_in(wait, Event::Step { node, life });
        }
    }

    pub(super) fn step(&mut self, index: Index, life: u64) {
        let runs_models = self.runs_models(index);
        let host = &mut self.hosts[index];
        if host.life != life || host.is_paused {
            return;
        }
        host.step_planned = false;
        let inputs = std::mem::take(&mut host.inbox);
        let now = host.clock.read(self.now);
        let full = inputs.iter().rev().find_map(|input| {
            if let Input::Disk { is_full } = input { Some(*is_full) } else { None }
        });
        // What came in with the news may have been taken before it.
        host.is_told_full &= !inputs.contains(&Input::Disk { is_full: false });
        let Some(node) = &mut host.node else { return };
        if self.now >= host.steps.0 {
            host.steps = (self.now + SECOND, 0);
        }
        host.steps.1 += 1;
        if host.steps.1 > STEPS_MAX {
            self.check.fail("spin", format!("n{} wakes without end", index + 1));
        }
        let mut effects = Vec::new();
        let count = inputs.len() as u64;
        node.handle_all(now, inputs, &mut effects);
        self.check.at(self.now);
        if !host.is_forged {
            self.check.observe(index, node);
        }
        if !runs_models {
            let seat = self.knobs.seats.get(index);
            let has_no_part = seat.is_some_and(|seat| seat.role.is_none());
            self.check.keeps_no_state(index, node, has_no_part);
        }
        let counted: Vec<_> = self
            .check
            .counted(index, node)
            .into_iter()
            .map(|wanted| {
                // Before the register was begun anew their disks did count.
                let state = node.register().group(wanted.group);
                let is_since = state.is_some_and(|state| state.is_since_force(wanted.tail.epoch));
                let roster = node.register().state().roster();
                let all = roster.known().filter(|node| roster.was_given_up(*node));
                let given_up: Vec<NodeId> = all.filter(|_| is_since).collect();
                (wanted, given_up)
            })
            .collect();
        let dies = std::mem::take(&mut host.dies_in_step);
        for (wanted, given_up) in counted {
            let copies = self.copies(&wanted, &given_up);
            self.check.has_copies(&wanted, copies);
        }
        let at = self.now;
        self.trace.note(&[at, 4, index as u64, count, effects.len() as u64], &[], || {
            format!("{at:>10} n{} takes {count} in", index + 1)
        });
        self.note_looks(&effects);
        let keep = if dies { self.chance.index(effects.len() + 1) } else { effects.len() };
        for effect in effects.into_iter().take(keep) {
            self.carry_out(index, effect);
        }
        if dies {
            self.kill(index);
            let wait = self.chance.pick(&[5 * MILLI, 200 * MILLI, 2 * SECOND]);
            self.plan_in(wait, Event::Start { node: index });
        }
        if self.hosts[index].life == life {
            self.hosts[index].is_told_full |= full == Some(true);
            self.sync(index);
            self.plan_wake(index);
        }
    }

    /// On how many disks of members that count a record is, itself or in the state of a snapshot of after
    /// it, and in how many regions. Those that were given up count for nothing.
    fn copies(&self, wanted: &Copies, given_up: &[NodeId]) -> [usize; 2] {
        let Copies { group, tail, .. } = *wanted;
        let has = |node| {
            let said = self.hosts[self.names.host(node)].disk.said();
            let is_in_state = || said.heads(group).any(|head| self.check.leads(group, head, tail));
            !given_up.contains(&node) && (said.has(tail.hash) || is_in_state())
        };
        let holders =
            wanted.config.each().filter(|one| one.role != MemberRole::Learner && has(one.node));
        let regions: Vec<RegionId> = holders.map(|one| one.place.region).collect();
        [regions.len(), regions.iter().collect::<BTreeSet<_>>().len()]
    }

    fn plan_wake(&mut self, index: Index) {
        let host = &mut self.hosts[index];
        let Some(deadline) = host.node.as_ref().and_then(group::Node::next_deadline) else {
            return;
        };
        let at = host.clock.when(deadline).max(self.now + 1);
        if at < host.wake_at {
            host.wake_at = at;
            let life = host.life;
            self.plan(at, Event::Wake { node: index, life, at });
        }
    }

    fn carry_out(&mut self, index: Index, effect: Effect) {
        let now = self.now;
        match effect {
            Effect::Send { to, lane, bytes } => {
                let to = self.names.host(to);
                self.trace.note(&[now, 10, index as u64, to as u64, lane as u64], &bytes, || {
                    crate::report::frame(now, index, to, &bytes)
                });
                self.check.sent(index, self.hosts[index].disk.said(), &bytes);
                self.send(index, to, lane, &bytes);
            }
            Effect::Append { id, kind, bytes } => {
                self.trace.note(&[now, 11, index as u64, id.0], &bytes, || {
                    format!("{now:>10} n{} appends {kind:?} as write {}", index + 1, id.0)
                });
                let host = &mut self.hosts[index];
                if let Some(what) = host.disk.overrun(kind, &bytes, host.is_told_full) {
                    self.check.fail("S28", format!("n{} {what} on a full disk", index + 1));
                }
                self.take_write(index, id, Write::Append(kind, bytes));
            }
            Effect::Superblock { id, group, bytes } => {
                self.trace.note(&[now, 12, index as u64, id.0], &bytes, || {
                    crate::report::blob(now, index, id, group, &bytes)
                });
                self.take_write(index, id, Write::Superblock(group, bytes));
            }
            Effect::Load { id, at } => {
                self.report.reads += 1;
                let life = self.hosts[index].life;
                let takes = self.disk_chance.below(self.knobs.disk.read_us_max) + 1;
                self.plan_in(takes, Event::Read { node: index, life, id, at });
            }
            Effect::SnapshotWrite { group, seq, offset, bytes, is_last } => {
                let end = offset + bytes.len() as u64;
                self.trace.note(&[now, 17, index as u64, seq.0, offset], &bytes, || {
                    format!("{now:>10} n{} writes {group}@{seq} up to {end}", index + 1)
                });
                let host = &mut self.hosts[index];
                host.disk.files.write((group, seq), offset, &bytes, is_last);
                let life = host.life;
                let knobs = self.knobs.disk;
                let takes = self.disk_chance.between(knobs.sync_us_min, knobs.sync_us_max);
                self.plan_in(takes, Event::File { node: index, life, name: (group, seq), end });
            }
            Effect::SnapshotRead { id, group, seq, offset, bytes_max } => {
                let life = self.hosts[index].life;
                let takes = self.disk_chance.below(self.knobs.disk.read_us_max) + 1;
                let name = (group, seq);
                self.plan_in(
                    takes,
                    Event::ReadFile { node: index, life, id, name, offset, bytes_max },
                );
            }
            Effect::SnapshotRemove { group, seq } => {
                self.hosts[index].disk.files.remove((group, seq));
            }
            Effect::Floor { id, start, keep } => {
                self.trace.note(&[now, 18, index as u64, start.0, keep.0], &[], || {
                    let (start, keep) = (start.0, keep.0);
                    format!("{now:>10} n{} reads from {start}, keeps from {keep}", index + 1)
                });
                self.take_write(index, id, Write::Floor(start, keep));
            }
            // Sessions are tried between all machines that there are.
            Effect::Nodes { .. } => {}
            Effect::Answer { to, reply } => {
                self.trace.note(&[now, 13, index as u64, to.0], &[], || {
                    format!("{now:>10} n{} answers {}: {reply:?}", index + 1, to.0)
                });
                self.answer(index, to, reply);
            }
            Effect::Ordered { to, result } => {
                self.trace.note(&[now, 14, index as u64, to.0], &[], || {
                    format!("{now:>10} n{} says of order {}: {result:?}", index + 1, to.0)
                });
                self.report.ordered(result.is_ok());
                self.refusal = result.err();
            }
            Effect::Read { to, result } => {
                self.trace.note(&[now, 22, index as u64, to.0], &[], || {
                    format!("{now:>10} n{} says of read {}: {result:?}", index + 1, to.0)
                });
                self.read_ended(index, to, result);
            }
            Effect::AtCut { to, group } => {
                self.trace.note(&[now, 23, index as u64, to.0, group.0.into()], &[], || {
                    format!("{now:>10} n{} shows {group} at cut {}", index + 1, to.0)
                });
                self.at_cut(index, to, group);
            }
            Effect::Cut { to, result } => self.cut_ended(to, result),
            Effect::Note(event) => self.noted(index, &event),
            Effect::Stop(reason) => {
                self.trace.note(&[now, 15, index as u64], &[], || {
                    format!("{now:>10} n{} stops: {reason}", index + 1)
                });
                self.report.stops += 1;
                if matches!(reason, StopReason::Removed { .. }) {
                    return self.retire(index);
                }
                self.kill(index);
                let wait = self.chance.between(500 * MILLI, 3 * SECOND);
                self.plan_in(wait, Event::Start { node: index });
            }
        }
    }

    /// A piece of a file is written, or cannot be.
    pub(super) fn filed(&mut self, index: Index, life: u64, name: Name, end: u64) {
        if self.hosts[index].life != life {
            return;
        }
        let fails = self.disk_chance.chance(self.knobs.files_ppm / 4);
        let files = &mut self.hosts[index].disk.files;
        let done = if fails {
            files.remove(name);
            FileProgress::Failed
        } else {
            files.end(name)
        };
        let (group, seq) = name;
        self.give(index, Input::SnapshotWritten { group, seq, end, done });
    }

    fn take_write(&mut self, index: Index, id: types::WriteId, write: Write) {
        let host = &mut self.hosts[index];
        let life = host.life;
        if let Some(at) = host.disk.take(id, write) {
            self.plan_in(50, Event::Early { node: index, life, id, at });
        }
    }

    fn noted(&mut self, index: Index, event: &NodeEvent) {
        let now = self.now;
        self.trace.note(&[now, 16, index as u64], &[], || {
            format!("{now:>10} n{} notes {event:?}", index + 1)
        });
        if matches!(event, NodeEvent::SlowDisk { .. }) {
            self.check.count("slow disk");
        }
        let NodeEvent::Group(event) = event else { return };
        self.report.noted(event);
        match event {
            group::Event::Quarantined { .. } if self.hosts[index].is_forged => {}
            group::Event::Quarantined { group, seq, peer } => {
                let detail = format!("n{} {group} at {seq}, by {peer}", index + 1);
                self.check.fail("quarantine", detail);
            }
            group::Event::Unreadable { group, seq } => {
                if !self.hosts[index].disk.is_hit() {
                    self.check.fail("read", format!("n{} {group}: {seq} is unreadable", index + 1));
                }
            }
            group::Event::Malformed { from, error } => {
                self.check.fail("frame", format!("n{} from {from}: {error}", index + 1));
            }
            group::Event::Newer { from, tag } => {
                if self.knobs.newer != Some(*from) {
                    let detail = format!("n{} from {from}: tag {tag}", index + 1);
                    self.check.fail("frame", detail);
                }
            }
            group::Event::Frozen { group, peer, sends, cause } => {
                let detail =
                    format!("n{} {group} with {peer}, sends {sends}: {cause:?}", index + 1);
                self.check.froze(detail);
            }
            group::Event::Differs { group, seq, .. }
            | group::Event::Odd { group, seq, .. }
            | group::Event::StillOdd { group, seq } => {
                self.check.differed(index, *group, *seq);
            }
            group::Event::Reopened { .. } => self.check.count("reopened"),
            group::Event::Mended { .. } => self.check.mended(index),
            group::Event::Agrees { .. }
            | group::Event::Upgraded { .. }
            | group::Event::Degraded { .. }
            | group::Event::Restored { .. }
            | group::Event::Retuned { .. }
            | group::Event::Snapshot { .. }
            | group::Event::SnapshotFailed { .. }
            | group::Event::SnapshotLost { .. }
            | group::Event::Installed { .. }
            | group::Event::Promised { .. }
            | group::Event::Opened { .. }
            | group::Event::Serving { .. }
            | group::Event::Demoted { .. }
            | group::Event::Joined { .. }
            | group::Event::Sealed { .. }
            | group::Event::Orphaned { .. }
            | group::Event::Damaged { .. }
            | group::Event::Repaired { .. } => {}
        }
    }
}
