//! One member: the group's machine on a disk.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use group::{Event, GroupOptions, RoleStatus, Solo, SoloEffect, SoloInput};
use register::{GroupState, Transition};
use types::{Epoch, GroupId, Hash, Instant, MessageId, NodeId, Now, RequestId, Seq, Stamp};
use wire::{Command, GroupMessage, Orphan, Reply};

use super::MEMBERS;
use super::broken::Broken;
use super::memo::{Given, Memo, join, mark};
use super::sent::Sent;
use crate::app::{App, Kind, Place};
use crate::{Rng, id};

/// A write that is not durable yet.
#[derive(Clone, Debug)]
enum Write {
    Record(Bytes),
    Blob(Bytes),
}

/// A record as checks know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) epoch: Epoch,
    pub(super) hash: Hash,
}

/// One member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    at: usize,
    solo: Solo<App>,
    log: Vec<Bytes>,
    blob: Option<Bytes>,
    waiting: Vec<Write>,
    /// How often it has waited for an old home for long enough: its clock.
    waits: u64,
    /// What it knows of the register.
    known: GroupState,
    /// The chain, from seq 1, and how far it is durable and committed here.
    pub(super) chain: Vec<Link>,
    pub(super) durable: usize,
    pub(super) commit: usize,
    mark: u64,
}

/// What came of a step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) next: Arc<Member>,
    pub(super) sent: Vec<Arc<Sent>>,
    pub(super) proposed: Vec<(u64, Transition)>,
    /// The seqs at which clients were told that theirs is done.
    pub(super) told: Vec<Seq>,
    /// What is wrong about the step itself.
    pub(super) broken: Option<Broken>,
}

impl Member {
    /// A member on its first day.
    pub(super) fn new(at: usize, genesis: &GroupState, memo: &Memo) -> Self {
        Self::recovered(at, Vec::new(), None, genesis, memo).expect("an empty disk holds a chain")
    }

    fn recovered(
        at: usize,
        log: Vec<Bytes>,
        blob: Option<Bytes>,
        known: &GroupState,
        memo: &Memo,
    ) -> Option<Self> {
        let options = GroupOptions {
            me: id(at),
            budget_records: 0,
            budget_us: 0,
            window_records: 64,
            held_bytes_max: 1 << 20,
            desk_bytes_max: 1 << 20,
            resend_us: u64::MAX,
            handoff_us: HANDOFF_US,
            beat_us: u64::MAX,
            patience_us: u64::MAX,
            forwarded_wait_us: u64::MAX,
            ahead_us_max: u64::MAX,
            snapshot_work: u64::MAX,
            snapshot_us: u64::MAX,
            mutant: memo.mutant,
        };
        let (config, fresh) = (known.config.clone(), App::new(Kind::Moves));
        let solo = Solo::recover(options, &config, fresh, blob.as_ref(), &log, known).ok()?;
        let member = Self {
            at,
            solo,
            log,
            blob,
            waiting: Vec::new(),
            waits: 0,
            known: known.clone(),
            chain: Vec::new(),
            durable: 0,
            commit: 0,
            mark: 0,
        };
        Some(member.looked_at())
    }

    /// Reads off what checks want to know.
    fn looked_at(mut self) -> Self {
        let group = self.solo.group();
        let count = |seq: Seq| usize::try_from(seq.0).expect("chains are short");
        let links = (1..=group.tail().seq.0).filter_map(|seq| group.chain().link(Seq(seq)));
        self.chain = links.map(|link| Link { epoch: link.epoch, hash: link.hash }).collect();
        (self.durable, self.commit) = (count(group.durable()), count(group.commit()));
        let disk = (mark(&self.log), mark(&self.blob), mark(&self.waiting));
        self.mark =
            join([self.at as u64, mark(&self.solo), disk.0, disk.1, disk.2, self.known.version]);
        self
    }

    /// What tells it from every other member's every other state.
    pub(super) const fn mark(&self) -> u64 {
        self.mark
    }

