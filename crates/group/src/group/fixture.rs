//! A group with records, for tests.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bytes::Bytes;
use model::{LoadError, Model, Outcome, Saving};
use register::GroupState;
use types::{Config, ConfigId, Epoch, EpochTable, GroupId, Hash, Instant, MessageId, NodeId, Now};
use types::{ModelVersion, Position, Seq, Stamp, Start};
use wire::{Command, Header, Meta, Record, RecordKind};

use super::{Group, Out, Writing};
use crate::GroupOptions;

/// Counts what it is given.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(pub(crate) u64);

impl Model for Count {
    fn versions(&self) -> RangeInclusive<ModelVersion> {
        ModelVersion::FIRST..=ModelVersion(2)
    }

    fn apply(&mut self, _: ModelVersion, _: Stamp, _: &[u8], _: &mut Outcome) {
        self.0 += 1;
    }

    fn digest(&self) -> Hash {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&self.0.to_le_bytes());
        Hash(digest)
    }

    fn save(&self) -> Saving {
        Saving { aside: [self.0.to_le_bytes().to_vec()].into(), ..Saving::default() }
    }

    fn save_next(&self, saving: &mut Saving, _: usize) -> Option<Vec<u8>> {
        saving.aside.pop_front()
    }

    fn load(&mut self, part: &[u8]) -> Result<(), LoadError> {
        self.0 = u64::from_le_bytes(part.try_into().map_err(|_| LoadError::Truncated)?);
        Ok(())
    }

    fn loaded(&mut self) -> Result<(), LoadError> {
        Ok(())
    }
}

/// After how long a message is taken to be lost.
pub(crate) const RESEND_US: u64 = 1_000;

/// A member that finds `records` records of `commands` commands in its log, all of them committed,
/// and keeps `held_bytes_max` of them in memory.
pub(crate) fn member(records: u64, commands: u32, held_bytes_max: usize) -> Group<Count> {
    let options = GroupOptions {
        me: NodeId(2),
        budget_records: 1_000,
        budget_us: 60_000_000,
        window_records: 64,
        held_bytes_max,
        desk_bytes_max: 0,
        resend_us: RESEND_US,
        handoff_us: 0,
        beat_us: u64::MAX,
        patience_us: 0,
        forwarded_wait_us: 0,
        ahead_us_max: 0,
        snapshot_work: u64::MAX,
        snapshot_us: u64::MAX,
        mutant: replication::Mutant::None,
    };
    let config = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    let start = Start {
        epoch: Epoch(1),
        seq: Seq(1),
        hash: Hash::ZERO,
        config: ConfigId(1),
        forced: false,
        class: types::Class::Sync,
    };
    let meta = Meta {
        promised: Epoch(1),
        table: EpochTable::from_starts(vec![start]).unwrap(),
        home: Some(NodeId(1)),
        config: config.clone(),
        ..Meta::new(config.clone())
    };
    let mut group = Group::new(options, GroupId(0), Some(meta), config, Count::default());
    for seq in 1..=records {
        assert!(group.replay(Position(seq), &record(&group, seq, commands), Writing::First));
    }
    group.known = Seq(records);
    group
}

fn record(group: &Group<Count>, seq: u64, commands: u32) -> Record {
    let commands: Vec<Command> = (0..commands)
        .map(|number| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&seq.to_be_bytes());
            id[8..12].copy_from_slice(&number.to_be_bytes());
            let body = Bytes::from_static(b"body");
            Command {
                id: MessageId(id),
                digest: Hash::ZERO,
                not_after: Stamp(u64::MAX),
                origin: None,
                body,
            }
        })
        .collect();
    let header = header(group, RecordKind::Commands);
    assert!(header.seq == Seq(seq));
    Record::build(header, &commands)
}

/// The home of epoch 2, without sessions; record 5 is the epoch's first.
pub(crate) fn home(out: &mut Vec<Out>) -> Group<Count> {
    let mut group = member(4, 1, usize::MAX);
    let mut history = group.table().clone();
    let (config, hash) = (ConfigId(1), group.tail().hash);
    history.push(Start {
        epoch: Epoch(2),
        seq: Seq(5),
        hash,
        config,
        forced: false,
        class: types::Class::Sync,
    });
    let state = registered(&group, NodeId(2), history);
    group.become_home(at(1), &state, out);
    group
}

/// The header of the record that comes next.
pub(crate) fn header(group: &Group<Count>, kind: RecordKind) -> Header {
    let tail = group.chain.tail();
    Header {
        kind,
        group: GroupId(0),
        config: ConfigId(1),
        epoch: Epoch(1),
        seq: tail.seq.next(),
        count: 0,
        stamp: Stamp(tail.seq.next().0),
        model: group.versions.at(tail.seq),
        previous: tail.hash,
        body: Hash::ZERO,
    }
}

/// A moment.
pub(crate) fn at(micros: u64) -> Now {
    Now { instant: Instant(micros), wall: Stamp(micros) }
}

/// What the register says of a group that has all its copies and lives at `home`, in the last epoch of
/// `history`.
pub(crate) fn registered(group: &Group<Count>, home: NodeId, history: EpochTable) -> GroupState {
    GroupState {
        version: 3,
        issued: history.epoch(),
        epoch: history.epoch(),
        home: Some(home),
        history,
        ..GroupState::genesis(group.meta.config.clone())
    }
}
