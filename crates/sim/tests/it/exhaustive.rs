//! The exhaustive model at bounds that take no time; CI and developers run larger ones.

use replication::Mutant;
use sim::exhaust::{Bound, Exhaust};
use stateright::{Checker, HasDiscoveries, Model};

const SMALL: Bound = Bound {
    epochs: 2,
    commands: 0,
    crashes: 0,
    breaks: 0,
    blanks: 0,
    planned: false,
    slow_disks: false,
};

/// What does not hold within a bound, and how many states were looked at.
fn broken(bound: Bound, mutant: Mutant) -> (Vec<&'static str>, usize) {
    let all = Exhaust::new(bound, mutant).checker();
    let is_whole = mutant == Mutant::None && bound.blanks == 0;
    let until = if is_whole { HasDiscoveries::All } else { HasDiscoveries::AnyFailures };
    let checker = all.finish_when(until).spawn_bfs().join();
    let discoveries = checker.discoveries();
    let properties = checker.model().properties().into_iter();
    let wrong = properties.filter(|property| {
        discoveries.contains_key(property.name) == property.expectation.discovery_is_failure()
    });
    let names = wrong.map(|property| property.name).collect();
    (names, checker.unique_state_count())
}

#[test]
fn nothing_is_lost_whatever_the_order() {
    // Chance has not met every order; one that loses money would be met in the field first.
    for bound in [
        SMALL,
        Bound { epochs: 1, commands: 1, crashes: 1, ..SMALL },
        Bound { epochs: 1, commands: 1, crashes: 1, slow_disks: true, ..SMALL },
        Bound { epochs: 1, commands: 1, breaks: 1, ..SMALL },
        Bound { planned: true, ..SMALL },
    ] {
        let (wrong, states) = broken(bound, Mutant::None);
        assert!(wrong.is_empty(), "{bound:?}: {wrong:?}");
        assert!(states > 200, "{bound:?}: only {states} states");
    }
}

#[test]
fn s3_a_seal_of_too_few_is_found_to_lose_what_was_committed() {
    // A model that cannot see the loss of a record when a rule is broken holds nothing.
    let bound = Bound { commands: 1, ..SMALL };
    assert!(!broken(bound, Mutant::SealTooFew).0.is_empty());
    assert!(!broken(bound, Mutant::CommitOldEpoch).0.is_empty());
}

#[test]
fn s6_an_empty_disk_under_an_old_number_breaks_promises() {
    // Why a replaced disk must come back as another node: it acknowledges what it had sealed.
    let bound = Bound { commands: 1, blanks: 1, ..SMALL };
    assert!(!broken(bound, Mutant::None).0.is_empty());
}
