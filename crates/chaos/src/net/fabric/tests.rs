//! Without these, a partition that leaks or never heals would make a suite prove nothing, or blame the
//! nodes for its own fault.

use super::{Fabric, Packets, Shape};
use crate::random::Random;

fn fabric() -> Fabric {
    let base = Shape { delay_us: 1_000, ..Shape::default() };
    Fabric::new(3, base, Random::new(1, "test"))
}

#[test]
fn a_cut_holds_one_way_and_ends() {
    // A one-way partition that is two-way, or that outlives its end.
    let mut fabric = fabric();
    fabric.begin(7, vec![(0, 1)], Shape::CUT);
    assert_eq!(fabric.send(0, 1, 5), [None, None]);
    assert_eq!(fabric.send(1, 0, 5), [Some(1_005), None]);
    assert_eq!(fabric.send(0, 2, 5), [Some(1_005), None]);
    fabric.end(7);
    assert_eq!(fabric.send(0, 1, 5), [Some(1_005), None]);
    assert_eq!(fabric.packets(), Packets { passed: 3, cut: 1, ..Packets::default() });
}

#[test]
fn faults_that_overlap_end_one_by_one() {
    // The end of one fault that ends another.
    let mut fabric = fabric();
    fabric.begin(1, vec![(0, 1)], Shape::CUT);
    fabric.begin(2, vec![(0, 1), (1, 0)], Shape::CUT);
    fabric.begin(3, vec![(0, 1)], Shape { delay_us: 500, ..Shape::default() });
    fabric.end(1);
    assert_eq!(fabric.send(0, 1, 0), [None, None]);
    fabric.end(2);
    assert_eq!(fabric.send(0, 1, 0), [Some(1_500), None]);
    fabric.end(2);
    fabric.end(3);
    assert_eq!(fabric.send(0, 1, 0), [Some(1_000), None]);
}

#[test]
fn chances_and_spread_are_about_what_they_say() {
    // A loss of a tenth that loses nothing, or a reordering under which nothing overtakes.
    let mut fabric = fabric();
    let shape =
        Shape { loss_ppm: 100_000, duplicate_ppm: 100_000, jitter_us: 10_000, ..Shape::default() };
    fabric.begin(1, vec![(0, 1)], shape);
    for packet in 0..10_000 {
        let due = fabric.send(0, 1, packet * 100);
        let within = |due: u64| (1_000..=11_000).contains(&(due - packet * 100));
        assert!(due.into_iter().flatten().all(within), "{due:?} for {packet}");
    }
    let Packets { passed, cut, lost, duplicated, overtaking } = fabric.packets();
    assert_eq!((passed + lost, cut), (10_000, 0));
    assert!((800..1_200).contains(&lost), "{lost} lost");
    assert!((700..1_100).contains(&duplicated), "{duplicated} duplicated");
    assert!(overtaking > 5_000, "{overtaking} overtaking");
}
