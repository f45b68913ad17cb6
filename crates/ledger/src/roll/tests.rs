//! What the roll must keep: order, numbers, digests.

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Number(u32);

impl Digested for Number {
    fn feed(&self, hasher: &mut Sha256) {
        hasher.update(self.0.to_le_bytes());
    }
}

fn filled(count: u32) -> Roll<Number> {
    let mut roll = Roll::new();
    for number in 0..count {
        assert_eq!(roll.push(Number(number)), Some(number));
    }
    roll
}

/// A number would lead to another item, or to none, where chunks meet.
#[test]
fn numbers_lead_to_their_items() {
    for count in [0, 1, 255, 256, 257, 511, 512, 513, 1000] {
        let roll = filled(count);
        assert_eq!(roll.len(), usize::try_from(count).unwrap());
        assert_eq!(roll.is_empty(), count == 0);
        for number in 0..count {
            assert_eq!(roll.get(number), Some(&Number(number)));
        }
        assert_eq!(roll.get(count), None);
        assert_eq!(roll.get(u32::MAX), None);
        assert!(roll.iter().map(|item| item.0).eq(0..count));
        assert!(roll.iter().rev().map(|item| item.0).eq((0..count).rev()));
        roll.assert_unchanged();
    }
}

/// Two regions would call different histories equal.
#[test]
fn every_length_has_its_own_digest() {
    let mut digests: Vec<_> = (0..600).map(|count| filled(count).digest()).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 600);
}

/// A flipped bit in an old payment would never be seen.
#[test]
fn a_changed_item_is_found() {
    let mut roll = filled(600);
    let chunk = roll.full.get_mut(1).unwrap();
    *chunk.get_mut(7).unwrap() = Number(0);
    let found = std::panic::catch_unwind(|| roll.assert_unchanged());
    assert!(found.is_err());
}
