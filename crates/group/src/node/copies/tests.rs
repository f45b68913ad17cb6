//! A member of the register that has forgotten a vote may vote again, and two regions lead.

use super::*;

fn record(number: u8) -> Bytes {
    Bytes::from(alloc::vec![number; 3])
}

/// What a log holds, as a scan shows it.
enum Entry {
    Record(u8),
    Damage,
    Pulse(Vec<u8>),
}

/// Writes `count` records with `pulses` pulses after each.
fn written(count: u8, pulses: usize) -> Vec<Entry> {
    let mut copies = Copies::default();
    let mut log = Vec::new();
    for number in 0..count {
        copies.note(&record(number));
        log.push(Entry::Record(number));
        for _ in 0..pulses {
            let mut bytes = Vec::new();
            copies.write(&mut Writer::new(&mut bytes));
            log.push(Entry::Pulse(bytes));
        }
    }
    log
}

fn read(log: &[Entry]) -> Result<Vec<Bytes>, Position> {
    let mut found = Found::default();
    found.begin();
    for (at, entry) in (1..).zip(log) {
        match entry {
            Entry::Record(number) => found.record(record(*number)),
            Entry::Damage => found.damaged(Position(at)),
            Entry::Pulse(bytes) => found.pulse(&mut Reader::new(bytes)).unwrap(),
        }
    }
    found.finish().map(|kept| kept.records.into_iter().map(|(record, _)| record).collect())
}

#[test]
fn any_damage_that_leaves_a_later_pulse_leaves_every_record() {
    // One bad place, of any length that does not swallow all copies of what it takes.
    let whole: Vec<Bytes> = (0..6).map(record).collect();
    let length = written(6, 9).len();
    for from in 0..length {
        for until in from + 1..length.min(from + 8) {
            let mut log = written(6, 9);
            log.splice(from..until, [Entry::Damage]);
            let read = read(&log);
            // A pulse that follows a record by 8 has a copy; the last record has no more than that.
            let last = length - 1;
            if until < last {
                assert_eq!(read.as_ref(), Ok(&whole), "{from}..{until}");
            } else {
                assert!(read.is_err() || read == Ok(whole.clone()), "{from}..{until}");
            }
        }
    }
}

#[test]
fn a_record_that_may_be_lost_for_good_is_an_error() {
    // Better no vote than a vote against one's own.
    let mut at_the_end = written(3, 2);
    at_the_end.push(Entry::Damage);
    assert_eq!(read(&at_the_end), Err(Position(10)));
    let mut with_its_copies = written(1, 3);
    with_its_copies.splice(0..3, [Entry::Damage]);
    assert_eq!(read(&with_its_copies), Err(Position(1)));
    let mut twice = written(3, 2);
    twice.splice(1..2, [Entry::Damage]);
    twice.splice(3..4, [Entry::Damage]);
    assert_eq!(read(&twice), Ok((0..3).map(record).collect()), "from the copies");
}

#[test]
fn what_a_crash_left_without_a_copy_gets_one_after_the_next_start() {
    // Without this a bad sector under one old record keeps the node down, and its vote is gone.
    let mut found = Found::default();
    found.begin();
    found.record(record(0));
    let kept = found.finish().unwrap();
    let mut bytes = Vec::new();
    Copies::after(&kept).write(&mut Writer::new(&mut bytes));
    assert_eq!(read(&[Entry::Damage, Entry::Pulse(bytes)]), Ok(alloc::vec![record(0)]));
}
