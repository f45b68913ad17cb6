//! What happened in one run or in many, counted; and lines for those who read a trace.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use types::{GroupId, WriteId};
use wire::{Meta, Reply, decode_frame};

use crate::fault::Fault;
use crate::net::Index;

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Strikes by kind.
    pub faults: BTreeMap<Fault, u64>,
    /// How often each invariant was looked at with something at stake.
    pub looked: BTreeMap<&'static str, u64>,
    /// Events of the agenda.
    pub events: u64,
    /// Starts of nodes.
    pub starts: u64,
    /// Starts refused: the folder was empty and not marked.
    pub refused: u64,
    /// Nodes that fenced themselves off.
    pub stops: u64,
    /// Frames that arrived.
    pub frames: u64,
    /// Frames that did not.
    pub frames_lost: u64,
    /// Writes lost with the power.
    pub writes_lost: u64,
    /// Records read back.
    pub reads: u64,
    /// Snapshots that became durable.
    pub snapshots: u64,
    /// Snapshots that could not be written, or not be read again.
    pub snapshots_lost: u64,
    /// States taken over from another node's snapshot.
    pub installed: u64,
    /// Records deleted.
    pub trimmed: u64,
    /// Answers: done, repeated, conflict, busy or elsewhere, expired, unknown, provisional.
    pub answers: [u64; 7],
    /// Readers' answers, by how they ended.
    pub shown: BTreeMap<&'static str, u64>,
    /// Cuts that were seen at all groups of a node, and others.
    pub cuts: [u64; 2],
    /// Orders taken and refused.
    pub orders: [u64; 2],
    /// Epochs opened.
    pub opened: u64,
    /// Barriers passed, at all nodes together.
    pub upgraded: u64,
    /// Those of them with fewer members or copies than the group is to have.
    pub degraded: u64,
    /// Epochs opened under other terms than the one before.
    pub retuned: u64,
    /// Runs and records set aside.
    pub orphans: [u64; 2],
    /// Times that a replica noted damage, and that all was mended.
    pub damaged: [u64; 2],
    /// Microseconds from the end of the faults until all agreed and answered, at most.
    pub heal_us_max: u64,
}

