//! What the index must keep: ids, numbers, spread.

use super::*;

/// A payment could not be found again, or another would be found in its place.
#[test]
fn every_id_keeps_its_number() {
    let mut index = Index::new();
    assert!(index.is_empty());
    for number in 0..20_000_u32 {
        assert!(index.insert(id(number), number));
    }
    for number in 0..20_000_u32 {
        assert_eq!(index.get(&id(number)), Some(number));
        assert!(!index.insert(id(number), 7), "an id keeps its first number");
        assert_eq!(index.get(&id(number)), Some(number));
    }
    assert_eq!(index.len(), 20_000);
    assert_eq!(index.get(&id(20_000)), None);
}

/// Counters as ids would fill a few tables and leave the rest empty, and every posting would crawl.
#[test]
fn counters_spread_over_tables() {
    for shift in [0, 8, 32, 64, 96, 120] {
        let mut index = Index::new();
        let count = if shift == 120 { 256 } else { 25_600 };
        for number in 0..count {
            assert!(index.insert((u128::from(number) << shift).to_le_bytes(), number));
        }
        let largest = index.shards.iter().map(HashTable::len).max().unwrap();
        assert!(largest < if count == 256 { 9 } else { 160 }, "{largest} at shift {shift}");
    }
}

/// Two replicas with one history would be called different.
#[test]
fn equality_ignores_the_order_of_insertion() {
    let (mut up, mut down) = (Index::new(), Index::new());
    for number in 0..1_000 {
        up.insert(id(number), number);
        down.insert(id(999 - number), 999 - number);
    }
    assert_eq!(up, down);
    down.insert(id(1_000), 1_000);
    assert_ne!(up, down);
    up.insert(id(1_000), 0);
    assert_ne!(up, down);
}

fn id(number: u32) -> [u8; 16] {
    u128::from(number).to_be_bytes()
}
