//! What a boot scan of the log means: clean, torn, or corrupt.
//!
//! A crash may tear or lose whatever was written since the last fsync; nobody was told that any of
//! it was kept, so it is cut off and the node goes on. Damage to anything older is another matter:
//! those bytes were acknowledged, and cutting them would lose them without a word. The two look
//! alike at the place of damage. They differ in what else is known: each record carries how much of
//! the log was durable when it was written, and so does the superblock. If either reaches past the
//! first bad place, acknowledged bytes are gone.
//!
//! The reading is done by `storage`; here is only the verdict. What this cannot see: damage to the
//! last batch that was acknowledged, when nothing was written after it. It reads as torn, and the
//! group's peers decide about it ("may have had it", PROTOCOL 7.5 and S8).

use types::Position;

/// What the reader found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    /// Where the unbroken run of good records from the start of the log ends.
    pub end: Position,
    /// The superblock's durable mark.
    pub marked: Position,
    /// Of the good records found past `end`, the one with the highest durable mark.
    pub beyond: Option<Beyond>,
    /// Whether anything but zeros lies past `end`.
    pub residue: bool,
}

/// Bytes of the log that were written once and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where they begin.
    pub from: Position,
    /// Where the next good record starts; `None` if none follows.
    pub until: Option<Position>,
    /// Whether records of groups may have stood there.
    pub groups: bool,
    /// Whether records of the register may have stood there.
    pub register: bool,
}

/// A good record, at its right place, past the first bad place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beyond {
    /// Where it stands.
    pub at: Position,
    /// What was durable when it was written.
    pub durable: Position,
}

/// What the findings mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The log ends at `end` and nothing lies past it.
    Clean,
    /// The last write was torn: cut at `end` and zero what follows, before anything is written.
    Torn,
    /// Acknowledged bytes at `end` are lost or damaged: repair from a peer, never cut.
    Corrupt(Evidence),
}

/// How we know that bytes at the bad place were durable once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A later record says so.
    Record(Beyond),
    /// The superblock says so.
    Superblock {
        /// Its durable mark.
        marked: Position,
    },
}

/// Judges what a scan found.
#[must_use]
pub fn judge(found: &Findings) -> Verdict {
    if let Some(beyond) = found.beyond
        && beyond.durable > found.end
    {
        return Verdict::Corrupt(Evidence::Record(beyond));
    }
    if found.marked > found.end {
        return Verdict::Corrupt(Evidence::Superblock { marked: found.marked });
    }
    if found.residue || found.beyond.is_some() { Verdict::Torn } else { Verdict::Clean }
}

#[cfg(test)]
mod tests;
