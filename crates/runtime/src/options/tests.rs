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
