//! If a takeover takes too short a tail, what was acknowledged is gone; too long, orphans return.

use alloc::vec;

use types::{ConfigId, Hash, Start};

use super::*;

fn tail(epoch: u64, seq: u64) -> Tail {
    Tail { epoch: Epoch(epoch), seq: Seq(seq), hash: Hash::ZERO }
}

fn takeover(starts: &[(u64, u64)]) -> Takeover {
    let mut base = EpochTable::new();
    for (epoch, seq) in starts {
        let (epoch, seq) = (Epoch(*epoch), Seq(*seq));
        base.push(Start { epoch, seq, hash: Hash::ZERO, config: ConfigId(1), forced: false });
    }
    let config = Config::new(ConfigId(1), vec![NodeId(1), NodeId(2), NodeId(3)], 2).unwrap();
    Takeover::new(Epoch(9), base, config, Some(NodeId(1)), Mutant::None)
}

#[test]
fn two_others_or_the_home_alone_seal() {
    let mut others = takeover(&[(1, 1)]);
    others.promise(NodeId(2), tail(1, 5));
    assert_eq!(others.close(NodeId(2)), None);
    assert_eq!(others.lacks(), Some(Lack::Promises(vec![NodeId(1), NodeId(3)])));
    others.promise(NodeId(3), tail(1, 7));
    assert_eq!(others.close(NodeId(2)), Some(NodeId(3)));
    assert_eq!(others.stage(), Stage::Copying(tail(1, 7)));

    let mut home = takeover(&[(1, 1)]);
    home.promise(NodeId(1), tail(1, 5));
    assert_eq!(home.close(NodeId(2)), Some(NodeId(1)));
}

#[test]
fn an_old_longer_tail_does_not_become_the_target() {
    let mut takeover = takeover(&[(1, 1), (2, 11)]);
    takeover.promise(NodeId(2), tail(1, 40));
    takeover.promise(NodeId(3), tail(2, 12));
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(3)));
    assert_eq!(takeover.stage(), Stage::Copying(tail(2, 12)));
    assert!(!takeover.is_copied(NodeId(2)));
    takeover.holds(NodeId(2), tail(2, 12));
    assert!(takeover.is_copied(NodeId(2)));
    assert_eq!(takeover.stage(), Stage::Activating(tail(2, 12)));
}

#[test]
fn a_tail_short_of_the_registered_history_blocks() {
    let mut takeover = takeover(&[(1, 1), (2, 11)]);
    takeover.promise(NodeId(2), tail(1, 4));
    takeover.promise(NodeId(3), tail(1, 9));
    assert_eq!(takeover.close(NodeId(2)), None);
    assert_eq!(takeover.lacks(), Some(Lack::History(Seq(10))));
}

#[test]
fn one_copy_is_not_enough_unless_forced() {
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(1), tail(1, 5));
    takeover.close(NodeId(2));
    takeover.holds(NodeId(2), tail(1, 4));
    assert!(!takeover.is_copied(NodeId(2)));
    assert_eq!(takeover.lacks(), Some(Lack::Copies(vec![NodeId(2), NodeId(3)])));
    takeover.holds(NodeId(2), tail(1, 5));
    assert!(takeover.is_copied(NodeId(2)));
}
