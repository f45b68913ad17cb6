//! A list that only grows, with a digest that does not read it all.
//!
//! A model keeps every payment and every transfer for ever and compares digests every second, so
//! neither may cost more as the list grows. Items live in chunks of [`Roll::CHUNK`] that are never
//! moved again: a plain vector would now and then copy everything it holds, which at ten million
//! payments is a pause that clients see. A full chunk is folded into a running hash once; the
//! digest is that hash and the open chunk.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use sha2::{Digest, Sha256};
use types::Hash;

/// What an item of a [`Roll`] adds to its digest.
pub trait Digested {
    /// Feeds all that the item is, in an encoding of which none is the beginning of another.
    fn feed(&self, hasher: &mut Sha256);
}

/// Items in the order in which they were pushed, never changed and never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roll<T> {
    full: Vec<Box<[T]>>,
    open: Vec<T>,
    /// The hash over all full chunks, each folded onto the one before; zero before the first.
    head: Hash,
}

impl<T: Digested> Roll<T> {
    /// Items in a chunk: folding one is some microseconds of hashing, and few enough are ever open
    /// that a digest costs as little.
    pub const CHUNK: usize = 256;

    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { full: Vec::new(), open: Vec::new(), head: Hash::ZERO }
    }

    /// How many items there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        // Cannot saturate: the items are in memory.
        self.full.len().saturating_mul(Self::CHUNK).saturating_add(self.open.len())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds `item` at the end and returns its number, counted from 0; `None`, and the roll as it
    /// was, once there are 2^32.
    pub fn push(&mut self, item: T) -> Option<u32> {
        let number = u32::try_from(self.len()).ok()?;
        self.open.push(item);
        if self.open.len() == Self::CHUNK {
            self.head = fold(self.head, &self.open);
            let open = mem::replace(&mut self.open, Vec::with_capacity(Self::CHUNK));
            self.full.push(open.into_boxed_slice());
        }
        Some(number)
    }

    /// The item of that number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&T> {
        let number = usize::try_from(number).ok()?;
        let (chunk, index) = (number / Self::CHUNK, number % Self::CHUNK);
        if chunk == self.full.len() {
            return self.open.get(index);
        }
        self.full.get(chunk)?.get(index)
    }

    /// All items, first to last; runs backwards as well.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.full.iter().flat_map(|chunk| chunk.iter()).chain(&self.open)
    }

    /// A hash over all items in order. Costs at most one chunk.
    #[must_use]
    pub fn digest(&self) -> Hash {
        fold(self.head, &self.open)
    }

    /// Reads every item again and asserts that it is what the running hash was made of.
    ///
    /// # Panics
    /// If an item has changed since it was pushed: the memory is not to be trusted.
    pub fn assert_unchanged(&self) {
        let head = self.full.iter().fold(Hash::ZERO, |head, chunk| fold(head, chunk));
        assert_eq!(head, self.head, "an item has changed since it was pushed");
    }
}

impl<T: Digested> Default for Roll<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The hash of the one before, the count, and the items.
fn fold<T: Digested>(head: Hash, items: &[T]) -> Hash {
    let mut hasher = Sha256::new_with_prefix(head.0);
    hasher.update(u64::try_from(items.len()).unwrap_or(u64::MAX).to_le_bytes());
    for item in items {
        item.feed(&mut hasher);
    }
    Hash(hasher.finalize().into())
}

#[cfg(test)]
mod tests;
