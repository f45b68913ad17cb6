//! If a tear is taken for damage a group waits for nothing; the other way round, an acknowledged record
//! is given up.

use types::{ClusterId, NodeId};
use wire::log::{Frame, Identity, SegmentHeader, frame_bytes};

use super::*;

const AT: u64 = 4096 + 200;

fn salt() -> Salt {
    let identity = Identity { cluster: ClusterId([1; 16]), node: NodeId(1) };
    SegmentHeader { identity, first: Position(0), length: 1 << 20 }.encode().1
}

fn frames(payloads: &[(Kind, &[u8])]) -> Vec<u8> {
    let salt = salt();
    let mut out = Vec::new();
    for (kind, payload) in payloads {
        let at = Position(AT + out.len() as u64);
        Frame { kind: *kind, at, durable: Position(0), payload }.encode(salt, &mut out);
    }
    out
}

/// As a scan shows it: up to the last byte that is not zero.
fn end(bytes: &[u8]) -> Look {
    let used = bytes.len() - trailing_zeros(bytes);
    look(salt(), Position(AT), &bytes[..used.next_multiple_of(8).min(bytes.len())], false)
}

#[test]
fn a_write_of_which_any_sector_is_missing_is_torn() {
    let bytes = frames(&[(Kind::Group, &[7; 1500]), (Kind::Register, &[9; 900])]);
    let first = 512 - usize::try_from(AT).unwrap() % 512;
    let mut from = 0;
    while from < bytes.len() {
        let until = (if from == 0 { first } else { from + 512 }).min(bytes.len());
        let mut torn = bytes.clone();
        torn[from..until].fill(0);
        assert_eq!(end(&torn), Look::Torn, "{from}..{until}");
        assert_eq!(
            look(salt(), Position(AT), &torn, true),
            Look::Torn,
            "{from}..{until}, followed"
        );
        let mut cut = bytes.clone();
        cut[from..].fill(0);
        if from > 0 {
            assert_eq!(end(&cut), Look::Torn, "from {from}");
        }
        from = until;
    }
}

#[test]
fn a_bit_anywhere_in_a_written_record_is_no_tear_and_the_others_kinds_are_known() {
    let bytes = frames(&[(Kind::Group, &[7; 300]), (Kind::Pulse, &[5; 40])]);
    let group = Held { groups: true, register: false };
    let alone = frames(&[(Kind::Group, &[7; 300])]);
    for bit in 0..FRAME_HEADER_BYTES * 8 {
        let mut flipped = alone.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(matches!(end(&flipped), Look::Written(_)), "bit {bit} with nothing behind");
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Look::Written(held) = look(salt(), Position(AT), &flipped, true) else {
            panic!("bit {bit} looks torn")
        };
        let of_first = bit / 8 % frame_bytes(300);
        if of_first >= FRAME_HEADER_BYTES && bit / 8 < frame_bytes(300) {
            assert_eq!(held, group, "bit {bit}");
        }
    }
}
