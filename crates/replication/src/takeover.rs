//! A takeover, from the first promise to the compare-and-set that makes a home (PROTOCOL F2 to F6).
//!
//! A candidate collects promises until they seal the last active epoch, takes the longest tail that
//! belongs to the registered history as its target, sees to it that enough members hold the chain to
//! that target, and only then asks the register to activate. Every step may be repeated; nothing is
//! acknowledged in the new epoch before it ends.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use types::{Config, ConfigId, Epoch, EpochTable, MemberRole, NodeId, Seq, Tail};
use wire::Fault;

use crate::readable::{self, Held};
use crate::{Mutant, carried, sealed};

/// How far a takeover has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waits for promises.
    Sealing,
    /// Sealed; brings members, itself first, to the target.
    Copying(Tail),
    /// Enough members hold the target; the register has been asked to activate.
    Activating(Tail),
}

/// Why a takeover waits, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// These members' promises would help; any that complete a seal set suffice.
    Promises(Vec<NodeId>),
    /// The registered history reaches this seq and no sealed member's chain does.
    History(Seq),
    /// These members would have to copy the chain. Where all are waited for that have promised, by force or
    /// before a group does without, those of them that have not.
    Copies(Vec<NodeId>),
    /// None of the sealed members can read the record at `seq`, and too few are sure that they never
    /// had it. Any of `from` would help: by having it, by being sure, or by being repaired.
    Record {
        /// The record.
        seq: Seq,
        /// Who would unblock.
        from: Vec<NodeId>,
    },
}

/// A candidate's state for one epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// The epoch being opened.
    pub epoch: Epoch,
    /// The registered history up to the last active epoch.
    pub base: EpochTable,
    /// The configuration of the last active epoch, which is sealed.
    pub config: Config,
    /// The home of the last active epoch.
    pub home: Option<NodeId>,
    /// Whether an operator has accepted that the seal set cannot be had.
    pub forced: bool,
    /// Whether a smaller configuration may be opened if too few members are there for a commit.
    pub degrades: bool,
    /// The number of a smaller configuration, should one be opened.
    pub next_id: ConfigId,
    /// Whether the register may have forgotten the epochs that were opened last: then those that members
    /// know of are history too.
    pub is_in_doubt: bool,
    /// Whether, in doubt, all have been heard who can be: no promise, not the old home's own, says that
    /// nobody knows more.
    pub has_heard_out: bool,
    /// Whether those who can be heard have been waited for: what is there now is what there is.
    pub settles: bool,
    /// The configuration of the epoch being opened.
    next: Config,
    /// The configuration that a degraded one is to return to.
    whole: Option<Config>,
    /// What may be opened instead, if `next` cannot be had.
    instead: Option<Config>,
    /// In doubt, members of other configurations that the group may have had last.
    wider: Vec<NodeId>,
    gave_up: bool,
    stage: Stage,
    /// How many of the epochs of `base` the register knows.
    known: usize,
    /// Where each promising member's durable chain ends, cut back to the registered history, and what
    /// it cannot read of it.
    promises: BTreeMap<NodeId, Held>,
    /// In doubt, what each of them said, to be looked at again when more is known.
    words: BTreeMap<NodeId, Word>,
    /// Those of them that know of no epoch although there was one, or that may have held more than
    /// they know of.
    doubtful: BTreeSet<NodeId>,
    /// The highest commit watermark that came with a promise.
    committed: Seq,
    holders: BTreeSet<NodeId>,
    mutant: Mutant,
}

impl Takeover {
    /// Begins with no promises.
    #[must_use]
    pub fn new(
        epoch: Epoch,
        base: EpochTable,
        config: Config,
        home: Option<NodeId>,
        mutant: Mutant,
    ) -> Self {
        Self {
            epoch,
            known: base.starts().len(),
            base,
            next: config.clone(),
            whole: None,
            instead: None,
            next_id: ConfigId(config.id().0 + 1),
            config,
            is_in_doubt: false,
            has_heard_out: false,
            home,
            forced: false,
            degrades: false,
            settles: false,
            wider: Vec::new(),
            gave_up: false,
            stage: Stage::Sealing,
            promises: BTreeMap::new(),
            words: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            committed: Seq(0),
            holders: BTreeSet::new(),
            mutant,
        }
    }

    /// The same, towards another configuration. Its members are sealed and copied to with the others;
    /// for the seal only those of the last active epoch count.
    #[must_use]
    pub fn towards(mut self, next: Config) -> Self {
        self.next = next;
        self
    }

