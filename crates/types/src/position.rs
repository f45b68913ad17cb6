//! Where something stands: in the order of writers (epoch), in a chain (seq), on a disk (position).

use core::fmt;

use crate::Hash;

/// The number of one home's right to append to a group. Issued only by the register, never reused,
/// never lowered; 0 is "no home yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// The position of a record in its group's chain. The first record is 1; 0 is "before all".
/// A record is a batch of commands; the commands inside have an index, not a seq.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// Where storage keeps a record: bytes from the start of the node's log. Opaque to deciders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// The end of a chain: the last record's epoch, seq and hash. An empty chain ends at
/// `(0, 0, zero)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tail {
    /// Epoch under which the last record was first appended.
    pub epoch: Epoch,
    /// Seq of the last record.
    pub seq: Seq,
    /// Chain hash of the last record.
    pub hash: Hash,
}

impl Epoch {
    /// The next epoch.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Seq {
    /// The seq after this one. The last stays the last: a peer may name it, no chain reaches it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The seq before this one; 0 stays 0.
    #[must_use]
    pub const fn prev(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
