//! If commit and seal sets can miss each other, a failover loses what a client was told is safe.

use alloc::vec::Vec;

use types::ConfigId;

use super::*;

fn config(n: u16, w: usize) -> Config {
    Config::new(ConfigId(1), (0..n).map(NodeId).collect(), w).unwrap()
}

/// Every subset of `0..n` as node ids.
fn subsets(n: u16) -> impl Iterator<Item = Vec<NodeId>> {
    (0_u32..1 << n).map(move |bits| (0..n).filter(|i| bits >> i & 1 == 1).map(NodeId).collect())
}

#[test]
fn every_seal_set_meets_every_write_set() {
    for n in 1..=6 {
        for w in 1..=usize::from(n) {
            let config = config(n, w);
            let home = NodeId(0);
            for seal in subsets(n) {
                let met = subsets(n)
                    .filter(|write| write.contains(&home) && write.len() >= w)
                    .all(|write| write.iter().any(|node| seal.contains(node)));
                let is = sealed(&config, Some(home), seal.iter().copied(), Mutant::None);
                assert_eq!(is, met, "n={n} w={w} seal={seal:?}");
            }
        }
    }
}

#[test]
fn a_commit_needs_home_and_w_minus_one_others() {
    let check = |w, durable, acked: &[(u16, u64)], expect| {
        let acked = acked.iter().map(|(node, seq)| (NodeId(*node), Seq(*seq)));
        assert_eq!(committed(&config(3, w), NodeId(0), Seq(durable), acked), Seq(expect));
    };
    check(2, 9, &[(1, 7), (2, 5)], 7);
    check(2, 6, &[(1, 7), (2, 5)], 6);
    check(3, 9, &[(1, 7), (2, 5)], 5);
    check(1, 9, &[], 9);
    check(2, 9, &[], 0);
    check(2, 9, &[(0, 9), (7, 9)], 0);
}

#[test]
fn the_mutant_seals_with_one_too_few() {
    let one = [NodeId(1)];
    let home = Some(NodeId(0));
    assert!(!sealed(&config(3, 2), home, one.iter().copied(), Mutant::None));
    assert!(sealed(&config(3, 2), home, one.iter().copied(), Mutant::SealTooFew));
}
