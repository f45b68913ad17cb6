//! Frames of every kind as bytes and back, cut, damaged and hostile.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use alloc::{format, vec};

use omnipaxos::ballot_leader_election::Ballot;
use omnipaxos::messages::ballot_leader_election::{HeartbeatMsg, HeartbeatReply, HeartbeatRequest};
use omnipaxos::messages::sequence_paxos::{
    AcceptDecide, AcceptSync, Accepted, Compaction, Decide, NotAccepted, PaxosMsg, Prepare,
    PrepareReq, Promise,
};
use omnipaxos::util::{LogSync, SequenceNumber};
use types::{Epoch, GroupId, NodeId, Stamp};

use super::CONFIGURATION;
use crate::frame::{Body, Header, decode, encode};
use crate::log::Entry;
use crate::{Change, Proposal, ProposalId, SealKind, Transition};

const HEADER: Header =
    Header { register: 1, incarnation: 2, heard: 3, gaps: 4, ordered: 5, quorate: true };

fn entry(number: u64) -> Entry {
    let change = Change {
        group: GroupId(1),
        expected_version: 2,
        transition: Transition::BeginSeal {
            epoch: Epoch(1),
            candidate: NodeId(1),
            kind: SealKind::Planned,
            at: Stamp(3),
        },
    };
    let id = ProposalId { node: NodeId(1), number };
    Entry(Arc::new(Proposal::new(id, "who".into(), "why".into(), vec![change]).unwrap()))
}

fn every_body() -> Vec<Body> {
    let n = Ballot::with(CONFIGURATION, 7, 0, 2);
    let n_accepted = Ballot::with(CONFIGURATION, 6, 0, 3);
    let seq_num = SequenceNumber { session: 2, counter: 9 };
    let sync = LogSync {
        decided_snapshot: None,
        suffix: vec![entry(1), entry(2)],
        sync_idx: 4,
        stopsign: None,
    };
    let (decided_idx, accepted_idx) = (5, 6);
    let log_sync = Some(sync.clone());
    let paxos = [
        PaxosMsg::PrepareReq(PrepareReq { n: Ballot::default() }),
        PaxosMsg::Prepare(Prepare { n, decided_idx, n_accepted, accepted_idx }),
        PaxosMsg::Promise(Promise { n, n_accepted, decided_idx, accepted_idx, log_sync }),
        PaxosMsg::Promise(Promise { n, n_accepted, decided_idx, accepted_idx, log_sync: None }),
        PaxosMsg::AcceptSync(AcceptSync { n, seq_num, decided_idx, log_sync: sync }),
        PaxosMsg::AcceptDecide(AcceptDecide { n, seq_num, decided_idx, entries: vec![entry(3)] }),
        PaxosMsg::Accepted(Accepted { n, accepted_idx }),
        PaxosMsg::NotAccepted(NotAccepted { n }),
        PaxosMsg::Decide(Decide { n, seq_num, decided_idx }),
    ];
    let reply = HeartbeatReply {
        round: 3,
        // A restarted member's own ballot is number 0.
        ballot: Ballot::with(CONFIGURATION, 0, 0, 1),
        leader: n,
        happy: true,
    };
    paxos
        .into_iter()
        .map(Body::Paxos)
        .chain([
            Body::Heartbeat(HeartbeatMsg::Request(HeartbeatRequest { round: 3 })),
            Body::Heartbeat(HeartbeatMsg::Reply(reply)),
            Body::Proposal(entry(4)),
        ])
        .collect()
}

/// The library's messages compare by their printed form; they have no equality.
fn print(body: &Body) -> String {
    format!("{body:?}")
}

#[test]
fn every_message_survives_the_wire() {
    // A field lost on the way is a promise that nobody made.
    for body in every_body() {
        let bytes = encode(HEADER, 8, &body).unwrap();
        let frame = decode(&bytes, HEADER.register, 3).unwrap();
        assert_eq!(frame.header, HEADER);
        assert_eq!(print(&frame.body), print(&body));
    }
}

#[test]
fn cut_and_damaged_frames_are_refused_or_read_as_others() {
    // A member must outlive any bytes an authenticated peer sends.
    for body in every_body() {
        let bytes = encode(HEADER, 8, &body).unwrap();
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end], HEADER.register, 3).is_err(), "cut at {end}");
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 2, 9, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                if let Ok(frame) = decode(&damaged, HEADER.register, 3)
                    && !matches!(frame.body, Body::Foreign)
                {
                    assert_eq!(encode(frame.header, frame.beat, &frame.body).unwrap(), damaged);
                }
            }
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(decode(&longer, HEADER.register, 3).is_err());
    }
}

#[test]
fn numbers_that_would_break_the_library_are_refused() {
    // It indexes by member and adds to ballots and counters without a check.
    let refused = |message: PaxosMsg<Entry>| {
        let bytes = encode(HEADER, 0, &Body::Paxos(message)).unwrap();
        assert!(decode(&bytes, HEADER.register, 3).is_err());
    };
    let n = Ballot::with(CONFIGURATION, 1, 0, 1);
    for bad in [(u32::MAX, 1), (1, 0), (1, 4), (1, 255)] {
        let n = Ballot::with(CONFIGURATION, bad.0, 0, bad.1);
        refused(PaxosMsg::PrepareReq(PrepareReq { n }));
    }
    for (session, counter) in [(u64::MAX, 1), (1, u64::MAX)] {
        let seq_num = SequenceNumber { session, counter };
        refused(PaxosMsg::Decide(Decide { n, seq_num, decided_idx: 0 }));
    }
    refused(PaxosMsg::Accepted(Accepted { n, accepted_idx: usize::MAX }));
}

#[test]
fn unused_parts_of_the_library_have_no_encoding() {
    // A trim from a confused peer would make a hole that a later sync turns into a loss.
    let trim = Body::Paxos(PaxosMsg::Compaction(Compaction::Trim(4)));
    assert_eq!(encode(HEADER, 0, &trim), None);
    let forward = Body::Paxos(PaxosMsg::ProposalForward(vec![entry(1)]));
    assert_eq!(encode(HEADER, 0, &forward), None);
}

/// Without it the catch-up of a member that was away for long would be sent in a frame that no session
/// carries, again and again, and take what travels beside it along; and nobody would be told.
#[test]
fn what_is_encoded_fits_a_message_between_nodes() {
    let n = Ballot::with(CONFIGURATION, 7, 0, 2);
    let seq_num = SequenceNumber { session: 2, counter: 9 };
    let changes = vec![entry(1).0.changes()[0].clone(); crate::limits::CHANGES_MAX];
    let id = ProposalId { node: NodeId(1), number: 1 };
    let large = Proposal::new(id, "who".into(), "why".into(), changes).unwrap();
    let large = Entry(Arc::new(large));
    let mut counts = (1..).map(|count| {
        let entries = vec![large.clone(); count];
        let message = PaxosMsg::AcceptDecide(AcceptDecide { n, seq_num, decided_idx: 5, entries });
        encode(HEADER, 0, &Body::Paxos(message))
    });
    let mut longest = None;
    for frame in counts.by_ref().map_while(|frame| frame) {
        longest = Some(frame);
    }
    let longest = longest.expect("one large proposal fits");
    assert!(longest.len() > wire::limits::REGISTER_BYTES_MAX - 128 * 1024, "the room is used");
    let mut builder = wire::FrameBuilder::default();
    builder.push(&wire::Message::Register(longest.into()));
    let frame = builder.take().unwrap();
    assert!(frame.len() <= wire::limits::FRAME_BYTES_MAX);
    wire::decode_frame(&frame).expect("the other side takes it");
}
