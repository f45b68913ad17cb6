//! What is done to the nodes, their disks and their network, and when.

mod inject;
mod kind;
mod schedule;

pub(crate) use inject::{Injected, Injector};
pub(crate) use kind::{Fault, Kind};
pub(crate) use schedule::{Abilities, Planned, plan};
