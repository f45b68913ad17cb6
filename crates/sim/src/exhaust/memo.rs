//! Steps of single members, each taken once and remembered by what went in.
//!
//! Values are known by a mark, 64 bits over everything in them. Two different values of equal marks
//! would be taken for one; with the ten thousands of members and messages that a bound has, the chance
//! is below one in a billion.

use std::fmt::{Debug, Write};
use std::hash::RandomState;
use std::sync::{Arc, Mutex, PoisonError};

use hashbrown::HashMap;
use register::GroupState;
use replication::Mutant;

use super::member::{Member, Step};
use super::sent::Sent;

/// What a member is handed.
#[derive(Clone, Debug)]
pub(super) enum Given {
    /// A message.
    Message(Arc<Sent>),
    /// What the register decided.
    Decision(Arc<Decision>),
    /// Its writes are durable.
    Durable,
    /// It loses power; of what it asked its disk for, so much is kept.
    Crash {
        /// Records.
        records: usize,
        /// Blobs.
        blobs: usize,
    },
    /// It comes back with an empty disk.
    Blank,
    /// Its session to another member broke and was opened again.
    Session(usize),
    /// A client's command of this number.
    Command(u8),
    /// A planned switch has waited long enough.
    Patience,
}

/// A state of the group in the register.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) state: GroupState,
    pub(super) mark: u64,
}

impl Decision {
    pub(super) fn new(state: GroupState) -> Self {
        let mark = mark(&state);
        Self { state, mark }
    }
}

impl Given {
    /// What tells it from everything else that may be handed over.
    fn mark(&self) -> (u8, u64) {
        match self {
            Self::Message(sent) => (0, sent.mark()),
            Self::Decision(decision) => (1, decision.mark),
            Self::Durable => (2, 0),
            Self::Crash { records, blobs } => (3, (*records as u64) << 32 | *blobs as u64),
            Self::Blank => (4, 0),
            Self::Command(number) => (5, u64::from(*number)),
            Self::Patience => (6, 0),
            Self::Session(peer) => (7, *peer as u64),
        }
    }
}

type Key = (u64, (u8, u64));

/// The steps taken so far.
#[derive(Debug)]
pub(super) struct Memo {
    pub(super) mutant: Mutant,
    /// Whether writes are durable later than asked for.
    pub(super) slow_disks: bool,
    shards: Vec<Mutex<HashMap<Key, Arc<Step>, RandomState>>>,
}

impl Memo {
    pub(super) fn new(mutant: Mutant, slow_disks: bool) -> Self {
        let shard = || Mutex::new(HashMap::with_hasher(RandomState::new()));
        Self { mutant, slow_disks, shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// What `member` makes of it.
    pub(super) fn step(&self, member: &Member, given: &Given) -> Arc<Step> {
        let key = (member.mark(), given.mark());
        let index = usize::try_from((key.0 ^ key.1.1) % SHARDS).expect("there are few shards");
        let shard = self.shards.get(index).expect("there are as many");
        if let Some(step) = shard.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return step.clone();
        }
        // Taken outside the lock: another thread may take it, too, and comes to the same.
        let step = Arc::new(member.step(given, self));
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.entry(key).or_insert(step).clone()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let count = |shard: &Mutex<HashMap<_, _, _>>| {
            shard.lock().unwrap_or_else(PoisonError::into_inner).len()
        };
        self.shards.iter().map(count).sum()
    }
}

const SHARDS: u64 = 64;

/// The mark of a value: a hash over what its `Debug` says, which is everything in it.
pub(super) fn mark(value: &impl Debug) -> u64 {
    let mut marker = Marker(0xcbf2_9ce4_8422_2325);
    write!(marker, "{value:?}").expect("a hash takes everything");
    marker.0
}

/// The mark of several marks.
pub(super) fn join(marks: impl IntoIterator<Item = u64>) -> u64 {
    let mut marker = Marker(0x9e37_79b9_7f4a_7c15);
    for mark in marks {
        marker.mix(mark);
    }
    marker.0
}

struct Marker(u64);

impl Marker {
    const fn mix(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9fb2_1c65_1e98_df25);
        self.0 ^= self.0 >> 32;
    }
}

impl Write for Marker {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(chunk) {
                *slot = *byte;
            }
            self.mix(u64::from_le_bytes(word) ^ chunk.len() as u64);
        }
        Ok(())
    }
}
