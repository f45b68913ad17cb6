//! Who is not let in, and what ends a session.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use transport::{
    DownReason, Event, FrameError, HandshakeError, Identity, Limits, Refusal, pki::Credential,
};
use types::NodeId;

use crate::{
    by_hand::{Hello, tls, tls_over, welcomed},
    world::{Node, PATIENCE, authority, credential, identity, limits, listener, now_unix_s, pair},
};

async fn unreachable(node: &mut Node) -> HandshakeError {
    node.wait(|event| match event {
        Event::Unreachable(_, why) => Some(why),
        Event::Up(id) => panic!("{id} is up"),
        _ => None,
    })
    .await
}

async fn rejected(node: &mut Node) -> HandshakeError {
    node.wait(|event| match event {
        Event::Rejected { why, .. } => Some(why),
        Event::Up(id) => panic!("{id} is up"),
        _ => None,
    })
    .await
}

/// Node 1 with one identity dials another that should be node 2.
async fn clash(one: Identity, two: Identity) -> (HandshakeError, HandshakeError) {
    let ((one_listens, one_at), (two_listens, two_at)) = (listener(), listener());
    let mut one = Node::start(one, one_listens, &[(2, two_at)], limits());
    let mut two = Node::start(two, two_listens, &[(1, one_at)], limits());
    (unreachable(&mut one).await, rejected(&mut two).await)
}

#[tokio::test]
async fn another_authority_is_refused_by_both_sides() {
    // Whoever can reach the port and make certificates of the right name would be let in.
    let stranger = authority("prod");
    let stranger =
        |node| Identity::new(&stranger.issue(NodeId(node), now_unix_s(), 1).unwrap()).unwrap();
    let (dialing, accepting) = clash(identity(1), stranger(2)).await;
    assert!(matches!(dialing, HandshakeError::Certificate(_)), "{dialing:?}");
    assert!(matches!(accepting, HandshakeError::Tls(_)), "{accepting:?}");
}

