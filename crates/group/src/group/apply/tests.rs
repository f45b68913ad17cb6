//! A node that applies too much in one step, or reads without end, does not tell others that it lives.

use alloc::vec;

use types::{Config, ConfigId, Epoch, EpochTable, GroupId, NodeId, Now, Position, Stamp, Start};
use types::{Instant, MessageId};
use wire::{Command, Header, Meta, RecordKind};

use super::*;
use crate::{Event, GroupOptions};

/// Counts what it is given.
#[derive(Clone, Debug, Default)]
struct Count(u64);

impl Model for Count {
    fn apply(&mut self, _: Stamp, _: &[u8], _: &mut Outcome) {
        self.0 += 1;
    }

    fn digest(&self) -> Hash {
        Hash::ZERO
    }
}

const RESEND_US: u64 = 1_000;

/// A member that finds `records` records of `commands` commands in its log, all of them committed,
/// and keeps `held_bytes_max` of them in memory.
fn member(records: u64, commands: u32, held_bytes_max: usize) -> Group<Count> {
    let options = GroupOptions {
        me: NodeId(2),
        window_records: 64,
        held_bytes_max,
        desk_bytes_max: 0,
        resend_us: RESEND_US,
        handoff_us: 0,
        beat_us: 0,
        patience_us: 0,
        forwarded_wait_us: 0,
        model: 1,
        mutant: replication::Mutant::None,
    };
    let config = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    let start = Start {
        epoch: Epoch(1),
        seq: Seq(1),
        hash: Hash::ZERO,
        config: ConfigId(1),
        forced: false,
    };
    let meta = Meta {
        promised: Epoch(1),
        table: EpochTable::from_starts(vec![start]).unwrap(),
        home: Some(NodeId(1)),
        config: config.clone(),
        orphans: Vec::new(),
    };
    let mut group = Group::new(options, GroupId(0), Some(meta), config, Count::default());
    for seq in 1..=records {
        assert!(group.replay(Position(seq), &record(&group, seq, commands)));
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
            Command { id: MessageId(id), digest: Hash::ZERO, not_after: Stamp(u64::MAX), body }
        })
        .collect();
    let header = Header {
        kind: RecordKind::Commands,
        group: GroupId(0),
        config: ConfigId(1),
        epoch: Epoch(1),
        seq: Seq(seq),
        count: 0,
        stamp: Stamp(seq),
        model: 1,
        previous: group.chain.tail().hash,
        body: Hash::ZERO,
    };
    Record::build(header, &commands)
}

fn at(micros: u64) -> Now {
    Now { instant: Instant(micros), wall: Stamp(micros) }
}

fn loads(out: &mut Vec<Out>) -> Vec<Seq> {
    let load = |one| if let Out::Load { seq, .. } = one { Some(seq) } else { None };
    out.drain(..).filter_map(load).collect()
}

#[test]
fn large_records_are_as_much_work_as_their_commands() {
    // 512 records of 8,192 commands are seconds of work: the node would be taken for dead.
    let mut group = member(10, 40, usize::MAX);
    group.apply_ready(100, &mut Vec::new());
    assert_eq!((group.applied(), group.model().0), (Seq(3), 120));
    group.apply_ready(100, &mut Vec::new());
    assert_eq!(group.applied(), Seq(6));
}

#[test]
fn a_record_that_cannot_be_read_is_asked_for_again_after_a_while_and_holds_up_no_memory() {
    // A bad sector under one record once made the node read it without end, and everything behind it.
    let mut group = member(500, 1, 1);
    let mut out = Vec::new();
    group.settle(at(0), &mut out);
    let asked = loads(&mut out);
    assert_eq!(asked.len() as u64, READ_AHEAD_RECORDS);
    assert_eq!(asked.first(), Some(&Seq(1)));
    group.loaded(at(1), Seq(1), None, &mut out);
    assert!(matches!(out.pop(), Some(Out::Note(Event::Unreadable { seq: Seq(1), .. }))));
    for micros in 2..RESEND_US {
        group.settle(at(micros), &mut out);
        assert_eq!(loads(&mut out), [], "neither it nor anything further ahead");
    }
    assert_eq!(group.next_deadline(), Some(Instant(1 + RESEND_US)));
    group.settle(at(1 + RESEND_US), &mut out);
    assert_eq!(loads(&mut out), [Seq(1)]);
}
