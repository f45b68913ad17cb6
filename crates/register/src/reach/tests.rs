//! Which of two survivors knows more, and who may follow whom.

use alloc::vec::Vec;

use types::Hash;

use super::{Kin, Reach};

fn reach(lineage: &[u8], generation: u64, round: (u64, u64), accepted: usize) -> Reach {
    let lineage: Vec<Hash> = lineage.iter().map(|byte| Hash([*byte; 32])).collect();
    Reach { generation, votes: true, lineage, round, accepted, decided: 0 }
}

#[test]
fn the_ballot_decides_before_the_length() {
    // A leader that nobody followed any more leaves a long log of what was never decided; gone on from it,
    // the switch that was decided meanwhile is lost though a survivor had it.
    let long = reach(&[], 1, (3, 1), 40);
    let late = reach(&[], 1, (4, 2), 12);
    assert!(late.is_better_than(&long));
    assert!(!long.is_better_than(&late));
    assert!(!late.is_better_than(&late), "either will do");
    assert!(reach(&[], 1, (4, 2), 13).is_better_than(&late));
    assert!(reach(&[], 2, (0, 0), 5).is_better_than(&late), "a generation later");
    assert!(reach(&[7], 2, (0, 0), 5).is_better_than(&reach(&[], 3, (9, 1), 50)));
}

#[test]
fn histories_that_were_both_begun_anew_are_told_apart() {
    // Two survivors that each went on without the other have the same generation number.
    let first = reach(&[], 3, (1, 1), 9);
    let (one, other) = (reach(&[1], 2, (0, 0), 9), reach(&[2], 2, (0, 0), 9));
    assert_eq!(first.kin(&reach(&[], 2, (1, 1), 4)), Kin::Same);
    assert_eq!(first.kin(&one), Kin::Behind);
    assert_eq!(one.kin(&first), Kin::Ahead);
    assert_eq!(one.kin(&other), Kin::Split);
    assert_eq!(one.kin(&reach(&[2, 3], 5, (0, 0), 9)), Kin::Split);
    assert_eq!(one.kin(&reach(&[1, 3], 5, (0, 0), 9)), Kin::Behind);
}
