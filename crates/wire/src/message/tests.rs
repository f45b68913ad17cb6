//! If two versions of a node read a frame differently, one acknowledges what the other did not send.

use alloc::vec;

use types::{Config, ConfigId, EpochTable, MessageId, NodeId, Seq, Stamp, Start, Tail};

use super::*;
use crate::{Fault, Snapshot};

/// One of each message, with distinct values in every field.
fn samples() -> Vec<Message> {
    let hash = |text: &[u8]| crate::digest(text);
    let tail = |n: u64| Tail { epoch: Epoch(n), seq: Seq(n + 1), hash: hash(b"tail") };
    let start = Start {
        epoch: Epoch(2),
        seq: Seq(5),
        hash: hash(b"start"),
        config: ConfigId(1),
        forced: false,
        class: types::Class::Sync,
    };
    let table = EpochTable::from_starts(vec![start]).unwrap();
    let config = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    let bodies = vec![
        GroupMessage::Append {
            config: ConfigId(1),
            commit: Seq(3),
            record: Bytes::from_static(b"record"),
        },
        GroupMessage::AppendAck { tail: tail(1) },
        GroupMessage::Commit { commit: Seq(8) },
        GroupMessage::Refused { promised: Epoch(9) },
        GroupMessage::Seal,
        GroupMessage::SealAck {
            tail: tail(2),
            table: table.clone(),
            commit: Seq(4),
            faults: vec![],
        },
        GroupMessage::Adopt { table: table.clone(), target: tail(3) },
        GroupMessage::Adopted { tail: tail(4) },
        GroupMessage::NewEpoch { table, config },
        GroupMessage::NewEpochAck { tail: tail(5) },
        GroupMessage::Fetch { after: tail(6) },
        GroupMessage::Entries {
            after: Seq(7),
            records: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
            tail: tail(7),
        },
        GroupMessage::Digest {
            seq: Seq(8),
            head: hash(b"head"),
            digest: hash(b"state"),
            kept: Seq(6),
        },
        GroupMessage::SnapshotOffer {
            snapshot: Snapshot {
                tail: tail(8),
                stamp: Stamp(9),
                digest: hash(b"state"),
                bytes: 10,
                sha256: hash(b"file"),
                own: true,
            },
            tail: tail(9),
        },
        GroupMessage::SnapshotFetch { seq: Seq(9), offset: 5 },
        GroupMessage::SnapshotChunk { seq: Seq(9), offset: 5, bytes: Bytes::from_static(b"piece") },
    ];
    let in_group = |body| Message::Group { group: GroupId(18), epoch: Epoch(2), body };
    let command = Command {
        id: MessageId([5; 16]),
        digest: hash(b"content"),
        not_after: Stamp(99),
        origin: None,
        body: Bytes::from_static(b"body"),
    };
    let pulse = Pulse {
        durable: 6,
        wall: Stamp(1_000),
        seen: vec![(NodeId(2), 10), (NodeId(3), 20)],
        homes: vec![HomeReport {
            group: GroupId(18),
            epoch: Epoch(2),
            commit: Seq(8),
            head: hash(b"head"),
            closed: Stamp(990),
            stalled: true,
        }],
    };
    let mut all: Vec<Message> = bodies.into_iter().map(in_group).collect();
    all.push(Message::Pulse(pulse));
    all.push(Message::Register(Bytes::from_static(b"register")));
    all.push(Message::Forward { ticket: 11, group: GroupId(8), command, until: Until::Commit });
    all.push(Message::Answered { ticket: 11, reply: Reply::Expired });
    all
}

fn frame() -> Bytes {
    let mut builder = FrameBuilder::default();
    for message in samples() {
        builder.push(&message);
    }
    builder.take().unwrap()
}

#[test]
fn released_bytes_stay_readable() {
    let golden = Bytes::from_static(include_bytes!("../../golden/v1/messages.bin"));
    assert_eq!(frame(), golden);
    assert_eq!(decode_frame(&golden), Ok(samples()));
}

