//! If a record reads back as anything but what was written, regions part silently.

use alloc::vec;

use super::*;

fn header(kind: RecordKind) -> Header {
    Header {
        kind,
        group: GroupId(18),
        config: ConfigId(1),
        epoch: Epoch(7),
        seq: Seq(42),
        count: 0,
        stamp: Stamp(1_700_000_000_000_000),
        model: ModelVersion::FIRST,
        previous: digest(b"before"),
        body: Hash::ZERO,
    }
}

fn command(id: u8, body: &'static [u8]) -> Command {
    Command {
        id: MessageId([id; 16]),
        digest: digest(body),
        not_after: Stamp(1_700_000_060_000_000),
        origin: None,
        body: Bytes::from_static(body),
    }
}

fn sample() -> Record {
    Record::build(header(RecordKind::Commands), &[command(1, b"first"), command(2, b"")])
}

#[test]
fn released_bytes_stay_readable() {
    let golden = include_bytes!("../../golden/v1/record.bin");
    assert_eq!(sample().bytes(), &golden[..]);
    let record = Record::decode(Bytes::from_static(golden)).unwrap();
    assert_eq!(record, sample());
    let read: Vec<_> = record.commands().map(|command| (command.id, command.body)).collect();
    let expected: [(MessageId, &[u8]); 2] =
        [(MessageId([1; 16]), b"first"), (MessageId([2; 16]), b"")];
    assert_eq!(read, expected);
}

fn origin() -> Origin {
    Origin { epoch: Epoch(3), seq: Seq(41), head: digest(b"run") }
}

/// A record with a command that is handed in again, between two that are not.
fn replayed() -> Record {
    let again = Command { origin: Some(origin()), ..command(3, b"again") };
    let commands = [command(1, b"first"), again, command(2, b"")];
    Record::build(header(RecordKind::Commands), &commands)
}

#[test]
fn where_a_command_comes_from_stands_in_the_record() {
    // An auditor could not tell what operators handed in again from what clients sent.
    let record = Record::decode(replayed().bytes().clone()).unwrap();
    assert_eq!(record, replayed());
    let read: Vec<_> = record.commands().map(|one| (one.origin, one.body)).collect();
    let expected: [(_, &[u8]); 3] = [(None, b"first"), (Some(origin()), b"again"), (None, b"")];
    assert_eq!(read, expected);
    let golden = include_bytes!("../../golden/v1/record-replayed.bin");
    assert_eq!(replayed().bytes(), &golden[..]);
    // A length that no body has is refused, with the mark or without it.
    let at = HEADER_BYTES + 4 + 16 + 32 + 8;
    for length in [u32::MAX, u32::MAX >> 1, 1 << 30] {
        let mut body = replayed().bytes()[HEADER_BYTES + 4..].to_vec();
        body[at - HEADER_BYTES - 4..][..4].copy_from_slice(&length.to_le_bytes());
        assert!(CommandRef::decode(&mut Reader::new(&body)).is_err(), "length {length:x}");
    }
}

#[test]
fn every_bit_counts() {
    every_bit_of(&sample());
    every_bit_of(&replayed());
}

fn every_bit_of(record: &Record) {
    let bytes = record.bytes().to_vec();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let read = Record::decode(flipped.into());
        assert!(read.is_err() || read.unwrap().hash() != record.hash(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Record::decode(bytes[..length].to_vec().into()).is_err(), "length {length}");
    }
    let longer = [&bytes[..], b"x"].concat();
    assert_eq!(Record::decode(longer.into()), Err(DecodeError::Trailing(1)));
}

#[test]
fn the_count_is_what_the_body_holds() {
    // A count of our own over an honest body: its hash is right, the number of commands is not.
    let honest = sample();
    for count in [0, 1, 3, u32::MAX] {
        let mut bytes = honest.bytes().to_vec();
        bytes[24..28].copy_from_slice(&count.to_le_bytes());
        assert!(Record::decode(bytes.into()).is_err(), "count {count}");
    }
    let beat = Record::build(header(RecordKind::Beat), &[command(1, b"smuggled")]);
    assert!(Record::decode(beat.bytes().clone()).is_err());
    let empty = Record::build(header(RecordKind::EpochStart), &[]);
    assert_eq!(Record::decode(empty.bytes().clone()), Ok(empty));
}

#[test]
fn a_record_read_again_keeps_its_hash() {
    let record = sample();
    let again = Record::reread(record.bytes().clone(), record.hash());
    assert_eq!(again, Ok(record));
    assert!(Record::reread(Bytes::from(vec![0; 10]), Hash::ZERO).is_err());
}
