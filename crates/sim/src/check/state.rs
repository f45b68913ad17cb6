//! Checks on what a node holds after each step.

use group::{Group, Node};
use model::Model;
use sha2::{Digest, Sha256};
use types::{Config, Epoch, GroupId, Hash, Seq, Start, Tail};

use super::{Check, Seen, Truth};
use crate::{App, net::Index};

/// A record that must be on so many disks, and by which rule.
#[derive(Clone, Debug)]
pub(crate) struct Copies {
    rule: &'static str,
    /// The group.
    pub group: GroupId,
    /// The record.
    pub tail: Tail,
    /// Which members count, and how many of them, in how many regions, are wanted.
    pub config: Config,
}

impl Check {
    /// A node has taken a step.
    pub fn observe(&mut self, host: Index, node: &Node<App>) {
        let forces = self.lineage(host, node);
        for (group, state) in node.register().groups() {
            let version = (forces, state.version);
            if !self.is_stale(host) && self.truths.entry(group).or_default().version < version {
                self.registered(group, version, state.history.starts(), &state.config);
            }
        }
        for group in node.groups() {
            self.observe_group(host, group);
        }
    }

    /// A witness, or a node with a vote in the register alone, has taken a step: it runs no model and
    /// leads nobody (PROTOCOL 7.1).
    /// And `has_no_part`: it keeps no records either.
    pub fn keeps_no_state(&mut self, host: Index, node: &Node<App>, has_no_part: bool) {
        self.count("7.1");
        for group in node.groups() {
            let holds = has_no_part && group.tail().seq > Seq(0);
            let applies = group.applied() > Seq(0);
            if holds || applies || group.home_epoch().is_some() || !group.is_free() {
                let detail =
                    format!("n{} {} is no full member and acts as one", host + 1, group.id());
                self.fail("7.1", detail);
            }
        }
    }

    /// What must be on as many disks as a commit takes, as it came up since the last time: what the
    /// node counts as committed where it is home (N3), and the chains below new epochs (F5).
    pub(crate) fn counted(&mut self, host: Index, node: &Node<App>) -> Vec<Copies> {
        if self.is_stale(host) {
            return Vec::new();
        }
        let opened = std::mem::take(&mut self.opened).into_iter();
        let mut counted: Vec<_> = opened
            .map(|(group, tail, config)| Copies { rule: "F5", group, tail, config })
            .collect();
        for group in node.groups().filter(|group| group.home_epoch().is_some()) {
            let Some(tail) = group.chain().tail_at(group.commit()) else { continue };
            // What was committed before is there by the rules of then, and by force on fewer disks than are
            // wanted from there on.
            let start = group.table().last().map_or(Seq(0), |start| start.seq);
            if self.is_forced && tail.seq < start {
                continue;
            }
            if self.counted.insert(group.id(), tail) != Some(tail) {
                let config = group.config().clone();
                counted.push(Copies { rule: "W2", group: group.id(), tail, config });
            }
        }
        counted.retain(|copies| copies.tail.seq > Seq(0));
        counted
    }

    /// A record is on so many disks of members that count, in so many regions.
    pub(crate) fn has_copies(&mut self, wanted: &Copies, [copies, regions]: [usize; 2]) {
        let Copies { rule, group, tail, ref config } = *wanted;
        let (wanted, spread) = (config.copies(), config.spread());
        self.count(rule);
        if copies < wanted || regions < spread {
            let seq = tail.seq;
            let detail = format!(
                "{group}: {seq} is on {copies} disks of {wanted}, in {regions} regions of {spread}"
            );
            self.fail(rule, detail);
        }
    }

    fn observe_group(&mut self, host: Index, group: &Group<App>) {
        let id = group.id();
        let seen = self.seen.entry((host, id)).or_default().clone();
        let now = Seen {
            tail: group.tail(),
            commit: group.commit(),
            applied: group.applied(),
            epoch: group.table().epoch(),
            promised: group.promised(),
            home: group.home_epoch(),
            durable: group.durable(),
        };
        self.knows_whole(host, group);
        // Most steps touch one group of many.
        if now == seen {
            return;
        }
        self.index(host, group, seen.tail);
        if seen.tail == Tail::default() {
            self.base(host, group);
        }
        self.claim(host, group);
        if let Some(epoch) = now.home {
            self.home(host, id, epoch);
        }
        self.count("I16");
        if now.promised < seen.promised {
            let detail = format!("n{} {id}: promise fell to {}", host + 1, now.promised);
            self.fail("I4", detail);
        }
        let forced =
            group.table().starts().iter().any(|start| start.forced && start.epoch > seen.epoch);
        if now.commit < seen.commit && !forced {
            let (from, to) = (seen.commit, now.commit);
            self.fail("I16", format!("n{} {id}: W2 fell from {from} to {to}", host + 1));
        }
        if now.applied < seen.applied && !forced && !self.excused.contains(&host) {
            let (from, to) = (seen.applied, now.applied);
            self.fail("I16", format!("n{} {id}: applied fell from {from} to {to}", host + 1));
        }
        if now.applied > now.commit
            || now.commit > group.durable()
            || group.durable() > now.tail.seq
        {
            let detail = format!(
                "n{} {id}: applied {}, W2 {}, W1 {}, appended {}",
                host + 1,
                now.applied,
                now.commit,
                group.durable(),
                now.tail.seq
            );
            self.fail("I16", detail);
        }
        if now.commit > seen.commit {
            self.rule_n3(host, group, &seen, &now);
        }
        if now.commit != seen.commit || forced {
            let was_home = seen.home.is_some();
            self.commits(host, group, if forced { Seq(0) } else { seen.commit }, was_home);
        }
        if now.applied != seen.applied {
            self.applied(host, group);
            self.between(group);
        }
        self.seen.insert((host, id), now);
    }

