//! The nodes that were admitted after the first day, for those who tell people about nodes.
//!
//! The core thread puts them in as the register names them; nobody takes one out, and ids are never used
//! twice, so that a reference stays good for as long as the process runs. Which of them are gone, the node
//! knows.

use std::sync::OnceLock;

use register::Newcomer;
use register::limits::NODES_MAX;

/// Nodes in the order in which this node heard of them.
#[derive(Debug)]
pub struct Newcomers {
    slots: Box<[OnceLock<Newcomer>]>,
}

impl Default for Newcomers {
    fn default() -> Self {
        Self { slots: (0..NODES_MAX).map(|_| OnceLock::new()).collect() }
    }
}

impl Newcomers {
    /// All so far.
    pub fn iter(&self) -> impl Iterator<Item = &Newcomer> {
        self.slots.iter().map_while(OnceLock::get)
    }

    /// Puts one in, unless it is there. Called by one thread.
    pub(crate) fn push(&self, newcomer: Newcomer) {
        if self.iter().all(|known| known.node != newcomer.node)
            && let Some(slot) = self.slots.iter().find(|slot| slot.get().is_none())
        {
            // One thread puts in: the slot is free still.
            let _taken = slot.set(newcomer).is_err();
        }
    }
}