impl Report {
    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (invariant, count) in &other.looked {
            *self.looked.entry(invariant).or_default() += count;
        }
        for (end, count) in &other.shown {
            *self.shown.entry(end).or_default() += count;
        }
        let pairs = [
            (&mut self.events, other.events),
            (&mut self.starts, other.starts),
            (&mut self.stops, other.stops),
            (&mut self.frames, other.frames),
            (&mut self.frames_lost, other.frames_lost),
            (&mut self.writes_lost, other.writes_lost),
            (&mut self.reads, other.reads),
            (&mut self.opened, other.opened),
            (&mut self.upgraded, other.upgraded),
            (&mut self.degraded, other.degraded),
            (&mut self.retuned, other.retuned),
            (&mut self.snapshots, other.snapshots),
            (&mut self.snapshots_lost, other.snapshots_lost),
            (&mut self.installed, other.installed),
            (&mut self.trimmed, other.trimmed),
        ];
        for (sum, count) in pairs {
            *sum += count;
        }
        let counts = other.answers.iter().chain(&other.orders).chain(&other.orphans);
        let counts = counts.chain(&other.damaged).chain(&other.cuts);
        let sums = self.answers.iter_mut().chain(&mut self.orders).chain(&mut self.orphans);
        let sums = sums.chain(&mut self.damaged).chain(&mut self.cuts);
        for (sum, count) in sums.zip(counts) {
            *sum += count;
        }
        self.heal_us_max = self.heal_us_max.max(other.heal_us_max);
    }

    pub(crate) fn struck(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) const fn answered(&mut self, reply: &Reply) {
        let [done, repeated, conflict, later, expired, unknown, early] = &mut self.answers;
        let count = match reply {
            Reply::Done { repeated: false, .. } => done,
            Reply::Done { repeated: true, .. } => repeated,
            Reply::Conflict { .. } => conflict,
            Reply::NotHome { .. } | Reply::Busy { .. } => later,
            Reply::Expired => expired,
            Reply::Unknown(_) => unknown,
            Reply::Provisional { .. } => early,
        };
        *count += 1;
    }

    pub(crate) fn read(&mut self, result: &Result<(), group::ReadRefusal>) {
        let end = result.as_ref().map_or_else(group::ReadRefusal::end, |()| group::ReadEnd::Shown);
        *self.shown.entry(end.name()).or_default() += 1;
    }

    pub(crate) const fn cut(&mut self, is_made: bool) {
        let [made, refused] = &mut self.cuts;
        *(if is_made { made } else { refused }) += 1;
    }

    pub(crate) const fn ordered(&mut self, taken: bool) {
        let [yes, no] = &mut self.orders;
        *(if taken { yes } else { no }) += 1;
    }

    pub(crate) const fn noted(&mut self, event: &group::Event) {
        match event {
            group::Event::Opened { .. } => self.opened += 1,
            group::Event::Orphaned { orphan, .. } => {
                let [runs, records] = &mut self.orphans;
                *runs += 1;
                *records += orphan.last.0 - orphan.first.0 + 1;
            }
            group::Event::Degraded { .. } => self.degraded += 1,
            group::Event::Damaged { .. } => self.damaged[0] += 1,
            group::Event::Repaired { .. } => self.damaged[1] += 1,
            group::Event::Upgraded { .. } => self.upgraded += 1,
            group::Event::Retuned { .. } => self.retuned += 1,
            group::Event::Snapshot { .. } => self.snapshots += 1,
            group::Event::SnapshotLost { .. } | group::Event::SnapshotFailed { .. } => {
                self.snapshots_lost += 1;
            }
            group::Event::Installed { .. } => self.installed += 1,
            group::Event::Differs { .. }
            | group::Event::Agrees { .. }
            | group::Event::Odd { .. }
            | group::Event::Mended { .. }
            | group::Event::StillOdd { .. }
            | group::Event::Restored { .. }
            | group::Event::Promised { .. }
            | group::Event::Serving { .. }
            | group::Event::Demoted { .. }
            | group::Event::Joined { .. }
            | group::Event::Sealed { .. }
            | group::Event::Quarantined { .. }
            | group::Event::Malformed { .. }
            | group::Event::Newer { .. }
            | group::Event::Frozen { .. }
            | group::Event::Reopened { .. }
            | group::Event::Unreadable { .. } => {}
        }
    }

    /// The counts as a table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut rows: Vec<(String, u64)> =
            self.faults.iter().map(|(fault, count)| (format!("fault {fault:?}"), *count)).collect();
        let [done, repeated, conflict, later, expired, unknown, early] = self.answers;
        let [taken, refused] = self.orders;
        let [runs, records] = self.orphans;
        let counted = [
            ("starts", self.starts),
            ("self-fenced", self.stops),
            ("frames delivered", self.frames),
            ("frames lost", self.frames_lost),
            ("writes lost", self.writes_lost),
            ("records read back", self.reads),
            ("snapshots", self.snapshots),
            ("snapshots failed or lost", self.snapshots_lost),
            ("states installed", self.installed),
            ("records deleted", self.trimmed),
            ("answers done", done),
            ("answers repeated", repeated),
            ("answers conflict", conflict),
            ("answers busy or elsewhere", later),
            ("answers expired", expired),
            ("answers unknown", unknown),
            ("answers before the commit", early),
            ("degraded epochs", self.degraded),
            ("epochs of other terms", self.retuned),
            ("orders taken", taken),
            ("orders refused", refused),
            ("epochs opened", self.opened),
            ("barriers passed", self.upgraded),
            ("orphan runs", runs),
            ("orphan records", records),
            ("replicas damaged", self.damaged[0]),
            ("replicas mended", self.damaged[1]),
            ("longest recovery, ms", self.heal_us_max / 1_000),
            ("events", self.events),
        ];
        rows.extend(counted.map(|(name, count)| (name.to_owned(), count)));
        let [made, missed] = self.cuts;
        rows.extend([("cuts made".to_owned(), made), ("cuts missed".to_owned(), missed)]);
        let reads = self.shown.iter();
        rows.extend(reads.map(|(end, count)| (format!("reads {end}"), *count)));
        let looked = self.looked.iter();
        rows.extend(looked.map(|(invariant, count)| (format!("looks at {invariant}"), *count)));
        let mut table = String::new();
        for (name, count) in rows {
            writeln!(table, "  {name:<28}{count:>14}").expect("a string takes everything");
        }
        table
    }
}

/// A line for a frame.
pub(crate) fn frame(now: u64, from: Index, to: Index, bytes: &Bytes) -> String {
    let mut line = format!("{now:>10} n{} to n{}:", from + 1, to + 1);
    for message in decode_frame(bytes).unwrap_or_default() {
        let text = match &message {
            wire::Message::Group { group, epoch, body } => {
                let mut body = format!("{body:?}");
                body.truncate(90);
                format!("{group} {epoch} {body}")
            }
            wire::Message::Newer { tag, .. } => format!("newer, tag {tag}"),
            wire::Message::Pulse(pulse) => format!("pulse {}", pulse.durable),
            wire::Message::Register(bytes) => format!("register, {} bytes", bytes.len()),
            wire::Message::Forward { ticket, command, .. } => {
                format!("forward {ticket:x} {}", command.id)
            }
            wire::Message::Answered { ticket, reply } => format!("answered {ticket:x} {reply:?}"),
            wire::Message::Channel { group, parcels } => {
                let mut text = format!("{} for {group}: {parcels:?}", parcels.len());
                text.truncate(90);
                text
            }
            wire::Message::Voice(voice) => {
                format!("runs up to {}, {} marks", voice.highest, voice.marks.len())
            }
        };
        write!(line, " [{text}]").expect("a string takes everything");
    }
    line
}

/// A line for a superblock write.
pub(crate) fn blob(now: u64, node: Index, id: WriteId, group: GroupId, bytes: &Bytes) -> String {
    let meta = Meta::decode(bytes).map(|meta| {
        let epochs: Vec<String> = meta
            .table
            .starts()
            .iter()
            .map(|start| format!("{}@{}", start.epoch, start.seq))
            .collect();
        format!(
            "promise {}, table {}, {} orphans, snapshots {:?}",
            meta.promised,
            epochs.join(" "),
            meta.orphans.len(),
            meta.snapshots.iter().map(|one| one.tail.seq.0).collect::<Vec<_>>()
        )
    });
    let meta = meta.unwrap_or_default();
    format!("{now:>10} n{} writes the meta of {group} as write {}: {meta}", node + 1, id.0)
}
