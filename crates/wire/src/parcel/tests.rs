//! If two versions read a parcel differently, one group credits what the other did not debit.

use alloc::vec;

use super::*;
use crate::{FrameBuilder, Header, Message, Record, RecordKind, decode_frame};

/// One of each, with distinct values in every field.
fn samples() -> Vec<Parcel> {
    let (from, to) = (GroupId(3), GroupId(18));
    let digest = message_digest(ChannelKey([7; 16]), b"content");
    let hash = chained(channel_hash(from, to), 5, digest);
    let resolved = Resolved { number: 4, hash: answered(Hash::ZERO, 4, &Answer::Cancelled) };
    let bodies = vec![
        ParcelBody::Message {
            resolved,
            key: ChannelKey([7; 16]),
            content: Bytes::from_static(b"content"),
        },
        ParcelBody::Cancel { resolved, digest },
        ParcelBody::Answer(Answer::Applied(Bytes::from_static(b"yes"))),
        ParcelBody::Answer(Answer::Refused(Bytes::from_static(b"no"))),
        ParcelBody::Answer(Answer::Cancelled),
        ParcelBody::Answer(Answer::Frozen(Cause::ReceiverLost)),
        ParcelBody::Answer(Answer::Forgotten),
    ];
    let (stamp, source) = (Stamp(1_700_000_000_000_000), Seq(42));
    let parcel = |body| Parcel { from, to, number: 5, hash, stamp, source, body };
    bodies.into_iter().map(parcel).collect()
}

/// What is said while a channel is opened again.
fn restarts() -> Vec<Parcel> {
    let [parcel, ..] = &samples()[..] else { panic!("there are samples") };
    let bodies = [ParcelBody::Restart, ParcelBody::Answer(Answer::Restarted)];
    bodies.map(|body| Parcel { body, ..parcel.clone() }).to_vec()
}

#[test]
fn what_is_said_while_a_channel_is_opened_again_stays_readable() {
    // One end would wait for the other for ever.
    let golden = Bytes::from_static(include_bytes!("../../golden/v1/restarts.bin"));
    let mut builder = FrameBuilder::default();
    builder.push(&Message::Channel { group: GroupId(18), parcels: restarts() });
    assert_eq!(builder.take().unwrap(), golden);
    let read = decode_frame(&golden).unwrap();
    assert_eq!(read, [Message::Channel { group: GroupId(18), parcels: restarts() }]);
    for parcel in restarts() {
        assert_eq!(Parcel::from_body(&parcel.to_command().body), Ok(parcel));
    }
}

fn frame() -> Bytes {
    let mut builder = FrameBuilder::default();
    builder.push(&Message::Channel { group: GroupId(18), parcels: samples() });
    builder.take().unwrap()
}

#[test]
fn released_bytes_stay_readable() {
    // A node of the next version must read what is on its way, and in its log, from this one.
    let golden = Bytes::from_static(include_bytes!("../../golden/v1/parcels.bin"));
    assert_eq!(frame(), golden);
    let read = decode_frame(&golden).unwrap();
    assert_eq!(read, [Message::Channel { group: GroupId(18), parcels: samples() }]);
}

#[test]
fn parcels_cut_anywhere_or_changed_are_refused_and_never_panic() {
    // A damaged frame must not become another payment, nor end the process.
    let frame = frame();
    for length in 1..frame.len() {
        let read = decode_frame(&frame.slice(..length));
        assert!(read.is_err() || read.unwrap().is_empty(), "length {length}");
    }
    for at in 0..frame.len() {
        for bit in 0..8 {
            let mut bytes = frame.to_vec();
            bytes[at] ^= 1 << bit;
            let _read = decode_frame(&bytes.into());
        }
    }
    let body = samples()[0].to_command().body;
    for length in 0..body.len() {
        assert!(Parcel::from_body(&body.slice(..length)).is_err(), "length {length}");
    }
}

#[test]
fn a_record_gives_back_the_parcels_that_it_was_built_of() {
    // What stands in the chain is what every region and every restart carries out.
    let header = Header {
        kind: RecordKind::Channel,
        group: GroupId(18),
        config: types::ConfigId(1),
        epoch: types::Epoch(7),
        seq: Seq(42),
        count: 0,
        stamp: Stamp(1),
        model: types::ModelVersion::FIRST,
        previous: Hash::ZERO,
        body: Hash::ZERO,
    };
    let commands: Vec<Command> = samples().iter().map(Parcel::to_command).collect();
    let built = Record::build(header, &commands);
    let record = Record::decode(built.bytes().clone()).unwrap();
    let read = record
        .commands()
        .map(|command| Parcel::from_body(&Bytes::copy_from_slice(command.body)).unwrap());
    assert_eq!(read.collect::<Vec<_>>(), samples());
    for (parcel, command) in samples().iter().zip(&commands) {
        assert!(parcel.encoded_bytes() >= command.body.len());
    }
}

#[test]
fn the_hash_tells_every_channel_and_every_history_apart() {
    // A message that fits two histories could be consumed in the wrong one.
    let (a, b) = (GroupId(1), GroupId(2));
    assert_ne!(channel_hash(a, b), channel_hash(b, a));
    let digest = message_digest(ChannelKey([1; 16]), b"x");
    assert_ne!(digest, message_digest(ChannelKey([2; 16]), b"x"));
    assert_ne!(chained(channel_hash(a, b), 1, digest), chained(channel_hash(a, b), 2, digest));
}