    /// Takes new records into the index, back to what is known.
    fn index(&mut self, host: Index, group: &Group<App>, known: Tail) {
        let tail = group.tail();
        if tail == known {
            return;
        }
        let truth = self.truths.entry(group.id()).or_default();
        let (mut fault, mut looks) = (None, 0);
        let mut seq = tail.seq;
        while let Some(link) = group.chain().link(seq) {
            if truth.links.contains_key(&link.hash) {
                looks += 1;
                break;
            }
            let previous = group.chain().tail_at(seq.prev()).map_or(Hash::ZERO, |tail| tail.hash);
            let at = Tail { epoch: link.epoch, seq, hash: link.hash };
            truth.links.insert(link.hash, (at, previous));
            let first = *truth.records.entry((link.epoch, seq)).or_insert(link.hash);
            if first != link.hash {
                fault = Some(format!(
                    "{} ({}, {seq}) is {first} and, at n{}, {}",
                    group.id(),
                    link.epoch,
                    host + 1,
                    link.hash
                ));
            }
            seq = seq.prev();
        }
        *self.looked.entry("I2").or_default() += looks;
        if let Some(detail) = fault {
            self.fail("I2", detail);
        }
    }

    /// What is durable now may not be forgotten.
    fn claim(&mut self, host: Index, group: &Group<App>) {
        let Some(tail) = group.chain().tail_at(group.durable()) else { return };
        let kept = self.kept.entry((host, group.id())).or_default();
        let last = kept.durable.entry(tail.epoch).or_insert(tail);
        if last.seq < tail.seq {
            *last = tail;
        }
    }

    /// One appender per epoch.
    pub(super) fn home(&mut self, host: Index, group: GroupId, epoch: Epoch) {
        let me = self.names.id(host);
        self.count("I1");
        let first = *self.truths.entry(group).or_default().homes.entry(epoch).or_insert(me);
        if first != me {
            self.fail("I1", format!("{group} {epoch}: homes {first} and {me}"));
        }
    }

    /// Rule N3: a home moves the watermark only to records of its own epoch.
    fn rule_n3(&mut self, host: Index, group: &Group<App>, seen: &Seen, now: &Seen) {
        let start = group.table().last().map_or(Seq(0), |start| start.seq);
        if now.home.is_none() || seen.home != now.home {
            return;
        }
        self.count("N3");
        if now.commit < start {
            let detail = format!(
                "n{} {}: home counted {} as committed, its epoch starts at {start}",
                host + 1,
                group.id(),
                now.commit
            );
            self.fail("N3", detail);
        }
    }

    /// What a node holds for committed is what all hold for committed.
    fn commits(&mut self, host: Index, group: &Group<App>, from: Seq, was_home: bool) {
        if self.is_stale(host) || self.is_astray(host, group.id(), group.table().epoch()) {
            return;
        }
        let truth = self.truths.entry(group.id()).or_default();
        let (mut fault, mut looks, mut first) = (None, 0, None);
        let base = group.chain().base();
        let mut seq = from.max(base.seq.prev()).next();
        if seq == base.seq && seq > Seq(0) {
            let known = usize::try_from(seq.0 - 1).ok().and_then(|at| truth.committed.get(at));
            if known.is_some_and(|hash| *hash != base.hash)
                && !truth.is_overtaken(group.table(), seq)
            {
                fault = Some(format!("{} goes on from another {seq}", group.id()));
            }
            seq = seq.next();
        }
        while seq <= group.commit() && !truth.is_overtaken(group.table(), seq) {
            let Some(link) = group.chain().link(seq) else { break };
            let known = usize::try_from(seq.0 - 1).ok().and_then(|at| truth.committed.get(at));
            match known {
                Some(hash) if *hash == link.hash => looks += 1,
                Some(hash) => {
                    fault = Some(format!(
                        "{} seq {seq}: {hash} is committed, n{} committed {}",
                        group.id(),
                        host + 1,
                        link.hash
                    ));
                    break;
                }
                None => {
                    truth.committed.push(link.hash);
                    truth.committed_at.push(self.now);
                    truth.stamps.push(link.stamp);
                    // Only a home counts copies, at the latest in the step in which it hands over: all
                    // others hear of it after it has. With the register begun anew, the home may have
                    // been one that nobody listens to any more: what it counted is history up to where
                    // the register says that an epoch began.
                    let is_history =
                        self.is_forced && truth.table.last().is_some_and(|start| seq < start.seq);
                    if group.home_epoch().is_none() && !was_home && !is_history {
                        first = Some(seq);
                    }
                }
            }
            seq = seq.next();
        }
        *self.looked.entry("I3").or_default() += looks;
        if let Some(detail) = fault {
            self.fail("I3", detail);
        }
        if let Some(seq) = first {
            let detail = format!("n{} {}: {seq} is W2 at no home", host + 1, group.id());
            self.fail("I16", detail);
        }
    }

