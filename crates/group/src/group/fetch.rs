//! Catching up by pull: a member that lacks records asks for them; whoever has them answers from
//! memory or from disk.

use alloc::vec::Vec;

use bytes::Bytes;
use journal::Link;
use model::Model;
use types::{Epoch, Hash, Instant, NodeId, Now, Seq, Tail};
use wire::{GroupMessage, Record, limits};

use super::{Group, Out, Role};
use crate::Event;

/// A fetch under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetching {
    pub(super) from: NodeId,
    /// The seq to come to.
    pub(super) goal: Seq,
    /// When it was last asked for; `None` if it is to be asked for at once.
    pub(super) asked: Option<Instant>,
}

/// A fetch being answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Serving {
    to: NodeId,
    epoch: Epoch,
    after: Seq,
    until: Seq,
    /// Whether they are wanted to fill a hole, and not to catch up.
    fills: bool,
}

impl Fetching {
    /// Whether it is time to ask, for the first time or again.
    pub(super) fn is_due(&self, now: Instant, resend_us: u64) -> bool {
        self.asked.is_none_or(|asked| now.since(asked) >= resend_us)
    }
}

impl<M: Model> Group<M> {
    /// Asks `from` for what follows the chain here, up to `goal` at least.
    pub(super) fn fetch(&mut self, now: Now, from: NodeId, goal: Seq, out: &mut Vec<Out>) {
        let resend_us = self.options.resend_us;
        if let Some(fetching) = self.fetching.as_mut().filter(|fetching| fetching.from == from) {
            fetching.goal = fetching.goal.max(goal);
            if !fetching.is_due(now.instant, resend_us) {
                return;
            }
        }
        let goal = self.fetching.as_ref().map_or(goal, |fetching| fetching.goal.max(goal));
        self.fetching = Some(Fetching { from, goal, asked: Some(now.instant) });
        if self.is_disk_full {
            return;
        }
        let after = self.chain.tail();
        self.say(from, self.meta.promised, GroupMessage::Fetch { after }, out);
    }

    /// Asks again for what did not come, in a takeover from the next member that holds it.
    pub(super) fn ask_again(&mut self, now: Now, out: &mut Vec<Out>) {
        let Some(fetching) = self.fetching.clone() else { return };
        if self.chain.tail().seq >= fetching.goal {
            self.fetching = None;
        } else if fetching.is_due(now.instant, self.options.resend_us) {
            let from = match &self.role {
                Role::Candidate(candidate) => {
                    // Not only from those that hold all of it: there may be none.
                    let tail = self.chain.tail().seq;
                    let sources =
                        || candidate.takeover.sources(tail).filter(|node| *node != self.options.me);
                    let next = sources().find(|node| *node > fetching.from);
                    next.or_else(|| sources().next()).unwrap_or(fetching.from)
                }
                Role::Member | Role::Home(_) | Role::Quarantined => fetching.from,
            };
            self.fetching = None;
            self.fetch(now, from, fetching.goal, out);
        }
    }

    /// Somebody lacks what follows `after`.
    pub(super) fn on_fetch(&mut self, from: NodeId, epoch: Epoch, after: Tail, out: &mut Vec<Out>) {
        if epoch != self.meta.promised {
            return;
        }
        self.serving.retain(|serving| serving.to != from || serving.fills);
        let tail = self.chain.tail();
        if after.seq < self.chain.base().seq {
            return self.offer(from, out);
        }
        if !self.chain.passes(after) || after.seq >= tail.seq {
            let entries = GroupMessage::Entries { after: after.seq, records: Vec::new(), tail };
            return self.say(from, epoch, entries, out);
        }
        let mut until = after.seq;
        let mut bytes = 0;
        while let Some(link) = self.legible(until.next()) {
            let count = until.0 - after.seq.0;
            bytes += link.size;
            if bytes > limits::ENTRIES_BYTES_MAX && count > 0
                || count >= limits::ENTRIES_COUNT_MAX as u64
            {
                break;
            }
            until = until.next();
        }
        self.serving.push(Serving { to: from, epoch, after: after.seq, until, fills: false });
        self.serve_loaded(out);
    }

    /// Somebody cannot read what it holds from `first` to `last`: whatever of it can be read here, from
    /// its end down, as that is how it can be checked there.
    pub(super) fn on_want(
        &mut self,
        from: NodeId,
        epoch: Epoch,
        first: Seq,
        last: Seq,
        hash: Hash,
        out: &mut Vec<Out>,
    ) {
        self.serving.retain(|serving| serving.to != from || !serving.fills);
        if last <= self.chain.base().seq {
            return self.offer(from, out);
        }
        let mut after = last;
        let mut bytes = 0;
        if self.chain.tail_at(last).is_some_and(|tail| tail.hash == hash) {
            while after >= first.max(Seq(1))
                && let Some(link) = self.legible(after)
            {
                let count = last.0 - after.0;
                bytes += link.size;
                if bytes > limits::ENTRIES_BYTES_MAX && count > 0
                    || count >= limits::ENTRIES_COUNT_MAX as u64
                {
                    break;
                }
                after = after.prev();
            }
        }
        self.serving.push(Serving { to: from, epoch, after, until: last, fills: true });
        self.serve_loaded(out);
    }

