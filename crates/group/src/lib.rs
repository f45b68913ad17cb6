//! One group, and the node that composes groups with the register: the machines that outsiders
//! drive.
//!
//! [`Node`] is the whole of what one process decides. The runtime feeds it clocks, frames, completed
//! writes and commands and carries out its [`Effect`]s; the simulator does the same with clocks,
//! nets and disks of its own. Nothing here reads a clock, opens a socket or touches a disk.
#![no_std]

extern crate alloc;

mod answers;
mod desk;
mod event;
mod group;
mod marks;
mod node;
mod options;
mod post;
mod read;
mod snapshot;
mod solo;
mod versions;

pub use channel::{Lost, NoPlan, Plan};
pub use desk::Asker;
pub use event::Event;
pub use group::{
    AtRisk, Bar, Group, GroupStatus, Known, NoModel, PeerStatus, RoleStatus, Stage, reopening,
};
pub use node::{
    Decision, Effect, Explanation, FileProgress, Folder, Input, Lane, MembershipOrder, Node,
    NodeEvent, NodeStep, Order, OrderRefusal, RecoverError, RecoverOrder, Recovery, Restoration,
    StopReason, TermsOrder, UpgradeOrder,
};
pub use options::{GroupOptions, NodeOptions};
pub use read::{CutRefusal, ReadEnd, ReadKind, ReadLevel, ReadOrder, ReadRefusal, ReadTally};
pub use snapshot::SnapshotError;
pub use solo::{NotAChain, Solo, SoloEffect, SoloInput};
