//! The register's frames, from other members, and its records, from its own disk. What can be read of
//! them goes into a member as it would in a node.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use register::{Effect, Input, Options, Register};
use types::{Config, ConfigId, GroupId, Instant, NodeId, Now, Stamp};

/// Where a frame and a record have the fingerprint of their register: without it nothing else is read.
const IN_FRAME: usize = 1;
const IN_RECORD: usize = 2;

const TICK_US: u64 = 100_000;

fn options() -> Options {
    let members: Vec<NodeId> = (1..=3).map(NodeId).collect();
    let config = Config::new(ConfigId(1), members.clone(), 2).expect("three members, two copies");
    Options {
        node: NodeId(1),
        members,
        genesis: vec![(GroupId(0), config)],
        tick_us: TICK_US,
        election_ticks: 8,
        resend_ticks: 4,
        retry_us: 500_000,
        proposal_timeout_us: 5_000_000,
    }
}

fn member(records: &[&[u8]]) -> Option<Register> {
    Register::recover(options(), Instant(0), records.iter().copied()).ok()
}

/// One step at a tick, with every write done at once.
fn step(register: &mut Register, tick: u64, input: Input) -> Vec<Effect> {
    let now = Now { instant: Instant(tick * TICK_US), wall: Stamp(tick * TICK_US) };
    let mut done = Vec::new();
    let mut waiting = vec![input];
    while let Some(input) = waiting.pop() {
        let mut out = Vec::new();
        register.handle(now, input, &mut out);
        waiting.extend(out.iter().filter_map(|effect| match effect {
            Effect::Write { id, .. } => Some(Input::Written(*id)),
            _ => None,
        }));
        done.append(&mut out);
    }
    done
}

/// What the other members' frames are stamped with: this member's own are, too.
fn stamp() -> [u8; 8] {
    static STAMP: std::sync::OnceLock<[u8; 8]> = std::sync::OnceLock::new();
    *STAMP.get_or_init(|| {
        let mut register = member(&[]).expect("a blank member");
        let sent = (1..100).flat_map(|tick| step(&mut register, tick, Input::Wake));
        let mut frames = sent.filter_map(|effect| match effect {
            Effect::Send { bytes, .. } => Some(bytes),
            _ => None,
        });
        let frame = frames.next().expect("a member alone hails the others");
        frame[IN_FRAME..IN_FRAME + 8].try_into().expect("eight bytes")
    })
}

/// Pieces, each after its length in two bytes, stamped.
fn pieces(mut data: &[u8], at: usize) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let mut piece = rest[..length].to_vec();
        if let Some(place) = piece.get_mut(at..at + 8) {
            place.copy_from_slice(&stamp());
        }
        pieces.push(piece);
        data = &rest[length..];
    }
    pieces
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    if kind & 1 == 0 {
        let records = pieces(data, IN_RECORD);
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        if let Some(mut register) = member(&records) {
            step(&mut register, 1, Input::Wake);
        }
        return;
    }
    let mut register = member(&[]).expect("a blank member");
    for (tick, bytes) in (1..).zip(pieces(data, IN_FRAME)) {
        step(&mut register, tick, Input::Wake);
        let from = NodeId(2 + u16::from(kind >> 1 & 1));
        step(&mut register, tick, Input::Message { from, bytes: Bytes::from(bytes) });
    }
});
