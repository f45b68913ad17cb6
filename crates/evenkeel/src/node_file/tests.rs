//! Unit tests.

use super::{NodeFile, Profile, Seen};

#[test]
fn a_written_file_is_a_configuration() {
    // Without this, `cluster init` could write files that `node` refuses.
    for profile in [Profile::PRODUCTION, Profile::DEMO] {
        let seen = |id: u16| Seen {
            id,
            region: format!("north \"{id}\" \\ west: #1"),
            peers: format!("127.0.0.1:{}", 7000 + id),
            http: format!("http://127.0.0.1:{}", 7100 + id),
        };
        let file = NodeFile {
            node: 2,
            listen_peers: "127.0.0.1:7002".parse().unwrap(),
            listen_http: "127.0.0.1:7102".parse().unwrap(),
            nodes: vec![seen(1), seen(2), seen(3)],
            ledgers: 3,
            profile,
        };
        let config = runtime::parse(&file.yaml()).unwrap();
        assert_eq!(config.node, 2);
        assert_eq!((config.copies, config.ledgers), (2, 3));
        assert_eq!(config.nodes[2].region, "north \"3\" \\ west: #1");
        assert_eq!(config.failover.detect, profile.detect);
        assert_eq!(config.failover.residence, profile.residence);
        assert_eq!(config.storage.segment_mib, profile.segment_mib);
    }
}