    /// The record at `seq`, unless it is one that this node cannot read.
    fn legible(&self, seq: Seq) -> Option<&Link> {
        self.chain.link(seq).filter(|_| self.chain.hole_at(seq).is_none())
    }

    /// Answers fetches whose records are all at hand, and reads the others'.
    pub(super) fn serve_loaded(&mut self, out: &mut Vec<Out>) {
        for serving in core::mem::take(&mut self.serving) {
            let Serving { to, epoch, after, until, fills } = serving;
            if epoch != self.meta.promised && !fills {
                continue;
            }
            // What has become unreadable since is left out, with all that would be of no use without.
            let holes =
                || self.chain.holes().filter(|hole| hole.first <= until && after < hole.last);
            let (after, until) = if fills {
                (holes().last().map_or(after, |hole| hole.last).min(until), until)
            } else {
                (after, holes().next().map_or(until, |hole| hole.first.prev()).max(after))
            };
            let serving = Serving { after, until, ..serving };
            match self.gather(&serving, out) {
                Some(records) if fills => {
                    self.say(to, epoch, GroupMessage::Found { last: until, records }, out);
                }
                Some(records) => {
                    let tail = self.chain.tail();
                    self.say(to, epoch, GroupMessage::Entries { after, records, tail }, out);
                }
                None => self.serving.push(serving),
            }
        }
        if self.serving.is_empty() {
            // A witness applies nothing, and needs none of them again.
            let (applied, runs_model) = (self.applied, self.runs_model());
            self.loaded.retain(|seq, _| runs_model && *seq > applied);
        }
    }

    /// The bytes of all records that `serving` asks for, or `None` while some are being read.
    fn gather(&mut self, serving: &Serving, out: &mut Vec<Out>) -> Option<Vec<Bytes>> {
        let mut records = Vec::new();
        let mut complete = true;
        let mut seq = serving.after.next();
        while seq <= serving.until {
            match self.at_hand(seq) {
                Some(bytes) => records.push(bytes),
                None => {
                    complete = false;
                    self.load(seq, out);
                }
            }
            seq = seq.next();
        }
        complete.then_some(records)
    }

    fn at_hand(&self, seq: Seq) -> Option<Bytes> {
        let link = self.chain.link(seq)?;
        link.bytes.clone().or_else(|| {
            let record = self.loaded.get(&seq).filter(|record| record.hash() == link.hash)?;
            Some(record.bytes().clone())
        })
    }

    /// Reads the record at `seq` back, unless that is under way.
    pub(super) fn load(&mut self, seq: Seq, out: &mut Vec<Out>) {
        let Some(link) = self.chain.link(seq) else { return };
        let (Some(at), hash) = (link.at, link.hash) else { return };
        if self.loading.contains_key(&seq) {
            return;
        }
        self.loading.insert(seq, hash);
        out.push(Out::Load { seq, at });
    }

    /// Takes a record read back, or the news that it cannot be read.
    pub(crate) fn loaded(&mut self, now: Now, seq: Seq, bytes: Option<Bytes>, out: &mut Vec<Out>) {
        let Some(wanted) = self.loading.remove(&seq) else { return };
        if self.chain.link(seq).is_none_or(|link| link.hash != wanted) {
            // The chain was cut while the read was under way.
            return;
        }
        let record = bytes.and_then(|bytes| Record::decode(bytes).ok());
        match record.filter(|record| record.hash() == wanted) {
            Some(record) => {
                self.chain.find(&record);
                self.loaded.insert(seq, record);
            }
            None => {
                // Whoever needs it asks again at every step: the disk is spared until a while later.
                self.loading.insert(seq, wanted);
                self.unreadable.insert(seq, now.instant);
                self.chain.lose(seq);
                out.push(Out::Note(Event::Unreadable { group: self.id, seq }));
            }
        }
    }

    /// Lets those reads be tried again that failed a while ago.
    pub(super) fn read_again(&mut self, now: Now) {
        let resend_us = self.options.resend_us;
        let loading = &mut self.loading;
        self.unreadable.retain(|seq, at| {
            let waits = now.instant.since(*at) < resend_us;
            if !waits {
                loading.remove(seq);
            }
            waits
        });
    }
}
