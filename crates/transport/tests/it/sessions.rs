//! Sessions that stand, end, and come back.

use std::time::Duration;

use bytes::Bytes;
use tokio::{io::AsyncReadExt as _, time::timeout};
use transport::{DownReason, Event, Lane, LaneMetrics, Limits, Refused};
use types::NodeId;

use crate::{
    by_hand::{Hello, welcomed},
    world::{Node, PATIENCE, identity, limits, listener, pair, rebind},
};

fn numbered(number: u64, length: usize) -> Bytes {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(length.max(8), 0xa5);
    bytes.into()
}

fn number(bytes: &Bytes) -> u64 {
    u64::from_le_bytes(*bytes.first_chunk().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_reach_each_other_both_ways_on_both_lanes() {
    // A session that carries one way only looks healthy until the first acknowledgement is due.
    let listeners = [listener(), listener(), listener()];
    let addresses: Vec<_> = (1..).zip(listeners.iter().map(|(_, address)| *address)).collect();
    let mut nodes: Vec<Node> = (1..)
        .zip(listeners)
        .map(|(id, (listener, _))| {
            let peers: Vec<_> = addresses.iter().filter(|peer| peer.0 != id).copied().collect();
            Node::start(identity(id), listener, &peers, limits())
        })
        .collect();
    for from in 0..3_u16 {
        for to in (0..3).filter(|to| *to != from) {
            for lane in Lane::ALL {
                nodes[usize::from(from)].send(to + 1, lane, numbered(u64::from(from), 9)).await;
                let (came_on, bytes) = nodes[usize::from(to)].frame(from + 1).await;
                assert_eq!(came_on, lane);
                assert_eq!(number(&bytes), u64::from(from));
            }
        }
    }
    for node in &nodes {
        let expect = ((1, 1), (9, 9), 0);
        let counted = |lane: &LaneMetrics| {
            let (frames, bytes) =
                ((lane.frames_in, lane.frames_out), (lane.bytes_in, lane.bytes_out));
            lane.up && (frames, bytes, lane.queued_bytes) == expect
        };
        node.metrics(|metrics| metrics.lanes.iter().all(counted)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_a_lane_come_in_order_whatever_their_size() {
    // A gap or a swap in a live session breaks the log that is shipped over it.
    let (one, mut two) = pair(limits()).await;
    let lengths = [8, 256, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 70_000, 1 << 20, 9];
    let send = async {
        for (index, length) in (0..400_u64).zip(lengths.into_iter().cycle()) {
            one.send(2, Lane::Log, numbered(index, length)).await;
        }
    };
    let receive = async {
        for (index, length) in (0..400_u64).zip(lengths.into_iter().cycle()) {
            let (_, bytes) = two.frame(1).await;
            assert_eq!((number(&bytes), bytes.len()), (index, length));
        }
    };
    tokio::join!(send, receive);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_lane_refuses_and_leaves_the_other_alone() {
    // A snapshot under way must not make a payment wait, and its queue must not eat the memory.
    let limits =
        Limits { bulk_queue_bytes_max: 2 << 20, silence_max: Duration::from_secs(20), ..limits() };
    let (two, two_at) = listener();
    let two = Node::start(identity(2), two, &[(1, two_at)], limits);
    // A peer that reads its log lane and not its bulk lane.
    let mut log = welcomed(two_at, Hello::good()).await;
    let _bulk = welcomed(two_at, Hello { lane: 1, ..Hello::good() }).await;
    let send = |lane, bytes| two.transport.send(NodeId(1), lane, numbered(7, bytes));
    two.send(1, Lane::Bulk, numbered(7, 1 << 20)).await;
    // The kernel takes some first; then no room comes free any more.
    let quiet = Duration::from_millis(200);
    while timeout(quiet, two.send(1, Lane::Bulk, numbered(7, 1 << 20))).await.is_ok() {}
    let queued_bytes = two.transport.queued_bytes(NodeId(1), Lane::Bulk);
    assert!(queued_bytes > 1 << 20);
    assert_eq!(send(Lane::Bulk, 1 << 20), Err(Refused::Full { queued_bytes }));

    for _ in 0..100 {
        assert_eq!(send(Lane::Log, 8), Ok(()));
        let frame = async {
            loop {
                let header = log.read_u32_le().await.unwrap();
                let mut body = vec![0; usize::try_from(header & 0xffff).unwrap()];
                log.read_exact(&mut body).await.unwrap();
                if header >> 30 == 0 {
                    return Bytes::from(body);
                }
            }
        };
        assert_eq!(number(&timeout(PATIENCE, frame).await.unwrap()), 7);
    }
    let metrics = two.metrics(|metrics| metrics.lanes[0].queued_bytes == 0).await;
    let [log, bulk] = metrics.lanes.try_into().unwrap();
    assert_eq!((log.frames_out, log.refused), (100, 0));
    assert!(bulk.refused > 0);
    assert_eq!(bulk.queued_bytes, queued_bytes, "the bulk lane is still stuck");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_that_cannot_be_are_refused_with_the_reason() {
    // A frame taken and silently dropped is a hole that the protocol above waits on for ever.
    let (one, _two) = pair(limits()).await;
    let send =
        |to, bytes: usize| one.transport.send(NodeId(to), Lane::Log, Bytes::from(vec![0; bytes]));
    assert_eq!(send(9, 1), Err(Refused::Unknown(NodeId(9))));
    assert_eq!(send(1, 1), Err(Refused::Unknown(NodeId(1))));
    assert_eq!(send(2, 0), Err(Refused::Length { bytes: 0 }));
    assert_eq!(send(2, (1 << 20) + 1), Err(Refused::Length { bytes: (1 << 20) + 1 }));
    assert_eq!(send(2, 1 << 20), Ok(()));
    one.transport.close().await;
    assert_eq!(send(2, 1), Err(Refused::Down));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_peer_is_up_again_whichever_side_dials() {
    // The region that comes back after its loss must be found without an operator.
    for restarted in [1_u16, 2] {
        let other = 3 - restarted;
        let (mut one, mut two) = pair(limits()).await;
        let (stays, leaves) =
            if restarted == 1 { (&mut two, &mut one) } else { (&mut one, &mut two) };
        let stays_at = stays.transport.local_address();
        let leaves_at = leaves.transport.local_address();
        leaves.transport.close().await;
        assert_eq!(leaves.down(other).await, DownReason::Stopped);
        assert_eq!(stays.down(restarted).await, DownReason::Closed);
        let again = rebind(leaves_at).await;
        let mut again = Node::start(identity(restarted), again, &[(other, stays_at)], limits());
        again.up(other).await;
        stays.up(restarted).await;
        for lane in Lane::ALL {
            again.send(other, lane, numbered(5, 8)).await;
            assert_eq!(number(&stays.frame(restarted).await.1), 5);
            stays.send(restarted, lane, numbered(6, 8)).await;
            assert_eq!(number(&again.frame(other).await.1), 6);
        }
        let log = &stays.transport.metrics().lanes[0];
        assert_eq!((log.connections, log.ends[0]), (2, 1), "one end, by \"closed\"");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_writes_what_was_taken_and_reports_nothing_afterwards() {
    // A planned stop that drops its last acknowledgements turns a switchover into a failover.
    let (mut one, mut two) = pair(limits()).await;
    for index in 0..1_000 {
        one.transport.send(NodeId(2), Lane::Log, numbered(index, 300)).unwrap();
    }
    one.transport.close().await;
    assert!(matches!(one.rest().pop(), Some(Event::Down(NodeId(2), DownReason::Stopped))));
    for index in 0..1_000 {
        assert_eq!(number(&two.frame(1).await.1), index);
    }
    assert_eq!(two.down(1).await, DownReason::Closed);
    assert!(std::net::TcpStream::connect(one.transport.local_address()).is_err());
    one.transport.close().await;
    assert!(one.rest().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_alternate_and_frames_stay_inside_their_own() {
    // A frame of an old connection after a new `Up` would carry an old epoch into a new one.
    let (mut one, two) = pair(limits()).await;
    let (stays_at, leaves_at) = (one.transport.local_address(), two.transport.local_address());
    let mut leaves = Some(two);
    for generation in 0..8_u64 {
        let node = leaves.take().unwrap();
        for _ in 0..200 {
            for lane in Lane::ALL {
                // The bulk lane may not stand yet, and that is no matter here.
                node.transport.send(NodeId(1), lane, numbered(generation, 5_000)).ok();
            }
        }
        one.frame(2).await;
        // Dropped in the middle, as a crash would.
        drop(node);
        let mut after_down = 0;
        one.wait(|event| match event {
            Event::Frame { bytes, .. } => {
                assert_eq!(number(&bytes), generation);
                None
            }
            Event::Down(..) => Some(()),
            _ => {
                after_down += 1;
                None
            }
        })
        .await;
        assert_eq!(after_down, 0, "nothing but frames between `Up` and `Down`");
        let again = rebind(leaves_at).await;
        leaves = Some(Node::start(identity(2), again, &[(1, stays_at)], limits()));
        one.wait(|event| match event {
            Event::Up(_) => Some(()),
            Event::Unreachable(..) => None,
            other => panic!("{other:?} between `Down` and `Up`"),
        })
        .await;
        let node = leaves.as_mut().unwrap();
        node.up(1).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn round_trips_are_measured_and_quiet_sessions_stay_up() {
    // A session that ends for want of traffic would flap every night.
    let (mut one, mut two) = pair(limits()).await;
    for node in [&one, &two] {
        let measured = |lane: &LaneMetrics| lane.rtt_us.is_some_and(|us| us < 1_000_000);
        node.metrics(|metrics| metrics.lanes.iter().all(measured)).await;
    }
    let quiet = limits().silence_max * 2;
    assert!(timeout(quiet, one.next()).await.is_err(), "no event while quiet");
    assert!(two.rest().is_empty());
}

/// Without it a peer that sends faster than this node works fills its memory until it is killed.
#[tokio::test]
async fn a_receiver_that_is_behind_holds_its_peer_up() {
    const FRAME_BYTES: usize = 64 << 10;
    const FRAMES: usize = 256;
    let most = 2 << 20;
    let limits =
        Limits { inbound_bytes_max: most, silence_max: Duration::from_secs(30), ..limits() };
    let (one, mut two) = pair(limits).await;
    for _ in 0..FRAMES {
        one.send(2, Lane::Log, Bytes::from(vec![7; FRAME_BYTES])).await;
    }
    let mut waiting = Vec::new();
    let mut taken = 0;
    while taken < FRAMES {
        // Trips over the other lane, which has room of its own, give the first all the time it wants.
        for _ in 0..20 {
            one.send(2, Lane::Bulk, Bytes::from_static(b"trip")).await;
            loop {
                match two.next().await {
                    Event::Frame { lane: Lane::Bulk, .. } => break,
                    Event::Frame { bytes, room, .. } => {
                        assert_eq!(bytes.len(), FRAME_BYTES);
                        waiting.push(room);
                    }
                    other => panic!("{other:?}"),
                }
            }
            assert!(waiting.len() * FRAME_BYTES <= most, "{} wait", waiting.len());
        }
        taken += waiting.len();
        waiting.clear();
    }
    assert_eq!(taken, FRAMES, "held up and not lost");
}
