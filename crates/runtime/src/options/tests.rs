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
