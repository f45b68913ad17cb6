//! If the parts are told what does not fit together, a node stops where it should have gone on.

use super::*;
use crate::limits::GROUPS_MAX;

fn config(groups: u16) -> Config {
    let text = format!(
        "node: 1\ndata: data\ncredentials: {{folder: tls}}\ngroups: {groups}\n\
         listen: {{peers: '127.0.0.1:0', http: '127.0.0.1:0'}}\ncopies: 1\n\
         nodes: [{{id: 1, region: r1, peers: 'a:1', http: 'http://a'}}]\n"
    );
    crate::parse(&text).unwrap()
}

/// Without it a cluster of many groups would fill its superblock after a few changes of home, and
/// every node stop for good: it could promise nothing any more.
#[test]
fn every_group_has_room_for_a_thousand_epochs() {
    // Epoch, seq, hash, configuration, forced.
    let epochs_bytes = 1_000 * (8 + 8 + 32 + 4 + 1);
    for groups in [1, 64, 65, GROUPS_MAX] {
        let options = storage(&config(groups), ClusterId([1; 16]), Clock::start());
        assert!(options.superblock_copy_bytes >= u64::from(groups) * epochs_bytes, "{groups}");
        let most = wire::superblock::SUPERBLOCK_BYTES_MAX as u64;
        assert!(options.superblock_copy_bytes <= most, "{groups}");
    }
}

/// Without it a node of many groups would grow until it is killed: each keeps its last records.
#[test]
fn all_groups_together_keep_what_one_machine_has() {
    for groups in [1, 64, 1_000, GROUPS_MAX] {
        let group = node(&config(groups)).group;
        let held = group.held_bytes_max * usize::from(groups);
        assert!(held <= HELD_ALL_BYTES_MAX, "{groups}: {held}");
    }
    assert_eq!(node(&config(1)).group.held_bytes_max, HELD_BYTES.1);
    assert_eq!(node(&config(64)).group.desk_bytes_max * 64, DESK_ALL_BYTES_MAX);
}

/// Without it the regions of a file would not be those by which copies are counted, and a file of before
/// would found another cluster.
#[test]
fn places_follow_the_file_and_plain_files_mean_what_they_did() {
    let parse = |nodes: &str, rest: &str| {
        let text = format!(
            "node: 1\ndata: data\ncredentials: {{folder: tls}}\ngroups: 1\n\
             listen: {{peers: '127.0.0.1:0', http: '127.0.0.1:0'}}\n{rest}nodes:\n{nodes}"
        );
        let first = first_configs(&crate::parse(&text).unwrap());
        first.into_iter().map(|(_, config)| config).next().unwrap()
    };
    let node = |id: u16, place: &str| {
        format!("- {{id: {id}, {place}, peers: 'n{id}:1', http: 'http://n{id}'}}\n")
    };
    let plain = [node(1, "region: a"), node(2, "region: b"), node(3, "region: c")].concat();
    let nodes = vec![NodeId(1), NodeId(2), NodeId(3)];
    assert_eq!(parse(&plain, ""), types::Config::new(ConfigId(1), nodes, 2).unwrap());

    let placed = [
        node(1, "region: a, zone: x"),
        node(2, "region: b"),
        node(3, "region: a, zone: y"),
        node(4, "region: c, role: witness"),
        node(5, "region: d, role: register"),
    ];
    let config = parse(&placed.concat(), "copies: 3\nspread: 2\n");
    let places: Vec<(u16, u16, u16)> =
        config.each().map(|one| (one.node.0, one.place.region.0, one.place.zone.0)).collect();
    assert_eq!(places, [(1, 0, 0), (2, 1, 0), (3, 0, 1), (4, 2, 0)]);
    assert_eq!(config.role(NodeId(4)), Some(MemberRole::Witness));
    assert_eq!((config.copies(), config.spread()), (3, 2));
}
