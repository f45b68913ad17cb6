//! If an answer changes on its way through a forwarder, a client is told that money moved.

use alloc::vec::Vec;

use super::*;

#[test]
fn every_reply_arrives_as_it_was_sent() {
    let replies = [
        Reply::Done {
            seq: Seq(9),
            stamp: Stamp(77),
            repeated: true,
            outcome: Bytes::from_static(b"settled"),
            seen: None,
        },
        Reply::Done {
            seq: Seq(9),
            stamp: Stamp(77),
            repeated: false,
            outcome: Bytes::from_static(b"settled"),
            seen: Some(Tail { epoch: Epoch(3), seq: Seq(11), hash: crate::digest(b"record") }),
        },
        Reply::Conflict { first: crate::digest(b"first") },
        Reply::NotHome { home: Some(NodeId(3)), epoch: Epoch(4) },
        Reply::NotHome { home: None, epoch: Epoch(0) },
        Reply::Busy { retry_after_ms: 250 },
        Reply::Expired,
        Reply::Unknown(Doubt::NoQuorum),
        Reply::Unknown(Doubt::HomeSilent),
        Reply::Unknown(Doubt::Switching),
        Reply::Provisional {
            at: Tail { epoch: Epoch(3), seq: Seq(9), hash: crate::digest(b"record") },
            stamp: Stamp(77),
            repeated: false,
            outcome: Bytes::from_static(b"settled"),
        },
    ];
    for reply in replies {
        let mut bytes = Vec::new();
        reply.encode(&mut Writer::new(&mut bytes));
        let frame = Bytes::from(bytes);
        let mut reader = Reader::new(&frame);
        assert_eq!(Reply::decode(&frame, &mut reader), Ok(reply.clone()));
        assert_eq!(reader.end(), Ok(()));
        for length in 0..frame.len() {
            let cut = frame.slice(..length);
            assert!(Reply::decode(&cut, &mut Reader::new(&cut)).is_err(), "{reply:?} at {length}");
        }
    }
}

#[test]
fn an_absent_home_has_no_number() {
    let mut bytes = Vec::new();
    Reply::NotHome { home: None, epoch: Epoch(0) }.encode(&mut Writer::new(&mut bytes));
    bytes[2] = 7;
    let frame = Bytes::from(bytes);
    assert!(Reply::decode(&frame, &mut Reader::new(&frame)).is_err());
}