/// Those that came with the repair of damaged records.
fn repairs() -> Vec<Message> {
    let before = crate::digest(b"before");
    let tail = Tail { epoch: Epoch(2), seq: Seq(9), hash: crate::digest(b"tail") };
    let faults = vec![
        Fault { first: Seq(4), last: Some(Seq(6)), before },
        Fault { first: Seq(10), last: None, before },
    ];
    let seal = GroupMessage::SealAck { tail, table: EpochTable::new(), commit: Seq(4), faults };
    let want = GroupMessage::Want { first: Seq(4), last: Seq(6), hash: crate::digest(b"last") };
    let records = vec![Bytes::from_static(b"five"), Bytes::from_static(b"six")];
    let found = GroupMessage::Found { last: Seq(6), records };
    [seal, want, found, GroupMessage::AskEnd, GroupMessage::End { tail }]
        .map(|body| Message::Group { group: GroupId(18), epoch: Epoch(2), body })
        .to_vec()
}

#[test]
fn released_bytes_of_repairs_stay_readable() {
    // A node that cannot read these takes a damaged replica for one that never had a record.
    let mut builder = FrameBuilder::default();
    for message in repairs() {
        builder.push(&message);
    }
    let frame = builder.take().unwrap();
    let golden = Bytes::from_static(include_bytes!("../../golden/v1/repair.bin"));
    assert_eq!(frame, golden);
    assert_eq!(decode_frame(&golden), Ok(repairs()));
    for length in 0..frame.len() {
        if let Ok(messages) = decode_frame(&frame.slice(..length)) {
            assert_eq!(messages[..], repairs()[..messages.len()], "length {length}");
        }
    }
}

/// Those that came with reads.
fn reads() -> Vec<Message> {
    let (round, above) = (7, Stamp(1_000));
    let seen = Some(Tail { epoch: Epoch(2), seq: Seq(9), hash: crate::digest(b"tail") });
    let outcome = Bytes::from_static(b"settled");
    let reply = Reply::Done { seq: Seq(8), stamp: Stamp(5), repeated: false, outcome, seen };
    let bodies = [
        GroupMessage::Confirm { round },
        GroupMessage::ConfirmAck { round },
        GroupMessage::AskBeat { above },
    ];
    let in_group = |body| Message::Group { group: GroupId(18), epoch: Epoch(2), body };
    bodies.map(in_group).into_iter().chain([Message::Answered { ticket: 11, reply }]).collect()
}

