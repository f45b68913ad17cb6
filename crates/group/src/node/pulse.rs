//! Signs of life: a small record that proves that the disk works, and what is told and heard with it
//! (PROTOCOL 7.10).

use alloc::vec::Vec;

use model::Model;
use types::{NodeId, Now, Position};
use wire::log::Kind;
use wire::{GroupMessage, HomeReport, Message, Pulse, Writer};

use super::effect::{Effect, Lane, StopReason};
use super::{Node, Owner};

impl<M: Model> Node<M> {
    /// Stops the node when its disk has not completed a write for too long (N2, 7.10). A node that
    /// itself stood still has not watched its disk: its writes get the full time again, and the others
    /// will have refused it if it was away for too long.
    pub(super) fn fence(&mut self, now: Now, out: &mut Vec<Effect>) {
        let away_us = now.instant.since(self.stepped);
        self.stepped = now.instant;
        if away_us > AWAY_PULSES * self.options.pulse_us {
            for (.., at) in &mut self.writes {
                *at = now.instant;
            }
        }
        for (.., at) in self.writes.iter_mut().rev().take_while(|(.., at)| at.0 == u64::MAX) {
            *at = now.instant;
        }
        let Some((.., at)) = self.writes.front() else { return };
        let waited_us = now.instant.since(*at);
        if waited_us >= self.options.disk_us_max {
            self.stop(StopReason::DiskStalled { waited_us }, out);
        }
    }

    /// Nothing is handled after this.
    pub(super) fn stop(&mut self, reason: StopReason, out: &mut Vec<Effect>) {
        self.stopped = true;
        out.push(Effect::Stop(reason));
    }

    /// Begins a pulse: a small record with the watermarks that the log does not know yet. Only once
    /// it is durable do the others hear of it.
    pub(super) fn pulse(&mut self, now: Now, out: &mut Vec<Effect>) {
        if self.is_pulsing || now.instant < self.next_pulse {
            return;
        }
        self.is_pulsing = true;
        self.next_pulse = now.instant.after(self.options.pulse_us);
        let mut moved = Vec::new();
        for (id, group) in &self.groups {
            let commit = group.commit();
            if self.logged.get(id).copied().unwrap_or_default() < commit {
                self.logged.insert(*id, commit);
                moved.push((*id, commit));
            }
        }
        let mut bytes = Vec::with_capacity(4 + moved.len() * 10);
        let mut writer = Writer::new(&mut bytes);
        writer.count(moved.len());
        for (id, commit) in moved {
            writer.u16(id.0).u64(commit.0);
        }
        self.copies.write(&mut writer);
        let id = self.write(Owner::Pulse);
        out.push(Effect::Append { id, kind: Kind::Pulse, bytes: bytes.into() });
    }

    /// The pulse is durable: everyone hears of it, and of the groups whose home this node is.
    pub(super) fn pulsed(&mut self, now: Now, at: Position, out: &mut Vec<Effect>) {
        self.is_pulsing = false;
        self.pulses += 1;
        self.move_floor(now, at, out);
        let mut homes = Vec::new();
        for group in self.groups.values() {
            let Some(epoch) = group.home_epoch() else { continue };
            let commit = group.commit();
            let (head, closed) = (group.chain().tail_at(commit), group.chain().stamp_at(commit));
            homes.push(HomeReport {
                group: group.id(),
                epoch,
                commit,
                head: head.map(|tail| tail.hash).unwrap_or_default(),
                closed: closed.unwrap_or_default(),
                stalled: group.stalled_us(now) >= self.options.group.patience_us,
            });
        }
        let seen = self.watch.says(now.instant);
        let wall = self.clocks.own(now.instant);
        let pulse = Message::Pulse(Pulse { durable: self.pulses, wall, seen, homes });
        for node in self.options.nodes.iter().filter(|node| **node != self.options.group.me) {
            self.frames.entry((*node, Lane::Log)).or_default().push(&pulse);
        }
        self.speak();
    }

    /// Another node's pulse: it lives, and its groups' watermarks stand there.
    pub(super) fn hear(&mut self, now: Now, from: NodeId, pulse: &Pulse, out: &mut Vec<Effect>) {
        self.watch.pulse(from, pulse.durable, &pulse.seen, now.instant);
        self.clocks.hear(from, pulse.wall, now.instant);
        self.relay(now, from, &pulse.seen);
        for home in &pulse.homes {
            match self.stalled.get(&home.group) {
                Some((epoch, _)) if *epoch > home.epoch => {}
                Some((epoch, _)) if *epoch == home.epoch && home.stalled => {}
                _ if home.stalled => {
                    self.stalled.insert(home.group, (home.epoch, now.instant));
                }
                _ => {
                    self.stalled.remove(&home.group);
                }
            }
            let commit = GroupMessage::Commit { commit: home.commit };
            self.drive(home.group, out, |group, outs| {
                group.message(now, from, home.epoch, commit, outs);
            });
        }
    }
}

/// A node wakes for every pulse. One that took no step for this many stood still.
pub(super) const AWAY_PULSES: u64 = 4;
