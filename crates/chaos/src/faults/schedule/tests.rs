//! Without these, a run that calls itself a run of all faults could leave some out.

use std::collections::BTreeSet;

use super::{Abilities, plan};
use crate::faults::Kind;

fn abilities(own_disks: bool, only: Vec<Kind>) -> Abilities {
    Abilities { nodes: 3, own_disks, only }
}

#[test]
fn a_run_of_the_usual_length_has_every_fault() {
    // A kind of fault that is never tried in CI.
    for seed in 0..200 {
        let plan = plan(seed, 100, &abilities(true, Vec::new()));
        let kinds: BTreeSet<Kind> = plan.iter().map(|planned| planned.fault.kind).collect();
        assert_eq!(kinds, BTreeSet::from(Kind::ALL), "seed {seed}");
        for planned in &plan {
            assert!(planned.at_ms + planned.length_ms <= 100_000, "seed {seed}: {planned:?}");
            assert!(planned.fault.node < 3 && planned.fault.other < 3);
            assert_ne!(planned.fault.node, planned.fault.other);
        }
    }
}

#[test]
fn the_same_seed_is_the_same_schedule() {
    // A seed in a report that does not lead back to its faults.
    let all = abilities(true, Vec::new());
    assert_eq!(plan(7, 60, &all), plan(7, 60, &all));
    assert_ne!(plan(7, 60, &all), plan(8, 60, &all));
}

#[test]
fn what_cannot_be_done_is_left_out() {
    // A power cut that the machine cannot make, counted as made.
    let without = plan(1, 300, &abilities(false, Vec::new()));
    assert!(without.iter().all(|planned| !planned.fault.kind.needs_own_disk()));
    let only = plan(1, 60, &abilities(true, vec![Kind::Kill]));
    assert!(only.len() > 5 && only.iter().all(|planned| planned.fault.kind == Kind::Kill));
    assert!(plan(1, 60, &abilities(false, vec![Kind::PowerCut])).is_empty());
}