#[test]
fn released_bytes_of_reads_stay_readable() {
    // A home that takes another message for a member's word would answer reads that it may not.
    let mut builder = FrameBuilder::default();
    for message in reads() {
        builder.push(&message);
    }
    let frame = builder.take().unwrap();
    let golden = Bytes::from_static(include_bytes!("../../golden/v1/reads.bin"));
    assert_eq!(frame, golden);
    assert_eq!(decode_frame(&golden), Ok(reads()));
    for length in 0..frame.len() {
        if let Ok(messages) = decode_frame(&frame.slice(..length)) {
            assert_eq!(messages[..], reads()[..messages.len()], "length {length}");
        }
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused_or_ends_between_messages() {
    let frame = frame();
    for length in 0..frame.len() {
        if let Ok(messages) = decode_frame(&frame.slice(..length)) {
            assert_eq!(messages[..], samples()[..messages.len()], "length {length}");
        }
    }
    assert!(decode_frame(&Bytes::from_static(&[2])).is_err());
}

#[test]
fn a_message_of_newer_code_is_passed_over_and_the_rest_is_read() {
    // Nodes are upgraded one by one. A node that refused all that a newer one says would take it for dead.
    for tag in [0, 63, 70, 71, 255] {
        let newer = Message::Newer { tag, fields: Bytes::from_static(b"whatever it means") };
        let known = Message::Register(Bytes::from_static(b"register"));
        let mut builder = FrameBuilder::default();
        for message in [&known, &newer, &known] {
            builder.push(message);
        }
        let frame = builder.take().unwrap();
        assert_eq!(decode_frame(&frame), Ok(vec![known.clone(), newer, known]));
    }
}

#[test]
fn a_message_that_does_not_fill_its_length_is_refused() {
    // Two encodings of one message, of which a node may read more or less than its peer wrote.
    let mut frame = vec![VERSION];
    for length in [0_u32, 1, 6, 9] {
        frame.truncate(1);
        frame.extend(length.to_le_bytes());
        frame.extend([65, 3, 0, 0, 0, 1, 2, 3, 4]);
        assert!(decode_frame(&Bytes::copy_from_slice(&frame)).is_err(), "length {length}");
    }
}

#[test]
fn hostile_bytes_never_panic_and_never_allocate_what_they_claim() {
    // Seeded, so that a failure can be had again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let honest = frame();
    for _ in 0..20_000 {
        let mut bytes = honest.to_vec();
        for _ in 0..=next() % 4 {
            let at = usize::try_from(next()).unwrap() % bytes.len();
            bytes[at] = next().to_le_bytes()[0];
        }
        let _read = decode_frame(&bytes.into());
    }
}

#[test]
fn a_builder_is_empty_after_it_is_taken() {
    let mut builder = FrameBuilder::default();
    assert_eq!(builder.take(), None);
    builder.push(&Message::Register(Bytes::from_static(b"x")));
    assert!(builder.take().is_some());
    assert_eq!((builder.bytes(), builder.take()), (0, None));
}

#[test]
fn a_command_handed_over_says_for_what_its_answer_waits() {
    // If that were lost on the way, a client that waits for the commit would be told before it.
    let command = Command {
        id: MessageId([5; 16]),
        digest: crate::digest(b"content"),
        not_after: Stamp(99),
        origin: None,
        body: Bytes::from_static(b"body"),
    };
    for until in [Until::Class, Until::Commit] {
        let forward =
            Message::Forward { ticket: 7, group: GroupId(3), command: command.clone(), until };
        let mut builder = FrameBuilder::default();
        builder.push(&forward);
        let frame = builder.take().unwrap();
        assert_eq!(decode_frame(&frame), Ok(vec![forward]));
    }
}

#[test]
fn terms_arrive_as_they_were_sent_and_older_bytes_mean_the_safest() {
    // A member that read another class than its home's would call answered what nobody was told.
    let config = Config::new(ConfigId(7), vec![NodeId(1), NodeId(2)], 2).unwrap();
    let mut seen = Vec::new();
    for class in [types::Class::Sync, types::Class::Async, types::Class::Local] {
        for on_quorum_loss in [types::QuorumLoss::Block, types::QuorumLoss::Degrade] {
            let config = config.clone().with_terms(types::Terms { class, on_quorum_loss });
            let mut bytes = Vec::new();
            Writer::new(&mut bytes).config(&config);
            assert_eq!(Reader::new(&bytes).config(), Ok(config));
            assert!(!seen.contains(&bytes));
            seen.push(bytes);
        }
    }
    let old = [7, 0, 0, 0, 2, 0, 2, 0, 0, 0, 1, 0, 2, 0];
    assert_eq!(Reader::new(&old).config(), Ok(config));
    let odd = [7, 0, 0, 0, 2, 3, 2, 0, 0, 0, 1, 0, 2, 0];
    assert!(Reader::new(&odd).config().is_err());
}

/// The one that came with the bases of witnesses.
fn based() -> Vec<Message> {
    let tail = |n: u64| Tail { epoch: Epoch(n), seq: Seq(n + 1), hash: crate::digest(b"tail") };
    let base = crate::Base { tail: tail(2), stamp: Stamp(7), model: types::ModelVersion(3) };
    let body = GroupMessage::Base { base, tail: tail(4) };
    vec![Message::Group { group: GroupId(18), epoch: Epoch(2), body }]
}

#[test]
fn released_bytes_of_bases_stay_readable() {
    // A witness that reads another place there would go on from a record that is none.
    let mut builder = FrameBuilder::default();
    based().iter().for_each(|message| builder.push(message));
    let frame = builder.take().unwrap();
    let golden = Bytes::from_static(include_bytes!("../../golden/v4/base.bin"));
    assert_eq!(frame, golden);
    assert_eq!(decode_frame(&golden), Ok(based()));
}