#[tokio::test]
async fn a_dialing_side_with_another_authority_is_refused() {
    // The dialing side may choose to trust anyone; the accepting side must not depend on that.
    let other = authority("prod").issue(NodeId(1), now_unix_s(), 1).unwrap();
    let mixed = Credential { authority_pem: credential(1).authority_pem, ..other };
    let (two, two_at) = listener();
    let mut two = Node::start(identity(2), two, &[(1, two_at)], limits());
    let (mut stream, why) = (tls(two_at, &mixed).await.unwrap(), rejected(&mut two).await);
    assert!(matches!(why, HandshakeError::Certificate(_)), "{why:?}");
    assert!(stream.read_u8().await.is_err());
    assert_eq!(two.transport.metrics().rejected.iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn another_node_of_the_cluster_at_the_address_is_refused() {
    // A wrong line of configuration must not make node 3 count as node 2 in a quorum.
    let (dialing, _) = clash(identity(1), identity(3)).await;
    assert!(matches!(dialing, HandshakeError::Certificate(_)), "{dialing:?}");
}

#[tokio::test]
async fn another_cluster_and_an_expired_certificate_are_refused() {
    // The test cluster's node must not join production; a stolen old key must end some day.
    let other = authority("test").issue(NodeId(2), now_unix_s(), 1).unwrap();
    let (dialing, _) = clash(identity(1), Identity::new(&other).unwrap()).await;
    assert!(matches!(dialing, HandshakeError::Certificate(_)), "{dialing:?}");
    let past = now_unix_s() - 10 * 86_400;
    let old = transport::pki::Authority::create(transport::ClusterName::new("prod").unwrap(), past)
        .unwrap();
    let fresh = old.issue(NodeId(1), now_unix_s(), 1).unwrap();
    let expired = old.issue(NodeId(2), past, 1).unwrap();
    let identity = |credential| Identity::new(credential).unwrap();
    let (dialing, _) = clash(identity(&fresh), identity(&expired)).await;
    assert!(matches!(dialing, HandshakeError::Certificate(_)), "{dialing:?}");
}

#[tokio::test]
async fn strangers_that_do_not_speak_tls_are_refused_and_do_no_harm() {
    // A port scan or a misdirected health probe must not disturb the cluster.
    let (mut one, mut two) = pair(limits()).await;
    let mut stream = TcpStream::connect(two.transport.local_address()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: node\r\n\r\n").await.unwrap();
    let why = rejected(&mut two).await;
    assert!(matches!(why, HandshakeError::Tls(_)), "{why:?}");
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap().ok();
    assert!(!answer.starts_with(b"HTTP"));
    assert!(one.rest().is_empty());
    assert!(two.rest().is_empty());
}

#[tokio::test]
async fn those_who_say_nothing_are_let_go_in_time() {
    // Idle connections of strangers must not use up the places of the peers.
    let (two, two_at) = listener();
    let few = Limits { handshake_max: Duration::from_millis(300), handshakes_max: 1, ..limits() };
    let mut two = Node::start(identity(2), two, &[], few);
    let _silent = TcpStream::connect(two_at).await.unwrap();
    let _crowd = TcpStream::connect(two_at).await.unwrap();
    assert!(matches!(rejected(&mut two).await, HandshakeError::Crowded));
    assert!(matches!(rejected(&mut two).await, HandshakeError::Timeout));
}

#[tokio::test]
async fn one_address_never_takes_all_places() {
    // One machine that opens connections and says nothing must not cut a region off.
    let (two, two_at) = listener();
    let places = Limits { handshake_max: PATIENCE, handshakes_max: 8, ..limits() };
    let mut two = Node::start(identity(2), two, &[(1, two_at)], places);
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(TcpStream::connect(two_at).await.unwrap());
    }
    for _ in 0..10 {
        assert!(matches!(rejected(&mut two).await, HandshakeError::Crowded));
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let stream = socket.connect(two_at).await.unwrap();
    let mut stream = tls_over(stream, &credential(1)).await.expect("there is a place");
    stream.write_all(&Hello::good().bytes()).await.unwrap();
    two.up(1).await;
    // Places come back when those who took them are gone.
    drop(silent);
    for _ in 0..2 {
        rejected(&mut two).await;
    }
    let again = async { while tls(two_at, &credential(1)).await.is_err() {} };
    timeout(PATIENCE, again).await.expect("there is a place again");
}

#[tokio::test]
async fn a_hello_must_agree_with_the_certificate_and_the_callee() {
    // What a peer says of itself must never stand for what it proved.
    let (two, two_at) = listener();
    let mut two = Node::start(identity(2), two, &[(1, two_at)], limits());
    let good = Hello::good();
    for (hello, expect) in [
        (Hello { from: 0, ..good }, Refusal::Claim),
        (Hello { to: 3, ..good }, Refusal::Called),
        (Hello { cluster: "test", ..good }, Refusal::Cluster),
        (Hello { versions: (2, 9), ..good }, Refusal::Version { min: 1, max: 1 }),
        (Hello { lane: 1, ..good }, Refusal::NoLogLane),
    ] {
        let mut stream = tls(two_at, &credential(1)).await.unwrap();
        stream.write_all(&hello.bytes()).await.unwrap();
        let why = rejected(&mut two).await;
        assert!(matches!(&why, HandshakeError::Refused(found) if *found == expect), "{why:?}");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer[..8], [9, 0, 0, 0, b'E', b'V', b'K', b'L']);
        assert_ne!(answer[8], 0, "not a welcome");
    }
    for (id, expect) in [(3, Refusal::Direction), (0, Refusal::Stranger)] {
        let mut stream = tls(two_at, &credential(id)).await.unwrap();
        stream.write_all(&Hello { from: id, ..good }.bytes()).await.unwrap();
        let why = rejected(&mut two).await;
        assert!(matches!(&why, HandshakeError::Refused(found) if *found == expect), "{why:?}");
    }
    for bytes in [&[255; 64][..], &[4, 0, 0, 0, 1, 2, 3, 4]] {
        let mut stream = tls(two_at, &credential(1)).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let why = rejected(&mut two).await;
        assert!(matches!(why, HandshakeError::Hello(_)), "{why:?}");
    }
}

#[tokio::test]
async fn a_frame_beyond_the_limit_ends_the_session() {
    // One bad length must not make a node reserve what a peer says.
    let (two, two_at) = listener();
    let mut two = Node::start(identity(2), two, &[(1, two_at)], limits());
    let mut stream = welcomed(two_at, Hello::good()).await;
    two.up(1).await;
    stream.write_all(&[1, 0, 0, 0, 42]).await.unwrap();
    assert_eq!(two.frame(1).await.1, &[42_u8][..]);
    let bytes = (1 << 20) + 1;
    stream.write_all(&u32::try_from(bytes).unwrap().to_le_bytes()).await.unwrap();
    let reason = DownReason::Protocol(FrameError::TooLong { bytes });
    assert_eq!(two.down(1).await, reason);
    assert_eq!(two.transport.metrics().lanes[0].ends[4], 1, "counted as \"protocol\"");
}

#[tokio::test]
async fn a_newer_session_takes_the_place_of_an_older_and_never_the_reverse() {
    // A node that lost its link and dialed again must not wait for the old session to die; nor may
    // an old dial that was slow push out the new session.
    let (two, two_at) = listener();
    let mut two = Node::start(identity(2), two, &[(1, two_at)], limits());
    let session = |session| Hello { session, ..Hello::good() };
    let _older = welcomed(two_at, session((7, 1))).await;
    two.up(1).await;
    let _newer = welcomed(two_at, session((7, 3))).await;
    assert_eq!(two.down(1).await, DownReason::Replaced);
    two.up(1).await;
    let mut late = tls(two_at, &credential(1)).await.unwrap();
    late.write_all(&session((7, 2)).bytes()).await.unwrap();
    let why = two
        .wait(|event| match event {
            Event::Rejected { why, .. } => Some(why),
            Event::Up(_) | Event::Down(..) => panic!("{event:?}"),
            _ => None,
        })
        .await;
    assert!(matches!(why, HandshakeError::Refused(Refusal::Stale)), "{why:?}");
    let _restarted = welcomed(two_at, session((8, 1))).await;
    assert_eq!(two.down(1).await, DownReason::Replaced);
    two.up(1).await;
}
