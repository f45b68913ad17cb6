//! What must hold in every world, checked from outside all nodes at once (PROTOCOL 8a).
//!
//! The checkers see what no node can: every chain, every promise on the wire, every answer to every
//! client. They keep the truth of each group as it became known first and compare everything later
//! with it. A forced switch may lose what was committed; what it may have lost is taken out of the
//! truth, and nothing else.

mod answers;
mod between;
mod damage;
mod early;
mod reads;
mod snapshots;
pub(crate) mod state;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use group::Node;
use types::{Config, Epoch, EpochTable, GroupId, Hash, MessageId, NodeId, Seq, Stamp, Start, Tail};

use crate::names::Names;
use crate::{App, net::Index};

pub use reads::Look;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name: a number of PROTOCOL 8a, or a word for what is not numbered there.
    pub invariant: &'static str,
    /// What was seen.
    pub detail: String,
}

/// All that is known of all groups.
#[derive(Clone, Debug, Default)]
pub struct Check {
    truths: BTreeMap<GroupId, Truth>,
    seen: BTreeMap<(Index, GroupId), Seen>,
    kept: BTreeMap<(Index, GroupId), Kept>,
    /// Up to where those can read a group that know of a hole in it.
    whole: BTreeMap<(Index, GroupId), Seq>,
    /// The last commit of each group whose copies were counted.
    counted: BTreeMap<GroupId, Tail>,
    /// Ends of the chains below new epochs, whose copies are still to be counted.
    /// The furthest that each group has come, for what is between groups.
    furthest: BTreeMap<GroupId, between::Furthest>,
    /// Disks that were replaced, and the newest epoch that their groups had then.
    replaced: BTreeMap<(Index, GroupId), Epoch>,
    opened: Vec<(GroupId, Tail, Config)>,
    /// The world's time.
    now: u64,
    /// Whether all clocks of this world are as right as a cluster is told that they are.
    pub(crate) has_good_clocks: bool,
    /// What was seen of a group at a cut first.
    cuts: BTreeMap<(Stamp, GroupId), (Seq, Hash)>,
    /// How often the register was begun anew by force, as each host knows, and who was given up at the last
    /// time.
    forces: BTreeMap<Index, usize>,
    given_up: BTreeSet<Index>,
    /// Who was known to those who were left then.
    known: BTreeSet<Index>,
    names: Names,
    /// Whether an operator has used force, which takes what copies there are.
    is_forced: bool,
    /// Hosts whose memory or code is wrong on purpose: what they come to proves nothing.
    excused: BTreeSet<Index>,
    /// Whether there ever was one: what it said may still be on its way when it is mended.
    was_excused: bool,
    /// How often each invariant was looked at with something at stake.
    looked: BTreeMap<&'static str, u64>,
    violation: Option<Violation>,
}

/// The truth of one group.
#[derive(Clone, Debug, Default)]
struct Truth {
    /// How often the register was begun anew by force, and the group's version in it.
    version: (usize, u64),
    /// The registered history.
    table: EpochTable,
    /// From where on forced epochs have taken back what was committed, where that is below their start: the
    /// register knew nothing of the epochs in which it was.
    lost: BTreeMap<Epoch, Seq>,
    homes: BTreeMap<Epoch, NodeId>,
    records: BTreeMap<(Epoch, Seq), Hash>,
    /// By hash: where a record stands and which one is before it.
    links: BTreeMap<Hash, (Tail, Hash)>,
    /// Hash of each committed record, from seq 1.
    committed: Vec<Hash>,
    /// When each of them was first known to be, by the true clock.
    committed_at: Vec<u64>,
    /// The stamp of each of them.
    stamps: Vec<Stamp>,
    /// Trail after each applied record.
    trails: BTreeMap<Hash, Hash>,
    /// Records up to which, as disks said, every full member has a snapshot.
    bases: BTreeSet<(Seq, Hash)>,
    /// Digest of the state after some applied records.
    digests: BTreeMap<Hash, Hash>,
    told: BTreeMap<MessageId, Told>,
    /// Ids said to belong to content of this digest.
    owners: BTreeMap<MessageId, Hash>,
    /// What was told before its commit.
    early: early::Early,
    /// Contents said to have come too late, and the latest time that was too early for them.
    expired: BTreeMap<(MessageId, Hash), Stamp>,
}

/// An outcome that a client was told.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    digest: Hash,
    seq: Seq,
    stamp: Stamp,
    outcome: bytes::Bytes,
}

/// What one life of a node has shown of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    tail: Tail,
    commit: Seq,
    applied: Seq,
    epoch: Epoch,
    promised: Epoch,
    home: Option<Epoch>,
    durable: Seq,
}

