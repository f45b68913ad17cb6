//! If a hold is missed, traffic moves on a false alarm; if one is hidden, nobody knows what to mend.

use alloc::vec;

use super::*;

const POLICY: Policy = Policy {
    automatic: true,
    detect_us: 1_000,
    vantage_points: 2,
    residence_us: 60_000,
    stagger_us: 300,
};

fn case() -> Case {
    Case {
        silent_us: 1_500,
        witnesses: vec![NodeId(3)],
        register: true,
        unreachable: vec![],
        moved_us: None,
        rank: 0,
    }
}

#[test]
fn a_clear_case_moves() {
    assert_eq!(judge(&POLICY, &case()), Ok(()));
    assert_eq!(judge(&POLICY, &Case { rank: 1, ..case() }), Ok(()));
    assert_eq!(judge(&POLICY, &Case { moved_us: Some(60_000), ..case() }), Ok(()));
}

#[test]
fn each_hold_is_named() {
    let check = |case: Case, holds: Vec<Hold>| assert_eq!(judge(&POLICY, &case), Err(holds));
    check(Case { witnesses: vec![], ..case() }, vec![Hold::Vantage { seen_by: 1, needed: 2 }]);
    check(
        Case { silent_us: 10, witnesses: vec![NodeId(2), NodeId(3)], ..case() },
        vec![Hold::Progress { silent_us: 10, detect_us: 1_000 }],
    );
    check(Case { rank: 2, ..case() }, vec![Hold::Rank { left_us: 100 }]);
    check(
        Case { register: false, unreachable: vec![NodeId(3)], moved_us: Some(1), ..case() },
        vec![
            Hold::NoRegister,
            Hold::NoSealSet(vec![NodeId(3)]),
            Hold::Residence { left_us: 59_999 },
        ],
    );
}
