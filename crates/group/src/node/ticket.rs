//! Tickets of commands that were handed to another node: whose answer is this?
//!
//! An answer carries nothing but its ticket, and may come after the node that asked has started anew.
//! Were the new life to number its tickets like the old one, a client could be told the outcome of
//! another client's command. So a ticket names the life, and a node hands nothing over before the
//! number of its life is durable.
//!
//! Layout of the 64 bits: group 16, life modulo 4,096 in 12, count in 36. A count that wraps does so
//! after days at any rate a node can reach, long after its first answers are gone.

use types::GroupId;

const COUNT_BITS: u32 = 36;
const COUNT_MASK: u64 = (1 << COUNT_BITS) - 1;
const LIFE_MASK: u64 = (1 << 12) - 1;

/// A ticket as it travels.
pub(super) const fn join(group: GroupId, life: u64, count: u64) -> u64 {
    (group.0 as u64) << 48 | (life & LIFE_MASK) << COUNT_BITS | (count & COUNT_MASK)
}

/// The group and the count of a ticket, if it is of this life.
pub(super) fn split(ticket: u64, life: u64) -> Option<(GroupId, u64)> {
    let group = u16::try_from(ticket >> 48).expect("16 bits are left");
    let is_ours = (ticket >> COUNT_BITS) & LIFE_MASK == life & LIFE_MASK;
    is_ours.then_some((GroupId(group), ticket & COUNT_MASK))
}

#[cfg(test)]
mod tests;