/// What a node may not forget of a group, over all its lives.
#[derive(Clone, Debug, Default)]
struct Kept {
    /// The highest epoch that it sealed on the wire.
    sealed: Epoch,
    /// For each epoch of records, the last one that it called durable.
    durable: BTreeMap<Epoch, Tail>,
}

impl Check {
    /// What did not hold, if anything.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Notes the first thing that did not hold.
    pub fn fail(&mut self, invariant: &'static str, detail: String) {
        self.violation.get_or_insert(Violation { invariant, detail });
    }

    /// How often each invariant was looked at where it could have been broken: a check that is never
    /// reached holds nothing.
    #[must_use]
    pub const fn looked(&self) -> &BTreeMap<&'static str, u64> {
        &self.looked
    }

    /// What a host knows of the register being begun anew by force.
    fn lineage(&mut self, host: Index, node: &Node<App>) -> usize {
        let roster = node.register().state().roster();
        let known = crate::world::forces(roster);
        let newest = self.forces.values().max().copied().unwrap_or_default();
        if known > newest {
            let given_up = roster.known().filter(|node| roster.was_given_up(*node));
            self.given_up = given_up.map(|node| self.names.host(node)).collect();
            self.known = roster.known().map(|node| self.names.host(node)).collect();
        }
        self.forces.insert(host, known);
        known
    }

    /// Whether a host was given up and has not heard of it, or was admitted by such alone: what it decides and
    /// commits with others like it is in no history. That is the price of force; all that it says is
    /// still held against I1 and I2.
    #[must_use]
    pub fn is_stale(&self, host: Index) -> bool {
        let newest = self.forces.values().max().copied().unwrap_or_default();
        let known = self.forces.get(&host).copied().unwrap_or_default();
        known < newest && (self.given_up.contains(&host) || !self.known.contains(&host))
    }

    /// Whether a host is in an epoch which those opened who were given up, and has not heard of it either, or
    /// was given up itself: it hears of the register before it hears where its records part.
    pub(crate) fn is_astray(&self, host: Index, group: GroupId, epoch: Epoch) -> bool {
        let newest = self.forces.values().max().copied().unwrap_or_default();
        let known = self.forces.get(&host).copied().unwrap_or_default();
        let is_theirs = |truth: &Truth| {
            let home = truth.homes.get(&epoch).map(|home| self.names.host(*home));
            let is_history = truth.table.starts().iter().any(|start| start.epoch == epoch);
            let is_gone = |home| self.given_up.contains(&home) || !self.known.contains(&home);
            !is_history && home.is_some_and(is_gone)
        };
        let may_be = known < newest || self.given_up.contains(&host);
        may_be && self.truths.get(&group).is_some_and(is_theirs)
    }

    /// A host's node has this id.
    pub(crate) fn named(&mut self, host: Index, node: NodeId) {
        self.names.name(host, node);
    }

    /// An operator uses force.
    pub const fn forced(&mut self) {
        self.is_forced = true;
    }

    /// What this host's models come to is wrong on purpose from here on.
    pub fn excuse(&mut self, host: Index) {
        self.excused.insert(host);
        self.was_excused = true;
    }

    /// Whether what this host's models come to proves nothing.
    #[must_use]
    pub fn is_excused(&self, host: Index) -> bool {
        self.excused.contains(&host)
    }

    /// A host says that its state is another than others'. That must have a reason.
    pub fn differed(&mut self, host: Index, group: GroupId, seq: Seq) {
        if !self.was_excused {
            self.fail("I9", format!("n{} {group} differs from others at {seq}", host + 1));
        }
    }

    /// A host has come to what the others have.
    pub fn mended(&mut self, host: Index) {
        self.excused.remove(&host);
    }

    pub(crate) fn count(&mut self, invariant: &'static str) {
        *self.looked.entry(invariant).or_default() += 1;
    }

    /// Records known to be committed in a group.
    #[must_use]
    pub fn committed(&self, group: GroupId) -> usize {
        self.truths.get(&group).map_or(0, |truth| truth.committed.len())
    }

    /// Ids of which a client was told the outcome.
    #[must_use]
    pub fn told(&self, group: GroupId) -> usize {
        self.truths.get(&group).map_or(0, |truth| truth.told.len())
    }

    /// A node was built from its disk: nothing that it promised or called durable may be missing.
    pub fn recovered(&mut self, host: Index, node: &Node<App>) {
        self.seen.retain(|(of, _), _| *of != host);
        self.forgive(host, node);
        for group in node.groups() {
            let kept = self.kept.entry((host, group.id())).or_default().clone();
            if kept.sealed > Epoch(0) {
                self.count("I4");
            }
            if group.promised() < kept.sealed {
                let (promised, sealed) = (group.promised(), kept.sealed);
                let detail =
                    format!("n{} {} sealed {sealed}, woke at {promised}", host + 1, group.id());
                self.fail("I4", detail);
            }
        }
        self.holds_all(host, node);
    }

    /// A node's disk was replaced: it cannot know what it promised and held.
    pub fn replaced(&mut self, host: Index) {
        self.kept.retain(|(of, _), _| *of != host);
        for (group, truth) in &self.truths {
            self.replaced.insert((host, *group), truth.table.epoch());
        }
        self.forget_early();
    }

    /// A folder was emptied and its node started under its old id.
    pub(crate) fn emptied(&mut self, host: Index, runs: bool) {
        self.count("I14");
        if runs {
            self.fail("I14", format!("n{} runs under its old id on an empty folder", host + 1));
        }
    }

    /// A member speaks of what it holds under `epoch`: if its disk was replaced, that epoch has begun
    /// since (I14). What the lost disk had acknowledged and promised until then it cannot know.
    fn is_not_blank(&mut self, host: Index, group: GroupId, epoch: Epoch) {
        let Some(replaced_in) = self.replaced.get(&(host, group)).copied() else { return };
        self.count("I14");
        if epoch <= replaced_in {
            let detail = format!(
                "n{} {group}: counts in {epoch}, and its disk was replaced in {replaced_in}",
                host + 1
            );
            self.fail("I14", detail);
        }
    }

    /// Whether the record with this head has `at` before it, or is it.
    pub(crate) fn leads(&self, group: GroupId, head: Hash, at: Tail) -> bool {
        let truth = self.truths.get(&group);
        truth.is_some_and(|truth| leads(&truth.links, head, at))
    }

    /// Everything that the node ever called durable is in its chain or in exactly one orphan run.
    pub fn holds_all(&mut self, host: Index, node: &Node<App>) {
        for group in node.groups() {
            let Some(kept) = self.kept.get(&(host, group.id())) else { continue };
            let Some(truth) = self.truths.get(&group.id()) else { continue };
            let mut fault = None;
            let mut looks = 0;
            for tail in kept.durable.values() {
                let mut at = *tail;
                while at.seq > Seq(0) && !group.chain().passes(at) && !truth.leads(group, at) {
                    if group.chain().hole_at(at.seq).is_some() {
                        // Lost, known to be lost, and to be put back.
                        let Some((_, previous)) = truth.links.get(&at.hash) else { break };
                        let Some((before, _)) = truth.links.get(previous) else { break };
                        at = *before;
                        continue;
                    }
                    let faults = group.faults();
                    let open = faults.last().filter(|fault| fault.last.is_none());
                    looks += 1;
                    let runs = group.orphans().iter().filter(|run| {
                        run.epoch == at.epoch && run.first <= at.seq && at.seq <= run.last
                    });
                    let runs = runs.count();
                    // It may have held more, and says so: what, is for the others to tell.
                    let is_in_doubt = runs == 0 && open.is_some_and(|open| at.seq >= open.first);
                    if runs != 1 && !is_in_doubt {
                        fault = Some(format!(
                            "n{} {}: ({}, {}) was durable, is off the chain and in {runs} runs",
                            host + 1,
                            group.id(),
                            at.epoch,
                            at.seq
                        ));
                    }
                    let Some((_, previous)) = truth.links.get(&at.hash) else { break };
                    let Some((before, _)) = truth.links.get(previous) else { break };
                    at = *before;
                }
            }
            *self.looked.entry("I11").or_default() += looks;
            if let Some(detail) = fault {
                self.fail("I11", detail);
            }
        }
    }
}

impl Truth {
    /// Whether the record at which the group's chain begins, by a snapshot, has `at` before it.
    fn leads(&self, group: &group::Group<App>, at: Tail) -> bool {
        leads(&self.links, group.chain().base().hash, at)
    }

    /// Whether a node that knows `table` has not heard of a forced switch that took back `seq`.
    fn is_overtaken(&self, table: &EpochTable, seq: Seq) -> bool {
        let forced = self.table.starts().iter().filter(|start| start.forced);
        let mut unknown = forced.filter(|start| start.epoch > table.epoch());
        let from = |start: &Start| self.lost.get(&start.epoch).copied().unwrap_or(start.seq);
        unknown.any(|start| from(start) <= seq)
    }
}

/// Whether `at` is the record with this hash or one before it.
fn leads(links: &BTreeMap<Hash, (Tail, Hash)>, from: Hash, at: Tail) -> bool {
    let mut hash = from;
    while let Some((tail, previous)) = links.get(&hash) {
        if tail.seq <= at.seq {
            return tail.hash == at.hash;
        }
        hash = *previous;
    }
    false
}
