//! Which numbers epochs, configurations and newcomers have: a range of their own for each time that the register was
//! begun anew by force.
//!
//! What the lost members had decided last is not known. They may have issued any number above those that
//! the survivor knows, and records under these numbers may lie on any disk. So the register never
//! issues a number outside the range of its last beginning, and each beginning has a range that no other
//! has: it names how often force was used before, and the node at which it was used. A node keeps
//! on its disk that it used it, so it never uses the same range twice; two nodes that do so at once get
//! different ones. In decimal places, as people have to read these numbers: in epoch
//! `1 00003 000000007` the register was begun anew once, at node 3, and this is the seventh since.
//!
//! A newcomer's id has 16 bits, so its range names, beside how often force was used, only roughly where: by how
//! many nodes had come before the one at which it was, modulo [`SLOTS`]. Beginnings one after the other never
//! share an id, nor do two at once at nodes of one cluster's first sixteen.
//!
//! A configuration is only ever named together with an epoch that has it. Its numbers leave room for as
//! many as there can be in 32 bits, and the ranges of two beginnings at once are the same.

use types::{ConfigId, Epoch, NodeId};

/// Epochs of one group in one range: one each second for 31 years.
const EPOCHS: u64 = 1_000_000_000;

/// Ranges for each count of beginnings: a node's number has at most five places.
const NODES: u64 = 100_000;

/// Configurations of one group in one range.
const CONFIGS: u32 = 40_000_000;

/// How often the register may be begun anew by force. All epochs then stay below 2^53, so that no
/// program that takes numbers for floating ones confuses two of them. And there are ids enough.
pub const FORCES_MAX: usize = 24;

/// Below this the ids of the first day's nodes lie, and those of newcomers before any beginning.
pub const FOUNDER_IDS_END: u16 = 16_384;

/// Ids in one range after that. Where most disks of a large cluster are replaced between two beginnings,
/// they suffice.
const IDS: u16 = 128;

/// Ranges of ids for each count of beginnings.
const SLOTS: u16 = 16;

const _: () = assert!(
    FOUNDER_IDS_END as usize + FORCES_MAX * SLOTS as usize * IDS as usize <= 1 << 16,
    "all have 16 bits"
);
const _: () = assert!((FORCES_MAX as u64 + 1) * NODES * EPOCHS < 1 << 53, "all can be shown");
const _: () = assert!((FORCES_MAX as u64 + 1) * (CONFIGS as u64) < 1 << 32, "all fit");
const _: () = assert!(NODES > u16::MAX as u64, "every node has its own");

/// What lies below everything that may be issued after a beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// The first epoch issued is one above.
    pub(crate) epoch: Epoch,
    /// The first new configuration is one above.
    pub(crate) config: ConfigId,
}

/// Where numbers go on when the register is begun anew for the `count`th time, from 1, at the node `at`.
/// `None` beyond [`FORCES_MAX`].
pub(crate) fn base(count: usize, at: NodeId) -> Option<Base> {
    let count = u32::try_from(count).ok().filter(|_| count <= FORCES_MAX)?;
    let range = u64::from(count) * NODES + u64::from(at.0);
    Some(Base { epoch: Epoch(range * EPOCHS), config: ConfigId(count * CONFIGS) })
}

/// The ids that newcomers may have: from the first up to, and without, the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) first: u16,
    pub(crate) end: u32,
}

impl Ids {
    /// Before any beginning by force.
    pub(crate) const FIRST: Self = Self { first: 1, end: FOUNDER_IDS_END as u32 };

    /// After the `count`th beginning, from 1 up to [`FORCES_MAX`], at a node before which `before` others had
    /// come.
    pub(crate) fn after(count: usize, before: usize) -> Option<Self> {
        let count = u16::try_from(count).ok().filter(|count| usize::from(*count) <= FORCES_MAX)?;
        let slot = u16::try_from(before % usize::from(SLOTS)).ok()?;
        let range = count.checked_sub(1)? * SLOTS + slot;
        let first = FOUNDER_IDS_END + range * IDS;
        Some(Self { first, end: u32::from(first) + u32::from(IDS) })
    }

    /// How far above the lowest free id a newcomer's may be: one far above would use up all between.
    pub(crate) const fn step(self) -> u16 {
        if self.first < FOUNDER_IDS_END { 64 } else { 16 }
    }
}

/// The number of the last beginning that an epoch was issued after: nothing up to it was.
pub(crate) const fn range_of(epoch: Epoch) -> Epoch {
    Epoch(epoch.0 / EPOCHS * EPOCHS)
}

/// The epoch after `issued`, unless its range is used up.
pub(crate) fn epoch_after(issued: Epoch) -> Option<Epoch> {
    let next = issued.next();
    (range_of(next) == range_of(issued)).then_some(next)
}

/// The configuration number after `highest`; `highest` itself when its range is used up, so that whoever
/// uses it is refused.
pub(crate) const fn config_after(highest: ConfigId) -> ConfigId {
    if (highest.0 + 1) / CONFIGS == highest.0 / CONFIGS { ConfigId(highest.0 + 1) } else { highest }
}

/// Whether two configurations' numbers belong to one range.
pub(crate) const fn is_one_range(one: ConfigId, other: ConfigId) -> bool {
    one.0 / CONFIGS == other.0 / CONFIGS
}

#[cfg(test)]
mod tests;
