//! Unit tests.

use runtime::NodeRole;

use super::{Durability, NodeFile, Profile, Seen};

#[test]
fn a_written_file_is_a_configuration() {
    // Without this, `cluster init` could write files that `node` refuses.
    for profile in [Profile::PRODUCTION, Profile::DEMO] {
        let seen = |id: u16| Seen {
            id,
            region: format!("north \"{id}\" \\ west: #1"),
            zone: if id == 1 { "a: \"1\"".to_owned() } else { String::new() },
            role: if id == 3 { NodeRole::Witness } else { NodeRole::Full },
            peers: format!("127.0.0.1:{}", 7000 + id),
            http: format!("http://127.0.0.1:{}", 7100 + id),
        };
        let file = NodeFile {
            node: 2,
            listen_peers: "127.0.0.1:7002".parse().unwrap(),
            listen_http: "127.0.0.1:7102".parse().unwrap(),
            nodes: vec![seen(1), seen(2), seen(3)],
            ledgers: 3,
            durability: Durability { copies: 2, spread: 2 },
            profile,
        };
        let config = runtime::parse(&file.yaml()).unwrap();
        assert_eq!(config.node, 2);
        assert_eq!(config.ledgers, 3);
        assert_eq!((config.copies, config.spread), (2, 2));
        let roles: Vec<NodeRole> = config.nodes.iter().map(|node| node.role).collect();
        assert_eq!(roles, [NodeRole::Full, NodeRole::Full, NodeRole::Witness]);
        assert_eq!(config.nodes[0].zone, "a: \"1\"");
        assert_eq!(config.nodes[2].region, "north \"3\" \\ west: #1");
        assert_eq!(config.failover.detect, profile.detect);
        assert_eq!(config.failover.residence, profile.residence);
        assert_eq!(config.storage.segment_mib, profile.segment_mib);
    }
}

#[test]
fn the_usual_durability_survives_what_the_topology_is_for() {
    // Three regions of two with two copies in two regions would lose a commit with two nodes.
    let check = |places: &[(&str, NodeRole)], copies, spread| {
        let seen = |(region, role): &(&str, NodeRole)| Seen {
            id: 1,
            region: (*region).to_owned(),
            zone: String::new(),
            role: *role,
            peers: String::new(),
            http: String::new(),
        };
        let nodes: Vec<Seen> = places.iter().map(seen).collect();
        assert_eq!(Durability::usual(&nodes), Durability { copies, spread });
    };
    use NodeRole::{Full, Register, Witness};
    check(&[("a", Full)], 1, 1);
    check(&[("a", Full), ("b", Full), ("c", Full)], 2, 1);
    check(&[("a", Full), ("b", Full), ("c", Witness)], 2, 1);
    check(&[("a", Full), ("b", Full), ("c", Register)], 2, 1);
    let two = |region| [(region, Full), (region, Full)];
    check(&[two("a"), two("b"), two("c")].concat(), 3, 2);
    check(&[&two("a")[..], &[("b", Full), ("c", Witness)]].concat(), 2, 2);
    check(&two("a"), 1, 1);
}
