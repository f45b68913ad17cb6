//! If a reason to stay is missed, traffic moves on a false alarm; if one is hidden, nobody knows what to mend.

use alloc::vec;

use super::*;

const POLICY: Policy = Policy {
    automatic: true,
    detect_us: 1_000,
    vantage_points: 2,
    residence_us: 60_000,
    stagger_us: 300,
};

fn sight() -> Sight {
    Sight {
        silent_us: 1_500,
        observers: vec![NodeId(3)],
        register: true,
        unreachable: vec![],
        missing: vec![],
        moved_us: None,
        rank: 0,
        skew_us: None,
        member: true,
    }
}

#[test]
fn a_clear_case_moves() {
    assert_eq!(judge(&POLICY, &sight()), Ok(()));
    assert_eq!(judge(&POLICY, &Sight { rank: 1, ..sight() }), Ok(()));
    assert_eq!(judge(&POLICY, &Sight { moved_us: Some(60_000), ..sight() }), Ok(()));
}

#[test]
fn each_reason_to_stay_is_named() {
    let check = |sight: Sight, stays: Vec<Stay>| assert_eq!(judge(&POLICY, &sight), Err(stays));
    check(Sight { observers: vec![], ..sight() }, vec![Stay::Vantage { seen_by: 1, needed: 2 }]);
    check(
        Sight { silent_us: 10, observers: vec![NodeId(2), NodeId(3)], ..sight() },
        vec![Stay::Progress { silent_us: 10, detect_us: 1_000 }],
    );
    check(Sight { member: false, ..sight() }, vec![Stay::NotMember]);
    check(Sight { missing: vec![NodeId(3)], ..sight() }, vec![Stay::NoCopies(vec![NodeId(3)])]);
    check(Sight { rank: 2, ..sight() }, vec![Stay::Rank { left_us: 100 }]);
    check(
        Sight { register: false, unreachable: vec![NodeId(3)], moved_us: Some(1), ..sight() },
        vec![
            Stay::NoRegister,
            Stay::NoSealSet(vec![NodeId(3)]),
            Stay::Residence { left_us: 59_999 },
        ],
    );
}
