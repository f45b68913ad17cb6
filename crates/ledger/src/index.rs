//! From 16-byte ids to numbers, the same in every region.
//!
//! An index over millions of ids is asked on every posting, where an ordered map costs a microsecond
//! and a hash map a tenth of it. What makes a hash map unfit for replicated state is its order, so
//! this one cannot be iterated. It is split into [`SHARDS`] tables because a table that is full
//! copies itself into a larger one: split, that is many short pauses and not one long one.

use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashTable;

/// Tables in an index.
const SHARDS: usize = 256;

/// An id and its number.
type Entry = ([u8; 16], u32);

/// Ids and their numbers; an id that stands in it is never changed or removed.
///
/// Ids that outsiders can choose freely must be hashed before (SHA-256 does): the mixing in here is
/// public, so that chosen ids could be made to collide and slow it down. It would stay correct.
#[derive(Clone)]
pub struct Index {
    shards: Vec<HashTable<Entry>>,
    count: usize,
}

impl Index {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| HashTable::new()).collect(), count: 0 }
    }

    /// How many ids stand in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of `id`.
    #[must_use]
    pub fn get(&self, id: &[u8; 16]) -> Option<u32> {
        let hash = mix(id);
        let (_, number) = self.shards.get(shard(hash))?.find(hash, |(known, _)| known == id)?;
        Some(*number)
    }

    /// Gives `id` the number, unless it has one; returns whether it did.
    pub fn insert(&mut self, id: [u8; 16], number: u32) -> bool {
        let hash = mix(&id);
        let table = self.shards.get_mut(shard(hash)).expect("there is a table for every shard");
        if table.find(hash, |(known, _)| *known == id).is_some() {
            return false;
        }
        table.insert_unique(hash, (id, number), |(known, _)| mix(known));
        self.count = self.count.saturating_add(1);
        true
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal where every id has the same number, whatever the order inside.
impl PartialEq for Index {
    fn eq(&self, other: &Self) -> bool {
        let same = |(id, number): &Entry| other.get(id) == Some(*number);
        self.count == other.count && self.shards.iter().all(|table| table.iter().all(same))
    }
}

impl Eq for Index {}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Spreads an id over 64 bits, so that counters and UUIDs spread as well as hashes do. Ids that
/// share one half never share a hash, because `scramble` is a bijection.
fn mix(id: &[u8; 16]) -> u64 {
    let [low, high] = [0, 64].map(|shift| {
        let half = (u128::from_le_bytes(*id) >> shift) & u128::from(u64::MAX);
        u64::try_from(half).expect("masked to 64 bits")
    });
    scramble(scramble(low) ^ high)
}

/// The last step of Murmur3's 64-bit hash: every bit in turns half of all bits out.
fn scramble(value: u64) -> u64 {
    let value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

/// The table of a hash. The tables themselves use its lowest and its seven highest bits.
fn shard(hash: u64) -> usize {
    usize::try_from((hash >> 40) & 0xff).expect("eight bits")
}

const _: () = assert!(SHARDS == 256, "eight bits choose the table");

#[cfg(test)]
mod tests;