    /// The same records give the same state, everywhere and at every replay.
    fn applied(&mut self, host: Index, group: &Group<App>) {
        let id = group.id();
        if self.excused.contains(&host) {
            return;
        }
        self.count("I8");
        if let Some((invariant, fault)) = group.model().fault() {
            self.fail(invariant, format!("n{} {id}: {fault}", host + 1));
        }
        let Some(link) = group.chain().tail_at(group.applied()) else { return };
        if link.seq == Seq(0) {
            return;
        }
        let truth = self.truths.entry(id).or_default();
        let is_known = truth.trails.contains_key(&link.hash);
        let first = *truth.trails.entry(link.hash).or_insert_with(|| group.trail());
        if is_known {
            self.count("I9");
        }
        if first != group.trail() {
            let seq = group.applied();
            self.fail("I9", format!("n{} {id}: another trail at seq {seq}", host + 1));
        }
    }

    /// Equal chains give equal states, to the last bit.
    pub fn digest(&mut self, group: &Group<App>) {
        let Some(link) = group.chain().tail_at(group.applied()) else { return };
        group.model().audit();
        group.channels().assert_invariants();
        let channels = group.channels().digest();
        let digest = Hash(
            Sha256::new_with_prefix(group.model().digest().0)
                .chain_update(channels.0)
                .finalize()
                .into(),
        );
        let truth = self.truths.entry(group.id()).or_default();
        if *truth.digests.entry(link.hash).or_insert(digest) != digest {
            self.fail("I9", format!("{} differs at seq {}", group.id(), group.applied()));
        }
    }

    /// The register has decided.
    fn registered(
        &mut self,
        group: GroupId,
        version: (usize, u64),
        starts: &[Start],
        config: &Config,
    ) {
        let truth = self.truths.entry(group).or_default();
        truth.version = version;
        let (mut fault, mut looks) = (None, 0);
        for start in starts {
            if start.epoch <= truth.table.epoch() {
                continue;
            }
            truth.table.push(*start);
            looks += u64::from(!truth.committed.is_empty());
            if !self.is_forced && start.config == config.id() {
                let (epoch, seq, hash) = (Epoch(0), start.seq.prev(), start.hash);
                self.opened.push((group, Tail { epoch, seq, hash }, config.clone()));
            }
            if start.forced {
                // With the register lost, epochs may be missing from the history below the start as well.
                let from = if version.0 > 0 { truth.parts_from(start) } else { start.seq };
                truth.lost.insert(start.epoch, from);
                truth.give_up(from);
            } else if !truth.contains_committed(start) {
                fault = Some(format!(
                    "{group} {} starts at {} without all of the {} committed",
                    start.epoch,
                    start.seq,
                    truth.committed.len()
                ));
            }
        }
        *self.looked.entry("I5").or_default() += looks;
        if let Some(detail) = fault {
            self.fail("I5", detail);
        }
    }
}

impl Truth {
    /// Whether the chain below `start` contains everything committed.
    fn contains_committed(&self, start: &Start) -> bool {
        let count = self.committed.len() as u64;
        let mut hash = start.hash;
        let mut seq = start.seq.prev();
        while seq.0 > count {
            let Some((_, previous)) = self.links.get(&hash) else { return false };
            hash = *previous;
            seq = seq.prev();
        }
        seq.0 == count && self.committed.last().is_none_or(|last| *last == hash)
    }

    /// The first seq at which the chain below `start` is not what was committed, at most its own.
    fn parts_from(&self, start: &Start) -> Seq {
        let (mut hash, mut seq, mut from) = (start.hash, start.seq.prev(), start.seq);
        while seq > Seq(0) {
            let known = usize::try_from(seq.0 - 1).ok().and_then(|at| self.committed.get(at));
            if known.is_some_and(|known| *known != hash) {
                from = seq;
            }
            let Some((_, previous)) = self.links.get(&hash) else { break };
            hash = *previous;
            seq = seq.prev();
        }
        from
    }

    /// Takes out what a forced switch may have lost: everything from `seq` on.
    fn give_up(&mut self, seq: Seq) {
        let keep = usize::try_from(seq.prev().0).unwrap_or(usize::MAX);
        self.committed.truncate(keep);
        self.committed_at.truncate(keep);
        self.stamps.truncate(keep);
        self.told.retain(|_, told| told.seq < seq);
        self.owners.clear();
        self.expired.clear();
    }
}
