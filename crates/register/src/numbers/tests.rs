//! Ranges of numbers never meet.

use alloc::vec;

use types::{ConfigId, Epoch, NodeId};

use super::{
    CONFIGS, EPOCHS, FORCES_MAX, IDS, Ids, SLOTS, base, config_after, epoch_after, range_of,
};

#[test]
fn no_two_beginnings_share_an_epoch() {
    // A record of the lost home would pass for one of the new home under the same epoch and seq.
    let bases = |count| [1, 2, u16::MAX].map(|node| base(count, NodeId(node)).unwrap().epoch);
    let mut all = vec![Epoch(0)];
    all.extend((1..=FORCES_MAX).flat_map(bases));
    assert!(all.windows(2).all(|pair| pair[0].0 + EPOCHS <= pair[1].0), "in order, and apart");
    for begun in all {
        let last = Epoch(begun.0 + EPOCHS - 1);
        assert_eq!(epoch_after(begun), Some(Epoch(begun.0 + 1)));
        assert_eq!(epoch_after(last), None, "the next range is another's");
        assert_eq!(range_of(last), begun);
    }
    assert_eq!(base(FORCES_MAX + 1, NodeId(1)), None);
}

#[test]
fn what_is_used_up_is_not_used_again() {
    // Going on into the next range would be what the ranges are there to exclude.
    assert_eq!(config_after(ConfigId(7)), ConfigId(8));
    let last = ConfigId(CONFIGS - 1);
    assert_eq!(config_after(last), last);
    let begun = base(FORCES_MAX, NodeId(3)).unwrap().config;
    assert_eq!(config_after(begun), ConfigId(begun.0 + 1));
}

#[test]
fn no_two_beginnings_share_an_id() {
    // Two disks under one id: one vouches for what the other holds (I14).
    let slots = 0..usize::from(SLOTS);
    let all = (1..=FORCES_MAX).flat_map(|count| slots.clone().map(move |slot| (count, slot)));
    let mut end = Ids::FIRST.end;
    for (count, slot) in all {
        let ids = Ids::after(count, slot).unwrap();
        assert_eq!(u32::from(ids.first), end);
        assert_eq!(ids.end, end + u32::from(IDS));
        end = ids.end;
    }
    assert_eq!(end, 1 << 16);
    assert_eq!(Ids::after(FORCES_MAX + 1, 0), None);
    assert_eq!(Ids::after(0, 0), None);
}
