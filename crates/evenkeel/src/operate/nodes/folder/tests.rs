//! The new node's file: what is changed, and that nothing else is.

use std::net::SocketAddr;

use runtime::NodeRole;

use super::{Place, changed};
use crate::node_file::{Durability, NodeFile, Profile, Seen};

fn file() -> String {
    let listen = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let seen = |id: u16, region: &str| Seen {
        id,
        region: region.to_owned(),
        zone: String::new(),
        role: NodeRole::Full,
        peers: format!("10.0.0.{id}:7400"),
        http: format!("http://10.0.0.{id}:7401"),
    };
    NodeFile {
        node: 3,
        listen_peers: listen(7_404),
        listen_http: listen(7_405),
        nodes: vec![seen(1, "dublin"), seen(2, "frankfurt"), seen(3, "virginia")],
        ledgers: 2,
        durability: Durability { copies: 2, spread: 1 },
        profile: Profile::PRODUCTION,
    }
    .yaml()
}

fn place(peers: &str, http: &str) -> Place {
    Place {
        region: "virginia".to_owned(),
        zone: String::new(),
        role: "full".to_owned(),
        peers: peers.to_owned(),
        http: http.to_owned(),
    }
}

#[test]
fn the_groups_begin_as_they_did_for_the_node_that_is_replaced() {
    // A newcomer whose file made other first groups would belong to another register.
    let before = runtime::parse(&file()).unwrap();
    let text = changed(&file(), 4, &place("10.0.0.3:7400", "http://10.0.0.3:7401"), &[3]);
    let after = runtime::parse(&text).unwrap();
    assert_eq!((after.node, after.ledgers, after.copies), (4, before.ledgers, before.copies));
    let first =
        |config: &runtime::Config| -> Vec<u16> { config.founders().map(|node| node.id).collect() };
    assert_eq!(first(&after), first(&before));
    let there: Vec<u16> =
        after.nodes.iter().filter(|node| !node.gone).map(|node| node.id).collect();
    assert_eq!(there, [1, 2, 4]);
    assert_eq!(after.listen.peers.to_string(), "10.0.0.3:7400");
}

#[test]
fn a_second_replacement_marks_both_that_are_gone() {
    // The address of the first would be dialed for ever, or taken for the second's.
    let once = changed(&file(), 4, &place("10.0.0.3:7400", "http://10.0.0.3:7401"), &[3]);
    let twice = changed(&once, 5, &place("new.example:9000", "http://new.example:9001/"), &[3, 4]);
    let config = runtime::parse(&twice).unwrap();
    let there: Vec<u16> =
        config.nodes.iter().filter(|node| !node.gone).map(|node| node.id).collect();
    assert_eq!((config.node, there), (5, vec![1, 2, 5]));
    assert_eq!(
        config.listen.http.to_string(),
        "0.0.0.0:9001",
        "a name is not an address to listen on"
    );
}
