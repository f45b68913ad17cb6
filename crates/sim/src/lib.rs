//! The simulated world: the very machines that run in production, under faults drawn from a seed.
//!
//! A [`World`] holds a whole cluster in one thread: nodes recovered from simulated disks, links that
//! lose and delay, clocks that lie, clients and operators. Everything that happens follows from the
//! seed, so a failure that was seen once can be played again. [`Check`] sees all nodes at once and
//! holds the invariants of PROTOCOL 8a against them; [`Canary`] breaks rules on purpose, to prove
//! that the checks bite. `tests/it` tells the failures of PROTOCOL 8b by hand.
//!
//! What it cannot show: anything that only a real disk, kernel or network does.

pub mod app;
mod canary;
pub mod catalog;
mod check;
pub mod clock;
mod disk;
pub mod exhaust;
mod fault;
mod files;
mod knobs;
mod names;
mod net;
mod reopen;
mod report;
mod rng;
mod run;
mod trace;
mod world;

pub use app::{App, Code, Kind as AppKind, REOPENED};
pub use canary::Canary;
pub use check::{Check, Look, Violation};
pub use disk::{Disk, Lie, Said, Write};
pub use fault::{Fault, Rate};
pub use files::{Files, Name};
pub use knobs::{DiskKnobs, Knobs, MILLI, NetKnobs, SECOND, Seat};
pub use names::id;
pub use report::Report;
pub use rng::Rng;
pub use run::{Outcome, run};
pub use trace::Trace;
pub use world::{Ask, Asked, AtCut, Shown, World};
