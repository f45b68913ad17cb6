//! Three nodes in one process.

use std::net::TcpListener;
use std::path::Path;

use runtime::{ClassName, Journals, QuorumLossName, Running};
use types::{GroupId, Until};
use wire::Reply;

use crate::world::{Count, ask, authority, command, config, credentials, done, soon, start};

/// Starts three nodes below `folder`. Only the node of the lower number dials, so they are started
/// from the highest down, each with the ports that the system gave to those above it.
fn trio(folder: &Path) -> Vec<Running<Count>> {
    trio_with(folder, &[])
}

/// The same with these journals.
fn trio_with(folder: &Path, journals: &[Journals]) -> Vec<Running<Count>> {
    let authority = authority();
    // Never dialed, and different from each other.
    let mut peers: Vec<String> = (1..=3).map(|id| format!("127.0.0.1:{id}")).collect();
    let mut nodes = Vec::new();
    for id in (1..=3_u16).rev() {
        let base = folder.join(format!("n{id}"));
        credentials(&authority, id, &base);
        let mut config = config(id, &base, &peers);
        config.journals = journals.to_vec();
        let node = start(&config);
        peers[usize::from(id) - 1] = node.peer_address().to_string();
        nodes.insert(0, node);
    }
    nodes
}

/// Without it only the home's own clients would be served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_takes_a_command_and_hands_it_to_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let nodes = trio(folder.path());
    // Group 1 begins at node 2; every other node forwards, and all know one outcome.
    let (first, repeated) = done(ask(&nodes[0].handle(), 1, command(1, b"pay")).await);
    assert!(!repeated);
    for node in &nodes {
        assert_eq!(done(ask(&node.handle(), 1, command(1, b"pay")).await).0, first);
    }
    let mut homes = Vec::new();
    for node in &nodes {
        let home = |view: &runtime::NodeView<'_, Count>| {
            view.node.group(GroupId(1)).is_some_and(|group| group.home_epoch().is_some())
        };
        homes.push(soon(node.handle().ask(home)).await.unwrap());
    }
    assert_eq!(homes, [false, true, false], "one home, where the register put it");
    for node in nodes {
        soon(node.stop()).await;
    }
}

/// Without it the loss of any one node would stop payments.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_of_three_go_on_committing() {
    let folder = tempfile::tempdir().unwrap();
    let mut nodes = trio(folder.path());
    done(ask(&nodes[0].handle(), 0, command(1, b"pay")).await);
    soon(nodes.remove(2).stop()).await;
    let ((_, _, count), _) = done(ask(&nodes[1].handle(), 0, command(2, b"pay")).await);
    assert_eq!(count, 2);
    for node in nodes {
        soon(node.stop()).await;
    }
}

/// Without it a node's port would stay taken after it stopped in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_node_gives_its_port_back() {
    let folder = tempfile::tempdir().unwrap();
    for node in trio(folder.path()) {
        let address = node.peer_address();
        soon(node.stop()).await;
        TcpListener::bind(address).expect("the port is free");
    }
}

/// Without it the class in the file is a line of text: an async journal would wait for copies that do
/// not come, or a call that wants the commit would be told before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_async_journal_answers_from_one_disk_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let journals = Journals {
        groups: vec![0],
        class: ClassName::Async,
        on_quorum_loss: QuorumLossName::Block,
        nodes: None,
        region: None,
        copies: None,
    };
    let mut nodes = trio_with(folder.path(), &[journals]);
    done(ask(&nodes[0].handle(), 0, command(1, b"pay")).await);
    done(ask(&nodes[0].handle(), 1, command(1, b"pay")).await);
    for node in nodes.drain(1..) {
        soon(node.stop()).await;
    }
    // Group 0 has its home here and nobody to copy to.
    let handle = nodes[0].handle();
    let early = handle.command_until(GroupId(0), command(2, b"pay"), Until::Class, None);
    let reply = soon(early).await.unwrap();
    let Reply::Provisional { at, repeated: false, .. } = reply else { panic!("{reply:?}") };
    let look = move |view: &runtime::NodeView<'_, Count>| {
        let group = view.node.group(GroupId(0)).unwrap();
        (group.applied(), group.at_risk(view.now))
    };
    let (applied, risk) = soon(handle.ask(look)).await.unwrap();
    assert!(applied < at.seq && risk.records > 0 && risk.bytes > 0, "{applied} {risk:?}");
    let sure = handle.command_until(GroupId(0), command(2, b"pay"), Until::Commit, Some(200_000));
    let reply = soon(sure).await.unwrap();
    assert!(matches!(reply, Reply::Unknown(_)), "{reply:?}");
    for node in nodes {
        soon(node.stop()).await;
    }
}
