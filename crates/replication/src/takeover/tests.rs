//! If a takeover takes too short a tail, what was acknowledged is gone; too long, orphans return.

use alloc::vec;

use types::{ConfigId, Hash, Start};

use super::*;

fn tail(epoch: u64, seq: u64) -> Tail {
    Tail { epoch: Epoch(epoch), seq: Seq(seq), hash: Hash::ZERO }
}

/// What a member that has taken part knows.
fn known() -> EpochTable {
    let start = Start {
        epoch: Epoch(1),
        seq: Seq(1),
        hash: Hash::ZERO,
        config: ConfigId(1),
        forced: false,
    };
    EpochTable::from_starts(vec![start]).unwrap()
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
    others.promise(NodeId(2), tail(1, 5), &known());
    assert_eq!(others.close(NodeId(2)), None);
    assert_eq!(others.lacks(), Some(Lack::Promises(vec![NodeId(1), NodeId(3)])));
    others.promise(NodeId(3), tail(1, 7), &known());
    assert_eq!(others.close(NodeId(2)), Some(NodeId(3)));
    assert_eq!(others.stage(), Stage::Copying(tail(1, 7)));

    let mut home = takeover(&[(1, 1)]);
    home.promise(NodeId(1), tail(1, 5), &known());
    assert_eq!(home.close(NodeId(2)), Some(NodeId(1)));
}

#[test]
fn an_old_longer_tail_does_not_become_the_target() {
    let mut takeover = takeover(&[(1, 1), (2, 11)]);
    takeover.promise(NodeId(2), tail(1, 40), &known());
    takeover.promise(NodeId(3), tail(2, 12), &known());
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(3)));
    assert_eq!(takeover.stage(), Stage::Copying(tail(2, 12)));
    assert!(!takeover.is_copied(NodeId(2), |_| true));
    takeover.holds(NodeId(2), tail(2, 12));
    assert!(takeover.is_copied(NodeId(2), |_| true));
    assert_eq!(takeover.stage(), Stage::Activating(tail(2, 12)));
}

#[test]
fn a_tail_short_of_the_registered_history_blocks() {
    let mut takeover = takeover(&[(1, 1), (2, 11)]);
    takeover.promise(NodeId(2), tail(1, 4), &known());
    takeover.promise(NodeId(3), tail(1, 9), &known());
    assert_eq!(takeover.close(NodeId(2)), None);
    assert_eq!(takeover.lacks(), Some(Lack::History(Seq(10))));
}

#[test]
fn one_copy_is_not_enough_unless_forced() {
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(1), tail(1, 5), &known());
    takeover.close(NodeId(2));
    takeover.holds(NodeId(2), tail(1, 4));
    assert!(!takeover.is_copied(NodeId(2), |_| true));
    assert_eq!(takeover.lacks(), Some(Lack::Copies(vec![NodeId(2), NodeId(3)])));
    takeover.holds(NodeId(2), tail(1, 5));
    assert!(takeover.is_copied(NodeId(2), |_| true));
}

#[test]
fn a_blank_disk_does_not_vouch_for_a_group_that_has_a_history() {
    // A replaced disk says "never had it" of records that it acknowledged, and they are lost.
    let blank = EpochTable::new();
    let mut takeover = takeover(&[(1, 1)]);
    takeover.promise(NodeId(2), tail(1, 5), &known());
    takeover.promise(NodeId(3), tail(0, 0), &blank);
    assert_eq!(takeover.close(NodeId(2)), None);
    assert_eq!(takeover.lacks(), Some(Lack::Promises(vec![NodeId(1), NodeId(3)])));
    let mut everybody = takeover.clone();
    everybody.promise(NodeId(1), tail(0, 0), &blank);
    assert_eq!(everybody.close(NodeId(2)), Some(NodeId(2)), "nobody is left to ask");
    takeover.promise(NodeId(1), tail(1, 9), &known());
    assert_eq!(takeover.close(NodeId(2)), Some(NodeId(1)));

    let mut first =
        Takeover::new(Epoch(1), EpochTable::new(), takeover.config.clone(), None, Mutant::None);
    first.promise(NodeId(2), tail(0, 0), &blank);
    first.promise(NodeId(3), tail(0, 0), &blank);
    assert_eq!(first.close(NodeId(2)), Some(NodeId(2)), "all are blank on the first day");
}

#[test]
fn force_still_copies_to_all_that_can_be_reached() {
    // Found by seed 32155: what one node held alone became history, and when that node died too, the
    // others waited for it.
    let mut takeover = takeover(&[(1, 1)]);
    takeover.forced = true;
    takeover.promise(NodeId(3), tail(1, 9), &known());
    takeover.promise(NodeId(2), tail(1, 5), &known());
    assert_eq!(takeover.close(NodeId(3)), Some(NodeId(3)));
    assert!(!takeover.clone().is_copied(NodeId(3), |_| true));
    assert!(takeover.is_copied(NodeId(3), |node| node != NodeId(2)));
}