    /// Records and blobs that are not durable yet.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let records = self.waiting.iter().filter(|write| matches!(write, Write::Record(_))).count();
        (records, self.waiting.len() - records)
    }

    pub(super) const fn is_home(&self) -> bool {
        self.home_epoch().is_some()
    }

    pub(super) const fn home_epoch(&self) -> Option<Epoch> {
        self.solo.group().home_epoch()
    }

    pub(super) const fn version(&self) -> u64 {
        self.known.version
    }

    pub(super) const fn promised(&self) -> Epoch {
        self.solo.group().promised()
    }

    /// Whether it acts on decisions that do not name it: a member that only follows keeps them in mind
    /// for commands that it hands on, and there are none here.
    pub(super) fn is_concerned(&self) -> bool {
        !self.solo.group().is_free()
    }

    fn orphans(&self) -> &[Orphan] {
        self.solo.group().orphans()
    }

    /// Whether it is the candidate of a planned switch and has not promised itself yet.
    pub(super) fn is_waiting_for_the_old_home(&self) -> bool {
        let group = self.solo.group();
        let status = group.status(NOW);
        let is_candidate = matches!(status.role, RoleStatus::Candidate { .. });
        is_candidate && group.promised() < self.known.issued
    }

    /// What it makes of what it is handed.
    pub(super) fn step(&self, given: &Given, memo: &Memo) -> Step {
        match given {
            Given::Crash { records, blobs } => self.crash(*records, *blobs, memo),
            Given::Blank => self.restart(Vec::new(), None, memo),
            Given::Durable => {
                let inputs = self.waiting.iter().map(|_| SoloInput::Written).collect();
                let mut next = self.clone();
                next.flush();
                next.handle(inputs, memo, self)
            }
            Given::Message(sent) => {
                let messages = sent.messages.iter().map(|(epoch, body)| SoloInput::Message {
                    from: id(sent.from),
                    epoch: *epoch,
                    body: body.clone(),
                });
                self.clone().handle(messages.collect(), memo, self)
            }
            Given::Decision(decision) => {
                let mut next = self.clone();
                next.known = decision.state.clone();
                next.handle(vec![SoloInput::Register(Box::new(decision.state.clone()))], memo, self)
            }
            Given::Command(number) => {
                let command = SoloInput::Command {
                    request: RequestId((*number).into()),
                    command: command(*number),
                };
                self.clone().handle(vec![command], memo, self)
            }
            Given::Session(peer) => {
                let input = SoloInput::Reconnected(id(*peer));
                self.clone().handle(vec![input], memo, self)
            }
            Given::Patience => {
                let mut next = self.clone();
                next.waits += 1;
                next.handle(vec![SoloInput::Wake], memo, self)
            }
        }
    }

    /// Makes everything durable that waits.
    fn flush(&mut self) {
        for write in std::mem::take(&mut self.waiting) {
            match write {
                Write::Record(bytes) => self.log.push(bytes),
                Write::Blob(bytes) => self.blob = Some(bytes),
            }
        }
    }

    fn crash(&self, records: usize, blobs: usize, memo: &Memo) -> Step {
        let kept = self.waiting.iter();
        let logged = kept.clone().filter_map(|write| match write {
            Write::Record(bytes) => Some(bytes.clone()),
            Write::Blob(_) => None,
        });
        let written = kept.filter_map(|write| match write {
            Write::Blob(bytes) => Some(bytes.clone()),
            Write::Record(_) => None,
        });
        let log = self.log.iter().cloned().chain(logged.take(records)).collect();
        let blob = written.take(blobs).last().or_else(|| self.blob.clone());
        self.restart(log, blob, memo)
    }

    fn restart(&self, log: Vec<Bytes>, blob: Option<Bytes>, memo: &Memo) -> Step {
        let next = Self::recovered(self.at, log, blob, &self.known, memo);
        let broken = next.is_none().then_some(Broken::Recovery);
        Step {
            next: Arc::new(next.unwrap_or_else(|| self.clone())),
            sent: Vec::new(),
            proposed: Vec::new(),
            told: Vec::new(),
            broken,
        }
    }

    fn handle(mut self, inputs: Vec<SoloInput>, memo: &Memo, before: &Self) -> Step {
        let now = Now { instant: Instant(self.waits * 2 * HANDOFF_US), ..NOW };
        let mut effects = Vec::new();
        self.solo.handle_all(now, inputs, &mut effects);
        let mut done = Vec::new();
        loop {
            for effect in std::mem::take(&mut effects) {
                match effect {
                    SoloEffect::Append(bytes) => self.waiting.push(Write::Record(bytes)),
                    SoloEffect::Superblock(bytes) => self.waiting.push(Write::Blob(bytes)),
                    other @ (SoloEffect::Send { .. }
                    | SoloEffect::Answer { .. }
                    | SoloEffect::Propose { .. }
                    | SoloEffect::Note(_)) => done.push(other),
                }
            }
            if memo.slow_disks || self.waiting.is_empty() {
                break;
            }
            let inputs: Vec<_> = self.waiting.iter().map(|_| SoloInput::Written).collect();
            self.flush();
            self.solo.handle_all(now, inputs, &mut effects);
        }
        self.looked_at().outcome(done, before)
    }

    fn outcome(self, effects: Vec<SoloEffect>, before: &Self) -> Step {
        let (mut frames, mut proposed, mut told) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut broken = self.solo.group().model().fault().map(|_| Broken::I7);
        for effect in effects {
            match effect {
                SoloEffect::Send { body: GroupMessage::Refused { .. }, .. } => {}
                SoloEffect::Send { to, epoch, body } => {
                    let is_bulk = matches!(body, GroupMessage::Entries { .. });
                    let frame: &mut Vec<_> =
                        frames.entry((crate::names::host(to), is_bulk)).or_default();
                    // Two parts of one step may ask for the same.
                    if frame.last() != Some(&(epoch, body.clone())) {
                        frame.push((epoch, body));
                    }
                }
                SoloEffect::Propose { version, transition } => {
                    proposed.push((version, transition));
                }
                SoloEffect::Answer { reply: Reply::Done { seq, .. }, .. } => told.push(seq),
                SoloEffect::Note(Event::Quarantined { .. }) => broken = Some(Broken::Quarantine),
                SoloEffect::Answer { .. }
                | SoloEffect::Note(_)
                | SoloEffect::Append(_)
                | SoloEffect::Superblock(_) => {}
            }
        }
        let frames = frames.into_iter().filter(|(_, said)| !is_watermark(said));
        let sent = frames.map(|(lane, said)| Arc::new(Sent::new(self.at, lane, said))).collect();
        if let Some(found) = self.forgets(before) {
            broken = Some(found);
        }
        Step { next: Arc::new(self), sent, proposed, told, broken }
    }

    /// What a member may not do in any step: hold less than it held, unless it says so.
    fn forgets(&self, before: &Self) -> Option<Broken> {
        let group = self.solo.group();
        if self.commit < before.commit || group.applied() < before.solo.group().applied() {
            return Some(Broken::I16);
        }
        if self.commit > self.durable || self.durable > self.chain.len() {
            return Some(Broken::I16);
        }
        let is_kept = |at: usize, link: &Link| {
            let seq = Seq(at as u64 + 1);
            let runs = self
                .orphans()
                .iter()
                .filter(|run| run.epoch == link.epoch && run.first <= seq && seq <= run.last);
            self.chain.get(at) == Some(link) || runs.count() == 1
        };
        let durable = before.chain.iter().take(before.durable).enumerate();
        let is_lost = durable.clone().any(|(at, link)| !is_kept(at, link));
        is_lost.then_some(Broken::I11)
    }
}

/// Whether a frame says how far the chain is committed and nothing else. Such a frame may be lost
/// without anyone asking for it again, since the next record says it too; here all of them are.
fn is_watermark(said: &[(Epoch, GroupMessage)]) -> bool {
    said.iter().all(|(_, body)| matches!(body, GroupMessage::Commit { .. }))
}

/// A command of its own.
fn command(number: u8) -> Command {
    let place = Place { group: GroupId(0), groups: 1 };
    let content = Kind::Moves.content(&mut Rng::new(number.into()), place, number.into(), 1);
    let mut id = [0; 16];
    id[0] = number;
    let (digest, body) = (content.digest, content.body);
    Command { id: MessageId(id), digest, not_after: Stamp(u64::MAX), origin: None, body }
}

/// The one configuration.
pub(super) fn config() -> types::Config {
    let members: Vec<NodeId> = (0..MEMBERS).map(id).collect();
    types::Config::new(types::ConfigId(1), members, 2).expect("three members hold two copies")
}

/// When everything happens, unless a candidate has waited.
const NOW: Now = Now { instant: Instant(0), wall: Stamp(1) };

/// How long a candidate waits for the old home.
const HANDOFF_US: u64 = 1;
