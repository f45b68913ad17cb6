//! Bits that flip in durable records: not noticed before the record is read, or the log is scanned.

use std::ops::Range;

use bytes::Bytes;
use journal::scan::Damage;
use types::{GroupId, Hash, Position};
use wire::Record;
use wire::log::Kind;

use super::{Disk, Lie, Write};

/// A record of which bits have flipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Whether they are in what says which kind of record it is.
    pub(crate) header: bool,
}

/// What a scan comes upon.
#[derive(Clone, Debug)]
pub(crate) enum Scanned {
    /// A record.
    Record(Position, Kind, Bytes),
    /// A place where none can be read.
    Damage(Damage),
}

impl Disk {
    /// Durable records of this kind that no bits have flipped in, and how many pulses follow each.
    #[must_use]
    pub fn sound(&self, kind: Kind) -> Vec<(usize, usize)> {
        let mut pulses = 0;
        let mut sound = Vec::new();
        for (index, (of, _)) in self.log.iter().enumerate().skip(self.first).rev() {
            if *of == kind && !self.hits.contains_key(&index) {
                sound.push((index, pulses));
            }
            pulses += usize::from(*of == Kind::Pulse);
        }
        sound.reverse();
        sound
    }

    /// Bits flip in a durable record.
    pub(crate) fn hit(&mut self, index: usize, hit: Hit) {
        assert!(index < self.log.len(), "bits flip in what is there");
        self.hits.insert(index, hit);
    }

    /// Where the last copy of a group's record that can be read stands; for stories.
    #[must_use]
    pub fn find(&self, group: GroupId, seq: types::Seq) -> Option<usize> {
        (self.first..self.log.len()).rev().filter(|index| !self.hits.contains_key(index)).find(
            |index| {
                let kind = self.log.get(*index).map(|(kind, _)| *kind);
                if !matches!(kind, Some(Kind::Group | Kind::Repair)) {
                    return false;
                }
                let record =
                    self.log.get(*index).and_then(|(_, bytes)| Record::decode(bytes.clone()).ok());
                record.is_some_and(|one| one.header().group == group && one.header().seq == seq)
            },
        )
    }

    /// Puts a record that was never in the journal in the place of a group's last one, whole and linked: what no
    /// checksum catches. Gives its seq.
    pub(crate) fn forge(&mut self, group: GroupId) -> Option<types::Seq> {
        let of = |(_, bytes): &(Kind, Bytes)| {
            let record = Record::decode(bytes.clone()).ok()?;
            (record.header().group == group).then_some(record)
        };
        let index = (self.first..self.log.len()).rev().find(|index| {
            self.log.get(*index).is_some_and(|one| one.0 == Kind::Group && of(one).is_some())
        })?;
        let slot = self.log.get_mut(index)?;
        let mut header = *of(slot)?.header();
        header.stamp.0 += 1;
        header.kind = wire::RecordKind::Beat;
        slot.1 = Record::build(header, &[]).bytes().clone();
        Some(header.seq)
    }

    /// The chain hash of the record that was written at a place, flipped bits or not.
    #[must_use]
    pub fn written_at(&self, at: Position) -> Option<Hash> {
        let (_, bytes) = self.log.get(usize::try_from(at.0).ok()?)?;
        Record::decode(bytes.clone()).ok().map(|record| record.hash())
    }

    /// Whether bits have flipped in any record.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        !self.hits.is_empty()
    }

    /// What a start reads, from the recorded floor on: records, and damage. Between two records of one batch nothing proves that
    /// the first of them was durable; but as a tear leaves no bytes here, what cannot be read was
    /// written whole.
    pub(crate) fn scan(&mut self) -> Vec<Scanned> {
        if self.lie == Lie::Truncate
            && let Some((first, _)) = self.hits.first_key_value()
        {
            let first = *first;
            self.log.truncate(first);
            self.first = self.first.min(first);
            self.proven.truncate(first);
            self.hits.clear();
            self.marked = self.marked.min(first);
        }
        let mut scanned = Vec::new();
        let start = usize::try_from(self.start.0).expect("positions here are small");
        let mut index = start.max(self.first);
        while let Some((kind, bytes)) = self.log.get(index) {
            if self.hits.contains_key(&index) {
                let end = (index..).find(|at| !self.hits.contains_key(at)).unwrap_or(index);
                scanned.push(Scanned::Damage(self.damage(index..end)));
                index = end;
            } else {
                scanned.push(Scanned::Record(Position(index as u64), *kind, bytes.clone()));
                index += 1;
            }
        }
        scanned
    }

    fn damage(&self, run: Range<usize>) -> Damage {
        let may_hold = |kind| {
            run.clone().any(|index| {
                let header = self.hits.get(&index).is_some_and(|hit| hit.header);
                header || self.log.get(index).is_some_and(|(of, _)| *of == kind)
            })
        };
        Damage {
            from: Position(run.start as u64),
            until: (run.end < self.log.len()).then_some(Position(run.end as u64)),
            groups: may_hold(Kind::Group),
            register: may_hold(Kind::Register),
        }
    }

    /// Puts blobs into the superblock at a start, before the node runs.
    pub fn settle(&mut self, blobs: impl IntoIterator<Item = (GroupId, Bytes)>) {
        for (group, bytes) in blobs {
            let durable = self.log.len();
            self.keep(Write::Superblock(group, bytes), durable);
        }
    }
}