    /// The same, with another configuration to be opened if the copies for the one before cannot be had
    /// from those who can be heard: a member is lost for good, and whoever replaces it is there.
    #[must_use]
    pub fn or_else(mut self, instead: Config) -> Self {
        self.instead = Some(instead);
        self
    }

    /// The same, of a group that has been degraded from `whole`.
    #[must_use]
    pub fn degraded_from(mut self, whole: Option<Config>) -> Self {
        self.whole = whole;
        self
    }

    /// The configuration of the epoch being opened, as far as it has been decided.
    #[must_use]
    pub const fn next(&self) -> &Config {
        &self.next
    }

    /// Everybody whose promise and copy are asked for: those that count in any configuration that may
    /// come of it.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let added = self.next.counted().filter(|node| !self.config.counts(*node));
        let more = self.instead.iter().flat_map(Config::counted);
        let more = more.filter(|node| !self.config.counts(*node) && !self.next.counts(*node));
        self.config.counted().chain(added).chain(more).chain(self.others())
    }

    /// How far it has come.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether force was needed: something that was committed may be missing from the target.
    #[must_use]
    pub const fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Whether `node` has promised.
    #[must_use]
    pub fn has_promise(&self, node: NodeId) -> bool {
        self.promises.contains_key(&node)
    }

    /// Takes `node`'s durable promise, the end of its chain, what it cannot read of it, the epochs it
    /// knows and how far it knows the chain to be committed. Nodes that count in
    /// neither configuration are passed over. May be said again by a member that has repaired something meanwhile.
    ///
    /// One that knows of no epoch in a group that has a history is blank. Its disk may have been
    /// replaced, and then it has forgotten what it acknowledged: "never had it" from a blank disk is
    /// no answer (PROTOCOL F4 and I14), and only counts when all have answered and no commit can
    /// have been on blank disks alone. It counts again once it has joined an epoch, since that epoch
    /// was sealed without it. One with a fault that has no end has forgotten as much as a blank one.
    pub fn promise(
        &mut self,
        node: NodeId,
        tail: Tail,
        known: &EpochTable,
        commit: Seq,
        faults: Vec<Fault>,
    ) {
        if !self.is_asked(node) {
            return;
        }
        self.committed = self.committed.max(commit);
        if self.is_in_doubt {
            self.words.insert(node, Word::new(tail, known, &faults));
            self.learn();
        }
        let is_blank = known.starts().is_empty() && !self.base.starts().is_empty();
        if is_blank || readable::may_have_held_more(&faults) {
            self.doubtful.insert(node);
        } else {
            self.doubtful.remove(&node);
        }
        let held = self.held(tail, known, faults);
        if !self.promises.contains_key(&node) {
            self.reopen_for(held.tail);
        }
        if let Stage::Copying(target) | Stage::Activating(target) = self.stage {
            if held.is_whole_to(target.seq) {
                self.holders.insert(node);
            } else if !held.faults.is_empty() {
                self.holders.remove(&node);
            }
        }
        self.promises.insert(node, held);
    }

    /// Forgets what a member has said: its word counts for nothing any more.
    pub fn disregard(&mut self, node: NodeId) {
        self.promises.remove(&node);
        self.words.remove(&node);
        self.doubtful.remove(&node);
        self.holders.remove(&node);
        if self.is_in_doubt {
            self.learn();
        }
    }

    /// Whether `node` has promised and said that it cannot read all that it held.
    #[must_use]
    pub fn is_faulty(&self, node: NodeId) -> bool {
        self.promises.get(&node).is_some_and(|held| !held.faults.is_empty())
    }

    /// Takes note that `node` durably holds the chain up to `tail`.
    pub fn holds(&mut self, node: NodeId, tail: Tail) {
        if let Stage::Copying(target) | Stage::Activating(target) = self.stage
            && tail == target
            && self.is_asked(node)
        {
            self.holders.insert(node);
        }
    }

    /// The members known to hold the target.
    pub fn holders(&self) -> impl Iterator<Item = NodeId> {
        self.holders.iter().copied()
    }

    /// The members that said they hold more than up to `seq`, of which they may not be able to read
    /// all: from them a chain can be put together.
    pub fn sources(&self, seq: Seq) -> impl Iterator<Item = NodeId> {
        self.promises.iter().filter(move |(_, held)| held.tail.seq > seq).map(|(node, _)| *node)
    }

    /// Whether `node` is known to hold the target.
    #[must_use]
    pub fn is_holder(&self, node: NodeId) -> bool {
        self.holders.contains(&node)
    }

    /// Ends the sealing if the promises suffice and reach the registered history: the longest tail
    /// becomes the target, cut back only where nobody can have held what nobody can read (F4). Returns
    /// a member that holds it, the candidate itself if it does; the longest if none holds all of it.
    pub fn close(&mut self, me: NodeId) -> Option<NodeId> {
        if self.stage != Stage::Sealing || !self.is_sealed() || self.waits_for_words() {
            return None;
        }
        let (longest, held) = self.promises.iter().max_by_key(|(_, held)| held.tail.seq)?;
        let (longest, mut target) = (*longest, held.tail);
        let mut gives_up = !self.is_vouched_for() || target.seq < self.registered();
        if let Some(seq) = self.unreadable() {
            gives_up |= !self.may_cut(seq);
            target = self.tail_before(seq)?;
        }
        if gives_up && !self.forced {
            return None;
        }
        self.gave_up = gives_up;
        let holders = self.promises.iter().filter(|(_, held)| held.is_whole_to(target.seq));
        self.holders = holders.map(|(node, _)| *node).collect();
        self.stage = Stage::Copying(target);
        if self.is_holder(me) {
            return Some(me);
        }
        Some(self.holders.first().copied().unwrap_or(longest))
    }

    /// The first seq of the longest chain that no sealed member can read, if there is one.
    fn unreadable(&self) -> Option<Seq> {
        readable::first_unreadable(self.promises.values())
    }

    /// Whether enough members are sure that they never had a record at `seq`: so many that no commit
    /// can have been without one of them. What is registered was copied once and is never cut.
    fn may_cut(&self, seq: Seq) -> bool {
        let never = self
            .promises
            .iter()
            .filter(|(node, held)| held.tail.seq < seq && !self.doubtful.contains(node));
        let never = never.map(|(node, _)| *node);
        seq > self.registered() && sealed(&self.config, self.home, never, self.mutant)
    }

    /// The end of a chain that is cut before `seq`, as one of its members names it.
    fn tail_before(&self, seq: Seq) -> Option<Tail> {
        let before = seq.prev();
        let hash = self.promises.values().find_map(|held| held.hash_before(seq))?;
        Some(Tail { epoch: self.base.epoch_at(before), seq: before, hash })
    }

    /// Whether the candidate and enough others hold the target; the takeover is then activating.
    ///
    /// Enough are as many as a commit of the next configuration takes: any later seal set of it then
    /// meets one of them (I19). If they cannot be had once those who can be heard have been waited
    /// for, the way back to the whole configuration ends where it began, and a takeover that may
    /// degrade opens a configuration of exactly those who hold the target.
    ///
    /// By force, all those are enough that count, have promised and are `reachable`: the fewer hold what
    /// the register will take for history, the more a further loss would block.
    pub fn is_copied(&mut self, me: NodeId, reachable: impl Fn(NodeId) -> bool) -> bool {
        let Stage::Copying(target) = self.stage else { return false };
        if !self.holders.contains(&me) {
            return false;
        }
        if !self.may_rest(me, &self.next) {
            let is_all = !self.behind().any(reachable);
            let instead = self.instead.clone().filter(|instead| self.may_rest(me, instead));
            if self.settles && self.next != self.config && self.may_rest(me, &self.config) {
                self.next = self.config.clone();
            } else if self.settles
                && let Some(instead) = instead
            {
                self.next = instead;
            } else if self.settles
                && self.degrades
                && is_all
                && let Some(left) = self.what_is_left(me)
            {
                self.next = left;
            } else if !(self.forced && is_all) {
                return false;
            }
        }
        self.stage = Stage::Activating(target);
        true
    }

    /// What is missing.
    #[must_use]
    pub fn lacks(&self) -> Option<Lack> {
        let absent = |have: &dyn Fn(&NodeId) -> bool| -> Vec<NodeId> {
            self.config.counted().filter(|node| !have(node)).collect()
        };
        match self.stage {
            Stage::Sealing if self.is_sealed() && !self.waits_for_words() => {
                match self.unreadable() {
                    Some(seq) => {
                        let sound =
                            |node: &NodeId| self.has_promise(*node) && !self.is_faulty(*node);
                        Some(Lack::Record { seq, from: absent(&sound) })
                    }
                    None => Some(Lack::History(self.registered())),
                }
            }
            Stage::Sealing => {
                let vouches = |node: &NodeId| {
                    self.promises.contains_key(node) && !self.doubtful.contains(node)
                };
                Some(Lack::Promises(absent(&vouches)))
            }
            Stage::Copying(_) => {
                let takes_all = self.forced || self.degrades && self.settles;
                let behind: Vec<NodeId> = self.behind().filter(|_| takes_all).collect();
                let absent = self.next.counted().filter(|node| !self.is_holder(*node));
                Some(Lack::Copies(if behind.is_empty() { absent.collect() } else { behind }))
            }
            Stage::Activating(_) => None,
        }
    }

    fn is_asked(&self, node: NodeId) -> bool {
        self.counts(node) || self.is_in_doubt && self.wider.contains(&node)
    }

    /// Whether `node` counts in a configuration that is sealed or may come of it.
    fn counts(&self, node: NodeId) -> bool {
        let mut configs = [&self.config, &self.next].into_iter().chain(&self.instead);
        configs.any(|config| config.counts(node))
    }

    /// Those who count, have promised and do not hold the target yet. Who is asked in doubt alone is none
    /// of them: what it has is heard by now, and its copy is no copy of any configuration.
    fn behind(&self) -> impl Iterator<Item = NodeId> {
        let promised = self.promises.keys().copied();
        promised.filter(|node| self.counts(*node) && !self.is_holder(*node))
    }

    /// Whether a new epoch of this configuration may begin with those who hold the target now. Where there is
    /// a witness, whoever comes to have the state must be among them: the witness could not give it what
    /// lies below its base. Not who was only left out for a while: no base moves meanwhile.
    fn may_rest(&self, me: NodeId, config: &Config) -> bool {
        let had_part = |config: &Config, node| config.may_lead(node);
        let is_new = |node: &NodeId| {
            !had_part(&self.config, *node)
                && !self.whole.as_ref().is_some_and(|whole| had_part(whole, *node))
        };
        let has_witness = config.each().any(|member| member.role == MemberRole::Witness);
        let lacks = |node: NodeId| has_witness && !self.is_holder(node);
        carried(config, me, |node| self.is_holder(node))
            && !config.leaders().filter(is_new).any(lacks)
    }

    /// The members that hold the target, and as many copies in as many regions as there were, or as can
    /// be had; `None` if the candidate is not among them.
    fn what_is_left(&self, me: NodeId) -> Option<Config> {
        let left = self.config.reduced(self.next_id, |node| self.is_holder(node));
        left.filter(|left| left.may_lead(me))
    }

    fn is_sealed(&self) -> bool {
        self.is_vouched_for() || self.forced && !self.promises.is_empty()
    }

    /// Whether the promises rule out that anything committed is missing.
    fn is_vouched_for(&self) -> bool {
        let vouching = self.promises.keys().filter(|node| !self.doubtful.contains(node)).copied();
        sealed(&self.config, self.home, vouching, self.mutant) || self.has_heard_everybody()
    }

    /// Whether all have promised, and every commit is on a disk that is not blank: because too few
    /// are blank to have held one, or because there is none.
    ///
    /// There is none while the last epoch starts at the first seq and its home has stopped before it
    /// had recorded that epoch. Until then it appends nothing but its first record and a handoff and
    /// commits nothing. Whoever has more, or knows of a commit, proves that it had recorded the epoch,
    /// and that a blank disk at the home is not the home's old one.
    fn has_heard_everybody(&self) -> bool {
        let mut tails = self.promises.values();
        let is_begun = self.registered() == Seq(0)
            && self.committed == Seq(0)
            && tails.all(|held| held.tail.seq <= Seq(FIRST_UNRECORDED));
        let doubtful = self.doubtful.iter().filter(|node| self.config.counts(**node));
        let doubtful = doubtful.count();
        self.config.counted().all(|node| self.promises.contains_key(&node))
            && (doubtful < self.config.copies() || is_begun)
    }

    /// The last seq that the registered history is known to reach.
    fn registered(&self) -> Seq {
        self.base.last().map_or(Seq(0), |start| start.seq.prev())
    }
}

/// The last seq that a home appends before its epoch is durable, if that starts at the first: the
/// epoch's first record and a handoff.
const FIRST_UNRECORDED: u64 = 2;

mod doubt;

use doubt::Word;
pub use doubt::fork;

#[cfg(test)]
mod tests;
