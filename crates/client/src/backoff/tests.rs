//! If pauses do not grow or do not differ, a region that comes back is trampled down at once.

use super::*;

#[test]
fn pauses_grow_to_a_bound_and_are_spread() {
    let options = Options::default();
    let spread = Spread::new(7);
    for round in 0..200 {
        let whole = options.pause_first.saturating_mul(1 << round.min(16)).min(options.pause_max);
        let pause = spread.pause(&options, round);
        assert!(pause >= whole / 2 && pause <= whole, "round {round}: {pause:?} of {whole:?}");
    }
    let differ = (0..20).map(|_| spread.pause(&options, 10)).collect::<Vec<_>>();
    assert!(differ.windows(2).any(|pair| pair[0] != pair[1]));
}
